package store

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"strings"

	"sunup/internal/event"
	"sunup/internal/say"
)

// exportVersion is the version of the exported form.
const exportVersion = 1

// exported is one line of an export: exactly one of its parts is there.
type exported struct {
	Export *exportHeader  `json:"export,omitempty"`
	Ledger *exportedEntry `json:"ledger,omitempty"`
	Run    *Run           `json:"run,omitempty"`
	Event  *exportedEvent `json:"event,omitempty"`
	Digest *exportDigest  `json:"digest,omitempty"`
	Note   *Note          `json:"note,omitempty"`
	End    *exportEnd     `json:"end,omitempty"`
}

type exportHeader struct {
	Version int    `json:"version"`
	Made    string `json:"made"`
	Whole   bool   `json:"whole"` // of the store, with its ledger
}

// exportedEntry keeps the body as the text that was hashed.
type exportedEntry struct {
	N    int64  `json:"n"`
	At   string `json:"at"`
	Kind string `json:"kind"`
	Run  string `json:"run,omitempty"`
	Body string `json:"body"`
	Hash []byte `json:"hash"`
}

// exportedEvent is an event of the run before it.
type exportedEvent struct {
	Hash   string          `json:"hash"`
	Digest string          `json:"digest,omitempty"` // of the line before its output was pruned
	Line   json.RawMessage `json:"line"`             // as `--events` writes it
}

type exportDigest struct {
	Kind     string    `json:"kind"`
	Body     []byte    `json:"body"`
	Failures []Failure `json:"failures,omitempty"`
}

type exportEnd struct {
	Lines  int    `json:"lines"`  // before this one
	SHA256 string `json:"sha256"` // of all bytes before this line
}

// Exported counts what an export or import moved.
type Exported struct {
	Runs, Notes int
	Events      int64
	// Skipped are runs that the store has already.
	Skipped []string
}

// Export writes runs as JSON lines, all of the store when none are named, with
// a checksum at the end.
func (s *Store) Export(ctx context.Context, w io.Writer, runs []Run) (Exported, error) {
	out := &exportWriter{sum: sha256.New()}
	out.to = io.MultiWriter(w, out.sum)
	whole := runs == nil
	out.write(exported{Export: &exportHeader{exportVersion, s.now().UTC().Format("2006-01-02T15:04:05Z"), whole}})
	if whole {
		var err error
		if runs, err = s.exportLedger(ctx, out); err != nil {
			return Exported{}, err
		}
	}
	var done Exported
	for i := len(runs) - 1; i >= 0; i-- { // the oldest first
		n, err := s.exportRun(ctx, out, runs[i])
		if err != nil {
			return done, fmt.Errorf("export run %s: %w", runs[i].ID, err)
		}
		done.Runs, done.Events = done.Runs+1, done.Events+n
		notes, err := s.Notes(ctx, runs[i].ID)
		if err != nil {
			return done, err
		}
		for _, n := range notes {
			out.write(exported{Note: &n})
			done.Notes++
		}
	}
	end := exported{End: &exportEnd{out.lines, hex.EncodeToString(out.sum.Sum(nil))}}
	out.to = w
	out.write(end)
	return done, out.err
}

// exportWriter writes lines until the first error.
type exportWriter struct {
	to    io.Writer
	sum   hash.Hash
	lines int
	err   error
}

func (w *exportWriter) write(e exported) {
	if w.err != nil {
		return
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if w.err = enc.Encode(e); w.err == nil {
		_, w.err = w.to.Write(b.Bytes())
		w.lines++
	}
}

func (s *Store) exportLedger(ctx context.Context, out *exportWriter) ([]Run, error) {
	entries, err := s.Ledger(ctx)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		out.write(exported{Ledger: &exportedEntry{e.N, e.at, e.Kind, e.Run, string(e.Body), e.Hash}})
	}
	return s.Runs(ctx, Filter{})
}

