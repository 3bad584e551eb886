package ssh

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/crypto/ssh"

	"sunup/internal/connection"
	"sunup/internal/connection/shell"
)

// wire is a chain of logged-in hops; the last one is the host.
type wire struct {
	hops  []*ssh.Client
	host  *settings
	tally *connection.Tally
	work  shell.Work
	over  chan struct{} // closed when the host's connection has ended

	mu    sync.Mutex
	cause error // why it ended
	sftp  *files
}

func (w *wire) client() *ssh.Client { return w.hops[len(w.hops)-1] }

// dialer makes wires for one link.
type dialer struct {
	env     Environment
	options connection.Options
	tally   *connection.Tally
}

// maxHops bounds chains of jump hosts that the configuration makes of one
// another.
const maxHops = 8

// dial connects and logs in, hop after hop.
func (d *dialer) dial(ctx context.Context) (*wire, error) {
	src, err := newSources(d.options, d.env)
	if err != nil {
		return nil, d.misconfigured(err)
	}
	host, err := src.resolve(d.options)
	if err != nil {
		return nil, d.misconfigured(err)
	}
	hops, err := d.route(src, host, 1)
	if err != nil {
		return nil, d.misconfigured(err)
	}
	w := &wire{host: host, tally: d.tally, over: make(chan struct{})}
	for _, hop := range hops {
		var before *ssh.Client
		if len(w.hops) > 0 {
			before = w.client()
		}
		client, err := d.hop(ctx, before, hop)
		if err != nil {
			w.close()
			return nil, err
		}
		w.hops = append(w.hops, client)
	}
	w.watch()
	return w, nil
}

func (d *dialer) misconfigured(err error) error {
	return &connection.Unreachable{
		Host: cmp.Or(d.options.Address, d.options.Name), Phase: connection.PhaseResolve, Err: err,
		Hint: "mend the ssh configuration or arguments",
	}
}

// route is the hops to a host in order, the host last.
func (d *dialer) route(src *sources, host *settings, depth int) ([]*settings, error) {
	if depth > maxHops {
		return nil, fmt.Errorf("more than %d jump hosts before %s; do they jump through one another?", maxHops, host.name)
	}
	var route []*settings
	for i, spec := range host.jumps {
		hop, err := src.hop(spec, d.options)
		if err != nil {
			return nil, err
		}
		if i > 0 || slices.ContainsFunc(hop.jumps, func(j string) bool { return jumpName(j) == hop.name }) {
			hop.jumps = nil // Host * with a ProxyJump means everybody but the jump host
		}
		before, err := d.route(src, hop, depth+1)
		if err != nil {
			return nil, err
		}
		route = append(route, before...)
	}
	return append(route, host), nil
}

func jumpName(spec string) string {
	_, name, _ := cutLast("@"+spec, "@")
	if host, _, err := net.SplitHostPort(name); err == nil {
		return host
	}
	return name
}

// startupRetries are the pauses, each made longer by up to a half, when a server
// drops us before it greets because too many are logging in (MaxStartups). As
// long as it lets others of ours in, it is crowded and not shut: then the last
// pause is made again, up to crowdedRetries times in all.
var startupRetries = []time.Duration{200 * time.Millisecond, 400 * time.Millisecond, 800 * time.Millisecond, 1600 * time.Millisecond, 3 * time.Second}

const crowdedRetries = 50

// hop connects to one server through the one before. The place at the pacer is
// kept during pauses, so that a crowded server sees fewer of us.
func (d *dialer) hop(ctx context.Context, before *ssh.Client, hop *settings) (*ssh.Client, error) {
	place, err := d.env.Pacer.enter(ctx, hop.address())
	if err != nil {
		return nil, err
	}
	defer place.leave()
	seen := place.gate.logins.Load()
	for try := 0; ; try++ {
		client, greeted, err := d.try(ctx, before, hop)
		if err == nil {
			place.gate.logins.Add(1)
		}
		if err == nil || greeted || ctx.Err() != nil {
			return client, err
		}
		place.crowded()
		if try >= len(startupRetries) {
			now := place.gate.logins.Load()
			if now == seen || try >= crowdedRetries {
				return nil, err
			}
			seen = now
		}
		pause := startupRetries[min(try, len(startupRetries)-1)]
		if d.env.Sleep(ctx, pause+rand.N(pause/2)) != nil {
			return nil, err
		}
	}
}

