package tools

import (
	"io"
	"path"
	"strings"

	"sunup/lab/glob"
	"sunup/lab/hostfs"
	"sunup/lab/machine"
)

// searcher is one call of grep.
type searcher struct {
	c        *machine.Call
	f        *flags
	patterns []*pattern
	fixed    []string
	names    bool
	limit    int
	after    int
	before   int
	matched  bool
	failed   bool
}

func grep(c *machine.Call) int {
	f, args, good := getopt(c, "EFGPivwxcnlLqsoHhrRzaIe:f:m:A:B:C:b", "extended-regexp=E", "fixed-strings=F", "perl-regexp=P", "ignore-case=i", "invert-match=v", "word-regexp=w",
		"line-regexp=x", "count=c", "line-number=n", "files-with-matches=l", "files-without-match=L", "quiet=q", "silent=q", "no-messages=s", "only-matching=o", "with-filename=H",
		"no-filename=h", "recursive=r", "regexp:=e", "file:=f", "max-count:=m", "after-context:=A", "before-context:=B", "context:=C", "text=a", "color?=k", "colour?=k",
		"include:=I+", "exclude:=X+", "null-data=z", "line-buffered=u", "basic-regexp=G", "byte-offset=b", "null=Z", "exclude-dir:=D+")
	if !good {
		return 2
	}
	var exprs []string
	for _, o := range f.order {
		if e, ok := strings.CutPrefix(o, "e="); ok {
			exprs = append(exprs, strings.Split(e, "\n")...)
		}
		if name, ok := strings.CutPrefix(o, "f="); ok {
			data, err := c.ReadFile(name)
			if err != nil {
				c.Errorf("%s: %v", name, err)
				return 2
			}
			exprs = append(exprs, splitLines(data)...)
		}
	}
	if !f.has("e", "f") {
		if len(args) == 0 {
			io.WriteString(c.Err, "Usage: grep [OPTION]... PATTERNS [FILE]...\nTry 'grep --help' for more information.\n")
			return 2
		}
		exprs, args = strings.Split(args[0], "\n"), args[1:]
	}
	s := &searcher{c: c, f: f}
	s.limit, _ = f.num("m", -1)
	s.after, _ = f.num("A", 0)
	s.before, _ = f.num("B", 0)
	if n, _ := f.num("C", 0); n > 0 {
		s.after, s.before = max(s.after, n), max(s.before, n)
	}
	if !s.compile(exprs) {
		return 2
	}
	recursive := f.has("r", "R")
	if recursive && len(args) == 0 {
		args = []string{"."}
	}
	s.names = (len(args) > 1 || recursive || f.has("H")) && !f.has("h")
	if len(args) == 0 {
		s.search("(standard input)", c.In)
	}
	for _, a := range args {
		s.file(a, recursive, true)
		if s.matched && f.has("q") {
			return 0
		}
	}
	switch {
	case s.failed && !(s.matched && f.has("q")):
		return 2
	case s.matched:
		return 0
	}
	return 1
}

func (s *searcher) compile(exprs []string) bool {
	extended := s.f.has("E", "P") || s.c.Name() == "egrep"
	fixed := s.f.has("F") || s.c.Name() == "fgrep"
	if fixed && !s.f.has("i", "w", "x", "o") {
		s.fixed = exprs
		return true
	}
	for _, e := range exprs {
		if fixed {
			e = quoteBasic(e)
		}
		open, close := `\(`, `\)`
		if extended && !fixed {
			open, close = "(", ")"
		}
		if s.f.has("w") {
			e = `\<` + open + e + close + `\>`
		}
		if s.f.has("x") {
			e = "^" + open + e + close + "$"
		}
		p, err := compileRegexp(e, extended && !fixed, s.f.has("i"))
		if err != nil {
			s.c.Errorf("Invalid regular expression")
			return false
		}
		s.patterns = append(s.patterns, p)
	}
	return true
}

