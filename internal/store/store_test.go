package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"sunup/internal/event"
	"sunup/internal/value"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv("SUNUP_TEST_EXECUTOR"); dir != "" {
		executeUntilKilled(dir)
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		stopPostgres()
		os.Exit(code)
	}))
}

var at = time.Date(2026, 11, 21, 8, 30, 0, 123456789, time.FixedZone("", 9*3600))

// stores opens a store of each kind that the contract is tested with.
func stores(t *testing.T, test func(*testing.T, *Store)) {
	t.Run("SQLite", func(t *testing.T) { test(t, openTest(t, t.TempDir(), "")) })
	t.Run("PostgreSQL", func(t *testing.T) { test(t, openTest(t, t.TempDir(), postgres(t))) })
}

func openTest(t *testing.T, dir, address string) *Store {
	t.Helper()
	s, err := Open(t.Context(), dir, address)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, s.Close()) })
	return s
}

// stream is a small run.
func stream(runID string, tasks int) []event.Event {
	events := []event.Event{event.New(1, at, event.RunStarted{
		RunID: runID, Version: "v1", Playbooks: []string{"morning.yml"}, Inventory: []string{"hosts.ini"}, User: "operator", Node: "desk",
		Startup: &event.Startup{Name: "Morning startup"},
	})}
	for i := range tasks {
		events = append(events, event.New(int64(i+2), at.Add(time.Duration(i)*time.Second), event.HostTaskEnded{
			Task: i, Host: "kiosk01", Outcome: event.OK, Began: at, Took: time.Second,
			Result: event.Result{Values: value.NewDict("changed", false, "stdout", fmt.Sprintf("out <%d> 한글\x00", i), "rc", 0)},
		}))
	}
	return append(events, event.New(int64(tasks+2), at.Add(time.Minute), event.RunEnded{Outcome: event.OK, ExitCode: 10}))
}

func recordRun(t *testing.T, s *Store, runID string, tasks int) []event.Event {
	t.Helper()
	events := stream(runID, tasks)
	r, err := s.Record(t.Context(), runID, nil)
	require.NoError(t, err)
	for _, e := range events {
		r.Emit(e)
	}
	require.NoError(t, r.Close())
	return events
}

func readAll(t *testing.T, s *Store, runID string, from int64) []event.Event {
	t.Helper()
	var out []event.Event
	for e, err := range s.Events(t.Context(), runID, from) {
		require.NoError(t, err)
		out = append(out, e)
	}
	return out
}

func lines(t *testing.T, events []event.Event) string {
	t.Helper()
	var b strings.Builder
	w := event.NewWriter(&b)
	for _, e := range events {
		w.Emit(e)
	}
	require.NoError(t, w.Close())
	return b.String()
}

func TestWhatWasRecordedIsReadAgain(t *testing.T) {
	stores(t, func(t *testing.T, s *Store) {
		wrote := recordRun(t, s, "20261121-083000-0001", 1500)
		recordRun(t, s, "20261122-083000-0002", 3)
		assert.Equal(t, lines(t, wrote), lines(t, readAll(t, s, "20261121-083000-0001", 0)))
		assert.Len(t, readAll(t, s, "20261121-083000-0001", 1500), 3)

		runs, err := s.Runs(t.Context(), Filter{})
		require.NoError(t, err)
		require.Len(t, runs, 2)
		assert.Equal(t, "20261122-083000-0002", runs[0].ID, "the newest first")
		r := runs[1]
		assert.Equal(t, "Morning startup", r.Name)
		assert.Equal(t, []string{"morning.yml"}, r.Playbooks)
		assert.Equal(t, "operator@desk", r.User+"@"+r.Node)
		assert.Equal(t, Ended, r.State)
		assert.Equal(t, event.OK, r.Outcome)
		assert.Equal(t, 10, r.ExitCode)
		assert.EqualValues(t, 1502, r.Events)
		assert.True(t, r.Began.Equal(at))
		assert.Equal(t, time.Minute, r.Took(at))
	})
}

func TestRunsAreFoundAsPeopleNameThem(t *testing.T) {
	s := openTest(t, t.TempDir(), "")
	for _, id := range []string{"20261120-083000-aaaa", "20261121-083000-bbbb", "20261121-093000-cccc"} {
		recordRun(t, s, id, 1)
	}
	for ref, want := range map[string]string{
		"last": "20261121-093000-cccc", "last~0": "20261121-093000-cccc", "last~2": "20261120-083000-aaaa",
		"20261120": "20261120-083000-aaaa", "20261121-083000-bbbb": "20261121-083000-bbbb",
	} {
		r, err := s.Find(t.Context(), ref)
		require.NoError(t, err, ref)
		assert.Equal(t, want, r.ID, ref)
	}
	for _, ref := range []string{"20261121", "last~3", "last~", "last~-1", "lastly", "x", ""} {
		_, err := s.Find(t.Context(), ref)
		assert.ErrorIs(t, err, ErrNoRun, ref)
	}
}

