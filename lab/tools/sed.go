package tools

import (
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"

	"sunup/lab/hostfs"
	"sunup/lab/machine"
)

// sedCmd is one command of a sed script.
type sedCmd struct {
	from, to  *sedAddr
	negate    bool
	name      byte
	text      string
	re        *pattern
	with      string
	global    bool
	print     bool
	nth       int
	file      string
	table     map[rune]rune
	block     []*sedCmd
	active    bool
	untilLine int
}

type sedAddr struct {
	line int // 0 for a pattern or the last line
	last bool
	re   *pattern
	step int
	plus bool
}

// sedder runs a script over its input.
type sedder struct {
	c          *machine.Call
	cmds       []*sedCmd
	quiet      bool
	extended   bool
	out        io.Writer
	space      string
	hold       string
	line       int
	input      []string
	pos        int
	noEnd      bool
	appended   []string
	quit       bool
	code       int
	replaced   bool
	skipPrint  bool
	wfiles     map[string]bool
	lastRegexp *pattern
	rounds     int
}

func sed(c *machine.Call) int {
	f, args, good := getopt(c, "nEri::e:f:suzb", "quiet=n", "silent=n", "regexp-extended=E", "in-place?=i", "expression:=e", "file:=f", "separate=s", "unbuffered=u", "null-data=z",
		"follow-symlinks=F", "posix=p")
	if !good {
		return 1
	}
	var script []string
	for _, o := range f.order {
		if e, ok := strings.CutPrefix(o, "e="); ok {
			script = append(script, e)
		}
		if name, ok := strings.CutPrefix(o, "f="); ok {
			data, err := c.ReadFile(name)
			if err != nil {
				return c.Errorf("couldn't open file %s: %v", name, err)
			}
			script = append(script, strings.TrimSuffix(string(data), "\n"))
		}
	}
	if !f.has("e", "f") {
		if len(args) == 0 {
			fmt.Fprintf(c.Err, "Usage: sed [OPTION]... {script-only-if-no-other-script} [input-file]...\n")
			return 1
		}
		script, args = []string{args[0]}, args[1:]
	}
	s := &sedder{c: c, quiet: f.has("n"), extended: f.has("E", "r"), out: c.Out, wfiles: map[string]bool{}}
	p := &sedParser{s: s, text: strings.Join(script, "\n")}
	cmds, err := p.list(false)
	if err != nil {
		return c.Errorf("-e expression #1, char %d: %v", p.pos, err)
	}
	s.cmds = cmds
	if strings.HasPrefix(p.text, "#n\n") {
		s.quiet = true
	}
	if f.has("i") {
		suffix, _ := f.get("i")
		for _, a := range args {
			s.inPlace(a, suffix)
		}
		return s.code
	}
	if len(args) == 0 {
		args = []string{"-"}
	}
	for _, a := range args {
		r, done, err := open(c, a)
		if err != nil {
			if err == hostfs.EISDIR {
				c.Errorf("couldn't edit %s: not a regular file", a)
			} else {
				c.Errorf("can't read %s: %v", a, err)
			}
			s.code = 2
			continue
		}
		data, _ := readAll(r)
		done()
		s.load(data)
	}
	s.run()
	return s.code
}

func (s *sedder) load(data []byte) {
	s.noEnd = len(data) > 0 && data[len(data)-1] != '\n'
	s.input = append(s.input, splitLines(data)...)
}

