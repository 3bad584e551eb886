package hostfs

import (
	"io/fs"
	"maps"
	"slices"
	"time"
)

// Node is one inode. Its fields are guarded by the lock of the tree that owns
// it; a shared node (owner nil) is never written.
type Node struct {
	owner      *Tree
	ino        uint64
	mode       fs.FileMode
	uid, gid   int
	mtime      time.Time
	ctime      time.Time
	atime      time.Time
	nlink      int
	data       []byte
	dataShared bool
	target     string
	children   map[string]*Node
	special    string // name of generated content or of a device
	immutable  bool
	mount      *Mount
	// extra is for the kernel's use: the pipe behind a FIFO.
	extra any
}

// clone makes t's own copy of a shared node.
func (n *Node) clone(t *Tree) *Node {
	c := *n
	c.owner = t
	c.dataShared = true
	c.children = maps.Clone(n.children)
	return &c
}

func (n *Node) isDir() bool  { return n.mode.IsDir() }
func (n *Node) isLink() bool { return n.mode&fs.ModeSymlink != 0 }

func (n *Node) size() int64 {
	switch {
	case n.isDir():
		return 4096
	case n.isLink():
		return int64(len(n.target))
	}
	return int64(len(n.data))
}

func (n *Node) names() []string {
	return slices.Sorted(maps.Keys(n.children))
}

// Info is what stat(2) tells. It satisfies fs.FileInfo.
type Info struct {
	Base      string
	Ino       uint64
	FileMode  fs.FileMode
	UID, GID  int
	Bytes     int64
	Links     int
	Mtime     time.Time
	Ctime     time.Time
	Atime     time.Time
	Target    string // of a symbolic link
	Device    string // mount device
	Special   string
	Immutable bool
}

// Name, Size, Mode, ModTime, IsDir and Sys satisfy fs.FileInfo.
func (i Info) Name() string       { return i.Base }
func (i Info) Size() int64        { return i.Bytes }
func (i Info) Mode() fs.FileMode  { return i.FileMode }
func (i Info) ModTime() time.Time { return i.Mtime }
func (i Info) IsDir() bool        { return i.FileMode.IsDir() }
func (i Info) Sys() any           { return nil }

// IsLink reports whether the node is a symbolic link.
func (i Info) IsLink() bool { return i.FileMode&fs.ModeSymlink != 0 }

// Perm gives the twelve permission bits as chmod writes them.
func (i Info) Perm() uint32 { return UnixPerm(i.FileMode) }

// UnixPerm turns a mode into the twelve bits of chmod.
func UnixPerm(m fs.FileMode) uint32 {
	p := uint32(m.Perm())
	if m&fs.ModeSetuid != 0 {
		p |= 0o4000
	}
	if m&fs.ModeSetgid != 0 {
		p |= 0o2000
	}
	if m&fs.ModeSticky != 0 {
		p |= 0o1000
	}
	return p
}

// FromUnix turns the twelve bits of chmod into a mode without type.
func FromUnix(p uint32) fs.FileMode {
	m := fs.FileMode(p & 0o777)
	if p&0o4000 != 0 {
		m |= fs.ModeSetuid
	}
	if p&0o2000 != 0 {
		m |= fs.ModeSetgid
	}
	if p&0o1000 != 0 {
		m |= fs.ModeSticky
	}
	return m
}

const permBits = fs.ModePerm | fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky

func (t *Tree) info(name string, n *Node) Info {
	i := Info{
		Base: name, Ino: n.ino, FileMode: n.mode, UID: n.uid, GID: n.gid, Bytes: n.size(),
		Links: n.nlink, Mtime: n.mtime, Ctime: n.ctime, Atime: n.atime, Target: n.target,
		Device: t.mountOf(n).Device, Special: n.special, Immutable: n.immutable,
	}
	if n.isDir() {
		i.Links = 2
		for _, c := range n.children {
			if c.isDir() {
				i.Links++
			}
		}
	}
	return i
}
