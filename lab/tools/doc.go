// Package tools holds the commands of a simulated host, written in Go over the
// host's tree: coreutils, text tools, users, services, network. Options, output
// and messages are those of a Debian host, as far as scripts look at them.
//
// # Words
//
//   - Tool: a machine.Program with a name.
//   - flags: the options of one call, read the GNU way.
package tools
