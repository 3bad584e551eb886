package lab_test

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"sunup/lab"
	"sunup/lab/scenario"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const oneHost = `
login: ops
users:
  ops: {uid: 1000, key: true, password: secret, sudo: nopasswd}
  eve: {uid: 1001, password: evil, sudo: password}
  bob: {uid: 1002, password: bobs}
groups:
  web:
    hosts: web1
`

// start runs a fleet from the text of a scenario till the end of the test.
func start(t *testing.T, text string) *lab.Fleet {
	t.Helper()
	s, err := scenario.Parse("test.yml", []byte(text))
	require.NoError(t, err)
	f, err := lab.Start(context.Background(), s)
	require.NoError(t, err)
	t.Cleanup(f.Close)
	return f
}

// dial logs in with the fleet's key.
func dial(t *testing.T, f *lab.Fleet, host, user string) *ssh.Client {
	t.Helper()
	c, err := dialErr(t, f, host, user)
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	return c
}

func dialErr(t *testing.T, f *lab.Fleet, host, user string) (*ssh.Client, error) {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, f.WriteAccess(dir))
	key, err := os.ReadFile(filepath.Join(dir, lab.KeyFile))
	require.NoError(t, err)
	signer, err := ssh.ParsePrivateKey(key)
	require.NoError(t, err)
	check, err := knownhosts.New(filepath.Join(dir, lab.KnownHostsFile))
	require.NoError(t, err)
	return ssh.Dial("tcp", f.Host(host).Addr(), &ssh.ClientConfig{User: user, Auth: []ssh.AuthMethod{ssh.PublicKeys(signer)}, HostKeyCallback: check, Timeout: 5 * time.Second})
}

type result struct {
	out, err string
	code     int
}

func run(t *testing.T, c *ssh.Client, line, stdin string) result {
	t.Helper()
	s, err := c.NewSession()
	require.NoError(t, err)
	defer s.Close()
	var out, errOut bytes.Buffer
	s.Stdout, s.Stderr, s.Stdin = &out, &errOut, bytes.NewBufferString(stdin)
	err = s.Run(line)
	code := 0
	if e, ok := err.(*ssh.ExitError); ok {
		code = e.ExitStatus()
	} else if err != io.EOF {
		// EOF says that the command, which ended well, had not read its input.
		require.NoError(t, err)
	}
	return result{out.String(), errOut.String(), code}
}

func TestExec(t *testing.T) {
	f := start(t, oneHost)
	c := dial(t, f, "web1", "ops")
	require.Equal(t, result{"web1\nops\n", "", 0}, run(t, c, "hostname; whoami", ""))
	require.Equal(t, result{"", "bash: line 1: nonsense: command not found\n", 127}, run(t, c, "nonsense", ""))
	require.Equal(t, result{"root\n", "", 0}, run(t, c, "sudo -n whoami", ""))
	require.Equal(t, result{"hello\n", "", 3}, run(t, c, "cat; exit 3", "hello\n"))
}
