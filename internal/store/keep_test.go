package store

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"sunup/internal/event"
)

const day = 24 * time.Hour

func intact(t *testing.T, s *Store) Audit {
	t.Helper()
	a, err := s.Verify(t.Context(), "")
	require.NoError(t, err)
	require.Empty(t, a.Findings)
	return a
}

func kinds(pruned []Pruned) string {
	var out []string
	for _, p := range pruned {
		out = append(out, p.Run.ID+" "+p.What)
	}
	return strings.Join(out, ", ")
}

func TestEachKindIsKeptForItsTime(t *testing.T) {
	stores(t, func(t *testing.T, s *Store) {
		fill(t, s)
		require.NoError(t, os.MkdirAll(s.ReportDir("one"), 0o700))
		require.NoError(t, s.SetHold(t.Context(), "two", "case 17", "auditor"))
		keep := Keep{Output: 30 * day, Events: 300 * day, Reports: 300 * day, Runs: 3000 * day}
		prune := func(age time.Duration, dry bool) string {
			s.now = func() time.Time { return at.Add(age) }
			done, err := s.Prune(t.Context(), keep, "operator", dry)
			require.NoError(t, err)
			intact(t, s)
			return kinds(done)
		}
		whole := lines(t, readAll(t, s, "two", 0))
		assert.Empty(t, prune(29*day, false))
		assert.Equal(t, "three output, one output", prune(31*day, true))
		assert.Equal(t, "three output, one output", prune(31*day, false))
		assert.Empty(t, prune(31*day, false), "once")
		left := readAll(t, s, "one", 0)
		require.Len(t, left, 702)
		assert.NotContains(t, lines(t, left), "stdout")
		assert.Contains(t, lines(t, left), `"rc":0`)
		assert.Equal(t, whole, lines(t, readAll(t, s, "two", 0)), "on hold")

		assert.Equal(t, "three events, one events, one reports", prune(301*day, false))
		assert.NoDirExists(t, s.ReportDir("one"))
		assert.Empty(t, readAll(t, s, "one", 0))
		runs, err := s.Runs(t.Context(), Filter{})
		require.NoError(t, err)
		assert.Len(t, runs, 3, "the runs are still known")

		assert.Equal(t, "three runs, one runs", prune(3001*day, false))
		require.NoError(t, s.SetHold(t.Context(), "two", "", "auditor"))
		assert.Equal(t, "two runs", prune(3001*day, false))
		runs, err = s.Runs(t.Context(), Filter{})
		require.NoError(t, err)
		assert.Empty(t, runs)
		entries, err := s.Ledger(t.Context())
		require.NoError(t, err)
		assert.Equal(t, 7+1+2+3+2+1+1, len(entries), "every deletion is recorded")
		assert.ErrorIs(t, s.SetHold(t.Context(), "two", "x", "me"), ErrNoRun)
	})
}

func TestWhatIsChangedAfterPruningIsFound(t *testing.T) {
	s := openTest(t, t.TempDir(), "")
	fill(t, s)
	s.now = func() time.Time { return at.Add(31 * day) }
	_, err := s.Prune(t.Context(), Keep{Output: 30 * day}, "operator", false)
	require.NoError(t, err)
	intact(t, s)
	_, err = s.db.Exec("UPDATE events SET data = replace(data, '\"rc\":0', '\"rc\":1') WHERE run = 2 AND seq = 9")
	require.NoError(t, err)
	a, err := s.Verify(t.Context(), "")
	require.NoError(t, err)
	require.Len(t, a.Findings, 1)
	assert.Equal(t, "two", a.Findings[0].Run)
}

func TestNothingCanBeCutFromABrokenRunUnseen(t *testing.T) {
	s := openTest(t, t.TempDir(), "")
	r, err := s.Record(t.Context(), "broken", nil)
	require.NoError(t, err)
	for _, e := range stream("broken", 10)[:8] {
		r.Emit(e)
	}
	require.NoError(t, r.Close())
	recordRun(t, s, "next", 1)
	recordRun(t, s, "again", 1)
	intact(t, s)
	for _, q := range []string{
		"DELETE FROM events WHERE run = 1 AND seq = 8",
		"UPDATE runs SET events = 7, head = (SELECT hash FROM events WHERE run = 1 AND seq = 7) WHERE n = 1",
	} {
		_, err := s.db.Exec(q)
		require.NoError(t, err)
	}
	a, err := s.Verify(t.Context(), "")
	require.NoError(t, err)
	require.Len(t, a.Findings, 1)
	assert.Equal(t, FoundCut, a.Findings[0].Kind)
	assert.EqualValues(t, 8, a.Findings[0].From)
}

func opener(b []byte) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil }
}

