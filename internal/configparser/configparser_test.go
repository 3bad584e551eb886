package configparser

import (
	"encoding/json"
	"errors"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
)

// example is a file and what Python made of it (testdata/generate.py).
type example struct {
	Src     string
	NoValue bool
	Inline  []string
	Case    bool
	Want    map[string]any
	Error   string
}

// TestFilesReadAsInPython compares sections, options, values, references and refusals.
func TestFilesReadAsInPython(t *testing.T) {
	b, err := os.ReadFile("testdata/files.json")
	require.NoError(t, err)
	var examples []example
	require.NoError(t, json.Unmarshal(b, &examples))
	require.NotEmpty(t, examples)
	for _, e := range examples {
		f, err := Parse("app.ini", e.Src, Options{CaseSensitive: e.Case, AllowNoValue: e.NoValue, InlineComments: e.Inline})
		if e.Error != "" {
			var parse *ParseError
			require.ErrorAs(t, err, &parse, "%q: Python says %s", e.Src, e.Error)
			require.Positive(t, parse.Line)
			continue
		}
		require.NoError(t, err, "%q", e.Src)
		if diff := cmp.Diff(e.Want, asJSON(t, f)); diff != "" {
			t.Errorf("%q (-Python +ours):\n%s", e.Src, diff)
		}
	}
}

// asJSON lists a file as generate.py does.
func asJSON(t *testing.T, f *File) map[string]any {
	t.Helper()
	out := map[string]any{}
	for _, name := range f.Sections() {
		items, err := f.Items(name)
		var bad *InterpolationError
		if errors.As(err, &bad) {
			out[name] = interpolationError(bad)
			continue
		}
		require.NoError(t, err)
		pairs := []any{}
		for _, i := range items {
			pairs = append(pairs, []any{i.Name, i.Value})
		}
		out[name] = pairs
	}
	return out
}

func interpolationError(e *InterpolationError) string {
	switch e.Why[:5] {
	case "there":
		return "InterpolationMissingOptionError"
	case "refer":
		return "InterpolationDepthError"
	}
	return "InterpolationSyntaxError"
}

// TestWhatIsNotThereIsNamed holds the errors that callers tell apart.
func TestWhatIsNotThereIsNamed(t *testing.T) {
	f, err := Parse("app.ini", "[zone]\nName = west\n", Options{})
	require.NoError(t, err)
	v, err := f.Get("zone", "NAME")
	require.NoError(t, err)
	require.Equal(t, "west", v)
	_, err = f.Get("gate", "name")
	require.EqualError(t, err, "No section: 'gate'")
	_, err = f.Get("zone", "gate")
	require.EqualError(t, err, "No option 'gate' in section: 'zone'")
}

// FuzzParse looks for files that make the parser or its references fail to end.
func FuzzParse(f *testing.F) {
	f.Add("[a]\nx=%(y)s%(y)s\ny=%(z)s%(z)s\nz=zz\n")
	f.Add("[DEFAULT]\nx\n[b]\n x : 1\n  2\n")
	f.Fuzz(func(t *testing.T, src string) {
		file, err := Parse("f", src, Options{AllowNoValue: len(src)%2 == 0, InlineComments: []string{";"}})
		if err != nil {
			return
		}
		for _, name := range file.Sections() {
			file.Items(name) //nolint:errcheck // an error is an answer too
		}
	})
}
