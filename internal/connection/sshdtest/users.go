package sshdtest

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Account is a user made for tests.
type Account struct {
	Name     string
	Password string
	Home     string
}

// Sudo says what an account may become.
type Sudo int

// The rules an account may get.
const (
	NoSudo          Sudo = iota // not in sudoers
	SudoFree                    // any user without password
	SudoPassword                // any user with its own password
	SudoTerminal                // the same, on a terminal only (requiretty)
	SudoOwnTerminal             // the same, sudo runs commands on one of its own (use_pty)
)

// CanMakeUsers says why no user can be made here; nil when one can.
func CanMakeUsers() error {
	if os.Geteuid() != 0 {
		return errors.New("making users needs root")
	}
	for _, tool := range []string{"useradd", "userdel", "chpasswd"} {
		if _, err := exec.LookPath(tool); err != nil {
			return err
		}
	}
	return nil
}

// NewAccount makes a user with an empty home and /bin/sh. Remove it afterwards.
func NewAccount(name, password string, sudo Sudo) (*Account, error) {
	if err := CanMakeUsers(); err != nil {
		return nil, err
	}
	a := &Account{Name: name, Password: password, Home: "/home/" + name}
	a.Remove() // what an interrupted test left
	if err := tool("", "useradd", "--create-home", "--skel", "/nonexistent-skeleton", "--shell", "/bin/sh", "--user-group", name); err != nil {
		return nil, err
	}
	if err := tool(name+":"+password+"\n", "chpasswd"); err != nil {
		a.Remove()
		return nil, err
	}
	if err := a.allow(sudo); err != nil {
		a.Remove()
		return nil, err
	}
	return a, nil
}

func (a *Account) allow(sudo Sudo) error {
	if sudo == NoSudo {
		return nil
	}
	rule := map[Sudo]string{SudoFree: "NOPASSWD: "}[sudo]
	defaults := map[Sudo]string{SudoTerminal: ", requiretty", SudoOwnTerminal: ", use_pty"}[sudo]
	if _, err := exec.LookPath("sudo"); err != nil {
		return fmt.Errorf("sudo is not installed: %w", err)
	}
	text := fmt.Sprintf("%[1]s ALL=(ALL:ALL) %[2]sALL\nDefaults:%[1]s !lecture, timestamp_timeout=0%[3]s\n", a.Name, rule, defaults)
	return os.WriteFile(a.rulesFile(), []byte(text), 0o440)
}

func (a *Account) rulesFile() string {
	return filepath.Join("/etc/sudoers.d", "sunup-test-"+strings.ReplaceAll(a.Name, ".", "-"))
}

// Remove deletes the user, its home and its sudo rules.
func (a *Account) Remove() error {
	os.Remove(a.rulesFile())
	err := tool("", "userdel", "--force", a.Name)
	os.RemoveAll(a.Home)
	return err
}

// tool runs a program that changes the machine's users. Only one such program
// may at a time, so that others are waited for.
func tool(stdin, name string, args ...string) error {
	for try := 0; ; try++ {
		cmd := exec.Command(name, args...)
		cmd.Stdin = strings.NewReader(stdin)
		out, err := cmd.CombinedOutput()
		if err == nil {
			return nil
		}
		if try == 100 || !bytes.Contains(out, []byte("lock")) {
			return fmt.Errorf("%s: %w: %s", name, err, bytes.TrimSpace(out))
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// User is NewAccount for a test: skipped where it cannot be, removed at the end.
func User(t testing.TB, name, password string, sudo Sudo) *Account {
	t.Helper()
	if err := CanMakeUsers(); err != nil {
		t.Skipf("left out: %v", err)
	}
	if sudo != NoSudo {
		if _, err := exec.LookPath("sudo"); err != nil {
			t.Skipf("left out: %v", err)
		}
	}
	a, err := NewAccount(name, password, sudo)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Remove() })
	return a
}