func (s *Store) exportRun(ctx context.Context, out *exportWriter, r Run) (events int64, err error) {
	out.write(exported{Run: &r})
	for row, err := range s.rows(ctx, r.ID, 0) {
		if err != nil {
			return events, err
		}
		out.write(exported{Event: &exportedEvent{hex.EncodeToString(row.hash), hex.EncodeToString(row.digest), row.line()}})
		events++
		if out.err != nil {
			return events, out.err
		}
	}
	kinds, err := s.digestKinds(ctx, r.N)
	if err != nil {
		return events, err
	}
	for _, kind := range kinds {
		d := &exportDigest{Kind: kind}
		var errBody, errFailures error
		d.Body, errBody = s.Digest(ctx, r.ID, kind)
		d.Failures, errFailures = s.FailuresOf(ctx, r.ID)
		if err := errors.Join(errBody, errFailures); err != nil {
			return events, err
		}
		out.write(exported{Digest: d})
	}
	return events, out.err
}

func (s *Store) digestKinds(ctx context.Context, n int64) ([]string, error) {
	rows, err := s.db.QueryContext(ctx, s.dialect.sql("SELECT kind FROM digests WHERE run = ? ORDER BY kind"), n)
	if err != nil {
		return nil, fmt.Errorf("read digests: %w", err)
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var kind string
		if err := rows.Scan(&kind); err != nil {
			return nil, fmt.Errorf("read digests: %w", err)
		}
		out = append(out, kind)
	}
	return out, rows.Err()
}

// ErrNotIntact says that what is imported is not what was exported.
var ErrNotIntact = errors.New("the export is not intact")

// Import reads what Export wrote. Open is called twice: the checksum is held
// against the whole first. Runs that the store has already are left as they
// are; each other run is taken over whole, with every hash verified, or the
// import ends. An empty store becomes what the exported one was, with its
// ledger; otherwise the ledger says what was imported.
func (s *Store) Import(ctx context.Context, open func() (io.ReadCloser, error), who string) (Exported, error) {
	if err := checkExport(open); err != nil {
		return Exported{}, err
	}
	in, err := open()
	if err != nil {
		return Exported{}, err
	}
	defer in.Close()
	entries, err := s.Ledger(ctx)
	if err != nil {
		return Exported{}, err
	}
	im := &importer{store: s, who: who, ctx: ctx, fresh: len(entries) == 0}
	err = eachLine(in, im.line)
	return im.done, errors.Join(err, im.close(err == nil))
}

// checkExport reads a whole export and compares its checksum.
func checkExport(open func() (io.ReadCloser, error)) error {
	in, err := open()
	if err != nil {
		return err
	}
	defer in.Close()
	sum, lines := sha256.New(), 0
	var end *exportEnd
	err = eachLine(in, func(line []byte) error {
		if end != nil {
			return notIntact(say.T("something follows its last line", "마지막 줄 뒤에 내용이 더 있습니다"))
		}
		if bytes.HasPrefix(line, []byte(`{"end":`)) {
			var e exported
			if json.Unmarshal(line, &e) == nil && e.End != nil {
				end = e.End
				return nil
			}
		}
		sum.Write(line)
		sum.Write([]byte("\n"))
		lines++
		return nil
	})
	switch {
	case err != nil:
		return err
	case end == nil:
		return notIntact(say.T("its end is missing", "끝부분이 없습니다"))
	case end.Lines != lines || end.SHA256 != hex.EncodeToString(sum.Sum(nil)):
		return notIntact(say.T("its checksum does not fit: it was changed on the way", "체크섬이 맞지 않습니다. 전달 중에 바뀌었습니다"))
	}
	return nil
}

func notIntact(why say.Text) error {
	return say.Fail(ErrNotIntact, say.T("the export is not intact: %s", "내보낸 파일이 온전하지 않습니다: %s", why))
}

