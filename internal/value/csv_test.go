package value_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"sunup/internal/value"
)

// TestReadCSV holds the places where Python's reader and Go's differ; the rows
// are what csv.reader of Python 3.11 gives.
func TestReadCSV(t *testing.T) {
	for text, want := range map[string][][]string{
		"a,b\nc,d\n":                    {{"a", "b"}, {"c", "d"}},
		"a,\"x\"y,b\n\"\"\"q\"\" r\",s": {{"a", "xy", "b"}, {`"q" r`, "s"}},
		"a \"b\" c,d":                   {{`a "b" c`, "d"}},
		"\"two\nlines\",b\r\n":          {{"two\nlines", "b"}},
		"a\n\nb":                        {{"a"}, nil, {"b"}},
		",\n":                           {{"", ""}},
	} {
		require.Equal(t, want, value.ReadCSV(text, ',', false), "%q", text)
	}
	require.Equal(t, [][]string{{"a", "b c"}}, value.ReadCSV("a,  b c", ',', true))
	require.Nil(t, value.ReadCSV("", ',', false))
}
