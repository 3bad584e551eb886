package shell

import (
	"fmt"
	"io"
	"path"
	"slices"
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"

	"mvdan.cc/sh/v3/syntax"

	"sunup/lab/hostfs"
	"sunup/lab/machine"
	"sunup/lab/tools"
)

// optionLetters are the flags of set.
const optionLetters = "abefhikmnpuvxBCEHIPTV"

// specials are POSIX's special builtins: their errors end the shell and their
// assignments stay.
var specials = map[string]bool{"break": true, ":": true, "continue": true, ".": true, "eval": true, "exec": true, "exit": true, "export": true,
	"readonly": true, "return": true, "set": true, "shift": true, "times": true, "trap": true, "unset": true}

type builtin func(s *Shell, args []string) int

// builtins and bashBuiltins are filled in one place; a function literal cannot
// name the map that holds it, so the table is built by builtinTable.
var builtins, bashBuiltins = map[string]builtin{}, map[string]builtin{}

// Programs gives the shells by the names that executables carry.
func Programs() map[string]machine.Program {
	return map[string]machine.Program{"sh": Main, "dash": Main, "bash": Main}
}

var _ = builtinTable()

func builtinTable() bool {
	for name, f := range map[string]builtin{
		":": colon, "true": colon, "false": func(*Shell, []string) int { return 1 },
		".": source, "break": breakLoop, "continue": breakLoop, "cd": cd, "pwd": pwd, "eval": eval, "exit": exit, "return": exit,
		"export": export, "readonly": export, "local": local, "set": set, "shift": shift, "unset": unset, "trap": trap, "wait": wait, "jobs": jobs,
		"kill": kill, "umask": umask, "ulimit": ulimit, "read": read, "getopts": getopts, "command": command, "type": typeOf, "hash": hash,
		"alias": colon, "unalias": colon, "bg": colon, "fg": fg, "times": times,
		"echo": tool("echo"), "printf": tool("dash-printf"), "test": tool("test"), "[": tool("["),
	} {
		builtins[name] = f
	}
	for name, f := range map[string]builtin{
		"source": source, "shopt": colon, "builtin": runBuiltin, "mapfile": mapfile, "readarray": mapfile, "disown": colon, "enable": colon,
		"typeset": local, "declare": local, "echo": tool("bash-echo"), "printf": bashPrintf,
	} {
		bashBuiltins[name] = f
	}
	return true
}

// tool runs one of the tools inside the shell's own process.
func tool(name string) builtin {
	return func(s *Shell, args []string) int {
		prog := tools.Builtin(name)
		s.p.Env = nil
		return s.p.CallOn(prog, args)
	}
}

// builtin finds a builtin of this shell.
func (s *Shell) builtin(name string) builtin {
	if s.bash && bashBuiltins[name] != nil {
		return bashBuiltins[name]
	}
	return builtins[name]
}

func (s *Shell) printf(format string, args ...any) {
	fmt.Fprintf(machine.Writer{Ctx: s.p.Context(), D: s.p.FD(1)}, format, args...)
}

func (s *Shell) complain(status int, format string, args ...any) int {
	s.errorf(format, args...)
	return status
}

// bashPrintf knows -v.
func bashPrintf(s *Shell, args []string) int {
	if len(args) < 4 || args[1] != "-v" {
		return tool("printf")(s, args)
	}
	r, w := machine.Pipe()
	old := s.p.SetFD(1, w)
	// What is printed is small beside the pipe; more would wait for ever.
	if text := strings.Join(args, ""); len(text) > 16<<10 {
		s.p.SetFD(1, old).Drop()
		r.Drop()
		return s.complain(1, "printf: argument too long")
	}
	status := tool("printf")(s, append([]string{"printf"}, args[3:]...))
	s.p.SetFD(1, old).Drop()
	data, _ := io.ReadAll(machine.Reader{Ctx: s.p.Context(), D: r})
	r.Drop()
	if err := s.set(args[2], string(data)); err != nil {
		return s.complain(1, "printf: %v", err)
	}
	return status
}

func colon(*Shell, []string) int { return 0 }

