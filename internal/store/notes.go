package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"sunup/internal/say"
)

// Note is what a person wrote about the cause and the mending of a failure.
type Note struct {
	N           int64     `json:"n"`
	Run         string    `json:"run"`
	Host        string    `json:"host,omitempty"` // empty: the whole run
	Task        string    `json:"task,omitempty"` // the task's name
	Fingerprint string    `json:"fingerprint,omitempty"`
	At          time.Time `json:"at"`
	Author      string    `json:"author"`
	Text        string    `json:"text"`
}

// hash is what the ledger keeps of a note; the number may change by an import.
func (n Note) hash() Hash {
	line, _ := json.Marshal([]any{n.Run, n.Host, n.Task, n.Fingerprint, n.At.UnixNano(), n.Author, n.Text}) // these always encode
	return sha256.Sum256(line)
}

// AddNote keeps a note; its number and time are set here.
func (s *Store) AddNote(ctx context.Context, n Note) (Note, error) {
	err := s.inTx(ctx, func(tx *sql.Tx) error {
		n.At = s.now()
		if err := tx.QueryRow("SELECT COALESCE(MAX(n), 0) + 1 FROM notes").Scan(&n.N); err != nil {
			return err
		}
		hash := n.hash()
		if err := s.enter(tx, ledgerNote, n.Run, ledgerBody{Who: n.Author, Note: hash[:]}); err != nil {
			return err
		}
		return s.insertNote(tx, n)
	})
	if err != nil {
		return Note{}, fmt.Errorf("add note: %w", err)
	}
	return n, nil
}

func (s *Store) insertNote(tx *sql.Tx, n Note) error {
	return s.exec(tx, "INSERT INTO notes (n, run, host, task, fingerprint, at, author, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
		n.N, n.Run, n.Host, n.Task, n.Fingerprint, n.At.UnixNano(), n.Author, n.Text)
}

// Notes returns the notes of a run, or all with an empty ID, in order.
func (s *Store) Notes(ctx context.Context, runID string) ([]Note, error) {
	query, args := "SELECT n, run, host, task, fingerprint, at, author, body FROM notes", []any{}
	if runID != "" {
		query, args = query+" WHERE run = ?", append(args, runID)
	}
	rows, err := s.db.QueryContext(ctx, s.dialect.sql(query+" ORDER BY n"), args...)
	if err != nil {
		return nil, fmt.Errorf("read notes: %w", err)
	}
	defer rows.Close()
	var out []Note
	for rows.Next() {
		var n Note
		var at int64
		if err := rows.Scan(&n.N, &n.Run, &n.Host, &n.Task, &n.Fingerprint, &at, &n.Author, &n.Text); err != nil {
			return nil, fmt.Errorf("read notes: %w", err)
		}
		n.At = time.Unix(0, at)
		out = append(out, n)
	}
	return out, rows.Err()
}

// notes holds the notes against the ledger.
func (a *audit) notes(ctx context.Context) error {
	notes, err := a.store.Notes(ctx, "")
	if err != nil {
		return err
	}
	for _, n := range notes {
		hash := n.hash()
		key := hex.EncodeToString(hash[:])
		if !a.noted[key] {
			a.found(Finding{Kind: FoundChanged, Run: n.Run, From: n.N, To: n.N, Text: say.T("note %d (run %s) was changed", "메모 %d (실행 %s){이/가} 바뀌었습니다", n.N, n.Run)})
		}
		delete(a.noted, key)
	}
	if len(a.noted) > 0 && len(a.Findings) == 0 {
		a.found(Finding{Kind: FoundCut, Text: say.T("%d notes are missing", "메모 %d건이 없습니다", len(a.noted))})
	}
	return nil
}
