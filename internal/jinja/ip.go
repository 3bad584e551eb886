package jinja

import (
	"encoding/hex"
	"math/big"
	"net/netip"
	"sort"
	"strconv"
	"strings"

	"sunup/internal/value"
)

var ipFilters = []entry{
	{"ipaddr", "query version alias", filterIP(0)},
	{"ipv4", "query", filterIP(4)},
	{"ipv6", "query", filterIP(6)},
	{"ipwrap", "query", filterIPWrap},
	{"ipsubnet", "query index", filterIPSubnet},
	{"ipmath", "amount", filterIPMath},
	{"nthhost", "query", filterNthHost},
	{"next_nth_usable", "offset", filterNthUsable(1)},
	{"previous_nth_usable", "offset", filterNthUsable(-1)},
	{"network_in_network", "test", filterInNetwork(false)},
	{"network_in_usable", "test", filterInNetwork(true)},
	{"reduce_on_network", "network", filterReduceOnNetwork},
	{"cidr_merge", "action", filterCIDRMerge},
	{"ip4_hex", "delimiter", filterIP4Hex},
	{"hwaddr", "query alias", filterHWAddr},
	{"macaddr", "query", filterHWAddr},
	{"slaac", "query", filterSLAAC},
}

var utilsFilters = []entry{
	{"keep_keys", "target matching_parameter", keysFilter(true)},
	{"remove_keys", "target matching_parameter", keysFilter(false)},
}

var utilsTests = []entry{
	{"ip", "", ipTest(func(n *ipNet) bool { return true })},
	{"ip_address", "", ipTest(func(n *ipNet) bool { return !n.isNet })},
	{"ipv4", "", ipTest(func(n *ipNet) bool { return n.bits == 32 })},
	{"ipv6", "", ipTest(func(n *ipNet) bool { return n.bits == 128 })},
	{"ipv4_address", "", ipTest(func(n *ipNet) bool { return n.bits == 32 && !n.isNet })},
	{"ipv6_address", "", ipTest(func(n *ipNet) bool { return n.bits == 128 && !n.isNet })},
	{"private", "", ipTest(func(n *ipNet) bool { return n.addr().IsPrivate() })},
	{"loopback", "", ipTest(func(n *ipNet) bool { return n.addr().IsLoopback() })},
	{"multicast", "", ipTest(func(n *ipNet) bool { return n.addr().IsMulticast() })},
	{"unspecified", "", ipTest(func(n *ipNet) bool { return n.addr().IsUnspecified() })},
	{"mac", "", testOf(func(v any) bool { s, ok := v.(string); _, isMAC := parseMAC(s); return ok && isMAC })},
	{"in_network", "network", testInNetwork},
	{"subnet_of", "network", testInNetwork},
}

// ipNet is an address with a prefix length. isNet tells that the prefix was
// written.
type ipNet struct {
	n      *big.Int
	prefix int
	bits   int
	isNet  bool
}

func one() *big.Int { return big.NewInt(1) }

// parseIP reads an address, a network, or the number of an address.
func parseIP(v any, version int) (*ipNet, bool) {
	if n, ok := v.(*big.Int); ok {
		v = n.String()
	}
	s, ok := v.(string)
	if i, isInt := v.(int); isInt {
		s, ok = strconv.Itoa(i), true
	}
	if !ok {
		return nil, false
	}
	if isDigits(s) {
		return numberedIP(s, version)
	}
	text, prefix, isNet := strings.Cut(s, "/")
	addr, err := netip.ParseAddr(text)
	if err != nil || addr.Zone() != "" {
		return numberedNet(text, prefix, isNet)
	}
	out := &ipNet{n: new(big.Int).SetBytes(addr.AsSlice()), bits: addr.BitLen(), isNet: isNet}
	out.prefix = out.bits
	if !isNet {
		return out, true
	}
	if n, err := strconv.Atoi(prefix); err == nil && n >= 0 && n <= out.bits {
		out.prefix = n
		return out, true
	}
	return out, out.mask(prefix)
}

