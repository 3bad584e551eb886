package machine

import (
	"strconv"
	"strings"
)

// Signal is a signal number.
type Signal int

// The signals that matter here, with Linux numbers.
const (
	SIGHUP  Signal = 1
	SIGINT  Signal = 2
	SIGQUIT Signal = 3
	SIGKILL Signal = 9
	SIGPIPE Signal = 13
	SIGALRM Signal = 14
	SIGTERM Signal = 15
	SIGCHLD Signal = 17
	SIGCONT Signal = 18
	SIGSTOP Signal = 19
)

// SignalNames are the names by number, as kill -l prints them.
var SignalNames = []string{"EXIT", "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2",
	"PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS"}

// signalTexts are what strsignal says, for the shell's obituaries.
var signalTexts = map[Signal]string{1: "Hangup", 3: "Quit", 6: "Aborted", 9: "Killed", 11: "Segmentation fault", 14: "Alarm clock", 15: "Terminated",
	10: "User defined signal 1", 12: "User defined signal 2"}

// ParseSignal reads "TERM", "SIGTERM" or "15".
func ParseSignal(s string) (Signal, bool) {
	if n, err := strconv.Atoi(s); err == nil {
		return Signal(n), n >= 0 && n < 65
	}
	s = strings.TrimPrefix(strings.ToUpper(s), "SIG")
	for i, name := range SignalNames {
		if name == s {
			return Signal(i), true
		}
	}
	return 0, false
}

// String gives the name without SIG.
func (s Signal) String() string {
	if int(s) < len(SignalNames) && s >= 0 {
		return SignalNames[s]
	}
	return strconv.Itoa(int(s))
}

// Text is what a shell prints when a child died of it; empty for those that
// pass in silence.
func (s Signal) Text() string { return signalTexts[s] }

// ignoredByDefault are the signals that do nothing without a handler. Stopping
// is one of them: a simulated process cannot be stopped.
func (s Signal) ignoredByDefault() bool {
	switch s {
	case 0, SIGCHLD, SIGCONT, SIGSTOP, 20, 21, 22, 23, 28:
		return true
	}
	return false
}
