package hostfs

import (
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
	"time"
)

// Mount is a region of the tree with its own size.
type Mount struct {
	Dir, Device, Type, Options string
	// Size in bytes; 0 means no limit. Used counts the bytes taken, including
	// those of the base image.
	Size, Used int64
	ReadOnly   bool
}

// Cred says who asks.
type Cred struct {
	UID, GID int
	Groups   []int
}

// Root is the user who may do everything.
var Root = Cred{}

// In reports whether c belongs to group gid.
func (c Cred) In(gid int) bool { return c.GID == gid || slices.Contains(c.Groups, gid) }

// Tree is the file tree of one host. Its methods may be called from any
// goroutine. Paths are absolute.
type Tree struct {
	mu      sync.RWMutex
	root    *Node
	nextIno uint64
	mounts  []*Mount

	// Now is the host's clock.
	Now func() time.Time
	// Generate gives the content of generated files (/proc), by path. It is
	// called without the tree's lock.
	Generate func(path string) []byte
	// Virtual gives the names in a generated directory (/proc) beyond those in
	// the tree, and whether a path below it exists as directory or file.
	Virtual VirtualDir
}

// VirtualDir invents entries below a directory, such as /proc/PID.
type VirtualDir interface {
	// VirtualNames lists entries of dir that are not stored.
	VirtualNames(dir string) []string
	// VirtualNode says what path is: exists, a directory, or a link.
	VirtualNode(path string) (mode fs.FileMode, target string, uid int, ok bool)
}

const maxLinks = 40

// New returns a tree that starts as base, which may be nil. The base is shared
// and must not change any more.
func New(base *Tree) *Tree {
	t := &Tree{nextIno: 1 << 20, Now: time.Now}
	t.mounts = []*Mount{{Dir: "/", Device: "/dev/vda1", Type: "ext4", Options: "rw,relatime", Size: 20 << 30}}
	if base == nil {
		t.root = &Node{owner: t, ino: 2, mode: fs.ModeDir | 0o755, nlink: 2, children: map[string]*Node{}}
		t.root.mtime = time.Unix(1700000000, 0)
		t.root.ctime, t.root.atime = t.root.mtime, t.root.mtime
		return t
	}
	t.root = base.root
	t.mounts[0].Used = base.mounts[0].Used
	return t
}

// Freeze marks every node as shared, so that t can be a base.
func (t *Tree) Freeze() *Tree {
	var visit func(n *Node)
	visit = func(n *Node) {
		n.owner = nil
		n.dataShared = true
		for _, c := range n.children {
			visit(c)
		}
	}
	visit(t.root)
	return t
}

// step is one node of a walk with the name it was found by.
type step struct {
	name string
	node *Node
}

// trail is a walk from the root; the last step is the node found.
type trail []step

func (tr trail) last() *Node { return tr[len(tr)-1].node }
func (tr trail) path() string {
	var b strings.Builder
	for _, s := range tr[1:] {
		b.WriteByte('/')
		b.WriteString(s.name)
	}
	if b.Len() == 0 {
		return "/"
	}
	return b.String()
}

// walk finds p. When only the last name is missing it returns the trail of the
// directory, the name and ENOENT, so that callers can create it.
func (t *Tree) walk(c Cred, p string, follow bool) (trail, string, error) {
	tr := make(trail, 1, 8)
	tr[0] = step{"", t.root}
	todo := split(p)
	mustDir := strings.HasSuffix(p, "/")
	links := 0
	for len(todo) > 0 {
		name := todo[0]
		todo = todo[1:]
		cur := tr.last()
		if !cur.isDir() {
			return nil, "", ENOTDIR
		}
		if !allowed(c, cur, 1) {
			return nil, "", EACCES
		}
		if name == ".." {
			if len(tr) > 1 {
				tr = tr[:len(tr)-1]
			}
			continue
		}
		if len(name) > 255 {
			return nil, "", ENAMETOOLONG
		}
		next := cur.children[name]
		if next == nil {
			next = t.virtual(tr, name)
		}
		if next == nil {
			if len(todo) == 0 {
				return tr, name, ENOENT
			}
			return nil, "", ENOENT
		}
		if next.isLink() && (follow || mustDir || len(todo) > 0) {
			if links++; links > maxLinks {
				return nil, "", ELOOP
			}
			if strings.HasPrefix(next.target, "/") {
				tr = tr[:1]
			}
			todo = append(split(next.target), todo...)
			continue
		}
		tr = append(tr, step{name, next})
	}
	if mustDir && !tr.last().isDir() {
		return nil, "", ENOTDIR
	}
	return tr, "", nil
}

