package ssh

import (
	"cmp"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"sunup/internal/connection"
)

// settings are how to reach one hop.
type settings struct {
	name  string // as the inventory or the jump names it, for messages
	alias string // what the host key is filed under
	host  string
	port  int
	user  string

	identities     []string // files that were asked for
	defaultKeys    []string // files that may be there
	identitiesOnly bool
	agent          string
	password       connection.Secret
	passphrase     connection.Secret
	methods        map[string]bool // publickey, password, keyboard-interactive

	knownHosts []string
	policy     connection.HostKeyPolicy
	hashHosts  bool

	jumps        []string // [user@]host[:port]
	proxyCommand string

	connectTimeout time.Duration
	keepAlive      time.Duration
	keepAliveMax   int
	family         string // tcp, tcp4, tcp6
	algorithms     map[string]string
}

func (s *settings) address() string { return net.JoinHostPort(s.host, strconv.Itoa(s.port)) }

// keyAddress is what known_hosts knows the hop by.
func (s *settings) keyAddress() string { return net.JoinHostPort(s.alias, strconv.Itoa(s.port)) }

// sources is where settings come from, for a given host: arguments first, then
// the configuration files; the first that says something wins.
type sources struct {
	env   Environment
	args  arguments
	files []*configFile
}

func newSources(o connection.Options, env Environment) (*sources, error) {
	args, err := parseArguments(o.SSHArgs)
	if err != nil {
		return nil, err
	}
	s := &sources{env: env, args: args}
	for _, note := range args.notes {
		env.Note(o.Name, note)
	}
	for _, name := range configNames(o, args, env) {
		f, err := readConfig(env.expand(name), env)
		if err != nil {
			return nil, err
		}
		for _, note := range f.notes {
			env.Note(o.Name, note)
		}
		s.files = append(s.files, f)
	}
	return s, nil
}

func configNames(o connection.Options, args arguments, env Environment) []string {
	switch {
	case args.configFile == "none":
		return nil
	case args.configFile != "":
		return []string{args.configFile}
	case o.SSHConfig != nil:
		return o.SSHConfig
	}
	return []string{filepath.Join(env.Home, ".ssh", "config"), "/etc/ssh/ssh_config"}
}

// all are the values of an option for a host, most important first.
func (s *sources) all(host, name string) []string {
	values := append([]string(nil), s.args.options[strings.ToLower(name)]...)
	for _, f := range s.files {
		more, err := f.config.GetAll(host, name)
		if err == nil {
			values = append(values, more...)
		}
	}
	return values
}

func (s *sources) get(host, name string) string {
	for _, v := range s.all(host, name) {
		return strings.Trim(v, `"`)
	}
	return ""
}

// resolve settles the target of Options.
func (s *sources) resolve(o connection.Options) (*settings, error) {
	target := o.Address
	if target == "" {
		target = o.Name
	}
	return s.settle(target, o, true)
}

// hop settles one jump, "[user@]host[:port]" or an ssh:// address. Keys and
// policies of the target serve the jumps too.
func (s *sources) hop(spec string, o connection.Options) (*settings, error) {
	spec = strings.TrimPrefix(spec, "ssh://")
	via := o
	via.User, via.Port, via.ProxyJump, via.Password = "", 0, "", ""
	if user, rest, ok := cutLast(spec, "@"); ok {
		via.User, spec = user, rest
	}
	host, port, err := net.SplitHostPort(spec)
	if err != nil {
		host, port = strings.Trim(spec, "[]"), ""
	}
	if port != "" {
		if via.Port, err = parsePort(port); err != nil {
			return nil, fmt.Errorf("jump host %s: %w", spec, err)
		}
	}
	if host == "" {
		return nil, fmt.Errorf("jump host %q has no name", spec)
	}
	via.Name, via.Address = host, host
	return s.settle(host, via, false)
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return "", s, false
}

func parsePort(s string) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > 65535 {
		return 0, fmt.Errorf("%q is not a port", s)
	}
	return n, nil
}

