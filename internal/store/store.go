package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"sunup/internal/say"
)

// Store holds runs. It may be used from several goroutines and, beside other
// processes, on the same file or database.
type Store struct {
	dialect dialect
	db      *sql.DB
	dir     string
	node    string
	now     func() time.Time

	insertMu sync.Mutex
	inserts  map[int]*sql.Stmt // by how many rows they insert
}

// Open opens the store at an address, or the one in the state directory when
// the address is empty, and brings its tables up to date. The directory also
// holds the marks of running executors. Close must be called.
func Open(ctx context.Context, dir, address string) (*Store, error) {
	d, err := chooseDialect(dir, address)
	if err != nil {
		return nil, err
	}
	// What hosts answered may be confidential: for the owner only.
	if err := os.MkdirAll(filepath.Join(dir, "run"), 0o700); err != nil {
		return nil, fmt.Errorf("make state directory: %w", err)
	}
	if err := d.ownFile(); err != nil {
		return nil, err
	}
	db, err := sql.Open(d.driver, d.source)
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	db.SetMaxOpenConns(8)
	node, _ := os.Hostname()
	s := &Store{dialect: d, db: db, dir: dir, node: node, now: time.Now}
	if err := s.migrate(ctx); err != nil {
		_ = db.Close() // the first error tells more
		return nil, fmt.Errorf("open %s store: %w", d.name, err)
	}
	return s, nil
}

// Close ends the use of the store. Recordings must be closed before.
func (s *Store) Close() error { return s.db.Close() }

// Dir is the state directory.
func (s *Store) Dir() string { return s.dir }

// Shared reports whether other machines use the same store.
func (s *Store) Shared() bool { return s.dialect.shared }

// migrate makes the tables of this version. When they are current it costs one
// question.
func (s *Store) migrate(ctx context.Context) error {
	have, err := s.schema(ctx)
	if err != nil {
		return err
	}
	if have > schemaVersion {
		return say.Fail(nil, say.T("it was written by a newer sunup (tables version %d, this one knows %d); use that version",
			"더 새로운 sunup이 만든 저장소입니다 (표 버전 %d, 이 버전은 %d까지). 그 버전을 쓰십시오", have, schemaVersion))
	}
	if have == schemaVersion {
		return nil
	}
	if err := s.prepare(ctx); err != nil {
		return err
	}
	return s.inTx(ctx, s.upgrade)
}

// prepare changes the mode of a new database. SQLite does not wait for others
// that do the same, so this does.
func (s *Store) prepare(ctx context.Context) error {
	if s.dialect.prepare == "" {
		return nil
	}
	for try := 0; ; try++ {
		_, err := s.db.ExecContext(ctx, s.dialect.prepare)
		if err == nil || try == 500 {
			return err
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// schema is the version of the tables; 0 means that there are none.
func (s *Store) schema(ctx context.Context) (int, error) {
	var have int
	if s.dialect.shared {
		var there sql.NullString
		if err := s.db.QueryRowContext(ctx, "SELECT to_regclass('sunup_schema')::text").Scan(&there); err != nil {
			return 0, err
		}
		if !there.Valid {
			return 0, nil
		}
	}
	err := s.db.QueryRowContext(ctx, s.dialect.version).Scan(&have)
	return have, err
}

// upgrade writes the missing versions. It asks again within the transaction:
// two processes may begin at the same time.
func (s *Store) upgrade(tx *sql.Tx) error {
	if s.dialect.shared {
		if _, err := tx.Exec("SELECT pg_advisory_xact_lock(7356101)"); err != nil {
			return err
		}
		if _, err := tx.Exec("CREATE TABLE IF NOT EXISTS sunup_schema (version BIGINT PRIMARY KEY)"); err != nil {
			return err
		}
	}
	var have int
	if err := tx.QueryRow(s.dialect.version).Scan(&have); err != nil {
		return err
	}
	for v := have + 1; v <= schemaVersion; v++ {
		statements, err := s.dialect.statements(v)
		if err != nil {
			return err
		}
		for _, q := range append(statements, fmt.Sprintf(s.dialect.setVersion, v)) {
			if _, err := tx.Exec(q); err != nil {
				return fmt.Errorf("write tables of version %d: %w", v, err)
			}
		}
	}
	return nil
}

// inTx does something in one transaction.
func (s *Store) inTx(ctx context.Context, do func(*sql.Tx) error) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := do(tx); err != nil {
		return errors.Join(err, ignoreDone(tx.Rollback()))
	}
	return tx.Commit()
}

// ignoreDone leaves out the error of a transaction that a lost context ended.
func ignoreDone(err error) error {
	if errors.Is(err, sql.ErrTxDone) {
		return nil
	}
	return err
}

// exec runs a statement of ours in a transaction.
func (s *Store) exec(tx *sql.Tx, query string, args ...any) error {
	_, err := tx.Exec(s.dialect.sql(query), args...)
	return err
}
