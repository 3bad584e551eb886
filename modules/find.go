package modules

import (
	"context"
	"fmt"
	"path"
	"regexp"
	"strconv"
	"strings"

	"sunup/internal/say"
	"sunup/internal/value"
)

var findModule = Module{
	Name:    "ansible.builtin.find",
	Summary: say.T("Lists files that meet conditions.", "조건에 맞는 파일을 찾는다."),
	Spec: Spec{Params: []Param{
		{Name: "paths", Aliases: []string{"name", "path"}, Type: List, Elements: Str, Required: true, Doc: say.T("Directories to look in.", "찾을 디렉터리들.")},
		{Name: "patterns", Aliases: []string{"pattern"}, Type: List, Elements: Str, Default: value.NewList(), Doc: say.T("Names, as globs or regular expressions.", "이름의 글로브나 정규식.")},
		{Name: "excludes", Aliases: []string{"exclude"}, Type: List, Elements: Str, Doc: say.T("Names to leave out.", "빼 놓을 이름.")},
		{Name: "contains", Doc: say.T("Regular expression that a line must match from its start.", "줄의 처음부터 맞아야 하는 정규식.")},
		{Name: "read_whole_file", Type: Bool, Default: false, Doc: say.T("Look for contains in the whole text.", "contains를 글 전체에서 찾는다.")},
		{Name: "file_type", Default: "file", Choices: []any{"any", "directory", "file", "link"}, Doc: say.T("Kind of file.", "파일의 종류.")},
		{Name: "age", Doc: say.T("At least this old (s, m, h, d, w), or at most when negative.", "이보다 오래된 것(s, m, h, d, w). 음수면 이보다 새로운 것.")},
		{Name: "age_stamp", Default: "mtime", Choices: []any{"atime", "ctime", "mtime"}, Doc: say.T("Which time is the age.", "나이를 재는 시각.")},
		{Name: "size", Doc: say.T("At least this large (b, k, m, g, t), or at most when negative.", "이보다 큰 것(b, k, m, g, t). 음수면 이보다 작은 것.")},
		{Name: "recurse", Type: Bool, Default: false, Doc: say.T("Look in directories below too.", "하위 디렉터리도 찾는다.")},
		{Name: "hidden", Type: Bool, Default: false, Doc: say.T("List hidden files too.", "숨은 파일도 나열한다.")},
		{Name: "follow", Type: Bool, Default: false, Doc: say.T("Follow links to directories.", "디렉터리로 가는 링크를 따라간다.")},
		{Name: "get_checksum", Type: Bool, Default: false, Doc: say.T("Return SHA-1 of files.", "파일의 SHA-1 값을 돌려준다.")},
		{Name: "use_regex", Type: Bool, Default: false, Doc: say.T("patterns are regular expressions.", "patterns가 정규식이다.")},
		{Name: "depth", Type: Int, Doc: say.T("How deep to look.", "찾을 깊이.")},
	}},
	Idempotent: true,
	Returns: []Return{
		{Name: "files", Type: "list", When: "success", Doc: say.T("The files, as stat returns them.", "찾은 파일들. stat과 같은 값.")},
		{Name: "matched", Type: "int", When: "success", Doc: say.T("How many were found.", "찾은 수.")},
		{Name: "examined", Type: "int", When: "success", Doc: say.T("How many were looked at.", "살펴본 수.")},
		{Name: "skipped_paths", Type: "dict", When: "success", Doc: say.T("Paths that could not be read, with the reason.", "읽지 못한 경로와 이유.")},
	},
	Run: runFind,
}

// findTools define V, which lists a directory $1 at depth $2 and those below.
// When links are followed, $3 are the real directories above, a line each, and
// $4 the real directory: one that is being listed is not entered again.
const findTools = `V() (
d=${1%/}
n=$2
c=$3
q=$4
set --
for x in "$d"/* "$d"/.[!.]* "$d"/..?*; do
if [ -e "$x" ] || [ -h "$x" ]; then
set -- "$@" "$x"
if [ "$#" = 200 ]; then B "$@"; set --; fi
fi
done
if [ "$#" != 0 ]; then B "$@"; fi
if [ "$n" -gt "$M" ]; then exit 0; fi
for x in "$d"/* "$d"/.[!.]* "$d"/..?*; do
if [ -d "$x" ] && { [ "$L" = 1 ] || [ ! -h "$x" ]; }; then
if [ "$L" != 1 ]; then V "$x" $((n + 1)) '' ''; continue; fi
if [ -h "$x" ]; then y=$(readlink -f "$x"); else y=${q%/}/${x##*/}; fi
case $c in *"
$y
"*) continue;; esac
V "$x" $((n + 1)) "$c$y
" "$y"
fi
done
)
G() { if [ "$L" = 1 ]; then q=$(readlink -f "$1"); V "$1" 1 "
$q
" "$q"; else V "$1" 1 '' ''; fi; }
`

