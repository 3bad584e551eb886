package inventory

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"sunup/internal/diag"
	"sunup/internal/say"
	"sunup/internal/value"
	"sunup/internal/vault"
	"sunup/internal/yaml"
)

// Options say what is read, and how. Only Sources is needed.
type Options struct {
	// Sources are the values of -i, in order: later ones override earlier ones.
	Sources []string
	// BaseDir is what relative sources are relative to; "" is the working directory.
	BaseDir string
	// Decrypt opens files that are encrypted as a whole; nil makes them a problem.
	Decrypt func(text []byte) ([]byte, error)
	// Evaluate computes a Jinja expression for "plugin: constructed"; nil makes
	// such a source a problem.
	Evaluate func(ctx context.Context, expression string, vars *value.Dict) (any, error)
	// ExtraVars are the variables of -e, for a constructed source that asks for
	// them (use_extra_vars).
	ExtraVars *value.Dict
	// IgnoreExtensions are endings of files in a directory that are skipped;
	// nil takes Ansible's.
	IgnoreExtensions []string
	// IgnorePatterns are regular expressions of further names to skip.
	IgnorePatterns []string
	// GroupNames says what becomes of letters in group names that cannot be in a
	// variable's name, as TRANSFORM_INVALID_GROUP_CHARS does: "never" (default)
	// keeps them and warns, "ignore" keeps them, "always" makes them _ and warns,
	// "silently" makes them _.
	GroupNames string
	// UnparsedFails makes it an error when no source could be read, and
	// AnyUnparsedFails when one of them could not (INVENTORY_UNPARSED_IS_FAILED,
	// INVENTORY_ANY_UNPARSED_IS_FAILED).
	UnparsedFails, AnyUnparsedFails bool
	// Enabled are the inventory plugins that may read a source
	// (INVENTORY_ENABLED); nil takes all that there are. Only an empty file needs
	// it: the ini plugin alone takes it for an inventory.
	Enabled []string
	// ProgramTimeout ends an inventory program that does not come to an end;
	// default 5 minutes, as some ask large clouds.
	ProgramTimeout time.Duration
	// MaxBytes bounds each file and the output of a program; default 64 MiB.
	MaxBytes int
	// Python is ansible_python_interpreter of the implicit localhost; "" leaves
	// the variable out.
	Python string
}

var ignoredExtensions = []string{".pyc", ".pyo", ".swp", ".bak", "~", ".rpm", ".md", ".txt", ".rst", ".orig", ".ini", ".cfg", ".retry"}

func (o Options) withDefaults() Options {
	if o.BaseDir == "" {
		o.BaseDir, _ = os.Getwd()
	}
	if o.IgnoreExtensions == nil {
		o.IgnoreExtensions = ignoredExtensions
	}
	if o.ProgramTimeout == 0 {
		o.ProgramTimeout = 5 * time.Minute
	}
	if o.MaxBytes == 0 {
		o.MaxBytes = 64 << 20
	}
	return o
}

// Load reads all sources. The inventory is never nil; with errors among the
// problems it lacks what could not be read.
func Load(ctx context.Context, o Options) (*Inventory, diag.Problems) {
	o = o.withDefaults()
	l := &loader{ctx: ctx, Options: o, inv: newInventory(o)}
	for _, s := range o.Sources {
		if s = strings.TrimSpace(s); s != "" {
			l.source(s, func() { l.load(s) })
		}
	}
	if !l.parsed {
		l.problems = append(l.problems, l.nothing())
	}
	l.inv.settle()
	l.problems = append(l.problems, l.inv.conflicts()...)
	return l.inv, l.problems
}

type loader struct {
	Options
	ctx      context.Context
	inv      *Inventory
	problems diag.Problems
	parsed   bool          // a source was there
	within   []os.FileInfo // the directories that are being read
}

// source reads one value of -i, or one entry of a directory, and notices when
// nothing came of it.
func (l *loader) source(name string, read func()) {
	before := l.parsed
	l.parsed = false
	read()
	if !l.parsed && l.AnyUnparsedFails {
		l.problems = append(l.problems, diag.Problem{Severity: diag.Error, ID: "inventory-unparsed",
			What: say.T("Completely failed to parse inventory source %s", "인벤토리 %s에서 아무것도 읽지 못했습니다", name),
			Why:  say.T("any_unparsed_is_failed is set", "any_unparsed_is_failed가 켜져 있습니다")})
	}
	l.parsed = l.parsed || before
}

