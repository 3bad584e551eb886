package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// The kinds of ledger entries.
const (
	ledgerBegan    = "run_began"
	ledgerEnded    = "run_ended"
	ledgerSealed   = "run_sealed" // a broken run, when it was first seen
	ledgerPruned   = "pruned"
	ledgerHeld     = "held"
	ledgerReleased = "released"
	ledgerNote     = "note"
	ledgerImported = "imported"
)

// Entry is one act in the life of the store.
type Entry struct {
	N    int64           `json:"n"`
	At   time.Time       `json:"at"`
	Kind string          `json:"kind"`
	Run  string          `json:"run,omitempty"`
	Body json.RawMessage `json:"body"`
	Hash []byte          `json:"hash"`
	at   string          // as it is stored and hashed
}

// ledgerBody is what an entry says; each kind uses some of the fields.
type ledgerBody struct {
	Who    string `json:"who,omitempty"`
	Events int64  `json:"events,omitempty"`
	Head   []byte `json:"head,omitempty"`
	What   string `json:"what,omitempty"`   // pruned: output, events, reports
	Seal   []byte `json:"seal,omitempty"`   // pruned output: hash over the rows as they are now
	Reason string `json:"reason,omitempty"` // of a hold
	Note   []byte `json:"note,omitempty"`   // SHA-256 of a note
}

var ledgerStart = sha256.Sum256([]byte("sunup ledger"))

func (e Entry) hash(before Hash) Hash {
	line, _ := json.Marshal([]any{e.N, e.at, e.Kind, e.Run, string(e.Body)}) // these always encode
	return link(before, sha256.Sum256(line))
}

// enter appends to the ledger.
func (s *Store) enter(tx *sql.Tx, kind, run string, body ledgerBody) error {
	if s.dialect.lockLedger != "" {
		if _, err := tx.Exec(s.dialect.lockLedger); err != nil {
			return fmt.Errorf("lock ledger: %w", err)
		}
	}
	before, n := ledgerStart, int64(0)
	var last []byte
	err := tx.QueryRow("SELECT n, hash FROM ledger ORDER BY n DESC LIMIT 1").Scan(&n, &last)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("read ledger: %w", err)
	}
	if len(last) == len(before) {
		before = Hash(last)
	}
	text, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("write ledger: %w", err)
	}
	now := s.now().UTC()
	e := Entry{N: n + 1, At: now, at: now.Format(time.RFC3339Nano), Kind: kind, Run: run, Body: text}
	hash := e.hash(before)
	if err := s.exec(tx, "INSERT INTO ledger (n, at, kind, run, body, hash) VALUES (?, ?, ?, ?, ?, ?)",
		e.N, e.at, e.Kind, e.Run, string(e.Body), hash[:]); err != nil {
		return fmt.Errorf("write ledger: %w", err)
	}
	return nil
}

// Ledger returns all entries in order.
func (s *Store) Ledger(ctx context.Context) ([]Entry, error) {
	rows, err := s.db.QueryContext(ctx, "SELECT n, at, kind, run, body, hash FROM ledger ORDER BY n")
	if err != nil {
		return nil, fmt.Errorf("read ledger: %w", err)
	}
	defer rows.Close()
	var out []Entry
	for rows.Next() {
		var e Entry
		var body string
		if err := rows.Scan(&e.N, &e.at, &e.Kind, &e.Run, &body, &e.Hash); err != nil {
			return nil, fmt.Errorf("read ledger: %w", err)
		}
		e.Body = json.RawMessage(body)
		e.At, _ = time.Parse(time.RFC3339Nano, e.at) // a broken time breaks the hash too
		out = append(out, e)
	}
	return out, rows.Err()
}

func (e Entry) body() ledgerBody {
	var b ledgerBody
	_ = json.Unmarshal(e.Body, &b) // a broken body breaks the hash too
	return b
}

// sealBroken enters the ends of runs that broke off, except one: from then on
// nothing can be cut off from them unseen.
func (s *Store) sealBroken(tx *sql.Tx, except string) error {
	rows, err := tx.Query("SELECT " + runColumns + " FROM runs WHERE ended = 0")
	if err != nil {
		return fmt.Errorf("read broken runs: %w", err)
	}
	var broken []Run
	for rows.Next() {
		r, err := s.scanRun(rows)
		if err != nil {
			return errors.Join(fmt.Errorf("read broken runs: %w", err), rows.Close())
		}
		if r.State == Broken && r.ID != except {
			broken = append(broken, r)
		}
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return fmt.Errorf("read broken runs: %w", err)
	}
	for _, r := range broken {
		var kind string
		err := tx.QueryRow(s.dialect.sql("SELECT kind FROM ledger WHERE run = ? AND kind IN ('run_began', 'run_sealed', 'imported') ORDER BY n DESC LIMIT 1"), r.ID).Scan(&kind)
		if err == nil && kind == ledgerBegan {
			err = s.enter(tx, ledgerSealed, r.ID, ledgerBody{Events: r.Events, Head: r.Head})
		}
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
	}
	return nil
}
