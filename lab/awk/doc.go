// Package awk is the awk of a simulated host: POSIX awk as mawk understands it.
// It reads and writes only what its Env gives it.
//
// # Words
//
//   - Program: a parsed script.
//   - cell: a value with awk's two natures, text and number.
package awk