func runBuiltin(s *Shell, args []string) int {
	if len(args) < 2 {
		return 0
	}
	if f := s.builtin(args[1]); f != nil {
		return f(s, args[1:])
	}
	return s.complain(1, "builtin: %s: not a shell builtin", args[1])
}

func source(s *Shell, args []string) int {
	if len(args) < 2 {
		return s.complain(2, "%s: filename argument required", args[0])
	}
	file := args[1]
	if !strings.Contains(file, "/") {
		for _, dir := range strings.Split(first(s.get("PATH")), ":") {
			if i, err := s.p.M.FS.Stat(s.p.Cred, path.Join(s.p.Abs(dir), file)); err == nil && i.FileMode.IsRegular() {
				file = path.Join(dir, file)
				break
			}
		}
	}
	data, err := s.p.ReadFile(file)
	if err != nil {
		if s.bash {
			return s.complain(1, "%s: %v", args[1], err)
		}
		s.skip = exiting
		return s.complain(2, "%s: cannot open %s: %s", args[0], args[1], shellErr(err))
	}
	return s.nested(string(data), args[2:], true)
}

func first(v string, _ bool) string { return v }

// nested runs text in this shell; a return in a sourced file ends only it.
func (s *Shell) nested(text string, params []string, sourced bool) int {
	if s.calls >= maxDepth {
		return s.complain(2, "maximum nesting level exceeded")
	}
	s.calls++
	defer func() { s.calls-- }()
	if len(params) > 0 {
		old := s.params
		s.params = params
		defer func() { s.params = old }()
	}
	file, err := parse(text, s.variant())
	if err != nil {
		s.syntaxError(err)
		return s.status
	}
	s.status = 0
	s.stmts(file.Stmts, false)
	if sourced && s.skip == returning {
		s.skip = running
	}
	return s.status
}

func eval(s *Shell, args []string) int {
	args = args[1:]
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	text := strings.Join(args, " ")
	if strings.TrimSpace(text) == "" {
		return 0
	}
	return s.nested(text, nil, false)
}

func breakLoop(s *Shell, args []string) int {
	n := 1
	if len(args) > 1 {
		var err error
		if n, err = strconv.Atoi(args[1]); err != nil || n < 1 {
			s.skip = exiting
			return s.complain(2, "%s: Illegal number: %s", args[0], args[1])
		}
	}
	if s.loops == 0 {
		return 0
	}
	s.levels = min(n, s.loops)
	s.skip = breaking
	if args[0] == "continue" {
		s.skip = continuing
	}
	return 0
}

func exit(s *Shell, args []string) int {
	status := s.status
	if len(args) > 1 {
		n, err := strconv.Atoi(args[1])
		if err != nil {
			s.skip = exiting
			return s.complain(2, "%s: Illegal number: %s", args[0], args[1])
		}
		status = n & 255
	}
	s.skip = exiting
	if args[0] == "return" && s.calls > 0 {
		s.skip = returning
	}
	return status
}

func cd(s *Shell, args []string) int {
	args = args[1:]
	physical := false
	for len(args) > 0 && len(args[0]) > 1 && args[0][0] == '-' {
		physical = args[0] == "-P"
		args = args[1:]
	}
	dir, show := "", false
	switch {
	case len(args) == 0:
		home, ok := s.get("HOME")
		if !ok {
			return s.complain(2, "cd: HOME not set")
		}
		dir = home
	case args[0] == "-":
		dir, show = first(s.get("OLDPWD")), true
	default:
		dir = args[0]
	}
	if dir == "" {
		return 0
	}
	target := path.Clean(s.p.Abs(dir))
	if physical {
		if real, err := s.p.M.FS.Real(s.p.Cred, s.p.Abs(dir)); err == nil {
			target = real
		}
	}
	if err := s.chdir(target); err != nil {
		if s.bash {
			return s.complain(1, "cd: %s: %v", dir, err)
		}
		return s.complain(2, "cd: can't cd to %s", dir)
	}
	if show {
		s.printf("%s\n", target)
	}
	return 0
}