// mask takes a prefix written as a netmask or a hostmask.
func (a *ipNet) mask(text string) bool {
	m, err := netip.ParseAddr(text)
	if err != nil || m.BitLen() != a.bits {
		return false
	}
	n := new(big.Int).SetBytes(m.AsSlice())
	for p := 0; p <= a.bits; p++ {
		probe := &ipNet{n: n, prefix: p, bits: a.bits}
		if probe.netmask().Cmp(n) == 0 || probe.hostmask().Cmp(n) == 0 {
			a.prefix = p
			return true
		}
	}
	return false
}

func numberedIP(s string, version int) (*ipNet, bool) {
	n, ok := new(big.Int).SetString(s, 10)
	if !ok || len(s) > 40 {
		return nil, false
	}
	bits := 32
	if version == 6 || n.BitLen() > 32 {
		bits = 128
	}
	return &ipNet{n: n, prefix: bits, bits: bits}, n.BitLen() <= bits
}

func numberedNet(text, prefix string, isNet bool) (*ipNet, bool) {
	p, err := strconv.Atoi(prefix)
	if !isNet || !isDigits(text) || err != nil {
		return nil, false
	}
	a, ok := numberedIP(text, 0)
	if !ok || p < 0 || p > a.bits {
		return nil, false
	}
	a.prefix, a.isNet = p, true
	return a, true
}

func (a *ipNet) version() int {
	if a.bits == 32 {
		return 4
	}
	return 6
}

func (a *ipNet) hostmask() *big.Int {
	m := new(big.Int).Lsh(one(), uint(a.bits-a.prefix))
	return m.Sub(m, one())
}

func (a *ipNet) netmask() *big.Int {
	all := new(big.Int).Lsh(one(), uint(a.bits))
	all.Sub(all, one())
	return all.Xor(all, a.hostmask())
}

func (a *ipNet) size() *big.Int { return new(big.Int).Lsh(one(), uint(a.bits-a.prefix)) }

func (a *ipNet) network() *big.Int { return new(big.Int).And(a.n, a.netmask()) }

func (a *ipNet) last() *big.Int { return new(big.Int).Or(a.network(), a.hostmask()) }

// hasBroadcast is false for IPv4 networks of one or two addresses.
func (a *ipNet) hasBroadcast() bool { return a.bits == 128 || a.prefix < 31 }

// ip prints an address of the same version.
func (a *ipNet) ip(n *big.Int) string {
	b := make([]byte, a.bits/8)
	if n.Sign() < 0 || n.BitLen() > a.bits {
		return ""
	}
	addr, _ := netip.AddrFromSlice(n.FillBytes(b))
	return addr.String()
}

func (a *ipNet) addr() netip.Addr {
	addr, _ := netip.AddrFromSlice(a.n.FillBytes(make([]byte, a.bits/8)))
	return addr
}

func (a *ipNet) withPrefix(n *big.Int) string { return a.ip(n) + "/" + strconv.Itoa(a.prefix) }

// usable returns the first and last addresses for hosts.
func (a *ipNet) usable() (first, last *big.Int) {
	first, last = a.network(), a.last()
	if a.bits-a.prefix > 1 {
		first.Add(first, one())
		last.Sub(last, one())
	}
	return first, last
}

func (a *ipNet) contains(b *ipNet) bool {
	return a.bits == b.bits && a.network().Cmp(b.network()) <= 0 && a.last().Cmp(b.last()) >= 0
}

func (a *ipNet) isNetworkAddress() bool { return a.n.Cmp(a.network()) == 0 }

func filterIP(version int) Func {
	return func(c *Call) (any, error) {
		if err := Defined(c.Value); err != nil {
			return nil, err
		}
		want := version
		if version == 0 && len(c.Args) > 1 {
			if n, ok := value.AsInt(c.arg(1, 0)); ok {
				want = n
			}
		}
		return ipQuery(c, c.Value, value.Str(c.arg(0, "")), want)
	}
}

