package lab_test

import (
	"bytes"
	"errors"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/pkg/sftp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"sunup/lab/machine"
	"sunup/lab/sshd"
)

func TestUnreachable(t *testing.T) {
	f := start(t, oneHost)
	h := f.Host("web1")
	dial(t, f, "web1", "ops")

	require.NoError(t, h.SetFault(sshd.Fault{Refuse: true}))
	_, err := net.Dial("tcp", h.Addr())
	require.ErrorContains(t, err, "refused")

	require.NoError(t, h.SetFault(sshd.Fault{Silent: true}))
	c, err := net.Dial("tcp", h.Addr())
	require.NoError(t, err)
	c.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	_, err = c.Read(make([]byte, 1))
	require.ErrorIs(t, err, os.ErrDeadlineExceeded, "a silent host says nothing")
	c.Close()

	require.NoError(t, h.SetFault(sshd.Fault{OtherKey: true}))
	_, err = dialErr(t, f, "web1", "ops")
	var changed *knownhosts.KeyError
	require.ErrorAs(t, err, &changed)

	require.NoError(t, h.SetFault(sshd.Fault{RejectLogin: true}))
	_, err = dialErr(t, f, "web1", "ops")
	require.ErrorContains(t, err, "unable to authenticate")

	require.NoError(t, h.SetFault(sshd.Fault{}))
	dial(t, f, "web1", "ops")
}

func TestDrops(t *testing.T) {
	f := start(t, oneHost)
	h := f.Host("web1")
	lost := func(c *ssh.Client, line string) {
		t.Helper()
		s, err := c.NewSession()
		require.NoError(t, err)
		err = s.Run(line)
		var missing *ssh.ExitMissingError
		assert.True(t, errors.As(err, &missing) || errors.Is(err, net.ErrClosed) || err != nil, "got %v", err)
		require.Error(t, err)
	}
	c := dial(t, f, "web1", "ops")
	require.NoError(t, h.SetFault(sshd.Fault{DropCommands: 2, DropTimes: 1}))
	assert.Equal(t, "1\n", run(t, c, "echo 1", "").out)
	lost(c, "sleep 100")
	// The command had begun: it is known that it ran.
	var seen bool
	for _, r := range h.Commands() {
		seen = seen || r.Login == "sleep 100"
	}
	assert.True(t, seen)
	c = dial(t, f, "web1", "ops")
	assert.Equal(t, "2\n", run(t, c, "echo 2", "").out, "only one connection is dropped")

	require.NoError(t, h.SetFault(sshd.Fault{DropBytes: 100_000}))
	c = dial(t, f, "web1", "ops")
	lost(c, "head -c 1000000 /dev/zero")
	require.NoError(t, h.SetFault(sshd.Fault{}))

	c = dial(t, f, "web1", "ops")
	h.Drop()
	_, err := c.NewSession()
	require.Error(t, err)
}

func TestReboot(t *testing.T) {
	f := start(t, oneHost+`    reboot: 1s
    services: {app: {enabled: true, ports: 80}, idle: {running: true}}
time_scale: 20
`)
	h := f.Host("web1")
	c := dial(t, f, "web1", "ops")
	before := run(t, c, "cat /proc/sys/kernel/random/boot_id; touch /tmp/gone /etc/kept 2>/dev/null; sudo touch /etc/kept", "").out
	require.NotEmpty(t, before)
	run(t, c, "sudo reboot", "")
	require.Eventually(t, func() bool { return !h.Machine().Up() }, 5*time.Second, time.Millisecond)
	require.Eventually(t, func() bool { _, err := c.NewSession(); return err != nil }, 5*time.Second, time.Millisecond)
	require.Eventually(t, func() bool { return h.Machine().Up() && h.Service("app").Status().State == machine.Active }, 5*time.Second, time.Millisecond)
	require.Eventually(t, func() bool {
		n, err := net.Dial("tcp", h.Addr())
		if err == nil {
			n.Close()
		}
		return err == nil
	}, 5*time.Second, time.Millisecond)
	c = dial(t, f, "web1", "ops")
	assert.NotEqual(t, before, run(t, c, "cat /proc/sys/kernel/random/boot_id", "").out)
	assert.Equal(t, result{"/etc/kept\n", "", 0}, run(t, c, "ls /etc/kept; ls /tmp", ""))
	assert.Equal(t, machine.Inactive, h.Service("idle").Status().State, "only enabled services come back")
}

