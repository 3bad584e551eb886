package history

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"sunup/internal/event"
	"sunup/internal/store"
	"sunup/reports"
)

// digestVersion changes when the form of a digest does: older ones are derived
// again.
const digestVersion = 2

// The kinds of digests in the store.
const (
	summaryKind = "summary"
	cellsKind   = "cells"
)

// Digest is one run in short. Times are milliseconds.
type Digest struct {
	Version int           `json:"version"`
	Run     string        `json:"run"`
	Name    string        `json:"name"`
	Limit   string        `json:"limit,omitempty"`
	Check   bool          `json:"check,omitempty"`
	Began   time.Time     `json:"began"`
	TookMS  int64         `json:"took_ms"`
	Outcome event.Outcome `json:"outcome"`
	Code    int           `json:"exit_code"`
	// Complete says that the run said its end.
	Complete  bool                `json:"complete"`
	Hosts     int                 `json:"hosts"`
	Changed   int                 `json:"changed"` // cells
	Deadlines []reports.Milestone `json:"deadlines,omitempty"`
	Plays     []PlayDigest        `json:"plays,omitempty"`
	Steps     []StepDigest        `json:"steps,omitempty"`
	Machines  []HostDigest        `json:"machines,omitempty"`
	Causes    []CauseDigest       `json:"causes,omitempty"`
}

// PlayDigest is one play.
type PlayDigest struct {
	Name    string        `json:"name"`
	TookMS  int64         `json:"took_ms"`
	LaneMS  int64         `json:"lane_ms"` // what a lane of hosts took; TookMS when there is one lane
	Outcome event.Outcome `json:"outcome"`
	Hosts   int           `json:"hosts"`
	// Lanes are the groups of hosts that started together, where there were
	// several.
	Lanes []LaneDigest `json:"lanes,omitempty"`
}

// StepDigest is one task of a play.
type StepDigest struct {
	Play      string `json:"play"`
	Name      string `json:"name"`
	Nth       int    `json:"nth,omitempty"` // of the same name in the play, from 0
	Task      int    `json:"task"`          // its number in the run's report
	SpanMS    int64  `json:"span_ms"`
	MiddleMS  int64  `json:"middle_ms"`
	SlowestMS int64  `json:"slowest_ms"`
	Slowest   string `json:"slowest,omitempty"`
	Hosts     int    `json:"hosts"`
	// LaneMS is how much longer a lane took for it, in the middle of the lanes;
	// the steps of a lane add up to its time.
	LaneMS *int64 `json:"lane_ms,omitempty"`
}

// Key names the step in every run.
func (s StepDigest) Key() string { return fmt.Sprintf("%s\x00%s\x00%d", s.Play, s.Name, s.Nth) }

// HostDigest is one host.
type HostDigest struct {
	Name      string        `json:"name"`
	Zone      string        `json:"zone,omitempty"`
	WorkingMS int64         `json:"working_ms"`
	Outcome   event.Outcome `json:"outcome"`
	Aside     bool          `json:"aside,omitempty"` // quarantined
	// Slow is how its steps compare with those of the other hosts of the same
	// role: the median of the ratios, 0 when it cannot be told.
	Slow float64 `json:"slow,omitempty"`
}

// CauseDigest is a group of failures.
type CauseDigest struct {
	Outcome event.Outcome `json:"outcome"`
	Message string        `json:"message"`
	Task    string        `json:"task"`
	Hosts   int           `json:"hosts"`
}

// Cells are the times of each step on each host, by the step's key.
type Cells struct {
	Version int                 `json:"version"`
	Hosts   []string            `json:"hosts"`
	Steps   map[string]CellList `json:"steps"`
}

// CellList are the hosts of a step (as places in Hosts) with their times.
type CellList struct {
	Host   []int   `json:"host"`
	TookMS []int64 `json:"took_ms"`
}