// ipQuery answers one query about an address or about each of a list.
func ipQuery(c *Call, v any, query string, version int) (any, error) {
	if items, ok := isSequence(v); ok {
		var out []any
		for _, e := range items {
			r, err := ipQuery(c, c.rt.clean(e), query, version)
			if err != nil {
				return nil, err
			}
			if value.Truth(r) {
				out = append(out, r)
			}
		}
		return list(out), nil
	}
	if !value.Truth(v) || v == true {
		return false, nil
	}
	a, ok := parseIP(v, version)
	if !ok || version != 0 && a.version() != version {
		return false, nil
	}
	if isDigits(value.Str(v)) {
		v = a.withPrefix(a.n)
	}
	if f, ok := ipQueries[query]; ok {
		return f(a, v)
	}
	return a.otherQuery(query, v)
}

// otherQuery is a place in the network, or a network to be in.
func (a *ipNet) otherQuery(query string, v any) (any, error) {
	if i, err := strconv.Atoi(query); err == nil {
		return a.nth(i)
	}
	in, ok := parseIP(query, 0)
	if !ok {
		return nil, FilterError("ipaddr: unknown filter type: %s", query)
	}
	if in.contains(a) {
		return v, nil
	}
	return nil, nil
}

func (a *ipNet) nth(i int) (any, error) {
	if a.bits == a.prefix {
		if a.isNet {
			return a.withPrefix(a.n), nil
		}
		return a.ip(a.n), nil
	}
	at := big.NewInt(int64(i))
	if i < 0 {
		at.Add(at, a.size())
	}
	if at.Sign() < 0 || at.Cmp(a.size()) >= 0 {
		return false, nil
	}
	return a.withPrefix(at.Add(at, a.network())), nil
}

type ipAnswer func(a *ipNet, v any) (any, error)

func keepIf(f func(a *ipNet) bool) ipAnswer {
	return func(a *ipNet, v any) (any, error) {
		if f(a) {
			return v, nil
		}
		return nil, nil
	}
}

func says(f func(a *ipNet) any) ipAnswer {
	return func(a *ipNet, _ any) (any, error) { return f(a), nil }
}

// ofNetwork answers only for values written as a network.
func ofNetwork(f func(a *ipNet) (any, error)) ipAnswer {
	return func(a *ipNet, _ any) (any, error) {
		if !a.isNet {
			return nil, FilterError("Not a network address")
		}
		return f(a)
	}
}

func hostAndPrefix(a *ipNet) any {
	if a.bits-a.prefix > 1 && (a.isNetworkAddress() || a.n.Cmp(a.last()) == 0 && a.hasBroadcast()) {
		return false
	}
	return a.withPrefix(a.n)
}

func (a *ipNet) hostPart(print func() string) any {
	switch {
	case a.bits-a.prefix == 1:
		return print()
	case a.prefix < a.bits && !a.isNetworkAddress():
		return print()
	}
	return nil
}

func ipOnly(a *ipNet) any {
	if a.prefix == a.bits || !a.isNetworkAddress() || !a.hasBroadcast() || a.bits == 128 {
		return a.ip(a.n)
	}
	return nil
}