// maxFindDepth bounds a walk that follows links in a circle.
const maxFindDepth = 60

func runFind(ctx context.Context, c *Call) (*Result, error) {
	q, fail := readFindQuery(c.Args)
	if fail != nil {
		return fail, nil
	}
	var s strings.Builder
	s.WriteString(walkTools + findTools + "L=" + flag(c.Args.Bool("follow")) + "\nM=" + strconv.Itoa(q.limit()) + "\nprintf 'now='; date +%s\nprintf '\\0'\n")
	for i, p := range c.Args.Strings("paths") {
		fmt.Fprintf(&s, "p=%s\nprintf 'path.%d=%%s\\0' \"$p\"\nif [ -d \"$p\" ]; then printf 'dir.%d=1\\0'; G \"$p\"; fi\nprintf 'batch=1\\0%%s\\0\\0' '//end'\n", quotePath(p), i, i)
	}
	f, fail, err := c.observe(ctx, s.String())
	if fail != nil || err != nil {
		return fail, err
	}
	r, hits := q.collect(c, f)
	if q.contains == nil && !q.checksum {
		return r, nil
	}
	fail, err = q.look(ctx, c, hits)
	if fail != nil || err != nil {
		return fail, err
	}
	files := &value.List{}
	for _, h := range hits {
		if !h.dropped {
			files.Append(h.values)
		}
	}
	return r.Set("files", files).Set("matched", files.Len()), nil
}

// findQuery is what find looks for.
type findQuery struct {
	patterns, excludes []func(string) (bool, error)
	contains           *regex
	whole, checksum    bool
	kind, stamp        string
	hidden, recurse    bool
	age, size          *int64
	depth              int
}

var (
	ageText  = regexp.MustCompile(`^(-?\d+)([smhdw]?)$`)
	sizeText = regexp.MustCompile(`^(-?\d+)([bkmgt]?)$`)
)