// inPlace edits a file by writing beside it and renaming.
func (s *sedder) inPlace(name, suffix string) {
	c := s.c
	full := c.Abs(name)
	info, err := c.FS().Stat(c.Cred, full)
	if err != nil {
		c.Errorf("can't read %s: %v", name, err)
		s.code = 2
		return
	}
	if !info.FileMode.IsRegular() {
		c.Errorf("couldn't edit %s: not a regular file", name)
		s.code = 4
		return
	}
	data, err := c.ReadFile(name)
	if err != nil {
		c.Errorf("can't read %s: %v", name, err)
		s.code = 2
		return
	}
	var b strings.Builder
	s.out, s.line, s.pos, s.input, s.quit = &b, 0, 0, nil, false
	s.load(data)
	s.run()
	if suffix != "" {
		c.FS().WriteFile(c.Cred, full+suffix, data, info.FileMode)
	}
	temp := path.Join(path.Dir(full), fmt.Sprintf("sed%06d", c.PID))
	err = c.FS().WriteFile(c.Cred, temp, []byte(b.String()), 0o600)
	if err == nil {
		c.FS().Chown(c.Cred, temp, info.UID, info.GID, false)
		c.FS().Chmod(c.Cred, temp, info.FileMode)
		err = c.FS().Rename(c.Cred, temp, full)
	}
	if err != nil {
		c.FS().Remove(hostfs.Root, temp, "file")
		c.Errorf("couldn't open temporary file %s: %v", temp, err)
		s.code = 4
	}
}

// maxRounds bounds branching within one line.
const maxRounds = 1 << 20

func (s *sedder) run() {
	for s.pos < len(s.input) && !s.quit && s.c.Context().Err() == nil {
		s.space = s.input[s.pos]
		s.pos++
		s.line++
		s.cycle()
	}
}

func (s *sedder) cycle() {
	s.replaced, s.skipPrint = false, false
	for again := true; again && !s.quit; {
		again = s.exec(s.cmds) == sedRestart
		if s.rounds++; s.rounds > maxRounds {
			s.quit = true
		}
	}
	if !s.quiet && !s.skipPrint {
		s.put(s.space, true)
	}
	for _, a := range s.appended {
		s.put(a, false)
	}
	s.appended = nil
}

// put prints a line; the last input line without newline stays without.
func (s *sedder) put(line string, own bool) {
	io.WriteString(s.out, line)
	if !own || s.pos < len(s.input) || !s.noEnd {
		io.WriteString(s.out, "\n")
	}
}

type sedFlow int

const (
	sedNext sedFlow = iota
	sedEnd
	sedRestart
)

func (s *sedder) matches(a *sedAddr) bool {
	switch {
	case a.last:
		return s.pos >= len(s.input)
	case a.re != nil:
		s.lastRegexp = a.re
		return a.re.match(s.space)
	case a.step > 0:
		return s.line >= a.line && (s.line-a.line)%a.step == 0
	}
	return s.line == a.line
}

func (s *sedder) selected(c *sedCmd) bool {
	if c.from == nil {
		return true
	}
	if c.to == nil {
		return s.matches(c.from)
	}
	if c.active {
		switch {
		case c.untilLine > 0:
			if s.line >= c.untilLine {
				c.active = false
			}
			return s.line <= c.untilLine
		case s.matches(c.to):
			c.active = false
		}
		return true
	}
	if c.from.line == 0 && !c.from.last && c.from.re == nil {
		// 0,/re/: active before the first line.
		c.from = &sedAddr{line: -1}
		c.active = !s.matches(c.to)
		return true
	}
	if !s.matches(c.from) {
		return false
	}
	c.active = true
	c.untilLine = 0
	switch {
	case c.to.plus:
		c.untilLine = s.line + c.to.line
	case c.to.line > 0:
		c.untilLine = c.to.line
	}
	if c.untilLine > 0 && c.untilLine <= s.line || c.to.last && s.pos >= len(s.input) {
		c.active = false
	}
	return true
}

