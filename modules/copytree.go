package modules

import (
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"sunup/internal/value"
)

// sourceTree is a directory of the controller as copy sends it; paths are
// relative to the destination.
type sourceTree struct {
	prefix string // the tree's own name, when that is copied too
	dirs   []string
	files  []treeFile
	links  []treeLink
}

type treeFile struct{ rel, file string }

type treeLink struct{ rel, to string }

// maxTree bounds a directory copy; a larger one is better packed.
const maxTree = 100_000

// readTree lists a directory. Links to directories are followed when asked,
// unless they lead back to a directory that is being read.
func readTree(root, prefix string, follow bool) (*sourceTree, error) {
	t := &sourceTree{prefix: prefix}
	real, err := filepath.EvalSymlinks(root)
	if err != nil {
		return nil, err
	}
	return t, t.read(root, prefix, follow, []string{real})
}

func (t *sourceTree) read(dir, rel string, follow bool, open []string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	// The files of a directory come before those of the directories in it.
	slices.SortStableFunc(entries, func(a, b os.DirEntry) int {
		switch {
		case a.IsDir() == b.IsDir():
			return 0
		case b.IsDir():
			return -1
		}
		return 1
	})
	for _, e := range entries {
		if len(t.dirs)+len(t.files)+len(t.links) > maxTree {
			return fmt.Errorf("more than %d files: copy an archive instead", maxTree)
		}
		if err := t.add(filepath.Join(dir, e.Name()), path.Join(rel, e.Name()), e, follow, open); err != nil {
			return err
		}
	}
	return nil
}

func (t *sourceTree) add(file, rel string, e os.DirEntry, follow bool, open []string) error {
	isLink := e.Type()&os.ModeSymlink != 0
	info, err := os.Stat(file)
	if isLink && (!follow || err != nil) {
		return t.addLink(file, rel)
	}
	if err != nil {
		return err
	}
	switch {
	case info.Mode().IsRegular():
		t.files = append(t.files, treeFile{rel, file})
	case info.IsDir():
		real, err := filepath.EvalSymlinks(file)
		if err != nil {
			return err
		}
		for _, o := range open {
			if o == real {
				return t.addLink(file, rel)
			}
		}
		t.dirs = append(t.dirs, rel)
		return t.read(file, rel, follow, append(open[:len(open):len(open)], real))
	}
	return nil
}

func (t *sourceTree) addLink(file, rel string) error {
	to, err := os.Readlink(file)
	if err != nil {
		return err
	}
	t.links = append(t.links, treeLink{rel, to})
	return nil
}

// copyTree copies a directory of the controller; without its contents only,
// the directory's own name is part of every destination.
func copyTree(ctx context.Context, c *Call, root string, contentsOnly bool) (*Result, error) {
	prefix := ""
	if !contentsOnly {
		prefix = filepath.Base(root)
	}
	tree, err := readTree(root, prefix, c.Args.Bool("local_follow"))
	if err != nil {
		return Fail("cannot read %s: %v", root, err), nil
	}
	d := copyDelivery(c)
	d.dirMode = c.Args.Raw("directory_mode")
	t := treeCopy{Call: c, tree: tree, d: d}
	if fail, err := t.observeTree(ctx); fail != nil || err != nil {
		return fail, err
	}
	if fail, err := t.copyDirs(ctx); fail != nil || err != nil {
		return fail, err
	}
	single, fail, err := t.copyFiles(ctx)
	if fail != nil || err != nil {
		return fail, err
	}
	if fail, err := t.copyLinks(ctx); fail != nil || err != nil {
		return fail, err
	}
	if len(tree.files) == 1 && len(tree.dirs)+len(tree.links) == 0 {
		return single, nil
	}
	source := root
	if contentsOnly {
		source += "/"
	}
	r := ChangedIf(t.changed).Set("dest", t.dest).Set("src", source)
	r.Diffs = t.diffs
	return r, nil
}

// treeCopy is one directory copy under way.
type treeCopy struct {
	*Call
	tree    *sourceTree
	d       delivery
	dest    string // as the host has it, with a slash at its end
	id      identities
	at      map[string]found
	sums    map[string]string
	queued  []rewrite
	changed bool
	diffs   []Diff
}

