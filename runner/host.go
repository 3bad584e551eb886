package runner

import (
	"sync"

	"sunup/internal/connection"
	"sunup/internal/event"
	"sunup/internal/value"
	"sunup/internal/vars"
	"sunup/inventory"
)

// host is one host for the time of a run.
type host struct {
	name string
	inv  *inventory.Host // nil for a host that only a task named

	// facts are what setup found, as ansible_NAME; set holds registered and
	// set_fact variables; included holds include_vars.
	facts, set, included vars.Store

	// kept is where facts outlive the run; nil when they do not.
	kept *keptFacts

	// working serialises the tasks of plays that run on the host at once.
	working sync.Mutex

	mu sync.Mutex
	// gathered is true when facts were gathered in this run, or kept from an
	// earlier one.
	gathered bool
	failed   bool     // dropped out by a failure
	doomed   bool     // failed, and only finishes its always sections
	lost     bool     // dropped out because it could not be reached
	ended    bool     // meta: end_host, until the play is over
	aside    bool     // quarantined
	regain   []func() // counts it in again when it is released
	skipped  bool     // left alone by order
	notified map[string]bool
	recap    event.Recap
	forgiven event.Recap // what meta: clear_host_errors forgave
	address  *value.Dict
}

// addressVars are what a task knows of the way to its host when nothing else
// says it.
func (h *host) addressVars() *value.Dict {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.address == nil {
		h.address = value.NewDict("ansible_host", h.name, "ansible_ssh_host", h.name)
	}
	return h.address
}

// notify marks a handler to be run; it reports whether it was not marked yet.
func (h *host) notify(handlerID string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.notified[handlerID] {
		return false
	}
	if h.notified == nil {
		h.notified = map[string]bool{}
	}
	h.notified[handlerID] = true
	return true
}

func (h *host) isNotified(handlerID string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.notified[handlerID]
}

func (h *host) clearNotified(handlerID string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.notified, handlerID)
}

// out reports whether the host takes no further part in the play.
func (h *host) out() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.failed || h.lost || h.ended || h.aside || h.skipped
}

// broken reports whether the host takes no part in further plays either.
func (h *host) broken() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.failed || h.lost || h.aside || h.skipped
}

func (h *host) unreachable() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.lost
}

// counted reports whether the host is among ansible_play_hosts.
func (h *host) counted() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return !(h.failed || h.lost || h.aside || h.doomed)
}

// dropped reports whether the host failed: a host in quarantine did not, for
// the play.
func (h *host) dropped() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.failed || h.lost
}

// verdict is what the host's failures make of the run's exit code.
func (h *host) verdict() (code int, outcome event.Outcome) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.recap.Unreachable > h.forgiven.Unreachable:
		return CodeUnreachable, event.Unreachable
	case h.recap.Failed > h.forgiven.Failed:
		return CodeFailed, event.Failed
	}
	return CodeOK, event.OK
}

func (h *host) mark(change func(h *host)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	change(h)
}

// count adds an outcome to the host's recap, as Ansible counts.
func (h *host) count(o event.Outcome, changed bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch o {
	case event.OK:
		h.recap.OK++
	case event.Changed:
		h.recap.OK++
		h.recap.Changed++
	case event.Skipped:
		h.recap.Skipped++
	case event.Failed, event.Unknown, event.Cancelled:
		h.recap.Failed++
	case event.Unreachable:
		h.recap.Unreachable++
	case event.Quarantined:
		h.recap.Quarantined = true
	case event.Rescued:
		h.recap.Rescued++
	case event.Ignored:
		h.recap.OK++
		h.recap.Ignored++
		if changed {
			h.recap.Changed++
		}
	}
}

// learn stores facts: under their ansible_ names as variables.
func (h *host) learn(facts *value.Dict) {
	h.facts.Update(facts, true)
	h.kept.save(h)
}

// links holds one connection per host and way of reaching it.
type links struct {
	mu   sync.Mutex
	open map[linkKey]connection.Link
}

// linkKey is all that makes two connections to a host different.
type linkKey struct {
	host, kind, address, user, dir, args string
	port                                 int
}

// find is the connection that is there already, or nil.
func (l *links) find(key linkKey) connection.Link {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.open[key]
}

func (l *links) get(key linkKey, open func() (connection.Link, error)) (connection.Link, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if have := l.open[key]; have != nil {
		return have, nil
	}
	link, err := open()
	if err != nil {
		return nil, err
	}
	if l.open == nil {
		l.open = map[linkKey]connection.Link{}
	}
	l.open[key] = link
	return link, nil
}

// of returns the links of one host.
func (l *links) of(host string) []connection.Link {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []connection.Link
	for key, link := range l.open {
		if key.host == host {
			out = append(out, link)
		}
	}
	return out
}

// close ends all connections, many at once: each costs a round trip.
func (l *links) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	var wg sync.WaitGroup
	for _, link := range l.open {
		wg.Add(1)
		go func() { defer wg.Done(); _ = link.Close() }()
	}
	wg.Wait()
	l.open = nil
}