var ipQueries = map[string]ipAnswer{
	"": says(func(a *ipNet) any {
		if a.isNet {
			return a.withPrefix(a.n)
		}
		return a.ip(a.n)
	}),
	"address": says(ipOnly), "ip": says(ipOnly),
	"address/prefix": says(hostAndPrefix), "gateway": says(hostAndPrefix), "gw": says(hostAndPrefix),
	"host/prefix": says(hostAndPrefix), "hostnet": says(hostAndPrefix), "router": says(hostAndPrefix),
	"bool": says(func(*ipNet) any { return true }),
	"broadcast": says(func(a *ipNet) any {
		if a.bits-a.prefix > 1 {
			return a.ip(a.last())
		}
		return nil
	}),
	"cidr": says(func(a *ipNet) any { return a.withPrefix(a.n) }),
	"first_usable": ofNetwork(func(a *ipNet) (any, error) {
		if a.prefix == a.bits {
			return nil, nil
		}
		first, _ := a.usable()
		return a.ip(first), nil
	}),
	"last_usable": ofNetwork(func(a *ipNet) (any, error) {
		if a.prefix == a.bits {
			return nil, nil
		}
		_, last := a.usable()
		return a.ip(last), nil
	}),
	"next_usable":     ofNetwork(func(a *ipNet) (any, error) { return a.neighbour(1), nil }),
	"previous_usable": ofNetwork(func(a *ipNet) (any, error) { return a.neighbour(-1), nil }),
	"range_usable": ofNetwork(func(a *ipNet) (any, error) {
		if a.prefix == a.bits {
			return nil, nil
		}
		first, last := a.usable()
		return a.ip(first) + "-" + a.ip(last), nil
	}),
	"peer": ofNetwork(ipPeer),
	"host": says(func(a *ipNet) any {
		if a.prefix == a.bits || !a.isNetworkAddress() || !a.hasBroadcast() {
			return a.withPrefix(a.n)
		}
		return nil
	}),
	"hostmask": says(func(a *ipNet) any { return a.ip(a.hostmask()) }),
	"wildcard": says(func(a *ipNet) any { return a.ip(a.hostmask()) }),
	"netmask":  says(func(a *ipNet) any { return a.ip(a.netmask()) }),
	"int": says(func(a *ipNet) any {
		if a.isNet {
			return a.n.String() + "/" + strconv.Itoa(a.prefix)
		}
		return value.Int(a.n)
	}),
	"ip/prefix":  says(func(a *ipNet) any { return a.hostPart(func() string { return a.withPrefix(a.n) }) }),
	"ip_netmask": says(func(a *ipNet) any { return a.hostPart(func() string { return a.ip(a.n) + " " + a.ip(a.netmask()) }) }),
	"ipv4":       ipToV4, "v4": ipToV4,
	"ipv6": ipToV6, "v6": ipToV6,
	"link-local": keepIf(func(a *ipNet) bool { return a.addr().IsLinkLocalUnicast() }),
	"lo":         keepIf(func(a *ipNet) bool { return a.addr().IsLoopback() }),
	"loopback":   keepIf(func(a *ipNet) bool { return a.addr().IsLoopback() }),
	"multicast":  keepIf(func(a *ipNet) bool { return a.addr().IsMulticast() }),
	"unicast":    keepIf(func(a *ipNet) bool { return !a.addr().IsMulticast() }),
	"private":    keepIf(isPrivateIP),
	"public":     keepIf(isPublicIP),
	"net": says(func(a *ipNet) any {
		if a.prefix < a.bits && a.isNetworkAddress() {
			return a.withPrefix(a.n)
		}
		return nil
	}),
	"network":          says(func(a *ipNet) any { return a.ip(a.network()) }),
	"network_id":       says(func(a *ipNet) any { return a.ip(a.network()) }),
	"network/prefix":   says(func(a *ipNet) any { return a.withPrefix(a.network()) }),
	"subnet":           says(func(a *ipNet) any { return a.withPrefix(a.network()) }),
	"network_netmask":  says(func(a *ipNet) any { return a.ip(a.network()) + " " + a.ip(a.netmask()) }),
	"network_wildcard": says(func(a *ipNet) any { return a.ip(a.network()) + " " + a.ip(a.hostmask()) }),
	"prefix":           says(func(a *ipNet) any { return a.prefix }),
	"revdns":           says(func(a *ipNet) any { return reverseDNS(a) }),
	"size":             says(func(a *ipNet) any { return value.Int(a.size()) }),
	"size_usable": says(func(a *ipNet) any {
		switch a.bits - a.prefix {
		case 0:
			return 0
		case 1:
			return 2
		}
		return value.Int(new(big.Int).Sub(a.size(), big.NewInt(2)))
	}),
	"type": says(func(a *ipNet) any {
		if a.prefix == a.bits || !a.isNetworkAddress() {
			return "address"
		}
		return "network"
	}),
	"version": says(func(a *ipNet) any { return a.version() }),
	"wrap":    ipWrap,
	"6to4":    ip6to4,
}

