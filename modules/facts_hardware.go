package modules

import (
	"fmt"
	"sort"
	"strconv"
	"strings"

	"sunup/internal/value"
)

func readHardware(f *factFields, facts *value.Dict) {
	readProcessors(f, facts)
	readMemory(f, facts)
	readDMI(f, facts)
	readDevices(f, facts)
	if p := strings.Fields(f.fields["uptime"]); len(p) > 0 {
		if s, err := strconv.ParseFloat(p[0], 64); err == nil && s < 1e15 {
			facts.Set("uptime_seconds", int(s))
		}
	}
	readLVM(f, facts)
	readMounts(f, facts)
}

func readMemory(f *factFields, facts *value.Dict) {
	kb := map[string]int{}
	for _, line := range lines(f.fields["meminfo"]) {
		k, v, _ := strings.Cut(line, ":")
		if p := strings.Fields(v); len(p) > 0 {
			if n, err := strconv.Atoi(p[0]); err == nil {
				kb[k] = n / 1024
			}
		}
	}
	if len(kb) == 0 {
		return
	}
	mb := func(name string) any {
		if n, ok := kb[name]; ok {
			return n
		}
		return nil
	}
	for _, name := range []string{"MemTotal", "SwapTotal", "MemFree", "SwapFree"} {
		if n, ok := kb[name]; ok {
			facts.Set(strings.ToLower(name)+"_mb", n)
		}
	}
	free := kb["Cached"] + kb["MemFree"] + kb["Buffers"]
	facts.Set("memory_mb", value.NewDict(
		"real", value.NewDict("total", mb("MemTotal"), "used", kb["MemTotal"]-kb["MemFree"], "free", mb("MemFree")),
		"nocache", value.NewDict("free", free, "used", kb["MemTotal"]-free),
		"swap", value.NewDict("total", mb("SwapTotal"), "free", mb("SwapFree"), "used", kb["SwapTotal"]-kb["SwapFree"], "cached", mb("SwapCached")),
	))
}

// processors counts what /proc/cpuinfo tells.
type processors struct {
	list                            *value.List
	vendors, models, numbers, other int
	sockets, cores                  []count2
	fixedCores                      int
}

// count2 is a name with a number, in order of appearance.
type count2 struct {
	id string
	n  int
}

func setCount(list []count2, id string, n int, replace bool) []count2 {
	for i := range list {
		if list[i].id == id {
			if replace {
				list[i].n = n
			}
			return list
		}
	}
	return append(list, count2{id, n})
}

func readProcessors(f *factFields, facts *value.Dict) {
	if !f.has("cpuinfo") {
		return
	}
	p := processors{list: &value.List{}}
	xen := f.has("xen") || f.strip("hypervisor") == "xen"
	paravirt := p.read(f.fields["cpuinfo"]) && xen
	facts.Set("processor", p.list)
	n := p.other
	if p.vendors > 0 && p.vendors == p.models {
		n = p.vendors
	}
	arch := value.Str(facts.At("architecture"))
	if !facts.Has("architecture") {
		arch = f.strip("uname.m")
	}
	for _, prefix := range []string{"armv", "aarch", "ppc"} {
		if strings.HasPrefix(arch, prefix) {
			n = p.numbers
		}
	}
	sockets, cores, threads := n, 1, 1
	if paravirt {
		cores = n
	} else {
		if len(p.sockets) > 0 {
			sockets = len(p.sockets)
			cores = max(p.sockets[0].n, 1)
		}
		if p.fixedCores > 0 {
			cores = p.fixedCores
		}
		threads = 1 / cores
		if len(p.cores) > 0 {
			threads = p.cores[0].n / cores
		}
	}
	facts.Set("processor_count", sockets)
	facts.Set("processor_cores", cores)
	facts.Set("processor_threads_per_core", threads)
	if paravirt {
		facts.Set("processor_vcpus", n)
		return
	}
	facts.Set("processor_vcpus", threads*sockets*cores)
	nproc := p.numbers
	if got, err := strconv.Atoi(f.strip("nproc")); err == nil {
		nproc = got
	}
	facts.Set("processor_nproc", nproc)
}

