package tools

import (
	"fmt"
	"io/fs"
	"regexp"
	"strconv"
	"strings"

	"sunup/lab/hostfs"
	"sunup/lab/machine"
)

// test is test(1) and [.
func test(c *machine.Call) int {
	args := c.Args[1:]
	if c.Name() == "[" {
		if len(args) == 0 || args[len(args)-1] != "]" {
			c.Errorf("missing ]")
			return 2
		}
		args = args[:len(args)-1]
	}
	t := &tester{c: c, args: args}
	ok, err := t.run()
	switch {
	case err != nil:
		c.Errorf("%v", err)
		return 2
	case ok:
		return 0
	}
	return 1
}

type tester struct {
	c    *machine.Call
	args []string
	pos  int
}

// run follows POSIX's rules by the number of arguments, then the grammar.
func (t *tester) run() (bool, error) {
	a := t.args
	switch len(a) {
	case 0:
		return false, nil
	case 1:
		return a[0] != "", nil
	case 2:
		if a[0] == "!" {
			return a[1] == "", nil
		}
		if isUnary(a[0]) {
			return t.unary(a[0], a[1])
		}
		return false, fmt.Errorf("%s: unexpected operator", a[0])
	case 3:
		if isBinary(a[1]) {
			return t.binary(a[0], a[1], a[2])
		}
		if a[0] == "!" {
			t.args = a[1:]
			ok, err := t.run()
			return !ok, err
		}
		if a[0] == "(" && a[2] == ")" {
			return a[1] != "", nil
		}
	case 4:
		if a[0] == "!" {
			t.args = a[1:]
			ok, err := t.run()
			return !ok, err
		}
	}
	ok, err := t.or()
	if err == nil && t.pos < len(t.args) {
		return false, fmt.Errorf("%s: unexpected operator", t.args[t.pos])
	}
	return ok, err
}

func (t *tester) peek() string {
	if t.pos < len(t.args) {
		return t.args[t.pos]
	}
	return ""
}

func (t *tester) or() (bool, error) {
	ok, err := t.and()
	for err == nil && t.peek() == "-o" {
		t.pos++
		var right bool
		right, err = t.and()
		ok = ok || right
	}
	return ok, err
}

func (t *tester) and() (bool, error) {
	ok, err := t.not()
	for err == nil && t.peek() == "-a" {
		t.pos++
		var right bool
		right, err = t.not()
		ok = ok && right
	}
	return ok, err
}

func (t *tester) not() (bool, error) {
	rest := t.args[t.pos:]
	if len(rest) == 0 {
		return false, fmt.Errorf("argument expected")
	}
	if len(rest) >= 3 && isBinary(rest[1]) {
		t.pos += 3
		return t.binary(rest[0], rest[1], rest[2])
	}
	switch {
	case rest[0] == "!":
		t.pos++
		ok, err := t.not()
		return !ok, err
	case rest[0] == "(":
		t.pos++
		ok, err := t.or()
		if err == nil && t.peek() != ")" {
			return false, fmt.Errorf("closing paren expected")
		}
		t.pos++
		return ok, err
	case isUnary(rest[0]) && len(rest) > 1:
		t.pos += 2
		return t.unary(rest[0], rest[1])
	}
	t.pos++
	return rest[0] != "", nil
}

func isUnary(op string) bool {
	return len(op) == 2 && op[0] == '-' && strings.IndexByte("bcdefghkLnOprSstuwxzGN", op[1]) >= 0
}

func isBinary(op string) bool {
	switch op {
	case "=", "==", "!=", "-eq", "-ne", "-gt", "-ge", "-lt", "-le", "-nt", "-ot", "-ef", "<", ">":
		return true
	}
	return false
}

func (t *tester) unary(op, arg string) (bool, error) {
	switch op {
	case "-z":
		return arg == "", nil
	case "-n":
		return arg != "", nil
	case "-t":
		n, _ := strconv.Atoi(arg)
		return t.c.TTY != "" && n <= 2, nil
	}
	if arg == "" {
		return false, nil
	}
	fsys, cred, p := t.c.FS(), t.c.Cred, t.c.Abs(arg)
	switch op {
	case "-h", "-L":
		i, err := fsys.Lstat(cred, p)
		return err == nil && i.IsLink(), nil
	case "-r":
		return fsys.Access(cred, p, 4) == nil, nil
	case "-w":
		return fsys.Access(cred, p, 2) == nil, nil
	case "-x":
		return fsys.Access(cred, p, 1) == nil, nil
	}
	i, err := fsys.Stat(cred, p)
	if err != nil {
		return strings.HasPrefix(p, "/dev/std") && op == "-e", nil
	}
	m := i.FileMode
	switch op {
	case "-e":
		return true, nil
	case "-f":
		return m.IsRegular(), nil
	case "-d":
		return m.IsDir(), nil
	case "-s":
		return i.Bytes > 0, nil
	case "-p":
		return m&fs.ModeNamedPipe != 0, nil
	case "-S":
		return m&fs.ModeSocket != 0, nil
	case "-c":
		return m&fs.ModeCharDevice != 0, nil
	case "-b":
		return m&fs.ModeDevice != 0 && m&fs.ModeCharDevice == 0, nil
	case "-u":
		return m&fs.ModeSetuid != 0, nil
	case "-g":
		return m&fs.ModeSetgid != 0, nil
	case "-k":
		return m&fs.ModeSticky != 0, nil
	case "-O":
		return i.UID == cred.UID, nil
	case "-G":
		return i.GID == cred.GID, nil
	}
	return false, nil
}