func (s *sources) settle(target string, o connection.Options, last bool) (*settings, error) {
	view := *s
	if !last {
		view.args = s.args.forHops()
	}
	get := func(name string) string { return view.get(target, name) }
	h := &settings{name: o.Name, host: cmp.Or(get("HostName"), target), port: o.Port, user: o.User}
	h.host = strings.NewReplacer("%h", target, "%n", target, "%%", "%").Replace(h.host)
	if h.port == 0 {
		port, err := parsePort(cmp.Or(get("Port"), "22"))
		if err != nil {
			return nil, fmt.Errorf("ssh configuration of %s: %w", target, err)
		}
		h.port = port
	}
	h.user = cmp.Or(h.user, get("User"), s.env.User)
	h.alias = cmp.Or(get("HostKeyAlias"), h.host)
	h.family = map[string]string{"inet": "tcp4", "inet6": "tcp6"}[get("AddressFamily")]
	if h.family == "" {
		h.family = "tcp"
	}
	if err := view.limits(h, target, o); err != nil {
		return nil, err
	}
	view.keys(h, target, o)
	view.hostKeys(h, target, o)
	view.way(h, target, o)
	return h, nil
}

// forHops are the arguments that hold on the way too: those that are about
// keys, not about the target.
func (a arguments) forHops() arguments {
	hop := arguments{options: map[string][]string{}, identities: a.identities, configFile: a.configFile}
	for _, name := range []string{"userknownhostsfile", "globalknownhostsfile", "stricthostkeychecking", "identityfile", "identitiesonly", "identityagent", "connecttimeout"} {
		if v, ok := a.options[name]; ok {
			hop.options[name] = v
		}
	}
	return hop
}

const (
	defaultConnectTimeout = 10 * time.Second
	defaultKeepAlive      = 15 * time.Second
	defaultKeepAliveMax   = 3
)

func (s *sources) limits(h *settings, target string, o connection.Options) error {
	seconds := func(name string) (time.Duration, error) {
		text := s.get(target, name)
		if text == "" || text == "none" {
			return 0, nil
		}
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			return 0, fmt.Errorf("ssh configuration of %s: %s %q is not a number of seconds", target, name, text)
		}
		return time.Duration(n) * time.Second, nil
	}
	connect, err := seconds("ConnectTimeout")
	if err != nil {
		return err
	}
	alive, err := seconds("ServerAliveInterval")
	if err != nil {
		return err
	}
	h.connectTimeout = longest(o.ConnectTimeout, connect, defaultConnectTimeout)
	h.keepAlive = longest(o.KeepAlive, alive, defaultKeepAlive)
	h.keepAliveMax = defaultKeepAliveMax
	if n, err := strconv.Atoi(s.get(target, "ServerAliveCountMax")); err == nil && n > 0 {
		h.keepAliveMax = n
	}
	return nil
}

// longest is the first duration that was set.
func longest(values ...time.Duration) time.Duration {
	for _, v := range values {
		if v > 0 {
			return v
		}
	}
	return 0
}

func yes(s string) bool {
	switch strings.ToLower(s) {
	case "yes", "true", "on", "1":
		return true
	}
	return false
}

func (s *sources) keys(h *settings, target string, o connection.Options) {
	expand := s.expander(h, target)
	for _, name := range o.PrivateKeys {
		h.identities = append(h.identities, s.env.expand(name))
	}
	for _, name := range s.args.identities {
		h.identities = append(h.identities, expand(name))
	}
	for _, name := range s.all(target, "IdentityFile") {
		if name != "none" {
			h.identities = append(h.identities, expand(strings.Trim(name, `"`)))
		}
	}
	if len(h.identities) == 0 {
		for _, name := range []string{"id_ed25519", "id_ecdsa", "id_rsa", "id_ed25519_sk", "id_ecdsa_sk"} {
			h.defaultKeys = append(h.defaultKeys, filepath.Join(s.env.Home, ".ssh", name))
		}
	}
	h.identitiesOnly = yes(s.get(target, "IdentitiesOnly"))
	h.agent = s.env.Agent
	if v := s.get(target, "IdentityAgent"); v != "" && v != "SSH_AUTH_SOCK" {
		h.agent = expand(os.ExpandEnv(v))
	}
	if o.NoAgent || h.agent == "none" {
		h.agent = ""
	}
	h.password, h.passphrase = o.Password, o.Passphrase
	h.methods = s.allowed(target)
	h.algorithms = map[string]string{}
	for _, name := range []string{"KexAlgorithms", "Ciphers", "MACs", "HostKeyAlgorithms"} {
		if v := s.get(target, name); v != "" {
			h.algorithms[name] = v
		}
	}
}

