package shell

import (
	"errors"
	"fmt"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"sunup/lab/glob"
	"sunup/lab/hostfs"
	"sunup/lab/machine"
)

// stmts runs statements in order. Tail says that the process has nothing to do
// after them.
func (s *Shell) stmts(list []*syntax.Stmt, tail bool) {
	for i, st := range list {
		if s.skip != running {
			return
		}
		if s.p.Context().Err() != nil {
			s.skip = exiting
			return
		}
		s.stmt(st, tail && i == len(list)-1)
		s.runTraps()
	}
}

func (s *Shell) stmt(st *syntax.Stmt, tail bool) {
	if line := int(st.Pos().Line()); line > 0 {
		s.line = line
	}
	if st.Background {
		s.background(st)
		return
	}
	if st.Negated {
		s.noErr++
		s.command(st, false)
		s.noErr--
		if s.skip == running {
			s.status = int(b2i(s.status == 0))
		}
		return
	}
	s.command(st, tail && s.canReplace())
	if s.status != 0 && s.opt['e'] && s.noErr == 0 && s.skip == running && ends(st.Cmd) {
		s.skip = exiting
	}
}

// canReplace says that the last command may take over the process: nothing is
// left to do for the shell, not even a trap.
func (s *Shell) canReplace() bool { return len(s.traps) == 0 && len(s.locals) == 0 && s.noErr == 0 }

// ends reports whether set -e looks at the status of the command itself.
func ends(cmd syntax.Command) bool {
	switch cmd := cmd.(type) {
	case nil, *syntax.CallExpr, *syntax.Subshell, *syntax.TestClause, *syntax.ArithmCmd, *syntax.DeclClause, *syntax.LetClause, *syntax.TimeClause:
		return true
	case *syntax.BinaryCmd:
		return cmd.Op == syntax.Pipe || cmd.Op == syntax.PipeAll
	}
	return false
}

// command runs a statement's command with its redirections.
func (s *Shell) command(st *syntax.Stmt, tail bool) {
	if call, ok := st.Cmd.(*syntax.CallExpr); ok {
		s.call(call, st.Redirs, tail)
		return
	}
	if len(st.Redirs) == 0 {
		s.compound(st.Cmd, tail)
		return
	}
	undo, err := s.redirect(st.Redirs)
	if err != nil {
		s.fail(err, 2)
		undo()
		return
	}
	s.compound(st.Cmd, false)
	undo()
}

// fail prints an error that ended a command; an expansion's error ends the
// shell too.
func (s *Shell) fail(err error, status int) {
	if s.p.Context().Err() != nil {
		s.skip = exiting
		return
	}
	s.errorf("%v", err)
	s.status = status
	if s.bash {
		s.status = 1
	}
	var e *expandError
	if errors.As(err, &e) {
		s.skip = exiting
		if s.bash {
			s.status = 127
		}
	}
}

func (s *Shell) compound(cmd syntax.Command, tail bool) {
	switch cmd := cmd.(type) {
	case nil:
		s.status = 0
	case *syntax.Block:
		s.stmts(cmd.Stmts, tail)
	case *syntax.Subshell:
		s.subshellCmd(cmd)
	case *syntax.IfClause:
		s.ifClause(cmd, tail)
	case *syntax.WhileClause:
		s.whileClause(cmd)
	case *syntax.ForClause:
		s.forClause(cmd)
	case *syntax.CaseClause:
		s.caseClause(cmd, tail)
	case *syntax.BinaryCmd:
		s.binary(cmd, tail)
	case *syntax.FuncDecl:
		s.funcs[cmd.Name.Value] = cmd.Body
		s.status = 0
	case *syntax.TestClause:
		s.testClause(cmd)
	case *syntax.ArithmCmd:
		s.arithCmd(cmd.X)
	case *syntax.LetClause:
		for _, x := range cmd.Exprs {
			s.arithCmd(x)
		}
	case *syntax.DeclClause:
		s.declClause(cmd)
	case *syntax.TimeClause:
		if cmd.Stmt != nil {
			s.stmt(cmd.Stmt, false)
		}
		fmt.Fprint(s.stderr(), "\nreal\t0m0.001s\nuser\t0m0.000s\nsys\t0m0.000s\n")
	default:
		s.fail(fmt.Errorf("command is not supported by this shell"), 2)
	}
}

