package shell

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
	"time"

	"sunup/internal/connection"
)

// usualShell is where POSIX systems have it.
const usualShell = "/bin/sh"

const (
	// sessionLimit is how many shells one connection has at once. OpenSSH takes
	// ten channels (MaxSessions) but has been seen refusing the eighth; file
	// transfer and ending commands need some too.
	sessionLimit = 4
	// terminalInput bounds what is sent to a command of an identity that can be
	// had on a terminal only.
	terminalInput = 32 << 20
	// defaultMaxOutput bounds stdout and stderr of one command.
	defaultMaxOutput = 16 << 20
	defaultConnect   = 10 * time.Second
)

// Pool is the shells of one host, for all identities. It may be used from
// several goroutines: commands of one identity run side by side in shells of
// their own when they come at the same time.
type Pool struct {
	transport Transport
	options   connection.Options
	tally     *connection.Tally

	work Work // all goroutines of all sessions

	mu      sync.Mutex
	idle    map[connection.Become][]*session
	open    int // idle and at work
	limit   int
	changed chan struct{} // closed and renewed whenever a shell becomes free
	closed  bool
	all     map[*session]struct{}
	noShell map[connection.Become]bool // identities whose login gives no POSIX shell
	tty     map[connection.Become]bool // identities that can be had on a terminal only
	refused map[connection.Become]error
}

// NewPool prepares the shells of a host and starts none. Costs are counted in
// tally, which may be nil.
func NewPool(t Transport, o connection.Options, tally *connection.Tally) *Pool {
	if o.Shell == "" {
		o.Shell = usualShell
	}
	if tally == nil {
		tally = new(connection.Tally)
	}
	return &Pool{
		transport: t, options: o, tally: tally, limit: sessionLimit,
		idle: map[connection.Become][]*session{}, all: map[*session]struct{}{},
		noShell: map[connection.Become]bool{}, tty: map[connection.Become]bool{}, refused: map[connection.Become]error{}, changed: make(chan struct{}),
	}
}

// Exec runs one command as the identity; see connection.Conn.
func (p *Pool) Exec(ctx context.Context, b connection.Become, cmd connection.Command) (connection.Output, error) {
	max := cmd.MaxOutput
	if max <= 0 {
		max = defaultMaxOutput
	}
	dec, err := connection.NewDecoder(p.options.Encoding)
	if err != nil {
		return connection.Output{}, err
	}
	out, errOut := &capture{max: max}, &capture{max: max}
	o := connection.Output{Started: time.Now()}
	hear := out.write
	if cmd.Watch != nil {
		hear = func(b []byte) {
			out.write(b)
			cmd.Watch(b)
		}
	}
	o.Code, err = p.Run(ctx, b, cmd, hear, errOut.write)
	o.Ended = time.Now()
	o.Stdout, o.Stderr = dec.Decode(out.buf), dec.Decode(errOut.buf)
	o.Dropped = out.dropped + errOut.dropped
	return o, err
}

// Run is Exec with the output handed on as it comes. Neither function is called
// after Run returned.
func (p *Pool) Run(ctx context.Context, b connection.Become, cmd connection.Command, out, errOut func([]byte)) (int, error) {
	text, err := body(cmd, p.options.Shell)
	if err != nil {
		return 0, err
	}
	if !p.enter() {
		return 0, p.gone()
	}
	defer p.work.end()
	p.tally.Commands.Add(1)
	if cmd.Raw || cmd.TTY {
		return p.runPlain(ctx, b, cmd, out, errOut)
	}
	code, err := p.runShell(ctx, b, cmd, text, out, errOut)
	var none *noShell
	if errors.As(err, &none) && p.options.Shell != usualShell {
		return 0, &connection.Unreachable{
			Host: p.transport.Host(), Phase: connection.PhaseSession, Err: fmt.Errorf("%s: %w", p.options.Shell, err),
			Hint: "the host has no such POSIX shell; name another one",
		}
	}
	if errors.As(err, &none) && b.Method == "" {
		p.mu.Lock()
		p.noShell[b] = true
		p.mu.Unlock()
		return p.runPlain(ctx, b, cmd, out, errOut)
	}
	return code, err
}

