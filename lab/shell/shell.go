package shell

import (
	"fmt"
	"io"
	"maps"
	"strings"
	"sync"

	"mvdan.cc/sh/v3/syntax"

	"sunup/lab/hostfs"
	"sunup/lab/machine"
)

// unwind says why commands are being skipped.
type unwind int

const (
	running unwind = iota
	breaking
	continuing
	returning
	exiting
)

// Shell is the state of one shell process or subshell. One goroutine owns it.
type Shell struct {
	p    *machine.Proc
	bash bool
	// pid and ppid are $$ and $PPID: those of the first shell, also in subshells.
	pid, ppid int
	name0     string
	params    []string
	vars      map[string]variable
	funcs     map[string]*syntax.Stmt
	hashed    map[string]string
	locals    []map[string]*variable
	opt       map[byte]bool
	pipefail  bool
	status    int
	lastBg    int
	line      int
	jobs      []*machine.Proc
	subshell  bool

	skip   unwind
	levels int // loops still to leave
	loops  int
	calls  int
	// noErr counts the conditions we are inside of, where set -e sleeps.
	noErr int

	substStatus int
	hadSubst    bool
	substFDs    []int
	keepRedirs  bool
	optPos      int

	traps   map[string]string
	inTrap  bool
	signals *signals
}

// signals collects what arrived, for traps.
type signals struct {
	mu      sync.Mutex
	pending []machine.Signal
	trapped map[machine.Signal]bool
	wake    chan struct{}
}

func newSignals() *signals {
	return &signals{trapped: map[machine.Signal]bool{}, wake: make(chan struct{}, 1)}
}

// take is the process's signal handler.
func (g *signals) take(sig machine.Signal) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.trapped[sig] {
		return false
	}
	g.pending = append(g.pending, sig)
	select {
	case g.wake <- struct{}{}:
	default:
	}
	return true
}

func (g *signals) next() (machine.Signal, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.pending) == 0 {
		return 0, false
	}
	sig := g.pending[0]
	g.pending = g.pending[1:]
	return sig, true
}

// Main is the program behind /bin/sh and /bin/bash.
func Main(c *machine.Call) int {
	c.Out.Flush()
	s := newShell(c)
	command, script, code := s.options(c)
	if code >= 0 {
		return code
	}
	switch {
	case command != nil:
		return s.top(func() { s.runText(*command, true) })
	case script != "":
		return s.runScript(script)
	}
	return s.top(s.interactive)
}

func newShell(c *machine.Call) *Shell {
	s := &Shell{
		p: c.Proc, pid: c.PID, ppid: c.PPID, name0: c.Args[0], vars: make(map[string]variable, 24), funcs: map[string]*syntax.Stmt{},
		opt: map[byte]bool{}, traps: map[string]string{}, hashed: map[string]string{},
	}
	s.bash = strings.Contains(strings.TrimPrefix(c.Name(), "-"), "bash")
	for _, e := range c.Env {
		if name, value, ok := strings.Cut(e, "="); ok && syntax.ValidName(name) {
			s.vars[name] = variable{text: value, set: true, exported: true}
		}
	}
	defaults := map[string]string{"IFS": " \t\n", "OPTIND": "1", "PS1": "$ ", "PS2": "> ", "PS4": "+ "}
	if _, ok := s.vars["PATH"]; !ok {
		defaults["PATH"] = machine.DefaultPath
	}
	for name, value := range defaults {
		s.vars[name] = variable{text: value, set: true}
	}
	s.vars["PWD"] = variable{text: c.Cwd, set: true, exported: s.vars["PWD"].exported}
	if s.bash {
		s.vars["BASH_VERSION"] = variable{text: "5.2.15(1)-release", set: true}
	}
	return s
}