func (a *ipNet) neighbour(by int) any {
	if a.prefix == a.bits {
		return nil
	}
	n := new(big.Int).Add(a.n, big.NewInt(int64(by)))
	first, last := a.usable()
	if n.Cmp(first) < 0 || n.Cmp(last) > 0 {
		return nil
	}
	return a.ip(n)
}

func ipPeer(a *ipNet) (any, error) {
	low := int(new(big.Int).And(a.n, big.NewInt(3)).Int64())
	switch a.bits - a.prefix {
	case 1:
		return a.ip(new(big.Int).Xor(a.n, one())), nil
	case 2:
		if low == 0 {
			return nil, FilterError("Network address of /30 has no peer")
		}
		if low == 3 {
			return nil, FilterError("Broadcast address of /30 has no peer")
		}
		return a.ip(new(big.Int).Xor(a.n, big.NewInt(3))), nil
	}
	return nil, FilterError("Not a point-to-point network")
}

var privateNets = func() (out []*ipNet) {
	for _, s := range []string{
		"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "198.18.0.0/15", "239.192.0.0/14",
		"169.254.0.0/16", "fc00::/7", "fec0::/10", "fe80::/10",
	} {
		n, _ := parseIP(s, 0)
		out = append(out, n)
	}
	return out
}()

func isPrivateIP(a *ipNet) bool {
	for _, p := range privateNets {
		if p.contains(a) {
			return true
		}
	}
	return false
}

func isPublicIP(a *ipNet) bool {
	single := &ipNet{n: a.n, prefix: a.bits, bits: a.bits}
	if isPrivateIP(single) || a.addr().IsMulticast() || a.addr().IsLoopback() || a.n.Sign() == 0 {
		return false
	}
	probe := *single
	return !probe.mask(a.ip(a.n))
}

func ipToV4(a *ipNet, v any) (any, error) {
	if a.bits == 32 {
		return v, nil
	}
	if a.n.BitLen() <= 32 || new(big.Int).Rsh(a.n, 32).Cmp(big.NewInt(0xffff)) == 0 {
		b := &ipNet{n: new(big.Int).And(a.n, big.NewInt(0xffffffff)), bits: 32, prefix: max(a.prefix-96, 0)}
		return b.withPrefix(b.n), nil
	}
	return false, nil
}

func ipToV6(a *ipNet, v any) (any, error) {
	if a.bits == 128 {
		return v, nil
	}
	return "::ffff:" + a.ip(a.n) + "/" + strconv.Itoa(a.prefix+96), nil
}

func ipWrap(a *ipNet, v any) (any, error) {
	switch {
	case a.bits == 32:
		return v, nil
	case a.isNet:
		return "[" + a.ip(a.n) + "]/" + strconv.Itoa(a.prefix), nil
	}
	return "[" + a.ip(a.n) + "]", nil
}

func ip6to4(a *ipNet, v any) (any, error) {
	if a.bits == 128 {
		in, _ := parseIP("2002::/16", 0)
		if in.contains(&ipNet{n: a.n, prefix: 128, bits: 128}) && (!a.isNet || !a.isNetworkAddress()) {
			return v, nil
		}
		return false, nil
	}
	if a.prefix < a.bits && a.isNetworkAddress() {
		return false, nil
	}
	b := a.n.FillBytes(make([]byte, 4))
	h := hex.EncodeToString(b)
	return "2002:" + h[:4] + ":" + h[4:] + "::1/48", nil
}

func reverseDNS(a *ipNet) string {
	b := a.n.FillBytes(make([]byte, a.bits/8))
	var parts []string
	if a.bits == 32 {
		for i := len(b) - 1; i >= 0; i-- {
			parts = append(parts, strconv.Itoa(int(b[i])))
		}
		return strings.Join(parts, ".") + ".in-addr.arpa."
	}
	h := hex.EncodeToString(b)
	for i := len(h) - 1; i >= 0; i-- {
		parts = append(parts, h[i:i+1])
	}
	return strings.Join(parts, ".") + ".ip6.arpa."
}

