package playbooks

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"sunup/internal/diag"
	"sunup/internal/say"
	"sunup/internal/value"
	"sunup/internal/vault"
	"sunup/internal/yaml"
)

// Options say where a Loader looks and what it knows. The zero value reads
// from the machine's files, takes every module for known and renders only
// plain variable names in the paths of imports.
type Options struct {
	// BaseDir is what relative paths start from; empty: the working directory.
	BaseDir string
	// RolesPath are the folders of roles besides the playbook's own.
	RolesPath []string
	// CollectionsPath are folders with an ansible_collections folder in them.
	CollectionsPath []string
	// LibraryPath are folders with modules of the user's own, besides library/
	// of the playbook and its roles.
	LibraryPath []string
	// Modules is what can be run; nil takes any name.
	Modules Catalogue
	// ExtraVars may be used in the names of imported files and roles.
	ExtraVars *value.Dict
	// Render fills in a template; nil knows only "{{ name }}".
	Render func(template string, vars *value.Dict) (any, error)
	// CheckTemplate finds syntax errors in a template; nil checks nothing.
	CheckTemplate func(src string) error
	// CheckHealth checks the probes of a play; nil checks only their form.
	CheckHealth func(*yaml.Node) diag.Problems
	// Decrypt opens a vaulted file; nil refuses such files.
	Decrypt func([]byte) ([]byte, error)
	// Seen is told of every file that is read, as it was found; may be nil.
	Seen func(path string, src []byte)
	// MaxFiles is how many task files, roles and playbooks one playbook may
	// bring in, each counted as often as it is used; 0 is 200,000. DebOps, the
	// largest known project, has 20,000.
	MaxFiles int
	// FS holds the files by their absolute path without the leading slash;
	// nil is the machine's. Tests give one in memory.
	FS fs.FS
	// Strategies, Connections, BecomeMethods and Lookups are the plugins that
	// there are, by short name; nil does not check.
	Strategies, Connections, BecomeMethods, Lookups []string
	// LackingIsWarning turns modules that sunup does not have into warnings,
	// for commands that only look (--list-tasks, check).
	LackingIsWarning bool
}

// Catalogue is the modules that can be run.
type Catalogue interface {
	// Resolve finds a module by its name as written. collections are searched
	// in order for a short name. freeForm is true for a module that takes text
	// which is not key=value, as command does.
	Resolve(name string, collections []string) (fqcn string, freeForm, ok bool)
	// Names are all names, for "did you mean".
	Names() []string
}

// Loader reads playbooks, roles and task files. It keeps what it read, so that
// a file included for many hosts is parsed once. Its methods may be called
// from several goroutines.
type Loader struct {
	o Options

	mu    sync.Mutex
	files map[string]*file // by absolute path
	dirs  []string         // of the playbooks read so far: each may have collections/ in it
}

// playbookDir remembers the folder of a playbook.
func (l *Loader) playbookDir(dir string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, have := range l.dirs {
		if have == dir {
			return
		}
	}
	l.dirs = append(l.dirs, dir)
}

// collectionRoots are the folders with ansible_collections in them.
func (l *Loader) collectionRoots() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var roots []string
	for _, dir := range l.dirs {
		roots = append(roots, filepath.Join(dir, "collections"))
	}
	return append(roots, l.o.CollectionsPath...)
}

// file is one parsed file.
type file struct {
	once     sync.Once
	root     *yaml.Node
	problems diag.Problems
	err      error
}

// NewLoader returns a Loader with nothing read yet.
func NewLoader(o Options) *Loader {
	if o.FS == nil {
		o.FS = os.DirFS("/")
	}
	if o.MaxFiles == 0 {
		o.MaxFiles = 200_000
	}
	if o.BaseDir == "" {
		o.BaseDir, _ = os.Getwd()
	}
	return &Loader{o: o, files: map[string]*file{}}
}

// Load reads a playbook with all that it imports; path may be the full name of
// a playbook in a collection. It goes on after a mistake,
// so the problems are those of all files; the tree is nil only when the
// playbook itself could not be read, and is not to be run when the problems
// hold errors.
func (l *Loader) Load(path string) (*Playbook, diag.Problems) {
	s := l.newSession()
	c := s.context(nil, nil, false)
	collection := collectionOfPath(l.abs(path))
	if found, of := c.collectionPlaybook(path); found != "" && !l.isFile(path) {
		path, collection = found, of
	}
	p := &Playbook{File: path}
	if !s.playbook(p, path, nil, passedOn{collection: collection}) {
		return nil, s.done()
	}
	s.checkPlaybook(p)
	return p, s.done()
}

