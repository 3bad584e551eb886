package pyplugin

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	"sunup/internal/jinja"
	"sunup/internal/value"
)

// Kind is a kind of plugin.
type Kind string

// The kinds of plugins.
const (
	Filter Kind = "filter"
	Test   Kind = "test"
	Lookup Kind = "lookup"
)

var kinds = []Kind{Filter, Test, Lookup}

// Options are where plugins are looked for and how they are run.
type Options struct {
	// Paths are further folders of plugins, of the configuration, by kind.
	Paths map[Kind][]string
	// BuiltIn reports whether the engine has a name itself. Of a collection's
	// names, which stand for one thing wherever it is installed, those are left
	// to the engine; nil has none.
	BuiltIn func(kind Kind, name string) bool
	// Collections are the folders that hold ansible_collections.
	Collections []string
	// Environ is the environment of this program, "NAME=value"; what looks like
	// a secret is not passed on.
	Environ []string
	// Python are the interpreters to try, the first that there is; nil means
	// python3 of PATH, then /usr/bin/python3.
	Python []string
}

// Catalog holds the plugins of one project. It implements jinja.Plugins. Its
// methods may be called from any goroutine.
type Catalog struct {
	o     Options
	pool  *pool
	mu    sync.Mutex
	seen  map[string]bool             // folders that were looked at
	files map[Kind][]source           // in the order of their folders
	names map[Kind]map[string]*plugin // nil entry: looked for in vain
	used  map[Use]int
}

// source is one file of plugins.
type source struct {
	file string
	pkg  string // of a collection: ansible_collections.NS.NAME.plugins.KIND
}

// plugin is one name of a file.
type plugin struct {
	kind Kind
	name string // as the file has it, without a collection
	full string // as templates have it
	source
}

// Use is a plugin by its name.
type Use struct {
	Kind Kind
	Name string
}

// New returns a Catalog that knows the folders of the configuration.
func New(o Options) *Catalog {
	c := &Catalog{
		o: o, pool: newPool(o), seen: map[string]bool{}, files: map[Kind][]source{},
		names: map[Kind]map[string]*plugin{}, used: map[Use]int{},
	}
	for _, kind := range kinds {
		for _, dir := range o.Paths[kind] {
			c.addFolder(kind, dir, "")
		}
	}
	return c
}

// Add looks for folders of plugins in a directory: that of a playbook, of a role.
func (c *Catalog) Add(dir string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.seen[dir] {
		return
	}
	c.seen[dir] = true
	for _, kind := range kinds {
		c.addFolder(kind, filepath.Join(dir, string(kind)+"_plugins"), "")
	}
}

// Seen looks for plugins beside a file that the project has: in its directory,
// and in the role that it belongs to.
func (c *Catalog) Seen(file string) {
	dir := filepath.Dir(file)
	c.mu.Lock()
	known := c.seen[dir]
	c.mu.Unlock()
	if known {
		return
	}
	c.Add(dir)
	switch filepath.Base(dir) {
	case "tasks", "handlers", "defaults", "vars", "meta":
		c.Add(filepath.Dir(dir))
	}
}

// addFolder adds the files of one folder; c.mu is held, or nobody else has c.
func (c *Catalog) addFolder(kind Kind, dir, pkg string) {
	if abs, err := filepath.Abs(dir); err == nil {
		dir = abs
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return // most have none
	}
	before := len(c.files[kind])
	for _, e := range entries {
		if name := e.Name(); filepath.Ext(name) == ".py" && name != "__init__.py" && !e.IsDir() {
			c.files[kind] = append(c.files[kind], source{filepath.Join(dir, name), pkg})
		}
	}
	if len(c.files[kind]) > before {
		c.names[kind] = nil // names that were looked for in vain may be there now
	}
}

// Filter implements jinja.Plugins.
func (c *Catalog) Filter(name string) jinja.Func { return c.function(Filter, name) }

// Test implements jinja.Plugins.
func (c *Catalog) Test(name string) jinja.Func { return c.function(Test, name) }

func (c *Catalog) function(kind Kind, name string) jinja.Func {
	p := c.find(kind, name)
	if p == nil || !c.pool.available() {
		return nil
	}
	return func(call *jinja.Call) (any, error) { return c.call(p, call) }
}

// HasLookup reports whether the project brings a lookup of this name, and there
// is a Python to run it.
func (c *Catalog) HasLookup(name string) bool {
	return c.find(Lookup, name) != nil && c.pool.available()
}

// Brings reports whether the project brings a plugin, whether or not it can be
// run.
func (c *Catalog) Brings(kind, name string) bool { return c.find(Kind(kind), name) != nil }

// Count remembers that a template uses a name, when the project brings it.
func (c *Catalog) Count(kind Kind, name string) {
	if c.find(kind, name) == nil {
		return
	}
	c.mu.Lock()
	c.used[Use{kind, name}]++
	c.mu.Unlock()
}

// Used is how often templates use what the project brings, as far as it was
// counted.
func (c *Catalog) Used() map[Use]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := make(map[Use]int, len(c.used))
	for u, n := range c.used {
		out[u] = n
	}
	return out
}

// Runs reports whether there is a Python to run plugins with.
func (c *Catalog) Runs() bool { return c.pool.available() }

// Close ends the bridges and waits for them.
func (c *Catalog) Close() { c.pool.close() }

