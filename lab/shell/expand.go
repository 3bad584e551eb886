package shell

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"mvdan.cc/sh/v3/syntax"

	"sunup/lab/glob"
	"sunup/lab/machine"
)

// frag is a piece of a word on its way to fields.
type frag struct {
	text string
	// quoted text is neither split nor matched against files.
	quoted bool
	// split text came from an expansion and is cut at IFS.
	split bool
	// brk ends a field ("$@").
	brk bool
	// empty marks a quoted "$@" without parameters: it makes no field.
	empty bool
}

// expandError ends a command, and a shell that is not interactive.
type expandError struct{ msg string }

func (e *expandError) Error() string { return e.msg }

// maxWord bounds what one expansion can grow to.
const maxWord = 64 << 20

var errTooLong = errors.New("argument list too long")

// fields expands words to arguments.
func (s *Shell) fields(words ...*syntax.Word) ([]string, error) {
	var out []string
	for _, w := range words {
		list := []*syntax.Word{w}
		if s.bash {
			cp := *w
			if syntax.SplitBraces(&cp) {
				list = braces(&cp)
			}
		}
		for _, w := range list {
			frags, err := s.frags(w.Parts, false, true)
			if err != nil {
				return nil, err
			}
			out = s.split(out, frags)
		}
	}
	return out, nil
}

// wordString expands a word without splitting, as in an assignment.
func (s *Shell) wordString(w *syntax.Word) (string, error) {
	if w == nil {
		return "", nil
	}
	frags, err := s.frags(w.Parts, false, true)
	if err != nil {
		return "", err
	}
	return join(frags), nil
}

// wordPattern expands a word to a pattern in which quoted text is escaped.
func (s *Shell) wordPattern(w *syntax.Word) (string, error) {
	if w == nil {
		return "", nil
	}
	frags, err := s.frags(w.Parts, false, true)
	if err != nil {
		return "", err
	}
	return pattern(frags), nil
}

// hereDoc expands the body of a here-document.
func (s *Shell) hereDoc(w *syntax.Word) (string, error) {
	if w == nil {
		return "", nil
	}
	frags, err := s.frags(w.Parts, true, false)
	if err != nil {
		return "", err
	}
	return join(frags), nil
}

func join(frags []frag) string {
	if len(frags) == 1 && !frags[0].brk {
		return frags[0].text
	}
	var b strings.Builder
	for _, f := range frags {
		if f.brk {
			b.WriteByte(' ')
		}
		b.WriteString(f.text)
	}
	return b.String()
}

func pattern(frags []frag) string {
	var b strings.Builder
	for _, f := range frags {
		if f.quoted {
			b.WriteString(glob.Escape(f.text))
		} else {
			b.WriteString(f.text)
		}
	}
	return b.String()
}

// split cuts frags to fields by IFS and finds files.
func (s *Shell) split(out []string, frags []frag) []string {
	ifs, ok := s.get("IFS")
	if !ok {
		ifs = " \t\n"
	}
	var cur []frag
	have := false
	flush := func() {
		if have {
			out = s.emit(out, cur)
		}
		cur, have = nil, false
	}
	for _, f := range frags {
		switch {
		case f.brk:
			flush()
			have = false
		case f.empty:
		case !f.split || f.quoted:
			cur = append(cur, f)
			have = have || f.quoted || f.text != ""
		default:
			cur, have, out = s.cut(out, cur, have, f.text, ifs)
		}
	}
	flush()
	return out
}

// cut adds the fields of an expansion's text: white space of IFS collapses, any
// other character of IFS ends a field.
func (s *Shell) cut(out []string, cur []frag, have bool, text, ifs string) ([]frag, bool, []string) {
	start := 0
	for i := 0; i < len(text); {
		r, w := utf8.DecodeRuneInString(text[i:])
		if !strings.ContainsRune(ifs, r) || r == utf8.RuneError {
			i += w
			continue
		}
		if i > start {
			cur = append(cur, frag{text: text[start:i]})
			have = true
		}
		white := r == ' ' || r == '\t' || r == '\n'
		if have || !white {
			out = s.emit(out, cur)
			cur, have = nil, false
		}
		i += w
		// White space after the separator belongs to it; so does one other
		// separator after white space.
		for i < len(text) {
			r2, w2 := utf8.DecodeRuneInString(text[i:])
			if !strings.ContainsRune(ifs, r2) {
				break
			}
			if r2 != ' ' && r2 != '\t' && r2 != '\n' {
				if !white {
					break
				}
				white = false
			}
			i += w2
		}
		start = i
	}
	if start < len(text) {
		cur = append(cur, frag{text: text[start:]})
		have = true
	}
	return cur, have, out
}

