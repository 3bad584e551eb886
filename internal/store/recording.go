package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"sunup/internal/event"
	"sunup/internal/say"
)

// Sizes and times of a Recording.
const (
	// queueLimit is how many events wait for the disk at most; then Emit waits.
	// A few thousand hosts that end a task at once fit.
	queueLimit = 16384
	// groupSize is after how many events a group is written without waiting
	// for more, and groupWait how long it waits for more when nobody asked for
	// a Commit: fewer, larger writes; nobody notices so late a line.
	groupSize = 2000
	groupWait = 20 * time.Millisecond
)

// insertSizes are how many rows one statement inserts: few sizes, so that each
// statement is read by the database once and used for the whole run.
var insertSizes = []int{64, 16, 4, 1}

// Recording writes the events of one run. It is a Sink: events go to the next
// sink only when they are on disk.
type Recording struct {
	store *Store
	run   Run
	alive *alive
	next  *event.Queue

	mu        sync.Mutex
	room      *sync.Cond // the queue has room again
	queue     []event.Event
	emitted   int64         // events taken by Emit
	committed int64         // events written, or given up
	changed   chan struct{} // closed and renewed when committed grows
	err       error         // the record ends here
	closed    bool

	more   chan struct{} // something was queued
	urgent chan struct{} // somebody waits for a Commit
	done   chan struct{}

	// Of the writing goroutine.
	encode *encoder
	head   Hash
	count  int64
}

// Record begins the record of a run, or goes on with the one of that ID whose
// executor has ended; next receives what is on disk and may be nil. The context
// is for the beginning only. Close must be called.
func (s *Store) Record(ctx context.Context, runID string, next event.Sink) (*Recording, error) {
	mark, err := s.markAlive(runID)
	if err != nil {
		return nil, err
	}
	r := &Recording{
		store: s, alive: mark, encode: newEncoder(), changed: make(chan struct{}),
		more: make(chan struct{}, 1), urgent: make(chan struct{}, 1), done: make(chan struct{}),
	}
	r.room = sync.NewCond(&r.mu)
	if err := s.inTx(ctx, func(tx *sql.Tx) error { return r.begin(tx, runID) }); err != nil {
		mark.end()
		return nil, fmt.Errorf("begin record of run %s: %w", runID, err)
	}
	if next == nil {
		next = event.SinkFunc(func(event.Event) {})
	}
	// SinkFunc: the queue would close a closer, which is not ours.
	r.next = event.NewQueue(event.SinkFunc(next.Emit), 0)
	go r.write()
	return r, nil
}

// RunID is the ID of the run that is recorded.
func (r *Recording) RunID() string { return r.run.ID }

// LastSeq is the number of the last event that was on disk when the recording
// began: 0 for a new run. Further events must be numbered from there.
func (r *Recording) LastSeq() int64 { return r.run.Events }

// begin finds the run or makes its row.
func (r *Recording) begin(tx *sql.Tx, runID string) error {
	s := r.store
	if err := s.sealBroken(tx, runID); err != nil {
		return err
	}
	have, err := s.scanRun(tx.QueryRow(s.dialect.sql("SELECT "+runColumns+" FROM runs WHERE id = ?"), runID))
	switch {
	case err == nil:
		if have.Pruned == "events" {
			return say.Fail(nil, say.T("its events were pruned", "이벤트가 정리되어 없습니다"))
		}
		r.run, r.head, r.count = have, Hash(have.Head), have.Events
		return s.enter(tx, ledgerBegan, runID, ledgerBody{Events: have.Events, Head: have.Head})
	case !errors.Is(err, sql.ErrNoRows):
		return err
	}
	if err := s.enter(tx, ledgerBegan, runID, ledgerBody{}); err != nil {
		return err
	}
	now := s.now()
	r.head = chainStart(runID)
	r.run = Run{ID: runID, Node: s.node, Began: now}
	if err := tx.QueryRow("SELECT COALESCE(MAX(n), 0) + 1 FROM runs").Scan(&r.run.N); err != nil {
		return err
	}
	return s.exec(tx, "INSERT INTO runs ("+runColumns+") VALUES (?, ?, '', '[]', '[]', '', 0, '', ?, '', ?, 0, '', 0, 0, ?, ?, '', '')",
		r.run.N, runID, s.node, now.UnixNano(), r.head[:], now.UnixNano())
}

