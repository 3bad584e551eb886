package pyre

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/dlclark/regexp2/v2"
)

// Flags are those that Ansible can set.
type Flags uint8

// Flags of a pattern.
const (
	IgnoreCase Flags = 1 << iota
	Multiline
	DotAll
)

// matchTime bounds one match; a pattern that backtracks without end fails.
const matchTime = 2 * time.Second

// maxStack bounds the memory of backtracking, in the engine's units.
const maxStack = 4 << 20

// Regexp is a compiled pattern, usable by several goroutines.
type Regexp struct {
	pattern string
	re      *regexp2.Regexp
	options []regexp2.CompileOption
	source  string
	groups  int
	names   map[string]int

	advance     *regexp2.Regexp // refuses an empty match where the search starts
	advanceErr  error
	advanceOnce sync.Once
}

type cacheKey struct {
	pattern string
	flags   Flags
}

// maxCached bounds the cache; when it is full it is emptied, which is simple
// and good enough for patterns written in playbooks.
const maxCached = 512

var cache = struct {
	sync.Mutex
	m map[cacheKey]*Regexp
}{m: map[cacheKey]*Regexp{}}

// Compile reads a Python pattern.
func Compile(pattern string, flags Flags) (*Regexp, error) {
	key := cacheKey{pattern, flags}
	cache.Lock()
	re, ok := cache.m[key]
	cache.Unlock()
	if ok {
		return re, nil
	}
	re, err := compile(pattern, flags)
	if err != nil {
		return nil, err
	}
	cache.Lock()
	if len(cache.m) >= maxCached {
		cache.m = map[cacheKey]*Regexp{}
	}
	cache.m[key] = re
	cache.Unlock()
	return re, nil
}

func compile(pattern string, flags Flags) (re *Regexp, err error) {
	t, err := translate(pattern)
	if err != nil {
		return nil, err
	}
	var o regexp2.RegexOptions
	if flags&IgnoreCase != 0 {
		o |= regexp2.IgnoreCase
	}
	if flags&Multiline != 0 {
		o |= regexp2.Multiline
	}
	if flags&DotAll != 0 {
		o |= regexp2.Singleline
	}
	re = &Regexp{
		pattern: pattern, source: t.out.String(), groups: t.groups, names: t.names,
		options: []regexp2.CompileOption{o, regexp2.OptionMaxBacktrackingStackSize(maxStack)},
	}
	re.re, err = re.engine(re.source)
	return re, err
}

// engine compiles for the engine, whose parser is not trusted with every input.
func (re *Regexp) engine(source string) (out *regexp2.Regexp, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the pattern %q cannot be used", re.pattern)
		}
	}()
	out, err = regexp2.Compile(source, re.options...)
	if err != nil {
		return nil, fmt.Errorf("the pattern %q cannot be used: %w", re.pattern, err)
	}
	out.MatchTimeout = matchTime
	return out, nil
}

// Groups returns the number of groups.
func (re *Regexp) Groups() int { return re.groups }

// Match is one match. Group 0 is all of it.
type Match struct {
	re         *Regexp
	text       []rune
	groups     [][2]int // in runes; -1 when the group took no part
	start, end int
}

// Text returns all that matched.
func (m *Match) Text() string { return string(m.text[m.start:m.end]) }

// Group returns the text of a group and whether it took part.
func (m *Match) Group(n int) (string, bool) {
	if n < 0 || n >= len(m.groups) || m.groups[n][0] < 0 {
		return "", false
	}
	return string(m.text[m.groups[n][0]:m.groups[n][1]]), true
}

// Named returns the number of a named group.
func (re *Regexp) Named(name string) (int, bool) {
	n, ok := re.names[name]
	return n, ok
}

func (re *Regexp) find(engine *regexp2.Regexp, text []rune, at int) (m *Match, err error) {
	defer func() {
		if r := recover(); r != nil {
			m, err = nil, fmt.Errorf("the pattern %q failed on this text", re.pattern)
		}
	}()
	found, err := engine.FindRunesMatchStartingAt(text, at)
	if err != nil {
		return nil, fmt.Errorf("the pattern %q takes too long or too much memory on this text", re.pattern)
	}
	if found == nil {
		return nil, nil
	}
	m = &Match{re: re, text: text, start: found.RuneIndex, end: found.RuneIndex + found.RuneLength}
	m.groups = make([][2]int, re.groups+1)
	m.groups[0] = [2]int{m.start, m.end}
	for i := 1; i <= re.groups; i++ {
		m.groups[i] = [2]int{-1, -1}
		if g := found.GroupByNumber(i); g != nil && len(g.Captures) > 0 {
			m.groups[i] = [2]int{g.RuneIndex, g.RuneIndex + g.RuneLength}
		}
	}
	return m, nil
}

