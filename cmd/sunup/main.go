// Command sunup gets an estate up before opening: it runs Ansible-style
// playbooks over SSH, proves every step healthy and leaves a report.
package main

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"

	"sunup/internal/collector"
	"sunup/internal/say"
)

// Exit codes: ansible-playbook's.
const (
	exitOK          = 0
	exitError       = 1
	exitFailed      = 2
	exitUnreachable = 4
	exitUsage       = 5
	exitInterrupted = 99
)

// version is set at build time.
var version = "dev"

func main() {
	collector.Allow(collector.Allowance)
	os.Exit(run(os.Args, os.Stdin, os.Stdout, os.Stderr))
}

// run is the whole command: it returns the exit code.
func run(argv []string, in *os.File, out, errOut *os.File) int {
	a := &app{
		name: filepath.Base(argv[0]), args: argv[1:],
		in: in, out: out, err: errOut, getenv: os.Getenv, ctx: context.Background(),
	}
	a.lang = a.chooseLang()
	return a.execute()
}

// app is one invocation: the outside world as one replaceable struct.
type app struct {
	name   string
	args   []string
	in     *os.File
	out    *os.File
	err    *os.File
	getenv func(string) string
	lang   say.Lang
	ctx    context.Context
	noted  onceEach
	// keys takes keys at the terminal while a run goes on; nil before.
	keys atomic.Pointer[keys]
}

// onceEach does something once for each key.
type onceEach struct {
	mu   sync.Mutex
	done map[string]bool
}

// Do calls f unless the key was done before.
func (o *onceEach) Do(key string, f func()) {
	o.mu.Lock()
	was := o.done[key]
	if o.done == nil {
		o.done = map[string]bool{}
	}
	o.done[key] = true
	o.mu.Unlock()
	if !was {
		f()
	}
}

// chooseLang takes --lang, SUNUP_LANG, then the locale. It looks at the raw
// arguments because even the help is in the chosen language.
func (a *app) chooseLang() say.Lang {
	for i, arg := range a.args {
		if v, ok := strings.CutPrefix(arg, "--lang="); ok {
			return langOf(v)
		}
		if arg == "--lang" && i+1 < len(a.args) {
			return langOf(a.args[i+1])
		}
	}
	for _, name := range []string{"SUNUP_LANG", "LC_ALL", "LC_MESSAGES", "LANG"} {
		if v := a.getenv(name); v != "" {
			return langOf(v)
		}
	}
	return say.English
}

func langOf(s string) say.Lang {
	if strings.HasPrefix(strings.ToLower(s), "ko") {
		return say.Korean
	}
	return say.English
}

func (a *app) tell(w io.Writer, t say.Text) { _, _ = io.WriteString(w, t.In(a.lang)+"\n") }
