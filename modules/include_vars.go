package modules

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"sunup/internal/diag"
	"sunup/internal/say"
	"sunup/internal/value"
	"sunup/internal/yaml"
)

var includeVarsModule = Module{
	Name:       "ansible.builtin.include_vars",
	Summary:    say.T("Loads variables from files of the controller.", "제어 노드의 파일에서 변수를 읽는다."),
	Controller: true,
	Idempotent: true,
	Spec: Spec{FreeForm: true, Params: []Param{
		{Name: "file", Type: Raw, Doc: say.T("File to load.", "읽을 파일.")},
		{Name: "dir", Type: Raw, Doc: say.T("Directory to load all files of.", "모든 파일을 읽을 디렉터리.")},
		{Name: "name", Doc: say.T("Variable to put everything under.", "모두 담을 변수 이름.")},
		{Name: "depth", Type: Int, Doc: say.T("How many directories to visit; 0 means all.", "방문할 디렉터리 수. 0이면 전부.")},
		{Name: "files_matching", Doc: say.T("Load only files whose name matches this regular expression.", "이름이 이 정규식에 맞는 파일만 읽는다.")},
		{Name: "ignore_files", Type: Raw, Doc: say.T("Names (regular expressions of their ends) to leave out.", "뺄 파일 이름들(끝 부분의 정규식).")},
		{Name: "extensions", Type: Raw, Doc: say.T("Endings that files may have; yaml, yml and json unless given.", "허용할 확장자. 기본은 yaml, yml, json.")},
		{Name: "ignore_unknown_extensions", Type: Bool, Default: false, Doc: say.T("Leave out files with another ending instead of failing.", "다른 확장자는 실패하지 않고 건너뛴다.")},
		{Name: "hash_behaviour", Choices: []any{"replace", "merge"}, Doc: say.T("merge adds to dicts that are there.", "merge는 이미 있는 딕셔너리에 더한다.")},
	}},
	Returns: []Return{
		{"ansible_facts", "dict", "success", say.T("The variables.", "변수들.")},
		{"ansible_included_var_files", "list", "success", say.T("The files that were read.", "읽은 파일들.")},
	},
	Run: runIncludeVars,
}

var (
	includeVarsDirOnly  = []string{"dir", "depth", "files_matching", "ignore_files", "extensions", "ignore_unknown_extensions"}
	includeVarsFileOnly = []string{"file", rawParams}
)

func runIncludeVars(_ context.Context, c *Call) (*Result, error) {
	a := c.Args
	if givenAny(a, includeVarsDirOnly) && givenAny(a, includeVarsFileOnly) {
		return Fail("You are mixing file only and dir only arguments, these are incompatible"), nil
	}
	load := varsLoad{call: c, vars: &value.Dict{}, files: &value.List{}}
	var fail *Result
	if a.Given("dir") {
		fail = load.directory()
	} else {
		fail = load.single()
	}
	if fail != nil {
		fail.Set("message", fail.Msg).Set("ansible_facts", &value.Dict{}).Set("ansible_included_var_files", load.files)
		return fail, nil
	}
	vars := load.vars
	if name := a.Str("name"); name != "" {
		vars = value.NewDict(name, load.vars)
	}
	if a.Str("hash_behaviour") == "merge" {
		if err := c.mergeVars(vars); err != nil {
			return Fail("%s", err), nil
		}
	}
	r := &Result{Include: vars, NoLog: load.secret}
	return r.Set("ansible_facts", vars).Set("ansible_included_var_files", load.files), nil
}

func givenAny(a Args, names []string) bool {
	for _, n := range names {
		if a.Given(n) {
			return true
		}
	}
	return false
}

// mergeVars puts under each dict what the host has there already.
func (c *Call) mergeVars(vars *value.Dict) error {
	for k, v := range vars.Copy().All() {
		d, ok := v.(*value.Dict)
		if !ok {
			continue
		}
		have, _, err := c.Controller.Var(value.Str(k))
		if err != nil {
			return err
		}
		if old, ok := have.(*value.Dict); ok {
			vars.Set(k, mergedDicts(old, d, 0))
		}
	}
	return nil
}

func mergedDicts(old, add *value.Dict, depth int) *value.Dict {
	out := old.Copy()
	for k, v := range add.All() {
		if d, ok := v.(*value.Dict); ok && depth < 100 {
			if have, ok := out.At(value.Str(k)).(*value.Dict); ok {
				v = mergedDicts(have, d, depth+1)
			}
		}
		out.Set(k, v)
	}
	return out
}

// varsLoad reads files of variables one after the other.
type varsLoad struct {
	call   *Call
	vars   *value.Dict
	files  *value.List
	secret bool
}

func (l *varsLoad) single() *Result {
	a := l.call.Args
	name := strings.TrimRight(a.Str(rawParams), "\n")
	if a.Given("file") {
		name = value.Str(a.Raw("file"))
	}
	if name == "" {
		return Fail("Could not find file on the Ansible Controller.\nIf you are using a module and expect the file to exist on the remote, see the remote_src option")
	}
	path, err := l.call.Controller.Find("vars", name)
	if err != nil {
		return Fail("%s", err)
	}
	return l.file(path, false)
}

