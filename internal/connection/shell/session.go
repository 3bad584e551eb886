package shell

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"sunup/internal/connection"
)

// These bound how long ending a command may hold us up.
const (
	termGrace = 2 * time.Second // between TERM and KILL
	// killGrace is how long we wait for the host to confirm before the session is
	// given up; looking through all processes takes an old machine seconds.
	killGrace = 8 * time.Second
	// exitGrace is for the exit status and last words of a process whose
	// streams have ended.
	exitGrace = 2 * time.Second
)

// session is one shell on the host. It is used by one goroutine at a time; its
// own goroutines are the two pumps, which owner waits for in the end.
type session struct {
	proc     Process
	owner    *Work
	out, err *stream
	host     string
	merged   bool        // a terminal: both marks come on stdout
	used     time.Time   // for choosing which idle one to close
	streams  atomic.Bool // what we write is a command's input, not the shell's
	closing  sync.Once

	// Lines are written by one goroutine, which begins with the first of them.
	lines   chan sending
	writing sync.Once
	over    chan struct{} // closed by close
}

func newSession(p Process, host string, merged bool, owner *Work) *session {
	return &session{proc: p, owner: owner, out: newStream(), err: newStream(), host: host, merged: merged,
		lines: make(chan sending, 1), over: make(chan struct{})}
}

// listen starts reading what the process prints. The first frames are expected
// before, or their beginning would be taken for stray output.
func (s *session) listen() {
	s.owner.Go(func() { s.out.pump(s.proc.Stdout(), 16<<10) })
	s.owner.Go(func() { s.err.pump(s.proc.Stderr(), 4<<10) })
}

// close ends the session for us at once; the process is told beside, since a
// lost host does not listen.
func (s *session) close() {
	s.closing.Do(func() {
		close(s.over)
		s.owner.Go(func() { s.proc.Close() })
		s.out.end()
		s.err.end()
	})
}

// settle waits for the last words of a process that has ended. Something it
// left behind may hold the streams open; that is not waited for.
func (s *session) settle() {
	timer := time.AfterFunc(exitGrace, s.close)
	defer timer.Stop()
	<-s.out.closed
	<-s.err.closed
}

// usable says that the session waits for its next command.
func (s *session) usable() bool { return s.out.clean() && s.err.clean() }

// answer is what became of one line: its two frames.
type answer struct {
	out, err *frame
	unsent   chan error // what kept us from writing even the first byte, or nil
}

// send writes a line and expects its frames. Writing goes on in another
// goroutine, since a dead host stops reading; closing the session ends it.
func (s *session) send(line, mark string, out, errOut func([]byte)) *answer {
	a := &answer{out: newFrame(mark, out), err: newFrame(mark, errOut), unsent: make(chan error, 1)}
	s.expect(a)
	s.pass(sending{line, func(n int, err error) {
		if n > 0 {
			err = nil // whoever reads the streams will see how it ends
		}
		a.unsent <- err
		if err != nil {
			s.close()
		}
	}})
	return a
}

// sending is a line to write, and who is told how much of it went out.
type sending struct {
	line string
	told func(n int, err error)
}

// pass has a line written without waiting for it. One goroutine does that for
// the whole session: a new one for each command would have to grow its stack
// each time. Only while it is held up does another line get its own.
func (s *session) pass(l sending) {
	s.writing.Do(func() { s.owner.Go(s.write) })
	select {
	case s.lines <- l:
	default:
		s.owner.Go(func() { s.put(l) })
	}
	select {
	case <-s.over:
		s.rest() // the writer may have gone before it saw the line
	default:
	}
}

// write writes lines until the session is closed.
func (s *session) write() {
	for {
		select {
		case l := <-s.lines:
			s.put(l)
		case <-s.over:
			s.rest()
			return
		}
	}
}

// rest hands a line that was not written before the session was closed to the
// process, which refuses it.
func (s *session) rest() {
	select {
	case l := <-s.lines:
		s.owner.Go(func() { s.put(l) })
	default:
	}
}

func (s *session) put(l sending) { l.told(io.WriteString(s.proc, l.line)) }

func (s *session) expect(a *answer) {
	s.out.expect(a.out)
	if s.merged {
		s.out.expect(a.err)
	} else {
		s.err.expect(a.err)
	}
}

// whole is closed when both frames are over, or the first one was cut short.
func (a *answer) whole(owner *Work) <-chan struct{} {
	done := make(chan struct{})
	owner.Go(func() {
		defer close(done)
		<-a.out.done
		if a.out.whole {
			<-a.err.done
		}
	})
	return done
}

// wait blocks until the frames are over; false means that ctx ended first.
func (a *answer) wait(ctx context.Context) bool {
	select {
	case <-a.out.done:
	case <-ctx.Done():
		return false
	}
	if !a.out.whole {
		return true
	}
	select {
	case <-a.err.done:
	case <-ctx.Done():
		return false
	}
	return true
}

// code is the exit code that the end of the frame told.
func (a *answer) code() (int, bool) {
	var code int
	if !a.out.whole || !a.err.whole {
		return 0, false
	}
	_, err := fmt.Sscan(string(a.out.status), &code)
	return code, err == nil
}

