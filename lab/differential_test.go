package lab_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestDifferential runs the scripts of testdata/differential here and on a lab
// host, in an empty directory each, and wants the same output and exit code. A
// script of bash begins with #!/bin/bash; a line "# needs: tool" leaves it out
// where this machine lacks the tool.
func TestDifferential(t *testing.T) {
	if _, err := exec.LookPath("dash"); err != nil {
		t.Skip("left out: this machine has no dash to compare with")
	}
	f := start(t, oneHost)
	c := dial(t, f, "web1", "ops")
	scripts, err := filepath.Glob("testdata/differential/*.sh")
	require.NoError(t, err)
	require.NotEmpty(t, scripts)
	for _, file := range scripts {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".sh"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			for line := range strings.Lines(string(text)) {
				if tool, ok := strings.CutPrefix(strings.TrimSpace(line), "# needs: "); ok {
					if _, err := exec.LookPath(tool); err != nil {
						t.Skipf("left out: this machine has no %s", tool)
					}
				}
			}
			shell := "/bin/dash"
			if bytes.HasPrefix(text, []byte("#!/bin/bash")) {
				shell = "/bin/bash"
			}
			name := strings.TrimSuffix(filepath.Base(file), ".sh")
			require.NoError(t, f.Host("web1").WriteFile("/scripts/"+name, text, 0o755))
			run(t, c, "rm -rf /tmp/w; mkdir /tmp/w", "")
			got := run(t, c, "cd /tmp/w && env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/tmp LC_ALL=C TZ=UTC "+shell+" /scripts/"+name, "one\ntwo\nthree\n")
			want := runHere(t, shell, file)
			require.Equal(t, want.out, got.out, "standard error here: %s\nthere: %s", want.err, got.err)
			require.Equal(t, want.code, got.code, "standard error here: %s\nthere: %s", want.err, got.err)
		})
	}
}

func runHere(t *testing.T, shell, file string) result {
	t.Helper()
	file, err := filepath.Abs(file)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, shell, file)
	cmd.Dir = t.TempDir()
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/tmp", "LC_ALL=C", "TZ=UTC"}
	cmd.Stdin = strings.NewReader("one\ntwo\nthree\n")
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	err = cmd.Run()
	code := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		code = exit.ExitCode()
	} else {
		require.NoError(t, err)
	}
	return result{out.String(), errOut.String(), code}
}