// emit makes one field, or the files that it matches.
func (s *Shell) emit(out []string, frags []frag) []string {
	meta := false
	for _, f := range frags {
		if !f.quoted && strings.ContainsAny(f.text, "*?[") {
			meta = true
		}
	}
	if meta && !s.opt['f'] {
		if list := s.glob(pattern(frags)); len(list) > 0 {
			return append(out, list...)
		}
	}
	return append(out, join(frags))
}

// frags expands the parts of a word; quoted means inside double quotes.
func (s *Shell) frags(parts []syntax.WordPart, quoted, tilde bool) ([]frag, error) {
	var out []frag
	size := 0
	for i, part := range parts {
		var add []frag
		var err error
		switch part := part.(type) {
		case *syntax.Lit:
			add = s.literal(part.Value, quoted, tilde && i == 0, len(parts) > 1)
		case *syntax.SglQuoted:
			v := part.Value
			if part.Dollar {
				v = unquoteC(v)
			}
			add = []frag{{text: v, quoted: true}}
		case *syntax.DblQuoted:
			add, err = s.frags(part.Parts, true, false)
			if len(add) == 0 {
				add = []frag{{quoted: true}}
			}
		case *syntax.ParamExp:
			add, err = s.param(part, quoted)
		case *syntax.CmdSubst:
			var v string
			v, err = s.substitute(part)
			add = []frag{{text: v, quoted: quoted, split: !quoted}}
		case *syntax.ArithmExp:
			var n int64
			n, err = s.arith(part.X)
			add = []frag{{text: strconv.FormatInt(n, 10), quoted: quoted, split: !quoted}}
		case *syntax.ProcSubst:
			var v string
			v, err = s.procSubst(part)
			add = []frag{{text: v, quoted: true}}
		case *syntax.ExtGlob:
			add = []frag{{text: part.Op.String() + part.Pattern.Value + ")"}}
		case *syntax.BraceExp:
			err = fmt.Errorf("bad substitution")
		}
		if err != nil {
			return nil, err
		}
		for _, f := range add {
			size += len(f.text)
		}
		if size > maxWord {
			return nil, errTooLong
		}
		out = append(out, add...)
	}
	return out, nil
}

// literal takes the backslashes out of plain text.
func (s *Shell) literal(v string, quoted, tilde, more bool) []frag {
	var out []frag
	if tilde && !quoted && strings.HasPrefix(v, "~") {
		name, rest, slash := strings.Cut(v[1:], "/")
		if home, ok := s.home(name); ok && (slash || !more) {
			out = append(out, frag{text: home, quoted: true})
			if v = rest; slash {
				v = "/" + rest
			}
		}
	}
	if strings.IndexByte(v, '\\') < 0 {
		return append(out, frag{text: v, quoted: quoted})
	}
	var plain strings.Builder
	flush := func() {
		if plain.Len() > 0 {
			out = append(out, frag{text: plain.String(), quoted: quoted})
			plain.Reset()
		}
	}
	for i := 0; i < len(v); i++ {
		if v[i] != '\\' || i+1 >= len(v) {
			plain.WriteByte(v[i])
			continue
		}
		next := v[i+1]
		switch {
		case next == '\n':
			i++
		case quoted && strings.IndexByte("$`\"\\}", next) < 0:
			plain.WriteByte('\\')
		case quoted:
			plain.WriteByte(next)
			i++
		default:
			flush()
			_, w := utf8.DecodeRuneInString(v[i+1:])
			out = append(out, frag{text: v[i+1 : i+1+w], quoted: true})
			i += w
		}
	}
	flush()
	return out
}

func (s *Shell) home(name string) (string, bool) {
	if name == "" {
		return s.get("HOME")
	}
	u, ok := s.p.M.User(name)
	return u.Home, ok
}

// one makes the frag of an expansion's value.
func one(v string, quoted bool) []frag { return []frag{{text: v, quoted: quoted, split: !quoted}} }

// list makes the frags of $@ or of an array.
func list(values []string, quoted bool) []frag {
	if len(values) == 0 {
		return []frag{{empty: true}}
	}
	var out []frag
	for i, v := range values {
		if i > 0 {
			out = append(out, frag{brk: true})
		}
		out = append(out, frag{text: v, quoted: quoted, split: !quoted})
	}
	return out
}