// enter counts a command among what Wait waits for; false after Close.
func (p *Pool) enter() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.closed {
		p.work.begin()
	}
	return !p.closed
}

func (p *Pool) runShell(ctx context.Context, b connection.Become, cmd connection.Command, text string, out, errOut func([]byte)) (int, error) {
	if p.withoutShell(b) {
		return 0, &noShell{}
	}
	input, rest, err := smallInput(cmd.Stdin)
	if err != nil {
		return 0, err
	}
	if rest != nil {
		return p.runStream(ctx, b, cmd, text, rest, out, errOut)
	}
	for {
		code, err := p.runOnce(ctx, b, cmd, text, input, out, errOut)
		var dead *stale
		if errors.As(err, &dead) {
			continue // an idle shell that had died; each try uses one up
		}
		return code, err
	}
}

func (p *Pool) runOnce(ctx context.Context, b connection.Become, cmd connection.Command, text string, input []byte, out, errOut func([]byte)) (int, error) {
	s, err := p.acquire(ctx, b, p.options.NoResident)
	if err != nil {
		return 0, err
	}
	defer p.release(b, s, p.options.NoResident)
	ctx, cancel, limit := p.limited(ctx, cmd)
	defer cancel()
	p.tally.RoundTrips.Add(1)
	code, err := s.run(ctx, text, input, out, errOut)
	return code, limit(err)
}

// runStream runs a command with much input in a shell of its own.
func (p *Pool) runStream(ctx context.Context, b connection.Become, cmd connection.Command, text string, input io.Reader, out, errOut func([]byte)) (int, error) {
	s, err := p.acquire(ctx, b, true)
	if err != nil {
		return 0, err
	}
	defer p.release(b, s, true)
	ctx, cancel, limit := p.limited(ctx, cmd)
	defer cancel()
	if s.merged {
		// A terminal that passes on everything knows no end of input.
		data, err := io.ReadAll(io.LimitReader(input, terminalInput+1))
		if err == nil && len(data) > terminalInput {
			err = fmt.Errorf("more than %d MiB cannot be sent through a terminal", terminalInput>>20)
		}
		if err != nil {
			return 0, fmt.Errorf("read the input: %w", err)
		}
		p.tally.RoundTrips.Add(1)
		code, err := s.run(ctx, text, data, out, errOut)
		return code, limit(err)
	}
	p.tally.RoundTrips.Add(2)
	code, err := s.stream(ctx, text, input, p.ender(b), out, errOut)
	return code, limit(err)
}

func (p *Pool) withoutShell(b connection.Become) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.noShell[b]
}

// limited is ctx with the command's time limit, and a function that tells the
// limit's end from that of ctx.
func (p *Pool) limited(ctx context.Context, cmd connection.Command) (context.Context, context.CancelFunc, func(error) error) {
	limit := cmd.Timeout
	if limit == 0 {
		limit = p.options.CommandTimeout
	}
	if limit <= 0 {
		return ctx, func() {}, func(err error) error { return err }
	}
	inner, cancel := context.WithTimeout(ctx, limit)
	return inner, cancel, func(err error) error {
		if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil && !connection.IsUnreachable(err) {
			return &connection.TimeLimit{Limit: limit}
		}
		return err
	}
}

// smallInput reads input that fits into the command's line; rest is not nil when
// there is more, or when its size cannot be told without waiting for it.
func smallInput(r io.Reader) (input []byte, rest io.Reader, err error) {
	if r == nil {
		return nil, nil, nil
	}
	sized, ok := r.(interface{ Len() int })
	if !ok || sized.Len() > inlineStdin {
		return nil, r, nil
	}
	input, err = io.ReadAll(r)
	if err != nil {
		return nil, nil, fmt.Errorf("read the input: %w", err)
	}
	if len(printfFormat(input)) > 2*inlineStdin {
		return nil, bytes.NewReader(input), nil // binary, mostly
	}
	return input, nil, nil
}

