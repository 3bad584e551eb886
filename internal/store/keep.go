package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"sunup/internal/event"
	"sunup/internal/say"
	"sunup/internal/value"
)

// What the store keeps, each for its own time.
const (
	KeptOutput  = "output"  // what commands printed, and differences
	KeptEvents  = "events"  // the events of a run
	KeptReports = "reports" // the files of its report
	KeptRuns    = "runs"    // the run as a whole
)

// Keep says how long each kind is kept; 0 means for ever.
type Keep struct {
	Output, Events, Reports, Runs time.Duration
}

// Pruned is one thing that was, or would be, deleted.
type Pruned struct {
	Run  Run    `json:"run"`
	What string `json:"what"` // one of the kinds
	// Events is how many events were changed or deleted.
	Events int64 `json:"events,omitempty"`
}

// Prune deletes what is older than it is kept for, and enters each deletion in
// the ledger. Runs on hold and runs that are running are left alone. With dry
// nothing is deleted.
func (s *Store) Prune(ctx context.Context, keep Keep, who string, dry bool) ([]Pruned, error) {
	runs, err := s.Runs(ctx, Filter{})
	if err != nil {
		return nil, err
	}
	var done []Pruned
	for _, r := range runs {
		if r.State == Running || r.Hold != "" {
			continue
		}
		for _, what := range s.overdue(r, keep) {
			p := Pruned{Run: r, What: what}
			if !dry {
				if p.Events, err = s.prune(ctx, r, what, who); err != nil {
					return done, fmt.Errorf("prune %s of run %s: %w", what, r.ID, err)
				}
			}
			done = append(done, p)
		}
	}
	return done, nil
}

// overdue lists what of a run is to go. What goes with something larger is not
// listed by itself.
func (s *Store) overdue(r Run, keep Keep) []string {
	age := s.now().Sub(r.Began)
	past := func(limit time.Duration) bool { return limit > 0 && age > limit }
	if past(keep.Runs) {
		return []string{KeptRuns}
	}
	var out []string
	switch {
	case past(keep.Events) && r.Pruned != KeptEvents:
		out = append(out, KeptEvents)
	case past(keep.Output) && r.Pruned == "":
		out = append(out, KeptOutput)
	}
	if _, err := os.Stat(s.ReportDir(r.ID)); err == nil && past(keep.Reports) {
		out = append(out, KeptReports)
	}
	return out
}

// ReportDir is where the reports of a run are written unless another directory
// is asked for.
func (s *Store) ReportDir(runID string) string { return filepath.Join(s.dir, "runs", runID) }

// prune deletes one kind of a run.
func (s *Store) prune(ctx context.Context, r Run, what, who string) (events int64, err error) {
	if what == KeptReports || what == KeptRuns {
		if err := os.RemoveAll(s.ReportDir(r.ID)); err != nil {
			return 0, err
		}
	}
	if what == KeptOutput { // what was collected from hosts, as files
		if err := os.RemoveAll(filepath.Join(s.ReportDir(r.ID), "gathered")); err != nil {
			return 0, err
		}
	}
	err = s.inTx(ctx, func(tx *sql.Tx) error {
		body := ledgerBody{Who: who, What: what, Events: r.Events, Head: r.Head}
		switch what {
		case KeptOutput:
			var seal Hash
			if seal, events, err = s.pruneOutput(tx, r); err != nil {
				return err
			}
			body.Seal = seal[:]
		case KeptEvents:
			events = r.Events
			if err := errors.Join(s.exec(tx, "DELETE FROM events WHERE run = ?", r.N), s.exec(tx, "UPDATE runs SET pruned = ? WHERE n = ?", KeptEvents, r.N)); err != nil {
				return err
			}
		case KeptRuns:
			events = r.Events
			for _, table := range []string{"events WHERE run", "digests WHERE run", "failures WHERE run", "runs WHERE n"} {
				if err := s.exec(tx, "DELETE FROM "+table+" = ?", r.N); err != nil {
					return err
				}
			}
		}
		return s.enter(tx, ledgerPruned, r.ID, body)
	})
	return events, err
}

