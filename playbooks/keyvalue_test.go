package playbooks

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"sunup/internal/value"
)

// TestKeyValueAsAnsibleReadsIt compares with answers of ansible-core, made by
// testdata/keyvalue.py. KEYVALUE names a larger table.
func TestKeyValueAsAnsibleReadsIt(t *testing.T) {
	path := os.Getenv("KEYVALUE")
	if path == "" {
		path = "testdata/keyvalue.json"
	}
	src, err := os.ReadFile(path)
	require.NoError(t, err)
	var table []struct {
		Text  string
		Free  bool
		Args  map[string]string
		Error string
	}
	require.NoError(t, json.Unmarshal(src, &table))
	wrong := 0
	for _, c := range table {
		got, err := parseKeyValue(c.Text, c.Free)
		switch {
		case (err != nil) != (c.Error != ""):
			t.Errorf("%q free %v: error %v, wanted %q", c.Text, c.Free, err, c.Error)
		case err != nil:
			continue
		case plain(got) != plain(value.FromMap(c.Args)):
			t.Errorf("%q free %v\n got %s\nwant %s", c.Text, c.Free, plain(got), plain(value.FromMap(c.Args)))
		default:
			continue
		}
		if wrong++; wrong > 10 {
			t.FailNow()
		}
	}
}