// onDisk is a sink that looks whether what it is shown is in the store.
type onDisk struct {
	t     *testing.T
	s     *Store
	shown int
}

func (o *onDisk) Emit(e event.Event) {
	var n int64
	err := o.s.db.QueryRow(o.s.dialect.sql("SELECT count(*) FROM events WHERE seq = ?"), e.Seq).Scan(&n)
	assert.NoError(o.t, err)
	assert.EqualValues(o.t, 1, n, "event %d was shown before it was on disk", e.Seq)
	o.shown++
}

func TestNobodyIsShownWhatIsNotOnDisk(t *testing.T) {
	stores(t, func(t *testing.T, s *Store) {
		seen := &onDisk{t: t, s: s}
		r, err := s.Record(t.Context(), "run", seen)
		require.NoError(t, err)
		for _, e := range stream("run", 100) {
			r.Emit(e)
		}
		require.NoError(t, r.Close())
		assert.Equal(t, 102, seen.shown)
	})
}

func TestCommitWaitsForTheDisk(t *testing.T) {
	stores(t, func(t *testing.T, s *Store) {
		r, err := s.Record(t.Context(), "run", nil)
		require.NoError(t, err)
		require.NoError(t, r.Commit(t.Context()), "nothing was emitted")
		var wg sync.WaitGroup
		var mu sync.Mutex // Emit is called from one goroutine at a time
		seq := int64(0)
		for range 8 {
			wg.Go(func() {
				for range 10 {
					mu.Lock()
					seq++
					mine := seq
					r.Emit(event.New(mine, at, event.HostTaskBegan{Task: int(mine)}))
					mu.Unlock()
					assert.NoError(t, r.Commit(t.Context()))
					var n int64
					assert.NoError(t, s.db.QueryRow(s.dialect.sql("SELECT count(*) FROM events WHERE seq = ?"), mine).Scan(&n))
					assert.EqualValues(t, 1, n)
				}
			})
		}
		wg.Wait()
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		require.NoError(t, r.Close())
		assert.NoError(t, r.Commit(ended), "everything is on disk")
	})
}

func TestARunIsRunningOnlyWhileItsExecutorLives(t *testing.T) {
	s := openTest(t, t.TempDir(), "")
	r, err := s.Record(t.Context(), "run", nil)
	require.NoError(t, err)
	r.Emit(stream("run", 0)[0])
	require.NoError(t, r.Commit(t.Context()))
	state := func() State {
		run, err := s.Find(t.Context(), "run")
		require.NoError(t, err)
		return run.State
	}
	assert.Equal(t, Running, state())
	_, err = s.Record(t.Context(), "run", nil)
	require.ErrorIs(t, err, ErrRunning)
	require.NoError(t, r.Close())
	assert.Equal(t, Broken, state(), "it did not say its end")
	assert.NoFileExists(t, s.markFile("run"))

	again, err := s.Record(t.Context(), "run", nil)
	require.NoError(t, err)
	assert.EqualValues(t, 1, again.LastSeq())
	assert.Equal(t, Running, state())
	for _, e := range stream("run", 3)[1:] {
		again.Emit(e)
	}
	require.NoError(t, again.Close())
	assert.Equal(t, Ended, state())
	assert.Len(t, readAll(t, s, "run", 0), 5)
}

// executeUntilKilled is an executor in a process of its own.
func executeUntilKilled(dir string) {
	s, err := Open(context.Background(), dir, "")
	if err == nil {
		var r *Recording
		if r, err = s.Record(context.Background(), "killed", nil); err == nil {
			r.Emit(stream("killed", 0)[0])
			_, _, err = s.LockHosts(context.Background(), "killed", "operator@desk", []string{"kiosk01", "kiosk02"})
			err = errors.Join(err, r.Commit(context.Background()))
		}
	}
	fmt.Println("ready", err)
	select {}
}

