package jinja

import (
	"os"
	"os/user"
	"path/filepath"
	"sort"
	"strings"

	"sunup/internal/value"
)

var pathFilters = []entry{
	{"basename", "", pathFilter(posixBase)},
	{"dirname", "", pathFilter(posixDir)},
	{"expanduser", "", pathFilter(expandUser)},
	{"expandvars", "", pathFilter(expandVars)},
	{"path_join", "", filterPathJoin},
	{"realpath", "", pathFilter(realPath)},
	{"relpath", "start", filterRelpath},
	{"splitext", "", filterSplitext},
	{"win_basename", "", pathFilter(func(s string) string { _, tail := splitWin(s); return tail })},
	{"win_dirname", "", pathFilter(func(s string) string { head, _ := splitWin(s); return head })},
	{"win_splitdrive", "", filterWinSplitDrive},
	{"fileglob", "", filterFileglob},
}

// pathFilter is a filter over a path: unlike a text, nothing else is taken for one.
func pathFilter(f func(string) string) Func {
	return func(c *Call) (any, error) {
		s, err := c.path()
		if err != nil {
			return nil, err
		}
		return c.result(f(s))
	}
}

// path returns the filtered value, which must be text.
func (c *Call) path() (string, error) {
	if err := Defined(c.Value); err != nil {
		return "", err
	}
	s, ok := c.Value.(string)
	if !ok {
		return "", typeError("expected str, bytes or os.PathLike object, not %s", value.TypeName(c.Value))
	}
	return s, nil
}

func posixBase(s string) string { return s[strings.LastIndexByte(s, '/')+1:] }

func posixDir(s string) string {
	head := s[:strings.LastIndexByte(s, '/')+1]
	if trimmed := strings.TrimRight(head, "/"); trimmed != "" {
		return trimmed
	}
	return head
}

func expandUser(s string) string {
	if !strings.HasPrefix(s, "~") {
		return s
	}
	name, rest := s[1:], ""
	if i := strings.IndexByte(s, '/'); i >= 0 {
		name, rest = s[1:i], s[i:]
	}
	home := ""
	if name == "" {
		home = os.Getenv("HOME")
		if u, err := user.Current(); home == "" && err == nil {
			home = u.HomeDir
		}
	} else if u, err := user.Lookup(name); err == nil {
		home = u.HomeDir
	}
	if home == "" {
		return s
	}
	if out := strings.TrimRight(home, "/") + rest; out != "" {
		return out
	}
	return "/"
}

// expandVars replaces $name and ${name}; unknown ones stay.
func expandVars(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		if s[i] != '$' {
			b.WriteByte(s[i])
			i++
			continue
		}
		name, width := variableAt(s[i:])
		v, ok := os.LookupEnv(name)
		if name == "" || !ok {
			width = max(width, 1)
			b.WriteString(s[i : i+width])
		} else {
			b.WriteString(v)
		}
		i += width
	}
	return b.String()
}

func variableAt(s string) (name string, width int) {
	if strings.HasPrefix(s, "${") {
		if end := strings.IndexByte(s, '}'); end > 0 {
			return s[2:end], end + 1
		}
		return "", 1
	}
	end := 1
	for end < len(s) && (s[end] == '_' || s[end] >= '0' && s[end] <= '9' || s[end] >= 'a' && s[end] <= 'z' || s[end] >= 'A' && s[end] <= 'Z') {
		end++
	}
	return s[1:end], end
}

func joinPath(parts []string) string {
	out := ""
	for i, p := range parts {
		switch {
		case i == 0 || strings.HasPrefix(p, "/"):
			out = p
		case out == "" || strings.HasSuffix(out, "/"):
			out += p
		default:
			out += "/" + p
		}
	}
	return out
}

