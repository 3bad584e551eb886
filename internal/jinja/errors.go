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
	Source    string // the text of the template, as far as it is known
	Core      string // Msg as ansible-core says it, where that differs
	Lacking   string // "filter", "test" or "lookup" when there is none of the name Subject
	Subject   string
	Class     string // of the exception that a plugin in Python raised; "" for our own
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
	if !errors.As(err, &e) {
		return err.Error()
	}
	msg := e.Msg
	if e.Core != "" {
		msg = e.Core
	}
	switch {
	case e.Source == "" || e.Kind != KindSyntax && e.Kind != KindType:
	case e.Name != "" && e.Kind == KindSyntax: // a file: quoting all of it would help nobody
		return "template error while templating string: " + msg
	case e.Name != "":
		return "Unexpected templating type error occurred: " + msg
	case e.Kind == KindSyntax:
		return fmt.Sprintf("template error while templating string: %s. String: %s", msg, e.Source)
	default:
		return fmt.Sprintf("Unexpected templating type error occurred on (%s): %s", e.Source, msg)
	}
	return msg
}

// Within says that something without a value was met inside the value of a
// variable, which reads as source. Other errors stay as they are.
func Within(source string, err error) error {
	var e *Error
	if !errors.As(err, &e) || e.Kind != KindUndefined || len(source) > maxQuoted {
		return err
	}
	c := *e
	c.Msg, c.Err = source+": "+e.Msg, err
	return &c
}

// maxQuoted bounds the source that a message quotes.
const maxQuoted = 500

// Place returns where in which template err arose, as name:line:column, or "".
func Place(err error) string {
	var e *Error
	if !errors.As(err, &e) || e.Name == "" || e.Line == 0 {
		return ""
	}
	return fmt.Sprintf("%s:%d:%d", e.Name, e.Line, e.Col)
}

// PythonType names the class of the exception that ansible-core raises in
// place of err. Some results begin with it.
func PythonType(err error) string {
	var e *Error
	if !errors.As(err, &e) {
		return "AnsibleError"
	}
	switch {
	case e.Kind == KindUndefined:
		return "AnsibleUndefinedVariable"
	case e.Kind == KindFilter && e.Core != "" && strings.HasPrefix(e.Core, "Could not load"):
		return "TemplateSyntaxError"
	case e.Kind == KindFilter && e.Core == "":
		return "AnsibleFilterError"
	}
	return "AnsibleError"
}

// problem is an error whose place is not known yet; the node that called adds
// it.
func problem(kind, format string, args ...any) *Error {
	return &Error{Kind: kind, Msg: fmt.Sprintf(format, args...)}
}

func typeError(format string, args ...any) error { return problem(KindType, format, args...) }

// TypeError returns the error of a value whose type a filter, a test or a
// lookup cannot use.
func TypeError(format string, args ...any) error { return typeError(format, args...) }

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

// notLoaded is ansible-core's word for a filter or test that is not there.
func notLoaded(name string) string {
	parts := strings.Split(name, ".")
	switch {
	case strings.ContainsAny(name, " \t"):
		return fmt.Sprintf("Could not load %q: 'invalid plugin name: ansible.builtin.%s'", name, name)
	case len(parts) > 2:
		return fmt.Sprintf("Could not load %q: 'Invalid plugin FQCN (%s): unable to locate collection %s'", name, name, strings.Join(parts[:2], "."))
	}
	return fmt.Sprintf("Could not load %q: '%s'", name, name)
}
