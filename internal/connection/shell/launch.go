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

// prelude text is kept for messages, but no more than a screen of it.
const preludeLimit = 4 << 10

// talk collects what is printed before the shell is ready.
type talk struct {
	mu    sync.Mutex
	text  strings.Builder
	fresh chan struct{}
}

func (t *talk) write(p []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if room := preludeLimit - t.text.Len(); room < len(p) {
		p = p[:max(room, 0)]
	}
	t.text.Write(p)
	select {
	case t.fresh <- struct{}{}:
	default:
	}
}

func (t *talk) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.String()
}

// greet waits until the shell is there, and answers the question for the
// password. What comes after that belongs to then, if there is one.
func (s *session) greet(ctx context.Context, b connection.Become, ready, key string, then *answer) error {
	said := &talk{fresh: make(chan struct{}, 1)}
	// The mark is held back until it is whole, a prompt is not: no prompt is
	// the beginning of a mark.
	hello := &answer{out: newFrame(ready, said.write), err: newFrame(ready, said.write)}
	s.expect(hello)
	if then != nil {
		s.out.expect(then.out)
		s.err.expect(then.err)
	}
	done := hello.whole(s.owner)
	answered, seen := false, 0
	for {
		select {
		case <-done:
			if hello.out.whole && hello.err.whole {
				return nil
			}
			return s.refused(b, said, key, answered)
		case <-said.fresh:
			text := said.String()
			if b.Method == "" || !asks(b, text[seen:], key) {
				continue
			}
			if answered || b.Password == "" {
				s.proc.CloseWrite()
				return s.refused(b, said, key, answered)
			}
			answered, seen = true, len(text)
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