// isAll reports whether the expansion is $@ or $* or of a whole array, and
// whether it is the @ form.
func isAll(pe *syntax.ParamExp) (all, at bool) {
	name := pe.Param.Value
	if name == "@" || name == "*" {
		return true, name == "@"
	}
	if w, ok := pe.Index.(*syntax.Word); ok {
		lit := w.Lit()
		return lit == "@" || lit == "*", lit == "@"
	}
	return false, false
}

func (s *Shell) ifsFirst() string {
	ifs, ok := s.get("IFS")
	if !ok {
		return " "
	}
	if ifs == "" {
		return ""
	}
	_, w := utf8.DecodeRuneInString(ifs)
	return ifs[:w]
}

// param expands one parameter.
func (s *Shell) param(pe *syntax.ParamExp, quoted bool) ([]frag, error) {
	name := pe.Param.Value
	if pe.Excl {
		return s.indirect(pe, quoted)
	}
	if all, at := isAll(pe); all {
		return s.paramAll(pe, at, quoted)
	}
	value, set, err := s.paramValue(name, pe.Index)
	if err != nil {
		return nil, err
	}
	if pe.Length {
		if !set && s.opt['u'] {
			return nil, s.unset(name)
		}
		return one(strconv.Itoa(utf8.RuneCountInString(value)), quoted), nil
	}
	if pe.Exp != nil && isDefault(pe.Exp.Op) {
		return s.paramDefault(pe, name, value, set, quoted)
	}
	if !set && s.opt['u'] {
		return nil, s.unset(name)
	}
	value, err = s.modify(pe, value)
	if err != nil {
		return nil, err
	}
	return one(value, quoted), nil
}

func (s *Shell) unset(name string) error {
	if s.bash {
		return &expandError{name + ": unbound variable"}
	}
	return &expandError{name + ": parameter not set"}
}

func (s *Shell) paramAll(pe *syntax.ParamExp, at, quoted bool) ([]frag, error) {
	values := s.params
	if n := pe.Param.Value; n != "@" && n != "*" {
		values = s.array(n)
	}
	if pe.Length {
		return one(strconv.Itoa(len(values)), quoted), nil
	}
	if pe.Exp != nil && isDefault(pe.Exp.Op) {
		joined := strings.Join(values, " ")
		if use, _ := useDefault(pe.Exp.Op, joined, len(values) > 0); use {
			return s.paramDefault(pe, pe.Param.Value, joined, len(values) > 0, quoted)
		}
	}
	if pe.Slice != nil {
		var err error
		if values, err = s.sliceList(pe, values); err != nil {
			return nil, err
		}
	}
	if pe.Exp != nil && !isDefault(pe.Exp.Op) || pe.Repl != nil {
		values = slices.Clone(values)
		for i := range values {
			v, err := s.modify(pe, values[i])
			if err != nil {
				return nil, err
			}
			values[i] = v
		}
	}
	if quoted && !at {
		return one(strings.Join(values, s.ifsFirst()), true), nil
	}
	return list(values, quoted), nil
}

// indirect expands ${!name}, ${!prefix*} and ${!array[@]}.
func (s *Shell) indirect(pe *syntax.ParamExp, quoted bool) ([]frag, error) {
	name := pe.Param.Value
	if pe.Names != 0 {
		var names []string
		for _, n := range s.names() {
			if strings.HasPrefix(n, name) {
				names = append(names, n)
			}
		}
		return list(names, quoted), nil
	}
	if all, _ := isAll(pe); all {
		return list(s.keys(name), quoted), nil
	}
	ref, _, err := s.paramValue(name, nil)
	if err != nil {
		return nil, err
	}
	if !syntax.ValidName(ref) {
		return nil, &expandError{name + ": invalid indirect expansion"}
	}
	direct := *pe
	direct.Excl = false
	direct.Param = &syntax.Lit{Value: ref}
	return s.param(&direct, quoted)
}

