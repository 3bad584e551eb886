package collector

import (
	"runtime"
	"runtime/debug"
	"testing"

	"github.com/stretchr/testify/assert"
)

// hold keeps what the tests allocate.
var hold [][]byte

func TestSmallHeapsAreCollectedRarely(t *testing.T) {
	t.Setenv("GOGC", "")
	t.Setenv("GOMEMLIMIT", "")
	defer debug.SetGCPercent(debug.SetGCPercent(100))
	Allow(64 << 20)
	assert.Equal(t, 0, collections(32<<20), "while less than the allowance is garbage")
	assert.GreaterOrEqual(t, collections(256<<20), 2, "when much more is")
}

func TestLargeHeapsDouble(t *testing.T) {
	assert.Equal(t, 1600, percent(64<<20, 0))
	assert.Equal(t, 640, percent(64<<20, 10<<20))
	assert.Equal(t, 16, percent(64<<20, 400<<20), "below what is usual, which holds then")
}

func TestTheEnvironmentHolds(t *testing.T) {
	t.Setenv("GOGC", "50")
	was := debug.SetGCPercent(77)
	defer debug.SetGCPercent(was)
	Allow(64 << 20)
	assert.Equal(t, 77, debug.SetGCPercent(77))
}

// collections is how often the collector ran while so many bytes were
// allocated and let go.
func collections(bytes int) int {
	runtime.GC()
	runtime.GC() // the finalizer of the first has run by the end of the second, or soon
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range bytes >> 16 {
		hold = append(hold[:0], make([]byte, 1<<16))
	}
	runtime.ReadMemStats(&after)
	return int(after.NumGC - before.NumGC)
}
