package ssh

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"sunup/internal/connection"
	"sunup/internal/connection/conntest"
	"sunup/internal/connection/sshdtest"
)

// cleanHost is a real sshd with a user who has no rc files, or, where no user can
// be made, with the one who runs the tests.
func cleanHost(t testing.TB, name string, extra ...string) *sshdtest.Server {
	t.Helper()
	cfg := sshdtest.Config{Extra: extra}
	if sshdtest.CanMakeUsers() == nil {
		cfg.User = sshdtest.User(t, name, secret, sshdtest.NoSudo).Name
	}
	return sshdtest.Run(t, cfg)
}

// cutPoints are numbers of bytes after which the cable is cut: close together
// at the beginning, where the protocol talks, and at the end.
func cutPoints(size int) []int64 {
	var list []int64
	for n := 0; n < 3000; n += 250 {
		list = append(list, int64(n))
	}
	for i := 1; i < 8; i++ {
		list = append(list, int64(size*i/8))
	}
	for d := -600; d <= 3000; d += 300 {
		list = append(list, int64(size+d))
	}
	return list
}

// A file copy that is cut leaves the old file or the new one, never a mixture,
// and says that the host was lost, or that all went well.
func TestCutFileCopy(t *testing.T) {
	t.Parallel()
	s := conntest.StartServer(t, conntest.ServerOptions{})
	noSFTP := conntest.StartServer(t, conntest.ServerOptions{NoSFTP: true})
	for _, c := range []struct {
		name   string
		server *conntest.Server
		size   int
	}{{"in a script", s, 20_000}, {"by SFTP", s, 300_000}, {"through a shell", noSFTP, 300_000}} {
		t.Run(c.name, func(t *testing.T) { cutCopies(t, c.server.Addr, to(c.server), c.size) })
	}
	t.Run("real sshd", func(t *testing.T) {
		real := cleanHost(t, "sunup-cut")
		cutCopies(t, real.Addr, real.Options("real"), 300_000)
	})
}

func cutCopies(t *testing.T, addr string, o connection.Options, size int) {
	cutter := conntest.NewCutter(t, addr)
	o.Address, o.Port = cutter.Host, cutter.Port
	o.HostKeys = connection.KeysOff // it is known by the server's own port
	l := open(t, o, Environment{})
	dir := t.TempDir()
	for _, d := range []string{dir, filepath.Dir(dir)} {
		os.Chmod(d, 0o777)
	}
	name := filepath.Join(dir, "file")
	old, fresh := bytes.Repeat([]byte("old "), size/4), bytes.Repeat([]byte("new "), size/4)
	ctx := context.Background()
	kept, replaced := 0, 0
	for _, n := range cutPoints(size) {
		if err := os.WriteFile(name, old, 0o666); err != nil {
			t.Fatal(err)
		}
		if err := try(t, l); err != nil { // connects anew
			t.Fatal(err)
		}
		cutter.CutAfter(n)
		err := l.As(connection.Become{}).Put(ctx, name, bytes.NewReader(fresh), int64(len(fresh)), 0)
		cutter.CutAfter(-1)
		var lost *connection.Unreachable
		if err != nil && !errors.As(err, &lost) {
			t.Errorf("cut after %d: %v", n, err)
		}
		got, readErr := os.ReadFile(name)
		switch {
		case readErr == nil && bytes.Equal(got, fresh):
			replaced++
		case readErr == nil && bytes.Equal(got, old) && err != nil:
			kept++
		default:
			t.Errorf("cut after %d: %d bytes, %v (Put: %v)", n, len(got), readErr, err)
		}
		if err == nil {
			l.Reset() // the cut may still be due
		}
	}
	if kept == 0 || replaced == 0 {
		t.Errorf("the cuts missed: %d old files, %d new", kept, replaced)
	}
}

// A command that is cut says that it was sent; the next one connects anew.
func TestCutCommand(t *testing.T) {
	t.Parallel()
	s := conntest.StartServer(t, conntest.ServerOptions{})
	l := open(t, to(s), Environment{})
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	go func() {
		f, err := os.OpenFile(fifo, os.O_RDONLY, 0) // until the command is there
		if err == nil {
			io.ReadAll(f)
			f.Close()
		}
		s.Cut()
	}()
	out, err := l.As(connection.Become{}).Exec(context.Background(), connection.Command{Script: "echo begun; echo x >" + fifo + "; sleep 300"})
	var lost *connection.Unreachable
	if !errors.As(err, &lost) || !lost.Sent || lost.Phase != connection.PhaseCommand {
		t.Errorf("%q %#v", out.Stdout, err)
	}
	if err := try(t, l); err != nil {
		t.Error(err)
	}
}

// On a full disk the old file stays and no temporary one is left.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := exec.Command("mount", "-t", "tmpfs", "-o", "size=256k,mode=777", "sunup-test", dir).Run(); err != nil {
		t.Skipf("left out: mounting a small tmpfs needs root: %v", err)
	}
	t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
	s := conntest.StartServer(t, conntest.ServerOptions{})
	noSFTP := conntest.StartServer(t, conntest.ServerOptions{NoSFTP: true})
	real := sshdtest.Run(t, sshdtest.Config{})
	for name, c := range map[string]struct {
		options connection.Options
		size    int
	}{
		"in a script": {to(s), 60_000}, "by SFTP": {to(s), 500_000}, "through a shell": {to(noSFTP), 500_000},
		"real sshd, in a script": {real.Options("r"), 60_000}, "real sshd": {real.Options("r"), 500_000},
	} {
		t.Run(name, func(t *testing.T) {
			l := open(t, c.options, Environment{})
			file := filepath.Join(dir, "file")
			os.WriteFile(file, []byte("old"), 0o600)
			os.WriteFile(filepath.Join(dir, "ballast"), make([]byte, 220_000), 0o600)
			err := l.As(connection.Become{}).Put(context.Background(), file, bytes.NewReader(bytes.Repeat([]byte("x"), c.size)), int64(c.size), 0)
			if !errors.Is(err, syscall.ENOSPC) {
				t.Errorf("got %v, want no space", err)
			}
			if got := readFile(t, file); got != "old" {
				t.Errorf("the old file is now %.20q", got)
			}
			if left, _ := filepath.Glob(filepath.Join(dir, ".*.sunup-*")); len(left) > 0 {
				t.Errorf("left behind: %q", left)
			}
		})
	}
}

