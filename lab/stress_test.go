package lab_test

import (
	"bufio"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"golang.org/x/crypto/ssh"
)

// TestManyShells starts resident shells side by side, as a run does, and sends
// scripts to them.
func TestManyShells(t *testing.T) {
	const hosts, rounds = 40, 5
	f := start(t, strings.ReplaceAll(oneHost, "hosts: web1", fmt.Sprintf("hosts: 'web[1:%d]'", hosts)))
	var wg sync.WaitGroup
	for i := 1; i <= hosts; i++ {
		c := dial(t, f, fmt.Sprintf("web%d", i), "ops")
		for range rounds {
			wg.Go(func() { assert.NoError(t, converse(c)) })
		}
	}
	wg.Wait()
}

// converse starts one shell and exchanges a few scripts with it.
func converse(c *ssh.Client) error {
	s, err := c.NewSession()
	if err != nil {
		return fmt.Errorf("open a session: %w", err)
	}
	defer s.Close()
	in, _ := s.StdinPipe()
	out, _ := s.StdoutPipe()
	errOut, _ := s.StderrPipe()
	// A shell that does not answer is cut off, so that the test says so.
	late := time.AfterFunc(20*time.Second, func() { c.Close() })
	defer late.Stop()
	if err := s.Start(`sudo -H -S -n -u root /bin/sh -c 'printf "ready\n"; printf "ready\n" >&2; exec /bin/sh'`); err != nil {
		return fmt.Errorf("start: %w", err)
	}
	lines, errLines := bufio.NewReader(out), bufio.NewReader(errOut)
	for _, r := range []*bufio.Reader{lines, errLines} {
		if line, err := r.ReadString('\n'); line != "ready\n" {
			return fmt.Errorf("greeting: %q, %w", line, err)
		}
	}
	for i := range 10 {
		fmt.Fprintf(in, "wait $W 2>/dev/null; { ( eval 'cd /etc; stat -c %%a passwd; exit %d'\n) </dev/null; printf 'mark %%s\\n' $?; printf 'mark\\n' >&2; } & W=$!\n", i)
		for _, want := range []string{"644\n", fmt.Sprintf("mark %d\n", i)} {
			if line, err := lines.ReadString('\n'); line != want {
				return fmt.Errorf("answer %d: %q, %w", i, line, err)
			}
		}
		if line, err := errLines.ReadString('\n'); line != "mark\n" {
			return fmt.Errorf("mark %d: %q, %w", i, line, err)
		}
	}
	in.Close()
	return s.Wait()
}
