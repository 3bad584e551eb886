package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"sunup/lab"
	"sunup/runner"
)

// sickFleet has one host for each thing that a preflight finds.
const sickFleet = `
lab: sick
seed: preflight
login: ops
users:
  ops: {uid: 1000, key: true, sudo: nopasswd}
groups:
  kiosks:
    hosts: kiosk[01:20]
hosts:
  kiosk03: {fault: {refuse: true}}
  kiosk04: {fault: {reject_login: true}}
  kiosk05: {fault: {other_key: true}}
  kiosk06: {users: {ops: {uid: 1000, key: true, sudo: none}}}
  kiosk07: {clock: -5m}
  kiosk08: {disks: {/var: {size: 1G, free: 5M}}}
  kiosk09: {fault: {silent: true}}
`

const preflightBook = `
- name: Kiosks
  hosts: kiosks
  become: true
  tasks:
    - service: {name: kiosk-app, state: started}
    - command: kiosk-selftest --quick
    - debug: {msg: nothing is asked of the host}
`

// TestPreflightFindsWhatWillFail: every obstacle is found at once, by cause.
func TestPreflightFindsWhatWillFail(t *testing.T) {
	dir := t.TempDir()
	scenario := filepath.Join(dir, "fleet.yml")
	require.NoError(t, os.WriteFile(scenario, []byte(sickFleet), 0o600))
	s, problems := lab.LoadScenario(scenario)
	require.NoError(t, problems.Err())
	fleet, err := lab.Start(t.Context(), s)
	require.NoError(t, err)
	t.Cleanup(fleet.Close)
	require.NoError(t, fleet.WriteAccess(dir))
	book := write(t, "site.yml", preflightBook)
	inventory := filepath.Join(dir, lab.InventoryFile)

	out, code := sunup(t, "preflight", "-i", inventory, "--host-limit", "3s", "--json", book)
	require.Equal(t, exitUnreachable, code, out)
	var found runner.Preflight
	require.NoError(t, json.Unmarshal([]byte(out), &found), out)
	assert.Equal(t, 20, found.Hosts)
	kinds := map[runner.ObstacleKind][]string{}
	for _, o := range found.Obstacles {
		kinds[o.Kind] = append(kinds[o.Kind], o.Hosts...)
	}
	assert.ElementsMatch(t, []string{"kiosk03", "kiosk09"}, kinds[runner.NotReached], out)
	assert.Equal(t, []string{"kiosk04"}, kinds[runner.LoginRefused])
	assert.Equal(t, []string{"kiosk05"}, kinds[runner.HostKey])
	assert.Equal(t, []string{"kiosk06"}, kinds[runner.BecomeFails])
	assert.Equal(t, []string{"kiosk07"}, kinds[runner.ClockWrong])
	assert.Equal(t, []string{"kiosk08"}, kinds[runner.DiskFull])
	assert.Len(t, kinds[runner.ToolMissing], 16, "kiosk-selftest is nowhere")
	for _, h := range fleet.Hosts() {
		for _, c := range h.Commands() {
			assert.NotContains(t, fmt.Sprint(c), "kiosk-app", "nothing is done")
		}
	}

	out, code = sunup(t, "preflight", "-i", inventory, "-l", "kiosk01,kiosk06,kiosk07", book)
	assert.Equal(t, runner.CodeFailed, code)
	assert.Contains(t, out, "ops may not become root by sudo (1): kiosk06")
	assert.Contains(t, out, "the clock is off by more than 10s (1): kiosk07")
	assert.Contains(t, out, "there is no kiosk-selftest")
	assert.Contains(t, out, "0 of 3 hosts are ready")
	out, _ = sunup(t, "preflight", "--lang", "ko", "-i", inventory, "-l", "kiosk03", book)
	assert.Contains(t, out, "연결할 수 없습니다 (1): kiosk03")
}