func (s *Shell) subshellCmd(cmd *syntax.Subshell) {
	sub := s.fork()
	sub.p.Go(func() int { return sub.runSub(cmd.Stmts) })
	s.await(sub.p)
}

// await waits for a child and takes its status.
func (s *Shell) await(child *machine.Proc) {
	s.status = s.p.Wait(child)
	if s.p.Context().Err() != nil {
		s.skip = exiting
		return
	}
	if sig := child.Killed(); sig != 0 && sig != machine.SIGPIPE && sig != machine.SIGINT && sig.Text() != "" && !s.subshell {
		fmt.Fprintf(s.stderr(), "%s\n", sig.Text())
	}
}

func (s *Shell) condition(list []*syntax.Stmt) bool {
	s.noErr++
	s.stmts(list, false)
	s.noErr--
	return s.status == 0
}

func (s *Shell) ifClause(c *syntax.IfClause, tail bool) {
	for ; c != nil; c = c.Else {
		if len(c.Cond) > 0 {
			ok := s.condition(c.Cond)
			if s.skip != running {
				return
			}
			if !ok {
				s.status = 0
				continue
			}
		}
		s.stmts(c.Then, tail)
		return
	}
}

// loopEnd decides after a round of a loop whether to leave it.
func (s *Shell) loopEnd() bool {
	switch s.skip {
	case breaking, continuing:
		s.levels--
		if s.levels > 0 {
			return true
		}
		leave := s.skip == breaking
		s.skip = running
		return leave
	case running:
		return s.p.Context().Err() != nil
	}
	return true
}

func (s *Shell) whileClause(c *syntax.WhileClause) {
	s.loops++
	defer func() { s.loops-- }()
	last := 0
	for {
		ok := s.condition(c.Cond)
		if s.skip != running {
			if s.loopEnd() {
				break
			}
			continue
		}
		if ok == c.Until {
			s.status = last
			return
		}
		s.stmts(c.Do, false)
		last = s.status
		if s.loopEnd() {
			break
		}
	}
}

func (s *Shell) forClause(c *syntax.ForClause) {
	s.loops++
	defer func() { s.loops-- }()
	switch loop := c.Loop.(type) {
	case *syntax.CStyleLoop:
		s.cLoop(loop, c.Do)
	case *syntax.WordIter:
		items := s.params
		if loop.InPos.IsValid() {
			var err error
			if items, err = s.fields(loop.Items...); err != nil {
				s.fail(err, 2)
				return
			}
		}
		s.status = 0
		for _, item := range items {
			if err := s.set(loop.Name.Value, item); err != nil {
				s.fail(err, 2)
				return
			}
			s.stmts(c.Do, false)
			if s.loopEnd() {
				return
			}
		}
	}
}

func (s *Shell) cLoop(loop *syntax.CStyleLoop, do []*syntax.Stmt) {
	if loop.Init != nil {
		s.arithCmd(loop.Init)
	}
	for s.skip == running {
		if loop.Cond != nil {
			n, err := s.arith(loop.Cond)
			if err != nil {
				s.fail(err, 1)
				return
			}
			if n == 0 {
				break
			}
		}
		s.status = 0
		s.stmts(do, false)
		if s.loopEnd() {
			return
		}
		if loop.Post != nil {
			if _, err := s.arith(loop.Post); err != nil {
				s.fail(err, 1)
				return
			}
		}
	}
	s.status = 0
}

func (s *Shell) caseClause(c *syntax.CaseClause, tail bool) {
	word, err := s.wordString(c.Word)
	if err != nil {
		s.fail(err, 2)
		return
	}
	s.status = 0
	through := false
	for _, item := range c.Items {
		if !through && !s.caseMatches(item, word) {
			continue
		}
		if s.skip != running {
			return
		}
		s.stmts(item.Stmts, tail && item.Op == syntax.Break)
		switch item.Op {
		case syntax.Fallthrough:
			through = true
		case syntax.Resume:
			through = false
		default:
			return
		}
	}
}