func filterIPWrap(c *Call) (any, error) {
	if items, ok := isSequence(c.Value); ok {
		out := make([]any, len(items))
		for i, e := range items {
			out[i] = wrapped(c.rt.clean(e))
		}
		return list(out), nil
	}
	return wrapped(c.Value), Defined(c.Value)
}

func wrapped(v any) any {
	a, ok := parseIP(v, 0)
	if !ok {
		return v
	}
	out, err := ipWrap(a, v)
	if err != nil {
		return v
	}
	return out
}

func (c *Call) address() (*ipNet, bool, error) {
	if err := Defined(c.Value); err != nil {
		return nil, false, err
	}
	a, ok := parseIP(c.Value, 0)
	return a, ok, nil
}

func filterIPSubnet(c *Call) (any, error) {
	a, ok, err := c.address()
	if err != nil || !ok {
		return false, err
	}
	isAddress := a.prefix == a.bits || !a.isNetworkAddress()
	net := &ipNet{n: a.network(), prefix: a.prefix, bits: a.bits, isNet: true}
	isAddress = isAddress && net.prefix == net.bits
	query := value.Str(c.arg(0, ""))
	if query == "" {
		return net.withPrefix(net.n), nil
	}
	if !isDigits(query) {
		return subnetRank(net, query)
	}
	want, err := strconv.Atoi(query)
	if err != nil || want > net.bits {
		return false, nil
	}
	index := c.arg(1, nil)
	if isAddress {
		at := want
		if index != nil {
			i, err := c.index(index)
			if err != nil {
				return nil, err
			}
			if i < 0 {
				i += net.bits - want
			}
			if at = want + i; at > net.bits || at < 0 {
				return false, nil
			}
		}
		up := &ipNet{n: net.n, prefix: at, bits: net.bits}
		return up.withPrefix(up.network()), nil
	}
	if want < net.prefix {
		return nil, FilterError("Requested subnet size of %d is invalid", want)
	}
	count := new(big.Int).Lsh(one(), uint(want-net.prefix))
	if index == nil {
		return count.String(), nil
	}
	i, err := c.index(index)
	if err != nil {
		return nil, err
	}
	at := big.NewInt(int64(i))
	if i < 0 {
		at.Add(at, count)
	}
	if at.Sign() < 0 || at.Cmp(count) >= 0 {
		return false, nil
	}
	sub := &ipNet{n: at.Add(at.Lsh(at, uint(net.bits-want)), net.n), prefix: want, bits: net.bits}
	return sub.withPrefix(sub.n), nil
}

func (c *Call) index(v any) (int, error) {
	if n, ok := value.AsInt(v); ok {
		return n, nil
	}
	if s, ok := v.(string); ok {
		if n, err := strconv.Atoi(s); err == nil {
			return n, nil
		}
	}
	return 0, typeError("the index must be an integer, not %s", value.TypeName(v))
}

// subnetRank is the place of a network among those of its size in a larger one.
func subnetRank(net *ipNet, query string) (any, error) {
	in, ok := parseIP(query, 0)
	if !ok {
		return nil, FilterError("You must pass a valid subnet or IP address; %s is invalid", query)
	}
	if !in.contains(net) {
		return nil, FilterError("%s is not in the subnet %s", net.withPrefix(net.n), in.withPrefix(in.network()))
	}
	rank := new(big.Int).Sub(net.n, in.network())
	rank.Rsh(rank, uint(net.bits-net.prefix))
	return rank.Add(rank, one()).String(), nil
}

func filterIPMath(c *Call) (any, error) {
	a, ok, err := c.address()
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, FilterError("You must pass a valid IP address; %s is invalid", value.Str(c.Value))
	}
	by, ok := value.AsBig(c.arg(0, nil))
	if !ok {
		return nil, FilterError("You must pass an integer for arithmetic; %s is not a valid integer", value.Str(c.arg(0, nil)))
	}
	out := a.ip(new(big.Int).Add(a.n, by))
	if out == "" {
		return nil, FilterError("result outside valid IP address boundary!")
	}
	return out, nil
}

