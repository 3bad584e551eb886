package machine

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"sunup/lab/hostfs"
)

// Program is the code behind an executable; it returns the exit code.
type Program func(c *Call) int

// Proc is one simulated process. Its own goroutine uses it freely; others use
// only the methods that say so.
type Proc struct {
	M                    *Machine
	PID, PPID, PGID, SID int
	Argv                 []string
	Cred                 hostfs.Cred
	Cwd                  string
	Umask                fs.FileMode
	Env                  []string
	Started              time.Time
	// TTY names the terminal, empty without one.
	TTY string
	// User is the name of the login or of who sudo made it.
	User string

	fds    map[int]*Desc
	ctx    context.Context
	cancel context.CancelFunc

	mu      sync.Mutex
	handler func(Signal) bool
	ignored map[Signal]bool
	killed  Signal
	exit    int
	environ []string // as the program was started
	done    chan struct{}
}

// Context ends when the process is killed or the machine goes down.
func (p *Proc) Context() context.Context { return p.ctx }

// Done is closed when the process has ended. Any goroutine may wait on it.
func (p *Proc) Done() <-chan struct{} { return p.done }

// ExitStatus is the status as a shell sees it: 128+signal after a signal. It
// is valid after Done.
func (p *Proc) ExitStatus() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.killed != 0 {
		return 128 + int(p.killed)
	}
	return p.exit
}

// Killed tells the signal that ended the process, 0 for none. Any goroutine.
func (p *Proc) Killed() Signal {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.killed
}

// FD returns the description of a descriptor, or nil.
func (p *Proc) FD(n int) *Desc { return p.fds[n] }

// SetFD makes descriptor n name d, whose reference it takes; the former
// description is returned, not dropped. A nil d closes.
func (p *Proc) SetFD(n int, d *Desc) *Desc {
	old := p.fds[n]
	if d == nil {
		delete(p.fds, n)
	} else {
		p.fds[n] = d
	}
	return old
}

// FDs lists the open descriptors.
func (p *Proc) FDs() []int { return slices.Sorted(maps.Keys(p.fds)) }

func (p *Proc) closeAll() {
	for _, d := range p.fds {
		d.Drop()
	}
	clear(p.fds)
}

// Abs makes name absolute by the working directory.
func (p *Proc) Abs(name string) string {
	if name == "" {
		return ""
	}
	if strings.HasPrefix(name, "/") {
		return name
	}
	return strings.TrimSuffix(p.Cwd, "/") + "/" + name
}

// Getenv returns an environment variable.
func (p *Proc) Getenv(name string) string {
	for i := len(p.Env) - 1; i >= 0; i-- {
		if v, ok := strings.CutPrefix(p.Env[i], name+"="); ok {
			return v
		}
	}
	return ""
}

// Open opens a file of the host as this process. An empty name is ENOENT.
func (p *Proc) Open(name string, flag hostfs.Flag, perm fs.FileMode) (*Desc, error) {
	if name == "" {
		return nil, hostfs.ENOENT
	}
	full := p.Abs(name)
	if rest, ok := strings.CutPrefix(full, "/proc/self/"); ok && !strings.HasPrefix(rest, "fd/") {
		full = "/proc/" + strconv.Itoa(p.PID) + "/" + rest
	}
	if d, err, ok := p.openFD(path.Clean(full)); ok {
		return d, err
	}
	h, err := p.M.FS.Open(p.Cred, full, flag, perm&^p.Umask)
	if err != nil {
		return nil, err
	}
	if cell, ok := h.FIFO(func() any { return &pipe{} }).(*pipe); ok {
		d := fifoEnd(cell, flag)
		if err := cell.awaitPeer(p.ctx, flag); err != nil {
			d.Drop()
			return nil, hostfs.EINTR
		}
		return d, nil
	}
	if h.Device() == "tty" && p.TTY != "" && p.fds[0] != nil {
		return p.fds[0].Hold(), nil
	}
	if h.Device() == "tty" {
		return nil, hostfs.ENXIO
	}
	return NewDesc(fileStream{h}), nil
}

// openFD opens /dev/stdin and the like, which name descriptors of this process.
func (p *Proc) openFD(full string) (*Desc, error, bool) {
	var n int
	switch full {
	case "/dev/stdin":
	case "/dev/stdout":
		n = 1
	case "/dev/stderr":
		n = 2
	default:
		s, ok := strings.CutPrefix(full, "/dev/fd/")
		if !ok {
			s, ok = strings.CutPrefix(full, "/proc/self/fd/")
		}
		if !ok {
			return nil, nil, false
		}
		var err error
		if n, err = strconv.Atoi(s); err != nil {
			return nil, hostfs.ENOENT, true
		}
	}
	if d := p.fds[n]; d != nil {
		return d.Hold(), nil, true
	}
	return nil, hostfs.ENOENT, true
}

// ReadFile reads a whole file as this process.
func (p *Proc) ReadFile(name string) ([]byte, error) {
	d, err := p.Open(name, hostfs.Read, 0)
	if err != nil {
		return nil, err
	}
	defer d.Drop()
	if h := HandleOf(d); h != nil && h.Info().IsDir() {
		return nil, hostfs.EISDIR
	}
	return io.ReadAll(io.LimitReader(Reader{p.ctx, d}, hostfs.MaxFile))
}

