package reports

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"sunup/internal/event"
)

// TestAnsibleTextIsWhatAnsiblePrints replays recorded runs of ansible-playbook
// 2.14: the events of NAME.jsonl must print what it printed, NAME.txt on
// standard output and NAME.err on standard error. NAME.json holds the options.
func TestAnsibleTextIsWhatAnsiblePrints(t *testing.T) {
	cases, err := filepath.Glob("testdata/ansible/*.jsonl")
	require.NoError(t, err)
	require.NotEmpty(t, cases)
	for _, file := range cases {
		base := strings.TrimSuffix(file, ".jsonl")
		t.Run(filepath.Base(base), func(t *testing.T) {
			o := DefaultAnsibleOptions()
			if b, err := os.ReadFile(base + ".json"); err == nil {
				require.NoError(t, json.Unmarshal(b, &o))
			}
			var out, errs bytes.Buffer
			o.Stderr = &errs
			a := NewAnsible(&out, o)
			for _, e := range readStream(t, file) {
				a.Emit(e)
			}
			require.NoError(t, a.Close())
			assert.Equal(t, readFile(t, base+".txt"), out.String())
			assert.Equal(t, readFile(t, base+".err"), errs.String())
		})
	}
}

func readStream(t testing.TB, file string) []event.Event {
	t.Helper()
	f, err := os.Open(file)
	require.NoError(t, err)
	defer f.Close()
	events, err := event.ReadAll(f)
	require.NoError(t, err)
	return events
}

func readFile(t testing.TB, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	require.NoError(t, err)
	return string(b)
}
