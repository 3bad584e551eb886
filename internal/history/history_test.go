package history

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"sunup/internal/event"
	"sunup/internal/say"
	"sunup/internal/store"
	"sunup/internal/value"
	"sunup/reports"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var monday = time.Date(2026, 11, 16, 8, 30, 0, 0, time.UTC)

// morning is a run of 12 kiosks in two zones and 8 steps; took says how long
// each step takes on each host.
type morning struct {
	id    string
	began time.Time
	took  func(step, host int) time.Duration
	fails map[int]string // host: message of its failure in the last step
}

const (
	morningHosts = 12
	morningSteps = 8
)

func hostName(i int) string { return fmt.Sprintf("kiosk%02d", i+1) }

func (m morning) events() []event.Event {
	var out []event.Event
	say := func(at time.Time, d event.Data) { out = append(out, event.New(int64(len(out)+1), at, d)) }
	var hosts []string
	zones := map[string]string{}
	for i := range morningHosts {
		hosts = append(hosts, hostName(i))
		zones[hostName(i)] = []string{"east", "west"}[i%2]
	}
	say(m.began, event.RunStarted{RunID: m.id, Playbooks: []string{"morning.yml"}, User: "operator", Startup: &event.Startup{
		Name: "Morning startup", OpensAt: m.began.Add(30 * time.Minute), Timezone: "UTC",
	}})
	say(m.began, event.PlayStarted{Play: 0, Name: "Kiosks", Hosts: hosts, Zones: zones})
	at, recap, outcome := m.began, []event.Recap{}, event.OK
	for step := range morningSteps {
		say(at, event.TaskStarted{Play: 0, Task: step, ID: fmt.Sprint("m.yml:", step), Name: fmt.Sprintf("Step %d", step%4), Module: "ansible.builtin.command", Section: event.Tasks})
		slowest := time.Duration(0)
		for h := range morningHosts {
			took := m.took(step, h)
			slowest = max(slowest, took)
			end := event.HostTaskEnded{Task: step, Host: hostName(h), Outcome: event.OK, Began: at, Took: took}
			if message := m.fails[h]; message != "" && step == morningSteps-1 {
				end.Outcome, end.Result = event.Failed, event.Result{Values: value.NewDict("failed", true, "msg", message)}
				outcome = event.Failed
			}
			say(at.Add(took), end)
		}
		at = at.Add(slowest)
	}
	say(at, event.PlayEnded{Play: 0, Outcome: outcome})
	code := 0
	if outcome != event.OK {
		code = 2
	}
	say(at, event.RunEnded{Outcome: outcome, ExitCode: code, Recap: recap})
	return out
}

func (m morning) report() *reports.Report { return reports.Fold(m.events()) }

// usual is a step of 10 to 17 seconds that strays by some percent.
func usual(random *rand.Rand, stray float64) func(step, host int) time.Duration {
	return func(step, _ int) time.Duration {
		return time.Duration(float64(10+step) * (1 + stray*random.NormFloat64()) * float64(time.Second))
	}
}

func openStore(t *testing.T) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), t.TempDir(), "")
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, s.Close()) })
	return s
}

func (m morning) record(t *testing.T, s *store.Store) {
	t.Helper()
	r, err := s.Record(t.Context(), m.id, nil)
	require.NoError(t, err)
	for _, e := range m.events() {
		r.Emit(e)
	}
	require.NoError(t, r.Close())
}

// days records n mornings, one a day from Monday.
func days(t *testing.T, s *store.Store, random *rand.Rand, n int) {
	t.Helper()
	for i := range n {
		morning{id: fmt.Sprintf("run-%02d", i), began: monday.AddDate(0, 0, i), took: usual(random, 0.03)}.record(t, s)
	}
}