// nothing says that no source could be read.
func (l *loader) nothing() diag.Problem {
	p := diag.Problem{Severity: diag.Warning, ID: "inventory-none",
		What: say.T("No inventory was parsed, only implicit localhost is available", "읽은 인벤토리가 없어 이 컴퓨터(localhost)만 쓸 수 있습니다"),
		Fix:  say.T("name one with -i", "-i로 인벤토리를 지정하세요")}
	if l.UnparsedFails {
		p.Severity, p.ID = diag.Error, "inventory-unparsed"
		p.What = say.T("No inventory was parsed, please check your configuration and options.", "읽은 인벤토리가 없습니다. 설정과 옵션을 확인하십시오.")
	}
	return p
}

// load reads one value of -i.
func (l *loader) load(name string) {
	path := l.absolute(name)
	info, err := os.Stat(path)
	switch {
	case err != nil && strings.Contains(name, ","):
		l.hostList(name)
	case err != nil:
		l.missing(name, err)
	case info.IsDir():
		l.varsBeside(path)
		l.directory(path, info)
	default:
		l.varsBeside(filepath.Dir(path))
		l.file(path, info)
	}
}

// varsBeside notes a directory with group_vars/ and host_vars/. Of a directory
// that comes twice only the later place counts: it overrides the other.
func (l *loader) varsBeside(dir string) {
	l.inv.dirs = append(slices.DeleteFunc(l.inv.dirs, func(have string) bool { return have == dir }), dir)
}

func (l *loader) absolute(name string) string {
	if strings.HasPrefix(name, "~/") {
		if home, err := os.UserHomeDir(); err == nil {
			return filepath.Join(home, name[2:])
		}
	}
	if filepath.IsAbs(name) {
		return filepath.Clean(name)
	}
	return filepath.Join(l.BaseDir, name)
}

// missing is only a warning: like Ansible we go on with the other sources.
func (l *loader) missing(name string, err error) {
	reason := say.Text{}
	if !errors.Is(err, os.ErrNotExist) {
		reason = say.Plain(err.Error())
	}
	l.problems = append(l.problems, diag.Problem{Severity: diag.Warning, ID: "inventory-missing", Pos: diag.Pos{File: name},
		What: say.T("the inventory '%s' is not there", "인벤토리 '%s'{이/가} 없습니다", name), Why: reason,
		Fix: say.T("check its name; a single host is written with a comma: -i %s,", "이름을 확인하세요. 호스트 하나는 쉼표를 붙여 적습니다: -i %s,", filepath.Base(name))})
}

func (l *loader) reader(name, dir string, lines []string) *reader {
	var inventoryDir any
	if dir != "" {
		inventoryDir = dir
	}
	return &reader{inv: l.inv, file: l.shown(name), lines: lines, warned: map[string]bool{},
		source: &source{name: name, vars: value.NewDict("inventory_file", name, "inventory_dir", inventoryDir)}}
}

// shown is a file's name as a person would write it: relative when it is below
// the working directory.
func (l *loader) shown(path string) string { return shorten(l.BaseDir, path) }

func shorten(base, path string) string {
	if rel, err := filepath.Rel(base, path); err == nil && filepath.IsAbs(path) && !strings.HasPrefix(rel, "..") {
		return rel
	}
	return path
}

// hostList reads "web1,web2," and ranges in it. Like Ansible it takes a range
// without an end for a name, and passes over a list with a range that has no
// meaning at all.
func (l *loader) hostList(list string) {
	r := l.reader(list, "", nil)
	var names []string
	for _, entry := range strings.Split(list, ",") {
		if entry = strings.TrimSpace(entry); entry == "" {
			continue
		}
		_, _, problem := expandHosts(entry)
		switch {
		case problem.IsZero():
			names = append(names, entry)
		case strings.Contains(entry, ":]"):
			r.warn(diag.Pos{}, "inventory-range",
				say.T("Unable to parse address from hostname, leaving unchanged: %s", "호스트 이름에서 주소를 읽을 수 없어 그대로 둡니다: %s", entry),
				say.T("host range must specify end value", "범위에는 끝 값이 있어야 합니다"), say.Text{})
			addMember(l.inv.groups["ungrouped"], r.inv.host(entry, 0, r.source, diag.Pos{}))
			l.parsed = true
		default:
			l.problems = append(l.problems, diag.Problem{Severity: diag.Warning, ID: "inventory-range",
				What: say.T("Failed to parse %s with advanced_host_list plugin", "호스트 목록 %s{을/를} 읽지 못했습니다", list), Why: problem,
				Fix: say.T("write web[01:20], db[a:c] or web[1:9:2]", "web[01:20], db[a:c], web[1:9:2]처럼 쓰세요")})
			return
		}
	}
	l.parsed = true
	for _, entry := range names {
		r.hosts(entry, l.inv.groups["ungrouped"], diag.Pos{File: list})
	}
	l.problems = append(l.problems, r.problems...)
}