func (s *sedder) exec(list []*sedCmd) sedFlow {
	for i := 0; i < len(list); i++ {
		c := list[i]
		if s.selected(c) == c.negate {
			continue
		}
		switch c.name {
		case '{':
			if flow := s.exec(c.block); flow != sedNext {
				return flow
			}
		case 's':
			s.substitute(c)
		case 'p':
			s.put(s.space, true)
		case 'P':
			first, _, _ := strings.Cut(s.space, "\n")
			s.put(first, false)
		case 'd':
			s.skipPrint = true
			return sedEnd
		case 'D':
			_, rest, ok := strings.Cut(s.space, "\n")
			if !ok {
				s.skipPrint = true
				return sedEnd
			}
			s.space = rest
			return sedRestart
		case 'q', 'Q':
			s.quit = true
			s.code, _ = strconv.Atoi(c.text)
			s.skipPrint = c.name == 'Q'
			s.noEnd = s.noEnd && s.pos >= len(s.input)
			return sedEnd
		case 'n':
			if s.pos >= len(s.input) {
				s.quit = true
				return sedEnd
			}
			if !s.quiet {
				s.put(s.space, true)
			}
			s.space = s.input[s.pos]
			s.pos++
			s.line++
		case 'N':
			if s.pos >= len(s.input) {
				s.quit = true
				return sedEnd
			}
			s.space += "\n" + s.input[s.pos]
			s.pos++
			s.line++
		case 'a':
			s.appended = append(s.appended, c.text)
		case 'i':
			s.put(c.text, false)
		case 'c':
			s.skipPrint = true
			if c.to == nil || c.negate || !c.active {
				s.put(c.text, false)
			}
			return sedEnd
		case 'h':
			s.hold = s.space
		case 'H':
			s.hold += "\n" + s.space
		case 'g':
			s.space = s.hold
		case 'G':
			s.space += "\n" + s.hold
		case 'x':
			s.space, s.hold = s.hold, s.space
		case 'y':
			s.space = strings.Map(func(r rune) rune {
				if to, ok := c.table[r]; ok {
					return to
				}
				return r
			}, s.space)
		case '=':
			fmt.Fprintf(s.out, "%d\n", s.line)
		case 'l':
			fmt.Fprintf(s.out, "%s$\n", strings.Trim(strconv.QuoteToASCII(s.space), `"`))
		case 'r':
			if data, err := s.c.ReadFile(c.file); err == nil && len(data) > 0 {
				s.appended = append(s.appended, strings.TrimSuffix(string(data), "\n"))
			}
		case 'w':
			s.write(c.file, s.space)
		case 'b', 't', 'T':
			jump := c.name == 'b' || s.replaced == (c.name == 't')
			if c.name != 'b' && jump && c.name == 't' {
				s.replaced = false
			}
			if !jump {
				continue
			}
			if c.text == "" {
				return sedEnd
			}
			target := findLabel(s.cmds, c.text)
			if s.rounds++; target < 0 || s.rounds > maxRounds || s.c.Context().Err() != nil {
				return sedEnd
			}
			return s.exec(s.cmds[target:])
		}
	}
	return sedNext
}

func findLabel(list []*sedCmd, name string) int {
	for i, c := range list {
		if c.name == ':' && c.text == name {
			return i
		}
	}
	return -1
}

func (s *sedder) write(file, line string) {
	if file == "/dev/stdout" {
		s.put(line, true)
		return
	}
	flag := hostfs.Write | hostfs.Create | hostfs.Append
	if !s.wfiles[file] {
		flag = hostfs.Write | hostfs.Create | hostfs.Truncate
	}
	s.wfiles[file] = true
	if h, err := s.c.FS().Open(s.c.Cred, s.c.Abs(file), flag, 0o666&^s.c.Umask); err == nil {
		io.WriteString(h, line+"\n")
	}
}