func readFindQuery(a Args) (findQuery, *Result) {
	q := findQuery{whole: a.Bool("read_whole_file"), checksum: a.Bool("get_checksum"), kind: a.Str("file_type"),
		stamp: a.Str("age_stamp"), hidden: a.Bool("hidden"), recurse: a.Bool("recurse"), depth: a.Int("depth")}
	var ok bool
	if q.age, ok = measure(ageText, a.Str("age"), map[string]int64{"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}); !ok {
		return q, Fail("failed to process age").Set("age", a.Str("age"))
	}
	if q.size, ok = measure(sizeText, a.Str("size"), map[string]int64{"b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}); !ok {
		return q, Fail("failed to process size").Set("size", a.Str("size"))
	}
	var err error
	if q.patterns, err = nameTests(a.Strings("patterns"), a.Bool("use_regex")); err != nil {
		return q, Fail("%s", err)
	}
	if q.excludes, err = nameTests(a.Strings("excludes"), a.Bool("use_regex")); err != nil {
		return q, Fail("%s", err)
	}
	if a.Given("contains") {
		if q.contains, err = compileRegex(a.Str("contains"), ""); err != nil {
			return q, Fail("%s", err)
		}
	}
	return q, nil
}

// measure reads a number with a unit; nil is no limit.
func measure(form *regexp.Regexp, text string, units map[string]int64) (*int64, bool) {
	if text == "" {
		return nil, true
	}
	m := form.FindStringSubmatch(strings.ToLower(text))
	if m == nil {
		return nil, false
	}
	n, err := strconv.ParseInt(m[1], 10, 64)
	if err != nil {
		return nil, false
	}
	if u := units[m[2]]; u > 0 {
		n *= u
	}
	return &n, true
}

func nameTests(patterns []string, regexes bool) ([]func(string) (bool, error), error) {
	var tests []func(string) (bool, error)
	for _, p := range patterns {
		if !regexes {
			re, err := globPattern(p)
			if err != nil {
				return nil, err
			}
			tests = append(tests, func(s string) (bool, error) { return re.MatchString(s), nil })
			continue
		}
		re, err := compileRegex(p, "")
		if err != nil {
			return nil, err
		}
		tests = append(tests, re.matchStart)
	}
	return tests, nil
}

// matchStart reports whether a match begins where the text does: the first
// match is the leftmost one.
func (r *regex) matchStart(s string) (bool, error) {
	m, err := r.search(s)
	return m != nil && m.RuneIndex == 0, err
}

// globPattern translates a glob of file names as Python's fnmatch reads it.
func globPattern(glob string) (*regexp.Regexp, error) {
	var out strings.Builder
	out.WriteString(`(?s)\A`)
	for i := 0; i < len(glob); i++ {
		switch glob[i] {
		case '*':
			out.WriteString(".*")
		case '?':
			out.WriteString(".")
		case '[':
			class, n := globClass(glob[i:])
			out.WriteString(class)
			i += n - 1
		default:
			j := i + 1
			for j < len(glob) && !strings.ContainsRune("*?[", rune(glob[j])) {
				j++
			}
			out.WriteString(regexp.QuoteMeta(glob[i:j]))
			i = j - 1
		}
	}
	re, err := regexp.Compile(out.String() + `\z`)
	if err != nil {
		return nil, fmt.Errorf("cannot read the pattern %q: %w", glob, err)
	}
	return re, nil
}

// globClass translates [...] and returns the bytes used; one without an end is
// a bracket.
func globClass(s string) (string, int) {
	end := 1
	if strings.HasPrefix(s[end:], "!") {
		end++
	}
	if strings.HasPrefix(s[end:], "]") {
		end++
	}
	i := strings.IndexByte(s[end:], ']')
	if i < 0 {
		return `\[`, 1
	}
	end += i
	body := strings.NewReplacer(`\`, `\\`, "[", `\[`, "&", `\&`, "~", `\~`).Replace(s[1:end])
	if rest, ok := strings.CutPrefix(body, "!"); ok {
		body = "^" + rest
	} else if strings.HasPrefix(body, "^") {
		body = `\` + body
	}
	return "[" + strings.Replace(body, "]", `\]`, 1) + "]", end + 1
}

// limit is how many levels of directories are entered below the first.
func (q findQuery) limit() int {
	switch {
	case !q.recurse:
		return 0
	case q.depth > 0:
		return min(q.depth, maxFindDepth)
	}
	return maxFindDepth
}

// findHit is a file that meets all conditions that an inode can answer.
type findHit struct {
	path    string
	inode   inode
	values  *value.Dict
	dropped bool
}

// collect filters what was listed and makes the result.
func (q findQuery) collect(c *Call, f fields) (*Result, []*findHit) {
	now := int64(f.number("now"))
	skipped, files := &value.Dict{}, &value.List{}
	var hits []*findHit
	examined, i := 0, 0
	msg := "All paths examined"
	dir := func() string { return f["path."+strconv.Itoa(i)] }
	for _, at := range f.batches() {
		if at.Path == "//end" {
			if !f.has("dir." + strconv.Itoa(i)) {
				why := "'" + dir() + "' is not a directory"
				skipped.Set(dir(), why)
				msg = "Not all paths examined, check warnings for details"
				c.warn("Skipped '" + dir() + "' path due to this access issue: " + why + "\n")
			}
			i++
			continue
		}
		examined++
		at.Path = path.Clean(at.Path)
		ok, err := q.accepts(at, dir(), now)
		if err != nil {
			return Fail("%s", err), nil
		}
		if ok {
			h := &findHit{path: at.Path, inode: *at.Inode, values: findValues(at)}
			hits = append(hits, h)
			files.Append(h.values)
		}
	}
	r := OK().Set("files", files).Set("matched", files.Len()).Set("examined", examined).Set("skipped_paths", skipped)
	r.Msg = msg
	return r, hits
}

func (c *Call) warn(msg string) {
	if c.Controller != nil {
		c.Controller.Warn(msg)
	}
}

func findValues(at found) *value.Dict {
	d := value.NewDict("path", at.Path)
	inodeValues(d, *at.Inode)
	for _, kv := range [][2]any{{"gr_name", at.Inode.Group}, {"pw_name", at.Inode.Owner}} {
		d.Set(kv[0], kv[1])
	}
	if at.Inode.Owner == strconv.Itoa(at.Inode.UID) {
		d.Set("pw_name", "")
	}
	if at.Inode.Group == strconv.Itoa(at.Inode.GID) {
		d.Set("gr_name", "")
	}
	return d
}

func (q findQuery) accepts(at found, dir string, now int64) (bool, error) {
	in, name := at.Inode, path.Base(at.Path)
	switch {
	case in == nil,
		q.depth > 0 && strings.Count(at.Path, "/")-strings.Count(strings.TrimRight(dir, "/")+"/", "/")+1 > q.depth,
		strings.HasPrefix(name, ".") && !q.hidden,
		q.kind == "directory" && !in.isDir(),
		q.kind == "file" && !in.isFile(),
		q.kind == "link" && !in.isLink(),
		q.kind != "directory" && q.kind != "link" && in.isFile() && !beyond(q.size, in.Size):
		return false, nil
	}
	stamp := map[string]int64{"atime": in.Atime, "mtime": in.Mtime, "ctime": in.Ctime}[q.stamp]
	if !beyond(q.age, now-stamp) {
		return false, nil
	}
	return q.named(name)
}

// beyond reports whether n reaches a limit; a negative one is an upper limit.
func beyond(limit *int64, n int64) bool {
	return limit == nil || (*limit >= 0 && n >= *limit) || (*limit < 0 && n <= -*limit)
}

func (q findQuery) named(name string) (bool, error) {
	for i, test := range append(q.patterns, q.excludes...) {
		ok, err := test(name)
		if err != nil {
			return false, err
		}
		if ok && i < len(q.patterns) {
			for _, not := range q.excludes {
				if out, err := not(name); err != nil || out {
					return false, err
				}
			}
			return true, nil
		}
		if ok && len(q.patterns) == 0 {
			return false, nil
		}
	}
	return len(q.patterns) == 0, nil
}

// look reads the contents and checksums that the conditions or the task ask
// for, many files in one exchange.
func (q findQuery) look(ctx context.Context, c *Call, hits []*findHit) (*Result, error) {
	for len(hits) > 0 {
		n, size := 0, int64(0)
		var s strings.Builder
		for n < len(hits) && n < 500 && (n == 0 || size+hits[n].inode.Size <= maxAnswer) {
			h := hits[n]
			if h.inode.isFile() {
				fmt.Fprintf(&s, "p=%s\n", quoteText(dashless(h.path)))
				if q.checksum {
					fmt.Fprintf(&s, "H sum.%d \"$p\"\n", n)
				}
				if q.contains != nil {
					fmt.Fprintf(&s, "if [ -r \"$p\" ]; then printf 'text.%d='; head -c %d \"$p\" | base64; printf '\\0'; fi\n", n, maxAnswer)
					size += h.inode.Size
				}
			}
			n++
		}
		f, fail, err := c.observe(ctx, s.String())
		if fail != nil || err != nil {
			return fail, err
		}
		for i, h := range hits[:n] {
			if err := q.settle(c, f, strconv.Itoa(i), h); err != nil {
				return Fail("%s", err), nil
			}
		}
		hits = hits[n:]
	}
	return nil, nil
}

func (q findQuery) settle(c *Call, f fields, i string, h *findHit) error {
	if q.checksum && h.inode.isFile() {
		h.values.Set("checksum", f.sum("sum."+i))
	}
	if q.contains == nil || q.kind != "file" {
		return nil
	}
	if h.inode.Size > maxAnswer {
		c.warn(fmt.Sprintf("only the first %s of %s were searched", printSize(maxAnswer), h.path))
	}
	text, err := f.content("text." + i)
	if err != nil {
		return err
	}
	h.dropped = true
	cs := charsetOf(text)
	if q.whole {
		m, err := q.contains.search(cs.decode(text))
		h.dropped = m == nil
		return err
	}
	for _, line := range fileLines(cs.decode(text)) {
		ok, err := q.contains.matchStart(line)
		if err != nil {
			return err
		}
		if ok {
			h.dropped = false
			return nil
		}
	}
	return nil
}
