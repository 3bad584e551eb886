package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"sunup/internal/event"
)

// Failure is one failure in the memory of all runs.
type Failure struct {
	Run         string        `json:"run"`
	Host        string        `json:"host"`
	Play        string        `json:"play"`
	Task        string        `json:"task"`
	Module      string        `json:"module"`
	Role        string        `json:"role,omitempty"` // of the host: its group or zone
	Outcome     event.Outcome `json:"outcome"`
	At          time.Time     `json:"at"`
	Message     string        `json:"message"`
	Fingerprint string        `json:"fingerprint"`
}

// PutDigests keeps what was derived from a run's events, by kind, with the
// failures found in them. What was there before is replaced.
func (s *Store) PutDigests(ctx context.Context, runID string, bodies map[string][]byte, failures []Failure) error {
	n, err := s.number(ctx, runID)
	if err != nil {
		return err
	}
	err = s.inTx(ctx, func(tx *sql.Tx) error {
		for kind, body := range bodies {
			if err := s.putDigest(tx, n, kind, body); err != nil {
				return err
			}
		}
		return s.putFailures(tx, n, failures)
	})
	if err != nil {
		return fmt.Errorf("keep digest of run %s: %w", runID, err)
	}
	return nil
}

func (s *Store) putDigest(tx *sql.Tx, n int64, kind string, body []byte) error {
	return errors.Join(
		s.exec(tx, "DELETE FROM digests WHERE run = ? AND kind = ?", n, kind),
		s.exec(tx, "INSERT INTO digests (run, kind, body) VALUES (?, ?, ?)", n, kind, body),
	)
}

func (s *Store) putFailures(tx *sql.Tx, n int64, failures []Failure) error {
	err := s.exec(tx, "DELETE FROM failures WHERE run = ?", n)
	for i, f := range failures {
		if err != nil {
			return err
		}
		err = s.exec(tx, `INSERT INTO failures (run, n, host, play, task, module, role, outcome, at, message, fingerprint)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			n, i, f.Host, f.Play, f.Task, f.Module, f.Role, string(f.Outcome), f.At.UnixNano(), f.Message, f.Fingerprint)
	}
	return err
}

// Digest returns what was kept of a run, or nil.
func (s *Store) Digest(ctx context.Context, runID, kind string) ([]byte, error) {
	var body []byte
	err := s.db.QueryRowContext(ctx, s.dialect.sql("SELECT d.body FROM digests d JOIN runs r ON r.n = d.run WHERE r.id = ? AND d.kind = ?"), runID, kind).Scan(&body)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("read digest of run %s: %w", runID, err)
	}
	return body, nil
}

const failureColumns = "r.id, f.host, f.play, f.task, f.module, f.role, f.outcome, f.at, f.message, f.fingerprint"

// Failures returns the failures with one of the fingerprints before a time, the
// newest first, at most limit of them.
func (s *Store) Failures(ctx context.Context, fingerprints []string, before time.Time, limit int) ([]Failure, error) {
	if len(fingerprints) == 0 {
		return nil, nil
	}
	args := []any{before.UnixNano()}
	for _, f := range fingerprints {
		args = append(args, f)
	}
	return s.failures(ctx, "WHERE f.at < ? AND f.fingerprint IN (?"+strings.Repeat(", ?", len(fingerprints)-1)+") ORDER BY f.at DESC LIMIT ?", append(args, limit)...)
}

// FailuresOf returns the failures of a run.
func (s *Store) FailuresOf(ctx context.Context, runID string) ([]Failure, error) {
	return s.failures(ctx, "WHERE r.id = ? ORDER BY f.n", runID)
}

func (s *Store) failures(ctx context.Context, where string, args ...any) ([]Failure, error) {
	rows, err := s.db.QueryContext(ctx, s.dialect.sql("SELECT "+failureColumns+" FROM failures f JOIN runs r ON r.n = f.run "+where), args...)
	if err != nil {
		return nil, fmt.Errorf("read failures: %w", err)
	}
	defer rows.Close()
	var out []Failure
	for rows.Next() {
		var f Failure
		var at int64
		if err := rows.Scan(&f.Run, &f.Host, &f.Play, &f.Task, &f.Module, &f.Role, &f.Outcome, &at, &f.Message, &f.Fingerprint); err != nil {
			return nil, fmt.Errorf("read failures: %w", err)
		}
		f.At = time.Unix(0, at)
		out = append(out, f)
	}
	return out, rows.Err()
}
