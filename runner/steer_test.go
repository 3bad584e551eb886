package runner_test

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"sunup/internal/event"
	"sunup/runner"
)

var ops = runner.Hand{User: "ops", UID: 1000, From: "ctl", Reason: "because"}

// steering runs a case and gives orders while a command is under way on a host.
func steering(t *testing.T, file, line string, orders func(r *runner.Run)) (*disk, *estate, runner.Summary) {
	t.Helper()
	d, e := &disk{limit: -1}, &estate{}
	var run *runner.Run
	var once sync.Once
	e.watch = func(l string) {
		if l == line {
			once.Do(func() {
				// Orders come from another goroutine, and may wait for nothing here.
				done := make(chan struct{})
				go func() { defer close(done); orders(run) }()
				<-done
			})
		}
	}
	summary := attemptOn(t, file, e, d, nil, func(r *runner.Run) { run = r })
	return d, e, summary
}

func must(t *testing.T, r *runner.Run, o runner.Order, host string) {
	t.Helper()
	told, err := r.Steer(o, host, ops)
	require.NoError(t, err)
	require.False(t, told.IsZero())
}

func TestAHostThatIsSkippedOrSetAsideDoesNothingMore(t *testing.T) {
	for _, order := range []runner.Order{runner.OrderSkip, runner.OrderQuarantine} {
		d, e, summary := steering(t, "serial.yml", "h2: first in h2,h3", func(r *runner.Run) {
			must(t, r, order, "h3")
			_, err := r.Steer(order, "h3", ops)
			assert.Error(t, err, "it is already")
			_, err = r.Steer(order, "nobody", ops)
			assert.Error(t, err)
		})
		assert.Zero(t, counts(e.ran)["h3: shuffled"])
		assert.Zero(t, counts(e.ran)["h3: second"])
		assert.Equal(t, 1, counts(e.ran)["h2: second"])
		steered := event.Of[event.Steered](recorder(d))
		require.Len(t, steered, 1)
		assert.Equal(t, event.Steered{Action: string(order), Host: "h3", User: "ops", UID: 1000, From: "ctl", Reason: "because"}, steered[0])
		want := runner.CodeOK
		if order == runner.OrderQuarantine {
			want = runner.CodeQuarantined
			assert.Len(t, event.Of[event.HostQuarantined](recorder(d)), 1)
		}
		assert.Equal(t, want, summary.Code)
	}
}

func TestAReleasedHostTakesPartAgain(t *testing.T) {
	_, e, summary := steering(t, "serial.yml", "h2: first in h2,h3", func(r *runner.Run) {
		must(t, r, runner.OrderQuarantine, "h5")
		assert.Equal(t, []string{"h5"}, r.Status().Aside)
		must(t, r, runner.OrderRelease, "h5")
		_, err := r.Steer(runner.OrderRelease, "h5", ops)
		assert.Error(t, err)
	})
	assert.Equal(t, 1, counts(e.ran)["h5: second"])
	assert.Equal(t, runner.CodeOK, summary.Code)
}

// TestAFailedHostIsTriedAgainWhereItFailed: in the same play, and the failure
// counts no more.
func TestAFailedHostIsTriedAgainWhereItFailed(t *testing.T) {
	for _, file := range []string{"retry.yaml"} {
		d, e := &disk{limit: -1}, &estate{}
		var run *runner.Run
		e.watch = func(l string) {
			if l != "h1: waits for the order" {
				return
			}
			e.fixed = true
			done := make(chan struct{})
			go func() {
				defer close(done)
				_, err := run.Steer(runner.OrderRetry, "h1", ops)
				assert.Error(t, err, "it did not fail")
				assert.Equal(t, []string{"h2"}, run.Status().Failed)
				must(t, run, runner.OrderRetry, "h2")
			}()
			<-done
		}
		summary := attemptOn(t, file, e, d, func(o *runner.Options) { o.Forks = 1 }, func(r *runner.Run) { run = r })
		assert.Equal(t, runner.CodeOK, summary.Code, file)
		assert.Equal(t, map[string]int{
			"h2: before": 1, "h2: fail": 2, "h2: always": 2, "h2: after": 1, "h2: second play": 1,
			"h1: before": 1, "h1: good": 1, "h1: always": 1, "h1: waits for the order": 1, "h1: second play": 1,
		}, counts(e.ran), file)
		for key, lines := range states(t, d.events) {
			assert.NotContains(t, strings.Join(lines, "\n"), "failed ", key)
		}
	}
}