// try makes one attempt; greeted is false only when the server took the
// connection and dropped it without a word.
func (d *dialer) try(ctx context.Context, before *ssh.Client, hop *settings) (client *ssh.Client, greeted bool, err error) {
	// The time limit covers TCP, banner, key exchange and login: a host that
	// accepts and never answers ends in time too.
	limited, cancel := context.WithTimeout(ctx, hop.connectTimeout)
	defer cancel()
	raw, err := d.open(limited, before, hop)
	if err != nil {
		return nil, true, d.failed(ctx, limited, hop, connection.PhaseConnect, err, nil)
	}
	conn := &countedConn{Conn: raw, tally: d.tally}
	client, phase, notes, err := d.handshake(limited, conn, hop)
	if err == nil {
		return client, true, nil
	}
	conn.Close()
	// A proxy command that fails will fail again; only servers are crowded.
	dropped := hop.proxyCommand == "" && conn.dropped() && limited.Err() == nil && (errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE))
	return nil, !dropped, d.failed(ctx, limited, hop, phase, err, notes)
}

// open is the byte stream to a hop.
func (d *dialer) open(ctx context.Context, before *ssh.Client, hop *settings) (net.Conn, error) {
	switch {
	case before != nil:
		return before.DialContext(ctx, "tcp", hop.address())
	case hop.proxyCommand != "":
		return startProxy(hop.proxyCommand)
	}
	return d.env.Dial(ctx, hop.family, hop.address())
}

func (d *dialer) handshake(ctx context.Context, conn net.Conn, hop *settings) (*ssh.Client, connection.Phase, []string, error) {
	// Tunnels know no deadlines, so the end of ctx closes whatever it is.
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	keys, err := newHostKeys(hop)
	if err != nil {
		return nil, connection.PhaseHostKey, nil, err
	}
	phase := connection.PhaseHandshake
	me := &login{env: d.env, hop: hop}
	defer me.close()
	config := &ssh.ClientConfig{
		User: hop.user,
		Auth: me.methods(ctx),
		HostKeyCallback: func(name string, addr net.Addr, key ssh.PublicKey) error {
			if err := keys.check(name, addr, key); err != nil {
				return err
			}
			phase = connection.PhaseLogin
			return nil
		},
		HostKeyAlgorithms: keys.algorithms(),
		ClientVersion:     "SSH-2.0-sunup",
	}
	if err := chooseAlgorithms(config, hop.algorithms); err != nil {
		return nil, phase, nil, err
	}
	d.tally.Handshakes.Add(1)
	c, channels, requests, err := ssh.NewClientConn(conn, hop.address(), config)
	if err != nil {
		if keys.fail != nil {
			return nil, connection.PhaseHostKey, nil, keys.fail
		}
		return nil, phase, me.notes, err
	}
	if !stop() {
		c.Close()
		return nil, phase, nil, ctx.Err()
	}
	return ssh.NewClient(c, channels, requests), phase, nil, nil
}

// failed makes an Unreachable of what went wrong, with words a person can act
// on.
func (d *dialer) failed(ctx, limited context.Context, hop *settings, phase connection.Phase, err error, notes []string) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	u := &connection.Unreachable{Host: hop.address(), Phase: phase, Err: err}
	if limited.Err() != nil {
		u.Err = fmt.Errorf("no answer within %s", hop.connectTimeout)
		u.Hint = silence(phase)
		return u
	}
	var dns *net.DNSError
	var refused *hostKeyRefused
	var rejected *ssh.OpenChannelError
	text := err.Error()
	switch {
	case errors.As(err, &refused):
		u.Hint = refused.hint
	case errors.As(err, &rejected):
		u.Hint = "the jump host cannot or may not connect to it; check the address as the jump host sees it, and AllowTcpForwarding there"
	case errors.As(err, &dns):
		u.Phase = connection.PhaseResolve
		u.Hint = "the name is not known; check ansible_host, /etc/hosts and DNS"
	case errors.Is(err, syscall.ECONNREFUSED):
		u.Hint = fmt.Sprintf("the host is up but nothing listens on port %d; is sshd running, and is it this port?", hop.port)
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		u.Hint = "there is no way to the host; is it switched on, and is the network up?"
	case strings.Contains(text, "unable to authenticate"):
		u.Hint = d.refusedHint(hop, notes)
	case strings.Contains(text, "no common algorithm"):
		u.Hint = "the host offers only methods that are no longer safe; to allow one: -o KexAlgorithms=+NAME (or Ciphers, MACs, HostKeyAlgorithms)"
	case phase == connection.PhaseHandshake && (errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET)):
		u.Hint = "the host hung up before it greeted; too many logins at once (MaxStartups), or a firewall"
	}
	return u
}

func silence(phase connection.Phase) string {
	if phase == connection.PhaseConnect {
		return "no answer at all; is the host switched on, and does a firewall stop us?"
	}
	return "the port is open but no SSH server answers in time; the host may be overloaded or hanging"
}

func (d *dialer) refusedHint(hop *settings, notes []string) string {
	hint := fmt.Sprintf("check the user %q, its authorized_keys and the key or password for it", hop.user)
	if hop.password == "" {
		hint += "; no password was given"
	}
	if len(notes) > 0 {
		hint += "; " + strings.Join(notes, "; ")
	}
	return hint
}

