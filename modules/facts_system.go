package modules

import (
	"cmp"
	"regexp"
	"strconv"
	"strings"
	"time"

	"sunup/internal/value"
)

func readPlatform(f *factFields, facts *value.Dict) {
	node, machine := f.strip("uname.n"), f.strip("uname.m")
	facts.Set("system", f.strip("uname.s"))
	facts.Set("kernel", f.strip("uname.r"))
	facts.Set("kernel_version", f.strip("uname.v"))
	facts.Set("machine", machine)
	fqdn := qualified(f, node)
	facts.Set("fqdn", fqdn)
	short, _, _ := strings.Cut(node, ".")
	facts.Set("hostname", short)
	facts.Set("nodename", node)
	_, domain, _ := strings.Cut(fqdn, ".")
	facts.Set("domain", domain)
	bits := f.strip("bits")
	if bits == "" {
		bits = "32"
		if strings.Contains(machine, "64") || machine == "s390x" {
			bits = "64"
		}
	}
	facts.Set("userspace_bits", bits)
	architecture := machine
	switch {
	case machine == "x86_64" && bits == "64":
		facts.Set("userspace_architecture", "x86_64")
	case machine == "x86_64":
		facts.Set("userspace_architecture", "i386")
	case len(machine) == 4 && machine[0] == 'i' && strings.HasSuffix(machine, "86"):
		architecture = "i386"
		facts.Set("userspace_architecture", "i386")
	}
	facts.Set("architecture", architecture)
	for _, name := range []string{"machine_id.dbus", "machine_id"} {
		if id := lines(f.fields[name]); len(id) > 0 {
			facts.Set("machine_id", id[0])
			break
		}
	}
}

// qualified is the name of the host with its domain: the first name with a dot
// that its address has, or the first one.
func qualified(f *factFields, node string) string {
	names := strings.Fields(f.fields["fqdn.names"])
	if len(names) > 1 {
		for _, name := range names[1:] {
			if strings.Contains(name, ".") {
				return name
			}
		}
		return names[1]
	}
	if name := f.strip("fqdn"); name != "" {
		return name
	}
	return node
}

