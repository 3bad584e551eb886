package shell

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"sunup/internal/connection"
)

// noShell says that the login shell did not give us a POSIX shell.
type noShell struct {
	code   int
	stderr string
}

func (e *noShell) Error() string {
	return fmt.Sprintf("no POSIX shell answered (exit code %d): %s", e.code, strings.TrimSpace(e.stderr))
}

// launch starts a session as the identity: it logs in, answers the one question
// for the password, and waits until the shell says that it is there. What the
// login prints before that (rc files, banners) is no part of any output.
func launch(ctx context.Context, t Transport, b connection.Become, shellPath string, tty bool, owner *Work) (*session, error) {
	ready, key := newMark(), "sunup-"+newMark()+":"
	inner := greeting(shellPath, ready, tty)
	line, err := commandLine(b, inner, key)
	if err != nil {
		return nil, err
	}
	proc, err := t.Start(ctx, line, tty)
	if err != nil {
		return nil, err
	}
	s := newSession(proc, t.Host(), tty, owner)
	if err := s.greet(ctx, b, ready, key, nil); err != nil {
		s.close()
		return nil, err
	}
	if _, err := s.writeLimited(bootstrap); err != nil {
		s.close()
		return nil, s.lost()
	}
	return s, nil
}

// greeting is the command that says ready on both streams and becomes the shell.
// There are no quotes within its quotes, and nothing that csh or fish would take
// for their own. A terminal is told to pass on everything as it is; the shell
// gets a pipe, since on a terminal it would talk as to a person.
func greeting(shellPath, ready string, tty bool) string {
	sh := Quote(shellPath)
	say := fmt.Sprintf("echo %s; echo %s >&2; ", ready, ready)
	if tty {
		return sh + " -c " + quoted("stty raw -echo; "+say+"cat | "+sh)
	}
	return sh + " -c " + quoted(say+"exec "+sh)
}

// talkLimit is how much is kept of what is said before the shell is ready: the
// last screen or so.
const talkLimit = 4 << 10

// talk is what is printed before the shell is ready.
type talk struct {
	mu    sync.Mutex
	all   []byte        // for messages
	asked []byte        // since the last answer, where prompts come
	fresh chan struct{} // holds something when asked has grown
}

// hear takes text of a stream on which no prompt comes.
func (t *talk) hear(p []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.all = keepEnd(append(t.all, p...))
}

// ask takes text of the stream on which prompts come.
func (t *talk) ask(p []byte) {
	t.hear(p)
	t.mu.Lock()
	t.asked = keepEnd(append(t.asked, p...))
	t.mu.Unlock()
	select {
	case t.fresh <- struct{}{}:
	default:
	}
}

func keepEnd(b []byte) []byte { return b[max(0, len(b)-talkLimit):] }

func (t *talk) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.all)
}

func (t *talk) question() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.asked)
}

func (t *talk) answered() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.asked = nil
}

// greet waits until the shell is there, and answers the question for the
// password. What comes after that belongs to then, if there is one.
func (s *session) greet(ctx context.Context, b connection.Become, ready, key string, then *answer) error {
	said := &talk{fresh: make(chan struct{}, 1)}
	// Prompts come on stderr; what rc files print on stdout is none. A frame holds
	// back what may begin its mark, which no prompt does at its end.
	stdout := said.hear
	switch {
	case s.merged:
		stdout = said.ask
	case b.Method == "su": // that of busybox asks there
		stdout = func(p []byte) {
			if namesPassword(string(p)) {
				said.ask(p)
			} else {
				said.hear(p)
			}
		}
	}
	hello := &answer{out: newFrame(ready, stdout), err: newFrame(ready, said.ask)}
	s.expect(hello)
	if then != nil {
		s.out.expect(then.out)
		s.err.expect(then.err)
	}
	s.listen()
	done := hello.whole(s.owner)
	answered := false
	for {
		select {
		case <-done:
			if hello.out.whole && hello.err.whole {
				return nil
			}
			return s.refused(b, said, key, answered)
		case <-said.fresh:
			if b.Method == "" || !asks(b, said.question(), key) {
				continue
			}
			if answered || b.Password == "" {
				s.proc.CloseWrite()
				return s.refused(b, said, key, answered)
			}
			answered = true
			said.answered()
			if _, err := io.WriteString(s.proc, b.Password.Reveal()+"\n"); err != nil {
				return s.refused(b, said, key, answered)
			}
		case <-ctx.Done():
			return &connection.Unreachable{
				Host: s.host, Phase: connection.PhaseSession, Err: fmt.Errorf("wait for the shell: %w", ctx.Err()),
				Hint: "the login works but its shell does not answer; look at the login's rc files",
			}
		}
	}
}

// refused makes an error of a session that ended before its shell was there.
func (s *session) refused(b connection.Become, said *talk, key string, answered bool) error {
	code, err := s.exit()
	var lost *connection.Unreachable
	if errors.As(err, &lost) {
		return lost
	}
	if b.Method != "" {
		return refusal(b, code, said.String(), key, answered)
	}
	if err != nil {
		return &connection.Unreachable{Host: s.host, Phase: connection.PhaseSession, Err: fmt.Errorf("start the shell: %w", err)}
	}
	return &noShell{code: code, stderr: said.String()}
}

// exit is the exit code of a process that is about to end by itself; it is
// closed when it does not.
func (s *session) exit() (int, error) {
	type end struct {
		code int
		err  error
	}
	done := make(chan end, 1)
	go func() {
		code, err := s.proc.Wait()
		done <- end{code, err}
	}()
	ctx, cancel := context.WithTimeout(context.Background(), exitGrace)
	defer cancel()
	select {
	case e := <-done:
		s.settle()
		return e.code, e.err
	case <-ctx.Done():
		s.close()
		e := <-done
		return e.code, e.err
	}
}
