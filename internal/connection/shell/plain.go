package shell

import (
	"context"
	"errors"
	"strings"
	"time"

	"sunup/internal/connection"
)

// runPlain gives a command to the login shell on a channel of its own: raw
// commands, commands that want a terminal, and hosts without a POSIX shell.
func (p *Pool) runPlain(ctx context.Context, b connection.Become, cmd connection.Command, out, errOut func([]byte)) (int, error) {
	ready, key := newMark(), "sunup-"+newMark()+":"
	line, err := p.plainLine(b, cmd, ready, key)
	if err != nil {
		return 0, err
	}
	if err := p.reserve(ctx); err != nil {
		return 0, err
	}
	defer p.unreserve()
	p.tally.RoundTrips.Add(2)
	tty := cmd.TTY || wantsTerminal(b)
	proc, err := p.startPlain(ctx, line, tty)
	if err != nil {
		return 0, err
	}
	s := newSession(proc, p.transport.Host(), tty, &p.work)
	defer s.close()
	a := &answer{out: endlessFrame(out), err: endlessFrame(errOut)}
	if err := p.becomePlain(ctx, s, b, a, ready, key); err != nil {
		return 0, err
	}
	ctx, cancel, limit := p.limited(ctx, cmd)
	defer cancel()
	code, err := s.plain(ctx, cmd, a)
	return code, limit(err)
}

// startPlain waits for a host that takes no further channel just now.
func (p *Pool) startPlain(ctx context.Context, line string, tty bool) (Process, error) {
	for refusals := 1; ; refusals++ {
		proc, err := p.transport.Start(ctx, line, tty)
		var busy *Busy
		if !errors.As(err, &busy) {
			return proc, err
		}
		if refusals > busyRetries {
			return nil, p.fullHouse(err)
		}
		if err := connection.Sleep(ctx, busyPause); err != nil {
			return nil, err
		}
	}
}

// becomePlain makes a the frames for all that is printed, after the identity
// was taken if there is one to take.
func (p *Pool) becomePlain(ctx context.Context, s *session, b connection.Become, a *answer, ready, key string) error {
	if b.Method == "" {
		s.out.expect(a.out)
		s.err.expect(a.err)
		s.listen()
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, p.loginLimit())
	defer cancel()
	return s.greet(ctx, b, ready, key, a)
}

func (p *Pool) plainLine(b connection.Become, cmd connection.Command, ready, key string) (string, error) {
	script := cmd.Script
	if !cmd.Raw {
		var pre strings.Builder
		if err := prelude(&pre, cmd); err != nil {
			return "", err
		}
		script = pre.String() + script
		if cmd.Executable != "" {
			script = pre.String() + "exec " + Quote(cmd.Executable) + " -c " + quoted(cmd.Script)
		}
	}
	if strings.Contains(script, "\x00") {
		return "", errNUL
	}
	if b.Method == "" {
		return script, nil
	}
	hello := "printf '" + ready + "\\n'; printf '" + ready + "\\n' >&2; "
	return commandLine(b, Quote(p.options.Shell)+" -c "+quoted(hello+script), key)
}

// plain takes everything the process prints until it is over.
func (s *session) plain(ctx context.Context, cmd connection.Command, a *answer) (int, error) {
	torn := make(chan error, 1)
	if cmd.Stdin != nil {
		s.feed(cmd.Stdin, torn)
	} else {
		s.proc.CloseWrite()
	}
	type end struct {
		code int
		err  error
	}
	over := make(chan end, 1)
	s.owner.Go(func() {
		code, err := s.proc.Wait()
		over <- end{code, err}
	})
	var e end
	select {
	case e = <-over:
		s.settle()
	case err := <-torn:
		s.proc.Signal("KILL")
		s.close()
		return 0, err
	case <-ctx.Done():
		// We know no process id here; the transport's signals are all there is.
		s.proc.Signal("TERM")
		select {
		case <-over:
		case <-time.After(termGrace):
		}
		s.proc.Signal("KILL")
		s.out.flush(a.out)
		s.err.flush(a.err)
		s.close()
		return 0, ctx.Err()
	}
	s.out.flush(a.out)
	s.err.flush(a.err)
	var lost *connection.Unreachable
	if errors.As(e.err, &lost) {
		return 0, lost
	}
	if e.err != nil {
		return 0, &connection.Unreachable{Host: s.host, Phase: connection.PhaseCommand, Sent: true, Err: e.err}
	}
	return e.code, nil
}

// reserve takes a place for a channel that is not a shell.
func (p *Pool) reserve(ctx context.Context) error {
	for {
		p.mu.Lock()
		if p.closed {
			p.mu.Unlock()
			return p.gone()
		}
		if p.open < p.limit || p.closeIdle() {
			p.open++
			p.mu.Unlock()
			return nil
		}
		wait := p.changed
		p.mu.Unlock()
		select {
		case <-wait:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (p *Pool) unreserve() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.open > 0 {
		p.open--
	}
	p.notify()
}