// pruneOutput takes the outputs out of a run's events. Each keeps the digest of
// what it was, so that the chain still holds; the seal is over what is left.
func (s *Store) pruneOutput(tx *sql.Tx, r Run) (seal Hash, changed int64, err error) {
	seal = chainStart(r.ID)
	encode := newEncoder()
	for from := int64(0); ; {
		page, err := s.pageIn(tx, r.N, from)
		if err != nil {
			return seal, changed, err
		}
		for _, old := range page {
			left, err := withoutOutput(encode, old)
			if err != nil {
				return seal, changed, err
			}
			seal = link(seal, sha256.Sum256(left.line()))
			from = old.seq + 1
			if left.data == old.data {
				continue
			}
			changed++
			if err := s.exec(tx, "UPDATE events SET data = ?, digest = ? WHERE run = ? AND seq = ?", left.data, left.digest, r.N, old.seq); err != nil {
				return seal, changed, err
			}
		}
		if len(page) < pageRows {
			return seal, changed, s.exec(tx, "UPDATE runs SET pruned = ? WHERE n = ?", KeptOutput, r.N)
		}
	}
}

// withoutOutput is a row without what commands printed.
func withoutOutput(encode *encoder, r row) (row, error) {
	e, err := r.event()
	if err != nil {
		return r, err
	}
	switch d := e.Data.(type) {
	case event.HostTaskEnded:
		d.Result = bare(d.Result)
		e.Data = d
	case event.ItemEnded:
		d.Result = bare(d.Result)
		e.Data = d
	case event.AttemptFailed:
		d.Result = bare(d.Result)
		e.Data = d
	case event.Gathered:
		if d.Text != "" {
			d.Text, d.Refused = "", say.T("it was deleted: output is kept for a shorter time than the run", "보존 기간이 지나 삭제되었습니다")
		}
		e.Data = d
	default:
		return r, nil
	}
	left, _, err := encode.row(e, Hash{})
	if err != nil || left.data == r.data {
		return r, err
	}
	digest := sha256.Sum256(r.line())
	r.data, r.digest = left.data, digest[:]
	return r, nil
}

// keptValues are the return values that are no output: numbers, states and the
// one sentence that says what went wrong.
var keptValues = map[string]bool{
	"changed": true, "failed": true, "skipped": true, "unreachable": true, "rc": true, "msg": true, "start": true, "end": true,
	"delta": true, "attempts": true, "skip_reason": true, "false_condition": true, "censored": true, "dest": true, "path": true,
	"name": true, "state": true, "_ansible_no_log": true,
}

func bare(r event.Result) event.Result {
	r.Diffs = nil
	if r.Values == nil {
		return r
	}
	kept := &value.Dict{}
	for k, v := range r.Values.All() {
		if name, ok := k.(string); ok && keptValues[name] {
			kept.Set(k, v)
		}
	}
	r.Values = kept
	return r
}

// SetHold puts a run on hold, so that nothing of it is pruned, or releases it
// with an empty reason.
func (s *Store) SetHold(ctx context.Context, runID, reason, who string) error {
	kind := ledgerHeld
	if reason == "" {
		kind = ledgerReleased
	}
	return s.inTx(ctx, func(tx *sql.Tx) error {
		result, err := tx.Exec(s.dialect.sql("UPDATE runs SET hold = ? WHERE id = ?"), reason, runID)
		if err != nil {
			return fmt.Errorf("hold run: %w", err)
		}
		if n, err := result.RowsAffected(); err == nil && n == 0 {
			return say.Fail(ErrNoRun, say.T("there is no run %s", "실행 %s{이/가} 없습니다", runID))
		}
		return s.enter(tx, kind, runID, ledgerBody{Who: who, Reason: reason})
	})
}
