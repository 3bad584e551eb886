package modules

import (
	"net/netip"
	"strconv"
	"strings"

	"sunup/internal/value"
)

// interfaceTypes are the kinds of interfaces by their number in sysfs.
var interfaceTypes = map[string]string{"1": "ether", "32": "infiniband", "512": "ppp", "772": "loopback", "65534": "tunnel"}

func readNetwork(f *factFields, facts *value.Dict) {
	if !f.has("ip") && len(f.under("net.")) == 0 {
		return
	}
	n := network{all: &value.Dict{}, v4: &value.List{}, v6: &value.List{}}
	for _, name := range f.under("net.") {
		n.all.Set(name, f.networkInterface(name))
	}
	def4, def6 := defaultRoute(f.fields["route4"], "8.8.8.8"), defaultRoute(f.fields["route6"], "2404:6800:400a:800::1012")
	for _, line := range lines(f.fields["ip4"]) {
		n.address4(line, def4)
	}
	for _, line := range lines(f.fields["ip6"]) {
		n.address6(line, def6)
	}
	names := &value.List{}
	for k, v := range n.all.All() {
		names.Append(k)
		facts.Set(k, v)
	}
	facts.Set("interfaces", names)
	facts.Set("default_ipv4", def4)
	facts.Set("default_ipv6", def6)
	facts.Set("all_ipv4_addresses", n.v4)
	facts.Set("all_ipv6_addresses", n.v6)
}

// network collects interfaces and their addresses.
type network struct {
	all    *value.Dict
	v4, v6 *value.List
}

func (f *factFields) networkInterface(name string) *value.Dict {
	at := "if." + name + "."
	d := value.NewDict("device", name)
	if mac := f.strip(at + "address"); mac != "" && mac != "00:00:00:00:00:00" {
		d.Set("macaddress", mac)
	}
	if mtu, err := strconv.Atoi(f.strip(at + "mtu")); err == nil {
		d.Set("mtu", mtu)
	}
	if f.has(at + "operstate") {
		d.Set("active", f.strip(at+"operstate") != "down")
	}
	if f.has(at + "module") {
		to := f.strip(at + "module")
		d.Set("module", to[strings.LastIndexByte(to, '/')+1:])
	}
	if kind := f.strip(at + "type"); f.has(at + "type") {
		word := interfaceTypes[kind]
		if word == "" {
			word = "unknown"
		}
		d.Set("type", word)
	}
	f.bridge(name, d)
	f.bond(name, d)
	if to := f.strip(at + "pciid"); to != "" {
		d.Set("pciid", to[strings.LastIndexByte(to, '/')+1:])
	}
	if speed, err := strconv.Atoi(f.strip(at + "speed")); err == nil {
		d.Set("speed", speed)
	}
	if flags, err := strconv.ParseUint(strings.TrimPrefix(f.strip(at+"flags"), "0x"), 16, 64); err == nil {
		d.Set("promisc", flags&0x100 != 0)
	}
	return d
}

func (f *factFields) bridge(name string, d *value.Dict) {
	at := "if." + name + ".bridge."
	if !f.has(at + "bridge_id") {
		return
	}
	d.Set("type", "bridge")
	d.Set("interfaces", value.Strings(f.under("brif."+name+".")))
	d.Set("id", f.strip(at+"bridge_id"))
	d.Set("stp", f.strip(at+"stp_state") == "1")
}

func (f *factFields) bond(name string, d *value.Dict) {
	at := "if." + name + ".bonding."
	if !f.has(at + "mode") {
		return
	}
	first := func(key string) string {
		p := strings.Fields(f.fields[at+key])
		if len(p) == 0 {
			return ""
		}
		return p[0]
	}
	d.Set("type", "bonding")
	d.Set("slaves", value.Strings(strings.Fields(f.fields[at+"slaves"])))
	d.Set("mode", first("mode"))
	d.Set("miimon", first("miimon"))
	d.Set("lacp_rate", first("lacp_rate"))
	if primary := f.strip(at + "primary"); primary != "" {
		d.Set("primary", primary)
		d.Set("all_slaves_active", f.strip(at+"all_slaves_active") == "1")
	}
}

// defaultRoute reads what `ip route get` says of the way out.
func defaultRoute(text, target string) *value.Dict {
	d := &value.Dict{}
	all := lines(text)
	if len(all) == 0 {
		return d
	}
	words := strings.Fields(all[0])
	if len(words) == 0 || words[0] != target {
		return d
	}
	for i := 0; i+1 < len(words); i++ {
		switch words[i] {
		case "dev":
			d.Set("interface", words[i+1])
		case "src":
			d.Set("address", words[i+1])
		case "via":
			if words[i+1] != target {
				d.Set("gateway", words[i+1])
			}
		}
	}
	return d
}

