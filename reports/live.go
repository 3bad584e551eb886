package reports

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"charm.land/lipgloss/v2"
	"golang.org/x/term"

	"sunup/internal/event"
	"sunup/internal/say"
)

// LiveOptions are the settings of a Live writer. The zero value looks at the
// writer and the environment.
type LiveOptions struct {
	Lang say.Lang
	// Plain prints lines only: no redrawing. It is implied when the writer is
	// no terminal, when CI is set, and on a dumb terminal.
	Plain bool
	// Color is for terminals; see UseColor.
	Color bool
	// Size gives the terminal's width and height; by default it is asked each
	// time, so that a changed window is followed.
	Size func() (width, height int)
	// Now is the clock; time.Now by default.
	Now func() time.Time
	// Every is the shortest time between two redraws; a tenth of a second by
	// default, which is as much as the eye follows.
	Every time.Duration
	// Heartbeat is how long plain output stays silent before it says what it
	// waits for; a minute by default.
	Heartbeat time.Duration
	// Getenv is os.Getenv by default.
	Getenv func(string) string
}

func (o LiveOptions) withDefaults(w io.Writer) LiveOptions {
	if o.Lang == "" {
		o.Lang = say.English
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Every <= 0 {
		o.Every = 100 * time.Millisecond
	}
	if o.Heartbeat <= 0 {
		o.Heartbeat = time.Minute
	}
	if o.Getenv == nil {
		o.Getenv = os.Getenv
	}
	f, isFile := w.(*os.File)
	if o.Size == nil {
		o.Size = func() (int, int) { return 100, 30 }
		if isFile {
			o.Size = func() (int, int) { return terminalSize(f) }
		}
		o.Plain = o.Plain || !isFile || !term.IsTerminal(int(f.Fd()))
	}
	o.Plain = o.Plain || o.Getenv("CI") != "" || o.Getenv("TERM") == "dumb"
	return o
}

func terminalSize(f *os.File) (int, int) {
	w, h, err := term.GetSize(int(f.Fd()))
	if err != nil || w <= 0 || h <= 0 {
		return 80, 24
	}
	return w, h
}

// Live is a Sink that shows a run while it goes on: on a terminal a region at
// the bottom that is redrawn, with what is final above it; elsewhere lines
// only. It changes no mode of the terminal, so that there is nothing to restore
// even when the program is killed. Emit never waits for the terminal.
type Live struct {
	o   LiveOptions
	out io.Writer

	mu      sync.Mutex
	state   *liveState
	pending []line // final lines that are not printed yet
	dirty   bool
	closed  bool
	err     error

	// Only the drawing goroutine uses these.
	region    []int // the widths of the lines of the region on the screen
	lastPrint time.Time
	wake      chan struct{}
	done      chan struct{}
}

// NewLive starts a Live writer. Close must be called.
func NewLive(w io.Writer, o LiveOptions) *Live {
	o = o.withDefaults(w)
	l := &Live{o: o, out: w, state: newLiveState(o.Lang, o.Plain), wake: make(chan struct{}, 1), done: make(chan struct{}), lastPrint: o.Now()}
	go l.run()
	return l
}

// maxPending bounds the lines that wait for a terminal which takes none.
const maxPending = 20000

// Emit takes one event.
func (l *Live) Emit(e event.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return
	}
	lines := l.state.apply(e)
	if len(l.pending) < maxPending {
		l.pending = append(l.pending, lines...)
	}
	l.dirty = true
	if len(lines) > 0 || e.Type == event.TypeRunEnded {
		select {
		case l.wake <- struct{}{}:
		default:
		}
	}
}

// run draws when there is something new, and once a second for the clocks.
func (l *Live) run() {
	defer close(l.done)
	ticker := time.NewTicker(l.o.Every)
	defer ticker.Stop()
	ticks := 0
	perSecond := max(1, int(time.Second/l.o.Every))
	for {
		if l.o.Plain {
			select {
			case <-l.wake:
			case <-ticker.C:
			}
		} else {
			<-ticker.C
		}
		ticks++
		if l.step(ticks%perSecond == 0) {
			return
		}
	}
}

// step prints what is new and reports whether the writer is closed.
func (l *Live) step(clockTick bool) (closed bool) {
	l.mu.Lock()
	lines, dirty := l.pending, l.dirty
	l.pending, l.dirty = nil, false
	closed = l.closed
	now := l.o.Now()
	var region []line
	width, height := 0, 0
	if !l.o.Plain && (dirty || closed || clockTick) {
		width, height = l.o.Size()
		if !closed {
			region = l.state.view(now, width, height)
		}
	}
	if l.o.Plain && len(lines) == 0 && !closed && now.Sub(l.lastPrint) >= l.o.Heartbeat {
		lines = l.state.heartbeat(now)
	}
	l.mu.Unlock()
	switch {
	case l.o.Plain:
		l.plain(lines, now)
	case dirty || closed || clockTick:
		l.draw(lines, region, width)
	}
	return closed
}

func (l *Live) plain(lines []line, now time.Time) {
	if len(lines) == 0 {
		return
	}
	l.lastPrint = now
	var b strings.Builder
	for _, s := range lines {
		b.WriteString(s.render(l.o.Color, 0))
		b.WriteByte('\n')
	}
	l.write(b.String())
}

// draw replaces the region: everything in one write, so that nothing flickers.
func (l *Live) draw(lines, region []line, width int) {
	var b strings.Builder
	if rows := shownRows(l.region, width); rows > 0 {
		fmt.Fprintf(&b, "\r\x1b[%dA", rows)
	}
	b.WriteString("\x1b[J")
	for _, s := range lines {
		b.WriteString(s.render(l.o.Color, 0))
		b.WriteString("\n")
	}
	l.region = l.region[:0]
	for _, s := range region {
		text := s.render(l.o.Color, width-1)
		l.region = append(l.region, lipgloss.Width(text))
		b.WriteString(text)
		b.WriteString("\n")
	}
	l.write(b.String())
}

// shownRows is how many rows of the screen the region takes now: after the
// window was made narrower, its lines are broken.
func shownRows(widths []int, width int) int {
	rows := 0
	for _, w := range widths {
		rows++
		if width > 0 && w > width {
			rows += (w - 1) / width
		}
	}
	return rows
}

func (l *Live) write(s string) {
	if _, err := io.WriteString(l.out, s); err != nil {
		l.mu.Lock()
		if l.err == nil {
			l.err = fmt.Errorf("show progress: %w", err)
		}
		l.mu.Unlock()
	}
}

// Close prints what is left, removes the region and returns the first error of
// writing. It may be called again.
func (l *Live) Close() error {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	select {
	case l.wake <- struct{}{}:
	default:
	}
	<-l.done
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}
