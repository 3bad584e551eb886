package modules

import (
	"regexp"
	"sort"
	"strings"

	"sunup/internal/value"
)

// virtualization collects what hints at being a guest, or a host of guests.
// The first hint decides the type.
type virtualization struct {
	kind, role  string
	guest, host map[string]bool
}

func (v *virtualization) isGuest(tech, kind string) {
	v.guest[tech] = true
	if v.kind == "" {
		v.kind, v.role = kind, "guest"
	}
}

func (v *virtualization) isHost(tech string) {
	v.host[tech] = true
	if v.kind == "" {
		v.kind, v.role = tech, "host"
	}
}

// machineHints tell a guest by the words of its firmware: field, word, kind.
var machineHints = []struct {
	field string
	words []string
	kind  string
}{
	{"product_name", []string{"KVM", "KVM Server", "Bochs", "AHV"}, "kvm"},
	{"sys_vendor", []string{"oVirt"}, "oVirt"},
	{"product_name", []string{"RHEV Hypervisor"}, "RHEV"},
	{"product_name", []string{"VMware Virtual Platform", "VMware7,1", "VMware20,1"}, "VMware"},
	{"product_name", []string{"OpenStack Compute", "OpenStack Nova"}, "openstack"},
	{"bios_vendor", []string{"Xen"}, "xen"},
	{"bios_vendor", []string{"innotek GmbH"}, "virtualbox"},
	{"bios_vendor", []string{"Amazon EC2", "DigitalOcean", "Hetzner"}, "kvm"},
	{"sys_vendor", []string{"QEMU", "Amazon EC2", "DigitalOcean", "Google", "Scaleway", "Nutanix"}, "kvm"},
	{"sys_vendor", []string{"KubeVirt"}, "KubeVirt"},
	{"sys_vendor", []string{"Microsoft Corporation"}, "VirtualPC"},
	{"sys_vendor", []string{"Parallels Software International Inc."}, "parallels"},
	{"sys_vendor", []string{"OpenStack Foundation"}, "openstack"},
}

// processorHints tell a guest by a line of /proc/cpuinfo.
var processorHints = []struct {
	line *regexp.Regexp
	kind string
}{
	{regexp.MustCompile(`(?m)^model name.*QEMU Virtual CPU`), "kvm"},
	{regexp.MustCompile(`(?m)^vendor_id.*User Mode Linux`), "uml"},
	{regexp.MustCompile(`(?m)^model name.*UML`), "uml"},
	{regexp.MustCompile(`(?m)^machine.*CHRP IBM pSeries .emulated by qemu.`), "kvm"},
	{regexp.MustCompile(`(?m)^vendor_id.*PowerVM Lx86`), "powervm_lx86"},
}

var containerGroup = regexp.MustCompile(`(?m)/(docker|lxc|podman|containerd)(/|-[0-9a-f]+\.scope)`)

func readVirtual(f *factFields, facts *value.Dict) {
	v := virtualization{guest: map[string]bool{}, host: map[string]bool{}}
	v.containers(f)
	v.machines(f)
	v.hosts(f)
	if v.kind == "" {
		v.kind, v.role = "NA", "NA"
	}
	facts.Set("virtualization_type", v.kind)
	facts.Set("virtualization_role", v.role)
	facts.Set("virtualization_tech_guest", sortedNames(v.guest))
	facts.Set("virtualization_tech_host", sortedNames(v.host))
}

func (v *virtualization) containers(f *factFields) {
	for _, m := range containerGroup.FindAllStringSubmatch(f.fields["virt.cgroup"], -1) {
		v.isGuest(m[1], m[1])
	}
	for _, line := range lines(f.fields["virt.environ"]) {
		if kind, ok := strings.CutPrefix(line, "container="); ok && kind != "" {
			if kind == "lxc" || kind == "podman" {
				v.isGuest(kind, kind)
			}
			v.isGuest("container", "container")
		}
	}
	if f.has("virt./proc/vz") && !f.has("virt./proc/lve") {
		if f.has("virt./proc/bc") {
			v.isHost("openvz")
		} else {
			v.isGuest("openvz", "openvz")
		}
	}
	systemd := f.strip("virt.container")
	if systemd != "" {
		v.isGuest(systemd, systemd)
	}
	if f.has("virt./.dockerenv") || f.has("virt./.dockerinit") {
		v.isGuest("docker", "docker")
	}
	for _, kind := range []string{"docker", "lxc", "podman", "openvz", "containerd"} {
		if v.guest[kind] || systemd != "" {
			v.guest["container"] = true
		}
	}
}

func (v *virtualization) machines(f *factFields) {
	if f.has("virt./proc/xen") {
		if strings.Contains(f.fields["virt.xencaps"], "control_d") {
			v.isHost("xen")
		} else if v.kind == "" {
			v.kind, v.role = "xen", "guest"
		}
	}
	for _, h := range machineHints {
		for _, w := range h.words {
			if f.strip("virt."+h.field) == w {
				v.isGuest(h.kind, h.kind)
			}
		}
	}
	if f.strip("virt.sys_vendor") == "Red Hat" && f.strip("virt.product_family") == "RHV" {
		v.isGuest("RHV", "RHV")
	}
	for _, h := range processorHints {
		if h.line.MatchString(f.fields["virt.cpuinfo"]) {
			v.isGuest(h.kind, h.kind)
		}
	}
}

func (v *virtualization) hosts(f *factFields) {
	loaded := map[string]bool{}
	for _, line := range lines(f.fields["virt.modules"]) {
		name, _, _ := strings.Cut(line, " ")
		loaded[name] = true
	}
	if loaded["kvm"] {
		v.isHost("kvm")
	}
	if loaded["vboxdrv"] {
		v.isHost("virtualbox")
	}
	if loaded["virtio"] {
		v.host["kvm"] = true
		if v.kind == "" {
			v.kind, v.role = "kvm", "guest"
		}
	}
	if f.has("virt./dev/kvm") {
		v.isHost("kvm")
	}
}

func sortedNames(set map[string]bool) *value.List {
	names := make([]string, 0, len(set))
	for n := range set {
		names = append(names, n)
	}
	sort.Strings(names)
	return value.Strings(names)
}
