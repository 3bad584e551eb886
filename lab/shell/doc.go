// Package shell is the /bin/sh and /bin/bash of a simulated host.
//
// It evaluates the syntax trees of mvdan.cc/sh/v3/syntax itself. The
// interpreter that comes with that module was tried and left: it knows only
// descriptors 0 to 2, has one process id for everything (so that kill, $! and
// process groups mean nothing), asks the real file system for cd, test -r and
// command -v, and uses real pipes. Here every byte goes through the machine.
//
// # Words
//
//   - Shell: the state of one shell process or subshell.
//   - frag: a piece of a word while it is expanded, with its quoting.
//   - unwind: why commands are being skipped (break, continue, return, exit).
package shell
