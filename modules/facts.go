package modules

import (
	"sort"
	"strings"

	"sunup/internal/value"
)

// factSet is one part of the facts: a script that looks, and a function that
// reads what the script printed. The words are those of gather_subset.
type factSet struct {
	name string
	// ids are further words for the set.
	ids []string
	// min is true for what is gathered whatever else is asked for.
	min    bool
	script string
	read   func(f *factFields, facts *value.Dict)
}

// factSets is every part of the facts, in the order of gathering: a set may
// look at what those before it found.
var factSets = []factSet{
	{"platform", []string{"architecture", "kernel", "kernel_version", "machine", "machine_id", "system"}, true, platformScript, readPlatform},
	{"distribution", []string{"distribution_major_version", "distribution_release", "distribution_version", "os_family"}, true, distributionScript, readDistribution},
	{"lsb", nil, true, lsbScript, readLSB},
	{"selinux", nil, true, securityScript, readSELinux},
	{"apparmor", nil, true, securityScript, readAppArmor},
	{"chroot", []string{"is_chroot"}, false, chrootScript, readChroot},
	{"fips", nil, true, securityScript, readFIPS},
	{"python", []string{"python_version"}, true, pythonScript, readPython},
	{"caps", []string{"system_capabilities", "system_capabilities_enforced"}, true, capsScript, readCaps},
	{"pkg_mgr", nil, true, pkgMgrScript, readPkgMgr},
	{"service_mgr", nil, true, serviceMgrScript, readServiceMgr},
	{"cmdline", nil, true, cmdlineScript, readCmdline},
	{"date_time", nil, true, dateScript, readDateTime},
	{"env", nil, true, "", readEnv},
	{"loadavg", nil, false, loadScript, readLoad},
	{"ssh_pub_keys", []string{"ssh_host_key_dsa_public", "ssh_host_key_ecdsa_public", "ssh_host_key_ed25519_public", "ssh_host_key_rsa_public", "ssh_host_pub_keys"}, true, sshKeysScript, readSSHKeys},
	{"user", []string{"effective_group_ids", "effective_user_id", "real_user_id", "user_dir", "user_gecos", "user_gid", "user_id", "user_shell", "user_uid"}, true, userScript, readUser},
	{"virtual", []string{"virtualization_role", "virtualization_tech_guest", "virtualization_tech_host", "virtualization_type"}, false, virtualScript, readVirtual},
	{"hardware", []string{"devices", "mounts", "processor", "processor_cores", "processor_count"}, false, hardwareScript, readHardware},
	{"dns", nil, true, dnsScript, readDNS},
	{"fibre_channel_wwn", nil, false, fibreScript, readFibre},
	{"network", []string{"all_ipv4_addresses", "all_ipv6_addresses", "default_ipv4", "default_ipv6", "interfaces"}, false, networkScript, readNetwork},
	{"iscsi", nil, false, iscsiScript, readISCSI},
	{"nvme", nil, false, nvmeScript, readNVMe},
	{"local", nil, true, localScript, readLocal},
	// Facter and Ohai are programs of their own that hosts without them lack.
	{"facter", nil, false, "", func(*factFields, *value.Dict) {}},
	{"ohai", nil, false, "", func(*factFields, *value.Dict) {}},
}

// chooseFacts returns the sets that a gather_subset asks for, in order. A word
// that is not known is returned too.
func chooseFacts(subset []string) (chosen []factSet, unknown string) {
	known, least := map[string]bool{}, map[string]bool{}
	inside := map[string][]string{}
	for _, s := range factSets {
		inside[s.name] = s.ids
		for _, word := range append([]string{s.name}, s.ids...) {
			known[word] = true
			if s.min && word == s.name {
				least[word] = true
			}
		}
	}
	add, drop, named := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, word := range append([]string{"min"}, subset...) {
		name, not := strings.CutPrefix(word, "!")
		switch {
		case word == "min":
			mark(add, least, nil)
		case word == "all":
			mark(add, known, nil)
		case not && name == "min":
			mark(drop, least, nil)
		case not && name == "all":
			mark(drop, known, least)
		case not:
			drop[name] = true
			for _, id := range inside[name] {
				drop[id] = true
			}
		case !known[word]:
			return nil, word
		default:
			add[word], named[word] = true, true
		}
	}
	if len(add) == 0 {
		mark(add, known, nil)
	}
	for _, s := range factSets {
		for _, word := range append([]string{s.name}, s.ids...) {
			if add[word] && (!drop[word] || named[word]) {
				chosen = append(chosen, s)
				break
			}
		}
	}
	return chosen, ""
}

// mark sets in m every word of words that is not in but.
func mark(m, words, but map[string]bool) {
	for w := range words {
		if !but[w] {
			m[w] = true
		}
	}
}

func factWords() []string {
	var words []string
	for _, s := range factSets {
		words = append(append(words, s.name), s.ids...)
	}
	sort.Strings(words)
	return words
}

// factsScript is the one script that looks at everything the sets need.
func factsScript(sets []factSet, factPath string, seconds int) string {
	var s strings.Builder
	begin, done := noEnvScript, map[string]bool{}
	var parts []string
	for _, set := range sets {
		if set.name == "env" {
			begin = envScript
		}
		if set.script != "" && !done[set.script] {
			done[set.script] = true
			parts = append(parts, set.script)
		}
	}
	s.WriteString(begin)
	s.WriteString(factTools)
	s.WriteString("G=" + value.Str(seconds) + "\nD=" + quotePath(factPath) + "\n")
	for _, p := range parts {
		s.WriteString(p)
	}
	// A command that failed is a field that is empty, no failure of the script.
	s.WriteString(":\n")
	return s.String()
}

// factFields is what the script printed, in order.
type factFields struct {
	fields
	names []string
	env   []string
}

// maxFacts bounds the number of fields that a host may send.
const maxFacts = 200_000

func readFactFields(out string) *factFields {
	f := &factFields{fields: fields{}}
	env, rest, ok := strings.Cut(out, factMark)
	if !ok {
		env, rest = "", out
	}
	sep := "\x00"
	if !strings.Contains(env, sep) {
		sep = "\n"
	}
	f.env = strings.SplitN(env, sep, maxFacts)
	for _, field := range strings.SplitN(rest, "\x00", maxFacts) {
		if name, text, ok := strings.Cut(field, "="); ok {
			if !f.has(name) {
				f.names = append(f.names, name)
			}
			f.fields[name] = text
		}
	}
	return f
}

// under returns the ends of the field names that begin with prefix, in order.
func (f *factFields) under(prefix string) []string {
	var out []string
	for _, n := range f.names {
		if rest, ok := strings.CutPrefix(n, prefix); ok {
			out = append(out, rest)
		}
	}
	return out
}

// strip returns a field without white space at its ends.
func (f *factFields) strip(name string) string { return strings.TrimSpace(f.fields[name]) }

func lines(s string) []string {
	s = strings.TrimSuffix(s, "\n")
	if s == "" {
		return nil
	}
	return strings.Split(s, "\n")
}
