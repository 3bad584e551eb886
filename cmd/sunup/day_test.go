package main

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"sunup/lab"
	"sunup/lab/machine"
)

const samples = "../../playbooks/samples/"

// fleetOf starts the fleet of a sample, quicker than the sample says, and returns
// its inventory.
func fleetOf(t *testing.T, scenario string) (*lab.Fleet, string) {
	t.Helper()
	s, problems := lab.LoadScenario(samples + scenario)
	require.NoError(t, problems.Err())
	s.TimeScale = 300
	fleet, err := lab.Start(t.Context(), s)
	require.NoError(t, err)
	t.Cleanup(fleet.Close)
	dir := t.TempDir()
	require.NoError(t, fleet.WriteAccess(dir))
	return fleet, filepath.Join(dir, lab.InventoryFile)
}

func state(t *testing.T, f *lab.Fleet, host, service string) machine.Status {
	t.Helper()
	s := f.Host(host).Service(service)
	require.NotNil(t, s, "%s of %s", service, host)
	return s.Status()
}

// TestADayOfTheAuthority plays the samples one after the other on one fleet: the
// morning, a restart of one service, idle time, the evening.
func TestADayOfTheAuthority(t *testing.T) {
	fleet, inventory := fleetOf(t, "morning-startup/fleet.yml")
	services := map[string]string{"db1": "postgresql", "bet1": "betting-server", "bet6": "betting-server", "mobile4": "mobile-ticketing", "lb1": "haproxy", "gw-west": "zone-gateway", "kiosk01": "kiosk-app", "kiosk40": "kiosk-app"}

	out, code := sunup(t, "run", "-i", inventory, samples+"morning-startup/site.yml")
	require.Equal(t, 10, code, out)
	assert.Contains(t, out, "kiosk17 (west) is set aside")
	for host, service := range services {
		assert.Equal(t, machine.Active, state(t, fleet, host, service).State, "%s in the morning", host)
	}

	out, code = sunup(t, "restart", "--service", "zone-gateway", "-i", inventory, "-l", "all:!kiosk17", samples+"morning-startup/site.yml")
	require.Equal(t, 0, code, out)
	for host, starts := range map[string]int{"gw-west": 2, "kiosk01": 2, "bet1": 1, "db1": 1} {
		assert.Equal(t, starts, state(t, fleet, host, services[host]).Starts, "%s: only the gateways and what needs them restart", host)
	}

	out, code = sunup(t, "run", "-i", inventory, samples+"idle-restart/site.yml")
	require.Equal(t, 0, code, out)
	assert.Equal(t, 2, state(t, fleet, "bet6", "betting-server").Starts)

	out, code = sunup(t, "stop", "-i", inventory, samples+"evening-stop/site.yml")
	require.Equal(t, 0, code, out)
	for host, service := range services {
		assert.NotEqual(t, machine.Active, state(t, fleet, host, service).State, "%s in the evening", host)
	}
	assert.Equal(t, machine.Active, state(t, fleet, "kiosk01", "chronyd").State, "what roles start is left running")
}

// TestThePlainMorning: the morning in Ansible's order does the same work; the
// kiosk whose application cannot start fails.
func TestThePlainMorning(t *testing.T) {
	fleet, inventory := fleetOf(t, "morning-startup/fleet.yml")
	out, code := sunup(t, "run", "-i", inventory, samples+"morning-startup/plain.yml")
	require.Equal(t, 2, code, out)
	assert.Contains(t, out, "1 of 57 hosts failed")
	assert.Equal(t, machine.Active, state(t, fleet, "kiosk40", "kiosk-app").State)
}