// eachLine calls do for each line, without its end.
func eachLine(r io.Reader, do func([]byte) error) error {
	in := bufio.NewReaderSize(r, 64<<10)
	for {
		line, err := in.ReadBytes('\n')
		if len(line) > 0 {
			if len(line) > 2*event.MaxLine {
				return notIntact(say.T("a line is too long", "한 줄이 너무 깁니다"))
			}
			if err := do(bytes.TrimSuffix(line, []byte("\n"))); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read export: %w", err)
		}
	}
}

// importer takes one export over, a transaction for each run.
type importer struct {
	store *Store
	who   string
	ctx   context.Context // of one call of Import
	fresh bool
	done  Exported

	tx     *sql.Tx
	run    *Run // nil: its lines are passed over
	head   Hash
	seal   Hash
	bare   bool // outputs were pruned
	events int64
	batch  []row
}

func (im *importer) line(text []byte) error {
	var e exported
	if err := json.Unmarshal(text, &e); err != nil {
		return notIntact(say.Plain(err.Error()))
	}
	switch {
	case e.Export != nil:
		if e.Export.Version > exportVersion {
			return notIntact(say.T("it was written by a newer sunup", "더 새로운 sunup이 만든 파일입니다"))
		}
		im.fresh = im.fresh && e.Export.Whole
	case e.Ledger != nil && im.fresh:
		return im.entry(*e.Ledger)
	case e.Run != nil:
		return im.begin(*e.Run)
	case e.Event != nil && im.run != nil:
		return im.event(*e.Event)
	case e.Digest != nil && im.run != nil:
		return errors.Join(im.flush(), im.store.putDigest(im.tx, im.run.N, e.Digest.Kind, e.Digest.Body), im.store.putFailures(im.tx, im.run.N, e.Digest.Failures))
	case e.Note != nil:
		return im.note(*e.Note)
	}
	return nil
}

// entry restores an entry of the ledger as it was.
func (im *importer) entry(e exportedEntry) error {
	_, err := im.store.db.ExecContext(im.ctx, im.store.dialect.sql("INSERT INTO ledger (n, at, kind, run, body, hash) VALUES (?, ?, ?, ?, ?, ?)"),
		e.N, e.At, e.Kind, e.Run, e.Body, e.Hash)
	if err != nil {
		return fmt.Errorf("restore ledger: %w", err)
	}
	return nil
}

func (im *importer) begin(r Run) error {
	if err := im.finish(); err != nil {
		return err
	}
	have, err := im.store.Runs(im.ctx, Filter{ID: r.ID})
	if err != nil {
		return err
	}
	if len(have) > 0 {
		if !bytes.Equal(have[0].Head, r.Head) {
			return say.Fail(nil, say.T("run %s is in the store already, with other events", "실행 %s{이/가} 이미 다른 내용으로 저장되어 있습니다", r.ID))
		}
		im.done.Skipped = append(im.done.Skipped, r.ID)
		return nil
	}
	if im.tx, err = im.store.db.BeginTx(im.ctx, nil); err != nil {
		return fmt.Errorf("import run %s: %w", r.ID, err)
	}
	if err := im.tx.QueryRow("SELECT COALESCE(MAX(n), 0) + 1 FROM runs").Scan(&r.N); err != nil {
		return fmt.Errorf("import run %s: %w", r.ID, err)
	}
	im.run, im.head, im.seal, im.bare, im.events = &r, chainStart(r.ID), chainStart(r.ID), false, 0
	return nil
}

func (im *importer) event(e exportedEvent) error {
	var parts struct {
		Seq  int64           `json:"seq"`
		Time string          `json:"time"`
		Type string          `json:"type"`
		Data json.RawMessage `json:"data"`
	}
	if err := json.Unmarshal(e.Line, &parts); err != nil {
		return notIntact(say.Plain(err.Error()))
	}
	r := row{seq: parts.Seq, at: parts.Time, kind: parts.Type, data: string(parts.Data)}
	im.events++
	own := sha256.Sum256(r.line())
	im.seal = link(im.seal, own)
	digest := own
	if e.Digest != "" {
		before, err := hex.DecodeString(e.Digest)
		if err != nil || len(before) != len(digest) {
			return notIntact(say.T("a hash is broken", "해시가 잘못되었습니다"))
		}
		digest, r.digest, im.bare = Hash(before), before, true
	}
	im.head = link(im.head, digest)
	if hex.EncodeToString(im.head[:]) != e.Hash || r.seq != im.events {
		return notIntact(say.T("run %s: event %d does not follow the one before it", "실행 %s: 이벤트 %d{이/가} 앞의 것과 이어지지 않습니다", im.run.ID, r.seq))
	}
	hash := im.head
	r.hash = hash[:]
	im.batch = append(im.batch, r)
	if len(im.batch) >= groupSize {
		return im.flush()
	}
	return nil
}

