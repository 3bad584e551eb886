package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// interrupted starts a run, waits until the step has begun on the host, and
// sends Ctrl-C as often as asked.
func interrupted(t *testing.T, times int) (output string, code int, dir string) {
	t.Helper()
	dir = t.TempDir()
	play := filepath.Join(dir, "play.yml")
	require.NoError(t, os.WriteFile(play, []byte(`
- hosts: all
  gather_facts: false
  tasks:
    - shell: "echo begun > begun; while [ ! -e go ]; do sleep 0.05; done; echo ended > ended"
    - shell: echo > second
`), 0o600))
	cmd := exec.Command(selfAs(t, "sunup"), "run", "-i", "localhost,", "-c", "local", "--report", filepath.Join(dir, "report"), play)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "SUNUP_LANG=en", "CI=1", "HOME="+t.TempDir())
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	require.NoError(t, cmd.Start())
	waitFor(t, filepath.Join(dir, "begun"))
	for range times {
		require.NoError(t, cmd.Process.Signal(syscall.SIGINT))
		time.Sleep(100 * time.Millisecond) // two signals at once are one
	}
	if times == 1 {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "go"), nil, 0o600))
	}
	_ = cmd.Wait()
	return out.String(), cmd.ProcessState.ExitCode(), dir
}

func waitFor(t *testing.T, path string) {
	t.Helper()
	require.Eventually(t, func() bool { _, err := os.Stat(path); return err == nil }, 20*time.Second, 20*time.Millisecond)
}

func TestOneInterruptFinishesWhatHasBegun(t *testing.T) {
	out, code, dir := interrupted(t, 1)
	assert.Equal(t, exitInterrupted, code, out)
	assert.Contains(t, out, "stopping")
	assert.FileExists(t, filepath.Join(dir, "ended"), "the step that had begun was finished")
	assert.NoFileExists(t, filepath.Join(dir, "second"), "no other was begun")
	assert.FileExists(t, filepath.Join(dir, "report", "report.html"))
}

func TestTwoInterruptsStopNow(t *testing.T) {
	out, code, dir := interrupted(t, 2)
	assert.Equal(t, exitInterrupted, code, out)
	assert.NoFileExists(t, filepath.Join(dir, "ended"))
	assert.FileExists(t, filepath.Join(dir, "report", "report.html"))
	// The command's process tree is gone: nothing writes the file any more.
	require.NoError(t, os.WriteFile(filepath.Join(dir, "go"), nil, 0o600))
	ps, err := exec.Command("ps", "-eo", "args").Output()
	if err == nil {
		assert.False(t, strings.Contains(string(ps), dir), "a process of the run is left")
	}
	assert.NoFileExists(t, filepath.Join(dir, "ended"))
}