func split(p string) []string {
	parts := strings.Split(p, "/")
	return slices.DeleteFunc(parts, func(s string) bool { return s == "" || s == "." })
}

// virtual makes a throw-away node for an entry that exists only while it is
// looked at.
func (t *Tree) virtual(tr trail, name string) *Node {
	if t.Virtual == nil || len(tr) < 2 || tr[1].name != "proc" {
		return nil
	}
	p := tr.path() + "/" + name
	mode, target, uid, ok := t.Virtual.VirtualNode(p)
	if !ok {
		return nil
	}
	now := t.Now()
	return &Node{owner: t, ino: 1, mode: mode, uid: uid, target: target, nlink: 1, special: "gen", mtime: now, ctime: now, atime: now}
}

// own makes every node of the trail t's own and returns the last one.
func (t *Tree) own(tr trail) *Node {
	for i := range tr {
		if tr[i].node.owner == t {
			continue
		}
		n := tr[i].node.clone(t)
		tr[i].node = n
		if i == 0 {
			t.root = n
		} else {
			tr[i-1].node.children[tr[i].name] = n
		}
	}
	return tr.last()
}

// allowed checks want (4 read, 2 write, 1 search) against the mode.
func allowed(c Cred, n *Node, want fs.FileMode) bool {
	if c.UID == 0 {
		return want&1 == 0 || n.isDir() || n.mode&0o111 != 0
	}
	perm := n.mode.Perm()
	switch {
	case c.UID == n.uid:
		perm >>= 6
	case c.In(n.gid):
		perm >>= 3
	}
	return perm&want == want
}

func (t *Tree) mountOf(n *Node) *Mount {
	if n.mount != nil {
		return n.mount
	}
	return t.mounts[0]
}

// charge accounts delta bytes to the mount of n.
func (t *Tree) charge(n *Node, delta int64) error {
	m := t.mountOf(n)
	if delta > 0 && m.Size > 0 && m.Used+delta > m.Size {
		return ENOSPC
	}
	m.Used += delta
	return nil
}

func (t *Tree) writable(n *Node) error {
	if t.mountOf(n).ReadOnly {
		return EROFS
	}
	if n.immutable {
		return EPERM
	}
	return nil
}

// Mount makes dir (created when missing) the root of a region of its own.
func (t *Tree) Mount(m Mount) error {
	if err := t.MkdirAll(Root, m.Dir, 0o755); err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	tr, _, err := t.walk(Root, m.Dir, true)
	if err != nil {
		return err
	}
	if len(tr) == 1 {
		*t.mounts[0] = m
		return nil
	}
	n := t.own(tr)
	n.mount = &m
	t.mounts = append(t.mounts, &m)
	return nil
}

// Unmount removes what Mount made and reports whether there was such a mount.
func (t *Tree) Unmount(dir string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	tr, _, err := t.walk(Root, dir, true)
	if err != nil || len(tr) < 2 || tr.last().mount == nil || tr.last().mount.Dir != dir {
		return false
	}
	n := t.own(tr)
	m := n.mount
	n.mount = tr[len(tr)-2].node.mount
	n.children = map[string]*Node{}
	t.mounts = slices.DeleteFunc(t.mounts, func(o *Mount) bool { return o == m })
	return true
}

// Mounts returns a copy of the mounts, the root first.
func (t *Tree) Mounts() []Mount {
	t.mu.RLock()
	defer t.mu.RUnlock()
	out := make([]Mount, len(t.mounts))
	for i, m := range t.mounts {
		out[i] = *m
	}
	return out
}

// SetLimit sets how many more bytes can be written to the mount that holds
// path; a negative number lifts the limit.
func (t *Tree) SetLimit(p string, free int64) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	tr, _, err := t.walk(Root, p, true)
	if err != nil {
		return err
	}
	m := t.mountOf(tr.last())
	if free < 0 {
		m.Size = 0
	} else {
		m.Size = m.Used + free
	}
	return nil
}

// MountOf returns the mount that holds path.
func (t *Tree) MountOf(c Cred, p string) (Mount, error) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	tr, _, err := t.walk(c, p, true)
	if err != nil {
		return Mount{}, err
	}
	return *t.mountOf(tr.last()), nil
}

