package main

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/spf13/pflag"

	"sunup/internal/jinja"
	"sunup/internal/say"
	"sunup/internal/store"
	"sunup/internal/value"
	"sunup/inventory"
	"sunup/playbooks"
	"sunup/runner"
)

// lockPoll is how often locks that others hold are tried again.
const lockPoll = time.Second

func (a *app) addWaitLock(fs *pflag.FlagSet, d *time.Duration) {
	fs.DurationVar(d, "wait-lock", 0, a.text("how long to wait for hosts that another run works on, such as 5m", "다른 실행이 작업 중인 호스트를 기다릴 시간. 예: 5m"))
}

// lockedHosts are the machines that a run will work on: those of its plays.
// Where a play's hosts are only known later, all hosts are meant. The
// controller itself is shared.
func (p *project) lockedHosts(books []*playbooks.Playbook, limit string) []runner.Machine {
	var out []runner.Machine
	seen := map[string]bool{}
	for _, b := range books {
		for _, play := range b.Plays {
			patterns := play.Hosts
			if slices.ContainsFunc(patterns, jinja.HasTemplate) {
				patterns = []string{"all"}
			}
			hosts, _ := p.inventory.SelectList(patterns, limit)
			for _, h := range hosts {
				if !seen[h.Name] && !isController(h.Name) {
					seen[h.Name] = true
					out = append(out, inventoried(h))
				}
			}
		}
	}
	return out
}