func (t *tester) binary(a, op, b string) (bool, error) {
	switch op {
	case "=", "==":
		return a == b, nil
	case "!=":
		return a != b, nil
	case "<":
		return a < b, nil
	case ">":
		return a > b, nil
	case "-nt", "-ot", "-ef":
		return t.files(a, op, b), nil
	}
	x, err := strconv.ParseInt(strings.TrimSpace(a), 10, 64)
	if err != nil {
		return false, fmt.Errorf("Illegal number: %s", a)
	}
	y, err := strconv.ParseInt(strings.TrimSpace(b), 10, 64)
	if err != nil {
		return false, fmt.Errorf("Illegal number: %s", b)
	}
	switch op {
	case "-eq":
		return x == y, nil
	case "-ne":
		return x != y, nil
	case "-gt":
		return x > y, nil
	case "-ge":
		return x >= y, nil
	case "-lt":
		return x < y, nil
	}
	return x <= y, nil
}

func (t *tester) files(a, op, b string) bool {
	x, errX := t.c.FS().Stat(t.c.Cred, t.c.Abs(a))
	y, errY := t.c.FS().Stat(t.c.Cred, t.c.Abs(b))
	switch op {
	case "-ef":
		return errX == nil && errY == nil && x.Ino == y.Ino
	case "-ot":
		x, y, errX, errY = y, x, errY, errX
	}
	return errX == nil && (errY != nil || x.Mtime.After(y.Mtime))
}

// echo is dash's: it reads escapes.
func echo(c *machine.Call) int {
	args := c.Args[1:]
	end := "\n"
	if len(args) > 0 && args[0] == "-n" {
		end, args = "", args[1:]
	}
	if strings.Contains(c.Args[0], "/") {
		return gnuEcho(c)
	}
	text, stop := escapes(strings.Join(args, " "), true)
	c.Out.WriteString(text)
	if !stop {
		c.Out.WriteString(end)
	}
	return 0
}

func bashEcho(c *machine.Call) int { return gnuEcho(c) }

// gnuEcho reads escapes only with -e.
func gnuEcho(c *machine.Call) int {
	args, end, esc := c.Args[1:], "\n", false
	for len(args) > 0 && len(args[0]) > 1 && args[0][0] == '-' && strings.Trim(args[0][1:], "neE") == "" {
		for _, f := range args[0][1:] {
			switch f {
			case 'n':
				end = ""
			case 'e':
				esc = true
			case 'E':
				esc = false
			}
		}
		args = args[1:]
	}
	text, stop := strings.Join(args, " "), false
	if esc {
		text, stop = escapes(text, true)
	}
	c.Out.WriteString(text)
	if !stop {
		c.Out.WriteString(end)
	}
	return 0
}

// escapes replaces backslash escapes; stop says that \c ended the output.
// Octal numbers begin with 0 in echo and %b.
func escapes(s string, zero bool) (string, bool) {
	if strings.IndexByte(s, '\\') < 0 {
		return s, false
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 >= len(s) {
			b.WriteByte(s[i])
			continue
		}
		i++
		switch ch := s[i]; ch {
		case 'a':
			b.WriteByte(7)
		case 'b':
			b.WriteByte(8)
		case 'c':
			return b.String(), true
		case 'e':
			b.WriteByte(27)
		case 'f':
			b.WriteByte(12)
		case 'n':
			b.WriteByte('\n')
		case 'r':
			b.WriteByte('\r')
		case 't':
			b.WriteByte('\t')
		case 'v':
			b.WriteByte(11)
		case '\\':
			b.WriteByte('\\')
		case '"', '\'':
			if zero {
				b.WriteByte('\\')
			}
			b.WriteByte(ch)
		case 'x':
			j := i + 1
			for j < len(s) && j < i+3 && strings.IndexByte("0123456789abcdefABCDEF", s[j]) >= 0 {
				j++
			}
			if j == i+1 {
				b.WriteString("\\x")
				continue
			}
			n, _ := strconv.ParseUint(s[i+1:j], 16, 8)
			b.WriteByte(byte(n))
			i = j - 1
		case '0', '1', '2', '3', '4', '5', '6', '7':
			start, limit := i, i+3
			if ch == '0' && zero {
				start, limit = i+1, i+4
			}
			j := start
			for j < len(s) && j < limit && s[j] >= '0' && s[j] <= '7' {
				j++
			}
			n, _ := strconv.ParseUint("0"+s[start:j], 8, 16)
			b.WriteByte(byte(n))
			i = j - 1
		default:
			b.WriteByte('\\')
			b.WriteByte(ch)
		}
	}
	return b.String(), false
}