// allowed are the ways to log in that the configuration leaves.
func (s *sources) allowed(target string) map[string]bool {
	off := func(name string) bool { return strings.EqualFold(s.get(target, name), "no") }
	m := map[string]bool{
		"publickey":            !off("PubkeyAuthentication"),
		"password":             !off("PasswordAuthentication"),
		"keyboard-interactive": !off("KbdInteractiveAuthentication") && !off("ChallengeResponseAuthentication"),
	}
	if preferred := s.get(target, "PreferredAuthentications"); preferred != "" {
		list := "," + preferred + ","
		for name := range m {
			m[name] = m[name] && strings.Contains(list, ","+name+",")
		}
	}
	return m
}

// expander replaces the tokens of ssh_config in file names.
func (s *sources) expander(h *settings, target string) func(string) string {
	local, _ := os.Hostname()
	tokens := strings.NewReplacer("%%", "%", "%h", h.host, "%n", target, "%p", strconv.Itoa(h.port), "%r", h.user,
		"%d", s.env.Home, "%u", s.env.User, "%l", local, "%k", h.alias)
	return func(name string) string { return s.env.expand(tokens.Replace(name)) }
}

func (s *sources) hostKeys(h *settings, target string, o connection.Options) {
	expand := s.expander(h, target)
	h.policy = o.HostKeys
	if h.policy == "" {
		switch strings.ToLower(s.get(target, "StrictHostKeyChecking")) {
		case "no", "off", "false":
			h.policy = connection.KeysOff
		case "accept-new":
			h.policy = connection.KeysAcceptNew
		default: // yes, and ask: nobody can be asked
			h.policy = connection.KeysStrict
		}
	}
	h.hashHosts = yes(s.get(target, "HashKnownHosts"))
	h.knownHosts = o.KnownHosts
	if len(h.knownHosts) > 0 {
		return
	}
	user := words(s.get(target, "UserKnownHostsFile"))
	if len(user) == 0 {
		user = []string{"~/.ssh/known_hosts", "~/.ssh/known_hosts2"}
	}
	global := words(s.get(target, "GlobalKnownHostsFile"))
	if len(global) == 0 {
		global = []string{"/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2"}
	}
	for _, name := range append(user, global...) {
		if name != "none" {
			h.knownHosts = append(h.knownHosts, expand(name))
		}
	}
}

// way is how to get to the hop: ProxyJump wins over ProxyCommand when it is
// more explicit, as in OpenSSH, where the first of the two counts.
func (s *sources) way(h *settings, target string, o connection.Options) {
	jump := o.ProxyJump
	if jump == "" {
		jump = s.get(target, "ProxyJump")
	}
	if args := s.args.options; o.ProxyJump == "" && len(args["proxycommand"]) > 0 && len(args["proxyjump"]) == 0 {
		jump = "none"
	}
	if jump != "" && jump != "none" {
		h.jumps = strings.Split(strings.ReplaceAll(jump, " ", ""), ",")
		return
	}
	if cmd := s.get(target, "ProxyCommand"); o.ProxyJump == "" && cmd != "" && cmd != "none" {
		h.proxyCommand = strings.NewReplacer("%%", "%", "%h", h.host, "%n", target, "%p", strconv.Itoa(h.port), "%r", h.user).Replace(cmd)
	}
}
