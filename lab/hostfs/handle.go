package hostfs

import (
	"crypto/rand"
	"io"
	"io/fs"
	"path"
	"strings"
	"sync"
)

// Flag says how to open a file.
type Flag int

// The flags of open(2).
const (
	Read Flag = 1 << iota
	Write
	Create
	Exclusive
	Truncate
	Append
	NoFollow
)

// MaxFile bounds one file in memory.
const MaxFile = 1 << 30

// Handle is an open file. Its methods may be called from any goroutine.
type Handle struct {
	Path string
	t    *Tree
	n    *Node
	flag Flag

	mu  sync.Mutex
	off int64
	gen []byte // snapshot of generated content
	dev string
}

// Open opens p; perm is used for a file that is made.
func (t *Tree) Open(c Cred, p string, flag Flag, perm fs.FileMode) (*Handle, error) {
	h, gen, err := t.open(c, p, flag, perm)
	if err != nil {
		return nil, err
	}
	// Generated outside the lock: the generator may look at the tree.
	if gen != "" && t.Generate != nil {
		h.gen = t.Generate(gen)
	}
	return h, nil
}

func (t *Tree) open(c Cred, p string, flag Flag, perm fs.FileMode) (*Handle, string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	tr, name, err := t.walk(c, p, flag&NoFollow == 0 && flag&Exclusive == 0)
	if err != nil {
		if name == "" || flag&Create == 0 {
			return nil, "", err
		}
		if strings.HasSuffix(p, "/") {
			return nil, "", EISDIR
		}
		n := &Node{mode: perm & permBits}
		if err := t.add(c, tr, name, n); err != nil {
			return nil, "", err
		}
		return &Handle{Path: path.Join(tr.path(), name), t: t, n: n, flag: flag}, "", nil
	}
	n := tr.last()
	switch {
	case flag&Exclusive != 0 && flag&Create != 0:
		return nil, "", EEXIST
	case n.isLink():
		return nil, "", ELOOP
	case n.isDir() && flag&Write != 0:
		return nil, "", EISDIR
	case n.mode&fs.ModeSocket != 0:
		return nil, "", ENXIO
	}
	if flag&Read != 0 && !allowed(c, n, 4) || flag&Write != 0 && !allowed(c, n, 2) {
		return nil, "", EACCES
	}
	h := &Handle{Path: tr.path(), t: t, flag: flag}
	if n.special != "" {
		h.n = n
		if n.mode&fs.ModeDevice != 0 {
			h.dev = n.special
			return h, "", nil
		}
		if n.mode&fs.ModeNamedPipe != 0 {
			h.n = t.own(tr)
			return h, "", nil
		}
		h.dev = "gen"
		return h, tr.path(), nil
	}
	if flag&Write != 0 {
		if err := t.writable(n); err != nil {
			return nil, "", err
		}
		n = t.own(tr)
		if flag&Truncate != 0 {
			t.resize(n, 0)
			n.mtime = t.Now()
			n.ctime = n.mtime
		}
	}
	h.n = n
	return h, "", nil
}

// resize sets the length of a file, as far as the disk allows.
func (t *Tree) resize(n *Node, size int64) error {
	if size > MaxFile {
		return EFBIG
	}
	if err := t.charge(n, size-int64(len(n.data))); err != nil {
		return err
	}
	data := n.data
	if n.dataShared || size > int64(cap(data)) {
		grow := size
		if size > int64(len(data)) && !n.dataShared {
			grow += size / 4
		}
		data = make([]byte, min(size, int64(len(n.data))), grow)
		copy(data, n.data)
	}
	old := len(data)
	n.data = data[:size]
	if int(size) > old {
		clear(n.data[old:])
	}
	n.dataShared = false
	return nil
}

// FIFO returns the cell in which the kernel keeps the pipe behind a FIFO, made
// by build at first use; nil when the file is no FIFO.
func (h *Handle) FIFO(build func() any) any {
	h.t.mu.Lock()
	defer h.t.mu.Unlock()
	if h.n.mode&fs.ModeNamedPipe == 0 {
		return nil
	}
	if h.n.extra == nil {
		h.n.extra = build()
	}
	return h.n.extra
}

// Device names the device behind the handle: null, zero, full, urandom, tty,
// gen; empty for a plain file.
func (h *Handle) Device() string { return h.dev }

// Info tells about the open file.
func (h *Handle) Info() Info {
	h.t.mu.RLock()
	defer h.t.mu.RUnlock()
	return h.t.info(path.Base(h.Path), h.n)
}

