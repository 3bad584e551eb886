package runner

import (
	"sunup/internal/event"
	"sunup/playbooks"
)

// section is the part of a block that a host is in. The order is the order of
// running.
type section int

const (
	inTasks section = iota
	inRescue
	inAlways
)

// frame is one block that a host is inside of.
type frame struct {
	block   *playbooks.Block
	section section
	index   int // of the next step
	// failed: the block failed for good; after always the failure goes on
	// outwards.
	failed bool
	// handlers: the block is the play's handlers; a task runs only when the
	// host notified it.
	handlers bool
	// part of the play that this frame and those inside it belong to; "" means
	// that of the frame around it.
	part event.Section
}

func (f *frame) steps() []playbooks.Step {
	switch f.section {
	case inRescue:
		return f.block.Rescue
	case inAlways:
		return f.block.Always
	}
	return f.block.Tasks
}

// cursor is where a host stands in a play: a stack of frames, innermost last.
// It belongs to the strategy; nothing of it is compiled into the tree.
type cursor struct {
	stack []frame
	// wanted decides whether a task is to be run at all (tags, notified
	// handlers, roles done before).
	wanted func(f *frame, s playbooks.Step) bool
	// entering tells the part of the play that a step begins, if any.
	parts map[playbooks.Step]event.Section
	// fell: a failure that nothing rescued led out of everything, be it after
	// always sections.
	fell bool
	// stopped is where the host stopped for good; nil while it goes on.
	stopped *stop
}

func newCursor(top *playbooks.Block, parts map[playbooks.Step]event.Section, wanted func(*frame, playbooks.Step) bool) *cursor {
	return &cursor{stack: []frame{{block: top}}, wanted: wanted, parts: parts}
}

// next returns the task that the host does next, or nil at the end. It may be
// called again without effect until advance, push or fail.
func (c *cursor) next() *playbooks.Task {
	for len(c.stack) > 0 {
		f := &c.stack[len(c.stack)-1]
		steps := f.steps()
		if f.index >= len(steps) {
			c.endSection(f)
			continue
		}
		step := steps[f.index]
		if !c.wanted(f, step) {
			f.index++
			continue
		}
		task, isTask := step.(*playbooks.Task)
		if isTask {
			return task
		}
		f.index++
		c.push(frame{block: step.(*playbooks.Block), part: c.parts[step]})
	}
	return nil
}

// endSection moves from the end of one section to the next, or out.
func (c *cursor) endSection(f *frame) {
	switch {
	case f.section != inAlways && len(f.block.Always) > 0:
		f.section, f.index = inAlways, 0
	case f.failed:
		c.pop()
		c.fail()
	default:
		c.pop()
	}
}

// advance moves past the task that next returned.
func (c *cursor) advance() { c.stack[len(c.stack)-1].index++ }

// push puts a block before what comes next.
func (c *cursor) push(f frame) { c.stack = append(c.stack, f) }

func (c *cursor) pop() { c.stack = c.stack[:len(c.stack)-1] }

// fail moves to the rescue or always that the failure of the present task
// leads to. When there is none, the cursor is at its end.
func (c *cursor) fail() {
	for len(c.stack) > 0 {
		f := &c.stack[len(c.stack)-1]
		switch {
		case f.section == inTasks && len(f.block.Rescue) > 0:
			f.section, f.index = inRescue, 0
			return
		case f.section != inAlways && len(f.block.Always) > 0:
			f.section, f.index, f.failed = inAlways, 0, true
			return
		}
		c.pop()
	}
	c.fell = true
}

// rescues reports whether a failure now would be rescued.
func (c *cursor) rescues() bool {
	for i := range c.stack {
		if f := &c.stack[i]; f.section == inTasks && len(f.block.Rescue) > 0 {
			return true
		}
	}
	return false
}

// failing reports whether the host is only finishing its always sections.
func (c *cursor) failing() bool {
	for i := range c.stack {
		if c.stack[i].failed {
			return true
		}
	}
	return false
}

// forgive forgets the failure that the host carries through its always
// sections: behind them it goes on.
func (c *cursor) forgive() {
	c.fell = false
	for i := range c.stack {
		c.stack[i].failed = false
	}
}

// end leaves the play.
func (c *cursor) end() { c.stack = nil }

// part is the part of the play that the host is in.
func (c *cursor) part() event.Section {
	for i := len(c.stack) - 1; i >= 0; i-- {
		if c.stack[i].handlers {
			return event.Handlers
		}
		if p := c.stack[i].part; p != "" {
			return p
		}
	}
	return event.Tasks
}

// before orders two hosts by how far they are. A host inside a block that the
// other one has passed or has not been given is before it.
func (c *cursor) before(o *cursor) bool {
	n := min(len(c.stack), len(o.stack))
	for i := range n {
		a, b := &c.stack[i], &o.stack[i]
		if a.section != b.section {
			return a.section < b.section
		}
		if a.index != b.index {
			return a.index < b.index
		}
	}
	return len(c.stack) > len(o.stack)
}