// observeTree looks at every destination, many in one exchange.
func (t *treeCopy) observeTree(ctx context.Context) (*Result, error) {
	t.at, t.sums = map[string]found{}, map[string]string{}
	rels := append(t.implied(), t.tree.dirs...)
	for _, f := range t.tree.files {
		rels = append(rels, f.rel)
	}
	for _, l := range t.tree.links {
		rels = append(rels, l.rel)
	}
	const batch = 500
	for len(rels) > 0 {
		part := rels[:min(batch, len(rels))]
		rels = rels[len(part):]
		if fail, err := t.observeSome(ctx, part); fail != nil || err != nil {
			return fail, err
		}
	}
	return nil, nil
}

func (t *treeCopy) observeSome(ctx context.Context, rels []string) (*Result, error) {
	var s strings.Builder
	dest := strings.TrimRight(t.d.dest, "/")
	s.WriteString("p=" + quotePath(dest) + "\nD=$p\nprintf 'dest=%s\\0' \"$D\"\n" + t.d.attrs.lookup())
	s.WriteString("X() { O \"$1\" \"$D/$2\"; H \"$1.sum\" \"$D/$2\"; }\n")
	for i, rel := range rels {
		s.WriteString("X " + strconv.Itoa(i) + " " + quoteText(rel) + "\n")
	}
	f, fail, err := t.observe(ctx, s.String())
	if fail != nil || err != nil {
		return fail, err
	}
	t.dest = f["dest"] + "/"
	t.id = t.d.attrs.identities(f)
	for i, rel := range rels {
		n := strconv.Itoa(i)
		t.at[rel] = f.found(n, path.Join(t.dest, rel))
		t.sums[rel] = f.sum(n + ".sum")
	}
	return nil, nil
}

// copyDirs makes the missing directories in one script, each with the
// directory mode; those that are there get owner and mode too.
func (t *treeCopy) copyDirs(ctx context.Context) (*Result, error) {
	w := t.d.attrs
	w.mode = t.d.dirMode
	var s strings.Builder
	fresh, fail := w.compare(found{Path: t.dest, Inode: t.id.fresh(typeDir)}, t.id)
	if fail != nil {
		return fail, nil
	}
	s.WriteString(applyTools + makeDirsScript(fresh))
	needed := false
	dirs := t.tree.dirs
	if len(t.tree.files)+len(t.tree.links)+len(dirs) > 0 {
		dirs = append(t.implied(), dirs...)
	}
	for i, rel := range dirs {
		at := t.at[rel]
		full := path.Join(t.dest, rel)
		switch {
		case at.Inode == nil:
			needed = true
			s.WriteString("M " + quoteText(dashless(full)) + "\n")
		case !at.isDir():
			return Fail("%s already exists as a %s", full, at.state()).Set("path", full), nil
		case i >= len(dirs)-len(t.tree.dirs):
			change, fail := w.compare(at.followed(), t.id)
			if fail != nil {
				return fail, nil
			}
			if change.needed() {
				needed = true
				s.WriteString(change.script(quoteText(dashless(full))))
			}
		}
	}
	t.changed = t.changed || needed
	if !needed || t.Check {
		return nil, nil
	}
	_, fail, err := t.observe(ctx, s.String())
	return fail, err
}

// implied are the directories above the tree, which are made when needed but
// keep their attributes.
func (t *treeCopy) implied() []string {
	if t.tree.prefix == "" {
		return []string{"."}
	}
	return []string{".", t.tree.prefix}
}

func (t *treeCopy) copyFiles(ctx context.Context) (*Result, *Result, error) {
	var last *Result
	for _, file := range t.tree.files {
		d := t.d
		content, mode, err := openSource(t.Call, file.file, t.Args.Bool("decrypt"))
		if err != nil {
			return nil, unreadableSource(file.file, err), nil
		}
		d.content, d.src, d.header, d.base = content, file.file, file.file, path.Base(file.rel)
		d.follow = d.follow && len(t.tree.dirs) == 0
		d.preserve(mode)
		at := t.at[file.rel]
		d.dest = at.Path
		f := fields{"p": at.Path, "d": path.Dir(at.Path), "dir": "1", "writable": "1", "sum": t.sums[file.rel]}
		if t.Diff && at.exists() && f.sum("sum") != content.sha1 {
			if fail, err := t.addContent(ctx, f, at); fail != nil || err != nil {
				return nil, fail, err
			}
		}
		if queued, err := t.queue(d, f, at); queued || err != nil {
			if err != nil {
				return nil, nil, err
			}
			if fail, err := t.flush(ctx, maxBatch); fail != nil || err != nil {
				return nil, fail, err
			}
			continue
		}
		r, err := t.deliverTo(ctx, d, f, at, t.id)
		if err != nil {
			return nil, nil, err
		}
		if r.Failed {
			return nil, r, nil
		}
		t.changed = t.changed || r.Changed
		t.diffs = append(t.diffs, r.Diffs...)
		last = r
	}
	fail, err := t.flush(ctx, 0)
	return last, fail, err
}