// Stat follows symbolic links, Lstat does not follow the last one.
func (t *Tree) Stat(c Cred, p string) (Info, error)  { return t.stat(c, p, true) }
func (t *Tree) Lstat(c Cred, p string) (Info, error) { return t.stat(c, p, false) }

func (t *Tree) stat(c Cred, p string, follow bool) (Info, error) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	tr, _, err := t.walk(c, p, follow)
	if err != nil {
		return Info{}, err
	}
	return t.info(path.Base(p), tr.last()), nil
}

// Real returns p without symbolic links, "." and "..".
func (t *Tree) Real(c Cred, p string) (string, error) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	tr, _, err := t.walk(c, p, true)
	if err != nil {
		return "", err
	}
	return tr.path(), nil
}

// Access checks want: 4 read, 2 write, 1 execute.
func (t *Tree) Access(c Cred, p string, want fs.FileMode) error {
	t.mu.RLock()
	defer t.mu.RUnlock()
	tr, _, err := t.walk(c, p, true)
	if err != nil {
		return err
	}
	n := tr.last()
	if want&2 != 0 {
		if err := t.writable(n); err != nil {
			return err
		}
	}
	if !allowed(c, n, want) {
		return EACCES
	}
	return nil
}

// ReadDir lists a directory, sorted by name.
func (t *Tree) ReadDir(c Cred, p string) ([]Info, error) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	tr, _, err := t.walk(c, p, true)
	if err != nil {
		return nil, err
	}
	n := tr.last()
	if !n.isDir() {
		return nil, ENOTDIR
	}
	if !allowed(c, n, 4) {
		return nil, EACCES
	}
	out := make([]Info, 0, len(n.children))
	for _, name := range n.names() {
		out = append(out, t.info(name, n.children[name]))
	}
	if t.Virtual != nil && len(tr) >= 2 && tr[1].name == "proc" {
		for _, name := range t.Virtual.VirtualNames(tr.path()) {
			if v := t.virtual(tr, name); v != nil {
				out = append(out, t.info(name, v))
			}
		}
	}
	return out, nil
}

// Readlink returns the target of a symbolic link.
func (t *Tree) Readlink(c Cred, p string) (string, error) {
	i, err := t.Lstat(c, p)
	if err != nil {
		return "", err
	}
	if !i.IsLink() {
		return "", EINVAL
	}
	return i.Target, nil
}

func (t *Tree) ino() uint64 {
	t.nextIno++
	return t.nextIno
}

// add puts a new node into the directory at the end of tr.
func (t *Tree) add(c Cred, tr trail, name string, n *Node) error {
	dir := tr.last()
	if !dir.isDir() {
		return ENOTDIR
	}
	if err := t.writable(dir); err != nil {
		return err
	}
	if !allowed(c, dir, 3) {
		return EACCES
	}
	if err := t.charge(dir, 0); err != nil {
		return err
	}
	dir = t.own(tr)
	now := t.Now()
	n.owner, n.mount = t, dir.mount
	if n.ino == 0 {
		n.ino, n.nlink = t.ino(), 1
		n.mtime, n.ctime, n.atime = now, now, now
		n.uid, n.gid = c.UID, c.GID
		if dir.mode&fs.ModeSetgid != 0 {
			n.gid = dir.gid
			if n.isDir() {
				n.mode |= fs.ModeSetgid
			}
		}
	}
	dir.children[name] = n
	dir.mtime, dir.ctime = now, now
	return nil
}

// create adds a node at p, which must not exist.
func (t *Tree) create(c Cred, p string, n *Node) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	tr, name, err := t.walk(c, strings.TrimRight(p, "/"), false)
	if err == nil {
		return EEXIST
	}
	if name == "" {
		return err
	}
	return t.add(c, tr, name, n)
}

// Mkdir makes one directory with exactly perm.
func (t *Tree) Mkdir(c Cred, p string, perm fs.FileMode) error {
	return t.create(c, p, &Node{mode: fs.ModeDir | perm&permBits, children: map[string]*Node{}})
}

// MkdirAll makes p and the directories above it that are missing.
func (t *Tree) MkdirAll(c Cred, p string, perm fs.FileMode) error {
	parts := split(p)
	for i := range parts {
		dir := "/" + strings.Join(parts[:i+1], "/")
		info, err := t.Stat(c, dir)
		if err == nil {
			if !info.IsDir() {
				return ENOTDIR
			}
			continue
		}
		if err := t.Mkdir(c, dir, perm); err != nil && err != EEXIST {
			return err
		}
	}
	return nil
}

