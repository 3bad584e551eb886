package lab_test

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"sunup/lab/hostfs"
	"sunup/lab/image"
	"sunup/lab/machine"
)

// FuzzShell runs any text as a script of sh and bash and wants the process to
// end without a fault of ours.
func FuzzShell(f *testing.F) {
	files, _ := filepath.Glob("testdata/differential/*.sh")
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(data))
	}
	for _, s := range []string{"${x", "$((1/0))", "a() { a; }; a", "[[ x =~ ( ]]", "awk '{'", "sed 's/\\(/x/'", "printf %*d 9999999 1", "tr a- b", "cut -f 0", "find . -exec", "date -d @x", "expr 1 / 0", "echo {1..99999}", "x=${y//?/z}", "ls [a-", "sort -k x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, script string) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		m := machine.New(ctx, machine.Spec{Name: "fuzz", Speed: 1e6}, hostfs.New(image.Base()), image.Programs(), machine.RealClock)
		m.Boot()
		root, _ := m.User("root")
		for _, shell := range []string{"sh", "bash"} {
			p := m.Login(root, []string{shell, "-c", script}, nil)
			r, w := machine.Pipe()
			p.SetFD(0, machine.NewBytes([]byte("input\n")))
			p.SetFD(1, w)
			p.SetFD(2, w.Hold())
			done := make(chan struct{})
			go func() {
				defer close(done)
				io.Copy(io.Discard, machine.Reader{Ctx: ctx, D: r})
			}()
			img, err := p.Load("/bin/"+shell, p.Argv)
			if err != nil {
				t.Fatal(err)
			}
			p.Go(func() int { return p.Become(img) })
			select {
			case <-p.Done():
			case <-time.After(20 * time.Second):
				t.Fatalf("%s does not end", shell)
			}
			if p.ExitStatus() == 139 {
				t.Errorf("%s: a fault of ours", shell)
			}
		}
		cancel()
		m.Wait()
	})
}
