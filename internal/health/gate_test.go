package health

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"sunup/internal/connection"
)

// script is a probe that answers as a function of the time since its start.
func script(name string, s Settings, answer func(since time.Duration) Answer) *Probe {
	var start atomic.Pointer[time.Time]
	return &Probe{Name: name, Kind: "test", Settings: s.withDefaults(), ask: func(ctx context.Context, _ *Target, _ *memory) Answer {
		now := time.Now()
		start.CompareAndSwap(nil, &now)
		return answer(now.Sub(*start.Load()))
	}}
}

func upFrom(d time.Duration) func(time.Duration) Answer {
	return func(since time.Duration) Answer {
		if since >= d {
			return good()
		}
		return bad("not yet", "아직")
	}
}

func gateOf(probes ...*Probe) *Gate {
	return &Gate{Plan: &Plan{root: &Probe{Of: probes, KOf: len(probes)}}, Target: &Target{}}
}

func run(t *testing.T, g *Gate) Result {
	t.Helper()
	r, err := g.Run(t.Context())
	require.NoError(t, err)
	return r
}

func TestGateOpensWhenAllPass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var changes []Change
		g := gateOf(script("a", Settings{}, upFrom(0)), script("b", Settings{}, upFrom(3500*time.Millisecond)))
		g.Changed = func(c Change) { changes = append(changes, c) }
		r := run(t, g)
		assert.True(t, r.Passed)
		assert.Equal(t, 4*time.Second, r.Took)
		require.Len(t, r.Probes, 2)
		assert.Equal(t, Passed, r.Probes[1].State)
		assert.Equal(t, 5, r.Probes[1].Tries)
		require.Len(t, changes, 3)
		assert.Equal(t, "not yet", changes[1].Reason.String())
		assert.True(t, changes[2].Passed)
	})
}

func TestGateStaysShutAtItsDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, gateOf(script("a", Settings{For: 10 * time.Second}, upFrom(time.Hour))))
		assert.False(t, r.Passed)
		assert.Equal(t, 10*time.Second, r.Took)
		assert.Equal(t, "a: not yet", r.Why.String())
		assert.Len(t, r.Probes[0].Failures, maxFailures)
	})
}

// A service that goes up and down each second never passes stable, however the
// probe's pace and the service's beat lie to each other.
func TestFlappingNeverPassesStable(t *testing.T) {
	for _, every := range []time.Duration{100 * time.Millisecond, 500 * time.Millisecond, time.Second, 2 * time.Second, 4 * time.Second, 10 * time.Second} {
		for _, stable := range []time.Duration{3 * time.Second, 10 * time.Second, 30 * time.Second} {
			for phase := time.Duration(0); phase < 2*time.Second; phase += 250 * time.Millisecond {
				synctest.Test(t, func(t *testing.T) {
					r := run(t, gateOf(script("flap", Settings{Every: every, Stable: stable, For: 3 * time.Minute}, func(since time.Duration) Answer {
						if (since+phase)%(2*time.Second) < time.Second {
							return good()
						}
						return bad("down", "내려감")
					})))
					assert.False(t, r.Passed, "every %s stable %s phase %s", every, stable, phase)
				})
			}
		}
	}
}

func TestStableNeedsItsTimeAndNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, gateOf(script("a", Settings{Stable: 30 * time.Second, For: 2 * time.Minute}, upFrom(5*time.Second))))
		assert.True(t, r.Passed)
		assert.Equal(t, 35*time.Second, r.Took)
	})
}

func TestRestartBreaksStable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, gateOf(script("a", Settings{Stable: 10 * time.Second, For: 40 * time.Second}, func(since time.Duration) Answer {
			return Answer{Passed: true, Mark: fmt.Sprint(since / (7 * time.Second))}
		})))
		assert.False(t, r.Passed)
		assert.Contains(t, r.Why.String(), "restarted")
	})
}

