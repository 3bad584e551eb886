package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestResultsOfTasksAreCountedByTheirWord(t *testing.T) {
	c := &counter{results: map[string]int{}}
	for _, part := range []string{"TASK [x] ***\nok: [a]\nchan", "ged: [a] => (item=1)\nfatal: [b]: FAILED! => {}\n", "okay, no result\n...ignoring\nok: [a]\n"} {
		_, err := c.Write([]byte(part))
		require.NoError(t, err)
	}
	assert.Equal(t, map[string]int{"ok": 2, "changed": 1, "fatal": 1, "...ignoring": 1}, c.results)
}

func TestInvocationsAreComparedInOrder(t *testing.T) {
	want := []invocation{
		{"ansible-playbook", 0, map[string]int{"ok": 4, "changed": 1}},
		{"ansible-playbook", 2, map[string]int{"fatal": 1}},
		{"ansible-vault", 0, nil},
	}
	have := []invocation{
		{"ansible-playbook", 0, map[string]int{"ok": 3, "changed": 2}},
		{"ansible-playbook", 0, map[string]int{"ok": 1}},
	}
	calls, results := compare(have, want)
	assert.Equal(t, share{1, 3}, calls)
	assert.Equal(t, share{4, 6}, results)
}

func TestTheRecordKeepsWhatOtherRunsFound(t *testing.T) {
	path := filepath.Join(t.TempDir(), "expected.json")
	require.NoError(t, record(path, []result{{Target: "a", State: "pass", made: []invocation{{Command: "ansible"}}}}))
	require.NoError(t, record(path, []result{{Target: "b", State: "pass", made: []invocation{{Command: "ansible", Code: 1}}}, {Target: "c", State: "fail"}}))
	all, err := readExpected(path)
	require.NoError(t, err)
	assert.Equal(t, map[string][]invocation{"a": {{Command: "ansible"}}, "b": {{Command: "ansible", Code: 1}}}, all)
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.NotContains(t, string(text), `"c"`)
}

func TestTheShimStandsInForAnsiblesCommandsOnly(t *testing.T) {
	assert.Equal(t, "ansible-playbook", shimFor("/sandbox/bin/ansible-playbook"))
	assert.Empty(t, shimFor("/tmp/go-build/conformance"))
}