// TaskFile reads a file of tasks, or of handlers, to run inside parent; see
// Task.Inside for the parent and FindTaskFile for the path. Handlers that came
// with an import_role in it are found by HandlersOf.
func (l *Loader) TaskFile(path string, parent *Scope, play *Play, handlers bool) ([]Step, diag.Problems) {
	s := l.newSession()
	s.resume(play)
	c := s.context(parent, play, handlers)
	c.prefix(parent)
	root, ok := s.read(path, nil)
	if !ok {
		return nil, s.done()
	}
	s.imports = append(s.imports, l.abs(path))
	steps := c.list(nil, root, say.T("a file of tasks", "작업 파일"))
	return steps, s.done()
}

// resume makes a reading at run time know what the play's reading knew.
func (s *session) resume(play *Play) {
	s.current = play
	if play != nil {
		s.roleDirs = append(s.roleDirs, play.roleDirs...)
	}
}

// session is one reading: of a playbook with its imports, or of one include.
type session struct {
	*Loader
	problems diag.Problems
	current  *Play             // the play that is being read
	reported map[string]bool   // absolute paths whose YAML problems were taken over
	told     map[diag.Pos]bool // where the YAML reader found errors
	seen     map[diag.Pos]int
	idPrefix string
	roles    map[string]*Role // by name and parameters, within one play
	imports  []string         // absolute paths being imported, outermost first
	roleWay  []string         // roles being loaded, outermost first
	notices  map[string]bool  // messages that are given only once
	roleDirs []string         // folders of the roles met so far
	dirs     map[string]map[string]bool
	steps    int
	files    int // task files, roles and playbooks brought in
}

func (l *Loader) newSession() *session {
	return &session{
		Loader: l, reported: map[string]bool{}, told: map[diag.Pos]bool{}, seen: map[diag.Pos]int{},
		roles: map[string]*Role{}, notices: map[string]bool{}, dirs: map[string]map[string]bool{},
	}
}

// done returns what was found, in the order of the files' lines; a file that
// is used twice is not complained about twice.
func (s *session) done() diag.Problems {
	s.problems.Sort()
	type key struct {
		id   string
		pos  diag.Pos
		what string
	}
	seen := map[key]bool{}
	var out diag.Problems
	for _, p := range s.problems {
		k := key{p.ID, p.Pos, p.What.String()}
		if !seen[k] {
			seen[k] = true
			out = append(out, p)
		}
	}
	return out
}

// maxImportDepth bounds imports and roles inside each other: deeper is a
// mistake, whatever the names say.
const maxImportDepth = 60

// abs returns the absolute form of a path as written or as shown.
func (l *Loader) abs(path string) string {
	if strings.HasPrefix(path, "~/") || path == "~" {
		if home, err := os.UserHomeDir(); err == nil {
			path = home + path[1:]
		}
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(l.o.BaseDir, path)
	}
	return filepath.Clean(path)
}

// fsPath is the name of a file in the file system of the options.
func (l *Loader) fsPath(path string) string {
	p := strings.TrimPrefix(l.abs(path), "/")
	if p == "" {
		return "."
	}
	return p
}

func (l *Loader) stat(path string) (fs.FileInfo, error) {
	return fs.Stat(l.o.FS, l.fsPath(path))
}

// isFile reports whether path can be read as a file.
func (l *Loader) isFile(path string) bool {
	info, err := l.stat(path)
	return err == nil && !info.IsDir()
}

func (l *Loader) isDir(path string) bool {
	info, err := l.stat(path)
	return err == nil && info.IsDir()
}

func (l *Loader) exists(path string) bool {
	_, err := l.stat(path)
	return err == nil
}

// parse reads and parses one file, once.
func (l *Loader) parse(path string) *file {
	abs := l.abs(path)
	l.mu.Lock()
	f := l.files[abs]
	if f == nil {
		f = &file{}
		l.files[abs] = f
	}
	l.mu.Unlock()
	f.once.Do(func() {
		src, err := fs.ReadFile(l.o.FS, l.fsPath(path))
		if err == nil && l.o.Seen != nil {
			l.o.Seen(abs, src)
		}
		if err == nil {
			src, err = l.open(src)
		}
		if err != nil {
			f.err = err
			return
		}
		f.root, f.problems = yaml.Load(filepath.Clean(path), src)
	})
	return f
}