// options reads the command line; code is negative when the shell shall run.
func (s *Shell) options(c *machine.Call) (command *string, script string, code int) {
	args := c.Args[1:]
	wantCommand, fromStdin := false, false
	for len(args) > 0 && len(args[0]) > 1 && (args[0][0] == '-' || args[0][0] == '+') {
		arg := args[0]
		args = args[1:]
		if arg == "--" {
			break
		}
		if strings.HasPrefix(arg, "--") {
			continue // --norc, --noprofile, --posix, --login change nothing here
		}
		on := arg[0] == '-'
		for i := 1; i < len(arg); i++ {
			switch arg[i] {
			case 'c':
				wantCommand = true
			case 's':
				fromStdin = true
			case 'l':
			case 'o', 'O':
				if len(args) > 0 {
					s.longOption(args[0], on)
					args = args[1:]
				}
			default:
				if !strings.ContainsRune(optionLetters, rune(arg[i])) {
					fmt.Fprintf(c.Err, "%s: 0: Illegal option -%c\n", c.Name(), arg[i])
					return nil, "", 2
				}
				s.opt[arg[i]] = on
			}
		}
	}
	if wantCommand {
		if len(args) == 0 {
			fmt.Fprintf(c.Err, "%s: 0: -c requires an argument\n", c.Name())
			return nil, "", 2
		}
		command, args = &args[0], args[1:]
		if len(args) > 0 {
			s.name0, args = args[0], args[1:]
		}
	} else if len(args) > 0 && !fromStdin {
		script, args = args[0], args[1:]
		s.name0 = script
	}
	s.params = args
	return command, script, -1
}

// top runs the body of a first shell and its exit trap.
func (s *Shell) top(body func()) int {
	body()
	return s.finish()
}

// finish runs the exit trap and gives the status.
func (s *Shell) finish() int {
	if action, ok := s.traps["EXIT"]; ok && s.p.Context().Err() == nil {
		delete(s.traps, "EXIT")
		s.skip = running
		status := s.status
		s.runText(action, false)
		if s.skip != exiting {
			s.status = status
		}
	}
	return s.status & 255
}

func (s *Shell) runScript(file string) int {
	path := file
	if !strings.Contains(file, "/") {
		if _, err := s.p.M.FS.Stat(s.p.Cred, s.p.Abs(file)); err != nil {
			search, _ := s.get("PATH")
			if found, err := s.p.LookPath(file, search); err == nil {
				path = found
			}
		}
	}
	data, err := s.p.ReadFile(path)
	if err != nil {
		s.line = 0
		verb := "cannot open " + file + ": "
		if s.bash {
			verb = file + ": "
		}
		fmt.Fprintf(s.stderr(), "%s: 0: %s%s\n", s.name0, verb, shellErr(err))
		if err == hostfs.ENOENT {
			return 127
		}
		return 126
	}
	return s.top(func() { s.runText(string(data), true) })
}

// shellErr is how dash words an error of opening: "No such file".
func shellErr(err error) string {
	if err == hostfs.ENOENT {
		return "No such file"
	}
	return err.Error()
}

func (s *Shell) variant() syntax.LangVariant {
	if s.bash {
		return syntax.LangBash
	}
	return syntax.LangPOSIX
}

// runText parses and runs a script. Last says that nothing follows, so that
// its last command may take over the process.
func (s *Shell) runText(text string, last bool) {
	file, err := parse(text, s.variant())
	if err != nil {
		// What comes before the mistake runs, as in a shell that reads on.
		s.syntaxError(err)
		return
	}
	s.stmts(file.Stmts, last)
}

func (s *Shell) syntaxError(err error) {
	line, msg := 1, err.Error()
	if pe, ok := err.(syntax.ParseError); ok {
		line, msg = int(pe.Pos.Line()), pe.Text
	}
	if le, ok := err.(syntax.LangError); ok {
		line, msg = int(le.Pos.Line()), le.Feature+" is not supported by this shell"
	}
	fmt.Fprintf(s.stderr(), "%s: %d: Syntax error: %s\n", s.name0, line, msg)
	s.status = 2
	s.skip = exiting
}

