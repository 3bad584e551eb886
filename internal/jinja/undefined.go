package jinja

import (
	"errors"
	"fmt"

	"sunup/internal/value"
)

// Undefined is the value of a name, an attribute or an item that is not there.
// It may be passed around, tested and given a default; any other use is an
// error of kind KindUndefined.
type Undefined struct {
	Name string // what was looked up
	Hint string // the whole message, when it is not the usual one
	of   string // the Python type that has no such attribute; "" for a name
	elem bool   // Name is not a string but an index or key, already printed
	// lenient is the kind an inline if without else gives: it prints as
	// nothing, is false and has no items.
	lenient bool
}

// Message returns the text that Ansible prints for it.
func (u *Undefined) Message() string {
	switch {
	case u.Hint != "":
		return u.Hint
	case u.of == "":
		return fmt.Sprintf("%s is undefined", value.Repr(u.Name))
	case u.elem:
		return fmt.Sprintf("%s has no element %s", u.of, u.Name)
	}
	return fmt.Sprintf("%s has no attribute %s", value.Repr(u.of), value.Repr(u.Name))
}

// strict returns the error of using u in a way that a lenient one allows.
func (u *Undefined) strict() error {
	if u.lenient {
		return nil
	}
	return u.err()
}

func (u *Undefined) err() error {
	return &Error{Kind: KindUndefined, Msg: u.Message(), Undefined: u.Name}
}

// NotDefined returns the error of a lookup that found no value; it names nothing of the template.
func NotDefined(why string) error { return (&Undefined{Hint: why}).err() }

// IsUndefinedName reports whether err is that a name of the template has no value.
func IsUndefinedName(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Kind == KindUndefined && e.Undefined != ""
}

// PyType implements value.Typed.
func (u *Undefined) PyType() string { return "AnsibleUndefined" }

// PyRepr implements value.Printed.
func (u *Undefined) PyRepr() string {
	if u.lenient {
		return "Undefined"
	}
	hint := "None"
	if u.Hint != "" {
		hint = value.Repr(u.Hint)
	}
	return fmt.Sprintf("AnsibleUndefined(hint=%s, obj=missing, name=%s)", hint, value.Repr(u.Name))
}

// PyStr implements value.Printed.
func (u *Undefined) PyStr() string {
	if u.lenient {
		return ""
	}
	return u.PyRepr()
}

// PyTruth implements value.Truthy.
func (u *Undefined) PyTruth() bool { return false }

func noAttribute(of any, name string) *Undefined {
	return &Undefined{Name: name, of: objectName(of)}
}

func noElement(of, key any) *Undefined {
	if s, ok := key.(string); ok {
		return noAttribute(of, s)
	}
	return &Undefined{Name: value.Repr(key), of: objectName(of), elem: true}
}

func objectName(v any) string {
	switch v.(type) {
	case nil:
		return "None"
	case *value.Dict:
		return "dict object"
	}
	return value.TypeName(v) + " object"
}

// maxWalk bounds how many parts of a value are looked at: a small value that
// holds another one twice, and so on, has endless parts.
const maxWalk = 20_000_000

// checkDefined finds an undefined anywhere inside v.
func checkDefined(v any) error {
	left := maxWalk
	return checkParts(v, &left, 0)
}

func checkParts(v any, left *int, depth int) error {
	if *left--; *left < 0 || depth > 900 {
		return problem(KindLimit, "the data is too large or nested too deeply")
	}
	switch v := v.(type) {
	case *Undefined:
		return v.strict()
	case *value.List:
		return checkItems(v.Items, left, depth)
	case value.Tuple:
		return checkItems(v, left, depth)
	case *value.Dict:
		return checkItems(v.Values(), left, depth)
	}
	return nil
}

func checkItems(items []any, left *int, depth int) error {
	for _, e := range items {
		if err := checkParts(e, left, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// omitType has one value, Omit.
type omitType struct{}

// Omit stands for an argument that shall be treated as if it had not been
// written. It survives an evaluation, also inside lists and dicts.
var Omit any = &omitType{}

const omitText = "__omit_place_holder__"

func (*omitType) PyType() string { return "str" }
func (*omitType) PyRepr() string { return "'" + omitText + "'" }
func (*omitType) PyStr() string  { return omitText }

// DropOmit returns v without the entries of dicts and the items of lists that
// are Omit. What holds none is returned as it is.
func DropOmit(v any) any {
	if !holdsOmit(v, 0) {
		return v
	}
	switch v := v.(type) {
	case *value.Dict:
		out := &value.Dict{}
		for k, e := range v.All() {
			if e != Omit {
				out.Set(k, DropOmit(e))
			}
		}
		return out
	case *value.List:
		out := &value.List{}
		for _, e := range v.Items {
			if e != Omit {
				out.Append(DropOmit(e))
			}
		}
		return out
	}
	return v
}

func holdsOmit(v any, depth int) bool {
	if depth > 500 {
		return false
	}
	switch v := v.(type) {
	case *omitType:
		return true
	case *value.List:
		for _, e := range v.Items {
			if holdsOmit(e, depth+1) {
				return true
			}
		}
	case *value.Dict:
		for _, e := range v.Values() {
			if holdsOmit(e, depth+1) {
				return true
			}
		}
	}
	return false
}
