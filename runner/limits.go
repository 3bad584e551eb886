package runner

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"sunup/internal/connection"
	"sunup/internal/event"
	"sunup/internal/say"
	"sunup/internal/value"
)

// limit is one entry of a play's limits: how many members of a pool may be out
// at any instant, and how fast a pool is worked on.
type limit struct {
	per                   string // the variable whose values are the pools; "" is one pool
	atOnce                int    // 0: not limited
	connections, commands float64
}

// readLimits reads the play's limits. Where members take turns, each host goes
// through the play by itself.
func (p *playRun) readLimits() error {
	n := p.play.Ours.Limits
	if n == nil {
		return nil
	}
	v, _, err := p.run.Templar.Value(p.ctx, p.playScope(), n.Value())
	if err != nil {
		return fmt.Errorf("%s: limits: %w", p.play.Pos, err)
	}
	items := []any{v}
	if l, ok := v.(*value.List); ok {
		items = l.Items
	}
	for _, item := range items {
		d, ok := item.(*value.Dict)
		if !ok {
			continue
		}
		l, err := readLimit(d)
		if err != nil {
			return fmt.Errorf("%s: limits: %w", p.play.Pos, err)
		}
		p.limits = append(p.limits, l)
	}
	if p.takesTurns() {
		p.settings.strategy = "free"
	}
	return nil
}

func readLimit(d *value.Dict) (limit, error) {
	l := limit{per: orEmpty(d.At("per"))}
	if v := d.At("at_once"); v != nil {
		n, ok := asNumber(v)
		if !ok || n < 1 {
			return l, fmt.Errorf("at_once: '%s' is not a number of hosts", value.Str(v))
		}
		l.atOnce = int(n)
	}
	var err error
	if l.connections, err = perSecond(d.At("connections")); err != nil {
		return l, fmt.Errorf("connections: %w", err)
	}
	if l.commands, err = perSecond(d.At("commands")); err != nil {
		return l, fmt.Errorf("commands: %w", err)
	}
	return l, nil
}

// perSecond reads 5, 5/s or 30/m.
func perSecond(v any) (float64, error) {
	if v == nil {
		return 0, nil
	}
	text := strings.TrimSpace(value.Str(v))
	number, unit, _ := strings.Cut(text, "/")
	n, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	per, known := map[string]float64{"": 1, "s": 1, "m": 60, "h": 3600}[strings.TrimSpace(unit)]
	if err != nil || !known || !(n > 0 && n <= 1e6) {
		return 0, fmt.Errorf("'%s' is not a rate such as 5/s or 30/m", text)
	}
	return n / per, nil
}

// takesTurns reports whether members of a pool are out one after the other.
func (p *playRun) takesTurns() bool {
	return slices.ContainsFunc(p.limits, func(l limit) bool { return l.atOnce > 0 })
}

// poolOf names the pool that a host is in by a limit. Pools of a variable are
// the same in all plays of the run.
func (p *playRun) poolOf(l limit, h *host) string {
	if l.per == "" {
		return "play " + p.play.Pos.String()
	}
	return l.per + "=" + p.valueOf(h, l.per)
}

// pools are a host's pools with how many may be out of each.
func (p *playRun) poolsOf(h *host) []turn {
	var out []turn
	for _, l := range p.limits {
		if l.atOnce > 0 {
			out = append(out, turn{p.poolOf(l, h), l.atOnce})
		}
	}
	return out
}

// turn is a place that a host needs in a pool.
type turn struct {
	pool   string
	atOnce int
}

// outages is which hosts are out of their pools: from the moment that a play
// with limits begins on them until they are up. Who fails stays out.
type outages struct {
	mu      sync.Mutex
	changed *sync.Cond
	out     map[string]map[*host]*outage // by pool
}

// outage is one host that is out of a pool.
type outage struct {
	plays  int  // that have it out
	handed bool // a restart has stopped it; the play that starts it takes over
	lost   bool // for good
}

func newOutages() *outages {
	o := &outages{out: map[string]map[*host]*outage{}}
	o.changed = sync.NewCond(&o.mu)
	return o
}

func (o *outages) wake() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.changed.Broadcast()
}

// take lets a host go out when there is room in all its pools; never means that
// there will be none. The lock is held.
func (o *outages) take(h *host, turns []turn) (ok, never bool) {
	for _, t := range turns {
		members := o.out[t.pool]
		if _, mine := members[h]; mine {
			continue
		}
		if len(members) >= t.atOnce {
			lost := 0
			for _, m := range members {
				if m.lost {
					lost++
				}
			}
			return false, lost >= t.atOnce
		}
	}
	for _, t := range turns {
		if o.out[t.pool] == nil {
			o.out[t.pool] = map[*host]*outage{}
		}
		m := o.out[t.pool][h]
		if m == nil {
			m = &outage{}
			o.out[t.pool][h] = m
		}
		if !m.handed {
			m.plays++
		}
		m.handed, m.lost = false, false // one that is tried again is not lost
	}
	return true, false
}