// TestAHostThatGoesByItselfIsTriedAgainAtOnce: in the free strategy nobody waits
// for the others, of which some may hang.
func TestAHostThatGoesByItselfIsTriedAgainAtOnce(t *testing.T) {
	d, e := &disk{limit: -1}, &estate{}
	var run *runner.Run
	over := make(chan struct{})
	e.await = func(l string) {
		switch l {
		case "h2: after":
			close(over)
		case "h1: waits for the order": // and for what comes of it
			require.Eventually(t, func() bool { return slices.Equal(run.Status().Failed, []string{"h2"}) }, time.Minute, time.Millisecond)
			e.fixed = true
			must(t, run, runner.OrderRetry, "h2")
			<-over
		}
	}
	summary := attemptOn(t, "retry-free.yaml", e, d, nil, func(r *runner.Run) { run = r })
	assert.Equal(t, runner.CodeOK, summary.Code)
	assert.Equal(t, 2, counts(e.ran)["h2: fail"])
	assert.Equal(t, 1, counts(e.ran)["h2: after"])
	assert.Equal(t, 1, counts(e.ran)["h1: good"])
}

// TestAFailureGoesOnAfterAlways: the always section of a block that failed is
// done, and then the host is lost.
func TestAFailureGoesOnAfterAlways(t *testing.T) {
	d, e := &disk{limit: -1}, &estate{}
	summary := attempt(t, "retry.yaml", e, d, nil)
	assert.Equal(t, runner.CodeFailed, summary.Code)
	assert.Equal(t, 1, counts(e.ran)["h2: always"])
	assert.Zero(t, counts(e.ran)["h2: second play"])
	assert.Equal(t, []event.HostLost{{Play: 0, Host: "h2", Outcome: event.Failed}}, event.Of[event.HostLost](recorder(d)))
}

func TestNothingBeginsWhileARunIsPaused(t *testing.T) {
	var during int
	d, e, summary := steering(t, "serial.yml", "h1: second", func(r *runner.Run) {
		must(t, r, runner.OrderPause, "")
		_, err := r.Steer(runner.OrderPause, "", ops)
		assert.Error(t, err)
		assert.True(t, r.Status().Paused)
		during = 1
		must(t, r, runner.OrderResume, "")
		_, err = r.Steer(runner.OrderResume, "", ops)
		assert.Error(t, err)
	})
	assert.Equal(t, 1, during)
	assert.Equal(t, runner.CodeOK, summary.Code)
	assert.Len(t, event.Of[event.Steered](recorder(d)), 2)
	assert.Equal(t, 1, counts(e.ran)["h5: second"])
}

func TestAPausedRunCanBeCancelled(t *testing.T) {
	d, e, summary := steering(t, "serial.yml", "h1: second", func(r *runner.Run) {
		must(t, r, runner.OrderPause, "")
		must(t, r, runner.OrderCancel, "")
	})
	assert.Equal(t, runner.CodeInterrupted, summary.Code)
	assert.Zero(t, counts(e.ran)["h5: second"])
	// And what was cancelled is resumed to the end.
	e.watch = nil
	summary = attempt(t, "serial.yml", e, d, nil)
	assert.Equal(t, runner.CodeOK, summary.Code)
	for line, n := range counts(e.ran) {
		assert.Equal(t, 1, n, line)
	}
}

// TestOrdersOutliveTheRun: who was skipped stays so when the run is resumed.
// TestOrdersOutliveTheRun: many times, since what was skipped may have been cut
// off, or not have begun.
func TestOrdersOutliveTheRun(t *testing.T) {
	for range 50 {
		ordersOutliveTheRun(t)
	}
}

func ordersOutliveTheRun(t *testing.T) {
	t.Helper()
	d, e, _ := steering(t, "serial.yml", "h2: first in h2,h3", func(r *runner.Run) {
		must(t, r, runner.OrderSkip, "h3")
		must(t, r, runner.OrderCancel, "")
	})
	e.watch = nil
	summary := attempt(t, "serial.yml", e, d, nil)
	assert.Equal(t, runner.CodeOK, summary.Code)
	assert.Zero(t, counts(e.ran)["h3: second"])
	assert.Zero(t, counts(e.ran)["h3: shuffled"])
	assert.Equal(t, 1, counts(e.ran)["h5: shuffled"])
}