// printf is printf(1).
func printf(c *machine.Call) int { return printfWith(c, true) }

// printfWith prints; dash's builtin does not know hexadecimal escapes.
func printfWith(c *machine.Call, hex bool) int {
	args := c.Args[1:]
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	if len(args) == 0 {
		c.Errorf("missing operand")
		return 2
	}
	p := &printer{c: c, args: args[1:], hex: hex}
	for {
		before := len(p.args)
		if p.format(args[0]) || len(p.args) == 0 || len(p.args) == before {
			return p.code
		}
	}
}

type printer struct {
	c    *machine.Call
	args []string
	code int
	hex  bool
}

func (p *printer) next() string {
	if len(p.args) == 0 {
		return ""
	}
	a := p.args[0]
	p.args = p.args[1:]
	return a
}

// format prints one pass over the format; true when output is over.
func (p *printer) format(f string) bool {
	for i := 0; i < len(f); i++ {
		switch f[i] {
		case '\\':
			j := i + 2
			for j < len(f) && j < i+4 && f[i+1] >= '0' && f[i+1] <= '7' && f[j] >= '0' && f[j] <= '7' {
				j++
			}
			if i+1 < len(f) && f[i+1] == 'x' {
				if !p.hex {
					p.c.Out.WriteString(`\x`)
					i++
					continue
				}
				for j < len(f) && j < i+4 && strings.IndexByte("0123456789abcdefABCDEF", f[j]) >= 0 {
					j++
				}
			}
			text, stop := escapes(f[i:min(j, len(f))], false)
			p.c.Out.WriteString(text)
			if stop {
				return true
			}
			i = min(j, len(f)) - 1
		case '%':
			n, stop := p.directive(f[i:])
			if stop {
				return true
			}
			i += n - 1
		default:
			p.c.Out.WriteByte(f[i])
		}
	}
	return false
}

// directive prints one %-directive and returns its length.
func (p *printer) directive(f string) (int, bool) {
	i := 1
	spec := "%"
	for i < len(f) && strings.IndexByte("-+ #0", f[i]) >= 0 {
		spec += f[i : i+1]
		i++
	}
	number := func() {
		if i < len(f) && f[i] == '*' {
			n, _ := strconv.Atoi(p.next())
			spec += strconv.Itoa(max(min(n, 10000), -10000))
			i++
			return
		}
		start := i
		for i < len(f) && f[i] >= '0' && f[i] <= '9' && i-start < 5 {
			i++
		}
		spec += f[start:i]
	}
	number()
	if i < len(f) && f[i] == '.' {
		spec += "."
		i++
		number()
	}
	if i >= len(f) {
		p.c.Out.WriteString(f)
		return len(f), false
	}
	conv := f[i]
	i++
	switch conv {
	case '%':
		p.c.Out.WriteByte('%')
	case 's':
		fmt.Fprint(p.c.Out, padBytes(spec, p.next()))
	case 'b':
		text, stop := escapes(p.next(), true)
		fmt.Fprint(p.c.Out, padBytes(spec, text))
		return i, stop
	case 'c':
		a := p.next()
		fmt.Fprint(p.c.Out, padBytes(spec, a[:min(1, len(a))]))
	case 'd', 'i':
		fmt.Fprintf(p.c.Out, spec+"d", p.integer())
	case 'u':
		fmt.Fprintf(p.c.Out, spec+"d", uint64(p.integer()))
	case 'o', 'x', 'X':
		fmt.Fprintf(p.c.Out, spec+string(conv), uint64(p.integer()))
	case 'e', 'E', 'f', 'F', 'g', 'G':
		// What is no number counts as zero, as in C.
		n, _ := strconv.ParseFloat(p.next(), 64)
		fmt.Fprintf(p.c.Out, spec+string(conv), n)
	case 'q':
		fmt.Fprint(p.c.Out, shellQuote(p.next()))
	default:
		p.c.Errorf("%%%c: invalid directive", conv)
		p.code = 1
		return i, true
	}
	return i, false
}