// flush writes what is queued when it is more than a size: a large tree is not
// held in memory.
func (t *treeCopy) flush(ctx context.Context, above int64) (*Result, error) {
	size := int64(0)
	for _, w := range t.queued {
		size += w.content.size
	}
	if len(t.queued) == 0 || (size <= above && len(t.queued) < 500) && above > 0 {
		return nil, nil
	}
	fail, err := t.writeAll(ctx, t.queued)
	t.queued = nil
	return fail, err
}

// queue keeps a small file that must be written for an exchange together with
// others. Those that need more than writing are not queued.
func (t *treeCopy) queue(d delivery, f fields, at found) (bool, error) {
	same := at.exists() && !at.isLink() && f.sum("sum") == d.content.sha1
	switch {
	case t.Check, !d.content.inline(), d.backup, d.validate != "", d.follow, len(t.tree.files) == 1,
		same, at.isDir(), at.exists() && !d.force:
		return false, nil
	}
	if t.Diff {
		diff, err := d.diff(f, at)
		if err != nil {
			return false, err
		}
		t.diffs = append(t.diffs, diff)
	}
	t.changed = true
	t.queued = append(t.queued, rewrite{at: at, content: d.content, attrs: d.attrs, id: t.id, unsafe: d.unsafe})
	return true, nil
}

// addContent reads what a file holds, for its diff.
func (c *Call) addContent(ctx context.Context, f fields, at found) (*Result, error) {
	more, fail, err := c.observe(ctx, "p="+quoteText(dashless(at.Path))+"\n"+readContent(maxDiff))
	if fail != nil || err != nil {
		return fail, err
	}
	if more.has("content") {
		f["content"] = more["content"]
	}
	return nil, nil
}

func (t *treeCopy) copyLinks(ctx context.Context) (*Result, error) {
	var s strings.Builder
	s.WriteString(applyTools)
	needed := false
	for _, l := range t.tree.links {
		at := t.at[l.rel]
		if at.isLink() && at.To == l.to {
			continue
		}
		if at.Inode != nil && at.Inode.isDir() {
			return Fail("the directory %s is not empty, refusing to convert it", at.Path).Set("path", at.Path), nil
		}
		needed = true
		s.WriteString(linkScript(l.to, at.Path))
		before, after := value.NewDict("path", at.Path, "state", at.state()), value.NewDict("path", at.Path, "state", "link", "src", l.to)
		if t.Diff {
			t.diffs = append(t.diffs, valuesDiff(before, after, "", ""))
		}
	}
	t.changed = t.changed || needed
	if !needed || t.Check {
		return nil, nil
	}
	_, fail, err := t.observe(ctx, s.String())
	return fail, err
}

// linkScript makes a link beside and renames it; a mv that does not know -T
// would move it into a directory, so then the old link goes first.
func linkScript(to, at string) string {
	temp := quoteText(dashless(path.Join(path.Dir(at), ".sunup-"+randomName())))
	place := quoteText(dashless(at))
	if strings.HasPrefix(to, "-") {
		to = "./" + to
	}
	return "T=" + temp + "\nln -s " + quoteText(to) + " \"$T\" || E 'Error while linking' ln\n" +
		"if [ -h " + place + " ] && [ -d " + place + " ]; then mv -fT \"$T\" " + place + " 2>/dev/null || { rm -f " + place + " && mv -f \"$T\" " + place +
		"; } || E 'Error while replacing' mv\nelse mv -f \"$T\" " + place + " || E 'Error while replacing' mv\nfi\nT=\n"
}
