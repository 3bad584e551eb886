package scenario

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"sunup/internal/diag"
	"sunup/internal/say"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestBad holds the messages for scenarios with mistakes to golden files.
func TestBad(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.yml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			_, err := Load(file)
			var problems diag.Problems
			require.True(t, errors.As(err, &problems), "got %v", err)
			got := problems.Format(say.English) + "\n" + problems.Format(say.Korean)
			golden := strings.TrimSuffix(file, ".yml") + ".txt"
			if *update {
				require.NoError(t, os.WriteFile(golden, []byte(got), 0o644))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err)
			assert.Equal(t, string(want), got)
		})
	}
}

func TestLayers(t *testing.T) {
	s, err := Parse("x.yml", []byte(`
lab: x
time_scale: 60
users: {ops: {sudo: nopasswd}}
services: {chronyd: {enabled: true}}
vars: {site: seoul}
groups:
  kiosks:
    hosts: [k1, 'k[02:09]']
    spread: {zone: [east, west, north]}
    services: {app: {start: 20s, ports: [1, 2], fault: {slow: 2}}}
    vars: {role: kiosk}
  all_of_k:
    hosts: k1
    memory: 1G
hosts:
  k1: {clock: -5s, services: {app: {stop: 3s}}, fault: {drop_after: 2s}, vars: {zone: south}}
  k[02:03]: {fault: {refuse: true}}
`))
	require.NoError(t, err)
	require.Len(t, s.Hosts, 9)
	k1, k9 := s.Hosts[0], s.Hosts[8]
	assert.Equal(t, []any{"k1", "south", -5 * time.Second, int64(1 << 30), 2 * time.Second}, []any{k1.Name, k1.Vars["zone"], k1.Clock, k1.Memory, k1.Fault.DropAfter})
	assert.Equal(t, []any{"k09", "north", false}, []any{k9.Name, k9.Vars["zone"], k9.Fault.Refuse})
	assert.True(t, s.Hosts[2].Fault.Refuse)
	require.Len(t, k1.Services, 2)
	assert.Equal(t, []any{20 * time.Second, 3 * time.Second, []int{1, 2}, 2.0}, []any{k1.Services[1].StartDelay, k1.Services[1].StopDelay, k1.Services[1].Ports, k1.Services[1].Fault.Slow})
	assert.Zero(t, k9.Services[1].StopDelay, "a host's own entry stays its own")
	assert.True(t, k1.Users[0].Key, "the login gets in by key unless a password is given")
}

func TestSample(t *testing.T) {
	s, err := Load("../../playbooks/samples/morning-startup/fleet.yml")
	require.NoError(t, err)
	assert.Equal(t, 2+6+4+1+4+40, len(s.Hosts))
	zones := map[string]int{}
	for _, h := range s.Hosts {
		zones[h.Vars["zone"]]++
	}
	assert.Equal(t, map[string]int{"": 13, "east": 11, "west": 11, "south": 11, "north": 11}, zones)
}

// FuzzParse wants no panic and an answer in bounded time for any input.
func FuzzParse(f *testing.F) {
	files, _ := filepath.Glob("testdata/bad/*.yml")
	for _, file := range append(files, "../../playbooks/samples/morning-startup/fleet.yml") {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := Parse("fuzz.yml", data)
		if (s == nil) == (err == nil) {
			t.Fatalf("scenario %v with error %v", s, err)
		}
	})
}