// directory reads the files of a directory in the order of their names. A link
// to a directory that contains it is passed over.
func (l *loader) directory(dir string, info os.FileInfo) {
	if inside(l.within, info) {
		return
	}
	l.within = append(l.within, info)
	defer func() { l.within = l.within[:len(l.within)-1] }()
	entries, err := os.ReadDir(dir)
	if err != nil {
		l.unreadable(dir, err)
		return
	}
	skip := l.ignored()
	for _, e := range entries {
		if skip(e.Name()) {
			continue
		}
		path := filepath.Join(dir, e.Name())
		info, err := os.Stat(path)
		switch {
		case err != nil:
			l.unreadable(path, err)
		case info.IsDir():
			l.source(path, func() { l.directory(path, info) })
		default:
			l.source(path, func() { l.file(path, info) })
		}
	}
}

// inside reports whether a directory is one of those around it.
func inside(around []os.FileInfo, dir os.FileInfo) bool {
	for _, a := range around {
		if os.SameFile(a, dir) {
			return true
		}
	}
	return false
}

func (l *loader) ignored() func(string) bool {
	var patterns []func(string) bool
	for _, p := range l.IgnorePatterns {
		if m, err := pythonPattern(p); err == nil {
			patterns = append(patterns, m)
		}
	}
	return func(name string) bool {
		if strings.HasPrefix(name, ".") || name == "host_vars" || name == "group_vars" || name == "vars_plugins" {
			return true
		}
		for _, ext := range l.IgnoreExtensions {
			if strings.HasSuffix(name, ext) {
				return true
			}
		}
		for _, matches := range patterns {
			if matches(name) {
				return true
			}
		}
		return false
	}
}

func (l *loader) unreadable(path string, err error) {
	l.problems = append(l.problems, diag.Problem{Severity: diag.Error, ID: "inventory-unreadable", Pos: diag.Pos{File: l.shown(path)},
		What: say.T("the inventory cannot be read", "인벤토리를 읽을 수 없습니다"), Why: say.Plain(err.Error()),
		Fix: say.T("check its permissions", "권한을 확인하세요")})
}

// file reads one file in the format that fits it.
func (l *loader) file(path string, info os.FileInfo) {
	if info.Mode().IsRegular() && info.Size() > int64(l.MaxBytes) {
		l.problems = append(l.problems, diag.Problem{Severity: diag.Error, ID: "inventory-too-large", Pos: diag.Pos{File: l.shown(path)},
			What: say.T("the file has %d bytes; at most %d are read", "파일이 %d바이트입니다. 최대 %d바이트까지 읽습니다", info.Size(), l.MaxBytes)})
		return
	}
	data, err := readAtMost(path, l.MaxBytes)
	if err != nil {
		l.unreadable(path, err)
		return
	}
	l.parsed = true
	if info.Mode()&0o111 != 0 || bytes.HasPrefix(data, []byte("#!")) {
		if l.program(path) {
			return
		}
	}
	if vault.IsEncrypted(data) {
		plain, problem, ok := decrypt(l.shown(path), data, l.Decrypt)
		if !ok {
			l.problems = append(l.problems, problem)
			return
		}
		data = plain
	}
	l.text(path, data)
}

// readAtMost reads a file that may be a pipe, and stops when it is too large.
func readAtMost(path string, limit int) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, int64(limit)+1))
	if err == nil && len(data) > limit {
		err = fmt.Errorf("read %s: more than %d bytes", path, limit)
	}
	return data, err
}