// read counts; it reports whether a set of flags lacks vme, which Xen's
// paravirtual machines do not show.
func (p *processors) read(cpuinfo string) (noVME bool) {
	physical, core := "0", "0"
	for _, line := range lines(cpuinfo) {
		k, v, _ := strings.Cut(line, ":")
		k, v = strings.TrimSpace(k), strings.TrimSpace(v)
		number, _ := strconv.Atoi(v)
		switch k {
		case "model name", "Processor", "vendor_id", "cpu", "Vendor", "processor":
			p.list.Append(v)
			p.other++
			switch k {
			case "vendor_id":
				p.vendors++
			case "model name":
				p.models++
			case "processor":
				p.numbers++
			}
		case "flags":
			noVME = noVME || !strings.Contains(v, "vme")
		case "physical id":
			physical = v
			p.sockets = setCount(p.sockets, v, 1, false)
		case "core id":
			core = v
			p.cores = setCount(p.cores, v, 1, false)
		case "cpu cores":
			p.sockets = setCount(p.sockets, physical, number, true)
		case "siblings":
			p.cores = setCount(p.cores, core, number, true)
		case "# processors":
			p.fixedCores = number
		case "ncpus active":
			p.other = number
		}
	}
	return noVME
}

// dmiNames are the facts by the file below /sys/devices/virtual/dmi/id, and by
// dmidecode's keyword.
var dmiNames = []struct{ fact, file, keyword string }{
	{"bios_date", "bios_date", "bios-release-date"}, {"bios_vendor", "bios_vendor", "bios-vendor"}, {"bios_version", "bios_version", "bios-version"},
	{"board_asset_tag", "board_asset_tag", "baseboard-asset-tag"}, {"board_name", "board_name", "baseboard-product-name"},
	{"board_serial", "board_serial", "baseboard-serial-number"}, {"board_vendor", "board_vendor", "baseboard-manufacturer"},
	{"board_version", "board_version", "baseboard-version"}, {"chassis_asset_tag", "chassis_asset_tag", "chassis-asset-tag"},
	{"chassis_serial", "chassis_serial", "chassis-serial-number"}, {"chassis_vendor", "chassis_vendor", "chassis-manufacturer"},
	{"chassis_version", "chassis_version", "chassis-version"}, {"form_factor", "chassis_type", "chassis-type"},
	{"product_name", "product_name", "system-product-name"}, {"product_serial", "product_serial", "system-serial-number"},
	{"product_uuid", "product_uuid", "system-uuid"}, {"product_version", "product_version", "system-version"},
	{"system_vendor", "sys_vendor", "system-manufacturer"},
}

// chassisTypes are the form factors by the number of the DMI standard.
var chassisTypes = []string{
	"Unknown", "Other", "Unknown", "Desktop", "Low Profile Desktop", "Pizza Box", "Mini Tower", "Tower", "Portable", "Laptop", "Notebook", "Hand Held",
	"Docking Station", "All In One", "Sub Notebook", "Space-saving", "Lunch Box", "Main Server Chassis", "Expansion Chassis", "Sub Chassis",
	"Bus Expansion Chassis", "Peripheral Chassis", "RAID Chassis", "Rack Mount Chassis", "Sealed-case PC", "Multi-system", "CompactPCI", "AdvancedTCA",
	"Blade", "Blade Enclosure", "Tablet", "Convertible", "Detachable", "IoT Gateway", "Embedded PC", "Mini PC", "Stick PC",
}

func readDMI(f *factFields, facts *value.Dict) {
	for _, d := range dmiNames {
		text, ok := f.fields["dmi."+d.file]
		if !f.has("dmi") {
			text, ok = f.fields["dmidecode."+d.keyword]
			text = strings.TrimSpace(text)
		}
		text = strings.TrimSpace(text)
		if n, err := strconv.Atoi(text); d.fact == "form_factor" && err == nil {
			if n >= 0 && n < len(chassisTypes) {
				text = chassisTypes[n]
			} else {
				text = "unknown (" + text + ")"
			}
		}
		if !ok || text == "" {
			text = "NA"
		}
		facts.Set(d.fact, text)
	}
}

// diskLinks are the names that udev gives to devices, by device.
type diskLinks map[string]map[string][]string

// linkKinds are the words of facts and of udev.
var linkKinds = []struct{ fact, udev string }{{"ids", "id"}, {"uuids", "uuid"}, {"labels", "label"}}