// Symlink makes p a symbolic link to target.
func (t *Tree) Symlink(c Cred, target, p string) error {
	return t.create(c, p, &Node{mode: fs.ModeSymlink | 0o777, target: target})
}

// Mknod makes a device, a FIFO or a generated file; special names its content.
func (t *Tree) Mknod(c Cred, p string, mode fs.FileMode, special string) error {
	return t.create(c, p, &Node{mode: mode, special: special})
}

// Link makes a hard link.
func (t *Tree) Link(c Cred, old, p string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	src, _, err := t.walk(c, old, false)
	if err != nil {
		return err
	}
	if src.last().isDir() {
		return EPERM
	}
	tr, name, err := t.walk(c, p, false)
	if err == nil {
		return EEXIST
	}
	if name == "" {
		return err
	}
	if t.mountOf(src.last()) != t.mountOf(tr.last()) {
		return EXDEV
	}
	n := t.own(src)
	// The trail of the new name may have been copied by own: walk again.
	tr, name, _ = t.walk(c, p, false)
	if err := t.add(c, tr, name, n); err != nil {
		return err
	}
	n.nlink++
	n.ctime = t.Now()
	return nil
}

// sticky says that c may not remove n from dir because of the sticky bit.
func sticky(c Cred, dir, n *Node) bool {
	return dir.mode&fs.ModeSticky != 0 && c.UID != 0 && c.UID != n.uid && c.UID != dir.uid
}

func (t *Tree) mayRemove(c Cred, dir, n *Node) error {
	if err := t.writable(dir); err != nil {
		return err
	}
	if !allowed(c, dir, 3) {
		return EACCES
	}
	if n.immutable || sticky(c, dir, n) {
		return EPERM
	}
	if n.mount != nil && n.mount != dir.mount {
		return EBUSY
	}
	return nil
}

// Remove unlinks a file or an empty directory; want is "file", "dir" or "".
func (t *Tree) Remove(c Cred, p, want string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	tr, _, err := t.walk(c, strings.TrimRight(p, "/"), false)
	if err != nil {
		return err
	}
	if len(tr) == 1 {
		return EBUSY
	}
	n, parent := tr.last(), tr[:len(tr)-1]
	switch {
	case want == "file" && n.isDir():
		return EISDIR
	case want == "dir" && !n.isDir():
		return ENOTDIR
	}
	if err := t.mayRemove(c, parent.last(), n); err != nil {
		return err
	}
	if n.isDir() && len(n.children) > 0 {
		return ENOTEMPTY
	}
	t.detach(parent, tr[len(tr)-1].name, n)
	return nil
}

// detach takes the name out of the directory and frees the node's bytes when
// it was the last name.
func (t *Tree) detach(parent trail, name string, n *Node) {
	dir := t.own(parent)
	delete(dir.children, name)
	dir.mtime = t.Now()
	dir.ctime = dir.mtime
	if n.owner == t {
		n.nlink--
		n.ctime = dir.ctime
	}
	if n.owner != t || n.nlink <= 0 {
		t.charge(n, -int64(len(n.data)))
	}
}

// Rename moves old to p, replacing what is there.
func (t *Tree) Rename(c Cred, old, p string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	src, _, err := t.walk(c, strings.TrimRight(old, "/"), false)
	if err != nil {
		return err
	}
	if len(src) == 1 {
		return EBUSY
	}
	n, name := src.last(), src[len(src)-1].name
	if err := t.mayRemove(c, src[len(src)-2].node, n); err != nil {
		return err
	}
	dst, newName, err := t.walk(c, strings.TrimRight(p, "/"), false)
	if err != nil && newName == "" {
		return err
	}
	if err == nil {
		if dst.last() == n {
			return nil
		}
		if len(dst) == 1 {
			return EBUSY
		}
		if err := t.mayReplace(c, dst, n); err != nil {
			return err
		}
		newName, dst = dst[len(dst)-1].name, dst[:len(dst)-1]
	}
	if n.isDir() && strings.HasPrefix(dst.path()+"/", src.path()+"/") {
		return EINVAL
	}
	if t.mountOf(dst.last()) != t.mountOf(n) {
		return EXDEV
	}
	if err := t.writable(dst.last()); err != nil {
		return err
	}
	if !allowed(c, dst.last(), 3) {
		return EACCES
	}
	dstPath := dst.path()
	t.own(src)
	n = src.last()
	from := src[len(src)-2].node
	dst, _, err = t.walk(Root, dstPath, false)
	if err != nil {
		return err
	}
	to := t.own(dst)
	if prev := to.children[newName]; prev != nil {
		t.detach(dst, newName, prev)
	}
	now := t.Now()
	delete(from.children, name)
	to.children[newName] = n
	from.mtime, from.ctime, to.mtime, to.ctime, n.ctime = now, now, now, now, now
	return nil
}

