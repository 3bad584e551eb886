package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"sunup/internal/connection/sshdtest"
	"sunup/runner"
)

// sshHosts starts real OpenSSH servers and returns their inventory lines.
func sshHosts(t *testing.T, n int) []string {
	t.Helper()
	if err := sshdtest.Available(); err != nil {
		t.Skip("left out: ", err)
	}
	var lines []string
	for i := range n {
		s := sshdtest.Run(t, sshdtest.Config{Address: fmt.Sprintf("127.0.3.%d", i+1)})
		lines = append(lines, fmt.Sprintf("host%d ansible_host=%s ansible_port=%d ansible_user=%s ansible_ssh_private_key_file=%s ansible_ssh_common_args='-F none -o UserKnownHostsFile=%s' base=%s",
			i+1, s.Host, s.Port, s.User, s.Key, s.KnownHosts, t.TempDir()))
	}
	return lines
}

// sunup runs the command as a process of its own and returns output and exit
// code.
func sunup(t *testing.T, args ...string) (string, int) {
	t.Helper()
	cmd := exec.Command(selfAs(t, "sunup"), args...)
	cmd.Env = append(os.Environ(), "SUNUP_LANG=en", "CI=1", "SUNUP_STATE="+t.TempDir(), "HOME="+t.TempDir())
	out, _ := cmd.CombinedOutput()
	return string(out), cmd.ProcessState.ExitCode()
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

const morning = `
- hosts: all
  tasks:
    - file: {path: "{{ base }}/etc", state: directory, mode: "0750"}
    - debug: {msg: "{{ missing }}"}
      when: false
    - copy:
        content: "{{ inventory_hostname }} {{ ansible_facts.os_family }} 한글\n"
        dest: "{{ base }}/etc/name"
      notify: told
    - lineinfile: {path: "{{ base }}/etc/lines", line: "second line", create: true}
    - command: cat {{ base }}/etc/name {{ base }}/etc/lines
      register: shown
      changed_when: false
    - assert: {that: "shown.stdout_lines == [inventory_hostname ~ ' ' ~ ansible_facts.os_family ~ ' 한글', 'second line']"}
    - wait_for: {port: "{{ ansible_port }}", host: "{{ ansible_host }}", timeout: 5}
    - stat: {path: "{{ base }}/etc/name"}
      register: s
    - assert: {that: s.stat.exists and s.stat.mode == '0644'}
    - fetch: {src: "{{ base }}/etc/name", dest: "{{ base }}/fetched/"}
  handlers:
    - name: told
      command: "true"
`

func TestMorningOnRealServers(t *testing.T) {
	hosts := sshHosts(t, 3)
	inventory := write(t, "hosts.ini", strings.Join(hosts, "\n"))
	playbook := write(t, "play.yml", morning)
	out, code := sunup(t, "run", "-i", inventory, playbook)
	require.Equal(t, exitOK, code, out)
	assert.Contains(t, out, "failed=0")
	assert.Regexp(t, `host3 +: ok=\d+ +changed=5 `, out)

	again, code := sunup(t, "run", "-i", inventory, playbook)
	require.Equal(t, exitOK, code, again)
	assert.Regexp(t, `host1 +: ok=\d+ +changed=0 `, again, "a second run changes nothing")
}

func TestHostsThatCannotBeReachedDropOut(t *testing.T) {
	hosts := sshHosts(t, 2)
	silent, err := net.Listen("tcp", "127.0.3.99:0") // accepts, never answers
	require.NoError(t, err)
	defer silent.Close()
	other := sshdtest.Run(t, sshdtest.Config{Address: "127.0.3.77"})
	// host2's known key is that of another server: it has changed.
	known := write(t, "known_hosts", "")
	wrong, err := os.ReadFile(other.KnownHosts)
	require.NoError(t, err)
	address := hosts[1][strings.Index(hosts[1], "ansible_host=")+len("ansible_host="):]
	ip, rest, _ := strings.Cut(address, " ")
	port, _, _ := strings.Cut(strings.TrimPrefix(rest, "ansible_port="), " ")
	fields := strings.Fields(string(wrong))
	require.NoError(t, os.WriteFile(known, []byte(fmt.Sprintf("[%s]:%s %s\n", ip, port, strings.Join(fields[1:3], " "))), 0o600))
	hosts[1] = hosts[1][:strings.Index(hosts[1], "UserKnownHostsFile=")] + "UserKnownHostsFile=" + known + "'"

	hosts = append(hosts,
		"silent ansible_host=127.0.3.99 ansible_port="+fmt.Sprint(silent.Addr().(*net.TCPAddr).Port),
		"refused ansible_host=127.0.3.98 ansible_port=1")
	inventory := write(t, "hosts.ini", strings.Join(hosts, "\n"))
	playbook := write(t, "play.yml", "- hosts: all\n  gather_facts: false\n  tasks:\n    - ping:\n    - debug: {msg: here}\n")
	out, code := sunup(t, "run", "-T", "1", "-i", inventory, playbook)
	require.Equal(t, exitUnreachable, code, out)
	assert.Regexp(t, `host1 +: ok=2 `, out)
	for _, name := range []string{"host2", "silent", "refused"} {
		assert.Regexp(t, name+` +: ok=0 +changed=0 +unreachable=1 `, out)
	}
	assert.Regexp(t, `(?i)host key`, out, "the changed key is named")
	assert.Contains(t, out, known, "with the file that holds the old one")
}

func TestSudoOnRealServers(t *testing.T) {
	if err := sshdtest.CanMakeUsers(); err != nil {
		t.Skip("left out: ", err)
	}
	if err := sshdtest.Available(); err != nil {
		t.Skip("left out: ", err)
	}
	const secret = "corr3ct-horse"
	account := sshdtest.User(t, "sunuptest", secret, sshdtest.SudoPassword)
	s := sshdtest.Run(t, sshdtest.Config{User: account.Name, PAM: true})
	line := fmt.Sprintf("kiosk ansible_host=%s ansible_port=%d ansible_user=%s ansible_password=%s ansible_ssh_common_args='-F none -o UserKnownHostsFile=%s'",
		s.Host, s.Port, account.Name, secret, s.KnownHosts)
	playbook := write(t, "play.yml", `
- hosts: all
  gather_facts: false
  tasks:
    - command: id -un
      register: plain
    - command: id -un
      become: true
      register: root
    - debug: {msg: "{{ plain.stdout }} becomes {{ root.stdout }}"}
`)
	out, code := sunup(t, "run", "-v", "--output", "ansible", "-i", write(t, "hosts.ini", line+" ansible_become_password="+secret), playbook)
	require.Equal(t, exitOK, code, out)
	assert.Contains(t, out, account.Name+" becomes root")
	assert.NotContains(t, out, secret, "the password is nowhere in the output")

	out, code = sunup(t, "run", "--output", "ansible", "-i", write(t, "hosts.ini", line+" ansible_become_password=wrong"), playbook)
	require.Equal(t, exitFailed, code, out)
	assert.Contains(t, out, "password refused")

	out, code = sunup(t, "run", "--output", "ansible", "-i", write(t, "hosts.ini", line), playbook)
	require.Equal(t, exitFailed, code, out)
	assert.Contains(t, out, "password required")
}

// What is collected after a failure comes over the connection that the run has,
// as the user that the task is, and without secrets.
func TestGatherOnRealServers(t *testing.T) {
	lines := sshHosts(t, 2)
	logs := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(logs, "app.log"), []byte("begin\nuser=a password=corr3ct-horse\n"+strings.Repeat("x", 300<<10)+"\nthe end\n"), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(logs, "cp949.log"), []byte("\xb1\xe2\xb5\xbf \xbd\xc7\xc6\xd0\n"), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(logs, "wtmp"), []byte("a\x00b\xff\x01\n"), 0o644))
	playbook := write(t, "play.yml", `
- hosts: all
  gather_facts: false
  quarantine: true
  vars: {secret: corr3ct-horse}
  gather:
    - `+logs+`/*
    - command: echo $SSH_CONNECTION; grep -c . `+logs+`/app.log
    - {command: cat `+logs+`/app.log, most: 1K}
  tasks:
    - command: test "{{ secret }}" = "{{ inventory_hostname }}"
      no_log: true
      when: inventory_hostname == 'host1'
    - debug: {msg: goes on}
`)
	dir := t.TempDir()
	out, code := sunup(t, "run", "--output", "plain", "--report", dir, "--report-format", "all", "--events", filepath.Join(dir, "events.jsonl"),
		"-i", write(t, "hosts.ini", strings.Join(lines, "\n")), playbook)
	require.Equal(t, runner.CodeQuarantined, code, out)
	assert.NotContains(t, out, "collected: host2")
	of := func(name string) string {
		b, err := os.ReadFile(filepath.Join(dir, "gathered", "host1", filepath.FromSlash(name)))
		require.NoError(t, err, out)
		return string(b)
	}
	assert.True(t, strings.HasSuffix(of(logs+"/app.log"), "x\nthe end\n"))
	assert.Less(t, len(of(logs+"/app.log")), 65<<10, "the end of it")
	assert.Equal(t, "기동 실패\n", of(logs+"/cp949.log"))
	assert.NotContains(t, of(logs+"/wtmp"), "\x00")
	assert.Contains(t, of(logs+"/wtmp"), `\xff`)
	commands, err := filepath.Glob(filepath.Join(dir, "gathered", "host1", "commands", "*"))
	require.NoError(t, err)
	require.Len(t, commands, 2)
	first, err := os.ReadFile(commands[0])
	require.NoError(t, err)
	assert.Contains(t, string(first), "127.0.3.1 ", "on the host, over its connection")
	events, err := os.ReadFile(filepath.Join(dir, "events.jsonl"))
	require.NoError(t, err)
	assert.Equal(t, 5, strings.Count(string(events), `"type":"gathered"`))
	assert.Contains(t, string(events), `"host":"host1","handshakes":1,`, "no second connection")
	require.NoError(t, filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err == nil && info.Mode().IsRegular() {
			b, err := os.ReadFile(path)
			require.NoError(t, err)
			assert.NotContains(t, string(b), "corr3ct-horse", path)
		}
		return err
	}))
}