func readLinks(f *factFields) diskLinks {
	all := diskLinks{"masters": {}}
	for _, k := range linkKinds {
		all[k.fact] = map[string][]string{}
		for _, name := range f.under("link." + k.udev + ".") {
			to := f.strip("link." + k.udev + "." + name)
			device := to[strings.LastIndexByte(to, '/')+1:]
			all[k.fact][device] = append(all[k.fact][device], name)
		}
	}
	for _, pair := range f.under("slave.") {
		if device, target, ok := strings.Cut(pair, "."); ok {
			all["masters"][target] = append(all["masters"][target], device)
		}
	}
	for _, devices := range all {
		for _, names := range devices {
			sort.Strings(names)
		}
	}
	return all
}

func (l diskLinks) of(device string) *value.Dict {
	d := &value.Dict{}
	for _, kind := range []string{"ids", "uuids", "labels", "masters"} {
		d.Set(kind, value.Strings(l[kind][device]))
	}
	return d
}

func readDevices(f *factFields, facts *value.Dict) {
	links := readLinks(f)
	all := &value.Dict{}
	for _, kind := range []string{"ids", "uuids", "labels", "masters"} {
		all.Set(kind, value.FromGo(map[string][]string(links[kind])))
	}
	facts.Set("device_links", all)
	devices := &value.Dict{}
	for _, name := range f.under("disk.") {
		devices.Set(name, f.device(name, links))
	}
	facts.Set("devices", devices)
}

// orNil is the content of a file of sysfs; nil when it is not there or empty.
func (f *factFields) orNil(name string) any {
	if s := f.strip(name); s != "" {
		return s
	}
	return nil
}

func (f *factFields) device(name string, links diskLinks) *value.Dict {
	at := "block." + name + "."
	d := &value.Dict{}
	d.Set("virtual", 1)
	d.Set("links", links.of(name))
	for _, key := range []string{"vendor", "model", "sas_address", "sas_device_handle"} {
		d.Set(key, f.orNil(at+"device/"+key))
	}
	if serial := f.orNil(at + "device/serial"); serial != nil {
		d.Set("serial", serial)
	}
	d.Set("removable", f.orNil(at+"removable"))
	d.Set("support_discard", f.orNil(at+"queue/discard_granularity"))
	for _, id := range links["ids"][name] {
		if wwn, ok := strings.CutPrefix(id, "wwn-"); ok {
			d.Set("wwn", wwn)
		}
	}
	partitions := &value.Dict{}
	for _, part := range f.under("part." + name + ".") {
		partitions.Set(part, f.partition(name, part, links))
	}
	d.Set("partitions", partitions)
	d.Set("rotational", f.orNil(at+"queue/rotational"))
	scheduler := ""
	if _, rest, ok := strings.Cut(f.strip(at+"queue/scheduler"), "["); ok {
		scheduler, _, _ = strings.Cut(rest, "]")
	}
	d.Set("scheduler_mode", scheduler)
	sectors := f.strip(at + "size")
	d.Set("sectors", orZero(sectors))
	d.Set("sectorsize", f.sectorSize(at))
	d.Set("size", sizeOfSectors(sectors))
	d.Set("host", "")
	d.Set("holders", f.holders(name))
	return d
}

func (f *factFields) partition(device, name string, links diskLinks) *value.Dict {
	start, sectors, _ := strings.Cut(f.strip("part."+device+"."+name), " ")
	p := &value.Dict{}
	p.Set("links", links.of(name))
	p.Set("start", start)
	p.Set("sectors", sectors)
	p.Set("sectorsize", 512)
	p.Set("size", sizeOfSectors(sectors))
	var uuid any
	if ids := links["uuids"][name]; len(ids) > 0 {
		uuid = ids[0]
	}
	p.Set("uuid", uuid)
	p.Set("holders", f.holders(name))
	return p
}

func (f *factFields) sectorSize(at string) any {
	for _, file := range []string{"queue/logical_block_size", "queue/hw_sector_size"} {
		if s := f.strip(at + file); s != "" {
			return s
		}
	}
	return 512
}

func (f *factFields) holders(device string) *value.List {
	l := &value.List{}
	for _, h := range f.under("holder." + device + ".") {
		name := f.strip("holder." + device + "." + h)
		if name == "" {
			name = h
		}
		l.Append(name)
	}
	return l
}

func orZero(s string) any {
	if s == "" {
		return 0
	}
	return s
}