func TestAStepSlowedBy30PercentIsNamedFirst(t *testing.T) {
	for seed := range uint64(100) {
		random := rand.New(rand.NewPCG(seed, 1))
		var past Past
		for i := range 20 {
			past.Runs = append(past.Runs, DigestOf(morning{id: fmt.Sprint(i), began: monday.AddDate(0, 0, i), took: usual(random, 0.05)}.report()))
		}
		normal := usual(random, 0.05)
		slow := int(seed) % morningSteps
		d := DigestOf(morning{id: "today", began: monday.AddDate(0, 0, 30), took: func(step, host int) time.Duration {
			took := normal(step, host)
			if step == slow {
				took = took * 130 / 100
			}
			return took
		}}.report())
		c := Compare(d, past, DefaultBaseline)
		require.NotEmpty(t, c.Slowed, "seed %d", seed)
		assert.Equal(t, fmt.Sprintf("Step %d", slow%4), c.Slowed[0].Name)
		assert.Len(t, c.Slowed, 1, "and nothing else")
	}
}

func TestDigestsAreKeptAndDerivedAgain(t *testing.T) {
	s := openStore(t)
	m := morning{id: "run", began: monday, took: usual(rand.New(rand.NewPCG(1, 1)), 0.03), fails: map[int]string{3: "no route to host 10.0.0.7"}}
	m.record(t, s)
	run, err := s.Find(t.Context(), "run")
	require.NoError(t, err)
	derived, err := Load(t.Context(), s, run) // nothing was kept
	require.NoError(t, err)
	kept, err := Load(t.Context(), s, run)
	require.NoError(t, err)
	assert.Equal(t, derived, kept)
	folded, err := Refold(t.Context(), s, "run")
	require.NoError(t, err)
	require.NoError(t, Keep(t.Context(), s, folded))
	again, err := Load(t.Context(), s, run)
	require.NoError(t, err)
	assert.Equal(t, derived, again)
	assert.Len(t, kept.Steps, morningSteps)
	assert.Equal(t, 1, kept.Steps[5].Nth, "the second of its name")
	cells, err := loadCells(t.Context(), s, "run")
	require.NoError(t, err)
	assert.Len(t, cells.Steps[kept.Steps[7].Key()].Host, morningHosts-1, "a failure's time is none")
}

func TestThePastTellsHowLongThingsTake(t *testing.T) {
	s := openStore(t)
	days(t, s, rand.New(rand.NewPCG(7, 7)), 12)
	past, err := Earlier(t.Context(), s, "Morning startup", "", false, monday.AddDate(0, 0, 11), 5)
	require.NoError(t, err)
	require.Len(t, past.Runs, 5)
	assert.Equal(t, "run-10", past.Runs[0].Run, "before the one that began then")
	e, ok := past.Task("Kiosks", "Step 2")
	require.True(t, ok)
	assert.InDelta(t, 12.6, e.Median.Seconds(), 1)
	assert.GreaterOrEqual(t, e.P90, e.Median)
	e, ok = past.Play("Kiosks")
	require.True(t, ok)
	assert.InDelta(t, 113, e.Median.Seconds(), 5)
	assert.Equal(t, 5, e.Runs)
	e, ok = past.Host("kiosk03")
	require.True(t, ok)
	assert.InDelta(t, 108, e.Median.Seconds(), 5)
	_, ok = past.Play("Nothing")
	assert.False(t, ok)
	whole, ok := past.Whole()
	require.True(t, ok)
	assert.InDelta(t, 113, whole.Median.Seconds(), 5)
	none, err := Earlier(t.Context(), s, "Morning startup", "kiosk01", false, monday.AddDate(1, 0, 0), 5)
	require.NoError(t, err)
	assert.Empty(t, none.Runs, "another limit is another run")
}