func (t *Tree) mayReplace(c Cred, dst trail, n *Node) error {
	prev := dst.last()
	switch {
	case prev.isDir() && !n.isDir():
		return EISDIR
	case !prev.isDir() && n.isDir():
		return ENOTDIR
	case prev.isDir() && len(prev.children) > 0:
		return ENOTEMPTY
	}
	return t.mayRemove(c, dst[len(dst)-2].node, prev)
}

// change runs f on t's own copy of the node at p, when c owns it.
func (t *Tree) change(c Cred, p string, follow bool, may func(n *Node) error, f func(n *Node)) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	tr, _, err := t.walk(c, p, follow)
	if err != nil {
		return err
	}
	n := tr.last()
	if n.mount == nil && t.mounts[0].ReadOnly || n.mount != nil && n.mount.ReadOnly {
		return EROFS
	}
	if err := may(n); err != nil {
		return err
	}
	n = t.own(tr)
	f(n)
	n.ctime = t.Now()
	return nil
}

func ownerOnly(c Cred) func(n *Node) error {
	return func(n *Node) error {
		if c.UID != 0 && c.UID != n.uid || n.immutable {
			return EPERM
		}
		return nil
	}
}

// Chmod sets the permission bits.
func (t *Tree) Chmod(c Cred, p string, perm fs.FileMode) error {
	return t.change(c, p, true, ownerOnly(c), func(n *Node) {
		if c.UID != 0 && !c.In(n.gid) {
			perm &^= fs.ModeSetgid
		}
		n.mode = n.mode&^permBits | perm&permBits
	})
}

// Chown sets owner and group; -1 leaves one as it is.
func (t *Tree) Chown(c Cred, p string, uid, gid int, follow bool) error {
	may := func(n *Node) error {
		if n.immutable {
			return EPERM
		}
		if c.UID == 0 {
			return nil
		}
		if c.UID != n.uid || uid >= 0 && uid != n.uid || gid >= 0 && !c.In(gid) {
			return EPERM
		}
		return nil
	}
	return t.change(c, p, follow, may, func(n *Node) {
		if uid >= 0 {
			n.uid = uid
		}
		if gid >= 0 {
			n.gid = gid
		}
		if !n.isDir() && c.UID != 0 {
			n.mode &^= fs.ModeSetuid | fs.ModeSetgid
		}
	})
}

// Chtimes sets the times; a zero time leaves one as it is.
func (t *Tree) Chtimes(c Cred, p string, atime, mtime time.Time, follow bool) error {
	may := func(n *Node) error {
		if c.UID != 0 && c.UID != n.uid && !allowed(c, n, 2) {
			return EACCES
		}
		return nil
	}
	return t.change(c, p, follow, may, func(n *Node) {
		if !atime.IsZero() {
			n.atime = atime
		}
		if !mtime.IsZero() {
			n.mtime = mtime
		}
	})
}

// SetImmutable is chattr +i and -i.
func (t *Tree) SetImmutable(c Cred, p string, on bool) error {
	root := func(*Node) error {
		if c.UID != 0 {
			return EPERM
		}
		return nil
	}
	return t.change(c, p, true, root, func(n *Node) { n.immutable = on })
}

// Clear removes everything below dir, as a reboot does with /run.
func (t *Tree) Clear(dir string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	tr, _, err := t.walk(Root, dir, true)
	if err != nil || !tr.last().isDir() || len(tr.last().children) == 0 {
		return
	}
	n := t.own(tr)
	t.charge(n, -t.weigh(n))
	clear(n.children)
}

// weigh sums the bytes below n that are t's own.
func (t *Tree) weigh(n *Node) int64 {
	var sum int64
	for _, c := range n.children {
		if c.owner == t && c.mode.IsRegular() {
			sum += int64(len(c.data))
		}
		sum += t.weigh(c)
	}
	return sum
}

// SetUsed sets how many bytes of the root mount count as taken.
func (t *Tree) SetUsed(n int64) {
	t.mu.Lock()
	t.mounts[0].Used = n
	t.mu.Unlock()
}
