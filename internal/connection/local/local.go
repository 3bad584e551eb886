// Package local is the connection to the controller itself: the same shells as
// over SSH, with /bin/sh as our own child.
package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"sunup/internal/connection"
	"sunup/internal/connection/shell"
)

// New returns the link to the controller. Nothing is started before its first
// command.
func New(o connection.Options) connection.Link { return &link{options: o} }

type link struct {
	options connection.Options
	tally   connection.Tally

	mu     sync.Mutex
	pool   *shell.Pool
	closed bool
}

var _ connection.Counted = (*link)(nil)

// current is the pool of now: Reset replaces it.
func (l *link) current() *shell.Pool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.pool == nil {
		l.pool = shell.NewPool(processes{l.options.Dir}, l.options, &l.tally)
		if l.closed {
			l.pool.Close()
		}
	}
	return l.pool
}

// at is the place of a file that a command would find by this name.
func (l *link) at(name string) string {
	if l.options.Dir == "" || filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(l.options.Dir, name)
}

func (l *link) As(b connection.Become) connection.Conn { return &conn{link: l, as: b} }

func (l *link) Reset() error {
	l.mu.Lock()
	pool := l.pool
	l.pool = nil
	l.mu.Unlock()
	if pool != nil {
		pool.Close()
		pool.Wait()
	}
	return nil
}

func (l *link) Close() error {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	return l.Reset()
}

func (l *link) Stats() connection.Stats { return l.tally.Stats() }

type conn struct {
	link *link
	as   connection.Become
}

func (c *conn) shell() *shell.Conn { return c.link.current().As(c.as) }

func (c *conn) Exec(ctx context.Context, cmd connection.Command) (connection.Output, error) {
	return c.shell().Exec(ctx, cmd)
}

// Put needs no shell when the file becomes our own.
func (c *conn) Put(ctx context.Context, name string, r io.Reader, size int64, mode fs.FileMode) error {
	if c.as.Method != "" {
		return c.shell().Put(ctx, name, r, size, mode)
	}
	if err := put(ctx, c.link.at(name), r, size, mode); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

func (c *conn) Get(ctx context.Context, name string, w io.Writer) error {
	if c.as.Method != "" {
		return c.shell().Get(ctx, name, w)
	}
	if err := get(ctx, c.link.at(name), w); err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	return nil
}

func get(ctx context.Context, name string, w io.Writer) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(w, obedient{ctx, f})
	return err
}

func put(ctx context.Context, name string, r io.Reader, size int64, mode fs.FileMode) (err error) {
	old, statErr := os.Stat(name)
	if statErr == nil && old.IsDir() {
		return syscall.EISDIR
	}
	temp := shell.TempName(name)
	f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		f.Close()
		if err != nil {
			os.Remove(temp)
		}
	}()
	n, err := io.Copy(f, obedient{ctx, r})
	if err != nil {
		return err
	}
	if size >= 0 && n != size {
		return fmt.Errorf("the content is %d bytes, not %d: %w", n, size, io.ErrUnexpectedEOF)
	}
	if err := dress(f, old, statErr, mode); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	if err := os.Rename(temp, name); err != nil {
		return err
	}
	return syncDir(filepath.Dir(name))
}

// dress gives the new file the old one's mode and owner, or its own mode.
func dress(f *os.File, old fs.FileInfo, statErr error, mode fs.FileMode) error {
	const bits = fs.ModePerm | fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky
	switch {
	case statErr == nil:
		if st, ok := old.Sys().(*syscall.Stat_t); ok {
			f.Chown(int(st.Uid), int(st.Gid)) // as far as we may
		}
		return f.Chmod(old.Mode() & bits)
	case mode != 0:
		return f.Chmod(mode & bits)
	}
	return f.Chmod(0o666 &^ umask())
}

// syncDir makes the rename last. Some file systems cannot; the file is whole
// either way.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return nil
	}
	defer d.Close()
	d.Sync()
	return nil
}

// obedient stops reading when ctx ends.
type obedient struct {
	ctx context.Context
	r   io.Reader
}

func (o obedient) Read(p []byte) (int, error) {
	if err := o.ctx.Err(); err != nil {
		return 0, err
	}
	return o.r.Read(p)
}

// processes is the transport: children of ours.
type processes struct{ dir string }

func (processes) Host() string { return "localhost" }

func (where processes) Start(ctx context.Context, line string, tty bool) (shell.Process, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	begin := start
	if tty {
		begin = startOnTerminal
	}
	p, err := begin(line, where.dir)
	if err != nil {
		return nil, &connection.Unreachable{Host: "localhost", Phase: connection.PhaseSession, Err: fmt.Errorf("start /bin/sh: %w", err)}
	}
	return p, nil
}

// process is one child in a session of its own, as sshd would start it.
type process struct {
	cmd            *exec.Cmd
	stdin          *os.File
	stdout, stderr *os.File
	terminal       bool          // stdin and stdout are one
	over           chan struct{} // closed when the child was waited for
	code           int
	err            error
	closing        sync.Once
}

func start(line, dir string) (*process, error) {
	var files []*os.File
	pipe := func() (r, w *os.File, err error) {
		r, w, err = os.Pipe()
		if err == nil {
			files = append(files, r, w)
		}
		return
	}
	inR, inW, err1 := pipe()
	outR, outW, err2 := pipe()
	errR, errW, err3 := pipe()
	err := errors.Join(err1, err2, err3)
	cmd := exec.Command("/bin/sh", "-c", line)
	if err == nil {
		cmd.Dir, cmd.Stdin, cmd.Stdout, cmd.Stderr = dir, inR, outW, errW
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		err = cmd.Start()
	}
	if err != nil {
		for _, f := range files {
			f.Close()
		}
		return nil, err
	}
	inR.Close()
	outW.Close()
	errW.Close()
	p := &process{cmd: cmd, stdin: inW, stdout: outR, stderr: errR, over: make(chan struct{})}
	go p.reap()
	return p, nil
}

func (p *process) reap() {
	defer close(p.over)
	err := p.cmd.Wait()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		p.code = exit.ExitCode()
		if ws, ok := exit.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
			p.code = 128 + int(ws.Signal())
		}
	case err != nil:
		p.err = err
	}
}

func (p *process) Write(b []byte) (int, error) { return p.stdin.Write(b) }

func (p *process) CloseWrite() error {
	if p.terminal {
		_, err := p.stdin.WriteString(endOfInput)
		return err
	}
	return p.stdin.Close()
}
func (p *process) Stdout() io.Reader { return p.stdout }
func (p *process) Stderr() io.Reader { return p.stderr }

func (p *process) Wait() (int, error) {
	<-p.over
	return p.code, p.err
}

// Signal reaches the process group, unless another user's.
func (p *process) Signal(name string) error {
	sig := syscall.SIGTERM
	if name == "KILL" {
		sig = syscall.SIGKILL
	}
	return syscall.Kill(-p.cmd.Process.Pid, sig)
}

// leaveLimit is how long a shell may take to notice the end of its input.
const leaveLimit = time.Second

// Close hangs up: the shell ends at the end of its input, and what it left
// behind on purpose lives on. A shell that does not end is killed with its
// process group.
func (p *process) Close() error {
	p.closing.Do(func() {
		p.stdin.Close()
		timer := time.AfterFunc(leaveLimit, func() { syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) })
		<-p.over
		timer.Stop()
		p.stdout.Close()
		p.stderr.Close()
	})
	return nil
}
