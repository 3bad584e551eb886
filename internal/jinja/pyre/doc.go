// Package pyre is Python's regular expressions: its syntax, its numbering of
// groups, its rules for repeated and empty matches and for replacement text.
//
// A pattern is translated for regexp2, which backtracks as Python does. Every
// match has a time limit and a limited stack, and compiled patterns are kept in
// a bounded cache.
package pyre