// paramValue gives the value of a parameter and whether it is set.
func (s *Shell) paramValue(name string, index syntax.ArithmExpr) (string, bool, error) {
	if index != nil {
		return s.element(name, index)
	}
	switch name {
	case "?":
		return strconv.Itoa(s.status), true, nil
	case "$":
		return strconv.Itoa(s.pid), true, nil
	case "!":
		if s.lastBg == 0 {
			return "", false, nil
		}
		return strconv.Itoa(s.lastBg), true, nil
	case "#":
		return strconv.Itoa(len(s.params)), true, nil
	case "-":
		return s.flags(), true, nil
	case "0":
		return s.name0, true, nil
	case "PPID":
		return strconv.Itoa(s.ppid), true, nil
	case "LINENO":
		return strconv.Itoa(s.line), true, nil
	case "RANDOM", "SECONDS", "EUID", "UID", "HOSTNAME", "BASHPID":
		if s.bash {
			if v, ok := s.dynamic(name); ok {
				return v, true, nil
			}
		}
	}
	if n, err := strconv.Atoi(name); err == nil {
		if n >= 1 && n <= len(s.params) {
			return s.params[n-1], true, nil
		}
		return "", false, nil
	}
	v, ok := s.get(name)
	return v, ok, nil
}

func isDefault(op syntax.ParExpOperator) bool {
	switch op {
	case syntax.AlternateUnset, syntax.AlternateUnsetOrNull, syntax.DefaultUnset, syntax.DefaultUnsetOrNull,
		syntax.ErrorUnset, syntax.ErrorUnsetOrNull, syntax.AssignUnset, syntax.AssignUnsetOrNull:
		return true
	}
	return false
}

// useDefault says whether the word of ${x:-word} and its kin is used.
func useDefault(op syntax.ParExpOperator, value string, set bool) (use, alternate bool) {
	null := !set || value == ""
	switch op {
	case syntax.AlternateUnset:
		return set, true
	case syntax.AlternateUnsetOrNull:
		return !null, true
	case syntax.DefaultUnset, syntax.ErrorUnset, syntax.AssignUnset:
		return !set, false
	}
	return null, false
}

func (s *Shell) paramDefault(pe *syntax.ParamExp, name, value string, set, quoted bool) ([]frag, error) {
	use, alternate := useDefault(pe.Exp.Op, value, set)
	if !use {
		if alternate {
			return one("", quoted), nil
		}
		return one(value, quoted), nil
	}
	var word []frag
	if pe.Exp.Word != nil {
		var err error
		if word, err = s.frags(pe.Exp.Word.Parts, quoted, !quoted); err != nil {
			return nil, err
		}
	}
	switch pe.Exp.Op {
	case syntax.AssignUnset, syntax.AssignUnsetOrNull:
		if !syntax.ValidName(name) {
			return nil, &expandError{name + ": bad variable name"}
		}
		v := join(word)
		if err := s.set(name, v); err != nil {
			return nil, err
		}
		return one(v, quoted), nil
	case syntax.ErrorUnset, syntax.ErrorUnsetOrNull:
		msg := join(word)
		if msg == "" {
			msg = "parameter not set"
			if pe.Exp.Op == syntax.ErrorUnsetOrNull {
				msg = "parameter not set or null"
			}
		}
		return nil, &expandError{name + ": " + msg}
	}
	if len(word) == 0 {
		return one("", quoted), nil
	}
	// Unquoted text of the word is split like any expansion's.
	for i := range word {
		if !word[i].quoted && !word[i].brk && !word[i].empty {
			word[i].split = !quoted
		}
	}
	return word, nil
}

// modify applies ${x#pat}, ${x/a/b}, ${x:1:2} and ${x^^}.
func (s *Shell) modify(pe *syntax.ParamExp, value string) (string, error) {
	switch {
	case pe.Exp != nil:
		return s.trimOrCase(pe.Exp, value)
	case pe.Slice != nil:
		return s.sliceString(pe.Slice, value)
	case pe.Repl != nil:
		return s.replace(pe.Repl, value)
	}
	return value, nil
}

func (s *Shell) trimOrCase(e *syntax.Expansion, value string) (string, error) {
	pat, err := s.wordPattern(e.Word)
	if err != nil {
		return "", err
	}
	switch e.Op {
	case syntax.RemSmallPrefix:
		return glob.Trim(value, pat, false, false), nil
	case syntax.RemLargePrefix:
		return glob.Trim(value, pat, false, true), nil
	case syntax.RemSmallSuffix:
		return glob.Trim(value, pat, true, false), nil
	case syntax.RemLargeSuffix:
		return glob.Trim(value, pat, true, true), nil
	case syntax.UpperAll:
		return strings.ToUpper(value), nil
	case syntax.LowerAll:
		return strings.ToLower(value), nil
	case syntax.UpperFirst, syntax.LowerFirst:
		_, w := utf8.DecodeRuneInString(value)
		if e.Op == syntax.UpperFirst {
			return strings.ToUpper(value[:w]) + value[w:], nil
		}
		return strings.ToLower(value[:w]) + value[w:], nil
	case syntax.OtherParamOps:
		if pat == "Q" {
			return Quote(value), nil
		}
	}
	return "", &expandError{"Bad substitution"}
}