func TestFullDisk(t *testing.T) {
	f := start(t, oneHost+`    disks: {/data: {size: 1M}}
    files: {/data/full: {size: 1000K}}
`)
	c := dial(t, f, "web1", "ops")
	assert.Equal(t, result{"", "cp: error writing '/data/x': No space left on device\n", 1}, run(t, c, "head -c 100000 /dev/zero >/tmp/x; sudo cp /tmp/x /data/x", ""))
	assert.Equal(t, result{"100%\n", "", 0}, run(t, c, "df -P /data | awk 'NR==2{print $5}'", ""))
	require.NoError(t, f.Host("web1").FillDisk("/", 10))
	assert.Equal(t, 1, run(t, c, "echo this is too much for the disk >/home/ops/f", "").code)
	require.NoError(t, f.Host("web1").FillDisk("/", -1))
	assert.Equal(t, 0, run(t, c, "echo this fits >/home/ops/f", "").code)
}

func TestServices(t *testing.T) {
	f := start(t, oneHost+`    services:
      good: {start: 10ms, ports: 8080, http: {/health: ok}, log: /var/log/good.log}
      bad: {fault: {fails: {code: 3, message: no cash module}}}
      once: {fault: {fails: {times: 1}}}
      mortal: {fault: {dies_after: 10ms}}
      hung: {fault: {hangs: start}}
time_scale: 1000
`)
	h := f.Host("web1")
	c := dial(t, f, "web1", "ops")
	assert.Equal(t, result{"inactive\n", "", 3}, run(t, c, "systemctl is-active good", ""))
	assert.Equal(t, 7, run(t, c, "curl -sf http://localhost:8080/health", "").code)
	assert.Equal(t, "Failed to start good.service: Interactive authentication required.\nSee system logs and 'systemctl status good.service' for details.\n", run(t, c, "systemctl start good", "").err)
	assert.Equal(t, result{"active\nok", "", 0}, run(t, c, "sudo systemctl start good && systemctl is-active good && curl -sf http://localhost:8080/health", ""))
	assert.Equal(t, 0, run(t, c, "nc -z localhost 8080 && ss -ltn | grep -q :8080 && sudo grep -q started /var/log/good.log && pgrep good", "").code)
	assert.Equal(t, result{"ActiveState=active\nSubState=running\nUnitFileState=disabled\n", "", 0}, run(t, c, "systemctl show good -p ActiveState,SubState -p UnitFileState", ""))
	r := run(t, c, "sudo systemctl start bad", "")
	assert.Equal(t, 1, r.code)
	assert.Equal(t, "Job for bad.service failed because the control process exited with error code.\nSee \"systemctl status bad.service\" and \"journalctl -xeu bad.service\" for details.\n", r.err)
	assert.Contains(t, run(t, c, "journalctl -u bad", "").out, "no cash module")
	assert.Equal(t, result{"failed\n", "", 0}, run(t, c, "systemctl is-failed bad", ""))
	assert.Equal(t, 1, run(t, c, "sudo systemctl start once", "").code)
	assert.Equal(t, 0, run(t, c, "sudo systemctl restart once", "").code)
	run(t, c, "sudo systemctl start mortal", "")
	require.Eventually(t, func() bool { return h.Service("mortal").Status().State == machine.Failed }, 5*time.Second, time.Millisecond)
	assert.Contains(t, run(t, c, "sudo systemctl start hung", "").err, "timeout was exceeded")
	assert.Equal(t, result{"", "Failed to start none.service: Unit none.service not found.\n", 5}, run(t, c, "sudo systemctl start none", ""))
	assert.Equal(t, "Created symlink /etc/systemd/system/multi-user.target.wants/good.service → /lib/systemd/system/good.service.\n", run(t, c, "sudo systemctl enable good", "").err)
	assert.Equal(t, result{"enabled\n", "", 0}, run(t, c, "systemctl is-enabled good", ""))
	// A unit that a playbook brings.
	assert.Equal(t, result{"active\n", "", 0}, run(t, c, `printf '[Service]\nExecStart=/bin/x\n' | sudo tee /etc/systemd/system/own.service >/dev/null; sudo systemctl daemon-reload; sudo systemctl start own; systemctl is-active own`, ""))
	assert.Equal(t, 137, run(t, c, "sleep 1000000 & kill -9 $!; wait $!", "").code)
}