func readLSB(f *factFields, facts *value.Dict) {
	lsb := &value.Dict{}
	put := func(key, v string) { lsb.Set(key, strings.Trim(strings.TrimSpace(v), `'"\`)) }
	words := map[string]string{
		"LSB Version": "release", "Distributor ID": "id", "Description": "description", "Release": "release", "Codename": "codename",
		"DISTRIB_ID": "id", "DISTRIB_RELEASE": "release", "DISTRIB_DESCRIPTION": "description", "DISTRIB_CODENAME": "codename",
	}
	for _, line := range lines(f.fields["lsb"]) {
		if k, v, ok := strings.Cut(line, ":"); ok && words[k] != "" {
			put(words[k], v)
		}
	}
	for _, line := range lines(f.fields["lsb.file"]) {
		if k, v, ok := strings.Cut(line, "="); ok && words[k] != "" {
			put(words[k], v)
		}
	}
	if f.has("lsb.id") {
		put("id", lsbID(f.fields["lsb.id"], f.fields["lsb.name"]))
		put("description", cmp.Or(f.fields["lsb.pretty"], "n/a"))
		put("release", cmp.Or(f.fields["lsb.version"], "n/a"))
		put("codename", cmp.Or(f.fields["lsb.codename"], "n/a"))
	}
	if release := value.Str(lsb.At("release")); lsb.Has("release") {
		major, _, _ := strings.Cut(release, ".")
		lsb.Set("major_release", major)
	}
	facts.Set("lsb", lsb)
}

// lsbID is the distributor as Debian's lsb_release makes it of ID and NAME: the
// name when it differs only in capitals, else the id with a capital.
func lsbID(id, name string) string {
	switch {
	case id == "":
		return "n/a"
	case strings.EqualFold(name, id):
		return name
	}
	return strings.ToUpper(id[:1]) + id[1:]
}

func readSELinux(f *factFields, facts *value.Dict) {
	facts.Set("selinux_python_present", true)
	d := value.NewDict("status", "disabled")
	if f.has("selinux.enforce") {
		mode := "permissive"
		if f.strip("selinux.enforce") == "1" {
			mode = "enforcing"
		}
		config := keyValues(f.fields["selinux.config"])
		d.Set("status", "enabled")
		d.Set("policyvers", "unknown")
		if n, err := strconv.Atoi(f.strip("selinux.version")); err == nil {
			d.Set("policyvers", n)
		}
		d.Set("config_mode", orUnknown(config["SELINUX"]))
		d.Set("mode", mode)
		d.Set("type", orUnknown(config["SELINUXTYPE"]))
	}
	facts.Set("selinux", d)
}

func orUnknown(s string) string {
	if s == "" {
		return "unknown"
	}
	return s
}

// keyValues reads NAME=value lines, quotes taken off.
func keyValues(text string) map[string]string {
	m := map[string]string{}
	for _, line := range lines(text) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "#") {
			continue
		}
		if k, v, ok := strings.Cut(line, "="); ok {
			m[k] = unquoted(v)
		}
	}
	return m
}

func unquoted(s string) string {
	s = strings.TrimSpace(s)
	if len(s) >= 2 && (s[0] == '"' || s[0] == '\'') && s[len(s)-1] == s[0] {
		return s[1 : len(s)-1]
	}
	return s
}

func readAppArmor(f *factFields, facts *value.Dict) {
	status := "disabled"
	if f.has("apparmor") {
		status = "enabled"
	}
	facts.Set("apparmor", value.NewDict("status", status))
}

func readFIPS(f *factFields, facts *value.Dict) { facts.Set("fips", f.strip("fips") == "1") }

func readChroot(f *factFields, facts *value.Dict) {
	root, initial := f.strip("chroot.root"), f.strip("chroot.init")
	in := f.strip("chroot.env") != ""
	if !in && root != "" {
		if initial != "" {
			in = root != initial
		} else {
			// Only root may look at init's root; the root of a file system has a
			// known inode.
			usual := "2"
			switch f.strip("chroot.fs") {
			case "btrfs":
				usual = "256"
			case "xfs":
				usual = "128"
			}
			number, _, _ := strings.Cut(root, " ")
			in = number != usual
		}
	}
	facts.Set("is_chroot", in)
}

func readCaps(f *factFields, facts *value.Dict) {
	if !f.has("capsh") {
		return
	}
	enforced, caps := any("NA"), &value.List{}
	for _, line := range lines(f.fields["capsh"]) {
		text, ok := strings.CutPrefix(line, "Current:")
		if !ok {
			continue
		}
		_, set, _ := strings.Cut(text, "=")
		if strings.TrimSpace(text) == "=ep" {
			enforced = "False"
		} else {
			enforced = "True"
			for _, item := range strings.Split(set, ",") {
				caps.Append(strings.TrimSpace(item))
			}
		}
	}
	facts.Set("system_capabilities_enforced", enforced)
	facts.Set("system_capabilities", caps)
}

// pkgMgrs are the package managers by their program; a later one wins.
var pkgMgrs = []struct{ path, name string }{
	{"/usr/bin/dnf-3", "dnf"}, {"/usr/bin/dnf", "dnf"}, {"/usr/bin/yum", "yum"}, {"/usr/bin/apt-get", "apt"}, {"/usr/bin/zypper", "zypper"},
	{"/usr/sbin/urpmi", "urpmi"}, {"/usr/bin/pacman", "pacman"}, {"/bin/opkg", "opkg"}, {"/usr/pkg/bin/pkgin", "pkgin"},
	{"/opt/local/bin/pkgin", "pkgin"}, {"/sbin/apk", "apk"}, {"/usr/sbin/swupd", "swupd"}, {"/usr/bin/emerge", "portage"},
	{"/usr/sbin/pkg", "pkgng"}, {"/usr/local/sbin/pkg", "pkgng"}, {"/usr/bin/xbps-install", "xbps"}, {"/usr/bin/installp", "installp"},
	{"/QOpenSys/pkgs/bin/yum", "yum"},
}

func readPkgMgr(f *factFields, facts *value.Dict) {
	name := "unknown"
	for _, p := range pkgMgrs {
		if f.has("pkg." + p.path) {
			name = p.name
		}
	}
	family, distribution := value.Str(facts.At("os_family")), value.Str(facts.At("distribution"))
	major, _ := strconv.Atoi(value.Str(facts.At("distribution_major_version")))
	has := func(path string) bool { return f.has("pkg." + path) }
	switch family {
	case "RedHat":
		switch {
		case f.has("ostree"):
			name = "atomic_container"
		case distribution == "Fedora" && major < 23, distribution == "Amazon" && major < 2022, distribution != "Fedora" && distribution != "Amazon" && major < 8 && major > 0:
			if has("/usr/bin/yum") {
				name = "yum"
			}
		case has("/usr/bin/dnf") || has("/usr/bin/dnf-3") || has("/usr/bin/dnf5"):
			name = "dnf"
		}
	case "Debian":
		if has("/usr/bin/apt-get") {
			name = "apt"
		}
	case "Altlinux":
		if name == "apt" {
			name = "apt_rpm"
		}
	}
	facts.Set("pkg_mgr", name)
}

func readServiceMgr(f *factFields, facts *value.Dict) {
	names := map[string]string{"procd": "openwrt_init", "runit-init": "runit", "svscan": "svc", "openrc-init": "openrc"}
	comm := f.strip("comm")
	if i := strings.LastIndexByte(comm, '/'); i >= 0 {
		comm = comm[i+1:]
	}
	if comm != "" && comm != "init" && !strings.HasSuffix(comm, "sh") {
		if known := names[comm]; known != "" {
			comm = known
		}
		facts.Set("service_mgr", comm)
		return
	}
	name := "service"
	switch {
	case f.has("svc.canary"):
		name = "systemd"
	case f.has("svc.upstart"):
		name = "upstart"
	case f.has("svc.openrc"):
		name = "openrc"
	case f.has("svc.systemctl") && strings.HasSuffix(f.strip("svc.init"), "systemd"):
		name = "systemd"
	case f.has("svc.sysv"):
		name = "sysvinit"
	}
	facts.Set("service_mgr", name)
}

func readCmdline(f *factFields, facts *value.Dict) {
	if !f.has("cmdline") {
		return
	}
	text := strings.TrimSpace(f.fields["cmdline"])
	words, err := splitWords(text)
	if err != nil {
		words = strings.Fields(text)
	}
	last, all := &value.Dict{}, &value.Dict{}
	for _, w := range words {
		k, v, ok := strings.Cut(w, "=")
		var x any = v
		if !ok {
			x = true
		}
		last.Set(k, x)
		if !ok || !all.Has(k) {
			all.Set(k, x)
			continue
		}
		if l, isList := all.At(k).(*value.List); isList {
			l.Append(x)
		} else {
			all.Set(k, value.NewList(all.At(k), x))
		}
	}
	facts.Set("cmdline", last)
	facts.Set("proc_cmdline", all)
}

func readDateTime(f *factFields, facts *value.Dict) {
	p := strings.Fields(f.fields["date"])
	if all := lines(f.fields["dates"]); len(all) > 0 {
		p = strings.Fields(all[0])
	}
	if len(p) < 3 {
		return
	}
	epoch, err := strconv.ParseInt(p[0], 10, 64)
	if err != nil {
		return
	}
	nanos, err := strconv.Atoi(p[1])
	if err != nil || nanos < 0 || nanos >= 1e9 {
		nanos = 0 // BusyBox knows no %N
	}
	offset, zone := p[2], ""
	if len(p) > 3 {
		zone = p[3]
	}
	at := time.Unix(epoch, int64(nanos)).In(time.FixedZone(zone, offsetSeconds(offset)))
	utc := at.UTC()
	d := &value.Dict{}
	d.Set("year", at.Format("2006"))
	d.Set("month", at.Format("01"))
	d.Set("weekday", at.Weekday().String())
	d.Set("weekday_number", strconv.Itoa(int(at.Weekday())))
	// Weeks begin on Monday; days before the first one are week 0.
	d.Set("weeknumber", pad2((at.YearDay()+6-(int(at.Weekday())+6)%7)/7))
	d.Set("day", at.Format("02"))
	d.Set("hour", at.Format("15"))
	d.Set("minute", at.Format("04"))
	d.Set("second", at.Format("05"))
	d.Set("epoch", p[0])
	d.Set("epoch_int", p[0])
	d.Set("date", at.Format("2006-01-02"))
	d.Set("time", at.Format("15:04:05"))
	d.Set("iso8601_micro", utc.Format("2006-01-02T15:04:05.000000Z"))
	d.Set("iso8601", utc.Format("2006-01-02T15:04:05Z"))
	d.Set("iso8601_basic", at.Format("20060102T150405")+utc.Format(".000000")[1:])
	d.Set("iso8601_basic_short", at.Format("20060102T150405"))
	d.Set("tz", zone)
	d.Set("tz_dst", summerZone(f, zone))
	d.Set("tz_offset", offset)
	facts.Set("date_time", d)
}

func pad2(n int) string {
	if n < 10 {
		return "0" + strconv.Itoa(n)
	}
	return strconv.Itoa(n)
}

// offsetSeconds reads +0900.
func offsetSeconds(s string) int {
	n, err := strconv.Atoi(strings.TrimPrefix(s, "+"))
	if err != nil || n < -2400 || n > 2400 {
		return 0
	}
	return (n/100)*3600 + (n%100)*60
}

// summerZone is the name of the zone in summer: where clocks do not change it
// is the zone itself.
func summerZone(f *factFields, zone string) string {
	jan, jul := strings.Fields(f.fields["date.jan"]), strings.Fields(f.fields["date.jul"])
	if all := lines(f.fields["dates"]); len(all) == 3 {
		jan, jul = zoneFields(all[1]), zoneFields(all[2])
	}
	if len(jan) != 2 || len(jul) != 2 {
		return zone
	}
	if offsetSeconds(jan[0]) > offsetSeconds(jul[0]) {
		return jan[1]
	}
	return jul[1]
}

// zoneFields are the offset and the name of "epoch nanoseconds offset name".
func zoneFields(line string) []string {
	p := strings.Fields(line)
	return p[min(2, len(p)):]
}

func readEnv(f *factFields, facts *value.Dict) {
	env := &value.Dict{}
	for _, e := range f.env {
		if k, v, ok := strings.Cut(e, "="); ok && k != "" {
			env.Set(k, v)
		}
	}
	facts.Set("env", env)
}

func readLoad(f *factFields, facts *value.Dict) {
	p := strings.Fields(f.fields["loadavg"])
	if len(p) < 3 {
		return
	}
	d := &value.Dict{}
	for i, name := range []string{"1m", "5m", "15m"} {
		n, _ := strconv.ParseFloat(p[i], 64)
		d.Set(name, n)
	}
	facts.Set("loadavg", d)
}

func readSSHKeys(f *factFields, facts *value.Dict) {
	for _, kind := range f.under("key.") {
		if p := strings.Fields(f.fields["key."+kind]); len(p) >= 2 {
			facts.Set("ssh_host_key_"+kind+"_public_keytype", p[0])
			facts.Set("ssh_host_key_"+kind+"_public", p[1])
		}
	}
}

func readUser(f *factFields, facts *value.Dict) {
	facts.Set("user_id", f.strip("user.name"))
	entry := strings.Split(f.strip("user.entry"), ":")
	number := func(s string) any {
		if n, err := strconv.Atoi(s); err == nil {
			return n
		}
		return nil
	}
	if len(entry) >= 7 {
		facts.Set("user_uid", number(entry[2]))
		facts.Set("user_gid", number(entry[3]))
		facts.Set("user_gecos", entry[4])
		facts.Set("user_dir", entry[5])
		facts.Set("user_shell", entry[6])
	} else {
		facts.Set("user_uid", number(f.strip("user.uid")))
		facts.Set("user_gid", number(f.strip("user.gid")))
	}
	facts.Set("real_user_id", number(f.strip("user.ruid")))
	facts.Set("effective_user_id", number(f.strip("user.uid")))
	facts.Set("real_group_id", number(f.strip("user.rgid")))
	facts.Set("effective_group_id", number(f.strip("user.gid")))
}

func readDNS(f *factFields, facts *value.Dict) {
	dns := &value.Dict{}
	for _, line := range lines(f.fields["resolv"]) {
		p := strings.Fields(line)
		if len(p) == 0 || strings.HasPrefix(p[0], "#") || strings.HasPrefix(p[0], ";") {
			continue
		}
		switch p[0] {
		case "nameserver":
			l, _ := dns.At("nameservers").(*value.List)
			if l == nil {
				l = &value.List{}
				dns.Set("nameservers", l)
			}
			for _, s := range p[1:] {
				l.Append(s)
			}
		case "domain":
			if len(p) > 1 {
				dns.Set("domain", p[1])
			}
		case "search", "sortlist":
			dns.Set(p[0], value.Strings(p[1:]))
		case "options":
			options := &value.Dict{}
			for _, o := range p[1:] {
				k, v, ok := strings.Cut(o, ":")
				if ok {
					options.Set(k, v)
				} else {
					options.Set(k, true)
				}
			}
			dns.Set("options", options)
		}
	}
	facts.Set("dns", dns)
}

func readFibre(f *factFields, facts *value.Dict) {
	l := &value.List{}
	for _, path := range f.under("fc.") {
		l.Append(strings.TrimPrefix(f.strip("fc."+path), "0x"))
	}
	facts.Set("fibre_channel_wwn", l)
}

func readISCSI(f *factFields, facts *value.Dict) {
	name := ""
	for _, line := range lines(f.fields["iscsi"]) {
		if text, ok := strings.CutPrefix(line, "InitiatorName="); ok && name == "" {
			name = text
		}
	}
	facts.Set("iscsi_iqn", name)
}

func readNVMe(f *factFields, facts *value.Dict) {
	name := ""
	for _, line := range lines(f.fields["nvme"]) {
		if strings.HasPrefix(line, "nqn.") {
			name = strings.TrimSpace(line)
			break
		}
	}
	facts.Set("hostnqn", name)
}

func readLocal(f *factFields, facts *value.Dict) {
	local := &value.Dict{}
	for _, name := range f.under("local.") {
		if strings.HasPrefix(name, "rc.") {
			continue
		}
		text := f.fields["local."+name]
		if rc, ok := f.fields["local.rc."+name]; ok && rc != "0" {
			local.Set(name, "Failure executing fact script ("+name+".fact), rc: "+rc)
			continue
		}
		if v, err := value.ParseJSON([]byte(text)); err == nil {
			local.Set(name, v)
		} else if d, ok := readINI(text); ok {
			local.Set(name, d)
		} else {
			local.Set(name, "error loading facts as JSON or ini - please check content: "+name+".fact")
		}
	}
	facts.Set("local", local)
}

// readINI reads sections of options, as Python's configparser; names of
// options are lower case.
func readINI(text string) (*value.Dict, bool) {
	out := &value.Dict{}
	var section *value.Dict
	last := ""
	for _, line := range lines(text) {
		body := strings.TrimSpace(line)
		switch {
		case body == "" || body[0] == '#' || body[0] == ';':
		case body[0] == '[' && strings.HasSuffix(body, "]"):
			section, last = &value.Dict{}, ""
			out.Set(body[1:len(body)-1], section)
		case section == nil:
			return nil, false
		case last != "" && (line[0] == ' ' || line[0] == '\t'):
			section.Set(last, value.Str(section.At(last))+"\n"+body)
		default:
			i := strings.IndexAny(body, "=:")
			if i <= 0 {
				return nil, false
			}
			last = strings.ToLower(strings.TrimSpace(body[:i]))
			section.Set(last, strings.TrimSpace(body[i+1:]))
		}
	}
	return out, out.Len() > 0 || strings.TrimSpace(text) == ""
}

var firstVersion = regexp.MustCompile(`\d+(\.\d+)*`)
