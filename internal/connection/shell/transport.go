package shell

import (
	"context"
	"fmt"
	"io"
)

// Transport starts processes on one host. Its methods may be called from
// several goroutines.
type Transport interface {
	// Start runs line by the login shell, with a terminal when tty is true. The
	// error is *connection.Unreachable when there is no host, *Busy when the
	// host takes no more channels. A ctx that ends later does not end the
	// process.
	Start(ctx context.Context, line string, tty bool) (Process, error)
	// Host is the host's name:port, for messages.
	Host() string
}

// Process is a running program on the host.
type Process interface {
	// Write feeds its standard input, CloseWrite ends that.
	io.Writer
	CloseWrite() error
	// Stdout and Stderr are read by one goroutine each, always.
	Stdout() io.Reader
	Stderr() io.Reader
	// Wait returns the exit code once the process is over, whether or not its
	// output was read; an error means that we lost it and do not know. After
	// Close it returns at once.
	Wait() (int, error)
	// Signal sends TERM or KILL to the process and its group, where the host
	// allows it.
	Signal(name string) error
	// Close hangs up and frees what the process held. It may be called again,
	// and at any time.
	Close() error
}

// Busy says that the host refuses one more channel for now (MaxSessions).
type Busy struct{ Err error }

// Error tells what the host said.
func (b *Busy) Error() string { return fmt.Sprintf("no further channel: %v", b.Err) }

// Unwrap gives the cause.
func (b *Busy) Unwrap() error { return b.Err }