// Search returns the first match, or nil.
func (re *Regexp) Search(text string) (*Match, error) { return re.find(re.re, []rune(text), 0) }

// MatchStart returns the match at the very beginning, or nil: re.match.
func (re *Regexp) MatchStart(text string) (*Match, error) { return re.anchored(text, `\G(?:`, `)`) }

// FullMatch returns the match of the whole text, or nil.
func (re *Regexp) FullMatch(text string) (*Match, error) { return re.anchored(text, `\G(?:`, `)\z`) }

func (re *Regexp) anchored(text, before, after string) (*Match, error) {
	key := cacheKey{before + re.pattern + "\x00" + after, Flags(len(after))<<4 | re.flags()}
	cache.Lock()
	wrapped := cache.m[key]
	cache.Unlock()
	if wrapped == nil {
		head, body := splitFlags(re.source)
		engine, err := re.engine(head + before + body + after)
		if err != nil {
			return nil, err
		}
		wrapped = &Regexp{pattern: re.pattern, re: engine, groups: re.groups, names: re.names}
		cache.Lock()
		if len(cache.m) < maxCached {
			cache.m[key] = wrapped
		}
		cache.Unlock()
	}
	return wrapped.find(wrapped.re, []rune(text), 0)
}

func (re *Regexp) flags() Flags {
	var f Flags
	o, _ := re.options[0].(regexp2.RegexOptions)
	if o&regexp2.IgnoreCase != 0 {
		f |= IgnoreCase
	}
	if o&regexp2.Multiline != 0 {
		f |= Multiline
	}
	if o&regexp2.Singleline != 0 {
		f |= DotAll
	}
	return f
}

// splitFlags takes the global flags off the front of a pattern, which must stay
// in front.
func splitFlags(source string) (head, body string) {
	if strings.HasPrefix(source, "(?") {
		end := strings.IndexByte(source, ')')
		if end > 0 && strings.Trim(source[2:end], "imsx-") == "" {
			return source[:end+1], source[end+1:]
		}
	}
	return "", source
}

// maxMatches bounds how many matches one call returns.
const maxMatches = 5_000_000