// address4 reads a line of `ip -4 -o addr show`.
func (n network) address4(line string, def *value.Dict) {
	w := strings.Fields(line)
	if len(w) < 4 || w[2] != "inet" {
		return
	}
	device := strings.TrimSuffix(w[1], ":")
	text, bits, ok := strings.Cut(w[3], "/")
	if !ok {
		bits = "32"
	}
	length, err := strconv.Atoi(bits)
	addr, err2 := netip.ParseAddr(text)
	if err != nil || err2 != nil || !addr.Is4() || length < 0 || length > 32 {
		return
	}
	broadcast, label := "", device
	for i := 4; i < len(w); i++ {
		switch w[i] {
		case "brd":
			if i+1 < len(w) {
				broadcast = w[i+1]
			}
		case "valid_lft":
			label = strings.TrimSuffix(w[i-1], `\`)
			i = len(w)
		}
	}
	if label == "dynamic" || label == "noprefixroute" || label == "" || label == "secondary" {
		label = device
	}
	network, _ := addr.Prefix(length)
	ipv4 := value.NewDict("address", text, "broadcast", broadcast, "netmask", netmask(length), "network", network.Masked().Addr().String(), "prefix", bits)
	n.place4(device, label, ipv4)
	if value.Str(def.At("address")) == text {
		n.completeDefault4(def, device, label, ipv4, length)
	}
	if !strings.HasPrefix(text, "127.") {
		n.v4.Append(text)
	}
}

// place4 puts an address into its interface: the first one is ipv4, more are
// secondaries, one with a label of its own is an interface of its own too.
func (n network) place4(device, label string, ipv4 *value.Dict) {
	at, _ := n.all.At(device).(*value.Dict)
	if at == nil {
		at = value.NewDict("device", device)
		n.all.Set(device, at)
	}
	if !at.Has("ipv4") {
		at.Set("ipv4", ipv4)
	} else {
		l, _ := at.At("ipv4_secondaries").(*value.List)
		if l == nil {
			l = &value.List{}
			at.Set("ipv4_secondaries", l)
		}
		l.Append(ipv4)
	}
	if label != device {
		own, _ := n.all.At(label).(*value.Dict)
		if own == nil {
			own = &value.Dict{}
			n.all.Set(label, own)
		}
		own.Set("ipv4", ipv4)
	}
}

func (n network) completeDefault4(def *value.Dict, device, label string, ipv4 *value.Dict, length int) {
	at, _ := n.all.At(device).(*value.Dict)
	for _, key := range []string{"broadcast", "netmask", "network"} {
		def.Set(key, ipv4.At(key))
	}
	def.Set("prefix", strconv.Itoa(length))
	if at.Has("macaddress") {
		def.Set("macaddress", at.At("macaddress"))
	}
	for _, key := range []string{"mtu", "type"} {
		if at.Has(key) {
			def.Set(key, at.At(key))
		}
	}
	def.Set("alias", label)
}

func netmask(length int) string {
	mask := ^uint32(0) << (32 - length)
	if length == 0 {
		mask = 0
	}
	return netip.AddrFrom4([4]byte{byte(mask >> 24), byte(mask >> 16), byte(mask >> 8), byte(mask)}).String()
}

// address6 reads a line of `ip -6 -o addr show`.
func (n network) address6(line string, def *value.Dict) {
	w := strings.Fields(line)
	if len(w) < 4 || w[2] != "inet6" {
		return
	}
	device := strings.TrimSuffix(w[1], ":")
	text, bits, ok := strings.Cut(w[3], "/")
	if !ok {
		bits = "128"
	}
	scope := ""
	for i := 4; i+1 < len(w); i++ {
		if w[i] == "scope" {
			scope = w[i+1]
		}
	}
	at, _ := n.all.At(device).(*value.Dict)
	if at == nil {
		at = value.NewDict("device", device)
		n.all.Set(device, at)
	}
	l, _ := at.At("ipv6").(*value.List)
	if l == nil {
		l = &value.List{}
		at.Set("ipv6", l)
	}
	l.Append(value.NewDict("address", text, "prefix", bits, "scope", scope))
	if value.Str(def.At("address")) == text {
		def.Set("prefix", bits)
		def.Set("scope", scope)
		for _, key := range []string{"macaddress", "mtu", "type"} {
			if at.Has(key) {
				def.Set(key, at.At(key))
			}
		}
	}
	if text != "::1" {
		n.v6.Append(text)
	}
}
