package ssh

import (
	"context"
	"sync"
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

// gate is the places of one address; it exists while somebody uses it.
type gate struct {
	places chan struct{}
	users  int
}

// NewPacer returns a pacer for so many logins at once toward each address.
func NewPacer(limit int) *Pacer {
	return &Pacer{limit: max(limit, 1), gates: map[string]*gate{}}
}

// enter waits for a place; leave gives it back.
func (p *Pacer) enter(ctx context.Context, address string) (leave func(), err error) {
	p.mu.Lock()
	g := p.gates[address]
	if g == nil {
		g = &gate{places: make(chan struct{}, p.limit)}
		p.gates[address] = g
	}
	g.users++
	p.mu.Unlock()
	done := func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if g.users--; g.users == 0 {
			delete(p.gates, address)
		}
	}
	select {
	case g.places <- struct{}{}:
		return func() { <-g.places; done() }, nil
	case <-ctx.Done():
		done()
		return nil, ctx.Err()
	}
}