// back ends the outage of a host for one play, or makes it one for good.
func (o *outages) back(h *host, turns []turn, up bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, t := range turns {
		m := o.out[t.pool][h]
		m.lost = m.lost || !up
		if m.plays--; m.plays == 0 && !m.lost {
			delete(o.out[t.pool], h)
		}
	}
	o.changed.Broadcast()
}

// handOver keeps a host out for the play that starts it again.
func (o *outages) handOver(h *host, turns []turn) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, t := range turns {
		o.out[t.pool][h].handed = true
	}
	o.changed.Broadcast()
}

// byTurns lets every host go through the play by itself, as soon as its pools
// allow, in the order of the play.
func (p *playRun) byTurns() {
	for more := true; more; more = len(p.takenUp(true, nil)) > 0 {
		p.takeTurns()
	}
}

func (p *playRun) takeTurns() {
	o := p.run.outages
	defer context.AfterFunc(p.ctx, o.wake)()
	defer p.run.cancel.onStop(o.wake)()
	var wg sync.WaitGroup
	defer wg.Wait()
	var left []*host
	waiting := p.alive()
	turnsOf := make(map[*host][]turn, len(waiting))
	for _, h := range waiting { // before the lock: it evaluates variables
		turnsOf[h] = p.poolsOf(h)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for len(waiting) > 0 && !p.over() && !p.run.cancel.stopped() && p.ctx.Err() == nil {
		began := false
		var next []*host
		for _, h := range waiting {
			if h.out() {
				continue
			}
			turns := turnsOf[h]
			ok, never := o.take(h, turns)
			switch {
			case never:
				left = append(left, h)
			case !ok:
				next = append(next, h)
			default:
				began = true
				wg.Go(func() { p.oneTurn(h, turns) })
			}
		}
		if waiting = next; len(waiting) > 0 && !began {
			o.changed.Wait()
		}
	}
	if len(left) > 0 {
		p.leftAlone(left)
	}
}

func (p *playRun) oneTurn(h *host, turns []turn) {
	p.runAlone(h)
	if p.play.Stopping && !p.play.StaysDown && !h.broken() {
		p.run.outages.handOver(h, turns)
		return
	}
	done := p.cursors[h].next() == nil
	p.run.outages.back(h, turns, !h.broken() && done)
}

// leftAlone tells which hosts the play does not touch because too many of their
// pool are out for good, and fails the play.
func (p *playRun) leftAlone(hosts []*host) {
	p.mu.Lock()
	p.heldBack = true
	p.mu.Unlock()
	p.run.playsFailed.Store(true)
	p.run.stream.emit(event.Warning{Text: say.T(
		"play '%s' leaves %s alone: as many members of their pool are out as limits allow",
		"플레이 '%s'{은/는} %s{을/를} 건드리지 않습니다: 같은 풀에서 limits가 허용하는 만큼 이미 빠져 있습니다",
		p.name, strings.Join(hostNames(hosts), ", "))})
}

// paces are the rates of pools, shared by all plays.
type paces struct {
	mu   sync.Mutex
	made map[string]*connection.Pace
	// met are the links whose connecting has had its turn.
	met map[connection.Link]bool
}

func (p *paces) of(pool string, rate float64) *connection.Pace {
	if rate <= 0 {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.made == nil {
		p.made = map[string]*connection.Pace{}
	}
	if p.made[pool] == nil {
		p.made[pool] = connection.NewPace(rate)
	}
	return p.made[pool]
}

// first reports whether a link is used for the first time.
func (p *paces) first(l connection.Link) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.met[l] {
		return false
	}
	if p.met == nil {
		p.met = map[connection.Link]bool{}
	}
	p.met[l] = true
	return true
}

// paced is the host's Conn at the rates that the play's limits give its pools.
func (p *playRun) paced(h *host, l connection.Link, c connection.Conn) connection.Conn {
	var connects, commands []*connection.Pace
	for _, limit := range p.limits {
		pool := p.poolOf(limit, h)
		if pace := p.run.paces.of(pool+" connections", limit.connections); pace != nil {
			connects = append(connects, pace)
		}
		if pace := p.run.paces.of(pool+" commands", limit.commands); pace != nil {
			commands = append(commands, pace)
		}
	}
	if len(connects)+len(commands) == 0 {
		return c
	}
	return connection.WithPace(c, func(ctx context.Context) error {
		turns := commands
		if len(connects) > 0 && p.run.paces.first(l) {
			turns = append(slices.Clone(connects), commands...)
		}
		for _, pace := range turns {
			if err := pace.Wait(ctx); err != nil {
				return err
			}
		}
		return nil
	})
}

// words tell a limit in a plan: "1 at once per pool".
func (l limit) words() string {
	var out []string
	if l.atOnce > 0 {
		out = append(out, fmt.Sprintf("%d at once", l.atOnce))
	}
	if l.connections > 0 {
		out = append(out, fmt.Sprintf("%g connections/s", l.connections))
	}
	if l.commands > 0 {
		out = append(out, fmt.Sprintf("%g commands/s", l.commands))
	}
	text := strings.Join(out, ", ")
	if l.per != "" {
		text += " per " + l.per
	}
	return text
}