func (im *importer) flush() error {
	rows := im.batch
	im.batch = nil
	return im.store.insertRows(im.tx, im.run.N, rows)
}

// finish ends the run that is being imported.
func (im *importer) finish() error {
	r := im.run
	if r == nil {
		return nil
	}
	if err := im.flush(); err != nil {
		return err
	}
	if r.Pruned != KeptEvents && (im.events != r.Events || !bytes.Equal(im.head[:], r.Head)) {
		return notIntact(say.T("run %s: its end is missing", "실행 %s: 끝부분이 없습니다", r.ID))
	}
	if err := im.insertRun(*r); err != nil {
		return err
	}
	if !im.fresh {
		body := ledgerBody{Who: im.who, Events: r.Events, Head: r.Head, What: r.Pruned}
		if im.bare {
			body.Seal = im.seal[:]
		}
		if err := im.store.enter(im.tx, ledgerImported, r.ID, body); err != nil {
			return err
		}
	}
	err := im.tx.Commit()
	im.tx, im.run = nil, nil
	if err != nil {
		return fmt.Errorf("import run %s: %w", r.ID, err)
	}
	im.done.Runs++
	im.done.Events += im.events
	return nil
}

func (im *importer) insertRun(r Run) error {
	playbooks, err := json.Marshal(orNone(r.Playbooks))
	if err != nil {
		return err
	}
	inventory, err := json.Marshal(orNone(r.Inventory))
	if err != nil {
		return err
	}
	check, ended := 0, int64(0)
	if r.Check {
		check = 1
	}
	if !r.Ended.IsZero() {
		ended = r.Ended.UnixNano()
	}
	return im.store.exec(im.tx, "INSERT INTO runs ("+runColumns+") VALUES (?"+strings.Repeat(", ?", 18)+")",
		r.N, r.ID, r.Name, string(playbooks), string(inventory), r.Limit, check, r.User, r.Node, r.Version,
		r.Began.UnixNano(), ended, string(r.Outcome), r.ExitCode, r.Events, r.Head, 0, r.Hold, r.Pruned)
}

func orNone(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

// note takes a note over, unless the store has it.
func (im *importer) note(n Note) error {
	if err := im.finish(); err != nil {
		return err
	}
	have, err := im.store.Notes(im.ctx, n.Run)
	if err != nil {
		return err
	}
	for _, h := range have {
		if h.hash() == n.hash() {
			return nil
		}
	}
	err = im.store.inTx(im.ctx, func(tx *sql.Tx) error {
		if err := tx.QueryRow("SELECT COALESCE(MAX(n), 0) + 1 FROM notes").Scan(&n.N); err != nil {
			return err
		}
		if !im.fresh {
			hash := n.hash()
			if err := im.store.enter(tx, ledgerNote, n.Run, ledgerBody{Who: n.Author, Note: hash[:]}); err != nil {
				return err
			}
		}
		return im.store.insertNote(tx, n)
	})
	if err != nil {
		return fmt.Errorf("import note: %w", err)
	}
	im.done.Notes++
	return nil
}

// close ends the last run, or gives it up.
func (im *importer) close(good bool) error {
	if good {
		if err := im.finish(); err != nil {
			return errors.Join(err, im.close(false))
		}
		return nil
	}
	if im.tx == nil {
		return nil
	}
	return ignoreDone(im.tx.Rollback())
}
