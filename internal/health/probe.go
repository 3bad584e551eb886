package health

import (
	"context"
	"math"
	"time"

	"sunup/internal/diag"
	"sunup/internal/say"
)

// From says which side asks.
type From string

// The sides.
const (
	FromTarget     From = "target"     // the host itself, over its connection
	FromController From = "controller" // the machine that runs sunup, over the network
)

// Settings say how often and how long a probe is asked. The zero value of a
// field takes the default.
type Settings struct {
	// Every is the time from the end of one try to the next.
	Every time.Duration
	// For is how long the probe may take to pass, from the gate's start.
	For time.Duration
	// Timeout bounds one try.
	Timeout time.Duration
	// Successes is how many good answers in a row it takes.
	Successes int
	// Stable is how long the answers must have been good without a break.
	Stable time.Duration
	// Backoff multiplies Every after each bad answer in a row.
	Backoff float64
	// From is the side that asks; empty is the kind's own choice.
	From From
}

// The defaults: a second is quick to notice and light on a host; a minute is
// what most services take at most; five seconds is a lost packet and two
// repeats.
const (
	DefaultEvery   = time.Second
	DefaultFor     = time.Minute
	DefaultTimeout = 5 * time.Second

	// maxBackoff is the longest pause that backoff grows to, unless Every is
	// longer.
	maxBackoff = 30 * time.Second
	// settled is how often a probe that has passed is asked again.
	settled = 5 * time.Second
	// stableStep bounds the pause between tries while a probe must stay up: a
	// service that is down for a second is seen.
	stableStep = time.Second
)

func (s Settings) withDefaults() Settings {
	if s.Every <= 0 {
		s.Every = DefaultEvery
	}
	if s.For <= 0 {
		s.For = DefaultFor
	}
	if s.Timeout <= 0 {
		s.Timeout = DefaultTimeout
	}
	s.Successes = max(s.Successes, 1)
	s.Backoff = max(s.Backoff, 1)
	return s
}

// Probe is one question, or a group of them.
type Probe struct {
	// Name is how people are told of it: its own name, or "tcp 5432"; of a group
	// only its own.
	Name string
	Kind string // "tcp"; empty for a group
	Pos  diag.Pos
	Settings

	// KOf is how many of Of must pass; for groups only.
	KOf int
	Of  []*Probe

	ask asker
}

// asker asks once. It obeys ctx; what it keeps from one try to the next is in
// memory.
type asker func(ctx context.Context, t *Target, m *memory) Answer

// memory is what a probe keeps between its tries at one host.
type memory struct {
	offset int64 // where the new part of a log begins
	begun  bool
}

// Answer is what one try brought.
type Answer struct {
	Passed bool
	Reason say.Text // why not
	// Mark is what must stay the same while a probe is stable, such as the
	// number of the process: when it changes, the service was restarted.
	Mark string
	// Final is true when asking again cannot help: a tool is missing, a password
	// is refused.
	Final bool
	// Err is set when the host could not be reached at all.
	Err error

	cut bool // by the end of the gate, not by its own time limit
}

// Plan is the probes of a play or a task.
type Plan struct {
	root *Probe // a group of all
}

// Probes are the probes of the plan, groups as groups.
func (p *Plan) Probes() []*Probe { return p.root.Of }

// Limit is the longest time that a gate of this plan waits.
func (p *Plan) Limit() time.Duration { return p.root.limit() }

func (p *Probe) limit() time.Duration {
	if p.Kind != "" {
		return p.For
	}
	var most time.Duration
	for _, inner := range p.Of {
		most = max(most, inner.limit())
	}
	return most
}

// leaves are the probes proper below p, in order.
func (p *Probe) leaves() []*Probe {
	if p.Kind != "" {
		return []*Probe{p}
	}
	var out []*Probe
	for _, inner := range p.Of {
		out = append(out, inner.leaves()...)
	}
	return out
}

// pause is how long to wait before the next try. Tries is how many there were:
// while a probe must stay up, pauses differ from each other, so that a service
// that comes and goes in step with the probe is found out.
func (s Settings) pause(tries, failures int, up bool) time.Duration {
	d := s.Every
	switch {
	case up && s.Stable > 0:
		d = min(d, max(s.Stable/20, 250*time.Millisecond), stableStep)
		_, part := math.Modf(float64(tries) * 0.6180339887)
		d = time.Duration(float64(d) * (0.5 + part/2))
	case s.Backoff > 1 && failures > 1:
		grown := float64(d) * math.Pow(s.Backoff, float64(min(failures-1, 60)))
		d = time.Duration(min(grown, float64(max(maxBackoff, d))))
	}
	return d
}

func good() Answer { return Answer{Passed: true} }

func bad(en, ko string, args ...any) Answer { return Answer{Reason: say.T(en, ko, args...)} }

// never is a bad answer that stays one.
func never(en, ko string, args ...any) Answer {
	a := bad(en, ko, args...)
	a.Final = true
	return a
}
