// Package configparser reads configuration files as Python's module of that name does: ansible.cfg and what
// the lookup "ini" reads are in its format.
//
//   - Section: the options below a [header]. Options of [DEFAULT] are seen in every section.
//   - Option: name = value or name: value; lines that are indented further belong to the value.
//   - Interpolation: %(name)s in a value stands for another option, %% for a percent sign.
//
// The source of the rules is Python's documentation, "Supported INI File Structure".
package configparser

import (
	"fmt"
	"math"
	"regexp"
	"strings"
	"unicode"
)

// Options are what may differ between files.
type Options struct {
	CaseSensitive bool // names of options are not made lower case
	AllowNoValue  bool // an option may stand without "="
	// InlineComments are marks that begin a comment also behind a value, after a space.
	InlineComments []string
}

// File is what a file says.
type File struct {
	o        Options
	defaults section
	sections map[string]*section
	names    []string
}

type section struct {
	names  []string
	values map[string]*string // nil without a value
}

// ParseError says which line cannot be read.
type ParseError struct {
	File string
	Line int // from 1
	Why  string
}

// Error prints the place and the reason.
func (e *ParseError) Error() string { return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Why) }

// NoSectionError says that a file lacks a section.
type NoSectionError struct{ Section string }

// Error prints the words of Python.
func (e *NoSectionError) Error() string { return fmt.Sprintf("No section: '%s'", e.Section) }

// NoOptionError says that a section lacks an option.
type NoOptionError struct{ Section, Option string }

// Error prints the words of Python.
func (e *NoOptionError) Error() string {
	return fmt.Sprintf("No option '%s' in section: '%s'", e.Option, e.Section)
}

// InterpolationError says that a %(name)s cannot be put in.
type InterpolationError struct{ Section, Option, Why string }

// Error prints option, section and reason.
func (e *InterpolationError) Error() string {
	return fmt.Sprintf("option '%s' in section '%s': %s", e.Option, e.Section, e.Why)
}

// DefaultSection is the section whose options all others share.
const DefaultSection = "DEFAULT"

// Parse reads src; name is for messages. The error is a *ParseError.
func Parse(name, src string, o Options) (*File, error) {
	f := &File{o: o, defaults: newSection(), sections: map[string]*section{}}
	r := reading{file: f, name: name}
	for i, line := range strings.Split(strings.ReplaceAll(src, "\r\n", "\n"), "\n") {
		if why := r.line(line); why != "" {
			return nil, &ParseError{File: name, Line: i + 1, Why: why}
		}
	}
	r.endValue()
	return f, nil
}

func newSection() section { return section{values: map[string]*string{}} }

// Sections lists the sections but the default one, as they stand in the file.
func (f *File) Sections() []string { return f.names }

// Options lists the options of a section as they stand in the file, without those of the default section.
func (f *File) Options(name string) []string {
	if s := f.sections[name]; s != nil {
		return s.names
	}
	return nil
}

// Get returns an option with its references put in; an option that stands without a value is empty, as in
// Python. The error is a *NoSectionError, a *NoOptionError or an *InterpolationError.
func (f *File) Get(name, option string) (string, error) {
	raw, ok, err := f.Raw(name, option)
	if err != nil || !ok {
		return "", err
	}
	return f.interpolate(name, f.fold(option), raw, 1)
}

// Raw is Get without putting in references; ok is false for an option that stands without a value.
func (f *File) Raw(name, option string) (v string, ok bool, err error) {
	s, known := f.sections[name]
	if !known && name != DefaultSection {
		return "", false, &NoSectionError{name}
	}
	p, found := f.find(s, f.fold(option))
	if !found {
		return "", false, &NoOptionError{name, option}
	}
	if p == nil {
		return "", false, nil
	}
	return *p, true, nil
}

func (f *File) fold(option string) string {
	if f.o.CaseSensitive {
		return option
	}
	return strings.ToLower(option)
}

func (f *File) find(s *section, option string) (*string, bool) {
	if s != nil {
		if p, ok := s.values[option]; ok {
			return p, true
		}
	}
	p, ok := f.defaults.values[option]
	return p, ok
}

// Item is an option with its value.
type Item struct{ Name, Value string }

// Items returns all options that are seen in a section: those of the default section first, each in the
// place of its first mention. Errors are those of Get.
func (f *File) Items(name string) ([]Item, error) {
	s, known := f.sections[name]
	if !known {
		return nil, &NoSectionError{name}
	}
	var out []Item
	seen := map[string]bool{}
	for _, names := range [][]string{f.defaults.names, s.names} {
		for _, n := range names {
			if seen[n] {
				continue
			}
			seen[n] = true
			v, err := f.Get(name, n)
			if err != nil {
				return nil, err
			}
			out = append(out, Item{Name: n, Value: v})
		}
	}
	return out, nil
}