func (s *Shell) bounds(sl *syntax.Slice, n int) (int, int, error) {
	off, err := s.arith(sl.Offset)
	if err != nil {
		return 0, 0, err
	}
	if off < 0 {
		off = max(off+int64(n), 0)
	}
	off = min(off, int64(n))
	end := int64(n)
	if sl.Length != nil {
		l, err := s.arith(sl.Length)
		if err != nil {
			return 0, 0, err
		}
		if l < 0 {
			end += l
		} else {
			end = min(off+l, end)
		}
	}
	return int(off), int(max(end, off)), nil
}

func (s *Shell) sliceString(sl *syntax.Slice, value string) (string, error) {
	r := []rune(value)
	a, b, err := s.bounds(sl, len(r))
	if err != nil {
		return "", err
	}
	return string(r[a:b]), nil
}

func (s *Shell) sliceList(pe *syntax.ParamExp, values []string) ([]string, error) {
	if n := pe.Param.Value; n == "@" || n == "*" {
		values = append([]string{s.name0}, values...)
	}
	a, b, err := s.bounds(pe.Slice, len(values))
	if err != nil {
		return nil, err
	}
	return values[a:b], nil
}

func (s *Shell) replace(r *syntax.Replace, value string) (string, error) {
	pat, err := s.wordPattern(r.Orig)
	if err != nil {
		return "", err
	}
	with, err := s.wordString(r.With)
	if err != nil || pat == "" {
		return value, err
	}
	anchor := byte(0)
	if !r.All && (pat[0] == '#' || pat[0] == '%') && len(pat) > 1 {
		anchor, pat = pat[0], pat[1:]
	}
	var b strings.Builder
	i := 0
	for i <= len(value) {
		end := -1
		if anchor != '#' || i == 0 {
			end = longest(value, i, pat, anchor)
		}
		if end > i || end == i && anchor != 0 {
			b.WriteString(with)
			i = end
			if !r.All || b.Len() > maxWord {
				break
			}
			continue
		}
		if i < len(value) {
			b.WriteByte(value[i])
		}
		i++
	}
	if i < len(value) {
		b.WriteString(value[i:])
	}
	return b.String(), nil
}

// longest finds the end of the longest match that starts at i, -1 for none.
func longest(value string, i int, pat string, anchor byte) int {
	for end := len(value); end >= i; end-- {
		if glob.Match(pat, value[i:end]) {
			if anchor == '%' && end != len(value) {
				return -1
			}
			return end
		}
	}
	return -1
}

// maxSubst bounds the output of a command substitution.
const maxSubst = 32 << 20

// substitute runs $(...).
func (s *Shell) substitute(cs *syntax.CmdSubst) (string, error) {
	if v, ok, err := s.readShort(cs); ok {
		return v, err
	}
	r, w := machine.Pipe()
	defer r.Drop()
	sub := s.fork()
	if old := sub.p.SetFD(1, w); old != nil {
		old.Drop()
	}
	sub.p.Go(func() int { return sub.runSub(cs.Stmts) })
	data, _ := io.ReadAll(io.LimitReader(machine.Reader{Ctx: s.p.Context(), D: r}, maxSubst))
	s.substStatus, s.hadSubst = s.p.Wait(sub.p), true
	return cleanSubst(data), nil
}

func cleanSubst(data []byte) string {
	return strings.TrimRight(strings.ReplaceAll(string(data), "\x00", ""), "\n")
}

// readShort is bash's $(<file).
func (s *Shell) readShort(cs *syntax.CmdSubst) (string, bool, error) {
	if !s.bash || len(cs.Stmts) != 1 || cs.Stmts[0].Cmd != nil || len(cs.Stmts[0].Redirs) != 1 || cs.Stmts[0].Redirs[0].Op != syntax.RdrIn {
		return "", false, nil
	}
	name, err := s.wordString(cs.Stmts[0].Redirs[0].Word)
	if err != nil {
		return "", true, err
	}
	data, err := s.p.ReadFile(name)
	s.substStatus, s.hadSubst = 0, true
	if err != nil {
		s.errorf("%s: %v", name, err)
		s.substStatus = 1
	}
	return cleanSubst(data), true, nil
}