// playHosts are the names of the hosts of the plays. Where a play's hosts are only
// known later, all hosts are meant.
func (p *project) playHosts(books []*playbooks.Playbook, limit string) (out []string) {
	for _, b := range books {
		for _, play := range b.Plays {
			patterns := play.Hosts
			if slices.ContainsFunc(patterns, jinja.HasTemplate) {
				patterns = []string{"all"}
			}
			hosts, _ := p.inventory.SelectList(patterns, limit)
			for _, h := range hosts {
				out = append(out, h.Name)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// inventoried is the machine of a host as far as the inventory tells; what is
// said elsewhere is found when the host is connected to.
func inventoried(h *inventory.Host) runner.Machine {
	m := runner.Machine{Host: h.Name, Address: h.Name, Port: h.Port}
	of := func(name string) string {
		v := h.Vars.At(name)
		for _, g := range h.AllGroups() {
			if v == nil && g.Vars != nil {
				v = g.Vars.At(name)
			}
		}
		if v == nil {
			return ""
		}
		return value.Str(v)
	}
	if address := of("ansible_host"); address != "" {
		m.Address = address
	}
	if port, err := strconv.Atoi(of("ansible_port")); err == nil {
		m.Port = port
	}
	through := runner.Via(of("ansible_ssh_args")+of("ansible_ssh_common_args")+of("ansible_ssh_extra_args")) != ""
	if kind := of("ansible_connection"); kind != "" && kind != "ssh" || through || jinja.HasTemplate(m.Address) {
		m.Address = ""
	}
	return m
}

func isController(host string) bool {
	return host == "localhost" || host == "127.0.0.1" || host == "::1"
}

// lockKeys are what is locked of a machine: its name, and where it is reached,
// which is the same in inventories that name it differently.
func lockKeys(m runner.Machine) []string {
	keys := []string{m.Host}
	if m.Address == "" {
		return keys
	}
	port := m.Port
	if port == 0 {
		port = 22
	}
	at := net.JoinHostPort(strings.ToLower(m.Address), strconv.Itoa(port))
	if m.Via != "" {
		at += " by " + m.Via
	}
	return append(keys, at)
}

// hostLocks are the locks that a run holds or waits for. Machines that the run
// meets on its way are claimed from many goroutines; who waits for the store
// is served together with all others that came meanwhile.
type hostLocks struct {
	app   *app
	store *store.Store
	run   string
	wait  time.Duration

	mu     sync.Mutex
	held   map[string]bool
	names  map[string]string // of hosts here, by key
	queued []*lockClaim
	turn   sync.Mutex // one asks the store
}

// lockClaim is one machine that is wanted.
type lockClaim struct {
	keys  []string
	taken []store.Held
	err   error
	done  bool
}

// know keeps the name that a machine has in this run and returns its keys;
// missing says that some of them are not held.
func (l *hostLocks) know(m runner.Machine) (keys []string, missing bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	keys = lockKeys(m)
	for _, k := range keys {
		if l.names[k] == "" {
			l.names[k] = m.Host
		}
		missing = missing || !l.held[k]
	}
	return keys, missing
}

// hold notes keys that were locked.
func (l *hostLocks) hold(keys []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, k := range keys {
		l.held[k] = true
	}
}

// take takes the locks of the hosts that the run begins with, all or none,
// waiting for others as long as is allowed.
func (l *hostLocks) take(ctx context.Context, machines []runner.Machine) error {
	var keys []string
	for _, m := range machines {
		more, _ := l.know(m)
		keys = append(keys, more...)
	}
	return l.until(ctx, func() ([]store.Held, error) { return l.lock(ctx, keys) })
}

// lock tries once.
func (l *hostLocks) lock(ctx context.Context, keys []string) ([]store.Held, error) {
	taken, stale, err := l.store.LockHosts(ctx, l.run, currentUser(), keys)
	if err != nil || len(taken) > 0 {
		return taken, err
	}
	l.hold(keys)
	l.tellStale(stale)
	return nil, nil
}

// claim takes the locks of a machine that the run is about to reach.
func (l *hostLocks) claim(ctx context.Context, m runner.Machine) error {
	if isController(m.Host) {
		return nil
	}
	keys, missing := l.know(m)
	if !missing {
		return nil
	}
	return l.until(ctx, func() ([]store.Held, error) { return l.ask(ctx, keys) })
}

// ask tries to lock a machine; it returns those who hold it.
func (l *hostLocks) ask(ctx context.Context, keys []string) ([]store.Held, error) {
	c := &lockClaim{keys: keys}
	l.mu.Lock()
	l.queued = append(l.queued, c)
	l.mu.Unlock()
	l.turn.Lock()
	defer l.turn.Unlock()
	if !c.done {
		l.serve(ctx)
	}
	return c.taken, c.err
}

// serve asks the store for all that are queued: at once, and where some are
// taken for the others again.
func (l *hostLocks) serve(ctx context.Context) {
	l.mu.Lock()
	all := l.queued
	l.queued = nil
	l.mu.Unlock()
	for open := all; len(open) > 0; {
		var keys []string
		for _, c := range open {
			keys = append(keys, c.keys...)
		}
		taken, err := l.lock(ctx, keys)
		var left []*lockClaim
		for _, c := range open {
			c.taken, c.err = among(taken, c.keys), err
			if len(taken) > 0 && len(c.taken) == 0 {
				left = append(left, c)
			}
		}
		open = left
	}
	for _, c := range all {
		c.done = true
	}
}

// among are those locks that are among some keys.
func among(all []store.Held, keys []string) []store.Held {
	var out []store.Held
	for _, h := range all {
		if slices.Contains(keys, h.Host) {
			out = append(out, h)
		}
	}
	return out
}

// until tries as long as others hold what is wanted, and waiting is allowed.
func (l *hostLocks) until(ctx context.Context, try func() ([]store.Held, error)) error {
	for began, told := time.Now(), false; ; {
		taken, err := try()
		if err != nil || len(taken) == 0 {
			return err
		}
		if time.Since(began) >= l.wait {
			return l.locked(taken)
		}
		if !told {
			told = true
			l.app.tell(l.app.err, say.T("waiting up to %s for hosts that another run works on: %s", "다른 실행이 작업 중인 호스트를 최대 %s 기다립니다: %s", l.wait.String(), l.words(taken).In(l.app.lang)))
		}
		select {
		case <-time.After(lockPoll):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// locked is the refusal to work on hosts that another run works on.
func (l *hostLocks) locked(taken []store.Held) error {
	return say.Fail(nil, say.T("another run works on these hosts: %s\n→ wait for it with --wait-lock 5m, or see 'sunup ctl %s status'",
		"다른 실행이 이 호스트들에서 작업 중입니다: %s\n→ --wait-lock 5m 으로 기다리거나 'sunup ctl %s status'로 확인하십시오", l.words(taken), taken[0].Run))
}

// words names hosts with who holds them and for how long, run by run. What is
// known by its address only is told with the name that it has here.
func (l *hostLocks) words(taken []store.Held) say.Text {
	l.mu.Lock()
	defer l.mu.Unlock()
	named := map[string]bool{}
	for _, h := range taken {
		named[h.Host] = true
	}
	hosts := map[string][]string{}
	var order []store.Held
	for _, h := range taken {
		if hosts[h.Run] == nil {
			order = append(order, h)
		}
		here := l.names[h.Host]
		switch {
		case here == "" || here == h.Host:
			hosts[h.Run] = append(hosts[h.Run], h.Host)
		case !named[here]:
			hosts[h.Run] = append(hosts[h.Run], fmt.Sprintf("%s (%s)", here, h.Host))
		}
	}
	var out say.Text
	for i, h := range order {
		one := say.T("%s (run %s by %s for %s)", "%s (%[3]s의 실행 %[2]s, %[4]s째)",
			shortList(hosts[h.Run]), h.Run, h.Holder, time.Since(h.Since).Round(time.Second).String())
		if i == 0 {
			out = one
			continue
		}
		out = say.T("%s; %s", "%s; %s", out, one)
	}
	return out
}

// shortList names the first few.
func shortList(names []string) string {
	const shown = 5
	if len(names) <= shown {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s, +%d", strings.Join(names[:shown], ", "), len(names)-shown)
}

// tellStale says whose locks were taken over.
func (l *hostLocks) tellStale(stale []store.Held) {
	if len(stale) > 0 {
		l.app.tell(l.app.err, say.T("locks of a run that does not live any more were taken over: %s", "더는 살아 있지 않은 실행의 잠금을 넘겨받았습니다: %s", l.words(stale).In(l.app.lang)))
	}
}