func filterNthHost(c *Call) (any, error) {
	a, ok, err := c.address()
	if err != nil || !ok {
		return false, err
	}
	query := c.arg(0, nil)
	if query == nil || !value.Truth(query) {
		return false, nil
	}
	i, err := c.index(query)
	if err != nil {
		return false, nil
	}
	at := big.NewInt(int64(i))
	if i < 0 {
		at.Add(at, a.size())
	}
	if at.Sign() < 0 || at.Cmp(a.size()) >= 0 {
		return false, nil
	}
	return a.ip(at.Add(at, a.network())), nil
}

func filterNthUsable(sign int) Func {
	return func(c *Call) (any, error) {
		a, ok, err := c.address()
		if err != nil || !ok {
			return false, err
		}
		n, ok := c.arg(0, nil).(int)
		if !ok {
			return nil, FilterError("Must pass in an integer")
		}
		if a.isNetworkAddress() {
			a.n = a.network()
		}
		return a.neighbour(sign * n), nil
	}
}

// span returns the addresses that a value stands for.
func (a *ipNet) span(usable bool) *ipNet {
	return &ipNet{n: a.network(), prefix: a.prefix, bits: a.bits, isNet: usable}
}

func filterInNetwork(usable bool) Func {
	return func(c *Call) (any, error) {
		a, ok, err := c.address()
		if err != nil {
			return nil, err
		}
		b, ok2 := parseIP(c.arg(0, nil), 0)
		if !ok || !ok2 || a.bits != b.bits {
			return false, nil
		}
		if !usable {
			return a.span(false).contains(b), nil
		}
		first, last := a.usable()
		return b.network().Cmp(first) >= 0 && b.last().Cmp(last) <= 0, nil
	}
}

func testInNetwork(c *Call) (any, error) {
	a, ok, err := c.address()
	b, ok2 := parseIP(c.arg(0, nil), 0)
	if err != nil || !ok || !ok2 {
		return false, err
	}
	return b.contains(a), nil
}

func ipTest(f func(*ipNet) bool) Func {
	return func(c *Call) (any, error) {
		a, ok, err := c.address()
		if err != nil || !ok {
			return false, err
		}
		return f(a), nil
	}
}

func filterReduceOnNetwork(c *Call) (any, error) {
	items, err := c.items()
	if err != nil {
		return nil, err
	}
	in, ok := parseIP(c.arg(0, nil), 0)
	if !ok {
		return nil, FilterError("reduce_on_network: %s is not a network", value.Str(c.arg(0, nil)))
	}
	var out []any
	for _, e := range items {
		if a, ok := parseIP(c.rt.clean(e), 0); ok && in.contains(a) {
			out = append(out, e)
		}
	}
	return list(out), nil
}

func filterCIDRMerge(c *Call) (any, error) {
	items, err := c.items()
	if err != nil {
		return nil, err
	}
	nets := make([]*ipNet, len(items))
	for i, e := range items {
		a, ok := parseIP(c.rt.clean(e), 0)
		if !ok {
			return nil, FilterError("cidr_merge: error in netaddr:\ninvalid IPNetwork %s", value.Str(e))
		}
		nets[i] = a.span(false)
	}
	switch action := value.Str(c.arg(0, "merge")); action {
	case "merge":
		out := []any{}
		for _, n := range mergeNets(nets) {
			out = append(out, n.withPrefix(n.n))
		}
		return list(out), nil
	case "span":
		if len(nets) == 0 {
			return nil, nil
		}
		all := *nets[0]
		for _, n := range nets {
			for n.bits == all.bits && !all.contains(n) && all.prefix > 0 {
				all.prefix--
				all.n = all.network()
			}
		}
		return all.withPrefix(all.n), nil
	default:
		return nil, FilterError("cidr_merge: invalid action '%s'", action)
	}
}

