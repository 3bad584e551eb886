package runner

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"sunup/internal/connection"
	"sunup/internal/connection/shell"
	"sunup/internal/event"
	"sunup/internal/value"
	"sunup/internal/vars"
)

// reach is how one task reaches its host: resolved from flags, keywords and
// variables, in this order of rising strength, as Ansible has it.
type reach struct {
	kind    string
	options connection.Options
	become  connection.Become
}

// reachOf resolves the way to a host for one task. The scope is that of the
// host that is reached (with delegate_to, the delegate's).
func (r *Run) reachOf(host string, set settings, target *vars.Scope, delegated bool) (reach, error) {
	f := &finder{scope: target}
	kind, err := set.text("connection")
	if err != nil {
		return reach{}, err
	}
	if delegated {
		kind = "" // the play's connection is not the delegate's
	}
	out := reach{kind: f.text(cmp.Or(kind, r.Defaults.Connection), "ansible_connection")}
	if out.kind == "smart" || out.kind == "paramiko" || out.kind == "paramiko_ssh" || out.kind == "ansible.builtin.ssh" {
		out.kind = "ssh"
	}
	user, err := set.text("remote_user")
	if err != nil {
		return reach{}, err
	}
	port, err := set.number("port", 0)
	if err != nil {
		return reach{}, err
	}
	d := r.Defaults
	o := &out.options
	*o = connection.Options{
		Name:           host,
		Address:        f.address(host),
		Port:           f.int(r.portOf(host, int(port)), "ansible_port", "ansible_ssh_port"),
		User:           f.text(cmp.Or(user, d.RemoteUser), "ansible_user", "ansible_ssh_user"),
		Password:       connection.Secret(f.text(d.Password.Reveal(), "ansible_password", "ansible_ssh_pass", "ansible_ssh_password")),
		Passphrase:     connection.Secret(f.text("", "ansible_ssh_private_key_passphrase", "ansible_private_key_passphrase")),
		PrivateKeys:    d.PrivateKeys,
		KnownHosts:     d.KnownHosts,
		HostKeys:       d.HostKeys,
		SSHConfig:      d.SSHConfig,
		ConnectTimeout: f.seconds(d.Timeout, "ansible_ssh_timeout", "ansible_timeout"),
		CommandTimeout: f.seconds(d.CommandTimeout, "ansible_command_timeout"),
		Shell:          f.text(d.Shell, "ansible_shell_executable"),
		TempDir:        f.text(d.TempDir, "ansible_remote_tmp"),
		Encoding:       f.text("", "sunup_encoding"),
	}
	if key := f.text("", "ansible_ssh_private_key_file", "ansible_private_key_file"); key != "" {
		o.PrivateKeys = []string{key}
	}
	if check, ok := truthWord(f.any("ansible_ssh_host_key_checking", "ansible_host_key_checking")); ok {
		o.HostKeys = connection.KeysOff
		if check {
			o.HostKeys = connection.KeysStrict
		}
	}
	// ssh goes by what it meets first.
	for _, args := range []string{f.text(d.SSHArgs, "ansible_ssh_args"), f.text(d.SSHCommonArgs, "ansible_ssh_common_args"), f.text(d.SSHExtraArgs, "ansible_ssh_extra_args")} {
		if strings.TrimSpace(args) != "" {
			o.SSHArgs = append(o.SSHArgs, args)
		}
	}
	if out.become, err = r.becomeOf(set, f); err != nil {
		return reach{}, err
	}
	if f.err != nil {
		return reach{}, fmt.Errorf("connection settings of %s: %w", host, f.err)
	}
	return out, nil
}

// entryToldFrom is the -v count from which it is told how hosts are entered.
const entryToldFrom = 3

// tellEntry says over what and as whom the task reaches a host.
func (x *execution) tellEntry(host string, w reach) {
	if x.run_.Verbosity < entryToldFrom {
		return
	}
	become, _ := scrub(shell.Shown(w.become), x.secrets).(string)
	x.run_.stream.emit(event.HostEntered{
		Task: x.number, Host: host, Over: w.kind, Address: w.options.Address, Port: w.options.Port, User: w.options.User, Become: become,
	})
}

// portOf is the port behind the host's name in the inventory, or unset.
func (r *Run) portOf(host string, unset int) int {
	if h := r.hostsOf().Host(host); h != nil && h.Port != 0 {
		return h.Port
	}
	return unset
}