func sizeOfSectors(s string) string {
	n, _ := strconv.ParseFloat(s, 64)
	return humanSize(n * 512)
}

// humanSize writes a number of bytes as facts do: "8.00 GB".
func humanSize(n float64) string {
	for _, unit := range "YZEPTGMK" {
		if scale := sizes[byte(unit)]; n >= scale {
			return fmt.Sprintf("%.2f %cB", n/scale, unit)
		}
	}
	return fmt.Sprintf("%.2f Bytes", n)
}

// readLVM reads the columns that vgs, lvs and pvs print.
func readLVM(f *factFields, facts *value.Dict) {
	if !f.has("lvm.vgs") {
		facts.Set("lvm", "N/A")
		return
	}
	vgs, lvs, pvs := &value.Dict{}, &value.Dict{}, &value.Dict{}
	for _, p := range columns(f.fields["lvm.vgs"], 7) {
		vgs.Set(p[0], value.NewDict("size_g", p[5], "free_g", p[6], "num_lvs", p[2], "num_pvs", p[1]))
	}
	for _, p := range columns(f.fields["lvm.lvs"], 4) {
		lvs.Set(p[0], value.NewDict("size_g", p[3], "vg", p[1]))
	}
	for _, p := range columns(f.fields["lvm.pvs"], 6) {
		pvs.Set(p[0], value.NewDict("size_g", p[4], "free_g", p[5], "vg", p[1]))
	}
	facts.Set("lvm", value.NewDict("lvs", lvs, "vgs", vgs, "pvs", pvs))
}

func columns(text string, atLeast int) [][]string {
	var out [][]string
	for _, line := range lines(text) {
		if p := strings.Split(strings.TrimSpace(line), ","); len(p) >= atLeast {
			out = append(out, p)
		}
	}
	return out
}

func readMounts(f *factFields, facts *value.Dict) {
	bound := bindMounts(f.fields["mountinfo"])
	uuids := map[string]string{}
	for _, line := range lines(f.fields["lsblk"]) {
		if p := strings.Fields(line); len(p) == 2 {
			uuids[p[0]] = p[1]
		}
	}
	mounts := &value.List{}
	for _, line := range lines(f.fields["mounts"]) {
		p := strings.Fields(line)
		if len(p) < 4 {
			continue
		}
		device, mount, fstype, options := octalUnescape(p[0]), octalUnescape(p[1]), p[2], p[3]
		if !strings.HasPrefix(device, "/") && !strings.HasPrefix(device, `\`) && !strings.Contains(device, ":/") || fstype == "none" {
			continue
		}
		if bound[mount] {
			options += ",bind"
		}
		m := value.NewDict("mount", mount, "device", device, "fstype", fstype, "options", options)
		f.statfs(m, mount)
		uuid := uuids[device]
		if uuid == "" {
			uuid = "N/A"
		}
		m.Set("uuid", uuid)
		mounts.Append(m)
	}
	facts.Set("mounts", mounts)
}

// statfs adds the sizes of a mounted file system. One that did not answer in
// time gets a note instead.
func (f *factFields) statfs(m *value.Dict, mount string) {
	p := strings.Fields(f.fields["statfs."+mount])
	if len(p) != 6 {
		m.Set("note", "Could not get extra information due to timeout")
		return
	}
	var n [6]int
	for i, s := range p {
		n[i], _ = strconv.Atoi(s)
	}
	bsize, frsize, blocks, avail, files, ffree := n[0], n[1], n[2], n[3], n[4], n[5]
	m.Set("size_total", frsize*blocks)
	m.Set("size_available", frsize*avail)
	m.Set("block_size", bsize)
	m.Set("block_total", blocks)
	m.Set("block_available", avail)
	m.Set("block_used", blocks-avail)
	m.Set("inode_total", files)
	m.Set("inode_available", ffree)
	m.Set("inode_used", files-ffree)
}

// bindMounts are the mount points that show a part of a file system.
func bindMounts(mountinfo string) map[string]bool {
	bound := map[string]bool{}
	for _, line := range lines(mountinfo) {
		if p := strings.Fields(line); len(p) > 4 && p[3] != "/" {
			bound[octalUnescape(p[4])] = true
		}
	}
	return bound
}

// octalUnescape undoes \040 and the like in /proc/mounts.
func octalUnescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				out.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		out.WriteByte(s[i])
	}
	return out.String()
}
