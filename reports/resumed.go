package reports

import (
	"slices"
	"time"

	"sunup/internal/event"
	"sunup/internal/say"
)

// gap is a time in which nothing ran: a run had ended or broken off, and was
// not yet resumed.
type gap struct{ from, to time.Time }

// runResumed begins another attempt: what ended stays, and what failed may end
// again.
func (b *Builder) runResumed(d event.RunResumed, at time.Time) {
	r := &b.report
	if len(r.Attempts) == 0 {
		r.Attempts = []Attempt{{Number: 1, Began: r.Began, User: r.Run.User, Node: r.Run.Node}}
	}
	before := &r.Attempts[len(r.Attempts)-1]
	before.Ended, before.Outcome = b.last, event.Unknown
	if r.Complete {
		before.Outcome = r.Outcome
	}
	if d.Ended != "" { // who leaves out what counts no more has not seen its end
		before.Outcome = d.Ended
	}
	b.gaps = append(b.gaps, gap{b.last, at})
	b.resumes++
	r.Attempts = append(r.Attempts, Attempt{Number: max(d.Attempt, before.Number+1), Began: at, User: d.User, Node: d.Node, Reason: d.Reason, Inputs: d.Inputs, Changes: d.Changes, Unknown: b.undecided(d.Unknown)})
	b.void(d.Void)
	r.Complete, r.Outcome, r.ExitCode, r.Recap, r.Reach = false, "", 0, nil, nil
	r.Reason = say.Text{}
}

func (b *Builder) undecided(steps []event.Undecided) (out []Undecided) {
	for _, u := range steps[:min(len(steps), maxFailures)] {
		out = append(out, Undecided{Task: b.starts[u.Task].Name, Host: u.Host, Decision: u.Decision})
	}
	return out
}

// void takes back the ends of tasks that count no more: they are tried again, or
// followed from what is tried again.
func (b *Builder) void(seqs []int64) {
	if len(seqs) == 0 {
		return
	}
	gone := make(map[int64]bool, len(seqs))
	for _, seq := range seqs {
		gone[seq] = true
	}
	for _, h := range b.report.Hosts {
		for _, c := range h.Cells {
			if gone[c.seq] {
				b.forget(b.report.Tasks[c.Task], h, c)
			}
		}
		h.Cells = slices.DeleteFunc(h.Cells, func(c Cell) bool { return gone[c.seq] })
		b.regrade(h)
	}
	b.report.Quarantine = slices.DeleteFunc(b.report.Quarantine, func(q Quarantined) bool { return gone[q.seq] })
}

// regrade finds a host's outcome anew.
func (b *Builder) regrade(h *Host) {
	aside := slices.ContainsFunc(b.report.Quarantine, func(q Quarantined) bool { return q.Host == h.Name })
	if h.Outcome = ""; aside {
		h.Outcome = event.Quarantined
		return
	}
	for _, c := range h.Cells {
		if gravity[c.Outcome] > gravity[h.Outcome] {
			h.Outcome = c.Outcome
		}
	}
}

// attempts are the attempts of a resumed run with the end of the last one.
func (b *Builder) attempts(r *Report) []Attempt {
	out := slices.Clone(r.Attempts)
	if n := len(out); n > 0 {
		out[n-1].Ended, out[n-1].Outcome = r.Ended, r.Outcome
	}
	return out
}

// idle is how much of a time lay between attempts.
func (b *Builder) idle(from, to time.Time) time.Duration {
	var sum time.Duration
	for _, g := range b.gaps {
		begin, end := g.from, g.to
		if from.After(begin) {
			begin = from
		}
		if to.Before(end) {
			end = to
		}
		sum += max(0, end.Sub(begin))
	}
	return sum
}

// again finds the column of a task that did not end well on the host in an
// earlier attempt, and forgets that end: the later one counts.
func (b *Builder) again(start event.TaskStarted, h *Host) *Task {
	if b.resumes == 0 {
		return nil
	}
	for _, t := range b.columns[columnKey(start)] {
		i := slices.IndexFunc(h.Cells, func(c Cell) bool { return c.Task == t.Number })
		if i < 0 || !isBad(h.Cells[i].Outcome) && h.Cells[i].Outcome != event.Cancelled {
			continue
		}
		if began := b.report.Began.Add(time.Duration(h.Cells[i].BeganMS) * time.Millisecond); !began.Before(b.gaps[len(b.gaps)-1].to) {
			continue // of this attempt
		}
		b.forget(t, h, h.Cells[i])
		h.Cells = slices.Delete(h.Cells, i, i+1)
		b.regrade(h)
		return t
	}
	return nil
}

// forget takes a cell out of everything that was counted.
func (b *Builder) forget(t *Task, h *Host, c Cell) {
	t.Counts.less(c.Outcome)
	t.WorkMS -= c.TookMS
	if c.Outcome == event.Changed {
		b.unchange(t, h)
	}
	b.report.Figures.Cells.less(c.Outcome)
	if p := b.plays[t.Play]; p != nil {
		p.Counts.less(c.Outcome)
		p.Lost = slices.DeleteFunc(p.Lost, func(name string) bool { return name == h.Name })
	}
	if s := b.spans[span{t.Play, h.Name}]; s != nil {
		s.working -= time.Duration(c.TookMS) * time.Millisecond
	}
	b.report.Quarantine = slices.DeleteFunc(b.report.Quarantine, func(q Quarantined) bool { return q.Host == h.Name })
	b.mend(t, h)
}

// unchange takes a host out of what a task changed.
func (b *Builder) unchange(t *Task, h *Host) {
	c := b.changes[t.Number]
	if c == nil {
		return
	}
	not := func(name string) bool { return name == h.Name }
	c.Count--
	c.Hosts = slices.DeleteFunc(c.Hosts, not)
	for i := range c.Diffs {
		c.Diffs[i].Hosts = slices.DeleteFunc(c.Diffs[i].Hosts, not)
	}
}

// mend takes a failure that a later attempt did away with out of its cause. It
// is still told, as what it was.
func (b *Builder) mend(t *Task, h *Host) {
	key := cellKey{t.Number, h.Name}
	if c := b.blamed[key]; c != nil {
		delete(b.blamed, key)
		c.Count--
		if !b.blames(c, h.Name) {
			c.Hosts = slices.DeleteFunc(c.Hosts, func(name string) bool { return name == h.Name })
		}
	}
	for i, f := range b.report.Failures {
		if f.Host == h.Name && f.Task == t.Number && !f.Mended {
			// Reports that were made before hold the same failure: they keep theirs.
			mended := *f
			mended.Mended = true
			b.report.Failures[i] = &mended
			return
		}
	}
}

// blames reports whether a cause has another failure of the host.
func (b *Builder) blames(c *Cause, host string) bool {
	for key, other := range b.blamed {
		if key.host == host && other == c {
			return true
		}
	}
	return false
}

func (c Counts) less(o event.Outcome) {
	if c[o]--; c[o] <= 0 {
		delete(c, o)
	}
}
