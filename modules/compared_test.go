package modules_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"sunup/modules"
)

type evidence struct {
	Compared int `json:"compared,omitempty"`
	Recorded int `json:"recorded,omitempty"`
}

// TestComparedCounts holds compared.json, from which docs/compatibility.md is
// made, against the case files; -answers writes it.
func TestComparedCounts(t *testing.T) {
	found := map[string]evidence{}
	countHosts(t, found)
	countDifferential(t, found)
	countRecorded(t, found)
	text, err := json.MarshalIndent(found, "", "  ")
	require.NoError(t, err)
	if *updateAnswers {
		require.NoError(t, os.WriteFile("compared.json", append(text, '\n'), 0o644))
		return
	}
	kept, err := os.ReadFile("compared.json")
	require.NoError(t, err)
	require.JSONEq(t, string(text), string(kept), "go test -run TestComparedCounts ./modules -answers; make reference")
}

// fullName is the name in the catalogue; a case of a module that is not there
// is no evidence.
func fullName(name string) string {
	if m := modules.Lookup(name, nil); m != nil {
		return m.Name
	}
	return ""
}

// countHosts counts the cases that ansible-core has answered on a host.
func countHosts(t *testing.T, found map[string]evidence) {
	t.Helper()
	names, err := filepath.Glob("testdata/hosts/*.yml")
	require.NoError(t, err)
	for _, name := range names {
		f := readHostFile(t, name)
		known := readAnswers(filepath.Join("testdata", "hosts", "answers", strings.TrimSuffix(filepath.Base(name), ".yml")+".json"))
		require.Len(t, known.Traces, len(f.Cases), "%s: ansible-core's answers are not recorded: go test -run TestHosts ./modules -answers", name)
		e := found[fullName(f.Module)]
		e.Compared += len(f.Cases)
		found[fullName(f.Module)] = e
	}
}

// countDifferential counts the cases that both sides do on this machine.
func countDifferential(t *testing.T, found map[string]evidence) {
	t.Helper()
	names, err := filepath.Glob("testdata/differential/*.yml")
	require.NoError(t, err)
	for _, name := range names {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		var cases []yaml.Node
		require.NoError(t, yaml.Unmarshal(text, &cases))
		module := fullName(strings.TrimSuffix(filepath.Base(name), ".yml"))
		if module == "" {
			continue
		}
		e := found[module]
		e.Compared += len(cases)
		found[module] = e
	}
}

// countRecorded counts the cases with pretended programs and hosts.
func countRecorded(t *testing.T, found map[string]evidence) {
	t.Helper()
	names, err := filepath.Glob("testdata/*/*.txtar")
	require.NoError(t, err)
	for _, name := range names {
		if module := fullName(filepath.Base(filepath.Dir(name))); module != "" {
			e := found[module]
			e.Recorded++
			found[module] = e
		}
	}
}
