package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Held is the lock of a host.
type Held struct {
	Host   string    `json:"host"`
	Run    string    `json:"run"`
	Holder string    `json:"holder"` // who, for a person
	Since  time.Time `json:"since"`
}

// LockHosts takes the locks of hosts for a run, all of them or none. When
// others hold some, those are returned as taken and nothing is locked. Locks
// whose run has no living executor are taken over and returned as stale. What
// the run holds already stays its own.
func (s *Store) LockHosts(ctx context.Context, runID, holder string, hosts []string) (taken, stale []Held, err error) {
	err = s.inTx(ctx, func(tx *sql.Tx) error {
		taken, stale = nil, nil
		if s.dialect.shared {
			// Two runs that take the same hosts in different order would wait
			// for each other.
			if _, err := tx.Exec("LOCK TABLE host_locks IN EXCLUSIVE MODE"); err != nil {
				return err
			}
		}
		held, err := s.heldIn(tx)
		if err != nil {
			return err
		}
		for _, host := range hosts {
			lock, ok := held[host]
			switch {
			case !ok || lock.Run == runID:
			case s.livingRun(tx, lock.Run):
				taken = append(taken, lock)
			default:
				stale = append(stale, lock)
			}
		}
		if len(taken) > 0 {
			return nil
		}
		return s.writeLocks(tx, runID, holder, hosts)
	})
	if err != nil {
		return nil, nil, fmt.Errorf("lock hosts: %w", err)
	}
	return taken, stale, nil
}

func (s *Store) heldIn(tx *sql.Tx) (map[string]Held, error) {
	rows, err := tx.Query("SELECT host, run, holder, since FROM host_locks")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := map[string]Held{}
	for rows.Next() {
		h, err := scanHeld(rows)
		if err != nil {
			return nil, err
		}
		out[h.Host] = h
	}
	return out, rows.Err()
}

func scanHeld(from scanner) (Held, error) {
	var h Held
	var since int64
	err := from.Scan(&h.Host, &h.Run, &h.Holder, &since)
	h.Since = time.Unix(0, since)
	return h, err
}

// livingRun reports whether the executor of a run lives.
func (s *Store) livingRun(tx *sql.Tx, runID string) bool {
	var node string
	var beat int64
	err := tx.QueryRow(s.dialect.sql("SELECT node, beat FROM runs WHERE id = ?"), runID).Scan(&node, &beat)
	if errors.Is(err, sql.ErrNoRows) {
		living, _ := s.lives(runID)
		return living
	}
	return err != nil || s.living(runID, node, beat) // in doubt it lives
}

func (s *Store) writeLocks(tx *sql.Tx, runID, holder string, hosts []string) error {
	now := s.now().UnixNano()
	hosts = slices.Compact(slices.Sorted(slices.Values(hosts)))
	for some := range slices.Chunk(hosts, locksAtOnce) {
		var rows []string
		var args []any
		for _, host := range some {
			rows = append(rows, "(?, ?, ?, ?)")
			args = append(args, host, runID, holder, now)
		}
		if err := s.exec(tx, "INSERT INTO host_locks (host, run, holder, since) VALUES "+strings.Join(rows, ", ")+
			" ON CONFLICT (host) DO UPDATE SET run = excluded.run, holder = excluded.holder, since = excluded.since", args...); err != nil {
			return err
		}
	}
	return nil
}

// locksAtOnce is how many locks one statement writes: thousands of hosts are
// locked before a run begins.
const locksAtOnce = 200

// UnlockHosts gives back all hosts that a run holds.
func (s *Store) UnlockHosts(ctx context.Context, runID string) error {
	if _, err := s.db.ExecContext(ctx, s.dialect.sql("DELETE FROM host_locks WHERE run = ?"), runID); err != nil {
		return fmt.Errorf("unlock hosts: %w", err)
	}
	return nil
}

// Locks lists the locks that are held, by host. Stale ones are among them.
func (s *Store) Locks(ctx context.Context) ([]Held, error) {
	rows, err := s.db.QueryContext(ctx, "SELECT host, run, holder, since FROM host_locks ORDER BY host")
	if err != nil {
		return nil, fmt.Errorf("read locks: %w", err)
	}
	defer rows.Close()
	var out []Held
	for rows.Next() {
		h, err := scanHeld(rows)
		if err != nil {
			return nil, fmt.Errorf("read locks: %w", err)
		}
		out = append(out, h)
	}
	return out, rows.Err()
}