// Emit queues an event for the disk. It waits only when far too many are
// queued. After Close it does nothing.
func (r *Recording) Emit(e event.Event) {
	r.mu.Lock()
	for len(r.queue) >= queueLimit && !r.closed {
		r.room.Wait()
	}
	if r.closed {
		r.mu.Unlock()
		return
	}
	r.queue = append(r.queue, e)
	r.emitted++
	full := len(r.queue) >= groupSize
	r.mu.Unlock()
	signal(r.more)
	if full {
		signal(r.urgent)
	}
}

// signal leaves a mark for somebody who waits, or will.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Commit returns when everything emitted before is on disk, or with the reason
// why it cannot be.
func (r *Recording) Commit(ctx context.Context) error {
	r.mu.Lock()
	want := r.emitted
	r.mu.Unlock()
	for {
		r.mu.Lock()
		reached, changed, err := r.committed >= want, r.changed, r.err
		r.mu.Unlock()
		if err != nil || reached {
			return err
		}
		signal(r.urgent)
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Close writes what is queued, marks the executor as ended, and returns when
// the next sink has everything. It may be called again.
func (r *Recording) Close() error {
	r.mu.Lock()
	first := !r.closed
	r.closed = true
	r.room.Broadcast()
	r.mu.Unlock()
	signal(r.more)
	signal(r.urgent)
	<-r.done
	if !first {
		return nil
	}
	err := r.next.Close()
	if r.store.dialect.shared {
		r.beat(0) // other machines need not wait to see that it ended
	}
	r.alive.end()
	return errors.Join(r.err, err)
}

// write is the goroutine that writes groups until the recording is closed.
func (r *Recording) write() {
	defer close(r.done)
	for {
		group, last := r.take()
		if len(group) > 0 {
			r.record(group)
		}
		if last {
			return
		}
	}
}

// take waits for a group of events; last is true when no others can follow.
func (r *Recording) take() (group []event.Event, last bool) {
	r.waitForGroup()
	r.mu.Lock()
	defer r.mu.Unlock()
	group, r.queue = r.queue, nil
	r.room.Broadcast()
	return group, r.closed
}

// waitForGroup returns when there is something to write and enough of it, or
// somebody waits for it.
func (r *Recording) waitForGroup() {
	r.mu.Lock()
	closed := r.closed
	r.mu.Unlock()
	if closed {
		return
	}
	for waiting := true; waiting; {
		select {
		case <-r.urgent:
			return
		case <-r.more:
			waiting = false
		case <-r.nextBeat():
			r.beat(r.store.now().UnixNano())
		}
	}
	select {
	case <-r.urgent:
	case <-time.After(groupWait):
	}
}

// nextBeat is when the next sign of life is due; on one machine the locked file
// is enough.
func (r *Recording) nextBeat() <-chan time.Time {
	if !r.store.dialect.shared {
		return nil
	}
	return time.After(beatEvery)
}

// beat writes a sign of life. One that is lost is made good by the next.
func (r *Recording) beat(at int64) {
	_, _ = r.store.db.Exec(r.store.dialect.sql("UPDATE runs SET beat = ? WHERE n = ?"), at, r.run.N)
}

// record writes a group, lets those go on who wait for it, and hands it on.
func (r *Recording) record(group []event.Event) {
	if r.err == nil {
		if err := r.writeGroup(group); err != nil {
			r.giveUp(err)
		}
	}
	r.mu.Lock()
	r.committed += int64(len(group))
	close(r.changed)
	r.changed = make(chan struct{})
	r.mu.Unlock()
	for _, e := range group {
		r.next.Emit(e)
	}
}

// giveUp ends the record: a chain with a hole would be worth nothing. The run
// itself may go on, and whoever looks on is told.
func (r *Recording) giveUp(err error) {
	err = fmt.Errorf("record run %s: %w", r.run.ID, err)
	r.mu.Lock()
	r.err = err
	r.mu.Unlock()
	r.next.Emit(event.New(0, r.store.now(), event.Warning{Text: say.T(
		"the record of this run ends here: %s", "이 실행의 기록은 여기서 끊깁니다: %s", err.Error())}))
}

// retryAfter are the pauses before a failed write is tried again: a busy or
// restarted database is waited for.
var retryAfter = []time.Duration{100 * time.Millisecond, time.Second, 5 * time.Second}

func (r *Recording) writeGroup(group []event.Event) error {
	rows, head, err := r.encodeGroup(group)
	if err != nil {
		return err
	}
	for try := 0; ; try++ {
		err = r.store.inTx(context.Background(), func(tx *sql.Tx) error { return r.insert(tx, group, rows, head) })
		if err == nil || r.wrote(head) {
			r.head, r.count = head, r.count+int64(len(rows))
			return nil
		}
		if try == len(retryAfter) {
			return err
		}
		time.Sleep(retryAfter[try])
	}
}

// wrote reports whether a write whose answer was lost did arrive.
func (r *Recording) wrote(head Hash) bool {
	var have []byte
	err := r.store.db.QueryRow(r.store.dialect.sql("SELECT head FROM runs WHERE n = ?"), r.run.N).Scan(&have)
	return err == nil && string(have) == string(head[:])
}

func (r *Recording) encodeGroup(group []event.Event) ([]row, Hash, error) {
	rows, head := make([]row, len(group)), r.head
	for i, e := range group {
		var err error
		if rows[i], head, err = r.encode.row(e, head); err != nil {
			return nil, head, err
		}
	}
	return rows, head, nil
}

// insert writes the rows and what they change about the run.
func (r *Recording) insert(tx *sql.Tx, group []event.Event, rows []row, head Hash) error {
	if err := r.store.insertRows(tx, r.run.N, rows); err != nil {
		return err
	}
	count := r.count + int64(len(rows))
	if err := r.store.exec(tx, "UPDATE runs SET events = ?, head = ?, beat = ? WHERE n = ?",
		count, head[:], r.store.now().UnixNano(), r.run.N); err != nil {
		return err
	}
	for _, e := range group {
		switch d := e.Data.(type) {
		case event.RunStarted:
			if err := r.started(tx, d, e.Time); err != nil {
				return err
			}
		case event.RunResumed:
			// The end that it had is not its end any more.
			if err := r.store.exec(tx, "UPDATE runs SET ended = 0, outcome = '', exit_code = 0 WHERE n = ?", r.run.N); err != nil {
				return err
			}
		case event.RunEnded:
			if err := r.ended(tx, d, e.Time); err != nil {
				return err
			}
			if err := r.store.enter(tx, ledgerEnded, r.run.ID, ledgerBody{Events: count, Head: head[:]}); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *Recording) started(tx *sql.Tx, d event.RunStarted, at time.Time) error {
	playbooks, err := json.Marshal(d.Playbooks)
	if err != nil {
		return err
	}
	inventory, err := json.Marshal(d.Inventory)
	if err != nil {
		return err
	}
	name := strings.Join(d.Playbooks, ", ")
	if d.Startup != nil && d.Startup.Name != "" {
		name = d.Startup.Name
	}
	check := 0
	if d.Check {
		check = 1
	}
	return r.store.exec(tx, `UPDATE runs SET name = ?, playbooks = ?, inventory = ?, host_limit = ?, check_mode = ?, who = ?,
		node = ?, version = ?, began = ? WHERE n = ?`,
		name, string(playbooks), string(inventory), d.Limit, check, d.User, d.Node, d.Version, at.UnixNano(), r.run.N)
}

func (r *Recording) ended(tx *sql.Tx, d event.RunEnded, at time.Time) error {
	return r.store.exec(tx, "UPDATE runs SET ended = ?, outcome = ?, exit_code = ? WHERE n = ?",
		at.UnixNano(), string(d.Outcome), d.ExitCode, r.run.N)
}

// insertRows writes rows of events, many in one statement.
func (s *Store) insertRows(tx *sql.Tx, run int64, rows []row) error {
	args := make([]any, 0, 7*insertSizes[0])
	for _, size := range insertSizes {
		for len(rows) >= size {
			args = args[:0]
			for _, r := range rows[:size] {
				args = append(args, run, r.seq, r.at, r.kind, r.data, r.hash, r.digest)
			}
			rows = rows[size:]
			insert, err := s.insertOf(size)
			if err != nil {
				return fmt.Errorf("write events: %w", err)
			}
			if _, err := tx.Stmt(insert).Exec(args...); err != nil {
				return fmt.Errorf("write events: %w", err)
			}
		}
	}
	return nil
}

// insertOf is the statement that inserts so many rows, prepared at first use. It
// ends with the database.
func (s *Store) insertOf(size int) (*sql.Stmt, error) {
	s.insertMu.Lock()
	defer s.insertMu.Unlock()
	if have := s.inserts[size]; have != nil {
		return have, nil
	}
	made, err := s.db.Prepare(s.dialect.sql("INSERT INTO events (run, seq, at, type, data, hash, digest) VALUES (?, ?, ?, ?, ?, ?, ?)" +
		strings.Repeat(", (?, ?, ?, ?, ?, ?, ?)", size-1)))
	if err != nil {
		return nil, err
	}
	if s.inserts == nil {
		s.inserts = map[int]*sql.Stmt{}
	}
	s.inserts[size] = made
	return made, nil
}