var errNoVaultSecret = errors.New("the file is encrypted and no vault password was given")

// open decrypts a vaulted file.
func (l *Loader) open(src []byte) ([]byte, error) {
	if !bytes.HasPrefix(src, []byte("$ANSIBLE_VAULT;")) {
		return src, nil
	}
	if l.o.Decrypt == nil {
		return nil, errNoVaultSecret
	}
	return l.o.Decrypt(src)
}

// read returns the content of a file. by is the noun that asked for it and
// gets the blame when it cannot be read; nil blames the file itself.
func (s *session) read(path string, by *yaml.Node) (*yaml.Node, bool) {
	f := s.parse(path)
	if f.err != nil {
		p := diag.Problem{Severity: diag.Error, ID: "cannot-read", Pos: diag.Pos{File: filepath.Clean(path)}}
		if by != nil {
			p = by.Problem("cannot-read")
		}
		s.report(unreadable(p, path, f.err))
		return nil, false
	}
	if abs := s.abs(path); !s.reported[abs] {
		s.reported[abs] = true
		s.problems = append(s.problems, f.problems...)
		for _, p := range f.problems {
			if p.Severity == diag.Error {
				s.told[p.Pos] = true
			}
		}
	}
	if f.root == nil || (f.root.Kind == yaml.Scalar && f.root.Scalar == nil) {
		return nil, !f.problems.HasErrors()
	}
	return f.root, true
}

func unreadable(p diag.Problem, path string, err error) diag.Problem {
	var locked *vault.Error
	switch {
	case errors.As(err, &locked):
		sealed := locked.Problem(p.Pos)
		p.ID, p.Why, p.Fix = sealed.ID, sealed.What, sealed.Fix
		p.What = say.T("cannot read %s: it is encrypted", "%s{을/를} 읽을 수 없습니다: 암호화되어 있습니다", path)
		p.Said = sealed.Said + " on " + path
	case errors.Is(err, errNoVaultSecret):
		p.ID = "vault-no-password"
		p.What = say.T("%s is encrypted and there is no vault password", "%s{은/는} 암호화되어 있는데 볼트 비밀번호가 없습니다", path)
		p.Fix = say.T("give --vault-password-file or --ask-vault-pass", "--vault-password-file 또는 --ask-vault-pass를 쓰세요")
	case errors.Is(err, fs.ErrNotExist):
		p.What = say.T("there is no file %s", "%s 파일이 없습니다", path)
		p.Fix = say.T("check the path; relative paths start from the folder of the playbook, in a role from its tasks folder",
			"경로를 확인하세요. 상대 경로는 플레이북이 있는 폴더에서, 롤 안에서는 tasks 폴더에서 시작합니다")
	default:
		p.What = say.T("cannot read %s: %s", "%s{을/를} 읽을 수 없습니다: %s", path, reason(err))
	}
	return p
}

// reason is the innermost cause, without the path that was said already.
func reason(err error) string {
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		return pathErr.Err.Error()
	}
	return err.Error()
}

// id returns the name of a task: where it stands, and the how manieth time
// this reading came past.
func (s *session) id(pos diag.Pos) string {
	s.seen[pos]++
	return fmt.Sprintf("%s%s#%d", s.idPrefix, pos, s.seen[pos])
}

func (s *session) report(p diag.Problem) {
	if p.Severity == "" {
		p.Severity = diag.Error
	}
	s.problems = append(s.problems, p)
}

// dirNames lists a folder, once per reading; a folder that is not there is empty.
func (s *session) dirNames(dir string) map[string]bool {
	abs := s.abs(dir)
	if names, ok := s.dirs[abs]; ok {
		return names
	}
	names := map[string]bool{}
	entries, err := fs.ReadDir(s.o.FS, s.fsPath(dir))
	if err == nil {
		for _, e := range entries {
			if !e.IsDir() {
				names[e.Name()] = true
			}
		}
	}
	s.dirs[abs] = names
	return names
}

// Seen reports whether a file was read already.
func (l *Loader) Seen(path string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.files[l.abs(path)] != nil
}
