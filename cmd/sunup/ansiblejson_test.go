package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestAnsibleJSONIsThatOfTheCallback runs a playbook and compares the format
// ansible-json with what Ansible's json callback wrote of the same playbook,
// times and numbers aside.
func TestAnsibleJSONIsThatOfTheCallback(t *testing.T) {
	dir := filepath.Join("testdata", "ansible-json")
	recorded := filepath.Join(dir, "expected.json")
	if *recordAnsible {
		cmd := exec.Command("/usr/bin/ansible-playbook", "-i", "a,b,", "-c", "local", "site.yml")
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "ANSIBLE_STDOUT_CALLBACK=ansible.posix.json", "ANSIBLE_SHOW_CUSTOM_STATS=1", "ANSIBLE_PYTHON_INTERPRETER=/usr/bin/python3")
		out, err := cmd.Output()
		var failed *exec.ExitError
		require.ErrorAs(t, err, &failed)
		require.Equal(t, 2, failed.ExitCode())
		b, err := json.MarshalIndent(comparable(t, out), "", " ")
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(recorded, append(b, '\n'), 0o644))
	}
	out := t.TempDir()
	t.Setenv("SUNUP_STATE", filepath.Join(out, "state"))
	code := runQuietly(t, "sunup", "run", "--output", "none", "--report", out, "--report-format", "ansible-json", "-i", "a,b,", "-c", "local", filepath.Join(dir, "site.yml"))
	require.Equal(t, 2, code)
	have, err := os.ReadFile(filepath.Join(out, "report.ansible.json"))
	require.NoError(t, err)
	want, err := os.ReadFile(recorded)
	require.NoError(t, err)
	assert.Equal(t, comparable(t, want), comparable(t, have))
	t.Run("on the screen", func(t *testing.T) {
		cmd := exec.Command(selfAs(t, "ansible-playbook"), "-i", "a,b,", "-c", "local", "site.yml")
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "ANSIBLE_STDOUT_CALLBACK=json", "ANSIBLE_SHOW_CUSTOM_STATS=1")
		have, err := cmd.Output()
		var failed *exec.ExitError
		require.ErrorAs(t, err, &failed)
		require.Equal(t, 2, failed.ExitCode())
		require.Equal(t, byte('{'), have[0])
		assert.Equal(t, comparable(t, want), comparable(t, have))
		assert.Contains(t, string(have), "/testdata/ansible-json/site.yml:")
	})
}

// runQuietly runs the command in this process and returns its exit code.
func runQuietly(t *testing.T, args ...string) int {
	t.Helper()
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	require.NoError(t, err)
	defer null.Close()
	return run(args, null, null, null)
}

// comparable leaves out what differs from run to run, and what Ansible keeps
// for itself in results.
func comparable(t *testing.T, b []byte) any {
	t.Helper()
	b = b[bytes.IndexByte(b, '{'):]
	var doc any
	require.NoError(t, json.Unmarshal(b, &doc))
	return withoutKeys(doc, map[string]bool{
		"duration": true, "id": true, "path": true, "delta": true, "start": true, "end": true, "invocation": true, "ansible_facts": true,
		"_ansible_no_log": true, "_ansible_verbose_always": true, "_ansible_item_label": true,
	})
}

func withoutKeys(v any, keys map[string]bool) any {
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			if keys[k] {
				delete(v, k)
			} else {
				v[k] = withoutKeys(x, keys)
			}
		}
	case []any:
		for i := range v {
			v[i] = withoutKeys(v[i], keys)
		}
	}
	return v
}
