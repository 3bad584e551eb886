package main

import (
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
	"golang.org/x/term"

	"sunup/internal/say"
	"sunup/reports"
	"sunup/runner"
)

// keys lets the person at the terminal of a run steer it with single keys.
type keys struct {
	app    *app
	run    *runner.Run
	screen *reports.Live
	saved  unix.Termios
	fd     int
	done   chan struct{}
	wg     sync.WaitGroup
	// mu is held while a question is asked: its answer is no order.
	mu sync.Mutex
}

// keyPoll is how often the end of the run is looked for between two keys.
const keyPoll = 200 * time.Millisecond

// listenKeys begins to take keys; nil when nobody is at a terminal or the run
// asks its own questions there.
func (a *app) listenKeys(run *runner.Run, screen *reports.Live) *keys {
	fd := int(a.in.Fd())
	if screen == nil || !term.IsTerminal(fd) || !inForeground(fd) {
		return nil
	}
	saved, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return nil
	}
	screen.Hint(say.T("p pause/go on · c stop · ? help", "p 일시 중지/계속 · c 중단 · ? 도움말"))
	k := &keys{app: a, run: run, screen: screen, saved: *saved, fd: fd, done: make(chan struct{})}
	k.single()
	k.wg.Add(1)
	go func() { defer k.wg.Done(); k.watch() }()
	return k
}

// inForeground reports whether the terminal's input is for us: changing its
// mode from the background would stop the run.
func inForeground(fd int) bool {
	group, err := unix.IoctlGetInt(fd, unix.TIOCGPGRP)
	return err == nil && group == unix.Getpgrp()
}

// single has keys delivered one by one and not shown; Ctrl-C works as before.
func (k *keys) single() {
	mode := k.saved
	mode.Lflag &^= unix.ICANON | unix.ECHO
	mode.Cc[unix.VMIN], mode.Cc[unix.VTIME] = 1, 0
	_ = unix.IoctlSetTermios(k.fd, unix.TCSETS, &mode) // then keys come by lines
}

func (k *keys) restore() { _ = unix.IoctlSetTermios(k.fd, unix.TCSETS, &k.saved) }

func (k *keys) watch() {
	for {
		select {
		case <-k.done:
			return
		default:
		}
		if key, ok := k.next(); ok {
			k.press(key)
		}
	}
}

// next waits a moment for a key.
func (k *keys) next() (byte, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	fds := []unix.PollFd{{Fd: int32(k.fd), Events: unix.POLLIN}}
	n, err := unix.Poll(fds, int(keyPoll.Milliseconds()))
	if err != nil || n == 0 || fds[0].Revents&unix.POLLIN == 0 {
		if fds[0].Revents&(unix.POLLHUP|unix.POLLERR) != 0 {
			time.Sleep(keyPoll) // the terminal is gone
		}
		return 0, false
	}
	var b [1]byte
	read, err := unix.Read(k.fd, b[:])
	return b[0], err == nil && read == 1
}

// press carries out what a key means. All is told by the run's own events;
// only refusals and help are printed here.
func (k *keys) press(key byte) {
	hand := runner.Hand{User: currentUser(), UID: os.Getuid(), From: "terminal"}
	var err error
	switch key {
	case 'p', 'P', ' ':
		if k.run.Status().Paused {
			_, err = k.run.Steer(runner.OrderResume, "", hand)
		} else {
			_, err = k.run.Steer(runner.OrderPause, "", hand)
		}
	case 'c', 'C':
		if !k.run.Status().Stopped {
			_, err = k.run.Steer(runner.OrderCancel, "", hand)
		}
	case '?', 'h':
		k.screen.Say(say.T("keys: p pause and go on · c finish what has begun and stop · Ctrl-C twice: stop now",
			"키: p 일시 중지·계속 · c 시작된 것을 마치고 중단 · Ctrl-C 두 번: 즉시 중단"))
		k.screen.Say(say.T("hosts: sunup ctl last skip|quarantine|release|retry HOST", "호스트: sunup ctl last skip|quarantine|release|retry 호스트"))
	}
	if err != nil {
		k.screen.Say(say.Plain(k.app.textOf(err)))
	}
}

// asking gives the terminal back for a question; the returned function takes it
// again.
func (k *keys) asking() func() {
	if k == nil {
		return func() {}
	}
	k.mu.Lock()
	k.restore()
	return func() { k.single(); k.mu.Unlock() }
}

// close gives the terminal back.
func (k *keys) close() {
	if k == nil {
		return
	}
	close(k.done)
	k.wg.Wait()
	k.restore()
}