// procSubst runs <(...) and >(...) on a descriptor of its own.
func (s *Shell) procSubst(ps *syntax.ProcSubst) (string, error) {
	r, w := machine.Pipe()
	sub := s.fork()
	mine, theirs, fd := r, w, 1
	if ps.Op == syntax.CmdOut {
		mine, theirs, fd = w, r, 0
	}
	if old := sub.p.SetFD(fd, theirs); old != nil {
		old.Drop()
	}
	sub.p.Go(func() int { return sub.runSub(ps.Stmts) })
	n := 63
	for s.p.FD(n) != nil {
		n--
	}
	s.p.SetFD(n, mine)
	s.substFDs = append(s.substFDs, n)
	return fmt.Sprintf("/dev/fd/%d", n), nil
}

// braces expands {a,b} and {1..3} to words.
func braces(w *syntax.Word) []*syntax.Word {
	for i, part := range w.Parts {
		br, ok := part.(*syntax.BraceExp)
		if !ok {
			continue
		}
		var out []*syntax.Word
		for _, alt := range braceItems(br) {
			next := &syntax.Word{}
			next.Parts = append(next.Parts, w.Parts[:i]...)
			next.Parts = append(next.Parts, alt.Parts...)
			next.Parts = append(next.Parts, w.Parts[i+1:]...)
			out = append(out, braces(next)...)
			if len(out) > 10_000 {
				return out
			}
		}
		return out
	}
	return []*syntax.Word{w}
}

func braceItems(br *syntax.BraceExp) []*syntax.Word {
	if !br.Sequence || len(br.Elems) < 2 {
		return br.Elems
	}
	from, to := br.Elems[0].Lit(), br.Elems[1].Lit()
	a, err1 := strconv.Atoi(from)
	b, err2 := strconv.Atoi(to)
	chars := err1 != nil || err2 != nil
	if chars {
		if len(from) != 1 || len(to) != 1 {
			return nil
		}
		a, b = int(from[0]), int(to[0])
	}
	step := 1
	if len(br.Elems) > 2 {
		if n, _ := strconv.Atoi(br.Elems[2].Lit()); n != 0 {
			step = max(n, -n)
		}
	}
	width := 0
	if !chars && (strings.HasPrefix(from, "0") && len(from) > 1 || strings.HasPrefix(to, "0") && len(to) > 1) {
		width = max(len(from), len(to))
	}
	var out []*syntax.Word
	add := func(n int) {
		v := fmt.Sprintf("%0*d", width, n)
		if chars {
			v = string(rune(n))
		}
		out = append(out, &syntax.Word{Parts: []syntax.WordPart{&syntax.Lit{Value: v}}})
	}
	for n := a; len(out) < 10_000 && (a <= b && n <= b || a > b && n >= b); {
		add(n)
		if a <= b {
			n += step
		} else {
			n -= step
		}
	}
	return out
}

// unquoteC reads the escapes of $'...'.
func unquoteC(v string) string {
	var b strings.Builder
	for i := 0; i < len(v); i++ {
		if v[i] != '\\' || i+1 >= len(v) {
			b.WriteByte(v[i])
			continue
		}
		i++
		switch c := v[i]; c {
		case 'n':
			b.WriteByte('\n')
		case 't':
			b.WriteByte('\t')
		case 'r':
			b.WriteByte('\r')
		case 'a':
			b.WriteByte(7)
		case 'b':
			b.WriteByte(8)
		case 'e', 'E':
			b.WriteByte(27)
		case 'f':
			b.WriteByte(12)
		case 'v':
			b.WriteByte(11)
		case 'x', 'u', 'U':
			width := map[byte]int{'x': 2, 'u': 4, 'U': 8}[c]
			j := i + 1
			for j < len(v) && j <= i+width && strings.IndexByte("0123456789abcdefABCDEF", v[j]) >= 0 {
				j++
			}
			n, _ := strconv.ParseUint(v[i+1:j], 16, 32)
			if c == 'x' {
				b.WriteByte(byte(n))
			} else {
				b.WriteRune(rune(n))
			}
			i = j - 1
		case '0', '1', '2', '3', '4', '5', '6', '7':
			j := i
			for j < len(v) && j < i+3 && v[j] >= '0' && v[j] <= '7' {
				j++
			}
			n, _ := strconv.ParseUint(v[i:j], 8, 16)
			b.WriteByte(byte(n))
			i = j - 1
		case '\\', '\'', '"', '?':
			b.WriteByte(c)
		default:
			b.WriteByte('\\')
			b.WriteByte(c)
		}
	}
	return b.String()
}

// Quote writes s so that a shell reads it as one word.
func Quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
