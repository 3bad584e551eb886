package value

import (
	"math/big"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestLiterals compares reading, printing and writing with Python's results in
// testdata/literals.json, which testdata/generate.py makes.
func TestLiterals(t *testing.T) {
	data, err := os.ReadFile("testdata/literals.json")
	require.NoError(t, err)
	cases, err := ParseJSON(data)
	require.NoError(t, err)
	for _, c := range cases.(*List).Items {
		c := c.(*Dict)
		text := c.At("text").(string)
		t.Run(text, func(t *testing.T) {
			v, err := ParseLiteral(text)
			if c.Has("error") {
				require.Error(t, err, "got %s", Repr(v))
				return
			}
			require.NoError(t, err)
			assert.Equal(t, c.At("repr"), Repr(v))
			assert.Equal(t, c.At("str"), Str(v))
			assert.Equal(t, c.At("type"), TypeName(v))
			assert.Equal(t, c.At("truth"), Truth(v))
			for name, o := range map[string]JSONOptions{
				"json":   PythonJSON,
				"pretty": {Pretty: true, Indent: "  ", SortKeys: true},
			} {
				got, err := EncodeJSON(v, o)
				if err != nil {
					got = "error"
				}
				assert.Equal(t, c.At(name), got, name)
			}
		})
	}
}

func TestEqual(t *testing.T) {
	huge, _ := new(big.Int).SetString("100000000000000000000", 10)
	for _, c := range []struct {
		a, b any
		want bool
	}{
		{1, true, true}, {1, 1.0, true}, {0, false, true}, {"1", 1, false}, {nil, false, false}, {nil, nil, true},
		{huge, 1e20, true}, {huge, 5, false}, {Unsafe("x"), "x", true},
		{NewList(1, 2), NewList(true, 2.0), true}, {NewList(1), Tuple{1}, false}, {Tuple{1}, Tuple{1.0}, true},
		{NewDict("a", 1, "b", 2), NewDict("b", 2, "a", 1), true}, {NewDict("a", 1), NewDict("a", 2), false},
	} {
		assert.Equal(t, c.want, Equal(c.a, c.b), "%s == %s", Repr(c.a), Repr(c.b))
		assert.Equal(t, c.want, Equal(c.b, c.a), "%s == %s", Repr(c.b), Repr(c.a))
	}
}

func TestCompare(t *testing.T) {
	for _, c := range []struct {
		a, b any
		want int
	}{
		{1, 2, -1}, {2, 1.5, 1}, {true, 1, 0}, {"a", "b", -1}, {NewList(1, 2), NewList(1, 3), -1}, {Tuple{1}, Tuple{1, 0}, -1},
	} {
		got, err := Compare(c.a, c.b, "<")
		require.NoError(t, err)
		assert.Equal(t, c.want, got)
	}
	_, err := Compare(1, "a", "<")
	assert.EqualError(t, err, "'<' not supported between instances of 'int' and 'str'")
	_, err = Compare(NewDict(), nil, ">=")
	assert.EqualError(t, err, "'>=' not supported between instances of 'dict' and 'NoneType'")
}

func TestDictKeysAreFoundByValue(t *testing.T) {
	d := NewDict(1, "int", "1", "str", Tuple{1, "a"}, "tuple", Tuple{"1", "a"}, "other")
	for k, want := range map[any]string{true: "int", 1.0: "int", "1": "str"} {
		v, ok := d.Get(k)
		assert.True(t, ok)
		assert.Equal(t, want, v)
	}
	v, _ := d.Get(Tuple{1.0, "a"})
	assert.Equal(t, "tuple", v)
	v, _ = d.Get(Tuple{"1", "a"})
	assert.Equal(t, "other", v)
}

func TestParseJSONErrors(t *testing.T) {
	for text, want := range map[string]string{
		"":           "Expecting value: line 1 column 1 (char 0)",
		"{":          "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)",
		`{"a" 1}`:    "Expecting ':' delimiter: line 1 column 6 (char 5)",
		"[1\n2]":     "Expecting ',' delimiter: line 2 column 1 (char 3)",
		`["a`:        "Unterminated string starting at: line 1 column 2 (char 1)",
		"1 2":        "Extra data: line 1 column 3 (char 2)",
		`"\q"`:       `Invalid \escape: line 1 column 2 (char 1)`,
		`"한" x`:      "Extra data: line 1 column 5 (char 4)",
		"[1,]":       "Expecting value: line 1 column 4 (char 3)",
		"\"a\nb\"":   "Invalid control character at: line 1 column 3 (char 2)",
		"{\"a\":1,}": "Expecting property name enclosed in double quotes: line 1 column 8 (char 7)",
	} {
		_, err := ParseJSON([]byte(text))
		assert.EqualError(t, err, want, text)
	}
}

func TestFromGoAndBack(t *testing.T) {
	in := map[string]any{"b": []any{1, "x", nil, 1.5}, "a": map[string]any{"k": true}}
	v := FromGo(in)
	assert.Equal(t, "{'a': {'k': True}, 'b': [1, 'x', None, 1.5]}", Repr(v))
	assert.Equal(t, in, ToGo(v))
	assert.Equal(t, "['x', 3]", Repr(FromGo([]any{[]byte("x"), int64(3)})))
}

func TestDeepAndEndlessDataEnds(t *testing.T) {
	deep := NewList()
	for range 100_000 {
		deep = NewList(deep)
	}
	assert.Contains(t, Repr(deep), "...")
	Clone(deep)
	assert.False(t, Equal(deep, Clone(deep)))
	_, err := EncodeJSON(deep, PythonJSON)
	assert.Error(t, err)
	double := NewList(1)
	for range 64 {
		double = NewList(double, double)
	}
	p := Printer{Max: 1000}
	p.Repr(double)
	assert.True(t, p.Full)
	_, err = EncodeJSON(double, JSONOptions{Max: 1000})
	assert.Error(t, err)
	_, err = ParseJSON([]byte(strings.Repeat("[", 100_000)))
	assert.Error(t, err)
	_, err = ParseLiteral(strings.Repeat("[", 100_000))
	assert.Error(t, err)
}

func FuzzParse(f *testing.F) {
	data, _ := os.ReadFile("testdata/literals.txt")
	for _, line := range strings.Split(string(data), "\n") {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if v, err := ParseLiteral(text); err == nil {
			printed := Repr(v)
			again, err := ParseLiteral(printed)
			if err == nil && Repr(again) != printed {
				t.Errorf("%q printed %q and then %q", text, printed, Repr(again))
			}
		}
		if v, err := ParseJSON([]byte(text)); err == nil {
			if _, err := EncodeJSON(v, PythonJSON); err != nil {
				t.Errorf("%q cannot be written: %v", text, err)
			}
		}
	})
}
