package conntest

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Shells are the POSIX shells of this machine that the contract is tried with,
// by name; what is missing is said in the test's log.
func Shells(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{"sh": "/bin/sh"}
	usual, _ := filepath.EvalSymlinks("/bin/sh")
	for _, name := range []string{"dash", "bash"} {
		if path, err := exec.LookPath(name); err == nil {
			if filepath.Base(usual) != name {
				found[name] = path
			}
		} else {
			t.Logf("left out: %s is not installed", name)
		}
	}
	busybox, err := exec.LookPath("busybox")
	if err != nil {
		t.Log("left out: busybox is not installed")
		return found
	}
	// busybox is a shell when it is called one.
	link := filepath.Join(t.TempDir(), "sh")
	if err := os.Symlink(busybox, link); err != nil {
		t.Fatal(err)
	}
	shared(t, filepath.Dir(link))
	found["busybox"] = link
	return found
}