// ender ends what another session of the identity started. It has its own time
// limit because the caller's is over.
func (p *Pool) ender(b connection.Become) func(a *answer, pid string) {
	return func(a *answer, pid string) {
		ctx, cancel := context.WithTimeout(context.Background(), killGrace)
		defer cancel()
		s, err := p.start(ctx, b)
		if err != nil {
			return // the session is closed next, which is all that is left
		}
		defer p.discard(s)
		s.endOther(a, Quote(pid), "")
	}
}

// acquire takes an idle shell of the identity or starts one. At the limit it
// closes the longest idle one of another identity, or waits.
func (p *Pool) acquire(ctx context.Context, b connection.Become, fresh bool) (*session, error) {
	for refusals := 0; ; {
		s, start, wait, err := p.claim(b, fresh)
		switch {
		case err != nil:
			return nil, err
		case s != nil:
			return s, nil
		case start:
			s, err := p.start(ctx, b)
			if err == nil {
				return s, nil
			}
			busy, again := p.unclaim(err)
			if again {
				continue
			}
			if !busy {
				return nil, err
			}
			if refusals++; refusals > busyRetries {
				return nil, p.fullHouse(err)
			}
			if err := connection.Sleep(ctx, busyPause); err != nil {
				return nil, err
			}
		default:
			select {
			case <-wait:
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
	}
}

// claim decides what acquire does next: take s, start a shell (it is counted
// already), or wait.
func (p *Pool) claim(b connection.Become, fresh bool) (s *session, start bool, wait <-chan struct{}, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, false, nil, p.gone()
	}
	for !fresh && len(p.idle[b]) > 0 {
		last := len(p.idle[b]) - 1
		s, p.idle[b] = p.idle[b][last], p.idle[b][:last]
		if s.usable() {
			return s, false, nil, nil
		}
		p.forget(s)
	}
	if p.open < p.limit {
		p.open++
		return nil, true, nil, nil
	}
	if p.closeIdle() {
		p.open++
		return nil, true, nil, nil
	}
	return nil, false, p.changed, nil
}

func (p *Pool) gone() error {
	return &connection.Unreachable{Host: p.transport.Host(), Phase: connection.PhaseSession, Err: errors.New("the connection was closed")}
}

func (p *Pool) fullHouse(err error) error {
	return &connection.Unreachable{
		Host: p.transport.Host(), Phase: connection.PhaseSession, Err: err,
		Hint: "the host allows no further session on a connection; see MaxSessions in its sshd_config",
	}
}

// unclaim gives back a place whose shell did not start. Again is true when the
// host takes fewer channels than we thought, and others of ours will become free.
func (p *Pool) unclaim(err error) (busy, again bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open--
	defer p.notify()
	var b *Busy
	busy = errors.As(err, &b)
	if !busy || p.open == 0 || p.closed {
		return busy, false
	}
	p.limit = p.open
	return true, true
}

// A host learns late that we closed a channel, and may refuse the next one till
// then.
const (
	busyRetries = 20
	busyPause   = 50 * time.Millisecond
)

// forget closes a session beside, since closing may wait for the host; the
// caller holds the lock.
func (p *Pool) forget(s *session) {
	delete(p.all, s)
	p.open--
	s.close()
	p.notify()
}

func (p *Pool) closeIdle() bool {
	var oldest *session
	var of connection.Become
	for b, list := range p.idle {
		if len(list) > 0 && (oldest == nil || list[0].used.Before(oldest.used)) {
			oldest, of = list[0], b
		}
	}
	if oldest == nil {
		return false
	}
	p.idle[of] = p.idle[of][1:]
	p.forget(oldest)
	return true
}

func (p *Pool) notify() {
	close(p.changed)
	p.changed = make(chan struct{})
}

// loginLimit bounds becoming ready for a command. Connecting has a limit of its
// own and may come on top; rc files and PAM of a busy host take their time.
func (p *Pool) loginLimit() time.Duration {
	if p.options.ConnectTimeout > 0 {
		return 3 * p.options.ConnectTimeout
	}
	return 3 * defaultConnect
}

// start launches a shell within the connect time limit.
func (p *Pool) start(ctx context.Context, b connection.Become) (*session, error) {
	inner, cancel := context.WithTimeout(ctx, p.loginLimit())
	defer cancel()
	s, err := p.launch(inner, b)
	if err != nil && ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		s.close()
		return nil, p.gone()
	}
	p.all[s] = struct{}{}
	return s, nil
}

