package value

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestMapAndWalk(t *testing.T) {
	was := NewDict("a", "x", "list", NewList("y", 1, Tuple{"z"}), 7, nil)
	loud := Map(was, func(leaf any) any {
		if s, ok := leaf.(string); ok {
			return s + "!"
		}
		return leaf
	}).(*Dict)
	assert.Equal(t, `{'a': 'x!', 'list': ['y!', 1, ('z',)], 7: None}`, Repr(loud), "a tuple is a leaf, keys and order stay")
	assert.Equal(t, `{'a': 'x', 'list': ['y', 1, ('z',)], 7: None}`, Repr(was), "what was read is never written")
	var seen []any
	Walk(was, func(leaf any) { seen = append(seen, leaf) })
	assert.Equal(t, []any{"x", "y", 1, "z", nil}, seen)
}
