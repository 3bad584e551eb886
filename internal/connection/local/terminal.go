package local

import (
	"os"
	"os/exec"

	"github.com/creack/pty"
)

// endOfInput is what a person types at the end (Ctrl-D).
const endOfInput = "\x04"

// startOnTerminal starts a child on a terminal of its own, without echo, as
// sshd would; both its streams come on it.
func startOnTerminal(line, dir string) (*process, error) {
	cmd := exec.Command("/bin/sh", "-c", "stty -echo\n"+line)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "TERM=dumb")
	screen, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 50, Cols: 200})
	if err != nil {
		return nil, err
	}
	// Nothing comes on the other stream.
	empty, w, err := os.Pipe()
	if err != nil {
		screen.Close()
		return nil, err
	}
	w.Close()
	p := &process{cmd: cmd, stdin: screen, stdout: screen, stderr: empty, terminal: true, over: make(chan struct{})}
	go p.reap()
	return p, nil
}
