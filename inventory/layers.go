package inventory

import (
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

// The levels of Ansible's list of precedence that an inventory fills.
const (
	levelGroup              = 3 // variables of groups in the inventory itself
	levelInventoryAll       = 4 // group_vars/all beside the inventory
	levelPlaybookAll        = 5 // group_vars/all beside the playbook
	levelInventoryGroups    = 6
	levelPlaybookGroups     = 7
	levelHost               = 8 // variables of the host in the inventory itself
	levelInventoryHostFiles = 9
	levelPlaybookHostFiles  = 10
)

// Layer is variables of one origin at one level of precedence. Layers share
// their dicts: nobody may change them.
type Layer struct {
	// Level is the number in Ansible's list of variable precedence.
	Level int
	// Origin is where the variables stand.
	Origin diag.Pos
	// Name is what a person calls that place: "group_vars/web.yml", or "group
	// web" for the inventory itself.
	Name string
	Vars *value.Dict
	// Places are where single variables stand, as far as that is known.
	Places map[string]diag.Pos
}

// Place is where a variable of the layer stands, or else the layer itself.
func (l Layer) Place(variable string) diag.Pos {
	if pos, ok := l.Places[variable]; ok {
		return pos
	}
	return l.Origin
}

// layerKey names the group layers of all hosts that are in the same groups.
type layerKey struct{ groups, playbookDir string }

// groupLayers are computed once for all hosts of the same groups.
type groupLayers struct {
	once     sync.Once
	layers   []Layer
	problems diag.Problems
}

// Layers returns the variables of a host, lowest precedence first: groups in
// the inventory; group_vars/all and then group_vars/* beside the inventory and
// beside the playbook; the host in the inventory; host_vars/* beside the
// inventory and beside the playbook. An unknown host has only what "all" has.
// PlaybookDir "" leaves the playbook's files out. Problems come again with
// every call that meets them.
//
// It is cheap: what hosts of the same groups share is computed once, and files
// are read once.
func (inv *Inventory) Layers(host, playbookDir string) ([]Layer, diag.Problems) {
	h := inv.Host(host)
	groups := inv.layerGroups(h)
	shared := inv.sharedLayers(groups, playbookDir)
	layers, problems := shared.layers, shared.problems
	if h == nil {
		return layers, problems
	}
	layers = append(layers[:len(layers):len(layers)], inv.hostLayers(h)...)
	files, bad := inv.files.layers("host_vars", []string{h.Name}, inv.dirs, levelInventoryHostFiles)
	layers, problems = append(layers, files...), append(problems[:len(problems):len(problems)], bad...)
	if playbookDir != "" {
		files, bad = inv.files.layers("host_vars", []string{h.Name}, []string{playbookDir}, levelPlaybookHostFiles)
		layers, problems = append(layers, files...), append(problems, bad...)
	}
	return layers, problems
}

// Check reads the files of variables of the named hosts and of their groups, and
// returns what is wrong with them, each problem once. It lets a command report
// everything before anything runs. The files of other hosts may be encrypted for
// somebody else.
func (inv *Inventory) Check(playbookDir string, hosts []string) diag.Problems {
	dirs := inv.dirs
	if playbookDir != "" {
		dirs = append(dirs[:len(dirs):len(dirs)], playbookDir)
	}
	seen := map[*varFile]bool{}
	problems := inv.files.check("group_vars", inv.groupsOf(hosts), dirs, seen)
	problems = append(problems, inv.files.check("host_vars", hosts, dirs, seen)...)
	problems.Sort()
	return problems
}

// groupsOf are the names of all groups that one of the hosts is in.
func (inv *Inventory) groupsOf(hosts []string) (out []string) {
	seen := map[*Group]bool{}
	for _, name := range hosts {
		for _, g := range inv.layerGroups(inv.Host(name)) {
			if !seen[g] {
				seen[g] = true
				out = append(out, g.Name)
			}
		}
	}
	return out
}

// check reads the files of every entity, and returns the problems of those
// that were not seen before.
func (f *varFiles) check(kind string, names, dirs []string, seen map[*varFile]bool) (problems diag.Problems) {
	for _, dir := range dirs {
		root := filepath.Join(dir, kind)
		listed := f.list(root)
		if len(listed) == 0 {
			continue
		}
		for _, name := range names {
			for _, path := range f.find(root, listed, name) {
				if file := f.load(path); !seen[file] {
					seen[file] = true
					problems = append(problems, file.problems...)
				}
			}
		}
	}
	return problems
}

// layerGroups are the host's groups in order; "all" is there even for the
// implicit localhost, which is in no group.
func (inv *Inventory) layerGroups(h *Host) []*Group {
	all := []*Group{inv.Group("all")}
	if h == nil {
		return all
	}
	for _, g := range h.AllGroups() {
		if g != all[0] {
			all = append(all, g)
		}
	}
	return all
}

func (inv *Inventory) sharedLayers(groups []*Group, playbookDir string) *groupLayers {
	names := make([]string, len(groups))
	for i, g := range groups {
		names[i] = g.Name
	}
	key := layerKey{strings.Join(names, "\x00"), playbookDir}
	inv.mu.Lock()
	shared := inv.shared[key]
	if shared == nil {
		shared = &groupLayers{}
		inv.shared[key] = shared
	}
	inv.mu.Unlock()
	shared.once.Do(func() { shared.layers, shared.problems = inv.groupLayers(groups, names, playbookDir) })
	return shared
}

func (inv *Inventory) groupLayers(groups []*Group, names []string, playbookDir string) (layers []Layer, problems diag.Problems) {
	for _, g := range groups {
		if g.Vars.Len() > 0 {
			layers = append(layers, Layer{Level: levelGroup, Origin: g.Pos, Name: "group " + g.Name, Vars: g.Vars, Places: g.places})
		}
	}
	files := func(names, dirs []string, level int) {
		found, bad := inv.files.layers("group_vars", names, dirs, level)
		layers, problems = append(layers, found...), append(problems, bad...)
	}
	var playbook []string
	if playbookDir != "" {
		playbook = []string{playbookDir}
	}
	files(names[:1], inv.dirs, levelInventoryAll)
	files(names[:1], playbook, levelPlaybookAll)
	files(names[1:], inv.dirs, levelInventoryGroups)
	files(names[1:], playbook, levelPlaybookGroups)
	return layers, problems
}

// hostLayers are the variables of the inventory itself.
func (inv *Inventory) hostLayers(h *Host) []Layer {
	var layers []Layer
	if h.source != nil {
		layers = append(layers, Layer{Level: levelHost, Origin: h.Pos, Name: "inventory", Vars: h.source.vars})
	}
	if h.Vars.Len() > 0 {
		layers = append(layers, Layer{Level: levelHost, Origin: h.Pos, Name: "host " + h.Name, Vars: h.Vars})
	}
	inv.mu.RLock()
	added := h.added
	inv.mu.RUnlock()
	if added != nil {
		layers = append(layers, Layer{Level: levelHost, Origin: h.Pos, Name: "add_host", Vars: added})
	}
	return layers
}

// varFiles reads group_vars/ and host_vars/, each directory and file once.
type varFiles struct {
	base     string
	open     func([]byte) ([]byte, error)
	maxBytes int

	mu     sync.Mutex
	lists  map[string]map[string]bool // directory -> its names; nil when it is not there
	loaded map[string]*varFile
}

type varFile struct {
	once     sync.Once
	vars     *value.Dict
	places   map[string]diag.Pos
	problems diag.Problems
}

func (f *varFiles) init(o Options) {
	f.base, f.open, f.maxBytes = o.BaseDir, o.Decrypt, o.MaxBytes
	f.lists, f.loaded = map[string]map[string]bool{}, map[string]*varFile{}
}

// layers reads the files of each entity below each directory.
func (f *varFiles) layers(kind string, names, dirs []string, level int) (layers []Layer, problems diag.Problems) {
	for _, dir := range dirs {
		root := filepath.Join(dir, kind)
		listed := f.list(root)
		if len(listed) == 0 {
			continue
		}
		for _, name := range names {
			for _, path := range f.find(root, listed, name) {
				file := f.load(path)
				problems = append(problems, file.problems...)
				if file.vars.Len() > 0 {
					shown := shorten(f.base, path)
					layers = append(layers, Layer{Level: level, Origin: diag.Pos{File: shown, Line: 1}, Name: shown, Vars: file.vars, Places: file.places})
				}
			}
		}
	}
	return layers, problems
}

// list returns the names in a directory, which is looked at only once: with
// 26,000 hosts, asking for each host's files would cost 100,000 system calls.
func (f *varFiles) list(dir string) map[string]bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	names, ok := f.lists[dir]
	if !ok {
		entries, err := os.ReadDir(dir)
		if err == nil {
			names = make(map[string]bool, len(entries))
			for _, e := range entries {
				names[e.Name()] = true
			}
		}
		f.lists[dir] = names
	}
	return names
}