// chooseAlgorithms obeys the configuration's lists; "+x" adds to the defaults,
// "-x" takes away.
func chooseAlgorithms(c *ssh.ClientConfig, wanted map[string]string) error {
	safe, old := ssh.SupportedAlgorithms(), ssh.InsecureAlgorithms()
	for name, spec := range wanted {
		var defaults, all []string
		var target *[]string
		switch name {
		case "KexAlgorithms":
			defaults, all, target = safe.KeyExchanges, append(slices.Clone(safe.KeyExchanges), old.KeyExchanges...), &c.KeyExchanges
		case "Ciphers":
			defaults, all, target = safe.Ciphers, append(slices.Clone(safe.Ciphers), old.Ciphers...), &c.Ciphers
		case "MACs":
			defaults, all, target = safe.MACs, append(slices.Clone(safe.MACs), old.MACs...), &c.MACs
		case "HostKeyAlgorithms":
			defaults, all, target = safe.HostKeys, append(slices.Clone(safe.HostKeys), old.HostKeys...), &c.HostKeyAlgorithms
			if len(c.HostKeyAlgorithms) > 0 {
				defaults = c.HostKeyAlgorithms
			}
		}
		list := pick(defaults, all, spec)
		if len(list) == 0 {
			return fmt.Errorf("%s %s names nothing that we can speak", name, spec)
		}
		*target = list
	}
	return nil
}

func pick(defaults, all []string, spec string) []string {
	names := strings.Split(strings.TrimLeft(spec, "+-^"), ",")
	chosen := slices.DeleteFunc(slices.Clone(all), func(a string) bool { return !slices.Contains(names, a) })
	switch spec[0] {
	case '+':
		return append(slices.Clone(defaults), slices.DeleteFunc(chosen, func(a string) bool { return slices.Contains(defaults, a) })...)
	case '^':
		return append(chosen, slices.DeleteFunc(slices.Clone(defaults), func(a string) bool { return slices.Contains(chosen, a) })...)
	case '-':
		return slices.DeleteFunc(slices.Clone(defaults), func(a string) bool { return slices.Contains(chosen, a) })
	}
	return chosen
}

// watch notices the end of the connection, and ends it when the host is silent.
func (w *wire) watch() {
	w.work.Go(func() {
		err := w.client().Wait()
		w.died(err)
		close(w.over)
	})
	w.work.Go(w.keepAlive)
}

func (w *wire) died(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.cause != nil {
		return
	}
	if err == nil || errors.Is(err, io.EOF) {
		err = errors.New("the host closed the connection")
	}
	w.cause = err
}

func (w *wire) why() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.cause
}

// keepAlive asks the host for a sign of life now and then. Its answer may be a
// refusal; no answer for as long as the settings allow is the end.
func (w *wire) keepAlive() {
	every := w.host.keepAlive
	patience := every * time.Duration(w.host.keepAliveMax)
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-w.over:
			return
		}
		answered := make(chan struct{})
		w.work.Go(func() {
			defer close(answered)
			w.client().SendRequest("keepalive@openssh.com", true, nil)
		})
		timer := time.NewTimer(patience)
		select {
		case <-answered:
			timer.Stop()
		case <-w.over:
			timer.Stop()
			return
		case <-timer.C:
			w.died(fmt.Errorf("no sign of life for %s", patience))
			w.hang()
			return
		}
	}
}

// hang closes the hops, the host first.
func (w *wire) hang() {
	for _, c := range slices.Backward(w.hops) {
		c.Close()
	}
}

// close ends the wire and waits for its goroutines.
func (w *wire) close() {
	w.died(errors.New("the connection was closed"))
	w.hang()
	w.work.Wait()
}

// countedConn counts bytes.
type countedConn struct {
	net.Conn
	tally *connection.Tally
	in    atomic.Int64
	words [len(crowdedWords)]byte // the first that came; of the reading goroutine
	full  atomic.Bool             // they are crowdedWords
}

// crowdedWords is what OpenSSH may say instead of a greeting.
const crowdedWords = "Exceeded MaxStartups"

// dropped reports whether the server hung up without a greeting because too
// many are logging in.
func (c *countedConn) dropped() bool { return c.in.Load() == 0 || c.full.Load() }

func (c *countedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if before := c.in.Load(); before < int64(len(c.words)) {
		copy(c.words[before:], p[:n])
		c.full.Store(string(c.words[:]) == crowdedWords)
	}
	c.in.Add(int64(n))
	c.tally.BytesIn.Add(int64(n))
	return n, err
}

func (c *countedConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.tally.BytesOut.Add(int64(n))
	return n, err
}