// Options of ssh come from ansible.cfg, the environment and variables, with the
// quotes of a shell; what stands first counts, as for ssh.
func TestOptionsOfSSHFromEverywhere(t *testing.T) {
	line := sshHosts(t, 1)[0]
	host, options, found := strings.Cut(line, " ansible_ssh_common_args='-F none -o UserKnownHostsFile=")
	require.True(t, found)
	known, rest, _ := strings.Cut(options, "'")
	play := write(t, "play.yml", "- hosts: all\n  gather_facts: false\n  tasks:\n    - ping:\n")

	config := write(t, "ansible.cfg", "[ssh_connection]\nssh_args = -F none -C -o ControlMaster=auto -o ControlPersist=60s -o \"UserKnownHostsFile="+known+"\"\n")
	t.Setenv("ANSIBLE_CONFIG", config)
	plain := write(t, "hosts.ini", host+rest+"\n")
	out, code := sunup(t, "run", "-i", plain, play)
	require.Equal(t, exitOK, code, out)

	t.Setenv("ANSIBLE_SSH_ARGS", "-F none -o UserKnownHostsFile=/nowhere")
	out, code = sunup(t, "run", "-T", "2", "-i", plain, play)
	require.Equal(t, exitUnreachable, code, "the environment is above ansible.cfg: %s", out)

	set := write(t, "hosts.ini", host+rest+` ansible_ssh_args="-F none -o UserKnownHostsFile=`+known+`" ansible_ssh_extra_args='-o UserKnownHostsFile=/nowhere'`+"\n")
	out, code = sunup(t, "run", "-i", set, play)
	require.Equal(t, exitOK, code, "a host's own are above both, and the first counts: %s", out)
}