var varExtensions = []string{"", ".yml", ".yaml", ".json"}

// find returns the files of one entity: the first of NAME (a file, or a
// directory of files), NAME.yml, NAME.yaml, NAME.json that is there.
func (f *varFiles) find(root string, listed map[string]bool, name string) []string {
	if strings.HasPrefix(name, "/") { // a host like /path/to/chroot
		return nil
	}
	for _, ext := range varExtensions {
		path := filepath.Join(root, name+ext)
		if !listed[name+ext] && !strings.Contains(name, "/") {
			continue
		}
		info, err := os.Stat(path)
		if err != nil {
			continue
		}
		if info.IsDir() {
			return varFilesIn(path, nil)
		}
		return []string{path}
	}
	return nil
}

// varFilesIn lists the files of a directory and of the directories in it, in
// the order of their names. Around are the directories that it lies in: a link
// to one of them is passed over.
func varFilesIn(dir string, around []os.FileInfo) (out []string) {
	self, err := os.Stat(dir)
	if err != nil || inside(around, self) {
		return nil
	}
	around = append(around, self)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	for _, e := range entries {
		name := e.Name()
		if strings.HasPrefix(name, ".") || strings.HasSuffix(name, "~") {
			continue
		}
		path, ext := filepath.Join(dir, name), filepath.Ext(name)
		info, err := os.Stat(path)
		switch {
		case err != nil:
		case info.IsDir() && ext == "":
			out = append(out, varFilesIn(path, around)...)
		case info.Mode().IsRegular() && (ext == "" || ext == ".yml" || ext == ".yaml" || ext == ".json"):
			out = append(out, path)
		}
	}
	return out
}

