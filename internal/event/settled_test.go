package event

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestSettledLeavesOutWhatWasTriedAgain(t *testing.T) {
	record := []Event{
		New(1, time.Time{}, RunStarted{}),
		New(2, time.Time{}, HostTaskEnded{Task: 1, Host: "a", Outcome: Failed}),
		New(3, time.Time{}, HostTaskEnded{Task: 1, Host: "b", Outcome: OK}),
		New(4, time.Time{}, RunEnded{Outcome: Failed}),
		New(5, time.Time{}, RunResumed{Void: []int64{2, 4}}),
		New(6, time.Time{}, HostTaskEnded{Task: 1, Host: "a", Outcome: OK}),
		New(7, time.Time{}, RunEnded{Outcome: OK}),
	}
	var left []int64
	for e, err := range Settled(All(record)) {
		require.NoError(t, err)
		left = append(left, e.Seq)
	}
	assert.Equal(t, []int64{1, 3, 5, 6, 7}, left)
}

func TestSettledPassesOnWhatCannotBeRead(t *testing.T) {
	broken := errors.New("the disk is gone")
	n := 0
	for _, err := range Settled(func(yield func(Event, error) bool) { yield(Event{}, broken) }) {
		n++
		require.ErrorIs(t, err, broken)
	}
	assert.Equal(t, 1, n)
}
