package value

import (
	"fmt"
	"math"
	"math/big"
	"reflect"
	"strings"
)

// Equal reports whether Python finds a == b: numbers by value whatever their
// type, containers by content.
func Equal(a, b any) bool {
	left := maxCompared
	return equal(a, b, &left, 0)
}

// maxCompared bounds the parts that are compared: data that holds other data
// twice, and so on, has endless parts.
const maxCompared = 20_000_000

func equal(a, b any, left *int, depth int) bool {
	if *left--; *left < 0 || depth > maxDepth {
		return false
	}
	switch x := a.(type) {
	case nil:
		return b == nil
	case string:
		switch y := b.(type) {
		case string:
			return x == y
		case Unsafe:
			return x == string(y)
		}
		return false
	case Unsafe:
		return equal(string(x), b, left, depth)
	case int:
		if y, ok := b.(int); ok {
			return x == y
		}
	case Tuple:
		y, ok := b.(Tuple)
		return ok && equalItems(x, y, left, depth)
	case *List:
		y, ok := b.(*List)
		return ok && (x == y || equalItems(x.Items, y.Items, left, depth))
	case *Dict:
		if y, ok := b.(*Dict); ok {
			return x == y || equalDicts(x, y, left, depth)
		}
		return false
	case Compared:
		order, ok := x.PyCompare(b)
		return ok && order == 0
	}
	if IsNumber(a) && IsNumber(b) {
		order, ok := compareNumbers(a, b)
		return ok && order == 0
	}
	if y, ok := b.(Compared); ok {
		order, ok := y.PyCompare(a)
		return ok && order == 0
	}
	return comparable(a) && comparable(b) && a == b
}

// comparable tells values that Go can compare from those on which == panics.
func comparable(v any) bool { return v == nil || reflect.TypeOf(v).Comparable() }

func equalItems(a, b []any, left *int, depth int) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !equal(a[i], b[i], left, depth+1) {
			return false
		}
	}
	return true
}

func equalDicts(a, b *Dict, left *int, depth int) bool {
	if a.Len() != b.Len() {
		return false
	}
	for k, v := range a.All() {
		w, ok := b.Get(k)
		if !ok || !equal(v, w, left, depth+1) {
			return false
		}
	}
	return true
}

// compareNumbers orders two numbers; ok is false when one is not a number
// (NaN).
func compareNumbers(a, b any) (order int, ok bool) {
	if x, ok := AsInt(a); ok {
		if y, ok := AsInt(b); ok {
			return cmp(x < y, x > y), true
		}
	}
	_, fa := a.(float64)
	_, fb := b.(float64)
	if !fa && !fb {
		x, _ := AsBig(a)
		y, _ := AsBig(b)
		return x.Cmp(y), true
	}
	x, _ := AsFloat(a)
	y, _ := AsFloat(b)
	if math.IsNaN(x) || math.IsNaN(y) {
		return 0, false
	}
	if fa != fb && !math.IsInf(x, 0) && !math.IsInf(y, 0) {
		return exact(a).Cmp(exact(b)), true
	}
	return cmp(x < y, x > y), true
}

func exact(v any) *big.Float {
	if f, ok := v.(float64); ok {
		return new(big.Float).SetFloat64(f)
	}
	n, _ := AsBig(v)
	return new(big.Float).SetInt(n)
}

func cmp(less, more bool) int {
	switch {
	case less:
		return -1
	case more:
		return 1
	}
	return 0
}

// Compare orders a and b as Python's < does. The error text is Python's, with
// the given operator.
func Compare(a, b any, op string) (int, error) {
	order, ok, err := compare(a, b, op, 0)
	if err != nil {
		return 0, err
	}
	if !ok {
		// NaN is neither less, equal nor more.
		return 2, nil
	}
	return order, nil
}

func compare(a, b any, op string, depth int) (order int, ok bool, err error) {
	if depth > maxDepth {
		return 0, false, fmt.Errorf("maximum recursion depth exceeded in comparison")
	}
	if x, isStr := text(a); isStr {
		if y, isStr := text(b); isStr {
			return strings.Compare(x, y), true, nil
		}
	}
	if IsNumber(a) && IsNumber(b) {
		order, ok = compareNumbers(a, b)
		return order, ok, nil
	}
	if x, isList := a.(*List); isList {
		if y, isList := b.(*List); isList {
			return compareItems(x.Items, y.Items, op, depth)
		}
	}
	if x, isTuple := a.(Tuple); isTuple {
		if y, isTuple := b.(Tuple); isTuple {
			return compareItems(x, y, op, depth)
		}
	}
	if x, has := a.(Compared); has {
		if order, ok := x.PyCompare(b); ok {
			return order, true, nil
		}
	}
	return 0, false, fmt.Errorf("'%s' not supported between instances of '%s' and '%s'", op, TypeName(a), TypeName(b))
}

func text(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case Unsafe:
		return string(v), true
	}
	return "", false
}

func compareItems(a, b []any, op string, depth int) (int, bool, error) {
	for i := 0; i < len(a) && i < len(b); i++ {
		if !Equal(a[i], b[i]) {
			return compare(a[i], b[i], op, depth+1)
		}
	}
	return cmp(len(a) < len(b), len(a) > len(b)), true, nil
}
