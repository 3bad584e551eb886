package runner

import "sync"

// cancelState is whether a person asked the run to stop, and who wants to know
// at once.
type cancelState struct {
	mu    sync.Mutex
	asked bool
	why   error // set when not a person but a mistake of the playbook ends the run
	next  int
	tell  map[int]func()
}

func (c *cancelState) stop() {
	c.mu.Lock()
	c.asked = true
	c.mu.Unlock()
	c.tellAll()
}

// tellAll calls those who want to know.
func (c *cancelState) tellAll() {
	c.mu.Lock()
	told := make([]func(), 0, len(c.tell))
	for _, f := range c.tell {
		told = append(told, f)
	}
	c.mu.Unlock()
	for _, f := range told {
		f()
	}
}

// abort stops the run for a mistake that no host is to blame for; the first one
// counts.
func (c *cancelState) abort(why error) {
	c.mu.Lock()
	if c.why == nil {
		c.why = why
	}
	c.mu.Unlock()
	c.stop()
}

// aborted is why the run was aborted, or nil.
func (c *cancelState) aborted() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.why
}

func (c *cancelState) stopped() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.asked
}

// onStop calls f when the run is asked to stop, until the returned function is
// called.
func (c *cancelState) onStop(f func()) (forget func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.tell == nil {
		c.tell = map[int]func(){}
	}
	id := c.next
	c.next++
	c.tell[id] = f
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.tell, id)
	}
}