// launch tries twice when the host was lost between login and shell: that is how
// a connection looks that died while nobody used it, and no command was sent. It
// tries once more, too, when the method says that it wants a terminal.
func (p *Pool) launch(ctx context.Context, b connection.Become) (*session, error) {
	tty, err := p.before(b)
	if err != nil {
		return nil, err
	}
	for try := 1; ; try++ {
		p.tally.RoundTrips.Add(2) // the channel and its command
		p.tally.Shells.Add(1)
		s, err := launch(ctx, p.transport, b, p.options.Shell, tty, &p.work)
		var lost *connection.Unreachable
		var refused *connection.BecomeFailed
		switch {
		case errors.As(err, &lost):
			lost.Sent = false
			if try == 2 || lost.Phase != connection.PhaseSession || ctx.Err() != nil {
				return nil, err
			}
		case errors.As(err, &refused) && !tty && wantsTerminalToo(refused):
			tty = true
		default:
			p.after(b, tty, err)
			return s, err
		}
	}
}

// before is what we know about an identity. A password that was refused is not
// sent again: the host may lock the account.
func (p *Pool) before(b connection.Become) (tty bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return wantsTerminal(b) || p.tty[b], p.refused[b]
}

func (p *Pool) after(b connection.Become, tty bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var refused *connection.BecomeFailed
	switch {
	case err == nil:
		p.tty[b] = tty
	case errors.As(err, &refused) && refused.Reason == "password refused":
		p.refused[b] = err
	}
}

// release makes a shell idle again, or drops it when it is of no more use.
func (p *Pool) release(b connection.Become, s *session, fresh bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, ours := p.all[s]; !ours {
		return // Close was quicker
	}
	if fresh || p.closed || !s.usable() {
		p.forget(s)
		return
	}
	s.used = time.Now()
	p.idle[b] = append(p.idle[b], s)
	p.notify()
}

// discard closes a session that was never counted.
func (p *Pool) discard(s *session) {
	p.mu.Lock()
	delete(p.all, s)
	p.mu.Unlock()
	s.close()
}

// Close ends all shells with the commands under way, which end as unreachable.
func (p *Pool) Close() {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return
	}
	p.closed = true
	busy := maps.Clone(p.all)
	for _, list := range p.idle {
		for _, s := range list {
			delete(busy, s)
		}
	}
	all := slices.Collect(maps.Keys(p.all))
	clear(p.all)
	clear(p.idle)
	p.open = 0
	p.notify()
	p.mu.Unlock()
	var told sync.WaitGroup
	for _, s := range all {
		told.Go(func() {
			if _, working := busy[s]; working && !s.streams.Load() {
				s.writeLimited("sunup_end KILL $W\nexit\n")
			}
			s.close()
		})
	}
	told.Wait()
}

// Wait returns when no goroutine of the pool is left; for a transport that can
// be lost it is called after Close and after the transport's own end.
func (p *Pool) Wait() { p.work.Wait() }