func TestSudo(t *testing.T) {
	f := start(t, oneHost)
	login := func(user, password string) *ssh.Client {
		c, err := ssh.Dial("tcp", f.Host("web1").Addr(), &ssh.ClientConfig{User: user, Auth: []ssh.AuthMethod{ssh.Password(password)}, HostKeyCallback: ssh.FixedHostKey(f.Host("web1").Server().PublicKey())})
		require.NoError(t, err)
		t.Cleanup(func() { c.Close() })
		return c
	}
	eve, bob := login("eve", "evil"), login("bob", "bobs")
	assert.Equal(t, result{"", "sudo: a password is required\n", 1}, run(t, eve, "sudo -n id -u", ""))
	assert.Equal(t, result{"0\n", "PW: ", 0}, run(t, eve, "sudo -S -p 'PW: ' id -u", "evil\n"))
	assert.Equal(t, result{"0\nrest\n", "PW: ", 0}, run(t, eve, "sudo -S -p 'PW: ' sh -c 'id -u; cat'", "evil\nrest\n"))
	assert.Equal(t, result{"", "p:Sorry, try again.\np:\nsudo: 1 incorrect password attempt\n", 1}, run(t, eve, "sudo -S -p p: id", "wrong\n"))
	assert.Equal(t, 1, run(t, bob, "sudo -S -p p: id", "bobs\n").code)
	assert.Contains(t, run(t, bob, "sudo -S -p p: id", "bobs\n").err, "bob is not in the sudoers file")
	assert.Equal(t, result{"eve /home/eve\n", "Password: \n", 0}, run(t, bob, "su - eve -c 'echo $(whoami) $HOME'", "evil\n"))
	assert.Equal(t, result{"", "Password: \nsu: Authentication failure\n", 1}, run(t, bob, "su eve -c id", "no\n"))
	assert.Equal(t, result{"eve\n", "", 0}, run(t, dial(t, f, "web1", "ops"), "sudo -u eve whoami", ""))
}

func TestSFTP(t *testing.T) {
	f := start(t, oneHost)
	s, err := sftp.NewClient(dial(t, f, "web1", "ops"))
	require.NoError(t, err)
	defer s.Close()
	big := bytes.Repeat([]byte("0123456789"), 50_000)
	w, err := s.Create("big")
	require.NoError(t, err)
	_, err = w.ReadFrom(bytes.NewReader(big))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	require.NoError(t, s.Chmod("big", 0o600))
	require.NoError(t, s.PosixRename("big", "bigger"))
	got, err := f.Host("web1").ReadFile("/home/ops/bigger")
	require.NoError(t, err)
	assert.True(t, bytes.Equal(big, got))
	r, err := s.Open("bigger")
	require.NoError(t, err)
	var back bytes.Buffer
	_, err = r.WriteTo(&back)
	require.NoError(t, err)
	assert.True(t, bytes.Equal(big, back.Bytes()))
	r.Close()
	i, err := s.Stat("bigger")
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), i.Mode())
	_, err = s.Stat("nothing")
	assert.ErrorIs(t, err, os.ErrNotExist)
	_, err = s.Create("/etc/no")
	assert.ErrorIs(t, err, os.ErrPermission)
	require.NoError(t, s.Symlink("bigger", "link"))
	target, err := s.ReadLink("link")
	require.NoError(t, err)
	assert.Equal(t, "bigger", target)
	require.NoError(t, s.MkdirAll("a/b"))
	list, err := s.ReadDir(".")
	require.NoError(t, err)
	var names []string
	for _, i := range list {
		names = append(names, i.Name())
	}
	assert.Subset(t, names, []string{"a", "bigger", "link", ".ssh"})
	require.NoError(t, s.Remove("link"))
	require.NoError(t, s.RemoveDirectory("a/b"))
	wd, err := s.Getwd()
	require.NoError(t, err)
	assert.Equal(t, "/home/ops", wd)
}

func TestSession(t *testing.T) {
	f := start(t, oneHost)
	c := dial(t, f, "web1", "ops")
	ok, _, err := c.SendRequest("keepalive@openssh.com", true, nil)
	require.NoError(t, err)
	assert.False(t, ok)

	s, err := c.NewSession()
	require.NoError(t, err)
	require.NoError(t, s.Setenv("LC_TEST", "x"))
	require.NoError(t, s.RequestPty("xterm", 24, 80, nil))
	out, err := s.CombinedOutput("echo $LC_TEST $TERM; tty | cut -c1-9")
	require.NoError(t, err)
	assert.Equal(t, "x xterm\r\n/dev/pts/\r\n", string(out))

	s, err = c.NewSession()
	require.NoError(t, err)
	var buf bytes.Buffer
	s.Stdout, s.Stdin = &buf, strings.NewReader("x=1\necho $x\nread y\nfrom stdin\necho $y\nexit 4\n")
	require.NoError(t, s.Shell())
	err = s.Wait()
	var exit *ssh.ExitError
	require.ErrorAs(t, err, &exit)
	assert.Equal(t, 4, exit.ExitStatus())
	assert.Equal(t, "1\nfrom stdin\n", buf.String())

	s, err = c.NewSession()
	require.NoError(t, err)
	require.NoError(t, s.Start("sleep 1000"))
	require.NoError(t, s.Signal(ssh.SIGTERM))
	err = s.Wait()
	require.ErrorAs(t, err, &exit)
	assert.Equal(t, "TERM", exit.Signal())
}