// maxDepth bounds references to references, as Python does.
const maxDepth = 10

var reference = regexp.MustCompile(`^%\(([^)]+)\)s`)

func (f *File) interpolate(sect, option, text string, depth int) (string, error) {
	fail := func(why string, args ...any) (string, error) {
		return "", &InterpolationError{sect, option, fmt.Sprintf(why, args...)}
	}
	if depth > maxDepth {
		return fail("references are nested too deeply")
	}
	var b strings.Builder
	for text != "" {
		at := strings.IndexByte(text, '%')
		if at < 0 {
			b.WriteString(text)
			break
		}
		b.WriteString(text[:at])
		text = text[at:]
		if strings.HasPrefix(text, "%%") {
			b.WriteByte('%')
			text = text[2:]
			continue
		}
		m := reference.FindStringSubmatch(text)
		if m == nil {
			return fail("'%%' must be followed by '%%' or '(', found: %q", text)
		}
		p, ok := f.find(f.sections[sect], f.fold(m[1]))
		if !ok {
			return fail("there is no option '%s' for %s", m[1], m[0])
		}
		text = text[len(m[0]):]
		if p == nil {
			continue
		}
		v, err := f.interpolate(sect, option, *p, depth+1)
		if err != nil {
			return "", err
		}
		if b.Len()+len(v) > maxValue {
			return fail("the value is longer than %d bytes", maxValue)
		}
		b.WriteString(v)
	}
	return b.String(), nil
}

// maxValue bounds a value in bytes: references to references grow fast.
const maxValue = 1 << 20

// reading is a file being read.
type reading struct {
	file   *File
	name   string
	in     *section
	header string
	option string
	lines  []string // of the value; nil while there is none to go on with
	indent int
}

var (
	headerLine = regexp.MustCompile(`^\[(.+)\]`)
	optionLine = regexp.MustCompile(`^(.*?)\s*[=:]\s*(.*)$`)
)

// line takes the next line and says why it cannot.
func (r *reading) line(line string) string {
	text, comment := r.withoutComment(line)
	if text == "" {
		switch {
		case comment:
		case r.lines != nil:
			r.lines = append(r.lines, "")
		default:
			r.indent = math.MaxInt
		}
		return ""
	}
	indent := strings.IndexFunc(line, func(c rune) bool { return !unicode.IsSpace(c) })
	if r.lines != nil && indent > r.indent {
		r.lines = append(r.lines, text)
		return ""
	}
	r.indent = indent
	if m := headerLine.FindStringSubmatch(text); m != nil {
		return r.section(m[1])
	}
	if r.in == nil {
		return "the line stands before any [section]"
	}
	return r.newOption(text)
}

func (r *reading) withoutComment(line string) (text string, comment bool) {
	trimmed := strings.TrimSpace(line)
	if strings.HasPrefix(trimmed, "#") || strings.HasPrefix(trimmed, ";") {
		return "", true
	}
	end := len(line)
	for _, mark := range r.file.o.InlineComments {
		for from := 0; ; {
			at := strings.Index(line[from:end], mark)
			if at < 0 {
				break
			}
			at += from
			if at == 0 || unicode.IsSpace(rune(line[at-1])) {
				end, comment = at, true
				break
			}
			from = at + len(mark)
		}
	}
	return strings.TrimSpace(line[:end]), comment
}

func (r *reading) section(name string) string {
	r.endValue()
	r.header, r.option = name, ""
	if name == DefaultSection {
		r.in = &r.file.defaults
		return ""
	}
	if r.file.sections[name] != nil {
		return fmt.Sprintf("section '%s' already exists", name)
	}
	s := newSection()
	r.in = &s
	r.file.sections[name] = r.in
	r.file.names = append(r.file.names, name)
	return ""
}

func (r *reading) newOption(text string) string {
	r.endValue()
	m := optionLine.FindStringSubmatch(text)
	var name string
	switch {
	case m != nil:
		name = m[1]
	case r.file.o.AllowNoValue:
		name = text
	default:
		return "the line is neither a [section] nor name = value"
	}
	name = r.file.fold(strings.TrimRightFunc(name, unicode.IsSpace))
	if name == "" {
		return "there is no name before ="
	}
	if _, twice := r.in.values[name]; twice {
		return fmt.Sprintf("option '%s' in section '%s' already exists", name, r.header)
	}
	r.in.names = append(r.in.names, name)
	r.in.values[name] = nil
	if m == nil {
		return ""
	}
	r.option, r.lines = name, []string{m[2]}
	return ""
}

func (r *reading) endValue() {
	if r.lines == nil {
		return
	}
	v := strings.TrimRightFunc(strings.Join(r.lines, "\n"), unicode.IsSpace)
	r.in.values[r.option] = &v
	r.lines = nil
}
