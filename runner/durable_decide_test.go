package runner_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"sunup/internal/event"
	"sunup/internal/value"
	"sunup/runner"
)

func extraVars(pairs ...any) *value.Dict { return value.NewDict(pairs...) }

// cutInside runs a case and kills it while a command is under way on its host:
// the command was run, and its end is not on record.
func cutInside(t *testing.T, file, line string) (*disk, *estate) {
	t.Helper()
	d, e := &disk{limit: -1}, &estate{}
	e.watch = func(l string) {
		if l == line {
			d.mu.Lock()
			d.limit = len(d.events)
			d.mu.Unlock()
		}
	}
	attempt(t, file, e, d, func(o *runner.Options) { o.Forks = 1 })
	e.watch, d.limit = nil, -1
	return d, e
}

// endsOf are the outcomes of a host's steps in a play.
func endsOf(t *testing.T, d *disk, key string) string {
	t.Helper()
	var out []string
	for _, line := range states(t, d.events)[key] {
		out = append(out, strings.Fields(line)[1])
	}
	return strings.Join(out, " ")
}

func TestWhatWasUnderWayIsDecided(t *testing.T) {
	for _, c := range []struct {
		decision runner.Decision
		ran      int
		ends     string
	}{
		{runner.Rerun, 2, "changed changed"},
		{runner.Skip, 1, "skipped changed"},
		{runner.Fail, 1, "unknown"},
	} {
		t.Run(string(c.decision), func(t *testing.T) {
			d, e := cutInside(t, "serial.yml", "h2: first in h2,h3")
			var asked []runner.UnderWay
			attempt(t, "serial.yml", e, d, func(o *runner.Options) {
				assert.Len(t, o.Journal.UnderWay(), 1)
				o.Decide = func(u runner.UnderWay) runner.Decision { asked = append(asked, u); return c.decision }
			})
			require.Len(t, asked, 1)
			assert.Equal(t, "h2", asked[0].Host)
			assert.Equal(t, c.ran, counts(e.ran)["h2: first in h2,h3"])
			assert.Equal(t, c.ends, strings.Join(strings.Fields(endsOf(t, d, "0 h2"))[:len(strings.Fields(c.ends))], " "))
			resumed := event.Of[event.RunResumed](recorder(d))
			require.Len(t, resumed, 1)
			require.Len(t, resumed[0].Unknown, 1)
			assert.Equal(t, string(c.decision), resumed[0].Unknown[0].Decision)
		})
	}
}

// TestAnUnknownStepIsAskedAboutAgain resumes twice: a step that was left
// unknown may still have been carried out.
func TestAnUnknownStepIsAskedAboutAgain(t *testing.T) {
	d, e := cutInside(t, "serial.yml", "h2: first in h2,h3")
	attempt(t, "serial.yml", e, d, func(o *runner.Options) {
		o.Decide = func(runner.UnderWay) runner.Decision { return runner.Fail }
	})
	attempt(t, "serial.yml", e, d, func(o *runner.Options) {
		require.Len(t, o.Journal.UnderWay(), 1)
		o.Decide = func(runner.UnderWay) runner.Decision { return runner.Skip }
	})
	assert.Equal(t, 1, counts(e.ran)["h2: first in h2,h3"])
	assert.True(t, strings.HasPrefix(endsOf(t, d, "0 h2"), "skipped changed"), endsOf(t, d, "0 h2"))
	last := d.events[len(d.events)-1].Data.(event.RunEnded)
	assert.Equal(t, event.OK, last.Outcome)
}

func recorder(d *disk) *event.Recorder {
	r := &event.Recorder{}
	for _, e := range d.events {
		r.Emit(e)
	}
	return r
}

// TestAfterAFix: what failed is tried again, with what followed the failure;
// nothing else is.
func TestAfterAFix(t *testing.T) {
	for _, only := range []bool{false, true} {
		d, e := &disk{limit: -1}, &estate{}
		summary := attempt(t, "failing.yml", e, d, nil)
		require.Equal(t, runner.CodeFailed, summary.Code)
		before := counts(e.ran)
		e.fixed = true
		summary = attempt(t, "failing.yml", e, d, func(o *runner.Options) {
			j, err := runner.ReadJournal(event.All(d.events), runner.JournalOptions{Failed: only})
			require.NoError(t, err)
			require.Equal(t, 1, j.Failures())
			o.Journal = j
		})
		assert.Equal(t, runner.CodeOK, summary.Code)
		after := counts(e.ran)
		for line, n := range after {
			if n != before[line] {
				assert.True(t, strings.HasPrefix(line, "h2:"), "%s ran again", line)
			}
		}
		assert.Equal(t, 2, after["h2: fail again"])
		assert.Equal(t, 1, after["h2: second play"])
		assert.Equal(t, 1, after["h2: before"])
		for _, r := range d.events[len(d.events)-1].Data.(event.RunEnded).Recap {
			assert.Zero(t, r.Failed, r.Host)
		}
	}
}

// TestQuarantineIsReleasedByResumingTheFailed: a host that was set aside stays
// there, unless the failed ones are resumed.
func TestQuarantineIsReleasedByResumingTheFailed(t *testing.T) {
	for _, only := range []bool{false, true} {
		d, e := &disk{limit: -1}, &estate{}
		summary := attempt(t, "graph.yml", e, d, nil)
		require.Equal(t, runner.CodeQuarantined, summary.Code)
		e.fixed = true
		summary = attempt(t, "graph.yml", e, d, func(o *runner.Options) {
			j, err := runner.ReadJournal(event.All(d.events), runner.JournalOptions{Failed: only})
			require.NoError(t, err)
			o.Journal = j
		})
		if only {
			assert.Equal(t, runner.CodeOK, summary.Code)
			assert.Equal(t, 1, counts(e.ran)["h5: last"])
		} else {
			assert.Equal(t, runner.CodeQuarantined, summary.Code)
			assert.Zero(t, counts(e.ran)["h5: last"])
		}
		for line, n := range counts(e.ran) {
			if line != "h5: fail kiosk" {
				assert.Equal(t, 1, n, line)
			}
		}
	}
}

// TestFactsThatCannotBeComputedTwice: what a task made up stays as it was.
func TestFactsThatCannotBeComputedTwice(t *testing.T) {
	for k := 3; k < 40; k++ {
		d, e := &disk{limit: k}, &estate{}
		attempt(t, "chance.yaml", e, d, nil)
		if len(d.events) < k {
			break
		}
		d.limit = -1
		attempt(t, "chance.yaml", e, d, nil)
		byHost := map[string]map[string]bool{}
		for _, line := range e.ran {
			host, text, _ := strings.Cut(line, ": ")
			if byHost[host] == nil {
				byHost[host] = map[string]bool{}
			}
			byHost[host][strings.Fields(text)[1]] = true
		}
		for host, values := range byHost {
			assert.Len(t, values, 1, "%s, cut after %d", host, k)
		}
	}
}
