package runner

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
)

// A pool does each host once, no more at once than it has slots, and leaves no
// goroutine behind.
func TestPoolDoesEachHostOnce(t *testing.T) {
	p, throttle := newPool(4), newPool(2)
	hosts := make([]*host, 50)
	for i := range hosts {
		hosts[i] = &host{}
	}
	for range 3 {
		var done [50]atomic.Int32
		var busy, most atomic.Int32
		p.each(context.Background(), hosts, throttle, func(i int, h *host) {
			n := busy.Add(1)
			for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
			}
			assert.Same(t, hosts[i], h)
			done[i].Add(1)
			busy.Add(-1)
		})
		for i := range done {
			assert.EqualValues(t, 1, done[i].Load(), "host %d", i)
		}
		assert.LessOrEqual(t, most.Load(), int32(2), "the throttle")
	}
	p.close()
	p.close()
	ran := false
	p.each(context.Background(), hosts[:1], nil, func(int, *host) { ran = true })
	assert.True(t, ran, "work after the end is done")
	p.crew.Wait()
}