// decrypt opens a file that is encrypted as a whole.
func decrypt(file string, data []byte, open func([]byte) ([]byte, error)) ([]byte, diag.Problem, bool) {
	if open == nil {
		open = func(data []byte) ([]byte, error) {
			plain, _, err := (*vault.Secrets)(nil).Decrypt(data)
			return plain, err
		}
	}
	plain, err := open(data)
	if err == nil {
		return plain, diag.Problem{}, true
	}
	var known *vault.Error
	if errors.As(err, &known) {
		return nil, known.Problem(diag.Pos{File: file}), false
	}
	return nil, diag.Problem{Severity: diag.Error, ID: "vault", Pos: diag.Pos{File: file},
		What: say.T("the file cannot be decrypted", "파일을 복호화할 수 없습니다"), Why: say.Plain(err.Error())}, false
}

// text reads a file that is no program. Like Ansible it takes as YAML what can
// be YAML, and all else as INI; the messages are those of the format that the
// file most looks like.
func (l *loader) text(path string, data []byte) {
	switch ext := filepath.Ext(path); ext {
	case ".toml":
		r := l.textReader(path, data)
		r.readTOML(string(data))
		l.problems = append(l.problems, r.problems...)
		return
	case "", ".yml", ".yaml", ".json":
		root, problems := yaml.Load(l.shown(path), data, yaml.Options{MaxBytes: l.MaxBytes})
		if root != nil && root.Kind == yaml.Mapping && !problems.HasErrors() {
			l.problems = append(l.problems, problems...)
			l.mapping(path, data, root)
			return
		}
		if root == nil && !problems.HasErrors() {
			// An empty file, such as /dev/null, is an empty inventory to the ini plugin.
			l.parsed = l.parsed && (l.Enabled == nil || slices.Contains(l.Enabled, "ini"))
			return
		}
		if !looksINI(data) && !l.readsAsINI(path, data) {
			l.problems = append(l.problems, notAnInventory(root, problems)...)
			return
		}
	}
	l.ini(path, data)
}

func (l *loader) textReader(path string, data []byte) *reader {
	return l.reader(path, filepath.Dir(path), yaml.NewSource(path, data).Lines)
}

func (l *loader) ini(path string, data []byte) {
	data = withoutForeignComments(data)
	if p, bad := yaml.CheckEncoding(l.shown(path), data); bad {
		l.problems = append(l.problems, p)
		return
	}
	r := l.textReader(path, data)
	r.readINI()
	l.problems = append(l.problems, r.problems...)
}

// withoutForeignComments empties comment lines that are no UTF-8: old files
// have comments in CP949, and nobody needs to convert them for those.
func withoutForeignComments(data []byte) []byte {
	if utf8.Valid(data) {
		return data
	}
	var out bytes.Buffer
	for line := range bytes.Lines(data) {
		if (line[0] == '#' || line[0] == ';') && !utf8.Valid(line) {
			line = []byte("\n")
		}
		out.Write(line)
	}
	return out.Bytes()
}

// mapping reads a YAML file whose top is a mapping: groups, or the settings of
// a plugin.
func (l *loader) mapping(path string, data []byte, root *yaml.Node) {
	r := l.textReader(path, data)
	if plugin := root.Get("plugin"); plugin != nil && value.Truth(plugin.Value()) {
		r.plugin(l.ctx, root, plugin)
	} else {
		r.readGroups(root)
	}
	l.problems = append(l.problems, r.problems...)
}

// readsAsINI tries a file as INI, without keeping what it says.
func (l *loader) readsAsINI(path string, data []byte) bool {
	r := l.textReader(path, withoutForeignComments(data))
	r.inv = newInventory(l.Options)
	r.readINI()
	return utf8.Valid(data) && !r.problems.HasErrors()
}

// looksINI reports whether the first line with text is a section or a bare host.
func looksINI(data []byte) bool {
	for line := range bytes.Lines(data) {
		t := bytes.TrimSpace(line)
		if len(t) == 0 || t[0] == '#' || t[0] == ';' {
			continue
		}
		return t[0] == '[' && bytes.HasSuffix(t, []byte("]")) || !bytes.Contains(t, []byte(":")) && t[0] != '-' && t[0] != '{'
	}
	return false
}

func notAnInventory(root *yaml.Node, problems diag.Problems) diag.Problems {
	if problems.HasErrors() {
		return problems
	}
	p := root.Problem("inventory-not-a-mapping")
	p.What = say.T("an inventory must be a mapping of groups", "인벤토리는 그룹들의 사전이어야 합니다")
	p.Fix = say.T("begin with 'all:' and 'hosts:' below it", "'all:'로 시작하고 그 아래에 'hosts:'를 두세요")
	return append(problems, p)
}
