// Package vars answers what a variable is for one host and one task.
//
// # Words
//
//   - Level: a step of Ansible's precedence, 2 to 22, lowest first.
//   - Layer: variables of one level from one origin.
//   - Store: the variables that tasks give a host while the run goes on.
//   - Scope: the layers that one evaluation sees, highest first; values are
//     templated when they are asked for and not before.
//   - Templar: compiles templates once and evaluates them in a Scope.
//   - Final: a value that came from a host, a lookup or a !unsafe tag; it is
//     never templated again.
package vars
