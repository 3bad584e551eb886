package store

import (
	"embed"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	_ "modernc.org/sqlite"             // the driver "sqlite"

	"sunup/internal/say"
)

//go:embed schema/*.sql
var schemaFiles embed.FS

// schemaVersion is the newest file of schema/.
const schemaVersion = 1

// dialect is what the two databases do differently.
type dialect struct {
	name   string
	driver string
	source string
	file   string // of SQLite
	// shared is true when other machines write to the same store.
	shared bool
	// prepare is said once to a database without tables; another process may
	// keep it busy.
	prepare string
	// version asks for the schema's version, and setVersion writes it.
	version, setVersion string
	// lockLedger makes those who append to the ledger take turns.
	lockLedger string
	// types are the words of the schema that the database says otherwise.
	types *strings.Replacer
}

// chooseDialect reads the address of a store. An empty one is the file
// sunup.db in the state directory.
func chooseDialect(dir, address string) (dialect, error) {
	switch {
	case address == "":
		return sqliteDialect(filepath.Join(dir, "sunup.db")), nil
	case strings.HasPrefix(address, "sqlite:"):
		return sqliteDialect(strings.TrimPrefix(strings.TrimPrefix(address, "sqlite:"), "//")), nil
	case strings.HasPrefix(address, "postgres://"), strings.HasPrefix(address, "postgresql://"):
		return postgresDialect(address), nil
	}
	kind, _, _ := strings.Cut(address, ":")
	return dialect{}, say.Fail(nil, say.T("SUNUP_STORE begins with %q; use postgres://USER@HOST/DATABASE or sqlite:FILE",
		"SUNUP_STORE가 %q{으로/로} 시작합니다. postgres://사용자@호스트/데이터베이스 또는 sqlite:파일을 쓰십시오", kind))
}

func sqliteDialect(file string) dialect {
	// secure_delete: what was pruned is not left in free pages of the file.
	// A path with ? or % in it would be read as parameters.
	source := "file:" + (&url.URL{Path: file}).EscapedPath() +
		"?_pragma=busy_timeout(20000)&_pragma=secure_delete(1)&_pragma=synchronous(FULL)&_txlock=immediate"
	return dialect{
		name: "SQLite", driver: "sqlite", source: source, file: file,
		prepare: "PRAGMA journal_mode = WAL", // kept in the file
		version: "PRAGMA user_version", setVersion: "PRAGMA user_version = %d",
		types: strings.NewReplacer("PRIMARY KEY (run, seq)\n)", "PRIMARY KEY (run, seq)\n) WITHOUT ROWID"),
	}
}

// ownFile makes the file for its owner only; SQLite gives the files beside it
// the same mode.
func (d dialect) ownFile() error {
	if d.file == "" {
		return nil
	}
	f, err := os.OpenFile(d.file, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("open store: %w", err)
	}
	return f.Close()
}

func postgresDialect(address string) dialect {
	return dialect{
		name: "PostgreSQL", driver: "pgx", source: address, shared: true,
		version:    "SELECT COALESCE(MAX(version), 0) FROM sunup_schema",
		setVersion: "INSERT INTO sunup_schema VALUES (%d)",
		lockLedger: "LOCK TABLE ledger IN EXCLUSIVE MODE",
		types:      strings.NewReplacer("INTEGER", "BIGINT", "BLOB", "BYTEA"),
	}
}

// sql writes the parameters of a statement, question marks here, as the
// database wants them. None of our statements has a question mark in a text.
func (d dialect) sql(query string) string {
	if !d.shared {
		return query
	}
	var out strings.Builder
	for n := 1; ; n++ {
		before, after, found := strings.Cut(query, "?")
		out.WriteString(before)
		if !found {
			return out.String()
		}
		out.WriteString("$" + strconv.Itoa(n))
		query = after
	}
}

// statements are those of one schema version.
func (d dialect) statements(version int) ([]string, error) {
	text, err := schemaFiles.ReadFile(fmt.Sprintf("schema/%d.sql", version))
	if err != nil {
		return nil, fmt.Errorf("read schema %d: %w", version, err)
	}
	var out []string
	for _, s := range strings.Split(d.types.Replace(string(text)), ";\n") {
		if strings.TrimSpace(s) != "" {
			out = append(out, s)
		}
	}
	return out, nil
}