func (s *Shell) chdir(target string) error {
	i, err := s.p.M.FS.Stat(s.p.Cred, target)
	if err != nil {
		return err
	}
	if !i.IsDir() {
		return hostfs.ENOTDIR
	}
	if err := s.p.M.FS.Access(s.p.Cred, target, 1); err != nil {
		return err
	}
	s.set("OLDPWD", s.p.Cwd)
	s.p.Cwd = target
	return s.set("PWD", target)
}

func pwd(s *Shell, args []string) int {
	dir := s.p.Cwd
	if len(args) > 1 && args[1] == "-P" {
		if real, err := s.p.M.FS.Real(s.p.Cred, dir); err == nil {
			dir = real
		}
	}
	s.printf("%s\n", dir)
	return 0
}

// export is export and readonly.
func export(s *Shell, args []string) int {
	name := args[0]
	args = args[1:]
	remove := false
	for len(args) > 0 && len(args[0]) > 1 && args[0][0] == '-' {
		remove = remove || strings.Contains(args[0], "n")
		args = args[1:]
	}
	if len(args) == 0 {
		for _, n := range s.names() {
			if v := s.vars[n]; name == "export" && v.exported || name == "readonly" && v.locked {
				s.printf("%s %s=%s\n", name, n, Quote(v.text))
			}
		}
		return 0
	}
	for _, a := range args {
		n, value, assign := strings.Cut(a, "=")
		if !syntax.ValidName(n) {
			s.skip = exiting
			return s.complain(2, "%s: %s: bad variable name", name, n)
		}
		if assign {
			if err := s.set(n, value); err != nil {
				s.skip = exiting
				return s.complain(2, "%v", err)
			}
		}
		v := s.vars[n]
		if name == "readonly" {
			v.locked = true
		} else {
			v.exported = !remove
		}
		s.vars[n] = v
	}
	return 0
}

// local is local, declare and typeset.
func local(s *Shell, args []string) int {
	if len(s.locals) == 0 && args[0] == "local" {
		s.skip = exiting
		return s.complain(2, "local: not in a function")
	}
	var flags string
	for _, a := range args[1:] {
		if len(a) > 1 && (a[0] == '-' || a[0] == '+') {
			flags += a[1:]
			continue
		}
		name, value, assign := strings.Cut(a, "=")
		if !syntax.ValidName(name) {
			return s.complain(2, "%s: %s: bad variable name", args[0], name)
		}
		if err := s.declare(name, flags, assign, value); err != nil {
			return s.complain(2, "%v", err)
		}
	}
	return 0
}

func (s *Shell) declare(name, flags string, assign bool, value string) error {
	if len(s.locals) > 0 && !strings.Contains(flags, "g") {
		s.local(name)
		if !assign && s.bash {
			delete(s.vars, name)
		}
	}
	v := s.vars[name]
	if strings.Contains(flags, "a") {
		v.isList = true
	}
	if strings.Contains(flags, "A") && !v.isDict {
		v.isDict, v.dict, v.set = true, map[string]string{}, true
	}
	if strings.Contains(flags, "x") {
		v.exported = true
	}
	if len(flags) > 0 || !assign {
		s.vars[name] = v
	}
	if assign {
		if err := s.set(name, value); err != nil {
			return err
		}
	}
	if strings.Contains(flags, "r") {
		v = s.vars[name]
		v.locked = true
		s.vars[name] = v
	}
	return nil
}

// declClause runs bash's declare, local, export and readonly.
func (s *Shell) declClause(c *syntax.DeclClause) {
	args := []string{c.Variant.Value}
	var arrays []*syntax.Assign
	for _, a := range c.Args {
		switch {
		case a.Naked && a.Name == nil:
			f, err := s.fields(a.Value)
			if err != nil {
				s.fail(err, 1)
				return
			}
			args = append(args, f...)
		case a.Naked:
			args = append(args, a.Name.Value)
		case a.Array != nil:
			arrays = append(arrays, a)
			args = append(args, a.Name.Value)
		default:
			v, err := s.assignValue(a.Value)
			if err != nil {
				s.fail(err, 1)
				return
			}
			if a.Append {
				v = first(s.get(a.Name.Value)) + v
			}
			args = append(args, a.Name.Value+"="+v)
		}
	}
	s.status = 0
	switch c.Variant.Value {
	case "export", "readonly":
		s.status = export(s, args)
	default:
		s.status = local(s, args)
	}
	for _, a := range arrays {
		if err := s.assign(a); err != nil {
			s.fail(err, 1)
		}
	}
}