// mergeNets joins neighbours and drops what others contain.
func mergeNets(nets []*ipNet) []*ipNet {
	sort.SliceStable(nets, func(i, j int) bool {
		a, b := nets[i], nets[j]
		if a.bits != b.bits {
			return a.bits < b.bits
		}
		if o := a.n.Cmp(b.n); o != 0 {
			return o < 0
		}
		return a.prefix < b.prefix
	})
	var out []*ipNet
	for _, n := range nets {
		out = append(out, n)
		for len(out) > 1 {
			a, b := out[len(out)-2], out[len(out)-1]
			if a.contains(b) {
				out = out[:len(out)-1]
				continue
			}
			up := &ipNet{n: a.n, prefix: a.prefix - 1, bits: a.bits}
			if a.bits == b.bits && a.prefix == b.prefix && a.prefix > 0 && up.isNetworkAddress() && up.contains(b) {
				out = append(out[:len(out)-2], up)
				continue
			}
			break
		}
	}
	return out
}

func filterIP4Hex(c *Call) (any, error) {
	args := c.read()
	s := args.self()
	delimiter := args.text(0, "")
	if args.err != nil {
		return nil, args.err
	}
	a, ok := parseIP(s, 4)
	if !ok || a.bits != 32 {
		return nil, FilterError("ip4_hex: %s is not an IPv4 address", s)
	}
	var parts []string
	for _, b := range a.n.FillBytes(make([]byte, 4)) {
		parts = append(parts, hex.EncodeToString([]byte{b}))
	}
	return strings.Join(parts, delimiter), nil
}

// parseMAC reads a hardware address in any of the usual notations.
func parseMAC(s string) ([]byte, bool) {
	for _, sep := range []string{":", "-"} {
		parts := strings.Split(s, sep)
		if len(parts) != 6 {
			continue
		}
		for i, p := range parts {
			if len(p) == 1 {
				parts[i] = "0" + p
			}
		}
		s = strings.Join(parts, "")
	}
	s = strings.ReplaceAll(s, ".", "")
	if i := strings.IndexAny(s, "-:"); i == 6 || i == 4 {
		s = strings.NewReplacer("-", "", ":", "").Replace(s)
	}
	b, err := hex.DecodeString(s)
	return b, err == nil && len(b) == 6
}

func filterHWAddr(c *Call) (any, error) {
	if err := Defined(c.Value); err != nil {
		return nil, err
	}
	query := value.Str(c.arg(0, ""))
	s, _ := c.Value.(string)
	mac, ok := parseMAC(s)
	if !ok {
		if query != "" && query != "bool" {
			return nil, FilterError("%s: not a hardware address: %s", c.Name, value.Str(c.Value))
		}
		return nil, nil
	}
	h := hex.EncodeToString(mac)
	every := func(n int, sep, text string) string {
		var parts []string
		for i := 0; i < len(text); i += n {
			parts = append(parts, text[i:min(i+n, len(text))])
		}
		return strings.Join(parts, sep)
	}
	switch query {
	case "":
		return c.Value, nil
	case "bool":
		return true, nil
	case "bare":
		return strings.ToUpper(h), nil
	case "int":
		n, _ := strconv.ParseInt(h, 16, 64)
		return int(n), nil
	case "cisco":
		return every(4, ".", h), nil
	case "linux":
		return every(2, ":", h), nil
	case "eui48", "win":
		return every(2, "-", strings.ToUpper(h)), nil
	case "pgsql", "postgresql", "psql":
		return every(6, ":", h), nil
	case "unix":
		parts := strings.Split(every(2, ":", h), ":")
		for i, p := range parts {
			if parts[i] = strings.TrimPrefix(p, "0"); parts[i] == "" {
				parts[i] = "0"
			}
		}
		return strings.Join(parts, ":"), nil
	}
	return nil, FilterError("%s: unknown filter type: %s", c.Name, query)
}

func filterSLAAC(c *Call) (any, error) {
	a, ok, err := c.address()
	if err != nil {
		return nil, err
	}
	s, _ := c.arg(0, "").(string)
	mac, isMAC := parseMAC(s)
	if !ok || a.bits != 128 || !isMAC {
		return false, nil
	}
	id := []byte{mac[0] ^ 2, mac[1], mac[2], 0xff, 0xfe, mac[3], mac[4], mac[5]}
	return a.ip(new(big.Int).Or(a.network(), new(big.Int).SetBytes(id))), nil
}