func filterPathJoin(c *Call) (any, error) {
	if s, ok := c.Value.(string); ok {
		return s, nil
	}
	if err := Defined(c.Value); err != nil {
		return nil, err
	}
	items, ok := isSequence(c.Value)
	if !ok {
		return nil, FilterError("|path_join expects string or sequence, got <class '%s'> instead.", value.TypeName(c.Value))
	}
	parts := make([]string, len(items))
	for i, v := range items {
		s, ok := c.rt.clean(v).(string)
		if !ok {
			if err := Defined(v); err != nil {
				return nil, err
			}
			return nil, typeError("join() argument must be str, bytes, or os.PathLike object, not '%s'", value.TypeName(v))
		}
		parts[i] = s
	}
	return c.result(joinPath(parts))
}

// realPath resolves links as far as the path exists.
func realPath(s string) string {
	abs, err := filepath.Abs(s)
	if err != nil {
		return s
	}
	head, tail := abs, ""
	for {
		if real, err := filepath.EvalSymlinks(head); err == nil {
			return filepath.Join(real, tail)
		}
		if head == "/" {
			return abs
		}
		tail = filepath.Join(filepath.Base(head), tail)
		head = filepath.Dir(head)
	}
}

func filterRelpath(c *Call) (any, error) {
	args := c.read()
	s := args.self()
	start := args.text(0, ".")
	if args.err != nil {
		return nil, args.err
	}
	if s == "" {
		return nil, FilterError("no path specified")
	}
	from, err1 := filepath.Abs(start)
	to, err2 := filepath.Abs(s)
	if err1 != nil || err2 != nil {
		return nil, FilterError("the current directory cannot be found")
	}
	out, err := filepath.Rel(from, to)
	if err != nil {
		return nil, err
	}
	return c.result(out)
}

func filterSplitext(c *Call) (any, error) {
	s, err := c.path()
	if err != nil {
		return nil, err
	}
	base := strings.LastIndexByte(s, '/') + 1
	dot := strings.LastIndexByte(s, '.')
	// Dots at the start of a name do not begin an extension.
	if dot <= base || strings.Trim(s[base:dot], ".") == "" {
		return value.Tuple{s, ""}, nil
	}
	return value.Tuple{s[:dot], s[dot:]}, nil
}

func splitDrive(s string) (drive, rest string) {
	norm := strings.ReplaceAll(s, "/", `\`)
	if strings.HasPrefix(norm, `\\`) && !strings.HasPrefix(norm, `\\\`) {
		i := strings.IndexByte(norm[2:], '\\')
		if i < 0 {
			return s, ""
		}
		j := strings.IndexByte(norm[2+i+1:], '\\')
		switch {
		case j == 0:
			return "", s
		case j < 0:
			return s, ""
		}
		at := 2 + i + 1 + j
		return s[:at], s[at:]
	}
	if len(s) > 1 && s[1] == ':' {
		return s[:2], s[2:]
	}
	return "", s
}

func splitWin(s string) (head, tail string) {
	drive, rest := splitDrive(s)
	i := strings.LastIndexAny(rest, `/\`) + 1
	head, tail = rest[:i], rest[i:]
	if trimmed := strings.TrimRight(head, `/\`); trimmed != "" {
		head = trimmed
	}
	return drive + head, tail
}

func filterWinSplitDrive(c *Call) (any, error) {
	s, err := c.self()
	drive, rest := splitDrive(s)
	return value.Tuple{drive, rest}, err
}

func filterFileglob(c *Call) (any, error) {
	pattern, err := c.self()
	if err != nil {
		return nil, err
	}
	names, err := filepath.Glob(pattern)
	if err != nil {
		return list(nil), nil
	}
	sort.Strings(names)
	var out []any
	for _, n := range names {
		if strings.HasPrefix(filepath.Base(n), ".") && !strings.HasPrefix(filepath.Base(pattern), ".") {
			continue
		}
		if info, err := os.Stat(n); err == nil && info.Mode().IsRegular() {
			out = append(out, n)
		}
	}
	return list(out), nil
}
