package lab_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestNothingReal holds that what runs on a simulated host cannot reach the
// machine underneath: the packages behind its shell and tools do not import
// what could.
func TestNothingReal(t *testing.T) {
	for _, pkg := range []string{"awk", "glob", "hostfs", "image", "machine", "shell", "tools"} {
		out, err := exec.Command("go", "list", "-f", `{{join .Imports "\n"}}`, "sunup/lab/"+pkg).Output()
		require.NoError(t, err)
		for _, imported := range strings.Fields(string(out)) {
			switch imported {
			case "os", "os/exec", "os/user", "syscall", "net", "net/http", "io/ioutil", "mvdan.cc/sh/v3/interp", "mvdan.cc/sh/v3/expand", "path/filepath":
				t.Errorf("lab/%s imports %s", pkg, imported)
			}
		}
	}
}

func TestIsolation(t *testing.T) {
	f := start(t, strings.ReplaceAll(oneHost, "hosts: web1", "hosts: [web1, web2]"))
	c, other := dial(t, f, "web1", "ops"), dial(t, f, "web2", "ops")
	secret := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(secret, []byte("real"), 0o644))
	dir := filepath.Dir(secret)

	for _, line := range []string{"cat " + secret, "cd " + dir, "test -r " + secret, "ls " + dir, ". " + secret, "cat <" + secret, "exec 3<" + secret, "sudo cat " + secret} {
		assert.NotZero(t, run(t, c, line, "").code, line)
	}
	assert.Equal(t, dir+"/*\n", run(t, c, "echo "+dir+"/*", "").out)
	for _, line := range []string{"echo x >" + secret, "sudo sh -c 'mkdir -p " + dir + "; echo x >" + secret + "'", "sudo rm -rf " + dir, "sudo sh -c 'sed -i s/real/fake/ " + secret + "'"} {
		run(t, c, line, "")
	}
	data, err := os.ReadFile(secret)
	require.NoError(t, err)
	assert.Equal(t, "real", string(data), "a command on a simulated host changed a real file")

	here, err := os.ReadFile("/etc/passwd")
	require.NoError(t, err)
	there := run(t, c, "cat /etc/passwd", "").out
	assert.NotEqual(t, string(here), there)
	assert.Contains(t, there, "ops:x:1000:1000:")
	assert.Equal(t, "/home/ops ~nobodyelse\n", run(t, c, "echo ~ops ~nobodyelse", "").out)

	// Hosts do not see each other's files either.
	run(t, c, "echo mine >/tmp/mine", "")
	assert.NotZero(t, run(t, other, "cat /tmp/mine", "").code)
	assert.Equal(t, "ops\n", run(t, c, "id -un", "").out)
	assert.NotEqual(t, run(t, c, "cat /proc/sys/kernel/random/boot_id", "").out, run(t, other, "cat /proc/sys/kernel/random/boot_id", "").out)
}

func TestPermissions(t *testing.T) {
	f := start(t, oneHost)
	c := dial(t, f, "web1", "ops")
	assert.Equal(t, result{"", "cat: /etc/shadow: Permission denied\n", 1}, run(t, c, "cat /etc/shadow", ""))
	assert.Equal(t, result{"", "bash: line 1: /etc/x: Permission denied\n", 1}, run(t, c, "echo x >/etc/x", ""))
	assert.Equal(t, result{"", "touch: cannot touch '/root/x': Permission denied\n", 1}, run(t, c, "touch /root/x", ""))
	assert.Equal(t, 1, run(t, c, "rm -f /etc/passwd", "").code)
	assert.Equal(t, 1, run(t, c, "kill 1", "").code)
	assert.Equal(t, "root\n", run(t, c, "sudo cat /etc/shadow | head -1 | cut -d: -f1", "").out)
}