var longOptions = map[string]byte{"errexit": 'e', "nounset": 'u', "xtrace": 'x', "noglob": 'f', "allexport": 'a', "noclobber": 'C', "monitor": 'm',
	"noexec": 'n', "verbose": 'v', "notify": 'b'}

func (s *Shell) longOption(name string, on bool) bool {
	if name == "pipefail" {
		s.pipefail = on
		return true
	}
	if c, ok := longOptions[name]; ok {
		s.opt[c] = on
		return true
	}
	return slices.Contains([]string{"posix", "vi", "emacs", "ignoreeof", "nolog", "braceexpand", "hashall", "history", "errtrace", "functrace"}, name)
}

func set(s *Shell, args []string) int {
	args = args[1:]
	if len(args) == 0 {
		for _, n := range s.names() {
			if v := s.vars[n]; v.set && !v.isList && !v.isDict {
				s.printf("%s=%s\n", n, Quote(v.text))
			}
		}
		return 0
	}
	for len(args) > 0 {
		a := args[0]
		if a == "--" || a == "-" {
			s.params = args[1:]
			return 0
		}
		if len(a) < 2 || a[0] != '-' && a[0] != '+' {
			break
		}
		args = args[1:]
		for i := 1; i < len(a); i++ {
			if a[i] == 'o' {
				if len(args) == 0 {
					return 0
				}
				if !s.longOption(args[0], a[0] == '-') {
					s.skip = exiting
					return s.complain(2, "set: Illegal option %co %s", a[0], args[0])
				}
				args = args[1:]
				continue
			}
			if strings.IndexByte(optionLetters, a[i]) < 0 {
				s.skip = exiting
				return s.complain(2, "set: Illegal option -%c", a[i])
			}
			s.opt[a[i]] = a[0] == '-'
		}
	}
	if len(args) > 0 {
		s.params = args
	}
	return 0
}

func shift(s *Shell, args []string) int {
	n := 1
	if len(args) > 1 {
		var err error
		if n, err = strconv.Atoi(args[1]); err != nil || n < 0 {
			s.skip = exiting
			return s.complain(2, "shift: Illegal number: %s", args[1])
		}
	}
	if n > len(s.params) {
		if s.bash {
			return 1
		}
		s.skip = exiting
		return s.complain(2, "shift: can't shift that many")
	}
	s.params = s.params[n:]
	return 0
}

func unset(s *Shell, args []string) int {
	funcs := false
	for _, a := range args[1:] {
		switch {
		case a == "-f":
			funcs = true
		case a == "-v":
		case funcs:
			delete(s.funcs, a)
		default:
			if err := s.unsetVar(a); err != nil {
				s.skip = exiting
				return s.complain(2, "unset: %v", err)
			}
			if s.bash {
				delete(s.funcs, a)
			}
		}
	}
	return 0
}

func umask(s *Shell, args []string) int {
	args = args[1:]
	symbolic := len(args) > 0 && args[0] == "-S"
	if symbolic {
		args = args[1:]
	}
	if len(args) == 0 {
		if symbolic {
			p := uint32(^s.p.Umask & 0o777)
			rwx := func(n uint32) string {
				out := ""
				for i, c := range "rwx" {
					if n&(4>>i) != 0 {
						out += string(c)
					}
				}
				return out
			}
			s.printf("u=%s,g=%s,o=%s\n", rwx(p>>6&7), rwx(p>>3&7), rwx(p&7))
			return 0
		}
		s.printf("%04o\n", uint32(s.p.Umask.Perm()))
		return 0
	}
	if n, err := strconv.ParseUint(args[0], 8, 12); err == nil {
		s.p.Umask = hostfs.FromUnix(uint32(n)).Perm()
		return 0
	}
	mode, err := tools.ParseMode(args[0], ^s.p.Umask.Perm()&0o777, 0, true)
	if err != nil {
		return s.complain(2, "umask: Illegal mode: %s", args[0])
	}
	s.p.Umask = ^mode.Perm() & 0o777
	return 0
}

