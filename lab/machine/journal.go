package machine

import (
	"slices"
	"sync"
	"time"
)

// Entry is one line of the journal.
type Entry struct {
	Time     time.Time
	Ident    string
	Unit     string
	PID      int
	Priority int
	Message  string
}

// maxJournal bounds the journal of a host.
const maxJournal = 2000

type journal struct {
	mu      sync.Mutex
	entries []Entry
}

// Log adds a line to the journal.
func (m *Machine) Log(ident string, pid, priority int, message string) {
	m.LogUnit("", ident, pid, priority, message)
}

// LogUnit adds a line that belongs to a unit.
func (m *Machine) LogUnit(unit, ident string, pid, priority int, message string) {
	e := Entry{Time: m.Now(), Ident: ident, Unit: unit, PID: pid, Priority: priority, Message: message}
	j := &m.journal
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.entries) >= maxJournal {
		j.entries = slices.Clone(j.entries[maxJournal/2:])
	}
	j.entries = append(j.entries, e)
}

// Journal returns the journal, oldest first.
func (m *Machine) Journal() []Entry {
	m.journal.mu.Lock()
	defer m.journal.mu.Unlock()
	return slices.Clone(m.journal.entries)
}