// parsed caches syntax trees, which are never changed: the same module script
// runs on every host of a fleet.
var parsed = struct {
	sync.Mutex
	files map[string]*syntax.File
	size  int
}{files: map[string]*syntax.File{}}

// maxParsed bounds the text behind the cached trees.
const maxParsed = 4 << 20

func parse(text string, lang syntax.LangVariant) (*syntax.File, error) {
	key := lang.String() + text
	parsed.Lock()
	f := parsed.files[key]
	parsed.Unlock()
	if f != nil {
		return f, nil
	}
	f, err := syntax.NewParser(syntax.Variant(lang)).Parse(strings.NewReader(text), "")
	if err != nil {
		return nil, err
	}
	parsed.Lock()
	defer parsed.Unlock()
	if parsed.size += len(key); parsed.size > maxParsed {
		clear(parsed.files)
		parsed.size = len(key)
	}
	parsed.files[key] = f
	return f, nil
}

// interactive reads commands from standard input and runs each as soon as it
// is complete.
func (s *Shell) interactive() {
	in := &lines{s: s, prompt: s.opt['i'] || s.p.TTY != ""}
	parser := syntax.NewParser(syntax.Variant(s.variant()))
	err := parser.Interactive(in, func(stmts []*syntax.Stmt) bool {
		if parser.Incomplete() {
			return true
		}
		s.stmts(stmts, false)
		return s.skip != exiting && s.p.Context().Err() == nil
	})
	if err != nil && s.skip != exiting {
		s.syntaxError(err)
	}
}

// lines reads the script of a shell from its standard input, a line at a time,
// so that commands can read what follows.
type lines struct {
	s      *Shell
	prompt bool
	ended  bool
	last   byte
}

func (l *lines) Read(b []byte) (int, error) {
	if l.ended {
		return 0, io.EOF
	}
	if l.prompt {
		ps, _ := l.s.get("PS1")
		io.WriteString(l.s.stderr(), ps)
	}
	n, err := machine.Reader{Ctx: l.s.p.Context(), D: l.s.p.FD(0)}.ReadLine(b)
	if n > 0 {
		l.last = b[n-1]
		return n, nil
	}
	l.ended = true
	if l.last != '\n' && l.last != 0 && len(b) > 0 {
		// The parser hands statements over at the end of a line.
		b[0] = '\n'
		return 1, nil
	}
	if err == nil {
		err = io.EOF
	}
	return 0, err
}

func (s *Shell) stderr() io.Writer { return machine.Writer{Ctx: s.p.Context(), D: s.p.FD(2)} }

// errorf prints a message the way the shell begins them.
func (s *Shell) errorf(format string, args ...any) {
	msg := fmt.Sprintf(format, args...)
	if s.bash {
		fmt.Fprintf(s.stderr(), "%s: line %d: %s\n", s.name0, max(s.line, 1), msg)
		return
	}
	fmt.Fprintf(s.stderr(), "%s: %d: %s\n", s.name0, max(s.line, 1), msg)
}

// fork makes the state of a subshell on a process of its own.
func (s *Shell) fork() *Shell {
	c := *s
	c.p = s.p.Fork(s.p.Args())
	c.vars = maps.Clone(s.vars)
	c.funcs = maps.Clone(s.funcs)
	c.opt = maps.Clone(s.opt)
	c.hashed = map[string]string{}
	c.locals, c.jobs, c.substFDs = nil, nil, nil
	c.subshell = true
	c.loops, c.skip, c.inTrap = 0, running, false
	c.signals = nil
	// A subshell keeps what is ignored and forgets the actions.
	c.traps = map[string]string{}
	for name, action := range s.traps {
		if action == "" {
			c.traps[name] = ""
		}
	}
	c.p.Env = nil
	return &c
}

// runSub is the body of a subshell's process.
func (s *Shell) runSub(stmts []*syntax.Stmt) int {
	s.stmts(stmts, true)
	return s.finish()
}