func ulimit(s *Shell, args []string) int {
	for _, a := range args[1:] {
		if a[0] != '-' {
			return 0
		}
	}
	if slices.Contains(args, "-n") {
		s.printf("1024\n")
		return 0
	}
	s.printf("unlimited\n")
	return 0
}

func times(s *Shell, _ []string) int {
	s.printf("0m0.000000s 0m0.000000s\n0m0.000000s 0m0.000000s\n")
	return 0
}

func hash(s *Shell, args []string) int {
	status := 0
	for _, a := range args[1:] {
		if a == "-r" {
			continue
		}
		if _, err := s.p.LookPath(a, first(s.get("PATH"))); err != nil && builtins[a] == nil && s.funcs[a] == nil {
			s.errorf("hash: %s: not found", a)
			status = 1
		}
	}
	return status
}

// command runs or looks up a command, leaving functions aside.
func command(s *Shell, args []string) int {
	args = args[1:]
	for len(args) > 0 && len(args[0]) > 1 && args[0][0] == '-' {
		switch args[0] {
		case "-v", "-V":
			status := 0
			for _, name := range args[1:] {
				if !s.describe(name, args[0] == "-V") {
					status = 127
					if s.bash {
						status = 1
					}
				}
			}
			return status
		case "--":
			args = args[1:]
		case "-p":
			args = args[1:]
			continue
		default:
			return s.complain(2, "command: Illegal option %s", args[0])
		}
		break
	}
	if len(args) == 0 {
		return 0
	}
	if f := s.builtin(args[0]); f != nil {
		return f(s, args)
	}
	if args[0] == "exec" {
		s.exec(&syntax.CallExpr{}, args, nil)
		return s.status
	}
	s.external(&syntax.CallExpr{}, args, false)
	return s.status
}

// describe prints what a name is, for command -v, -V and type.
func (s *Shell) describe(name string, long bool) bool {
	say := func(short, text string) bool {
		if long {
			s.printf("%s is %s\n", name, text)
		} else {
			s.printf("%s\n", short)
		}
		return true
	}
	switch {
	case syntax.IsKeyword(name):
		return say(name, "a shell keyword")
	case s.funcs[name] != nil:
		return say(name, "a shell function")
	case specials[name]:
		return say(name, "a special shell builtin")
	case s.builtin(name) != nil:
		return say(name, "a shell builtin")
	}
	file, err := s.p.LookPath(name, first(s.get("PATH")))
	if err == nil && strings.Contains(name, "/") && s.p.M.FS.Access(s.p.Cred, s.p.Abs(file), 1) != nil {
		err = hostfs.EACCES
	}
	if err != nil {
		if long {
			fmt.Fprintf(s.stderr(), "%s: not found\n", name)
		}
		return false
	}
	return say(file, file)
}

func typeOf(s *Shell, args []string) int {
	status := 0
	for _, name := range args[1:] {
		if name == "-t" || name == "-p" || name == "-P" {
			continue
		}
		if !s.describe(name, true) {
			status = 127
		}
	}
	return status
}

// readLine reads one line from standard input, a byte at a time so that the
// rest stays for others.
func (s *Shell) readLine(raw bool, delim byte, limit int) (string, []bool, bool) {
	var line []byte
	var quoted []bool
	one := make([]byte, 1)
	in := machine.Reader{Ctx: s.p.Context(), D: s.p.FD(0)}
	esc := false
	for limit <= 0 || len(line) < limit {
		n, err := in.Read(one)
		if n == 0 {
			if err != nil {
				return string(line), quoted, false
			}
			continue
		}
		c := one[0]
		switch {
		case esc:
			esc = false
			if c == '\n' {
				continue
			}
			line, quoted = append(line, c), append(quoted, true)
			continue
		case c == '\\' && !raw:
			esc = true
			continue
		case c == delim:
			return string(line), quoted, true
		case c == 0:
			continue
		}
		line, quoted = append(line, c), append(quoted, false)
		if len(line) > maxWord {
			return string(line), quoted, false
		}
	}
	return string(line), quoted, true
}