func quoteBasic(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if strings.IndexByte(`\.[]*^$`, s[i]) >= 0 {
			b.WriteByte('\\')
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func (s *searcher) file(name string, recursive, top bool) {
	if name == "-" {
		s.search("(standard input)", s.c.In)
		return
	}
	i, err := s.c.FS().Stat(s.c.Cred, s.c.Abs(name))
	if err == nil && i.IsDir() {
		if !recursive {
			if !s.f.has("s") {
				s.c.Errorf("%s: Is a directory", name)
			}
			return
		}
		list, _ := s.c.FS().ReadDir(s.c.Cred, s.c.Abs(name))
		for _, e := range list {
			if s.c.Context().Err() == nil && !e.IsLink() {
				s.file(strings.TrimRight(name, "/")+"/"+e.Base, true, false)
			}
		}
		return
	}
	if !top && !s.included(path.Base(name)) {
		return
	}
	r, done, err := open(s.c, name)
	if err != nil {
		s.failed = true
		if !s.f.has("s") {
			s.c.Errorf("%s: %v", name, err)
		}
		return
	}
	defer done()
	s.search(name, r)
}

func (s *searcher) included(base string) bool {
	ok, limited := true, false
	for _, o := range s.f.order {
		if p, is := strings.CutPrefix(o, "I+="); is {
			if !limited {
				ok, limited = false, true
			}
			ok = ok || glob.Match(p, base)
		}
		if p, is := strings.CutPrefix(o, "X+="); is && glob.Match(p, base) {
			return false
		}
	}
	return ok
}

func (s *searcher) hit(line string) bool {
	for _, f := range s.fixed {
		if strings.Contains(line, f) {
			return true
		}
	}
	for _, p := range s.patterns {
		if p.match(line) {
			return true
		}
	}
	return false
}

func (s *searcher) search(name string, r io.Reader) {
	count, n, left := 0, 0, 0
	var held []string
	lastShown := 0
	err := eachLine(r, func(line string, _ bool) bool {
		n++
		if s.limit >= 0 && count >= s.limit {
			if left == 0 {
				return false
			}
			left--
			s.show(name, n, '-', line)
			return true
		}
		if s.hit(line) == s.f.has("v") {
			if left > 0 {
				left--
				s.show(name, n, '-', line)
				lastShown = n
			} else if s.before > 0 {
				if held = append(held, line); len(held) > s.before {
					held = held[1:]
				}
			}
			return true
		}
		count++
		s.matched = true
		if s.f.has("q", "l", "L") {
			return false
		}
		if s.f.has("c") {
			return true
		}
		if (s.after > 0 || s.before > 0) && lastShown > 0 && n-len(held) > lastShown+1 {
			s.c.Printf("--\n")
		}
		for i, h := range held {
			s.show(name, n-len(held)+i, '-', h)
		}
		held = nil
		s.print(name, n, line)
		lastShown, left = n, s.after
		return true
	})
	if err != nil && err != hostfs.EISDIR {
		s.failed = true
	}
	switch {
	case s.f.has("q"):
	case s.f.has("l") && count > 0, s.f.has("L") && count == 0:
		s.c.Printf("%s\n", name)
	case s.f.has("c"):
		if s.names {
			s.c.Printf("%s:", name)
		}
		s.c.Printf("%d\n", count)
	}
}

func (s *searcher) show(name string, n int, mark byte, text string) {
	if s.names {
		s.c.Printf("%s%c", name, mark)
	}
	if s.f.has("n") {
		s.c.Printf("%d%c", n, mark)
	}
	s.c.Printf("%s\n", text)
}

func (s *searcher) print(name string, n int, line string) {
	if !s.f.has("o") || s.f.has("v") {
		s.show(name, n, ':', line)
		return
	}
	for at := 0; at <= len(line); {
		best := []int(nil)
		for _, p := range s.patterns {
			if m := p.find(line, at); m != nil && (best == nil || m[0] < best[0] || m[0] == best[0] && m[1] > best[1]) {
				best = m
			}
		}
		if best == nil {
			return
		}
		if best[1] > best[0] {
			s.show(name, n, ':', line[best[0]:best[1]])
		}
		at = max(best[1], at+1)
		if best[1] == best[0] {
			at = best[1] + 1
		}
	}
}
