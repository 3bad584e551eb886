package main

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"sunup/lab"
)

// flooded is how many bytes a host sends that is asked for a word.
const flooded = 256 << 20

// TestAFloodIsNotKept: a host that prints without end costs the controller no
// more memory than what is kept of it, and the others their time.
func TestAFloodIsNotKept(t *testing.T) {
	if testing.Short() {
		t.Skip("left out with -short: a quarter of a gigabyte through SSH")
	}
	peak := func(fault string) int64 {
		dir := t.TempDir()
		scenario := write(t, "fleet.yml", tillFleet+fault)
		s, problems := lab.LoadScenario(scenario)
		require.NoError(t, problems.Err())
		fleet, err := lab.Start(t.Context(), s)
		require.NoError(t, err)
		defer fleet.Close()
		require.NoError(t, fleet.WriteAccess(dir))
		book := write(t, "site.yml", "- hosts: tills\n  gather_facts: false\n  quarantine: true\n  tasks:\n    - command: echo one\n    - command: echo two\n")
		cmd := exec.Command(selfAs(t, "sunup"), "run", "--output", "none", "--report", filepath.Join(dir, "report"), "-i", filepath.Join(dir, lab.InventoryFile), book)
		cmd.Env = append(cmd.Environ(), "SUNUP_STATE="+filepath.Join(dir, "state"), "HOME="+dir, "CI=1")
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", out)
		log := fleet.Hosts()[1].Commands()
		assert.NotEmpty(t, log, "the other till did its work")
		usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
		require.True(t, ok)
		return usage.Maxrss * 1024
	}
	calm := peak("")
	flood := peak(fmt.Sprintf("hosts:\n  till1: {fault: {flood: %d}}\n", flooded))
	t.Logf("peak memory: %d MiB, with a flood of %d MiB: %d MiB", calm>>20, flooded>>20, flood>>20)
	assert.Less(t, flood-calm, int64(flooded)/4)
}
