package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// inside is the argument that makes this program set up the sandbox it has
// been started in; people do not use it.
const (
	inside     = "inside-sandbox"
	withWeb    = "with-web"
	withoutWeb = "without-web"
)

// runInSandbox runs a script in a sandbox of its own until limit. Its output
// goes to log. TimedOut means that limit cut it off.
func runInSandbox(ctx context.Context, scratch, script string, web bool, limit time.Duration, log *os.File) (code int, timedOut bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	self, err := os.Executable()
	if err != nil {
		return 0, false, err
	}
	word := withoutWeb
	if web {
		word = withWeb
	}
	cmd := exec.CommandContext(ctx, self, inside, scratch, script, word)
	cmd.Stdout, cmd.Stderr = log, log
	// The sandbox's first process is the root of its process tree: when it is
	// killed, the kernel ends all the others.
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWIPC | syscall.CLONE_NEWUTS | syscall.CLONE_NEWNET,
		Pdeathsig:  syscall.SIGKILL,
		Setsid:     true,
	}
	err = cmd.Run()
	if ctx.Err() != nil {
		return -1, true, nil
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode(), false, nil
	}
	return 0, false, err
}

// enterSandbox builds the sandbox's root and runs the script in it. It is the
// first process of the sandbox and returns the script's exit code.
func enterSandbox(scratch, script string, web bool) (int, error) {
	root, err := overlayRoot(scratch)
	if err != nil {
		return 0, fmt.Errorf("build the sandbox: %w", err)
	}
	if err := os.Chdir(root); err != nil {
		return 0, err
	}
	if err := syscall.Chroot(root); err != nil {
		return 0, fmt.Errorf("enter the sandbox: %w", err)
	}
	if web {
		if err := serveWeb(); err != nil {
			return 0, fmt.Errorf("start the web server: %w", err)
		}
	}
	cmd := exec.Command("/bin/bash", script)
	cmd.Dir, cmd.Stdout, cmd.Stderr = "/", os.Stdout, os.Stderr
	cmd.Env = []string{"HOME=/root", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8", "TERM=dumb", "USER=root", "LOGNAME=root"}
	err = cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode(), nil
	}
	return 0, err
}

// overlayRoot mounts an overlay over / whose changes are in memory.
func overlayRoot(scratch string) (string, error) {
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return "", err
	}
	if err := syscall.Mount("sandbox", scratch, "tmpfs", 0, "size=4g"); err != nil {
		return "", err
	}
	root := filepath.Join(scratch, "root")
	upper, work := filepath.Join(scratch, "upper"), filepath.Join(scratch, "work")
	for _, dir := range []string{root, upper, work} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return "", err
		}
	}
	if err := syscall.Mount("overlay", root, "overlay", 0, "lowerdir=/,upperdir="+upper+",workdir="+work); err != nil {
		return "", err
	}
	mounts := []struct {
		source, at, kind string
		flags            uintptr
	}{
		{"/dev", "dev", "", syscall.MS_BIND | syscall.MS_REC},
		{"proc", "proc", "proc", 0},
		{"sysfs", "sys", "sysfs", syscall.MS_RDONLY},
		{"tmpfs", "run", "tmpfs", 0},
	}
	for _, m := range mounts {
		if err := syscall.Mount(m.source, filepath.Join(root, m.at), m.kind, m.flags, ""); err != nil {
			return "", fmt.Errorf("mount %s: %w", m.at, err)
		}
	}
	// What the commands' stand-ins write comes out of the sandbox by this file.
	at := filepath.Join(root, invocationsFile)
	if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
		return "", err
	}
	if err := os.WriteFile(at, nil, 0o666); err != nil {
		return "", err
	}
	beside := filepath.Join(filepath.Dir(scratch), "invocations")
	return root, syscall.Mount(beside, at, "", syscall.MS_BIND, "")
}