func read(s *Shell, args []string) int {
	args = args[1:]
	raw, delim, limit, array := false, byte('\n'), 0, ""
	for len(args) > 0 && len(args[0]) > 1 && args[0][0] == '-' {
		a := args[0]
		args = args[1:]
		if a == "--" {
			break
		}
		for i := 1; i < len(a); i++ {
			value := func() string {
				if i+1 < len(a) {
					v := a[i+1:]
					i = len(a)
					return v
				}
				if len(args) == 0 {
					return ""
				}
				v := args[0]
				args = args[1:]
				return v
			}
			switch a[i] {
			case 'r':
				raw = true
			case 's', 'e':
			case 'p':
				io.WriteString(s.stderr(), value())
			case 'd':
				delim = 0
				if v := value(); v != "" {
					delim = v[0]
				}
			case 'n', 'N':
				limit, _ = strconv.Atoi(value())
			case 't', 'u':
				value()
			case 'a':
				array = value()
			default:
				return s.complain(2, "read: Illegal option -%c", a[i])
			}
		}
	}
	line, quoted, ok := s.readLine(raw, delim, limit)
	status := int(b2i(!ok))
	if array != "" {
		v := variable{isList: true, set: true, list: s.cutLine(line, quoted, -1)}
		s.vars[array] = v
		return status
	}
	if len(args) == 0 {
		args = []string{"REPLY"}
		if !s.bash {
			return s.complain(2, "read: arg count")
		}
		s.set("REPLY", line)
		return status
	}
	parts := s.cutLine(line, quoted, len(args))
	for i, name := range args {
		v := ""
		if i < len(parts) {
			v = parts[i]
		}
		if !syntax.ValidName(name) {
			return s.complain(2, "read: %s: bad variable name", name)
		}
		if err := s.set(name, v); err != nil {
			return s.complain(2, "read: %v", err)
		}
	}
	return status
}

// cutLine cuts a line by IFS into n fields at most, the last with all the rest.
func (s *Shell) cutLine(line string, quoted []bool, n int) []string {
	ifs, ok := s.get("IFS")
	if !ok {
		ifs = " \t\n"
	}
	sep := func(i int) bool { return i < len(line) && !quoted[i] && strings.IndexByte(ifs, line[i]) >= 0 }
	white := func(i int) bool { return sep(i) && strings.IndexByte(" \t\n", line[i]) >= 0 }
	i := 0
	for white(i) {
		i++
	}
	var out []string
	for i < len(line) {
		if n > 0 && len(out) == n-1 {
			end := len(line)
			for end > i && white(end-1) {
				end--
			}
			// A lone separator at the end belongs to the last field's end.
			if end > i && sep(end-1) && !strings.ContainsFunc(line[i:end-1], func(r rune) bool { return strings.ContainsRune(ifs, r) }) {
				end--
			}
			return append(out, line[i:end])
		}
		start := i
		for i < len(line) && !sep(i) {
			i++
		}
		out = append(out, line[start:i])
		for white(i) {
			i++
		}
		if sep(i) {
			i++
			for white(i) {
				i++
			}
		}
	}
	return out
}

func mapfile(s *Shell, args []string) int {
	strip, name := false, "MAPFILE"
	for _, a := range args[1:] {
		if a == "-t" {
			strip = true
		} else {
			name = a
		}
	}
	data, _ := io.ReadAll(io.LimitReader(machine.Reader{Ctx: s.p.Context(), D: s.p.FD(0)}, maxSubst))
	var list []string
	for line := range strings.Lines(string(data)) {
		if strip {
			line = strings.TrimSuffix(line, "\n")
		}
		list = append(list, line)
	}
	s.vars[name] = variable{isList: true, set: true, list: list}
	return 0
}