func (s *Shell) caseMatches(item *syntax.CaseItem, word string) bool {
	for _, p := range item.Patterns {
		pat, err := s.wordPattern(p)
		if err != nil {
			s.fail(err, 2)
			return true
		}
		if glob.Match(pat, word) {
			return true
		}
	}
	return false
}

func (s *Shell) binary(c *syntax.BinaryCmd, tail bool) {
	switch c.Op {
	case syntax.AndStmt, syntax.OrStmt:
		s.noErr++
		s.stmt(c.X, false)
		s.noErr--
		if s.skip != running || (s.status == 0) != (c.Op == syntax.AndStmt) {
			return
		}
		s.stmt(c.Y, tail)
	default:
		s.pipeline(c)
	}
}

// stage is one command of a pipeline.
type stage struct {
	st      *syntax.Stmt
	withErr bool // |& sends standard error too
}

func flatten(c *syntax.BinaryCmd) []stage {
	var left []stage
	if x, ok := c.X.Cmd.(*syntax.BinaryCmd); ok && (x.Op == syntax.Pipe || x.Op == syntax.PipeAll) && len(c.X.Redirs) == 0 && !c.X.Negated {
		left = flatten(x)
	} else {
		left = []stage{{st: c.X}}
	}
	left[len(left)-1].withErr = c.Op == syntax.PipeAll
	return append(left, stage{st: c.Y})
}

func (s *Shell) pipeline(c *syntax.BinaryCmd) {
	stages := flatten(c)
	procs := make([]*machine.Proc, len(stages))
	var in *machine.Desc
	for i, stage := range stages {
		sub := s.fork()
		if in != nil {
			sub.p.SetFD(0, in).Drop()
			in = nil
		}
		if i < len(stages)-1 {
			r, w := machine.Pipe()
			sub.p.SetFD(1, w).Drop()
			if stage.withErr {
				sub.p.SetFD(2, w.Hold()).Drop()
			}
			in = r
		}
		sub.noErr = s.noErr
		procs[i] = sub.p
		sub.p.Go(func() int { return sub.runSub([]*syntax.Stmt{stage.st}) })
	}
	failed := 0
	for i, p := range procs {
		status := s.p.Wait(p)
		if status != 0 {
			failed = status
		}
		if i == len(procs)-1 {
			s.status = status
		}
	}
	if s.pipefail {
		s.status = failed
	}
	if s.p.Context().Err() != nil {
		s.skip = exiting
	}
}

// background starts a statement without waiting.
func (s *Shell) background(st *syntax.Stmt) {
	sub := s.fork()
	if s.opt['m'] {
		sub.p.PGID = sub.p.PID
	} else {
		// Without job control a background command must not read the shell's input.
		if null, err := s.p.Open("/dev/null", hostfs.Read, 0); err == nil {
			sub.p.SetFD(0, null).Drop()
		}
		sub.p.Ignore(machine.SIGINT, true)
		sub.p.Ignore(machine.SIGQUIT, true)
	}
	fore := *st
	fore.Background = false
	sub.p.Go(func() int { return sub.runSub([]*syntax.Stmt{&fore}) })
	s.lastBg = sub.p.PID
	s.jobs = append(s.jobs, sub.p)
	if len(s.jobs) > 256 {
		s.reap()
	}
	s.status = 0
}

// reap forgets the jobs that have ended, the oldest first, beyond a few.
func (s *Shell) reap() {
	var keep []*machine.Proc
	for i, p := range s.jobs {
		select {
		case <-p.Done():
			if i > len(s.jobs)-64 {
				keep = append(keep, p)
			}
		default:
			keep = append(keep, p)
		}
	}
	s.jobs = keep
}