// Fork makes a child with this process's files, directory and identity. The
// child runs nothing till Run.
func (p *Proc) Fork(argv []string) *Proc {
	c := p.M.newProc(p.PID, argv)
	c.PGID, c.SID, c.Cred, c.Cwd, c.Umask, c.Env, c.TTY, c.User = p.PGID, p.SID, p.Cred, p.Cwd, p.Umask, p.Env, p.TTY, p.User
	for n, d := range p.fds {
		c.fds[n] = d.Hold()
	}
	p.mu.Lock()
	c.ignored = maps.Clone(p.ignored)
	p.mu.Unlock()
	return c
}

// Run runs the body as this process, in the caller's goroutine, and ends it.
func (p *Proc) Run(body func() int) {
	code := 255
	defer func() {
		if r := recover(); r != nil {
			// A fault in our own code must end one simulated process, not the lab.
			fmt.Fprintf(Writer{context.Background(), p.fds[2]}, "lab: internal fault in %s: %v\n", strings.Join(p.Argv, " "), r)
			code = 139
		}
		p.closeAll()
		p.mu.Lock()
		p.exit = code & 255
		p.mu.Unlock()
		p.M.forget(p)
		p.cancel()
		close(p.done)
	}()
	if p.ctx.Err() == nil {
		code = body()
	}
}

// Go runs the body in a goroutine of the machine.
func (p *Proc) Go(body func() int) {
	p.M.wg.Go(func() { p.Run(body) })
}

// Abandon ends a process that was forked but shall not run.
func (p *Proc) Abandon() { p.Run(func() int { return 0 }) }

// Wait waits for a child, or till this process is killed itself.
func (p *Proc) Wait(child *Proc) int {
	select {
	case <-child.done:
		return child.ExitStatus()
	case <-p.ctx.Done():
		return 128 + int(SIGTERM)
	}
}

// OnSignal sets the function that may handle a signal; it is called from any
// goroutine and reports whether the signal was handled.
func (p *Proc) OnSignal(f func(Signal) bool) {
	p.mu.Lock()
	p.handler = f
	p.mu.Unlock()
}

// Ignore sets whether a signal is ignored; children inherit it.
func (p *Proc) Ignore(s Signal, on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ignored == nil {
		p.ignored = map[Signal]bool{}
	}
	p.ignored[s] = on
}

// Signal delivers a signal. Any goroutine may call it.
func (p *Proc) Signal(s Signal) {
	p.mu.Lock()
	handler, ignored := p.handler, p.ignored[s]
	p.mu.Unlock()
	if s != SIGKILL && (ignored || handler != nil && handler(s)) {
		return
	}
	if s.ignoredByDefault() {
		return
	}
	p.mu.Lock()
	if p.killed == 0 {
		p.killed = s
	}
	p.mu.Unlock()
	p.cancel()
}

// SetGroup makes the process the member of a group and session. It is called
// before the process is started, or by itself.
func (p *Proc) SetGroup(group, session int) { p.PGID, p.SID = group, session }

// Sleep waits d of the host's time, or till the process is killed.
func (p *Proc) Sleep(d time.Duration) error { return p.M.Sleep(p.ctx, d) }

// Write writes to a descriptor; a pipe without readers kills the process, as
// SIGPIPE does.
func (p *Proc) Write(n int, b []byte) (int, error) {
	d := p.fds[n]
	if d == nil {
		return 0, hostfs.EBADF
	}
	w, err := d.Write(p.ctx, b)
	if errors.Is(err, hostfs.EPIPE) {
		p.Signal(SIGPIPE)
	}
	return w, err
}

// fdWriter writes to a descriptor of a process.
type fdWriter struct {
	p *Proc
	n int
}

func (w fdWriter) Write(b []byte) (int, error) { return w.p.Write(w.n, b) }

// Call is one run of a program: the process, its arguments and its streams.
type Call struct {
	*Proc
	// Args are the arguments with the name first.
	Args []string
	In   io.Reader
	// Out is flushed when the program ends.
	Out *bufio.Writer
	Err io.Writer
}

var writers = sync.Pool{New: func() any { return bufio.NewWriterSize(nil, 4096) }}

// CallOn runs a program on a process that exists already, as an exec or a
// shell builtin does.
func (p *Proc) CallOn(prog Program, args []string) int {
	out := writers.Get().(*bufio.Writer)
	out.Reset(fdWriter{p, 1})
	defer writers.Put(out)
	c := &Call{Proc: p, Args: args, In: Reader{p.ctx, p.fds[0]}, Out: out, Err: fdWriter{p, 2}}
	code := prog(c)
	if err := out.Flush(); err != nil && code == 0 && p.Killed() == 0 {
		c.Errorf("write error: %v", err)
		code = 1
	}
	return code
}

// Name is the program's name without directory.
func (c *Call) Name() string { return path.Base(c.Args[0]) }

// Errorf prints "name: message" to standard error and returns 1.
func (c *Call) Errorf(format string, args ...any) int {
	c.Out.Flush()
	fmt.Fprintf(c.Err, "%s: %s\n", c.Name(), fmt.Sprintf(format, args...))
	return 1
}

// Printf prints to standard output.
func (c *Call) Printf(format string, args ...any) { fmt.Fprintf(c.Out, format, args...) }

// FS is the host's tree.
func (c *Call) FS() *hostfs.Tree { return c.M.FS }
