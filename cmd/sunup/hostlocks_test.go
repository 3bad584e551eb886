package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"sunup/internal/store"
	"sunup/lab"
	"sunup/runner"
)

const tillFleet = `
lab: tills
seed: tills
login: ops
users:
  ops: {uid: 1000, key: true, sudo: nopasswd}
groups:
  tills:
    hosts: till[1:2]
`

// tills are two hosts that runs want at the same time.
type tills struct {
	t     *testing.T
	fleet *lab.Fleet
	dir   string
}

func newTills(t *testing.T) *tills {
	t.Helper()
	r := &tills{t: t, dir: t.TempDir()}
	r.write("fleet.yml", tillFleet)
	s, problems := lab.LoadScenario(filepath.Join(r.dir, "fleet.yml"))
	require.NoError(t, problems.Err())
	var err error
	r.fleet, err = lab.Start(t.Context(), s)
	require.NoError(t, err)
	t.Cleanup(r.fleet.Close)
	require.NoError(t, r.fleet.WriteAccess(r.dir))
	return r
}

func (r *tills) write(name, text string) {
	r.t.Helper()
	require.NoError(r.t, os.WriteFile(filepath.Join(r.dir, name), []byte(text), 0o600))
}

// saying is what a process says into a file.
type saying string

func (s saying) String() string {
	text, _ := os.ReadFile(string(s))
	return string(text)
}

// run starts sunup run as a process of its own.
func (r *tills) run(args ...string) (*exec.Cmd, saying) {
	r.t.Helper()
	cmd := exec.Command(selfAs(r.t, "sunup"), append([]string{"run", "--output", "plain", "--no-report"}, args...)...)
	cmd.Dir = r.dir
	cmd.Env = append(os.Environ(), "SUNUP_LANG=en", "CI=1", "SUNUP_STATE="+filepath.Join(r.dir, "state"), "HOME="+r.dir)
	out, err := os.CreateTemp(r.dir, "said")
	require.NoError(r.t, err)
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out
	require.NoError(r.t, cmd.Start())
	return cmd, saying(out.Name())
}

// ends runs the command and returns its exit code and what it said.
func (r *tills) ends(args ...string) (int, string) {
	r.t.Helper()
	cmd, out := r.run(args...)
	_ = cmd.Wait()
	return cmd.ProcessState.ExitCode(), out.String()
}

// locked waits until somebody holds a key.
func (r *tills) locked(key string) {
	r.t.Helper()
	require.Eventually(r.t, func() bool {
		s, err := store.Open(r.t.Context(), filepath.Join(r.dir, "state"), "")
		if err != nil {
			return false
		}
		defer s.Close()
		all, err := s.Locks(r.t.Context())
		for _, h := range all {
			if err == nil && h.Host == key {
				return true
			}
		}
		return false
	}, time.Minute, 20*time.Millisecond)
}

// TestAMachineIsLockedUnderAllItsNames: two runs never work on one machine,
// whether it is known by another name, is added on the way, or only a task is
// delegated to it.
func TestAMachineIsLockedUnderAllItsNames(t *testing.T) {
	r := newTills(t)
	h := r.fleet.Hosts()[0]
	at := h.Addr()
	_, port, err := net.SplitHostPort(at)
	require.NoError(t, err)
	key := fmt.Sprintf("ansible_host=127.0.0.1 ansible_port=%s ansible_user=ops ansible_ssh_private_key_file=%s/%s "+
		"ansible_ssh_common_args='-o UserKnownHostsFile=%s/%s'", port, r.dir, lab.KeyFile, r.dir, lab.KnownHostsFile)
	r.write("other.ini", "counter "+key+"\nfree ansible_connection=local\n")
	r.write("hold.yml", "- hosts: till1\n  gather_facts: false\n  tasks:\n    - shell: until test -e /tmp/go; do sleep 0.05; done\n")
	say := "  gather_facts: false\n  tasks:\n    - shell: echo here >> /tmp/log\n"
	r.write("named.yml", "- hosts: counter\n"+say)
	r.write("delegated.yml", "- hosts: free\n"+say[:len(say)-1]+"\n      delegate_to: counter\n")
	r.write("added.yml", fmt.Sprintf(`- hosts: localhost
  gather_facts: false
  tasks:
    - add_host:
        name: met
        groups: new
        ansible_host: 127.0.0.1
        ansible_port: %s
        ansible_user: ops
        ansible_ssh_private_key_file: %s/%s
        ansible_ssh_common_args: -o UserKnownHostsFile=%s/%s
- hosts: new
%s`, port, r.dir, lab.KeyFile, r.dir, lab.KnownHostsFile, say))
	r.write("go.yml", "- hosts: till2\n  gather_facts: false\n  tasks:\n    - debug: msg=free\n")

	holder, said := r.run("-i", lab.InventoryFile, "hold.yml")
	r.locked(at)
	code, out := r.ends("-i", lab.InventoryFile, "go.yml")
	assert.Equal(t, 0, code, "the other till is free: %s", out)
	for _, m := range []struct{ book, words string }{
		{"named.yml", "another run works on these hosts: counter (" + at + ")"},
		{"delegated.yml", "another run works on these hosts: counter (" + at + ")"},
		{"added.yml", "another run works on these hosts: met (" + at + ")"},
	} {
		code, out := r.ends("-i", "other.ini", m.book)
		assert.NotEqual(t, 0, code, "%s: %s", m.book, out)
		assert.Contains(t, out, m.words, m.book)
		assert.Contains(t, out, "--wait-lock 5m", m.book)
	}
	log, err := h.ReadFile("/tmp/log")
	assert.True(t, err != nil || len(log) == 0, "nobody else was there: %s", log)

	waiting, words := r.run("-i", "other.ini", "--wait-lock", "5m", "added.yml")
	require.Eventually(t, func() bool { return strings.Contains(words.String(), "waiting up to") }, time.Minute, 20*time.Millisecond)
	require.NoError(t, h.WriteFile("/tmp/go", nil, 0o644))
	require.NoError(t, holder.Wait(), "%s", said)
	require.NoError(t, waiting.Wait(), "%s", words)
	assert.Contains(t, words.String(), "waiting up to 5m0s for hosts that another run works on: met ("+at+")")
	log, err = h.ReadFile("/tmp/log")
	require.NoError(t, err)
	assert.Equal(t, "here\n", string(log))
}

// TestLockKeys: a machine has its name and its address, if it is connected to;
// behind another machine the same address is another one.
func TestLockKeys(t *testing.T) {
	assert.Equal(t, []string{"db1", "db1.example:22"}, lockKeys(runner.Machine{Host: "db1", Address: "DB1.example"}))
	assert.Equal(t, []string{"db1", "[::1]:2222"}, lockKeys(runner.Machine{Host: "db1", Address: "::1", Port: 2222}))
	assert.Equal(t, []string{"here"}, lockKeys(runner.Machine{Host: "here"}))
	assert.Equal(t, []string{"db1", "10.0.0.1:22 by -J gate"}, lockKeys(runner.Machine{Host: "db1", Address: "10.0.0.1", Via: "-J gate"}))
}