// Read reads from the handle's place on.
func (h *Handle) Read(b []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	n, err := h.ReadAt(b, h.off)
	h.off += int64(n)
	if n > 0 {
		err = nil
	}
	return n, err
}

// ReadAt reads at an offset.
func (h *Handle) ReadAt(b []byte, off int64) (int, error) {
	if h.flag&Read == 0 {
		return 0, EBADF
	}
	switch h.dev {
	case "null":
		return 0, io.EOF
	case "zero", "full":
		clear(b)
		return len(b), nil
	case "urandom":
		return rand.Read(b)
	case "gen":
		return readAt(h.gen, b, off)
	case "tty":
		return 0, ENXIO
	}
	h.t.mu.RLock()
	defer h.t.mu.RUnlock()
	if h.n.isDir() {
		return 0, EISDIR
	}
	return readAt(h.n.data, b, off)
}

func readAt(data, b []byte, off int64) (int, error) {
	if off < 0 || off >= int64(len(data)) {
		return 0, io.EOF
	}
	n := copy(b, data[off:])
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

// Write writes at the handle's place, or at the end in append mode.
func (h *Handle) Write(b []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	n, end, err := h.write(b, h.off, h.flag&Append != 0)
	h.off = end
	return n, err
}

// WriteAt writes at an offset.
func (h *Handle) WriteAt(b []byte, off int64) (int, error) {
	n, _, err := h.write(b, off, false)
	return n, err
}

func (h *Handle) write(b []byte, off int64, atEnd bool) (int, int64, error) {
	if h.flag&Write == 0 {
		return 0, off, EBADF
	}
	switch h.dev {
	case "full":
		return 0, off, ENOSPC
	case "":
	default:
		return len(b), off, nil
	}
	h.t.mu.Lock()
	defer h.t.mu.Unlock()
	if atEnd {
		off = int64(len(h.n.data))
	}
	if off < 0 {
		return 0, off, EINVAL
	}
	if off > MaxFile {
		return 0, off, EFBIG
	}
	end := off + int64(len(b))
	var short error
	if end > int64(len(h.n.data)) || h.n.dataShared {
		size := max(end, int64(len(h.n.data)))
		if err := h.t.resize(h.n, size); err != nil {
			// A full disk takes what still fits, as a real one does.
			m := h.t.mountOf(h.n)
			fit := int64(len(h.n.data)) + max(m.Size-m.Used, 0)
			if err != ENOSPC || fit <= off || h.t.resize(h.n, fit) != nil {
				return 0, off, err
			}
			b, end, short = b[:fit-off], fit, err
		}
	}
	copy(h.n.data[off:end], b)
	h.n.mtime = h.t.Now()
	h.n.ctime = h.n.mtime
	return len(b), end, short
}

// Seek moves the handle's place.
func (h *Handle) Seek(off int64, whence int) (int64, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch whence {
	case io.SeekCurrent:
		off += h.off
	case io.SeekEnd:
		off += h.Info().Bytes
	}
	if off < 0 {
		return 0, EINVAL
	}
	h.off = off
	return off, nil
}

// Truncate sets the length.
func (h *Handle) Truncate(size int64) error {
	if h.flag&Write == 0 || size < 0 {
		return EINVAL
	}
	if h.dev != "" {
		return nil
	}
	h.t.mu.Lock()
	defer h.t.mu.Unlock()
	h.n.mtime = h.t.Now()
	h.n.ctime = h.n.mtime
	return h.t.resize(h.n, size)
}

// ReadFile returns the content of p.
func (t *Tree) ReadFile(c Cred, p string) ([]byte, error) {
	h, err := t.Open(c, p, Read, 0)
	if err != nil {
		return nil, err
	}
	if h.dev != "" && h.dev != "gen" {
		return nil, EINVAL
	}
	if h.dev == "gen" {
		return h.gen, nil
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	if h.n.isDir() {
		return nil, EISDIR
	}
	return append([]byte(nil), h.n.data...), nil
}

// WriteFile replaces the content of p, which is made with perm when missing.
func (t *Tree) WriteFile(c Cred, p string, data []byte, perm fs.FileMode) error {
	h, err := t.Open(c, p, Write|Create|Truncate, perm)
	if err != nil {
		return err
	}
	_, err = h.Write(data)
	return err
}

// AppendFile adds to the end of p.
func (t *Tree) AppendFile(c Cred, p string, data []byte, perm fs.FileMode) error {
	h, err := t.Open(c, p, Write|Create|Append, perm)
	if err != nil {
		return err
	}
	_, err = h.Write(data)
	return err
}
