package reports

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestAsPython compares differences and line breaks with recorded answers of
// Python's difflib and textwrap, whose outcome Ansible prints.
func TestAsPython(t *testing.T) {
	var cases struct {
		Diffs []struct {
			A, B    string
			Context int
			Want    []string
		}
		Wraps []struct {
			Text  string
			Width int
			Keep  bool
			Want  []string
		}
	}
	b, err := os.ReadFile("testdata/python/cases.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(b, &cases))
	for _, c := range cases.Diffs {
		got := unifiedDiff(splitLines(c.A), splitLines(c.B), "before", "after", c.Context)
		if len(got)+len(c.Want) > 0 {
			assert.Equal(t, c.Want, got, "%q\n%q", c.A, c.B)
		}
	}
	for _, c := range cases.Wraps {
		got := wrap(c.Text, c.Width, c.Keep)
		if len(got)+len(c.Want) > 0 {
			assert.Equal(t, c.Want, got, "%q at %d, %v", c.Text, c.Width, c.Keep)
		}
	}
}
