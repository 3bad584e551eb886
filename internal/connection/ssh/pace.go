package ssh

import (
	"context"
	"sync"
	"sync/atomic"
)

// defaultLogins respects OpenSSH's MaxStartups 10:30:100: with ten logins under
// way sshd begins to drop connections at random. It learns late that a login is
// over, and we may not be alone.
const defaultLogins = 7

var defaultPacer = NewPacer(defaultLogins)

// Pacer bounds how many logins are under way toward one address. It may be
// used from several goroutines.
type Pacer struct {
	limit int
	mu    sync.Mutex
	gates map[string]*gate
}

// fewestLogins is how far a crowded address slows us down.
const fewestLogins = 3

// gate is the places of one address; it exists while somebody uses it.
type gate struct {
	places chan struct{}
	users  int
	closed int          // places that nobody gets any more: the address was crowded
	owed   int          // of those, still to be taken from who leaves
	logins atomic.Int64 // that succeeded
}

// place is one login under way.
type place struct {
	pacer   *Pacer
	address string
	gate    *gate
}

// NewPacer returns a pacer for so many logins at once toward each address.
func NewPacer(limit int) *Pacer {
	return &Pacer{limit: max(limit, 1), gates: map[string]*gate{}}
}

// enter waits for a place; leave gives it back.
func (p *Pacer) enter(ctx context.Context, address string) (*place, error) {
	p.mu.Lock()
	g := p.gates[address]
	if g == nil {
		g = &gate{places: make(chan struct{}, p.limit)}
		p.gates[address] = g
	}
	g.users++
	p.mu.Unlock()
	l := &place{p, address, g}
	select {
	case g.places <- struct{}{}:
		return l, nil
	case <-ctx.Done():
		l.gone()
		return nil, ctx.Err()
	}
}

func (l *place) leave() {
	l.pacer.mu.Lock()
	owed := l.gate.owed > 0
	if owed {
		l.gate.owed--
	}
	l.pacer.mu.Unlock()
	if !owed {
		<-l.gate.places
	}
	l.gone()
}

func (l *place) gone() {
	l.pacer.mu.Lock()
	defer l.pacer.mu.Unlock()
	if l.gate.users--; l.gate.users == 0 {
		delete(l.pacer.gates, l.address)
	}
}

// crowded tells that the address dropped us: from now on one place less is
// given.
func (l *place) crowded() {
	l.pacer.mu.Lock()
	defer l.pacer.mu.Unlock()
	if l.pacer.limit-l.gate.closed > fewestLogins {
		l.gate.closed++
		l.gate.owed++
	}
}