func TestSuccessesInARow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		r := run(t, gateOf(script("a", Settings{Successes: 3}, func(time.Duration) Answer {
			if n++; n == 2 {
				return bad("hiccup", "딸꾹")
			}
			return good()
		})))
		assert.True(t, r.Passed)
		assert.Equal(t, 5, r.Probes[0].Tries)
	})
}

// What passed and died while others were waited for is not up.
func TestPassedProbesAreAskedOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dies := script("dies", Settings{}, func(since time.Duration) Answer {
			if since < 8*time.Second {
				return good()
			}
			return bad("dead", "죽음")
		})
		r := run(t, gateOf(dies, script("late", Settings{}, upFrom(20*time.Second))))
		assert.False(t, r.Passed)
		assert.Equal(t, "dies: dead", r.Why.String())
		assert.Equal(t, time.Minute, r.Took)
	})
}

func TestKOf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		group := &Probe{Name: "servers", KOf: 2, Of: []*Probe{
			script("a", Settings{}, upFrom(0)), script("b", Settings{}, upFrom(4*time.Second)), script("c", Settings{}, upFrom(time.Hour)),
		}}
		r := run(t, gateOf(group))
		assert.True(t, r.Passed)
		assert.Equal(t, 4*time.Second, r.Took)
	})
	synctest.Test(t, func(t *testing.T) {
		group := &Probe{Name: "servers", KOf: 2, Of: []*Probe{
			script("a", Settings{}, upFrom(0)), script("b", Settings{For: 5 * time.Second}, upFrom(time.Hour)), script("c", Settings{For: 5 * time.Second}, upFrom(time.Hour)),
		}}
		r := run(t, gateOf(group))
		assert.False(t, r.Passed)
		assert.Equal(t, 5*time.Second, r.Took, "it ends when it can no longer open")
		assert.Equal(t, "servers: 1 of 3 pass, 2 needed (b: not yet; c: not yet)", r.Why.String())
	})
}

func TestBackoffGrowsToABound(t *testing.T) {
	s := Settings{Every: time.Second, Backoff: 2}.withDefaults()
	assert.Equal(t, time.Second, s.pause(1, 1, false))
	assert.Equal(t, 4*time.Second, s.pause(3, 3, false))
	assert.Equal(t, maxBackoff, s.pause(40, 1000, false))
}

func TestFinalAnswersEndTheWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, gateOf(script("a", Settings{}, func(time.Duration) Answer { return never("no tool", "도구 없음") })))
		assert.False(t, r.Passed)
		assert.Zero(t, r.Took)
	})
}

func TestHangingProbeIsCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &Probe{Name: "hangs", Kind: "test", Settings: Settings{For: 12 * time.Second}.withDefaults(), ask: func(ctx context.Context, _ *Target, _ *memory) Answer {
			<-ctx.Done()
			return failed(ctx.Err())
		}}
		r := run(t, gateOf(p))
		assert.False(t, r.Passed)
		assert.Equal(t, 12*time.Second, r.Took)
		assert.Equal(t, "hangs: no answer within 5s", r.Why.String())
	})
}

func TestOnceDoesNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := gateOf(script("a", Settings{}, upFrom(time.Hour)))
		g.Once = true
		r := run(t, g)
		assert.False(t, r.Passed)
		assert.Zero(t, r.Took)
		assert.Equal(t, 1, r.Probes[0].Tries)
	})
}

func TestCancelEndsTheWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(3*time.Second, cancel)
		_, err := gateOf(script("a", Settings{}, upFrom(time.Hour))).Run(ctx)
		assert.ErrorIs(t, err, context.Canceled)
	})
}

func TestLostHost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, gateOf(script("a", Settings{For: 5 * time.Second}, func(time.Duration) Answer {
			return failed(&connection.Unreachable{Host: "h:22", Phase: connection.PhaseConnect, Err: errors.New("refused")})
		})))
		assert.True(t, connection.IsUnreachable(r.Lost))
	})
}
