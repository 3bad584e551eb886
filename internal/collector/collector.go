// Package collector decides when Go's garbage collector runs.
//
// Vocabulary:
//
//	allowance  how much may be allocated between two collections, at least
//
// By default a heap of a few MiB is collected after every few MiB, which for a
// run on some dozen hosts means ten times in two seconds, an eighth of all its
// processor time. With an allowance small heaps are collected as rarely as large
// ones; a heap larger than the allowance is collected when it has doubled, as
// always.
package collector

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
)

// Allowance is the command's: all that a run on some dozen hosts needs.
const Allowance = 64 << 20

const (
	usual = 100 // percent: Go's default
	// smallest is the heap that Go assumes at least: what a percentage is of
	// before the first collection.
	smallest = 4 << 20
)

// Allow sets the allowance in bytes, for the whole process, from now on. It
// does nothing when the environment says by GOGC or GOMEMLIMIT what the
// collector shall do. It may be called again; the last allowance holds.
func Allow(bytes int) {
	for _, name := range []string{"GOGC", "GOMEMLIMIT"} {
		if os.Getenv(name) != "" {
			return
		}
	}
	current.Lock()
	defer current.Unlock()
	current.allowance = bytes
	current.set(max(percent(bytes, live()), usual))
	if !current.watched {
		current.watched = true
		watch()
	}
}

// current is the setting of the process; the runtime has only one.
var current setting

type setting struct {
	sync.Mutex
	allowance int
	percent   int
	watched   bool
}

// percent is how much a heap may grow so that bytes can be allocated.
func percent(bytes, live int) int { return int(100 * int64(bytes) / int64(max(live, smallest))) }

// live is what the last collection left, in bytes; 0 before the first.
func live() int {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	if sample[0].Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return int(sample[0].Value.Uint64())
}

// set changes the percentage unless it would stay nearly the same: each change
// stops the program for some microseconds.
func (s *setting) set(percent int) {
	if d := percent - s.percent; d*8 > s.percent || d*8 < -s.percent {
		debug.SetGCPercent(percent)
		s.percent = percent
	}
}

// bell is garbage: its finalizer tells that a collection is over.
type bell struct{ _ *int }

// watch adjusts the percentage after each collection.
func watch() {
	runtime.SetFinalizer(&bell{new(int)}, ring)
}

func ring(*bell) {
	current.Lock()
	current.set(max(percent(current.allowance, live()), usual))
	current.Unlock()
	watch()
}
