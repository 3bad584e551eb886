package jinja

import (
	"errors"
	"fmt"
	"strings"
)

// Kinds of errors.
const (
	KindSyntax    = "syntax"    // the template cannot be read
	KindUndefined = "undefined" // something without a value was used
	KindType      = "type"      // an operation does not fit its operands
	KindFilter    = "filter"    // a filter, test, lookup or call refused its input
	KindLimit     = "limit"     // too many steps, too much text, nested too deeply
	KindTemplate  = "template"  // another template cannot be found or used
	KindCancelled = "cancelled" // the context ended
)

// Error is a problem at a place of a template.
type Error struct {
	Name      string // the template
	Line, Col int    // from 1; 0 when not known
	Kind      string
	Msg       string
	Hint      string // what to do, such as "did you mean ...?"; may be empty
	Undefined string // the name without a value, for KindUndefined
	Err       error  // the cause, if it is an error of another package
}

// Error gives the message with its place.
func (e *Error) Error() string {
	var b strings.Builder
	if e.Name != "" {
		b.WriteString(e.Name)
		b.WriteByte(':')
	}
	if e.Line > 0 {
		fmt.Fprintf(&b, "%d:%d:", e.Line, e.Col)
	}
	if b.Len() > 0 {
		b.WriteByte(' ')
	}
	b.WriteString(e.Msg)
	if e.Hint != "" {
		b.WriteString(" (" + e.Hint + ")")
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// IsUndefined reports whether err says that something without a value was
// used.
func IsUndefined(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Kind == KindUndefined
}

// Message returns the message of err without the place in a template: what
// Ansible would print.
func Message(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Msg
	}
	return err.Error()
}

// problem is an error whose place is not known yet; the node that called adds
// it.
func problem(kind, format string, args ...any) *Error {
	return &Error{Kind: kind, Msg: fmt.Sprintf(format, args...)}
}

func typeError(format string, args ...any) error { return problem(KindType, format, args...) }

// FilterError returns the error with which a filter, a test or a lookup
// refuses its input.
func FilterError(format string, args ...any) error { return problem(KindFilter, format, args...) }

// position turns an offset into a line and a column, both from 1.
func position(src string, offset int) (line, col int) {
	if offset > len(src) {
		offset = len(src)
	}
	before := src[:offset]
	line = strings.Count(before, "\n") + 1
	col = len([]rune(before[strings.LastIndexByte(before, '\n')+1:])) + 1
	return line, col
}