// call runs a simple command.
func (s *Shell) call(c *syntax.CallExpr, redirs []*syntax.Redirect, tail bool) {
	s.hadSubst = false
	defer s.closeSubst()
	if len(c.Args) == 0 {
		s.assignOnly(c, redirs)
		return
	}
	args, err := s.callArgs(c.Args)
	if err != nil {
		s.fail(err, 2)
		return
	}
	if len(args) == 0 {
		s.assignOnly(c, redirs)
		return
	}
	s.trace(c, args)
	name := args[0]
	special := specials[name] && s.funcs[name] == nil
	if name == "exec" && special {
		s.exec(c, args, redirs)
		return
	}
	undo, err := s.redirect(redirs)
	if err != nil {
		s.fail(err, 2)
		if !s.bash && special {
			s.skip = exiting
		}
		undo()
		return
	}
	fn, builtin := s.funcs[name], s.builtin(name)
	if fn == nil && builtin == nil {
		s.external(c, args, tail)
		undo()
		return
	}
	restore, err := s.tempAssign(c.Assigns, special && !s.bash)
	if err != nil {
		s.fail(err, 2)
		undo()
		return
	}
	if fn != nil {
		s.callFunc(fn, args)
	} else {
		s.status = builtin(s, args)
	}
	restore()
	undo()
}

// closeSubst closes the descriptors of <(...) after the command.
func (s *Shell) closeSubst() {
	for _, n := range s.substFDs {
		if d := s.p.SetFD(n, nil); d != nil {
			d.Drop()
		}
	}
	s.substFDs = nil
}

// callArgs expands the words of a command. The words of export and its kin
// that assign are not split.
func (s *Shell) callArgs(words []*syntax.Word) ([]string, error) {
	switch words[0].Lit() {
	case "export", "readonly", "local", "declare", "typeset":
	default:
		return s.fields(words...)
	}
	args := []string{words[0].Lit()}
	for _, w := range words[1:] {
		if lit, ok := w.Parts[0].(*syntax.Lit); ok {
			if name, _, found := strings.Cut(lit.Value, "="); found && syntax.ValidName(name) {
				v, err := s.wordString(w)
				if err != nil {
					return nil, err
				}
				args = append(args, s.tildeAfterEqual(v))
				continue
			}
		}
		more, err := s.fields(w)
		if err != nil {
			return nil, err
		}
		args = append(args, more...)
	}
	return args, nil
}

func (s *Shell) tildeAfterEqual(word string) string {
	name, value, _ := strings.Cut(word, "=")
	if value == "~" || strings.HasPrefix(value, "~/") {
		if home, ok := s.home(""); ok {
			return name + "=" + home + value[1:]
		}
	}
	return word
}

func (s *Shell) assignOnly(c *syntax.CallExpr, redirs []*syntax.Redirect) {
	undo, err := s.redirect(redirs)
	defer undo()
	if err != nil {
		s.fail(err, 2)
		return
	}
	for _, a := range c.Assigns {
		if err := s.assign(a); err != nil {
			s.fail(err, 2)
			return
		}
		if s.opt['x'] && a.Name != nil {
			v, _ := s.get(a.Name.Value)
			fmt.Fprintf(s.stderr(), "+ %s=%s\n", a.Name.Value, traceWord(v))
		}
	}
	s.status = 0
	if s.hadSubst {
		s.status = s.substStatus
	}
}

func (s *Shell) trace(c *syntax.CallExpr, args []string) {
	if !s.opt['x'] {
		return
	}
	words := make([]string, len(args))
	for i, a := range args {
		words[i] = traceWord(a)
	}
	ps4, _ := s.get("PS4")
	fmt.Fprintf(s.stderr(), "%s%s\n", ps4, strings.Join(words, " "))
}

func traceWord(w string) string {
	if w == "" || strings.ContainsAny(w, " \t\n'\"$`\\*?[]|&;<>(){}#~") {
		return Quote(w)
	}
	return w
}

// tempAssign carries out the assignments before a command; restore takes them
// back unless they persist.
func (s *Shell) tempAssign(assigns []*syntax.Assign, persist bool) (restore func(), err error) {
	if len(assigns) == 0 {
		return func() {}, nil
	}
	old := map[string]*variable{}
	restore = func() {
		for name, v := range old {
			if v == nil {
				delete(s.vars, name)
			} else {
				s.vars[name] = *v
			}
		}
	}
	for _, a := range assigns {
		name := a.Name.Value
		if _, ok := old[name]; !ok {
			old[name] = nil
			if v, ok := s.vars[name]; ok {
				old[name] = &v
			}
		}
		if err := s.assign(a); err != nil {
			restore()
			return nil, err
		}
		if !persist {
			s.export(name)
		}
	}
	if persist {
		return func() {}, nil
	}
	return restore, nil
}