func (s *sedder) substitute(c *sedCmd) {
	re := c.re
	if re == nil {
		re = s.lastRegexp
	}
	if re == nil {
		return
	}
	s.lastRegexp = re
	var b strings.Builder
	at, n, last := 0, 0, -1
	done := false
	for at <= len(s.space) {
		m := re.find(s.space, at)
		if m == nil {
			break
		}
		// An empty match right after a match does not count.
		if m[0] == m[1] && m[0] == last {
			if m[0] >= len(s.space) {
				break
			}
			b.WriteString(s.space[at : m[0]+1])
			at = m[0] + 1
			last = -1
			continue
		}
		n++
		b.WriteString(s.space[at:m[0]])
		if n >= c.nth {
			b.WriteString(replacement(c.with, s.space, m))
			done = true
		} else {
			b.WriteString(s.space[m[0]:m[1]])
		}
		at, last = m[1], m[1]
		if done && !c.global {
			break
		}
		if m[0] == m[1] {
			if at >= len(s.space) {
				break
			}
			b.WriteByte(s.space[at])
			at++
			last = -1
		}
	}
	if !done {
		return
	}
	if at <= len(s.space) {
		b.WriteString(s.space[at:])
	}
	s.space = b.String()
	s.replaced = true
	if c.print {
		s.put(s.space, true)
	}
	if c.file != "" {
		s.write(c.file, s.space)
	}
}

// replacement fills in \1, & and the case changes \U \L \E \u \l.
func replacement(with, s string, m []int) string {
	var b strings.Builder
	mode, once := byte(0), byte(0)
	emit := func(t string) {
		switch mode {
		case 'U':
			t = strings.ToUpper(t)
		case 'L':
			t = strings.ToLower(t)
		}
		if once != 0 && t != "" {
			if once == 'u' {
				t = strings.ToUpper(t[:1]) + t[1:]
			} else {
				t = strings.ToLower(t[:1]) + t[1:]
			}
			once = 0
		}
		b.WriteString(t)
	}
	group := func(n int) string {
		if 2*n+1 < len(m) && m[2*n] >= 0 {
			return s[m[2*n]:m[2*n+1]]
		}
		return ""
	}
	for i := 0; i < len(with); i++ {
		switch {
		case with[i] == '&':
			emit(group(0))
		case with[i] == '\\' && i+1 < len(with):
			i++
			switch c := with[i]; {
			case c >= '0' && c <= '9':
				emit(group(int(c - '0')))
			case c == 'n':
				emit("\n")
			case c == 't':
				emit("\t")
			case c == 'r':
				emit("\r")
			case c == 'U' || c == 'L':
				mode = c
			case c == 'E':
				mode = 0
			case c == 'u' || c == 'l':
				once = c
			default:
				emit(string(c))
			}
		default:
			emit(with[i : i+1])
		}
	}
	return b.String()
}

// sedParser reads a script.
type sedParser struct {
	s    *sedder
	text string
	pos  int
}

func (p *sedParser) peek() byte {
	if p.pos < len(p.text) {
		return p.text[p.pos]
	}
	return 0
}

func (p *sedParser) skip(set string) {
	for p.pos < len(p.text) && strings.IndexByte(set, p.text[p.pos]) >= 0 {
		p.pos++
	}
}

func (p *sedParser) list(inBlock bool) ([]*sedCmd, error) {
	var out []*sedCmd
	for {
		p.skip(" \t\n;")
		if p.pos >= len(p.text) {
			if inBlock {
				return nil, fmt.Errorf("unmatched `{'")
			}
			return out, nil
		}
		if p.peek() == '}' {
			if !inBlock {
				return nil, fmt.Errorf("unexpected `}'")
			}
			p.pos++
			return out, nil
		}
		c, err := p.command()
		if err != nil {
			return nil, err
		}
		if c != nil {
			out = append(out, c)
		}
	}
}