// DigestOf makes the digest of a report.
func DigestOf(r *reports.Report) Digest {
	d := Digest{
		Version: digestVersion, Run: r.Run.ID, Name: r.Run.Name, Limit: r.Run.Limit, Check: r.Run.Check, Began: r.Began, TookMS: r.TookMS,
		Outcome: r.Outcome, Code: r.ExitCode, Complete: r.Complete, Hosts: len(r.Hosts), Changed: r.Figures.Cells[event.Changed],
		Deadlines: r.Milestones, Steps: stepsOf(r),
	}
	lanes, trace := laneTimes(r), traceLanes(r)
	for i, s := range d.Steps {
		if all := trace.steps[s.Task]; len(all) > 0 {
			middle := median(all)
			d.Steps[i].LaneMS = &middle
		}
	}
	for _, p := range r.Plays {
		pd := PlayDigest{Name: p.Name, TookMS: p.TookMS, LaneMS: p.TookMS, Outcome: p.Outcome, Hosts: p.HostCount, Lanes: trace.digests(p.Number)}
		if p.Lanes > 1 {
			pd.LaneMS = median(lanes[p.Number])
		}
		d.Plays = append(d.Plays, pd)
	}
	d.Machines = machines(r)
	for _, c := range r.Causes {
		cd := CauseDigest{Outcome: c.Outcome, Message: c.Message, Hosts: len(c.Hosts)}
		if len(c.Tasks) > 0 && c.Tasks[0] >= 0 && c.Tasks[0] < len(r.Tasks) {
			cd.Task = r.Tasks[c.Tasks[0]].Name
		}
		d.Causes = append(d.Causes, cd)
	}
	return d
}

func stepsOf(r *reports.Report) []StepDigest {
	names := map[int]string{}
	for _, p := range r.Plays {
		names[p.Number] = p.Name
	}
	nth := map[[2]string]int{}
	var out []StepDigest
	for _, t := range r.Tasks {
		key := [2]string{names[t.Play], t.Name}
		s := StepDigest{
			Play: key[0], Name: key[1], Nth: nth[key], Task: t.Number, SpanMS: t.SpanMS, MiddleMS: t.MiddleMS,
			SlowestMS: t.SlowestMS, Slowest: t.Slowest,
		}
		nth[key]++
		for o, n := range t.Counts {
			if o != event.Skipped {
				s.Hosts += n
			}
		}
		out = append(out, s)
	}
	return out
}

// laneTimes are, by play, how long each host was in it: hosts of one lane go
// through together, so that this is what their lane took.
func laneTimes(r *reports.Report) map[int][]int64 {
	out := map[int][]int64{}
	for _, h := range r.Hosts {
		first, last := map[int]int64{}, map[int]int64{}
		for _, c := range h.Cells {
			play := r.Tasks[c.Task].Play
			if began, ok := first[play]; !ok || c.BeganMS < began {
				first[play] = c.BeganMS
			}
			last[play] = max(last[play], c.BeganMS+c.TookMS)
		}
		for play, began := range first {
			out[play] = append(out[play], last[play]-began)
		}
	}
	return out
}

// machines compares each host with the others of its role, step by step.
func machines(r *reports.Report) []HostDigest {
	type place struct {
		task int
		role string
	}
	took := map[place][]int64{}
	for _, h := range r.Hosts {
		role := Role(h.Name)
		for _, c := range h.Cells {
			if didWork(c) {
				at := place{c.Task, role}
				took[at] = append(took[at], c.TookMS)
			}
		}
	}
	usual := map[place]int64{}
	for at, all := range took {
		if len(all) >= 3 { // two cannot tell which of them is slow
			usual[at] = median(all)
		}
	}
	aside := map[string]bool{}
	for _, q := range r.Quarantine {
		aside[q.Host] = true
	}
	var out []HostDigest
	for _, h := range r.Hosts {
		d := HostDigest{Name: h.Name, Zone: h.Zone, WorkingMS: h.WorkingMS, Outcome: h.Outcome, Aside: aside[h.Name]}
		role := Role(h.Name)
		var took, expected int64
		for _, c := range h.Cells {
			if u := usual[place{c.Task, role}]; u > 0 && didWork(c) {
				took, expected = took+c.TookMS, expected+u
			}
		}
		if expected > 0 {
			d.Slow = float64(took) / float64(expected)
		}
		out = append(out, d)
	}
	return out
}

// didWork reports whether a cell tells how long its host takes: a failure's time
// is that of a time limit, and says nothing about the usual.
func didWork(c reports.Cell) bool { return c.Outcome == event.OK || c.Outcome == event.Changed }

