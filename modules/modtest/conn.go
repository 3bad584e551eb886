package modtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sunup/internal/connection"
	"sunup/internal/connection/local"
)

// Sh is a Conn that runs every script in a new shell of this machine.
type Sh struct {
	// Shell is the program and its arguments before the script; /bin/sh -c
	// when empty.
	Shell []string
	Env   []string
	Dir   string
	// Scripts counts the exchanges; a module may have several under way.
	Scripts atomic.Int64
}

// Exec runs the script.
func (s *Sh) Exec(ctx context.Context, cmd connection.Command) (connection.Output, error) {
	s.Scripts.Add(1)
	argv := s.Shell
	if len(argv) == 0 {
		argv = []string{"/bin/sh", "-c"}
	}
	if cmd.Executable != "" {
		argv = []string{cmd.Executable, "-c"}
	}
	p := exec.CommandContext(ctx, argv[0], append(argv[1:len(argv):len(argv)], cmd.Script)...)
	p.Env = append(append(os.Environ(), s.Env...), cmd.Env...)
	p.Dir = s.Dir
	if cmd.Dir != "" {
		p.Dir = cmd.Dir
	}
	p.Stdin = cmd.Stdin
	var stdout, stderr bytes.Buffer
	p.Stdout, p.Stderr = &stdout, &stderr
	started := time.Now()
	err := p.Run()
	var ended *exec.ExitError
	if err != nil && !errors.As(err, &ended) {
		return connection.Output{}, fmt.Errorf("run shell: %w", err)
	}
	if ctx.Err() != nil {
		return connection.Output{}, ctx.Err()
	}
	return connection.Output{Stdout: stdout.Bytes(), Stderr: stderr.Bytes(), Code: p.ProcessState.ExitCode(), Started: started, Ended: time.Now()}, nil
}

// Put writes a file beside and renames it.
func (s *Sh) Put(_ context.Context, path string, r io.Reader, _ int64, mode fs.FileMode) error {
	if mode == 0 {
		mode = 0o644
	}
	t, err := os.CreateTemp(filepath.Dir(path), ".put")
	if err != nil {
		return err
	}
	defer os.Remove(t.Name())
	if _, err := io.Copy(t, r); err != nil {
		return err
	}
	if err := t.Chmod(mode); err != nil {
		return err
	}
	if err := t.Close(); err != nil {
		return err
	}
	return os.Rename(t.Name(), path)
}

// Get reads a file.
func (s *Sh) Get(_ context.Context, path string, w io.Writer) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(w, f)
	return err
}

// Resident is the local connection, whose shells live from one command to the
// next, with an environment and a directory.
type Resident struct {
	connection.Conn
	Env []string
	Dir string
}

// NewResident returns a Resident that t ends.
func NewResident(t *testing.T) *Resident {
	t.Helper()
	link := local.New(connection.Options{Name: "testhost"})
	t.Cleanup(func() { _ = link.Close() })
	return &Resident{Conn: link.As(connection.Become{})}
}

// Exec runs the script with the environment.
func (r *Resident) Exec(ctx context.Context, cmd connection.Command) (connection.Output, error) {
	cmd.Env = append(r.Env[:len(r.Env):len(r.Env)], cmd.Env...)
	if cmd.Dir == "" {
		cmd.Dir = r.Dir
	}
	return r.Conn.Exec(ctx, cmd)
}

// Host is a pretended host: a Conn that answers scripts as it was told, in
// order.
type Host struct {
	Exchanges []Exchange
	// Files are what Get reads and Put writes.
	Files map[string][]byte

	mu   sync.Mutex
	next int
	// Scripts are what was sent.
	Scripts []string
}

// Exec answers with the next exchange.
func (h *Host) Exec(ctx context.Context, cmd connection.Command) (connection.Output, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return connection.Output{}, err
	}
	h.Scripts = append(h.Scripts, cmd.Script)
	if h.next >= len(h.Exchanges) {
		return connection.Output{}, fmt.Errorf("pretended host: exchange %d was not expected:\n%s", h.next+1, cmd.Script)
	}
	x := h.Exchanges[h.next]
	h.next++
	for _, text := range x.Has {
		if !strings.Contains(cmd.Script, text) {
			return connection.Output{}, fmt.Errorf("pretended host: exchange %d lacks %q:\n%s", h.next, text, cmd.Script)
		}
	}
	var stdin []byte
	if cmd.Stdin != nil {
		var err error
		if stdin, err = io.ReadAll(cmd.Stdin); err != nil {
			return connection.Output{}, fmt.Errorf("pretended host: read stdin: %w", err)
		}
	}
	if !bytes.Contains(stdin, []byte(x.Stdin)) {
		return connection.Output{}, fmt.Errorf("pretended host: exchange %d: stdin lacks %q: %q", h.next, x.Stdin, stdin)
	}
	if x.Unreachable {
		return connection.Output{}, &connection.Unreachable{Host: "pretended:22", Phase: connection.PhaseCommand, Sent: true, Err: errors.New("connection lost")}
	}
	started := time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)
	out := connection.Output{Stdout: []byte(x.Stdout), Stderr: []byte(x.Stderr), Code: x.Code, Started: started, Ended: started.Add(time.Second)}
	if x.TimeLimit {
		return out, &connection.TimeLimit{Limit: time.Second}
	}
	return out, nil
}

// Left returns how many expected exchanges did not happen.
func (h *Host) Left() int { return len(h.Exchanges) - h.next }

// Put keeps the content under its path.
func (h *Host) Put(_ context.Context, path string, r io.Reader, _ int64, _ fs.FileMode) error {
	b, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.Files == nil {
		h.Files = map[string][]byte{}
	}
	h.Files[path] = b
	return nil
}

// Get gives the content kept under a path.
func (h *Host) Get(_ context.Context, path string, w io.Writer) error {
	h.mu.Lock()
	b, ok := h.Files[path]
	h.mu.Unlock()
	if !ok {
		return &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	}
	_, err := w.Write(b)
	return err
}