func (p *sedParser) address() (*sedAddr, error) {
	switch c := p.peek(); {
	case c >= '0' && c <= '9':
		n := p.number()
		a := &sedAddr{line: n}
		if p.peek() == '~' {
			p.pos++
			a.step = max(p.number(), 1)
		}
		return a, nil
	case c == '$':
		p.pos++
		return &sedAddr{last: true}, nil
	case c == '/' || c == '\\':
		if c == '\\' {
			p.pos++
		}
		text, err := p.delimited(true)
		if err != nil {
			return nil, fmt.Errorf("unterminated address regex")
		}
		fold := false
		for p.peek() == 'I' || p.peek() == 'M' {
			fold = fold || p.peek() == 'I'
			p.pos++
		}
		re, err := compileRegexp(text, p.s.extended, fold)
		return &sedAddr{re: re}, err
	}
	return nil, nil
}

func (p *sedParser) number() int {
	start := p.pos
	for p.pos < len(p.text) && isDigit(p.text[p.pos]) {
		p.pos++
	}
	n, _ := strconv.Atoi(p.text[start:p.pos])
	return n
}

// delimited reads up to the delimiter at pos; in a regexp an escaped delimiter
// stands for itself.
func (p *sedParser) delimited(re bool) (string, error) {
	if p.pos >= len(p.text) {
		return "", io.ErrUnexpectedEOF
	}
	delim := p.text[p.pos]
	p.pos++
	var b strings.Builder
	inBracket := false
	for p.pos < len(p.text) {
		c := p.text[p.pos]
		switch {
		case c == '\\' && p.pos+1 < len(p.text):
			next := p.text[p.pos+1]
			if next == delim {
				b.WriteByte(delim)
			} else {
				b.WriteByte('\\')
				b.WriteByte(next)
			}
			p.pos += 2
			continue
		case re && c == '[' && !inBracket:
			inBracket = true
			b.WriteByte(c)
			p.pos++
			if p.peek() == '^' {
				b.WriteByte('^')
				p.pos++
			}
			if p.peek() == ']' {
				b.WriteByte(']')
				p.pos++
			}
			continue
		case c == ']' && inBracket:
			inBracket = false
		case c == delim && !inBracket:
			p.pos++
			return b.String(), nil
		}
		b.WriteByte(c)
		p.pos++
	}
	return "", io.ErrUnexpectedEOF
}

func (p *sedParser) command() (*sedCmd, error) {
	c := &sedCmd{nth: 1}
	var err error
	if c.from, err = p.address(); err != nil {
		return nil, err
	}
	p.skip(" \t")
	if c.from != nil && p.peek() == ',' {
		p.pos++
		p.skip(" \t")
		plus := p.peek() == '+'
		if plus {
			p.pos++
		}
		if c.to, err = p.address(); err != nil || c.to == nil {
			return nil, fmt.Errorf("unexpected `,'")
		}
		c.to.plus = plus
	}
	p.skip(" \t")
	for p.peek() == '!' {
		c.negate = true
		p.pos++
		p.skip(" \t")
	}
	c.name = p.peek()
	p.pos++
	switch c.name {
	case 0:
		return nil, fmt.Errorf("missing command")
	case '#':
		p.line()
		return nil, nil
	case '{':
		c.block, err = p.list(true)
		return c, err
	case 's':
		return c, p.substitution(c)
	case 'y':
		return c, p.transliteration(c)
	case 'a', 'i', 'c':
		c.text = p.textArg()
		return c, nil
	case 'r', 'w':
		p.skip(" \t")
		c.file = p.line()
		return c, nil
	case ':', 'b', 't', 'T':
		p.skip(" \t")
		start := p.pos
		for p.pos < len(p.text) && strings.IndexByte("\n;} ", p.text[p.pos]) < 0 {
			p.pos++
		}
		c.text = p.text[start:p.pos]
		return c, p.end()
	case 'q', 'Q':
		p.skip(" \t")
		if isDigit(p.peek()) {
			c.text = strconv.Itoa(p.number())
		}
		return c, p.end()
	case 'p', 'P', 'd', 'D', 'n', 'N', 'h', 'H', 'g', 'G', 'x', '=', 'l':
		return c, p.end()
	}
	return nil, fmt.Errorf("unknown command: `%c'", c.name)
}