func TestFingerprintsJoinWhatIsTheSame(t *testing.T) {
	base := Fingerprint("command", "kiosk07: no route to host 10.1.2.7 (attempt 3)", "Start", "kiosk07")
	for name, other := range map[string]string{
		"another kiosk":  Fingerprint("command", "kiosk12: no route to host 10.1.2.12 (attempt 1)", "Start", "kiosk12"),
		"other capitals": Fingerprint("command", "Kiosk07: No route to host   10.1.2.7 (attempt 30)", "Start", "kiosk07"),
	} {
		assert.Equal(t, base, other, name)
	}
	for name, other := range map[string]string{
		"another module":  Fingerprint("shell", "kiosk07: no route to host 10.1.2.7 (attempt 3)", "Start", "kiosk07"),
		"another message": Fingerprint("command", "kiosk07: connection refused by 10.1.2.7 (attempt 3)", "Start", "kiosk07"),
		"another task":    Fingerprint("command", "kiosk07: no route to host 10.1.2.7 (attempt 3)", "Stop", "kiosk07"),
		"another role":    Fingerprint("command", "db07: no route to host 10.1.2.7 (attempt 3)", "Start", "db07"),
	} {
		assert.NotEqual(t, base, other, name)
	}
	assert.Equal(t, "job @ failed: id #, pid #", normalised("Job kiosk07 failed: id 7f3a9c21-77ab-4c1d-9e0f-aabbccddeeff, pid 4711", "kiosk07"))
	assert.Equal(t, "kiosk", Role("kiosk-017"))
	assert.Equal(t, "db.gate", Role("db1.gate2"))
}

func TestAFailureIsRemembered(t *testing.T) {
	s := openStore(t)
	took := usual(rand.New(rand.NewPCG(3, 3)), 0.03)
	for i, message := range []string{"kiosk04: paper jam in slot 1", "kiosk04: disk full", "kiosk04: paper jam in slot 2"} {
		m := morning{id: fmt.Sprintf("run-%d", i), began: monday.AddDate(0, 0, i), took: took, fails: map[int]string{3: message}}
		m.record(t, s)
		require.NoError(t, Keep(t.Context(), s, m.report()))
	}
	known, err := s.FailuresOf(t.Context(), "run-0")
	require.NoError(t, err)
	require.Len(t, known, 1)
	_, err = s.AddNote(t.Context(), store.Note{Run: "run-0", Host: "kiosk04", Fingerprint: known[0].Fingerprint, Author: "kim", Text: "롤러 교체"})
	require.NoError(t, err)

	today := morning{id: "today", began: monday.AddDate(0, 0, 9), took: took, fails: map[int]string{8: "kiosk09: paper jam in slot 3"}}.report()
	require.NoError(t, Remember(t.Context(), s, today))
	require.Len(t, today.Failures, 1)
	earlier := today.Failures[0].Earlier
	require.Len(t, earlier, 2)
	assert.Equal(t, "롤러 교체", earlier[0].Note, "what was noted comes first")
	assert.Equal(t, "kim", earlier[0].By)
	assert.Equal(t, "run-0", earlier[0].Run)
	assert.True(t, earlier[0].At.After(monday) && earlier[0].At.Before(monday.Add(time.Hour)), "when it was, not when it was noted")
	assert.Equal(t, "run-2", earlier[1].Run)
	var out strings.Builder
	require.NoError(t, reports.WriteSummary(&out, today, reports.SummaryOptions{Lang: say.Korean, Width: 100}))
	assert.Contains(t, out.String(), "전에도 있었음: 2026-11-16, kiosk04: “롤러 교체” (kim)")
}

func TestHostsThatStandOutAgainAndAgain(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 5))
	var past Past
	for i := range 10 {
		normal := usual(random, 0.05)
		past.Runs = append(past.Runs, DigestOf(morning{id: fmt.Sprint(i), began: monday.AddDate(0, 0, i), took: func(step, host int) time.Duration {
			if host == 6 || host == 2 && i == 4 { // one is always slow, one was once
				return 2 * normal(step, host)
			}
			return normal(step, host)
		}}.report()))
	}
	c := Compare(past.Runs[9], Past{past.Runs[:9]}, DefaultBaseline)
	require.Len(t, c.SlowHosts, 1)
	assert.Equal(t, "kiosk07", c.SlowHosts[0].Host)
	assert.Equal(t, 10, c.SlowHosts[0].Times)
	assert.InDelta(t, 2, c.SlowHosts[0].Slow, 0.2)
	require.Len(t, c.Trend, 10)
	assert.Equal(t, "0", c.Trend[0].Run, "the oldest first")
	assert.InDelta(t, 100-c.Trend[0].Minutes, c.Trend[0].Saved, 0.001)
	var svg strings.Builder
	require.NoError(t, WriteTrend(&svg, c, say.Korean))
	assert.Equal(t, 20, strings.Count(svg.String(), "<circle"))
}