func (s *Shell) callFunc(body *syntax.Stmt, args []string) {
	if s.calls >= maxDepth {
		s.fail(&expandError{args[0] + ": maximum function nesting level exceeded"}, 2)
		return
	}
	params, loops := s.params, s.loops
	s.params, s.loops = args[1:], 0
	s.calls++
	s.locals = append(s.locals, map[string]*variable{})
	s.stmt(body, false)
	scope := s.locals[len(s.locals)-1]
	s.locals = s.locals[:len(s.locals)-1]
	for name, v := range scope {
		if v == nil {
			delete(s.vars, name)
		} else {
			s.vars[name] = *v
		}
	}
	s.calls--
	s.params, s.loops = params, loops
	if s.skip == returning {
		s.skip = running
	}
}

// local keeps the value that a variable has outside of the function.
func (s *Shell) local(name string) {
	scope := s.locals[len(s.locals)-1]
	if _, ok := scope[name]; ok {
		return
	}
	scope[name] = nil
	if v, ok := s.vars[name]; ok {
		scope[name] = &v
	}
}

// external runs a program; tail lets it take over this process.
func (s *Shell) external(c *syntax.CallExpr, args []string, tail bool) {
	restore, err := s.tempAssign(c.Assigns, false)
	if err != nil {
		s.fail(err, 2)
		return
	}
	defer restore()
	img, ok := s.find(args)
	if !ok {
		return
	}
	env := s.environ()
	if tail {
		s.p.Env = env
		s.status = s.p.Become(img)
		s.skip = exiting
		return
	}
	child := s.p.Fork(img.Argv)
	child.Env = env
	if s.opt['m'] && !s.subshell {
		child.PGID = child.PID
	}
	child.Go(func() int { return child.Become(img) })
	s.await(child)
}

// find looks a command up and reports why not.
func (s *Shell) find(args []string) (machine.Image, bool) {
	search, _ := s.get("PATH")
	file, err := s.p.LookPath(args[0], search)
	if err == nil {
		var img machine.Image
		img, err = s.p.Load(file, args)
		if err == hostfs.ENOEXEC {
			prog := s.p.M.Programs["sh"]
			return machine.Image{Prog: prog, Argv: append([]string{"sh", file}, args[1:]...)}, true
		}
		if err == nil {
			return img, true
		}
		if info, e := s.p.M.FS.Stat(s.p.Cred, s.p.Abs(file)); e == nil && info.IsDir() && s.bash {
			err = fmt.Errorf("Is a directory")
		} else if err == hostfs.ENOENT {
			err = fmt.Errorf("not found")
			if s.bash {
				err = fmt.Errorf("cannot execute: required file not found")
			}
			s.errorf("%s: %v", args[0], err)
			s.status = 127
			return img, false
		}
	}
	s.status = 126
	if err == hostfs.ENOENT || err == hostfs.ENOTDIR {
		s.status = 127
		switch {
		case !s.bash:
			err = fmt.Errorf("not found")
		case !strings.Contains(args[0], "/"):
			err = fmt.Errorf("command not found")
		}
	}
	s.errorf("%s: %v", args[0], err)
	return machine.Image{}, false
}

// exec replaces the shell, or only its descriptors.
func (s *Shell) exec(c *syntax.CallExpr, args []string, redirs []*syntax.Redirect) {
	undo, err := s.redirect(redirs)
	if err != nil {
		undo()
		s.fail(err, 2)
		s.skip = exiting
		return
	}
	args = args[1:]
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	if len(args) > 2 && args[0] == "-a" {
		args = args[2:]
	}
	if len(args) == 0 {
		s.keep(undo)
		s.status = 0
		return
	}
	s.traps = map[string]string{}
	s.external(c, args, true)
	s.skip = exiting
}

// keep makes redirections permanent: what was saved is dropped.
func (s *Shell) keep(undo func()) {
	s.keepRedirs = true
	undo()
	s.keepRedirs = false
}
