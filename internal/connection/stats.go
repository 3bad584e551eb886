package connection

import "sync/atomic"

// Stats counts what a link has cost so far.
type Stats struct {
	// Commands is the number of scripts run.
	Commands int64
	// RoundTrips is how often we waited for the host: one per command of a
	// resident shell, more for opening channels and moving files.
	RoundTrips int64
	// Handshakes is the number of connections made, jump hosts included.
	Handshakes int64
	// Shells is the number of resident shells started.
	Shells int64
	// BytesIn and BytesOut are what went over the wire.
	BytesIn, BytesOut int64
}

// Add returns the sum of both.
func (s Stats) Add(o Stats) Stats {
	s.Commands += o.Commands
	s.RoundTrips += o.RoundTrips
	s.Handshakes += o.Handshakes
	s.Shells += o.Shells
	s.BytesIn += o.BytesIn
	s.BytesOut += o.BytesOut
	return s
}

// Counted is a Link that says what it has cost.
type Counted interface{ Stats() Stats }

// StatsOf returns the costs of a link; none when it does not count.
func StatsOf(l Link) Stats {
	if c, ok := l.(Counted); ok {
		return c.Stats()
	}
	return Stats{}
}

// Tally is the running count behind Stats; its zero value is ready, and it may
// be used from several goroutines.
type Tally struct {
	Commands, RoundTrips, Handshakes, Shells, BytesIn, BytesOut atomic.Int64
}

// Stats returns the count as it is now.
func (t *Tally) Stats() Stats {
	return Stats{
		Commands:   t.Commands.Load(),
		RoundTrips: t.RoundTrips.Load(),
		Handshakes: t.Handshakes.Load(),
		Shells:     t.Shells.Load(),
		BytesIn:    t.BytesIn.Load(),
		BytesOut:   t.BytesOut.Load(),
	}
}
