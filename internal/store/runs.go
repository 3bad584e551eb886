package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"time"

	"sunup/internal/event"
	"sunup/internal/say"
)

// State is where a run is.
type State string

// The states of a run.
const (
	Running State = "running" // its executor lives
	Ended   State = "ended"   // it said its end
	Broken  State = "broken"  // its record ends without an end
)

// Run is one run of the store.
type Run struct {
	N         int64         `json:"n"` // order of beginning in this store
	ID        string        `json:"id"`
	Name      string        `json:"name"` // of the startup, or the playbooks
	Playbooks []string      `json:"playbooks"`
	Inventory []string      `json:"inventory"`
	Limit     string        `json:"limit,omitempty"`
	Check     bool          `json:"check,omitempty"`
	User      string        `json:"user"`
	Node      string        `json:"node"`
	Version   string        `json:"version"`
	Began     time.Time     `json:"began"`
	Ended     time.Time     `json:"ended,omitzero"`
	State     State         `json:"state"`
	Outcome   event.Outcome `json:"outcome,omitempty"`
	ExitCode  int           `json:"exit_code"`
	Events    int64         `json:"events"`
	Head      []byte        `json:"head"`             // the chain's last hash
	Hold      string        `json:"hold,omitempty"`   // why it must not be pruned
	Pruned    string        `json:"pruned,omitempty"` // "output": without outputs; "events": only what was derived is left
}

// Took is how long the run was, or has been so far.
func (r Run) Took(now time.Time) time.Duration {
	if r.Ended.IsZero() {
		return now.Sub(r.Began)
	}
	return r.Ended.Sub(r.Began)
}

// Filter chooses runs; the zero Filter chooses all.
type Filter struct {
	ID     string    // exactly this one
	Prefix string    // of the ID
	Name   string    // of the startup or the playbooks
	Since  time.Time // began then or later
	Before time.Time // began before
	Ended  bool      // only those that ended
	Real   bool      // no check mode
	Limit  int       // at most so many, the newest; 0 means all
}

const runColumns = "n, id, name, playbooks, inventory, host_limit, check_mode, who, node, version, began, ended, outcome, exit_code, events, head, beat, hold, pruned"

// Runs lists runs, the newest first.
func (s *Store) Runs(ctx context.Context, f Filter) ([]Run, error) {
	where, args := f.where()
	query := "SELECT " + runColumns + " FROM runs" + where + " ORDER BY began DESC, n DESC"
	if f.Limit > 0 {
		query += " LIMIT " + strconv.Itoa(f.Limit)
	}
	rows, err := s.db.QueryContext(ctx, s.dialect.sql(query), args...)
	if err != nil {
		return nil, fmt.Errorf("read runs: %w", err)
	}
	defer rows.Close()
	var out []Run
	for rows.Next() {
		r, err := s.scanRun(rows)
		if err != nil {
			return nil, fmt.Errorf("read runs: %w", err)
		}
		out = append(out, r)
	}
	return out, rows.Err()
}

func (f Filter) where() (string, []any) {
	var parts []string
	var args []any
	add := func(part string, arg ...any) {
		parts = append(parts, part)
		args = append(args, arg...)
	}
	if f.ID != "" {
		add("id = ?", f.ID)
	}
	if f.Prefix != "" {
		add("substr(id, 1, "+strconv.Itoa(len(f.Prefix))+") = ?", f.Prefix)
	}
	if f.Name != "" {
		add("name = ?", f.Name)
	}
	if !f.Since.IsZero() {
		add("began >= ?", f.Since.UnixNano())
	}
	if !f.Before.IsZero() {
		add("began < ?", f.Before.UnixNano())
	}
	if f.Ended {
		add("ended > 0")
	}
	if f.Real {
		add("check_mode = 0")
	}
	if len(parts) == 0 {
		return "", nil
	}
	return " WHERE " + strings.Join(parts, " AND "), args
}

type scanner interface{ Scan(...any) error }

func (s *Store) scanRun(from scanner) (Run, error) {
	var r Run
	var playbooks, inventory string
	var began, ended, beat, check int64
	err := from.Scan(&r.N, &r.ID, &r.Name, &playbooks, &inventory, &r.Limit, &check, &r.User, &r.Node, &r.Version,
		&began, &ended, &r.Outcome, &r.ExitCode, &r.Events, &r.Head, &beat, &r.Hold, &r.Pruned)
	if err != nil {
		return Run{}, err
	}
	if err := errors.Join(json.Unmarshal([]byte(playbooks), &r.Playbooks), json.Unmarshal([]byte(inventory), &r.Inventory)); err != nil {
		return Run{}, err
	}
	r.Check, r.Began = check != 0, time.Unix(0, began)
	switch {
	case s.living(r.ID, r.Node, beat):
		r.State = Running
	case ended > 0:
		r.State, r.Ended = Ended, time.Unix(0, ended)
	default:
		r.State = Broken
	}
	return r, nil
}