// padBytes applies width and precision by bytes, as C does.
func padBytes(spec, s string) string {
	flags := strings.TrimLeft(spec[1:], "-+ #0")
	left := strings.Contains(spec[:len(spec)-len(flags)], "-")
	width, prec, hasPrec := strings.Cut(flags, ".")
	if hasPrec {
		n, _ := strconv.Atoi(prec)
		s = s[:max(min(n, len(s)), 0)]
	}
	w, _ := strconv.Atoi(width)
	if w < 0 {
		left, w = true, -w
	}
	if pad := w - len(s); pad > 0 {
		if left {
			return s + strings.Repeat(" ", pad)
		}
		return strings.Repeat(" ", pad) + s
	}
	return s
}

func (p *printer) integer() int64 {
	a := strings.TrimSpace(p.next())
	if a == "" {
		return 0
	}
	if a[0] == '"' || a[0] == '\'' {
		r := []rune(a[1:])
		if len(r) == 0 {
			return 0
		}
		return int64(r[0])
	}
	n, err := strconv.ParseInt(a, 0, 64)
	if err != nil {
		if u, err2 := strconv.ParseUint(a, 0, 64); err2 == nil {
			return int64(u)
		}
		j := 0
		for j < len(a) && (a[j] >= '0' && a[j] <= '9' || j == 0 && a[j] == '-') {
			j++
		}
		n, _ = strconv.ParseInt(a[:j], 10, 64)
		if j == 0 {
			p.c.Errorf("%s: expected numeric value", a)
		} else {
			p.c.Errorf("%s: not completely converted", a)
		}
		p.code = 1
	}
	return n
}

func shellQuote(s string) string {
	if s != "" && strings.IndexFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("@%+=:,./_-", r))
	}) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// ParseMode reads an octal or symbolic mode and applies it to old.
func ParseMode(s string, old fs.FileMode, umask fs.FileMode, dir bool) (fs.FileMode, error) {
	if n, err := strconv.ParseUint(s, 8, 32); err == nil {
		if n > 0o7777 {
			return 0, fmt.Errorf("invalid mode: ‘%s’", s)
		}
		m := hostfs.FromUnix(uint32(n))
		if dir && len(s) < 5 {
			m |= old & (fs.ModeSetuid | fs.ModeSetgid)
		}
		return m, nil
	}
	perm := hostfs.UnixPerm(old)
	for _, clause := range strings.Split(s, ",") {
		var err error
		if perm, err = applyClause(clause, perm, uint32(umask.Perm()), dir); err != nil {
			return 0, fmt.Errorf("invalid mode: ‘%s’", s)
		}
	}
	return hostfs.FromUnix(perm), nil
}

var clauseRE = regexp.MustCompile(`^([ugoa]*)((?:[-+=](?:[rwxXst]*|[ugo]))+)$`)
var actionRE = regexp.MustCompile(`[-+=](?:[ugo]$|[rwxXst]*)`)

func applyClause(clause string, perm, umask uint32, dir bool) (uint32, error) {
	m := clauseRE.FindStringSubmatch(clause)
	if m == nil {
		return 0, fmt.Errorf("bad clause")
	}
	who, masked := m[1], false
	if who == "" {
		who, masked = "ugo", true
	}
	who = strings.ReplaceAll(who, "a", "ugo")
	for _, act := range actionRE.FindAllString(m[2], -1) {
		perm = applyAction(act, who, perm, umask, masked, dir)
	}
	return perm, nil
}

func applyAction(act, who string, perm, umask uint32, masked, dir bool) uint32 {
	var bits uint32 // of one class
	for _, p := range act[1:] {
		switch p {
		case 'r':
			bits |= 4
		case 'w':
			bits |= 2
		case 'x':
			bits |= 1
		case 'X':
			if dir || perm&0o111 != 0 {
				bits |= 1
			}
		case 'u':
			bits |= perm >> 6 & 7
		case 'g':
			bits |= perm >> 3 & 7
		case 'o':
			bits |= perm & 7
		}
	}
	var set, clearMask uint32
	for _, w := range who {
		shift := map[rune]uint{'u': 6, 'g': 3, 'o': 0}[w]
		set |= bits << shift
		clearMask |= 7 << shift
		if strings.ContainsRune(act, 's') && w != 'o' {
			set |= map[rune]uint32{'u': 0o4000, 'g': 0o2000}[w]
		}
		if w == 'u' && !dir {
			clearMask |= 0o4000
		}
		if w == 'g' && !dir {
			clearMask |= 0o2000
		}
	}
	if strings.ContainsRune(act, 't') {
		set |= 0o1000
	}
	if masked {
		set &^= umask
	}
	switch act[0] {
	case '+':
		return perm | set
	case '-':
		return perm &^ set
	}
	return perm&^clearMask | set
}