// Cancelling a copy ends it and leaves the old file.
func TestCancelCopy(t *testing.T) {
	for name, so := range map[string]conntest.ServerOptions{"by SFTP": {}, "through a shell": {NoSFTP: true}} {
		t.Run(name, func(t *testing.T) {
			l := open(t, to(conntest.StartServer(t, so)), Environment{})
			file := filepath.Join(t.TempDir(), "file")
			os.WriteFile(file, []byte("old"), 0o600)
			ctx, cancel := context.WithCancel(context.Background())
			endless := readerFunc(func(p []byte) (int, error) { cancel(); return len(p), nil })
			err := l.As(connection.Become{}).Put(ctx, file, endless, -1, 0)
			if !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
			if got := readFile(t, file); got != "old" {
				t.Errorf("the old file is now %.20q", got)
			}
			if err := try(t, l); err != nil {
				t.Error(err)
			}
			l.Close()
			if left, _ := filepath.Glob(filepath.Join(filepath.Dir(file), ".*.sunup-*")); len(left) > 0 {
				t.Errorf("left behind: %q", left)
			}
		})
	}
}

type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// Real sshd drops logins at random above MaxStartups; pacing and retries get
// everybody in.
func TestMaxStartups(t *testing.T) {
	s := cleanHost(t, "sunup-crowd", "MaxStartups 10:30:100")
	errs := make(chan error, 40)
	for range cap(errs) {
		l := open(t, s.Options("real"), Environment{})
		go func() { errs <- try(t, l) }()
	}
	for range cap(errs) {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}

func TestChangedKeyOfRealHost(t *testing.T) {
	s, other := sshdtest.Run(t, sshdtest.Config{}), sshdtest.Run(t, sshdtest.Config{Address: "127.0.0.2"})
	o := s.Options("real")
	line := strings.Replace(readFile(t, other.KnownHosts), fmt.Sprintf("[127.0.0.2]:%d", other.Port), fmt.Sprintf("[127.0.0.1]:%d", s.Port), 1)
	name := filepath.Join(t.TempDir(), "known_hosts")
	os.WriteFile(name, []byte(line), 0o600)
	o.KnownHosts = []string{name}
	refusedAt(t, try(t, open(t, o, Environment{})), connection.PhaseHostKey, "CHANGED", name+":1")
}

// A host that takes files only says so in the output.
func TestForcedCommand(t *testing.T) {
	s := sshdtest.Run(t, sshdtest.Config{Extra: []string{"ForceCommand internal-sftp"}})
	out, err := open(t, s.Options("real"), Environment{}).As(connection.Become{}).Exec(context.Background(), connection.Command{Script: "echo hi"})
	if err != nil || out.Code == 0 || !strings.Contains(string(out.Stdout), "sftp connections only") {
		t.Errorf("%q %d %v", out.Stdout, out.Code, err)
	}
}

// BenchmarkRoundTrips is what one small command costs on real sshd: by the
// resident shell, and by a channel of its own as a bare client does it.
func BenchmarkRoundTrips(b *testing.B) {
	s := cleanHost(b, "sunup-bench")
	l := New(s.Options("bench"), Environment{Home: b.TempDir()})
	defer l.Close()
	ctx := context.Background()
	c := l.As(connection.Become{})
	if _, err := c.Exec(ctx, connection.Command{Script: "true"}); err != nil {
		b.Fatal(err)
	}
	run := func(name string, cmd connection.Command) {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if out, err := c.Exec(ctx, cmd); err != nil || string(out.Stdout) != "hi\n" {
					b.Fatalf("%q %v", out.Stdout, err)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "commands/s")
		})
	}
	run("resident", connection.Command{Script: "echo hi"})
	run("resident, own program", connection.Command{Script: "echo hi", Executable: "/bin/sh"})
	b.Run("bare exec channel", func(b *testing.B) {
		client := l.(*link).wire.client()
		for b.Loop() {
			session, err := client.NewSession()
			if err != nil {
				b.Fatal(err)
			}
			out, err := session.Output("echo hi")
			if err != nil || string(out) != "hi\n" {
				b.Fatalf("%q %v", out, err)
			}
		}
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "commands/s")
	})
	b.Run("put 2 KiB", func(b *testing.B) {
		data := strings.Repeat("x", 2048)
		dir := b.TempDir()
		for _, d := range []string{dir, filepath.Dir(dir)} {
			os.Chmod(d, 0o777)
		}
		name := filepath.Join(dir, "f")
		for b.Loop() {
			if err := c.Put(ctx, name, strings.NewReader(data), int64(len(data)), 0o644); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("put 8 MiB", func(b *testing.B) {
		data := make([]byte, 8<<20)
		dir := b.TempDir()
		for _, d := range []string{dir, filepath.Dir(dir)} {
			os.Chmod(d, 0o777)
		}
		name := filepath.Join(dir, "f")
		b.SetBytes(int64(len(data)))
		for b.Loop() {
			if err := c.Put(ctx, name, bytes.NewReader(data), int64(len(data)), 0o644); err != nil {
				b.Fatal(err)
			}
		}
	})
}