// becomeOf resolves the identity of a task.
func (r *Run) becomeOf(set settings, f *finder) (connection.Become, error) {
	d := r.Defaults
	on, err := set.bool("become", d.Become)
	if err != nil {
		return connection.Become{}, err
	}
	if v, ok := truthWord(f.any("ansible_become", "ansible_sudo")); ok {
		on = v
	}
	if !on {
		return connection.Become{}, nil
	}
	method, err := set.text("become_method")
	if err != nil {
		return connection.Become{}, err
	}
	user, err := set.text("become_user")
	if err != nil {
		return connection.Become{}, err
	}
	exe, err := set.text("become_exe")
	if err != nil {
		return connection.Become{}, err
	}
	flags, err := set.text("become_flags")
	if err != nil {
		return connection.Become{}, err
	}
	b := connection.Become{
		Method: f.text(cmp.Or(method, d.BecomeMethod), "ansible_become_method"),
		User:   f.text(cmp.Or(user, d.BecomeUser), "ansible_become_user"),
	}
	b.Method = strings.TrimPrefix(strings.TrimPrefix(b.Method, "ansible.builtin."), "community.general.")
	b.Password = connection.Secret(f.text(d.BecomePassword.Reveal(), "ansible_become_password", "ansible_become_pass",
		"ansible_"+b.Method+"_pass", "ansible_"+b.Method+"_password"))
	b.Exe = f.text(exe, "ansible_become_exe", "ansible_"+b.Method+"_exe")
	b.Flags = f.text(flags, "ansible_become_flags", "ansible_"+b.Method+"_flags")
	return b, nil
}

// link returns the host's connection for this way of reaching it. Before the
// first one the host is claimed, which may wait for another run.
func (r *Run) link(ctx context.Context, host string, w reach) (connection.Link, error) {
	o := w.options
	key := linkKey{host: host, kind: w.kind, address: o.Address, port: o.Port, user: o.User, dir: o.Dir, args: strings.Join(o.SSHArgs, "\x00")}
	if have := r.links.find(key); have != nil {
		return have, nil
	}
	if r.Claim != nil {
		if err := r.Claim(ctx, w.machine(host)); err != nil {
			return nil, err
		}
	}
	return r.links.get(key, func() (connection.Link, error) { return r.Open(w.kind, o) })
}

// Machine is a host as it is reached: two inventories may have two names for
// one machine.
type Machine struct {
	Host    string // inventory name
	Address string // empty when nothing is connected to
	Port    int    // 0 when it is not said
	// Via says how the address is to be understood, when it is reached through
	// another machine: the same address is another machine elsewhere.
	Via string
}

func (w reach) machine(host string) Machine {
	m := Machine{Host: host}
	if w.kind != "ssh" {
		return m
	}
	m.Address, m.Port = w.options.Address, w.options.Port
	m.Via = Via(strings.Join(w.options.SSHArgs, " "))
	return m
}

// Via is what options of ssh say about the way to a machine: nothing, unless
// they lead through another one.
func Via(args string) string {
	if strings.Contains(args, "Proxy") || strings.Contains(args, "-J") {
		return args
	}
	return ""
}

// address is where the host is; ansible_host without a meaning of its own (the
// host's name) does not hide the older ansible_ssh_host.
func (f *finder) address(host string) string {
	if a := f.text(host, "ansible_host"); a != host {
		return a
	}
	return f.text(host, "ansible_ssh_host")
}

// finder reads connection variables; the first error is kept.
type finder struct {
	scope *vars.Scope
	err   error
}

func (f *finder) any(names ...string) any {
	for _, name := range names {
		v, found, _, err := f.scope.Lookup(name)
		if err != nil && f.err == nil {
			f.err = err
		}
		if found && err == nil && v != nil {
			return v
		}
	}
	return nil
}

func (f *finder) text(unset string, names ...string) string {
	if v := f.any(names...); v != nil {
		return value.Str(v)
	}
	return unset
}

func (f *finder) int(unset int, names ...string) int {
	v := f.any(names...)
	if v == nil {
		return unset
	}
	n, ok := asNumber(v)
	if !ok && f.err == nil {
		f.err = fmt.Errorf("'%s' is not a number: %s", names[0], value.Str(v))
	}
	return int(n)
}

func (f *finder) seconds(unset time.Duration, names ...string) time.Duration {
	v := f.any(names...)
	if v == nil {
		return unset
	}
	n, ok := asNumber(v)
	if !ok && f.err == nil {
		f.err = fmt.Errorf("'%s' is not a number of seconds: %s", names[0], value.Str(v))
	}
	return time.Duration(n * float64(time.Second))
}

// splitWords splits as a shell does, without expansion; an unclosed quote ends
// at the end.
func splitWords(s string) []string {
	var out []string
	var word strings.Builder
	inWord, quote := false, rune(0)
	flush := func() {
		if inWord {
			out = append(out, word.String())
			word.Reset()
			inWord = false
		}
	}
	escaped := false
	for _, c := range s {
		switch {
		case escaped:
			word.WriteRune(c)
			escaped = false
		case c == '\\' && quote != '\'':
			escaped, inWord = true, true
		case quote != 0:
			if c == quote {
				quote = 0
			} else {
				word.WriteRune(c)
			}
		case c == '\'' || c == '"':
			quote, inWord = c, true
		case c == ' ' || c == '\t' || c == '\n':
			flush()
		default:
			word.WriteRune(c)
			inWord = true
		}
	}
	flush()
	return out
}

// reset drops all connections of a host.
func (r *Run) reset(_ context.Context, host string) error {
	for _, l := range r.links.of(host) {
		if err := l.Reset(); err != nil {
			return fmt.Errorf("reset connection of %s: %w", host, err)
		}
	}
	return nil
}