func TestExportAndImportMoveEverything(t *testing.T) {
	stores(t, func(t *testing.T, from *Store) {
		fill(t, from)
		require.NoError(t, from.PutDigests(t.Context(), "two", map[string][]byte{"steps": {0, 1, 2}}, []Failure{{Host: "kiosk01", Outcome: event.Failed, At: at, Fingerprint: "f"}}))
		require.NoError(t, from.SetHold(t.Context(), "two", "case 17", "auditor"))
		from.now = func() time.Time { return at.Add(31 * day) }
		_, err := from.Prune(t.Context(), Keep{Output: 30 * day}, "operator", false)
		require.NoError(t, err)
		var b bytes.Buffer
		done, err := from.Export(t.Context(), &b, nil)
		require.NoError(t, err)
		assert.Equal(t, Exported{Runs: 3, Notes: 1, Events: 2106}, done)

		to := openTest(t, t.TempDir(), "")
		done, err = to.Import(t.Context(), opener(b.Bytes()), "me")
		require.NoError(t, err)
		assert.Equal(t, Exported{Runs: 3, Notes: 1, Events: 2106}, done)
		assert.Equal(t, intact(t, from), intact(t, to), "with its ledger")
		for _, id := range []string{"one", "two", "three"} {
			assert.Equal(t, lines(t, readAll(t, from, id, 0)), lines(t, readAll(t, to, id, 0)))
		}
		body, err := to.Digest(t.Context(), "two", "steps")
		require.NoError(t, err)
		assert.Equal(t, []byte{0, 1, 2}, body)
		cases, err := to.Failures(t.Context(), []string{"f", "g"}, time.Now(), 5)
		require.NoError(t, err)
		require.Len(t, cases, 1)
		assert.Equal(t, "two", cases[0].Run)
		run, err := to.Find(t.Context(), "two")
		require.NoError(t, err)
		assert.Equal(t, "case 17", run.Hold)

		done, err = to.Import(t.Context(), opener(b.Bytes()), "me")
		require.NoError(t, err)
		assert.Len(t, done.Skipped, 3, "again changes nothing")

		// Into a store that has runs of its own.
		other := openTest(t, t.TempDir(), "")
		recordRun(t, other, "own", 2)
		_, err = other.Import(t.Context(), opener(b.Bytes()), "me")
		require.NoError(t, err)
		intact(t, other)
		notes, err := other.Notes(t.Context(), "two")
		require.NoError(t, err)
		assert.Len(t, notes, 1)

		// Some runs only.
		some, err := from.Runs(t.Context(), Filter{ID: "one"})
		require.NoError(t, err)
		b.Reset()
		_, err = from.Export(t.Context(), &b, some)
		require.NoError(t, err)
		part := openTest(t, t.TempDir(), "")
		_, err = part.Import(t.Context(), opener(b.Bytes()), "me")
		require.NoError(t, err)
		intact(t, part)
	})
}

func TestABrokenExportIsRefused(t *testing.T) {
	from := openTest(t, t.TempDir(), "")
	fill(t, from)
	var b bytes.Buffer
	_, err := from.Export(t.Context(), &b, nil)
	require.NoError(t, err)
	good := b.String()
	for name, bad := range map[string]string{
		"cut":       good[:len(good)/2],
		"no end":    good[:strings.LastIndex(good, `{"end"`)],
		"changed":   strings.Replace(good, "kiosk01", "kiosk02", 1),
		"more":      good + good,
		"empty":     "",
		"not JSON":  "hello\n",
		"only ends": `{"end":{"lines":0,"sha256":"00"}}` + "\n",
	} {
		t.Run(name, func(t *testing.T) {
			to := openTest(t, t.TempDir(), "")
			_, err := to.Import(t.Context(), opener([]byte(bad)), "me")
			require.ErrorIs(t, err, ErrNotIntact)
			runs, err := to.Runs(t.Context(), Filter{})
			require.NoError(t, err)
			assert.Empty(t, runs)
		})
	}
}

func FuzzImport(f *testing.F) {
	dir := f.TempDir()
	s, err := Open(f.Context(), dir, "")
	require.NoError(f, err)
	defer s.Close()
	f.Add([]byte(`{"export":{"version":1}}` + "\n" + `{"run":{"id":"x","events":1}}` + "\n" + `{"event":{"hash":"00","line":{"seq":1,"time":"x","type":"y","data":{}}}}` + "\n"))
	f.Add([]byte(`{"note":{"run":"x"}}` + "\n" + `{"digest":{"kind":"x"}}` + "\n" + `{"ledger":{"n":1}}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		// The lines behind the checksum, which nobody can guess.
		im := &importer{store: s, ctx: t.Context()}
		err := eachLine(bytes.NewReader(in), im.line)
		_ = im.close(false)
		_ = err
		_ = checkExport(opener(in))
	})
}

// What was collected from hosts is output: after its time only that it was
// collected is known.
func TestCollectedLogsAreOutput(t *testing.T) {
	stores(t, func(t *testing.T, s *Store) {
		r, err := s.Record(t.Context(), "logs", nil)
		require.NoError(t, err)
		for i, d := range []event.Data{
			event.RunStarted{RunID: "logs", Playbooks: []string{"a.yml"}},
			event.Gathered{Host: "k1", Source: "/var/log/*.log", File: "/var/log/app.log", Text: "card refused\n", Size: 13},
			event.RunEnded{Outcome: event.OK},
		} {
			r.Emit(event.New(int64(i+1), at, d))
		}
		require.NoError(t, r.Close())
		file := filepath.Join(s.ReportDir("logs"), "gathered", "k1", "var", "log", "app.log")
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o700))
		require.NoError(t, os.WriteFile(file, []byte("card refused\n"), 0o600))
		s.now = func() time.Time { return time.Now().Add(31 * day) }
		_, err = s.Prune(t.Context(), Keep{Output: 30 * day}, "operator", false)
		require.NoError(t, err)
		intact(t, s)
		left := lines(t, readAll(t, s, "logs", 0))
		assert.NotContains(t, left, "card refused")
		assert.Contains(t, left, "/var/log/app.log")
		assert.Contains(t, left, "보존 기간이 지나 삭제되었습니다")
		assert.NoFileExists(t, file)
	})
}