func (p *sedParser) end() error {
	p.skip(" \t")
	switch p.peek() {
	case 0, '\n', ';', '}', '#':
		return nil
	}
	return fmt.Errorf("extra characters after command")
}

func (p *sedParser) line() string {
	rest := p.text[min(p.pos, len(p.text)):]
	line, _, _ := strings.Cut(rest, "\n")
	p.pos += len(line)
	return line
}

// textArg reads the text of a, i and c in both the one-line and the POSIX form.
func (p *sedParser) textArg() string {
	p.skip(" \t")
	if strings.HasPrefix(p.text[p.pos:], "\\\n") {
		p.pos += 2
	} else if p.peek() == '\\' {
		p.pos++
		p.skip(" \t")
	}
	var b strings.Builder
	for p.pos < len(p.text) && p.text[p.pos] != '\n' {
		if p.text[p.pos] == '\\' && p.pos+1 < len(p.text) {
			p.pos++
		}
		b.WriteByte(p.text[p.pos])
		p.pos++
	}
	return b.String()
}

func (p *sedParser) substitution(c *sedCmd) error {
	if p.pos >= len(p.text) {
		return fmt.Errorf("unterminated `s' command")
	}
	at := p.pos
	text, err := p.delimited(true)
	if err != nil {
		return fmt.Errorf("unterminated `s' command")
	}
	p.pos--
	// The replacement is read with the same delimiter; & and \n keep their
	// backslash there.
	if c.with, err = p.withDelim(p.text[at]); err != nil {
		return fmt.Errorf("unterminated `s' command")
	}
	fold := false
	for {
		switch ch := p.peek(); {
		case ch == 'g':
			c.global = true
		case ch == 'p':
			c.print = true
		case ch == 'i' || ch == 'I':
			fold = true
		case ch == 'e' || ch == 'm' || ch == 'M':
		case isDigit(ch):
			c.nth = max(p.number(), 1)
			continue
		case ch == 'w':
			p.pos++
			p.skip(" \t")
			c.file = p.line()
			return p.compile(c, text, fold)
		default:
			if err := p.compile(c, text, fold); err != nil {
				return err
			}
			if p.end() != nil {
				return fmt.Errorf("unknown option to `s'")
			}
			return nil
		}
		p.pos++
	}
}

func (p *sedParser) withDelim(delim byte) (string, error) {
	p.pos++
	var b strings.Builder
	for p.pos < len(p.text) {
		c := p.text[p.pos]
		if c == '\\' && p.pos+1 < len(p.text) {
			next := p.text[p.pos+1]
			p.pos += 2
			if next == delim && next != '&' {
				b.WriteByte(next)
				continue
			}
			b.WriteByte('\\')
			b.WriteByte(next)
			continue
		}
		p.pos++
		if c == delim {
			return b.String(), nil
		}
		b.WriteByte(c)
	}
	return "", io.ErrUnexpectedEOF
}

func (p *sedParser) compile(c *sedCmd, text string, fold bool) (err error) {
	if text == "" {
		return nil
	}
	if c.re, err = compileRegexp(text, p.s.extended, fold); err != nil {
		return fmt.Errorf("Invalid regular expression")
	}
	return nil
}

func (p *sedParser) transliteration(c *sedCmd) error {
	at := p.pos
	from, err := p.delimited(false)
	if err != nil {
		return fmt.Errorf("unterminated `y' command")
	}
	p.pos--
	to, err := p.withDelim(p.text[at])
	if err != nil {
		return fmt.Errorf("unterminated `y' command")
	}
	from, _ = escapes(from, false)
	to, _ = escapes(to, false)
	a, b := []rune(from), []rune(to)
	if len(a) != len(b) {
		return fmt.Errorf("strings for `y' command are different lengths")
	}
	c.table = map[rune]rune{}
	for i := range a {
		c.table[a[i]] = b[i]
	}
	return p.end()
}