// load reads one file of variables, once.
func (f *varFiles) load(path string) *varFile {
	f.mu.Lock()
	file := f.loaded[path]
	if file == nil {
		file = &varFile{}
		f.loaded[path] = file
	}
	f.mu.Unlock()
	file.once.Do(func() {
		root, problems := f.read(path)
		file.problems = problems
		if root == nil {
			return
		}
		file.vars = root.Value().(*value.Dict)
		file.places = make(map[string]diag.Pos, len(root.Entries))
		for _, e := range root.Entries {
			file.places[e.Key.Text] = e.Key.Pos
		}
	})
	return file
}

// read returns the mapping that a file holds, or nil.
func (f *varFiles) read(path string) (*yaml.Node, diag.Problems) {
	shown := shorten(f.base, path)
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, diag.Problems{{Severity: diag.Error, ID: "vars-unreadable", Pos: diag.Pos{File: shown},
			What: say.T("the variables cannot be read", "변수 파일을 읽을 수 없습니다"), Why: say.Plain(err.Error()),
			Fix: say.T("check its permissions", "권한을 확인하세요")}}
	}
	if vault.IsEncrypted(data) {
		plain, problem, ok := decrypt(shown, data, f.open)
		if !ok {
			return nil, diag.Problems{problem}
		}
		data = plain
	}
	root, problems := yaml.Load(shown, data, yaml.Options{MaxBytes: f.maxBytes})
	if problems.HasErrors() || root == nil {
		return nil, problems
	}
	if root.Kind != yaml.Mapping {
		if !value.Truth(root.Value()) {
			return nil, problems
		}
		p := root.Problem("vars-not-a-mapping")
		p.What = say.T("a file of variables must be a mapping", "변수 파일은 사전이어야 합니다")
		p.Fix = say.T("write 'name: value'", "'이름: 값' 꼴로 쓰세요")
		return nil, append(problems, p)
	}
	return root, problems
}