// Each calls f with every match, left to right, as Python's finditer does.
func (re *Regexp) Each(text string, f func(*Match) bool) error {
	runes := []rune(text)
	at, engine := 0, re.re
	for n := 0; at <= len(runes); n++ {
		if n > maxMatches {
			return fmt.Errorf("the pattern %q matches too often", re.pattern)
		}
		m, err := re.find(engine, runes, at)
		if err != nil || m == nil {
			return err
		}
		if !f(m) {
			return nil
		}
		at, engine = m.end, re.re
		if m.start == m.end {
			// The next match may start here too, but must not be empty here.
			if engine, err = re.advancing(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (re *Regexp) advancing() (*regexp2.Regexp, error) {
	re.advanceOnce.Do(func() {
		head, body := splitFlags(re.source)
		re.advance, re.advanceErr = re.engine(head + `(?:` + body + `)(?!\G)`)
	})
	return re.advance, re.advanceErr
}

// FindAll is re.findall: for each match its text, its only group, or its
// groups.
func (re *Regexp) FindAll(text string) ([][]string, error) {
	var out [][]string
	err := re.Each(text, func(m *Match) bool {
		out = append(out, m.row())
		return true
	})
	return out, err
}

func (m *Match) row() []string {
	if m.re.groups == 0 {
		return []string{m.Text()}
	}
	row := make([]string, m.re.groups)
	for i := range row {
		row[i], _ = m.Group(i + 1)
	}
	return row
}

// Split is re.split without a limit.
func (re *Regexp) Split(text string) ([]string, error) {
	var out []string
	runes := []rune(text)
	last := 0
	err := re.Each(text, func(m *Match) bool {
		out = append(out, string(runes[last:m.start]))
		for i := 1; i <= re.groups; i++ {
			g, _ := m.Group(i)
			out = append(out, g)
		}
		last = m.end
		return true
	})
	return append(out, string(runes[last:])), err
}

// Replace is re.sub: at most count replacements (0 is all); its result may not
// be longer than limit bytes (0 is no limit).
func (re *Regexp) Replace(text, replacement string, count, limit int) (string, error) {
	parts, err := re.template(replacement)
	if err != nil {
		return "", err
	}
	runes := []rune(text)
	var b strings.Builder
	last, n := 0, 0
	full := false
	err = re.Each(text, func(m *Match) bool {
		b.WriteString(string(runes[last:m.start]))
		for _, p := range parts {
			if p.group < 0 {
				b.WriteString(p.text)
				continue
			}
			g, _ := m.Group(p.group)
			b.WriteString(g)
		}
		last = m.end
		n++
		full = limit > 0 && b.Len() > limit
		return !full && (count <= 0 || n < count)
	})
	if err != nil {
		return "", err
	}
	if full {
		return "", fmt.Errorf("the replaced text is larger than %d bytes", limit)
	}
	b.WriteString(string(runes[last:]))
	return b.String(), nil
}

// piece is a part of a replacement: text, or a group.
type piece struct {
	text  string
	group int // -1 for text
}

// template parses replacement text: \1, \g<1>, \g<name>, \n and other escapes.
func (re *Regexp) template(s string) ([]piece, error) {
	var parts []piece
	var text strings.Builder
	flush := func(group int) error {
		if group > re.groups {
			return fmt.Errorf("invalid group reference %d", group)
		}
		if text.Len() > 0 {
			parts = append(parts, piece{text.String(), -1})
			text.Reset()
		}
		if group >= 0 {
			parts = append(parts, piece{"", group})
		}
		return nil
	}
	for i := 0; i < len(s); {
		if s[i] != '\\' {
			text.WriteByte(s[i])
			i++
			continue
		}
		if i+1 >= len(s) {
			return nil, fmt.Errorf("bad escape (end of pattern) at position %d", i)
		}
		n, group, err := re.reference(s[i:], &text)
		if err != nil {
			return nil, fmt.Errorf("%w at position %d", err, i)
		}
		i += n
		if group >= 0 {
			if err := flush(group); err != nil {
				return nil, err
			}
		}
	}
	err := flush(-1)
	return parts, err
}

// reference reads the escape at the start of s: a group, or text that it
// writes.
func (re *Regexp) reference(s string, text *strings.Builder) (width, group int, err error) {
	c := s[1]
	switch {
	case c == 'g':
		return re.named(s)
	case c == '0':
		n := 2
		for n < 4 && n < len(s) && s[n] >= '0' && s[n] <= '7' {
			n++
		}
		code, _ := strconv.ParseUint(s[1:n], 8, 16)
		text.WriteRune(rune(code & 0xff))
		return n, -1, nil
	case c >= '1' && c <= '9':
		return decimal(s, text)
	case strings.IndexByte("abfnrtv", c) >= 0:
		text.WriteByte("\a\b\f\n\r\t\v"[strings.IndexByte("abfnrtv", c)])
		return 2, -1, nil
	case c == '\\':
		text.WriteByte('\\')
		return 2, -1, nil
	case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
		return 0, -1, fmt.Errorf(`bad escape \%c`, c)
	}
	_, n := utf8.DecodeRuneInString(s[1:])
	text.WriteString(s[:1+n])
	return 1 + n, -1, nil
}

func decimal(s string, text *strings.Builder) (width, group int, err error) {
	isOctal := func(c byte) bool { return c >= '0' && c <= '7' }
	if len(s) > 3 && s[1] <= '3' && isOctal(s[2]) && isOctal(s[3]) {
		code, _ := strconv.ParseUint(s[1:4], 8, 16)
		text.WriteRune(rune(code))
		return 4, -1, nil
	}
	width = 2
	if len(s) > 2 && s[2] >= '0' && s[2] <= '9' {
		width = 3
	}
	group, _ = strconv.Atoi(s[1:width])
	return width, group, nil
}

func (re *Regexp) named(s string) (width, group int, err error) {
	end := strings.IndexByte(s, '>')
	if len(s) < 3 || s[2] != '<' || end < 0 {
		return 0, -1, fmt.Errorf("missing <")
	}
	name := s[3:end]
	if n, err := strconv.Atoi(name); err == nil && n >= 0 {
		return end + 1, n, nil
	}
	n, ok := re.names[name]
	if !ok {
		return 0, -1, fmt.Errorf("unknown group name '%s'", name)
	}
	return end + 1, n, nil
}

// Escape is re.escape.
func Escape(s string) string {
	var b strings.Builder
	for _, r := range s {
		if strings.ContainsRune("()[]{}?*+-|^$\\.&~# \t\n\r\v\f", r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}