// getopts reads the next option.
func getopts(s *Shell, args []string) int {
	if len(args) < 3 {
		return s.complain(2, "getopts: Usage: getopts optstring var [arg...]")
	}
	spec, name, words := args[1], args[2], s.params
	if len(args) > 3 {
		words = args[3:]
	}
	ind, _ := strconv.Atoi(first(s.get("OPTIND")))
	ind = max(ind, 1)
	silent := strings.HasPrefix(spec, ":")
	end := func() int {
		s.optPos = 0
		s.set("OPTIND", strconv.Itoa(ind))
		s.set(name, "?")
		return 1
	}
	if ind > len(words) || len(words[ind-1]) < 2 || words[ind-1][0] != '-' {
		return end()
	}
	word := words[ind-1]
	if word == "--" {
		ind++
		return end()
	}
	pos := max(s.optPos, 1)
	if pos >= len(word) {
		return end()
	}
	_, w := utf8.DecodeRuneInString(word[pos:])
	opt := word[pos : pos+w]
	pos += w
	next := func() {
		if pos >= len(word) {
			ind++
			pos = 0
		}
		s.set("OPTIND", strconv.Itoa(ind))
		s.optPos = pos
	}
	i := strings.Index(spec, opt)
	if i < 0 || opt == ":" {
		next()
		s.set(name, "?")
		if silent {
			s.set("OPTARG", opt)
			return 0
		}
		s.unsetVar("OPTARG")
		fmt.Fprintf(s.stderr(), "Illegal option -%s\n", opt)
		return 0
	}
	s.unsetVar("OPTARG")
	if i+1 >= len(spec) || spec[i+1] != ':' {
		next()
		s.set(name, opt)
		return 0
	}
	value := ""
	switch {
	case pos < len(word):
		value = word[pos:]
	case ind < len(words):
		value = words[ind]
		ind++
	default:
		ind++
		pos = 0
		s.set("OPTIND", strconv.Itoa(ind))
		s.optPos = 0
		if silent {
			s.set(name, ":")
			s.set("OPTARG", opt)
			return 0
		}
		s.set(name, "?")
		fmt.Fprintf(s.stderr(), "No arg for -%s option\n", opt)
		return 0
	}
	ind++
	s.set("OPTIND", strconv.Itoa(ind))
	s.optPos = 0
	s.set(name, opt)
	s.set("OPTARG", value)
	return 0
}

// trap sets what to do when a signal arrives or the shell ends.
func trap(s *Shell, args []string) int {
	args = args[1:]
	if len(args) > 0 && (args[0] == "--" || args[0] == "-p") {
		args = args[1:]
	}
	if len(args) == 0 {
		names := make([]string, 0, len(s.traps))
		for n := range s.traps {
			names = append(names, n)
		}
		sort.Strings(names)
		for _, n := range names {
			s.printf("trap -- %s %s\n", Quote(s.traps[n]), n)
		}
		return 0
	}
	if args[0] == "-l" {
		s.printf("%s\n", strings.Join(machine.SignalNames[1:], " "))
		return 0
	}
	action, reset := args[0], args[0] == "-"
	names := args[1:]
	if _, ok := machine.ParseSignal(action); ok && (len(args) == 1 || isDigits(action)) {
		reset, names = true, args
	}
	for _, n := range names {
		sig, ok := machine.ParseSignal(n)
		if !ok {
			if n == "ERR" || n == "DEBUG" || n == "RETURN" {
				continue
			}
			return s.complain(1, "trap: %s: bad trap", n)
		}
		s.setTrap(sig, action, reset)
	}
	return 0
}

func isDigits(t string) bool { return t != "" && strings.Trim(t, "0123456789") == "" }

func (s *Shell) setTrap(sig machine.Signal, action string, reset bool) {
	name := sig.String()
	if reset {
		delete(s.traps, name)
	} else {
		s.traps[name] = action
	}
	if sig == 0 {
		return
	}
	if s.signals == nil {
		s.signals = newSignals()
		s.p.OnSignal(s.signals.take)
	}
	s.p.Ignore(sig, !reset && action == "")
	s.signals.mu.Lock()
	s.signals.trapped[sig] = !reset && action != ""
	s.signals.mu.Unlock()
}

