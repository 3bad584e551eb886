// Package shell runs scripts in shells that stay: one is started per identity,
// and after that a command costs one round trip, no process of ours and no file
// on the host.
//
// # Words
//
//   - Transport: starts a process on the host by a command line; a channel of an
//     SSH connection, or a child of our own.
//   - Session: one such process that is a POSIX shell reading commands from us.
//     It works for one command at a time.
//   - Frame: what one command prints, ended by a mark: 128 random bits that are
//     drawn for this command and that it cannot see.
//   - Pool: the sessions of one host, some idle, some at work.
//
// # How a command travels
//
// One line goes in; the script is quoted within it and evaluated there, no
// argument of a program, so that `ps` on the host does not show it (but for a
// command that asks for a program of its own, Command.Executable):
//
//	wait $W; { ( eval 'script' ) </dev/null; printf 'MARK %s\n' $?; printf 'MARK\n' >&2; } & W=$!
//
// The inner subshell keeps exit, exec, cd, umask, traps and variables away from
// the session. The outer one runs beside the session's shell, which therefore
// goes on reading: it is how we can end a command that runs too long, as the
// same user and without another login. Only POSIX is spoken; dash, bash, busybox
// and mvdan.cc/sh understand it.
//
// Ending a command means everything that began in the session since, and every
// descendant, found in /proc (or by ps where there is none): a process group
// would need job control, which dash and busybox refuse without a terminal, and
// programs such as timeout leave it anyway. TERM first, KILL after a grace.
//
// A process that a script leaves behind does not hold us up. What it prints
// between two commands is thrown away together with the session; a new one is
// started for the next command. What it prints during the next command cannot
// be told apart from that command's output, as on a terminal.
//
// Where no POSIX shell answers (restricted shells, appliances) each command goes
// to the login shell on a channel of its own.
package shell
