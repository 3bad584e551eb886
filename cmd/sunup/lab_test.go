package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestADemoHasItsOwnTimeOfDay: whoever tries the sample in the afternoon does
// not read that it is late.
func TestADemoHasItsOwnTimeOfDay(t *testing.T) {
	clock, err := clockAt("09:25", "Asia/Seoul", time.Now())
	require.NoError(t, err)
	seoul, err := time.LoadLocation("Asia/Seoul")
	require.NoError(t, err)
	now := clock().In(seoul)
	assert.Equal(t, "09:25", now.Format("15:04"))
	assert.Equal(t, time.Now().In(seoul).Format(time.DateOnly), now.Format(time.DateOnly))
	assert.False(t, clock().Before(now), "it goes on")
	for _, bad := range []string{"", "25:00", "nine"} {
		_, err := clockAt(bad, "Asia/Seoul", time.Now())
		assert.Error(t, err, bad)
	}
	_, err = clockAt("09:25", "Nowhere/Land", time.Now())
	assert.Error(t, err)
}