// runTraps runs the actions of signals that arrived.
func (s *Shell) runTraps() {
	if s.signals == nil || s.inTrap {
		return
	}
	for s.skip != exiting {
		sig, ok := s.signals.next()
		if !ok {
			return
		}
		action := s.traps[sig.String()]
		if action == "" {
			continue
		}
		status, skip, levels := s.status, s.skip, s.levels
		s.skip, s.inTrap = running, true
		s.nested(action, nil, false)
		s.inTrap = false
		if s.skip != exiting {
			s.status, s.skip, s.levels = status, skip, levels
		}
	}
}

// wait waits for background jobs; a trapped signal interrupts it.
func wait(s *Shell, args []string) int {
	if len(args) == 1 {
		for _, p := range s.jobs {
			if code, stop := s.waitJob(p); stop {
				return code
			}
		}
		s.jobs = nil
		return 0
	}
	status := 0
	for _, a := range args[1:] {
		if a == "-n" {
			continue
		}
		p := s.job(a)
		if p == nil {
			status = 127
			if !isDigits(a) && !strings.HasPrefix(a, "%") {
				return s.complain(2, "wait: Illegal number: %s", a)
			}
			continue
		}
		code, stop := s.waitJob(p)
		if stop {
			return code
		}
		status = code
		s.jobs = slices.DeleteFunc(s.jobs, func(q *machine.Proc) bool { return q == p })
	}
	return status
}

func (s *Shell) waitJob(p *machine.Proc) (int, bool) {
	var wake chan struct{}
	if s.signals != nil {
		wake = s.signals.wake
	}
	for {
		select {
		case <-p.Done():
			return p.ExitStatus(), false
		case <-s.p.Context().Done():
			s.skip = exiting
			return 143, true
		case <-wake:
			s.signals.mu.Lock()
			var sig machine.Signal
			if len(s.signals.pending) > 0 {
				sig = s.signals.pending[0]
			}
			s.signals.mu.Unlock()
			if sig != 0 {
				return 128 + int(sig), true
			}
		}
	}
}

// job finds a background job by pid or %n.
func (s *Shell) job(name string) *machine.Proc {
	if len(s.jobs) == 0 {
		return nil
	}
	if name == "%%" || name == "%+" || name == "%" {
		return s.jobs[len(s.jobs)-1]
	}
	if n, ok := strings.CutPrefix(name, "%"); ok {
		if i, err := strconv.Atoi(n); err == nil && i >= 1 && i <= len(s.jobs) {
			return s.jobs[i-1]
		}
		return nil
	}
	pid, err := strconv.Atoi(name)
	if err != nil {
		return nil
	}
	for _, p := range s.jobs {
		if p.PID == pid {
			return p
		}
	}
	return nil
}

func jobs(s *Shell, args []string) int {
	for i, p := range s.jobs {
		state := "Running"
		select {
		case <-p.Done():
			continue
		default:
		}
		if slices.Contains(args, "-p") {
			s.printf("%d\n", p.PID)
			continue
		}
		s.printf("[%d] %c %s %s\n", i+1, map[bool]byte{true: '+', false: ' '}[i == len(s.jobs)-1], state, strings.Join(p.Args(), " "))
	}
	return 0
}

func fg(s *Shell, args []string) int {
	name := "%%"
	if len(args) > 1 {
		name = args[1]
	}
	if p := s.job(name); p != nil {
		code, _ := s.waitJob(p)
		return code
	}
	return s.complain(2, "fg: No current job")
}

// kill understands job names; the rest is the tool's.
func kill(s *Shell, args []string) int {
	out := slices.Clone(args)
	for i, a := range out {
		if strings.HasPrefix(a, "%") {
			p := s.job(a)
			if p == nil {
				return s.complain(1, "kill: No such job: %s", a)
			}
			pid := p.PID
			if s.opt['m'] {
				pid = -p.PGID
			}
			out[i] = strconv.Itoa(pid)
		}
	}
	return tool("kill")(s, out)
}

// arithCmd is (( )).
func (s *Shell) arithCmd(x syntax.ArithmExpr) {
	n, err := s.arith(x)
	if err != nil {
		s.fail(err, 1)
		return
	}
	s.status = int(b2i(n == 0))
}