// ErrNoRun says that there is no such run.
var ErrNoRun = errors.New("no such run")

// Find returns the run that a person means: "last", "last~2" (the second before
// the last), a whole ID, or the beginning of one.
func (s *Store) Find(ctx context.Context, ref string) (Run, error) {
	if back, ok := backOf(ref); ok {
		runs, err := s.Runs(ctx, Filter{Limit: back + 1})
		if err != nil {
			return Run{}, err
		}
		if len(runs) <= back {
			return Run{}, say.Fail(ErrNoRun, say.T("%s: only %d runs are recorded", "%s: 기록된 실행이 %d개뿐입니다", ref, len(runs)))
		}
		return runs[back], nil
	}
	runs, err := s.Runs(ctx, Filter{Prefix: ref, Limit: 5})
	switch {
	case err != nil:
		return Run{}, err
	case len(runs) == 1:
		return runs[0], nil
	case len(runs) == 0 || ref == "":
		return Run{}, say.Fail(ErrNoRun, say.T("no run begins with %q; 'sunup runs' lists them", "%q{으로/로} 시작하는 실행이 없습니다. 'sunup runs'로 목록을 보십시오", ref))
	}
	for _, r := range runs {
		if r.ID == ref {
			return r, nil
		}
	}
	return Run{}, say.Fail(ErrNoRun, say.T("several runs begin with %q: %s, %s, ...; write more of it", "%q{으로/로} 시작하는 실행이 여럿입니다: %s, %s, ... 더 길게 적으십시오", ref, runs[0].ID, runs[1].ID))
}

// backOf reads "last" and "last~N".
func backOf(ref string) (int, bool) {
	rest, ok := strings.CutPrefix(ref, "last")
	if !ok {
		return 0, false
	}
	if rest == "" {
		return 0, true
	}
	n, err := strconv.Atoi(strings.TrimPrefix(rest, "~"))
	return n, err == nil && n >= 0 && n < 1<<20 && strings.HasPrefix(rest, "~")
}

// pageRows is how many events are read at once: no reader keeps the store from
// cleaning up for longer than that takes.
const pageRows = 500

// Events reads the events of a run in order, beginning with the one numbered
// from (0 or 1: all). It ends with the first error. Events may be added
// meanwhile; those are read too.
func (s *Store) Events(ctx context.Context, runID string, from int64) iter.Seq2[event.Event, error] {
	return func(yield func(event.Event, error) bool) {
		for r, err := range s.rows(ctx, runID, from) {
			var e event.Event
			if err == nil {
				e, err = r.event()
			}
			if !yield(e, err) || err != nil {
				return
			}
		}
	}
}

// rows reads stored rows in order, page by page.
func (s *Store) rows(ctx context.Context, runID string, from int64) iter.Seq2[row, error] {
	return func(yield func(row, error) bool) {
		n, err := s.number(ctx, runID)
		if err != nil {
			yield(row{}, err)
			return
		}
		for {
			page, err := s.page(ctx, n, from)
			for _, r := range page {
				if !yield(r, nil) {
					return
				}
				from = r.seq + 1
			}
			if err != nil {
				yield(row{}, err)
				return
			}
			if len(page) < pageRows {
				return
			}
		}
	}
}

const pageQuery = "SELECT seq, at, type, data, hash, digest FROM events WHERE run = ? AND seq >= ? ORDER BY seq LIMIT ?"

func (s *Store) page(ctx context.Context, n, from int64) ([]row, error) {
	rows, err := s.db.QueryContext(ctx, s.dialect.sql(pageQuery), n, from, pageRows)
	if err != nil {
		return nil, fmt.Errorf("read events: %w", err)
	}
	return scanRows(rows)
}

// pageIn is page within a transaction.
func (s *Store) pageIn(tx *sql.Tx, n, from int64) ([]row, error) {
	rows, err := tx.Query(s.dialect.sql(pageQuery), n, from, pageRows)
	if err != nil {
		return nil, fmt.Errorf("read events: %w", err)
	}
	return scanRows(rows)
}

func scanRows(rows *sql.Rows) ([]row, error) {
	defer rows.Close()
	var out []row
	for rows.Next() {
		var r row
		if err := rows.Scan(&r.seq, &r.at, &r.kind, &r.data, &r.hash, &r.digest); err != nil {
			return out, fmt.Errorf("read events: %w", err)
		}
		out = append(out, r)
	}
	return out, rows.Err()
}

// number is the row number of a run.
func (s *Store) number(ctx context.Context, runID string) (int64, error) {
	var n int64
	err := s.db.QueryRowContext(ctx, s.dialect.sql("SELECT n FROM runs WHERE id = ?"), runID).Scan(&n)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, fmt.Errorf("%w: %s", ErrNoRun, runID)
	}
	return n, err
}