// run sends one command and waits for its end. When ctx ends first, the
// command is ended and ctx's error returned; usable tells whether the session
// survived.
func (s *session) run(ctx context.Context, body string, input []byte, out, errOut func([]byte)) (int, error) {
	mark := newMark()
	a := s.send(residentLine(mark, body, input), mark, out, errOut)
	if a.wait(ctx) {
		code, err := s.result(a)
		if err != nil && a.notSent() {
			err = &stale{err}
		}
		return code, err
	}
	err := ctx.Err()
	if !s.end(a) {
		s.close()
	}
	s.out.flush(a.out)
	s.err.flush(a.err)
	return 0, err
}

// stale says that the session was dead before the command was sent.
type stale struct{ err error }

func (e *stale) Error() string { return e.err.Error() }
func (e *stale) Unwrap() error { return e.err }

// notSent says that not a byte of the line went out.
func (a *answer) notSent() bool {
	select {
	case err := <-a.unsent:
		return err != nil
	default:
		return false
	}
}

func (s *session) result(a *answer) (int, error) {
	code, ok := a.code()
	if !ok {
		return 0, s.lost()
	}
	return code, nil
}

// lost is the error for a shell that went away under a command.
func (s *session) lost() error {
	_, err := s.exit()
	s.close()
	if err == nil {
		err = errors.New("the shell on the host ended in the middle of the command")
	}
	return &connection.Unreachable{
		Host: s.host, Phase: connection.PhaseCommand, Sent: true, Err: err,
		Hint: "whether the command ran to its end is not known; look at the host before it is sent again",
	}
}

// end ends the running command through the session's own shell. It is false
// when the host did not confirm.
func (s *session) end(a *answer) bool { return s.endOther(a, "$W", "wait $W 2>/dev/null; ") }

// endOther ends the process family of pid, whose command gives the answer a; s
// itself is idle or waiting beside it.
func (s *session) endOther(a *answer, pid, after string) bool {
	if _, err := s.writeLimited("sunup_end TERM " + pid + "\n"); err != nil {
		return false
	}
	grace, cancel := context.WithTimeout(context.Background(), termGrace)
	a.wait(grace)
	cancel()
	mark := newMark()
	b := s.send(fmt.Sprintf("sunup_end KILL %s; %sprintf '%s 0\\n'; printf '%s\\n' >&2\n", pid, after, mark, mark), mark, nil, nil)
	grace, cancel = context.WithTimeout(context.Background(), killGrace)
	defer cancel()
	return b.wait(grace) && b.out.whole
}

// writeLimited writes a short line, but not for ever.
func (s *session) writeLimited(line string) (int, error) {
	done := make(chan error, 1)
	s.pass(sending{line, func(_ int, err error) { done <- err }})
	timer := time.NewTimer(killGrace)
	defer timer.Stop()
	select {
	case err := <-done:
		return len(line), err
	case <-timer.C:
		return 0, errors.New("the host takes no input")
	}
}

// stream runs one command whose input comes from r, on a session that ends with
// it. Ending is left to end, since this shell is waiting for its child.
func (s *session) stream(ctx context.Context, body string, r io.Reader, end func(a *answer, pid string), out, errOut func([]byte)) (int, error) {
	s.streams.Store(true)
	begin, mark := newMark(), newMark()
	first := newFrame(begin, nil)
	s.out.expect(first)
	a := s.send(streamLine(begin, mark, body), mark, out, errOut)
	pid, err := s.begun(ctx, first)
	if pid == "" {
		return 0, err
	}
	torn := make(chan error, 1)
	if err == nil {
		s.feed(r, torn)
	}
	over := a.whole(s.owner)
	select {
	case <-over:
	case <-ctx.Done():
		err = ctx.Err()
	case err = <-torn:
	}
	if err != nil {
		// What was fed so far must not pass for the whole: the command is ended
		// before its input is.
		end(a, pid)
	}
	s.close()
	s.out.flush(a.out)
	s.err.flush(a.err)
	if err != nil {
		return 0, err
	}
	return s.result(a)
}

// begun waits for the first mark, which tells the shell's process id. A shell
// that was told to begin just when ctx ended is given the time to say so, since
// its command has to be ended then; ctx's error comes along.
func (s *session) begun(ctx context.Context, first *frame) (pid string, err error) {
	select {
	case <-first.done:
	case <-ctx.Done():
		err = ctx.Err()
		timer := time.AfterFunc(termGrace, s.close)
		<-first.done
		timer.Stop()
	}
	if first.whole {
		return strings.TrimSpace(string(first.status)), err
	}
	if err == nil {
		err = s.lost()
	}
	s.close()
	return "", err
}

// feed copies r into the process and ends its input. When reading fails it
// leaves the input open and tells torn.
func (s *session) feed(r io.Reader, torn chan<- error) {
	go func() { // not owned: r may take its time after the session's end
		src := &sourceErr{r: r}
		io.Copy(struct{ io.Writer }{s.proc}, src)
		if src.err != nil {
			torn <- src.err
			return
		}
		s.proc.CloseWrite()
	}()
}

// sourceErr remembers that reading failed, as opposed to writing.
type sourceErr struct {
	r   io.Reader
	err error
}

func (s *sourceErr) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if err != nil && err != io.EOF {
		s.err = fmt.Errorf("read the input: %w", err)
	}
	return n, err
}