// CellsOf are the times of each step on each host of a report. Only steps that
// ended well count: a failure's time says nothing about the usual.
func CellsOf(r *reports.Report) Cells {
	c := Cells{Version: digestVersion, Steps: map[string]CellList{}}
	keys := map[int]string{}
	for _, s := range stepsOf(r) {
		keys[s.Task] = s.Key()
	}
	for i, h := range r.Hosts {
		c.Hosts = append(c.Hosts, h.Name)
		for _, cell := range h.Cells {
			if !didWork(cell) {
				continue
			}
			list := c.Steps[keys[cell.Task]]
			list.Host, list.TookMS = append(list.Host, i), append(list.TookMS, cell.TookMS)
			c.Steps[keys[cell.Task]] = list
		}
	}
	return c
}

// Keep derives what history needs from a run's report and keeps it.
func Keep(ctx context.Context, s *store.Store, r *reports.Report) error {
	summary, err := pack(DigestOf(r))
	if err != nil {
		return err
	}
	cells, err := pack(CellsOf(r))
	if err != nil {
		return err
	}
	return s.PutDigests(ctx, r.Run.ID, map[string][]byte{summaryKind: summary, cellsKind: cells}, failuresOf(r))
}

// Load returns the digest of a run; it is derived and kept when that was not
// done yet.
func Load(ctx context.Context, s *store.Store, run store.Run) (Digest, error) {
	body, err := s.Digest(ctx, run.ID, summaryKind)
	if err != nil {
		return Digest{}, err
	}
	var d Digest
	if unpack(body, &d) == nil && d.Version == digestVersion && d.Run == run.ID {
		return d, nil
	}
	r, err := Refold(ctx, s, run.ID)
	if err != nil {
		return Digest{}, err
	}
	if run.State == store.Running || run.Pruned == store.KeptEvents {
		return DigestOf(r), nil // there is more to come, or nothing to derive from
	}
	return DigestOf(r), Keep(ctx, s, r)
}

// Refold makes the report of a recorded run.
func Refold(ctx context.Context, s *store.Store, runID string) (*reports.Report, error) {
	b := reports.NewBuilder()
	for e, err := range event.Settled(s.Events(ctx, runID, 0)) {
		if err != nil {
			return nil, err
		}
		b.Emit(e)
	}
	return b.Report(), nil
}

// loadCells returns the cells of a run, empty when there are none.
func loadCells(ctx context.Context, s *store.Store, runID string) (Cells, error) {
	body, err := s.Digest(ctx, runID, cellsKind)
	if err != nil {
		return Cells{}, err
	}
	var c Cells
	if unpack(body, &c) != nil || c.Version != digestVersion {
		return Cells{}, nil
	}
	return c, nil
}

// packers and unpackers are used again: each holds about a mebibyte, and a
// digest has many small parts.
var (
	packers   = sync.Pool{New: func() any { z, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed); return z }}
	unpackers = sync.Pool{New: func() any { return new(gzip.Reader) }}
)

// pack writes a digest as compressed JSON.
func pack(v any) ([]byte, error) {
	var b bytes.Buffer
	z := packers.Get().(*gzip.Writer)
	defer packers.Put(z)
	z.Reset(&b)
	if err := json.NewEncoder(z).Encode(v); err != nil {
		return nil, fmt.Errorf("write digest: %w", err)
	}
	if err := z.Close(); err != nil {
		return nil, fmt.Errorf("write digest: %w", err)
	}
	return b.Bytes(), nil
}

// maxDigest bounds what is unpacked.
const maxDigest = 256 << 20

func unpack(body []byte, v any) error {
	z := unpackers.Get().(*gzip.Reader)
	defer unpackers.Put(z)
	if err := z.Reset(bytes.NewReader(body)); err != nil {
		return fmt.Errorf("read digest: %w", err)
	}
	return json.NewDecoder(io.LimitReader(z, maxDigest)).Decode(v)
}

// median of some values; they are put in order.
func median[T cmp.Ordered](all []T) T {
	var none T
	if len(all) == 0 {
		return none
	}
	slices.Sort(all)
	return all[len(all)/2]
}

// spread is the median distance from the median.
func spread(all []int64, middle int64) int64 {
	away := make([]int64, len(all))
	for i, v := range all {
		away[i] = max(v-middle, middle-v)
	}
	return median(away)
}
