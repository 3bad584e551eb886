package connection

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"
)

// Conn runs commands and moves files on one host as one identity.
//
// All methods may be called from several goroutines; commands of one Conn are
// run one after the other or side by side, as the implementation finds best.
// When ctx ends, the remote process tree of the command is ended too, and the
// error is ctx's.
type Conn interface {
	// Exec runs a POSIX shell script and returns what it printed and its exit
	// code. The error is *Unreachable when the host was lost or cannot be
	// reached (Sent tells whether the command may have begun), *TimeLimit when
	// Command.Timeout passed (the Output holds what was printed till then),
	// *BecomeFailed when the identity could not be taken.
	Exec(ctx context.Context, cmd Command) (Output, error)

	// Put writes the content of r to the file path, whole or not at all: it
	// writes beside, syncs and renames. A new file belongs to the identity and
	// gets mode, or what the umask says when mode is 0; an old file's mode stays,
	// and its owner where the identity may set it. Size is -1 when not known. The
	// directory must exist. Errors can be told by errors.Is: fs.ErrNotExist,
	// fs.ErrPermission, syscall.ENOSPC.
	Put(ctx context.Context, path string, r io.Reader, size int64, mode fs.FileMode) error

	// Get copies the content of the file path to w. A file that is not there
	// is an error that errors.Is fs.ErrNotExist.
	Get(ctx context.Context, path string, w io.Writer) error
}

// Link is one host for the time of a run. Opening it costs nothing: it
// connects at first use.
type Link interface {
	// As returns the Conn for an identity; the zero Become is the user that
	// logged in. Conns of equal identities share one resident shell.
	As(b Become) Conn
	// Reset drops the connection, so that the next use connects anew (after a
	// reboot, after a group change). Safe at any time.
	Reset() error
	// Close ends the connection and everything that runs through it.
	Close() error
}

// Command is one script for a host.
type Command struct {
	// Script is run by /bin/sh (or the host's configured shell).
	Script string
	// Env is exported to the script, in order, as NAME=value.
	Env []string
	// Dir is the directory to run in; empty means the login directory.
	Dir string
	// Stdin is what the script reads; nil means an empty input (/dev/null).
	Stdin io.Reader
	// Executable replaces /bin/sh for this command (e.g. /bin/bash).
	Executable string
	// Timeout bounds the command itself; 0 means only ctx bounds it.
	Timeout time.Duration
	// MaxOutput bounds each of stdout and stderr in bytes; 0 means the default
	// of 16 MiB. More is dropped, counted in Output.Dropped.
	MaxOutput int
	// Raw runs Script as the login shell's command line on a channel of its
	// own, without resident shell, Env or Dir: for hosts that have no POSIX
	// shell.
	Raw bool
	// TTY asks for a terminal without echo (su, expect). What is printed on it is
	// all in Stdout; Stdin is what is typed.
	TTY bool
	// Watch, when set, is also given the host's bytes of standard output as they
	// come. It is called by one goroutine at a time, must not block, and is not
	// called after Exec returned.
	Watch func([]byte)
}

// Output is what a command left. Stdout and Stderr are the host's bytes,
// converted to UTF-8 when the host's encoding is another (Options.Encoding).
type Output struct {
	Stdout, Stderr []byte
	Code           int
	// Dropped counts the bytes above MaxOutput.
	Dropped int64
	// Started and Ended are the controller's clock.
	Started, Ended time.Time
}

// Become says how to become another user. It is comparable.
type Become struct {
	// Method is "sudo", "su", "doas" or "" for no change of user.
	Method string
	// User to become; empty means root.
	User string
	// Password is asked for by the method; empty means none is sent.
	Password Secret
	// Exe and Flags replace the method's program and default options.
	Exe, Flags string
}

// Secret is text that does not print itself.
type Secret string

// String prints stars.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return "********"
}

// GoString prints stars for %#v too.
func (s Secret) GoString() string { return `"` + s.String() + `"` }

// MarshalText prints stars into JSON and YAML.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Reveal returns the text itself, for the one place that needs it.
func (s Secret) Reveal() string { return string(s) }

// Phase says how far a host was when it was lost.
type Phase string

// The phases of reaching a host, in order.
const (
	PhaseResolve   Phase = "resolve"
	PhaseConnect   Phase = "connect"
	PhaseHandshake Phase = "handshake"
	PhaseHostKey   Phase = "host key"
	PhaseLogin     Phase = "login"
	PhaseSession   Phase = "session"
	PhaseCommand   Phase = "command"
	PhaseTransfer  Phase = "transfer"
)

// Unreachable says that the host could not be reached, or was lost.
type Unreachable struct {
	Host  string // name:port as dialled
	Phase Phase
	// Sent is true when the command had been sent: whether it ran is unknown.
	Sent bool
	// Hint says what a person can do, in English; empty when nothing helps.
	Hint string
	Err  error
}

// Error says where and why.
func (e *Unreachable) Error() string {
	return fmt.Sprintf("%s: %s: %v", e.Host, e.Phase, e.Err)
}

// Unwrap gives the cause.
func (e *Unreachable) Unwrap() error { return e.Err }

// IsUnreachable reports whether err says that a host was not reached.
func IsUnreachable(err error) bool {
	var u *Unreachable
	return errors.As(err, &u)
}

// TimeLimit says that a command was ended because its time was up.
type TimeLimit struct{ Limit time.Duration }

// Error names the limit.
func (e *TimeLimit) Error() string { return fmt.Sprintf("time limit of %s passed", e.Limit) }

// BecomeFailed says that the other identity was refused.
type BecomeFailed struct {
	Method, User string
	// Reason is one of "password required", "password refused", "not allowed",
	// "not installed".
	Reason string
	// Detail is what the method printed.
	Detail string
}

// Error names method, user and reason.
func (e *BecomeFailed) Error() string {
	s := fmt.Sprintf("%s to %s: %s", e.Method, e.User, e.Reason)
	if e.Detail != "" {
		s += ": " + e.Detail
	}
	return s
}
