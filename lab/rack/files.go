package rack

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// File is what there is to know about one path of a host without its times.
type File struct {
	Type   string // file, directory, link, fifo, socket, device; "gone" for a file of the image that was removed
	Mode   string // octal, with the set-id and sticky bits; "" for links and gone
	Owner  string // uid:gid
	Size   int64  // of files
	Hash   string // SHA-256 of files, the target of links
	Change int64  // ctime in nanoseconds: it tells that something was written even when nothing differs
}

// Same is true when both are the same but for when they were written.
func (f File) Same(g File) bool {
	f.Change, g.Change = 0, 0
	return f == g
}

func (f File) String() string {
	return strings.TrimSpace(fmt.Sprintf("%s %s %s %.12s", f.Type, f.Mode, f.Owner, f.Hash))
}

// Files are all paths of the host that differ from its image, by absolute path.
// What lives in memory only (/run, /tmp, /dev) is not among them.
func (h *Host) Files() (map[string]File, error) {
	upper := h.Upper()
	files := map[string]File{}
	err := filepath.WalkDir(upper, func(name string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // it went while we looked
		}
		if err != nil {
			return err
		}
		path := "/" + strings.TrimPrefix(strings.TrimPrefix(name, upper), "/")
		f, err := describe(name)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		below, inImage := describe(filepath.Join(h.tree, path))
		switch {
		case f.Type == "gone" && inImage != nil:
			return nil
		case inImage == nil && f.Same(below):
			return nil // overlayfs copied it up and nothing came of it
		}
		files[path] = f
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look at the files of host %s: %w", h.Name, err)
	}
	return files, nil
}

func describe(name string) (File, error) {
	info, err := os.Lstat(name)
	if err != nil {
		return File{}, err
	}
	stat := info.Sys().(*syscall.Stat_t)
	f := File{Owner: fmt.Sprintf("%d:%d", stat.Uid, stat.Gid), Mode: fmt.Sprintf("%04o", stat.Mode&0o7777), Change: stat.Ctim.Nano()}
	switch mode := info.Mode(); {
	case mode.IsRegular():
		f.Type, f.Size = "file", info.Size()
		f.Hash, err = hashOf(name)
	case mode.IsDir():
		f.Type = "directory"
	case mode&fs.ModeSymlink != 0:
		f.Type, f.Mode = "link", ""
		f.Hash, err = os.Readlink(name)
	case mode&fs.ModeNamedPipe != 0:
		f.Type = "fifo"
	case mode&fs.ModeSocket != 0:
		f.Type = "socket"
	case mode&fs.ModeCharDevice != 0 && stat.Rdev == 0:
		f.Type, f.Mode, f.Owner = "gone", "", ""
	default:
		f.Type, f.Hash = "device", fmt.Sprint(stat.Rdev)
	}
	return f, err
}

func hashOf(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}
