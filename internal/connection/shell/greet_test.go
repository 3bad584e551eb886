package shell

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"

	"sunup/internal/connection"
)

// fakeHost answers a command line by a function that gets its ready mark, its
// prompt and what is typed; it stands for methods that this machine has not.
type fakeHost struct {
	answer func(line string, in *io.PipeReader, out, errOut io.Writer) int
}

func (f fakeHost) Host() string { return "fake:22" }

func (f fakeHost) Start(_ context.Context, line string, _ bool) (Process, error) {
	p := &fakeProcess{over: make(chan struct{})}
	inR, inW := io.Pipe()
	outR, outW := io.Pipe()
	errR, errW := io.Pipe()
	p.in, p.out, p.err = inW, outR, errR
	p.close = func() { inR.Close(); outR.Close(); errR.Close() }
	go func() {
		defer close(p.over)
		p.code = f.answer(line, inR, outW, errW)
		outW.Close()
		errW.Close()
		inR.Close()
	}()
	return p, nil
}

type fakeProcess struct {
	in       *io.PipeWriter
	out, err *io.PipeReader
	close    func()
	once     sync.Once
	over     chan struct{}
	code     int
}

func (p *fakeProcess) Write(b []byte) (int, error) { return p.in.Write(b) }
func (p *fakeProcess) CloseWrite() error           { return p.in.Close() }
func (p *fakeProcess) Stdout() io.Reader           { return p.out }
func (p *fakeProcess) Stderr() io.Reader           { return p.err }
func (p *fakeProcess) Signal(string) error         { return nil }
func (p *fakeProcess) Wait() (int, error)          { <-p.over; return p.code, nil }
func (p *fakeProcess) Close() error                { p.once.Do(p.close); return nil }

// mark is the ready mark of a command line.
func mark(line string) string {
	_, rest, _ := strings.Cut(line, "echo ")
	m, _, _ := strings.Cut(rest, ";")
	return m
}

func readLine(in io.Reader) string {
	var b [1]byte
	var line strings.Builder
	for {
		if _, err := in.Read(b[:]); err != nil || b[0] == '\n' {
			return line.String()
		}
		line.WriteByte(b[0])
	}
}

// tryGreet starts a session on a fake host and says what became of it.
func tryGreet(t *testing.T, b connection.Become, answer func(line string, in *io.PipeReader, out, errOut io.Writer) int) error {
	t.Helper()
	var work Work
	s, err := launch(context.Background(), fakeHost{answer}, b, "/bin/sh", false, &work)
	if s != nil {
		s.close()
	}
	work.Wait()
	return err
}

func TestGreet(t *testing.T) {
	ready := func(line string, out, errOut io.Writer) {
		io.WriteString(out, mark(line)+"\n")
		io.WriteString(errOut, mark(line)+"\n")
	}
	su := connection.Become{Method: "su", Password: "pw"}
	t.Run("much noise before", func(t *testing.T) {
		err := tryGreet(t, connection.Become{}, func(line string, in *io.PipeReader, out, errOut io.Writer) int {
			io.WriteString(out, strings.Repeat("motd\n", 5000)+"no end of line")
			ready(line, out, errOut)
			io.Copy(io.Discard, in)
			return 0
		})
		if err != nil {
			t.Error(err)
		}
	})
	t.Run("prompt after much noise, on stdout", func(t *testing.T) {
		var typed string
		err := tryGreet(t, su, func(line string, in *io.PipeReader, out, errOut io.Writer) int {
			io.WriteString(errOut, strings.Repeat("notice\n", 5000))
			io.WriteString(out, "welcome: ")
			io.WriteString(out, "Password: ")
			typed = readLine(in)
			ready(line, out, errOut)
			io.Copy(io.Discard, in)
			return 0
		})
		if err != nil || typed != "pw" {
			t.Errorf("typed %q, %v", typed, err)
		}
	})
	t.Run("noise that ends like a prompt is not answered", func(t *testing.T) {
		var typed string
		err := tryGreet(t, su, func(line string, in *io.PipeReader, out, errOut io.Writer) int {
			io.WriteString(out, "last login:")
			ready(line, out, errOut)
			typed = readLine(in)
			io.Copy(io.Discard, in)
			return 0
		})
		if err != nil || strings.Contains(typed, "pw") {
			t.Errorf("typed %q, %v", typed, err)
		}
	})
	t.Run("asked twice", func(t *testing.T) {
		times := 0
		err := tryGreet(t, su, func(line string, in *io.PipeReader, out, errOut io.Writer) int {
			for range 2 {
				io.WriteString(errOut, "암호: ")
				if readLine(in) != "" {
					times++
				}
			}
			io.WriteString(errOut, "su: Authentication failure\n")
			return 1
		})
		var refused *connection.BecomeFailed
		if !errors.As(err, &refused) || refused.Reason != "password refused" || times != 1 {
			t.Errorf("%v, sent %d times", err, times)
		}
	})
	t.Run("nothing but an end", func(t *testing.T) {
		err := tryGreet(t, connection.Become{}, func(string, *io.PipeReader, io.Writer, io.Writer) int { return 1 })
		var none *noShell
		if !errors.As(err, &none) || none.code != 1 {
			t.Error(err)
		}
	})
}
