package store

import (
	"crypto/sha256"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// tampered is a store with three runs and a note, after something was done to
// its tables.
func tampered(t *testing.T, statements ...string) Audit {
	t.Helper()
	s := openTest(t, t.TempDir(), "")
	fill(t, s)
	for _, q := range statements {
		_, err := s.db.Exec(q)
		require.NoError(t, err, q)
	}
	a, err := s.Verify(t.Context(), "")
	require.NoError(t, err)
	return a
}

func fill(t *testing.T, s *Store) {
	t.Helper()
	for _, id := range []string{"one", "two", "three"} {
		recordRun(t, s, id, 700)
	}
	_, err := s.AddNote(t.Context(), Note{Run: "two", Host: "kiosk01", Task: "Start", Author: "operator", Text: "cable"})
	require.NoError(t, err)
}

func TestAnUntouchedStoreIsIntact(t *testing.T) {
	stores(t, func(t *testing.T, s *Store) {
		fill(t, s)
		a, err := s.Verify(t.Context(), "")
		require.NoError(t, err)
		assert.Empty(t, a.Findings)
		assert.Equal(t, 3, a.Runs)
		assert.EqualValues(t, 3*702, a.Events)
		assert.Equal(t, 7, a.Entries)
		again, err := s.Verify(t.Context(), strings.ToUpper(a.Head))
		require.NoError(t, err)
		assert.Empty(t, again.Findings)
		again, err = s.Verify(t.Context(), "00ff")
		require.NoError(t, err)
		assert.Len(t, again.Findings, 1)
	})
}

func TestWhatIsDoneToTheRecordIsFoundAndLocated(t *testing.T) {
	swap := func(a, b string) []string { // the rows change places
		return []string{
			"UPDATE events SET seq = 100000 WHERE run = 2 AND seq = " + a,
			"UPDATE events SET seq = " + a + " WHERE run = 2 AND seq = " + b,
			"UPDATE events SET seq = " + b + " WHERE run = 2 AND seq = 100000",
		}
	}
	type place struct {
		kind     FindingKind
		run      string
		from, to int64
	}
	for name, c := range map[string]struct {
		do   []string
		want []place
	}{
		"one letter of an output":       {[]string{"UPDATE events SET data = replace(data, 'out', 'oux') WHERE run = 2 AND seq = 300"}, []place{{FoundChanged, "two", 300, 300}}},
		"a time":                        {[]string{"UPDATE events SET at = replace(at, '08:3', '08:4') WHERE run = 2 AND seq = 5"}, []place{{FoundChanged, "two", 5, 5}}},
		"a kind":                        {[]string{"UPDATE events SET type = 'warning' WHERE run = 1 AND seq = 2"}, []place{{FoundChanged, "one", 2, 2}}},
		"a hash":                        {[]string{"UPDATE events SET hash = zeroblob(32) WHERE run = 1 AND seq = 702"}, []place{{FoundChanged, "one", 702, 702}}},
		"the first row is cut":          {[]string{"DELETE FROM events WHERE run = 2 AND seq = 1"}, []place{{FoundCut, "two", 1, 1}}},
		"a row is cut":                  {[]string{"DELETE FROM events WHERE run = 2 AND seq = 300"}, []place{{FoundCut, "two", 300, 300}}},
		"rows are cut":                  {[]string{"DELETE FROM events WHERE run = 2 AND seq BETWEEN 300 AND 420"}, []place{{FoundCut, "two", 300, 420}}},
		"the end is cut":                {[]string{"DELETE FROM events WHERE run = 2 AND seq > 690", "UPDATE runs SET events = 690, ended = 0, outcome = '' WHERE n = 2"}, []place{{FoundCut, "two", 691, 702}}},
		"all rows are cut":              {[]string{"DELETE FROM events WHERE run = 2"}, []place{{FoundCut, "two", 1, 702}}},
		"neighbours are swapped":        {swap("300", "301"), []place{{FoundMoved, "two", 300, 300}, {FoundMoved, "two", 301, 301}}},
		"distant rows are swapped":      {swap("300", "600"), []place{{FoundMoved, "two", 300, 300}, {FoundMoved, "two", 600, 600}}},
		"rows of two runs are swapped":  {[]string{"UPDATE events SET run = 9 WHERE run = 1 AND seq = 9", "UPDATE events SET run = 1 WHERE run = 2 AND seq = 9", "UPDATE events SET run = 2 WHERE run = 9"}, []place{{FoundChanged, "one", 9, 9}, {FoundChanged, "one", 10, 10}, {FoundChanged, "two", 9, 9}, {FoundChanged, "two", 10, 10}}},
		"a row is added at the end":     {[]string{"INSERT INTO events SELECT run, seq + 1, at, type, data, hash, digest FROM events WHERE run = 2 AND seq = 702"}, []place{{FoundChanged, "two", 703, 703}, {FoundAdded, "two", 703, 703}}},
		"a run is deleted":              {[]string{"DELETE FROM events WHERE run = 2", "DELETE FROM runs WHERE n = 2"}, []place{{FoundDeleted, "two", 0, 0}}},
		"the last run is deleted":       {[]string{"DELETE FROM events WHERE run = 3", "DELETE FROM runs WHERE n = 3"}, []place{{FoundDeleted, "three", 0, 0}}},
		"a run is put in":               {[]string{"INSERT INTO runs SELECT 4, 'four', name, playbooks, inventory, host_limit, check_mode, who, node, version, began, ended, outcome, exit_code, 0, head, beat, hold, pruned FROM runs WHERE n = 1"}, []place{{FoundAdded, "four", 0, 0}, {FoundChanged, "four", 1, 0}}},
		"the list says something else":  {[]string{"UPDATE runs SET outcome = 'failed' WHERE n = 2"}, []place{{FoundChanged, "two", 702, 702}}},
		"an entry is cut":               {[]string{"DELETE FROM ledger WHERE n = 3"}, []place{{FoundCut, "", 3, 3}}},
		"an entry is changed":           {[]string{"UPDATE ledger SET at = '2020-01-01T00:00:00Z' WHERE n = 3"}, []place{{FoundChanged, "", 3, 3}}},
		"a note is changed":             {[]string{"UPDATE notes SET body = 'nothing'"}, []place{{FoundChanged, "two", 1, 1}}},
		"a note is deleted":             {[]string{"DELETE FROM notes"}, []place{{FoundCut, "", 0, 0}}},
		"an output is passed as pruned": {[]string{"UPDATE events SET digest = zeroblob(32), data = '{}' WHERE run = 2 AND seq = 7"}, []place{{FoundChanged, "two", 7, 7}, {FoundChanged, "two", 7, 7}}},
	} {
		t.Run(name, func(t *testing.T) {
			var got []place
			for _, f := range tampered(t, c.do...).Findings {
				got = append(got, place{f.Kind, f.Run, f.From, f.To})
				assert.NotContains(t, f.Text.In("en")+f.Text.In("ko"), "%!", "a sentence")
			}
			assert.ElementsMatch(t, c.want, got)
		})
	}
}

// TestARewrittenChainIsFound changes a row and computes all hashes after it
// anew, as somebody who knows how would.
func TestARewrittenChainIsFound(t *testing.T) {
	s := openTest(t, t.TempDir(), "")
	recordRun(t, s, "one", 20)
	before := chainStart("one")
	for r, err := range s.rows(t.Context(), "one", 0) {
		require.NoError(t, err)
		r.data = strings.ReplaceAll(r.data, "kiosk01", "kiosk99")
		before = link(before, sha256.Sum256(r.line()))
		_, err = s.db.Exec("UPDATE events SET data = ?, hash = ? WHERE run = 1 AND seq = ?", r.data, before[:], r.seq)
		require.NoError(t, err)
	}
	_, err := s.db.Exec("UPDATE runs SET head = ?", before[:])
	require.NoError(t, err)
	a, err := s.Verify(t.Context(), "")
	require.NoError(t, err)
	require.Len(t, a.Findings, 1)
	assert.Contains(t, a.Findings[0].Text.String(), "the whole chain was rewritten")
}