// find looks a plugin up by its name.
func (c *Catalog) find(kind Kind, name string) *plugin {
	c.mu.Lock()
	defer c.mu.Unlock()
	short := name
	for _, own := range []string{"ansible.builtin.", "ansible.legacy."} {
		short = strings.TrimPrefix(short, own)
	}
	if len(c.files[kind]) == 0 && !strings.Contains(short, ".") {
		return nil
	}
	known := c.names[kind]
	if known == nil {
		known = map[string]*plugin{}
		c.names[kind] = known
	}
	p, looked := known[short]
	if !looked {
		p = c.search(kind, short)
		known[short] = p
	}
	return p
}

func (c *Catalog) search(kind Kind, name string) *plugin {
	files, last := c.files[kind], name
	if parts := strings.Split(name, "."); len(parts) >= 3 {
		if c.o.BuiltIn != nil && c.o.BuiltIn(kind, name) {
			return nil
		}
		files, last = c.collectionFiles(kind, parts), parts[len(parts)-1]
	} else if len(parts) > 1 {
		return nil
	}
	for _, f := range files {
		if slices.Contains(c.declared(kind, f), last) {
			return &plugin{kind: kind, name: last, full: name, source: f}
		}
	}
	return nil
}

// collectionFiles are the files of a kind in the collection that a name begins
// with.
func (c *Catalog) collectionFiles(kind Kind, parts []string) []source {
	below := append([]string{"plugins", string(kind)}, parts[2:len(parts)-1]...)
	for _, root := range c.o.Collections {
		dir := filepath.Join(append([]string{root, "ansible_collections", parts[0], parts[1]}, below...)...)
		entries, err := os.ReadDir(dir)
		if err != nil {
			continue
		}
		pkg := "ansible_collections." + parts[0] + "." + parts[1] + "." + strings.Join(below, ".")
		var out []source
		for _, e := range entries {
			if n := e.Name(); filepath.Ext(n) == ".py" && n != "__init__.py" {
				out = append(out, source{filepath.Join(dir, n), pkg})
			}
		}
		return out
	}
	return nil
}

var (
	quotedKey   = regexp.MustCompile(`['"]([A-Za-z_][A-Za-z0-9_]*)['"]\s*:`)
	namedKey    = regexp.MustCompile(`\b([A-Za-z_][A-Za-z0-9_]*)\s*=`)
	assignedKey = regexp.MustCompile(`\[\s*['"]([A-Za-z_][A-Za-z0-9_]*)['"]\s*\]\s*=`)
)

// maxPlugin bounds the file of a plugin that is read for its names.
const maxPlugin = 1 << 20

// declared are the names that a file brings. They are read from its text: keys
// of the table that its class gives. Python is not asked, which would cost a
// start, and there may be none.
func (c *Catalog) declared(kind Kind, f source) []string {
	stem := strings.TrimSuffix(filepath.Base(f.file), ".py")
	if kind == Lookup {
		return []string{stem}
	}
	info, err := os.Stat(f.file)
	if err != nil || info.Size() > maxPlugin {
		return nil
	}
	text, err := os.ReadFile(f.file)
	if err != nil {
		return nil
	}
	class, method := "FilterModule", "filters"
	if kind == Test {
		class, method = "TestModule", "tests"
	}
	_, body, ok := strings.Cut(string(text), "class "+class)
	if !ok {
		return nil
	}
	if i := strings.Index(body, "def "+method); i >= 0 {
		// The table may be an attribute of the class, in front of the method.
		body = body[:i] + untilNextMethod(body[i:])
	}
	var out []string
	for _, keys := range []*regexp.Regexp{quotedKey, namedKey, assignedKey} {
		for _, m := range keys.FindAllStringSubmatch(body, -1) {
			out = append(out, m[1])
		}
	}
	return out
}

func untilNextMethod(text string) string {
	if i := strings.Index(text[1:], "\n    def "); i >= 0 {
		return text[:i+1]
	}
	return text
}

// call runs a filter or a test.
func (c *Catalog) call(p *plugin, call *jinja.Call) (any, error) {
	args := append([]any{call.Value}, call.Args...)
	v, unsafe, err := c.pool.run(call.Context(), place{call: call}, request{
		Op: "call", Kind: p.kind, Name: p.name, File: p.file, Package: p.pkg, args: args, kwargs: call.Kwargs(),
	})
	if err != nil {
		return nil, err
	}
	if unsafe {
		call.MarkUnsafe()
	}
	return v, nil
}

// RunLookup carries out a lookup that the project brings. basedir is the
// directory of the playbook. It returns a list.
func (c *Catalog) RunLookup(call *jinja.Call, name string, terms []any, basedir string, kwargs *value.Dict) (any, error) {
	p := c.find(Lookup, name)
	if p == nil {
		return nil, fmt.Errorf("lookup plugin (%s) not found", name)
	}
	v, _, err := c.pool.run(call.Context(), place{call: call}, request{
		Op: "lookup", Kind: Lookup, Name: p.full, File: p.file, Package: p.pkg, Basedir: basedir, args: terms, kwargs: kwargs,
	})
	if err != nil {
		return nil, err
	}
	if _, ok := v.(*value.List); !ok {
		return nil, fmt.Errorf("the lookup %s gave no list but %s", name, value.TypeName(v))
	}
	return v, nil
}
