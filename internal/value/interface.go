package value

// Mapping is a dict whose values are made when asked for, such as hostvars.
// Get reports whether the key is there; an error ends the evaluation.
type Mapping interface {
	Get(key any) (any, bool, error)
	Keys() ([]any, error)
}

// Typed is implemented by values of other packages that have a Python type
// name of their own.
type Typed interface{ PyType() string }

// Printed is implemented by values of other packages that know how Python
// would print them.
type Printed interface {
	PyRepr() string
	PyStr() string
}

// Truthy is implemented by values of other packages that can be false.
type Truthy interface{ PyTruth() bool }

// Compared is implemented by values of other packages that define equality and
// order among their own kind. Compare is only called when ok can be answered:
// it returns ok == false when other is of a foreign kind.
type Compared interface {
	PyCompare(other any) (order int, ok bool)
}

// Sequenced is implemented by values of other packages that are sequences,
// such as a range. Item is called with 0 <= i < Len.
type Sequenced interface {
	Len() int
	Item(i int) any
}

// TypeName returns the name Python gives to the type of v.
func TypeName(v any) string {
	switch v := v.(type) {
	case nil:
		return "NoneType"
	case bool:
		return "bool"
	case int:
		return "int"
	case float64:
		return "float"
	case string, Unsafe:
		return "str"
	case Tuple:
		return "tuple"
	case *List:
		return "list"
	case *Dict:
		return "dict"
	case Typed:
		return v.PyType()
	case Mapping:
		return "dict"
	}
	if isBig(v) {
		return "int"
	}
	return "object"
}

// Truth reports whether Python finds v true.
func Truth(v any) bool {
	switch v := v.(type) {
	case nil:
		return false
	case bool:
		return v
	case int:
		return v != 0
	case string:
		return v != ""
	case Unsafe:
		return v != ""
	case float64:
		return v != 0
	case Tuple:
		return len(v) > 0
	case *List:
		return v.Len() > 0
	case *Dict:
		return v.Len() > 0
	case Truthy:
		return v.PyTruth()
	case Sequenced:
		return v.Len() > 0
	case Mapping:
		keys, err := v.Keys()
		return err != nil || len(keys) > 0
	}
	return true
}