func TestAKilledExecutorLeavesABrokenRun(t *testing.T) {
	dir := t.TempDir()
	s := openTest(t, dir, "")
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "SUNUP_TEST_EXECUTOR="+dir)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	line := make([]byte, 100)
	n, err := out.Read(line)
	require.NoError(t, err)
	require.Equal(t, "ready <nil>\n", string(line[:n]))

	run, err := s.Find(t.Context(), "killed")
	require.NoError(t, err)
	assert.Equal(t, Running, run.State)
	taken, _, err := s.LockHosts(t.Context(), "other", "me", []string{"kiosk02", "kiosk03"})
	require.NoError(t, err)
	require.Len(t, taken, 1)
	assert.Equal(t, "operator@desk", taken[0].Holder)
	locks, err := s.Locks(t.Context())
	require.NoError(t, err)
	assert.Len(t, locks, 2, "all or none")

	require.NoError(t, cmd.Process.Kill())
	_ = cmd.Wait()
	run, err = s.Find(t.Context(), "killed")
	require.NoError(t, err)
	assert.Equal(t, Broken, run.State)
	taken, stale, err := s.LockHosts(t.Context(), "other", "me", []string{"kiosk02", "kiosk03"})
	require.NoError(t, err)
	assert.Empty(t, taken)
	require.Len(t, stale, 1)
	assert.Equal(t, "killed", stale[0].Run)
	require.NoError(t, s.UnlockHosts(t.Context(), "other"))
	locks, err = s.Locks(t.Context())
	require.NoError(t, err)
	require.Len(t, locks, 1)
	assert.Equal(t, "kiosk01", locks[0].Host)
}

func TestHostLocksAreAllOrNone(t *testing.T) {
	stores(t, func(t *testing.T, s *Store) {
		r, err := s.Record(t.Context(), "first", nil)
		require.NoError(t, err)
		defer r.Close()
		taken, stale, err := s.LockHosts(t.Context(), "first", "me", []string{"b", "a", "b"})
		require.NoError(t, err)
		assert.Empty(t, taken)
		assert.Empty(t, stale)
		taken, _, err = s.LockHosts(t.Context(), "second", "you", []string{"a", "c"})
		require.NoError(t, err)
		require.Len(t, taken, 1)
		assert.Equal(t, "first", taken[0].Run)
		taken, _, err = s.LockHosts(t.Context(), "first", "me", []string{"a", "c"})
		require.NoError(t, err)
		assert.Empty(t, taken, "its own")
	})
}

func TestARecordThatCannotGoOnSaysSoAndLetsTheRunGoOn(t *testing.T) {
	pauses := retryAfter
	retryAfter = []time.Duration{0}
	t.Cleanup(func() { retryAfter = pauses })
	s := openTest(t, t.TempDir(), "")
	seen := &event.Recorder{}
	r, err := s.Record(t.Context(), "run", seen)
	require.NoError(t, err)
	events := stream("run", 4)
	r.Emit(events[0])
	require.NoError(t, r.Commit(t.Context()))
	_, err = s.db.Exec("DROP TABLE events")
	require.NoError(t, err)
	for _, e := range events[1:] {
		r.Emit(e)
	}
	require.Error(t, r.Commit(t.Context()))
	require.ErrorContains(t, r.Close(), "record run run")
	assert.Len(t, event.Of[event.HostTaskEnded](seen), 4, "all is shown")
	require.Len(t, event.Of[event.Warning](seen), 1)
}

func TestTheStoreIsForItsOwnerOnly(t *testing.T) {
	dir := t.TempDir()
	s := openTest(t, dir, "")
	recordRun(t, s, "run", 1)
	files, err := filepath.Glob(filepath.Join(dir, "sunup.db*"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, f := range files {
		info, err := os.Stat(f)
		require.NoError(t, err)
		assert.Equal(t, os.FileMode(0o600), info.Mode().Perm(), f)
	}
}

func TestAStoreOfANewerVersionIsRefused(t *testing.T) {
	dir := t.TempDir()
	s := openTest(t, dir, "")
	_, err := s.db.Exec("PRAGMA user_version = 99")
	require.NoError(t, err)
	_, err = Open(t.Context(), dir, "")
	require.ErrorContains(t, err, "newer sunup")
	_, err = Open(t.Context(), dir, "mysql://x")
	require.ErrorContains(t, err, "SUNUP_STORE")
}

func TestManyOpenANewStoreAtOnce(t *testing.T) {
	stores(t, func(t *testing.T, s *Store) {
		address := ""
		if s.Shared() {
			address = s.dialect.source
			_, err := s.db.Exec("DROP TABLE sunup_schema, runs, events, ledger, notes, failures, digests, host_locks")
			require.NoError(t, err)
		}
		dir := filepath.Join(t.TempDir(), "it's 100% new?")
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				s, err := Open(context.Background(), dir, address)
				if !assert.NoError(t, err) {
					return
				}
				defer s.Close()
				r, err := s.Record(context.Background(), fmt.Sprint("run", i), nil)
				if !assert.NoError(t, err) {
					return
				}
				for _, e := range stream(fmt.Sprint("run", i), 20) {
					r.Emit(e)
				}
				assert.NoError(t, r.Close())
			})
		}
		wg.Wait()
		s = openTest(t, dir, address)
		runs, err := s.Runs(t.Context(), Filter{})
		require.NoError(t, err)
		assert.Equal(t, 8, len(runs))
		entries, err := s.Ledger(t.Context())
		require.NoError(t, err)
		assert.Equal(t, 16, len(entries))
	})
}