func (l *varsLoad) directory() *Result {
	a := l.call.Args
	dir := value.Str(a.Raw("dir"))
	root, err := l.call.Controller.Find("vars", dir)
	if err != nil {
		return Fail("%s directory does not exist", dir)
	}
	if info, err := os.Stat(root); err != nil || !info.IsDir() {
		return Fail("%s is not a directory", root)
	}
	choose, fail := l.chooser()
	if fail != nil {
		return fail
	}
	depth := a.Int("depth")
	for i, d := range directories(root) {
		if depth != 0 && i >= depth {
			break
		}
		entries, err := os.ReadDir(d)
		if err != nil {
			return Fail("cannot read the directory %s: %v", d, err)
		}
		for _, e := range entries {
			path := filepath.Join(d, e.Name())
			if info, err := os.Stat(path); err != nil || info.IsDir() {
				continue
			}
			ok, fail := choose(e.Name(), d == root)
			if fail != nil {
				return fail
			}
			if ok {
				if fail := l.file(path, true); fail != nil {
					return fail
				}
			}
		}
	}
	return nil
}

// directories are root and all below it, sorted by path.
func directories(root string) []string {
	var dirs []string
	_ = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			dirs = append(dirs, path)
		}
		return nil
	})
	sort.Strings(dirs)
	return dirs
}

// chooser tells by its name whether a file of a directory is loaded.
func (l *varsLoad) chooser() (func(name string, top bool) (bool, *Result), *Result) {
	a := l.call.Args
	var matching *regex
	if p := a.Str("files_matching"); p != "" {
		re, err := compileRegex(p, "")
		if err != nil {
			return nil, Fail("%s", err)
		}
		matching = re
	}
	var ignored []*regex
	patterns, fail := ignorePatterns(a.Raw("ignore_files"))
	if fail != nil {
		return nil, fail
	}
	for _, p := range patterns {
		re, err := compileRegex(p+"$", "")
		if err != nil {
			return nil, Fail("Invalid regular expression: %s", p)
		}
		ignored = append(ignored, re)
	}
	return func(name string, _ bool) (bool, *Result) {
		if matching != nil {
			if m, err := matching.search(name); err != nil {
				return false, Fail("%s", err)
			} else if m == nil {
				return false, nil
			}
		}
		for _, re := range ignored {
			if m, err := re.search(name); err != nil {
				return false, Fail("%s", err)
			} else if m != nil {
				return false, nil
			}
		}
		if a.Bool("ignore_unknown_extensions") && !l.extension(name) {
			return false, nil
		}
		return true, nil
	}, nil
}

func ignorePatterns(v any) ([]string, *Result) {
	switch v := v.(type) {
	case nil:
		return nil, nil
	case string:
		return strings.Fields(v), nil
	case *value.List:
		var out []string
		for _, e := range v.Items {
			out = append(out, value.Str(e))
		}
		return out, nil
	}
	return nil, Fail("%s must be a list", value.Str(v))
}

func (l *varsLoad) extensions() []string {
	switch v := l.call.Args.Raw("extensions").(type) {
	case *value.List:
		var out []string
		for _, e := range v.Items {
			out = append(out, value.Str(e))
		}
		return out
	case string:
		return strings.Split(v, ",")
	}
	return []string{"yaml", "yml", "json"}
}

func (l *varsLoad) extension(name string) bool {
	ext := strings.TrimPrefix(filepath.Ext(name), ".")
	for _, e := range l.extensions() {
		if e == ext { // an empty one is that of files without any
			return true
		}
	}
	return false
}

func (l *varsLoad) file(path string, checkExtension bool) *Result {
	if checkExtension && !l.extension(path) {
		return Fail("%s does not have a valid extension: %s", path, strings.Join(l.extensions(), ", "))
	}
	raw, err := os.ReadFile(path)
	if err == nil {
		l.secret = l.secret || strings.HasPrefix(string(raw), "$ANSIBLE_VAULT;")
	}
	text, err := l.call.Controller.Read(path)
	if err != nil {
		return Fail("cannot read %s: %s", path, err)
	}
	vars, err := parseVars(path, text)
	if err != nil {
		return Fail("%s", err)
	}
	l.files.Append(path)
	l.vars.Update(vars)
	return nil
}

func parseVars(path string, text []byte) (*value.Dict, error) {
	node, problems := yaml.Load(path, text)
	for _, p := range problems {
		if p.Severity == diag.Error {
			return nil, fmt.Errorf("%s", strings.TrimSpace(p.Format(say.English)))
		}
	}
	v := node.Value()
	if !value.Truth(v) {
		return &value.Dict{}, nil
	}
	d, ok := v.(*value.Dict)
	if !ok {
		return nil, fmt.Errorf("%s must be stored as a dictionary/hash", path)
	}
	return d, nil
}
