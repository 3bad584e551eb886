package tools

import (
	tarfmt "archive/tar"
	"bytes"
	gz "compress/gzip"
	"fmt"
	"io"
	"path"
	"strings"

	"sunup/lab/hostfs"
	"sunup/lab/machine"
)

func gzip(c *machine.Call) int {
	f, args, good := getopt(c, "cdfklqtvnr123456789", "stdout=c", "to-stdout=c", "decompress=d", "uncompress=d", "force=f", "keep=k", "quiet=q", "test=t", "no-name=n", "fast=1", "best=9", "list=l")
	if !good {
		return 1
	}
	expand := f.has("d", "t") || c.Name() == "gunzip" || c.Name() == "zcat"
	stdout := f.has("c") || c.Name() == "zcat"
	if len(args) == 0 || len(args) == 1 && args[0] == "-" {
		data, _ := readAll(c.In)
		out, err := squeeze(data, expand)
		if err != nil {
			return c.Errorf("stdin: not in gzip format")
		}
		if !f.has("t") {
			c.Out.Write(out)
		}
		return 0
	}
	code := 0
	for _, a := range args {
		data, err := c.ReadFile(a)
		if err != nil {
			code = c.Errorf("%s: %v", a, err)
			continue
		}
		out, err := squeeze(data, expand)
		if err != nil {
			code = c.Errorf("%s: not in gzip format", a)
			continue
		}
		if f.has("t") {
			continue
		}
		if stdout {
			c.Out.Write(out)
			continue
		}
		name := a + ".gz"
		if expand {
			if name = strings.TrimSuffix(a, ".gz"); name == a {
				code = c.Errorf("%s: unknown suffix -- ignored", a)
				continue
			}
		}
		info, _ := c.FS().Stat(c.Cred, c.Abs(a))
		if err := c.FS().WriteFile(c.Cred, c.Abs(name), out, info.FileMode); err != nil {
			code = c.Errorf("%s: %v", name, err)
			continue
		}
		c.FS().Chtimes(c.Cred, c.Abs(name), info.Atime, info.Mtime, true)
		if !f.has("k") {
			c.FS().Remove(c.Cred, c.Abs(a), "file")
		}
	}
	return code
}

// squeeze packs or unpacks gzip data.
func squeeze(data []byte, expand bool) ([]byte, error) {
	if expand {
		r, err := gz.NewReader(bytes.NewReader(data))
		if err != nil {
			return nil, err
		}
		return readAll(r)
	}
	var b bytes.Buffer
	w := gz.NewWriter(&b)
	w.Write(data)
	err := w.Close()
	return b.Bytes(), err
}

func tar(c *machine.Call) int {
	if len(c.Args) > 1 && !strings.HasPrefix(c.Args[1], "-") {
		// The old way: tar xzf FILE.
		c.Args = append([]string{c.Args[0], "-" + c.Args[1]}, c.Args[2:]...)
	}
	f, args, good := getopt(c, "cxtvzjJf:C:pPkhmoO", "create=c", "extract=x", "get=x", "list=t", "verbose=v", "gzip=z", "file:=f", "directory:=C", "strip-components:=s", "exclude:=X", "same-owner=y", "no-same-owner=n",
		"preserve-permissions=p", "same-permissions=p", "owner:=o+", "group:=g+", "numeric-owner=N", "keep-newer-files=y", "one-top-level?=T", "diff=d", "compare=d")
	if !good {
		return 64
	}
	dir := c.Cwd
	if d, ok := f.get("C"); ok {
		dir = c.Abs(d)
	}
	file, hasFile := f.get("f")
	switch {
	case f.has("c"):
		return tarCreate(c, f, args, dir, file)
	case f.has("x", "t"):
		var data []byte
		var err error
		if !hasFile || file == "-" {
			data, err = readAll(c.In)
		} else {
			data, err = c.ReadFile(file)
		}
		if err != nil {
			c.Errorf("%s: Cannot open: %v", file, err)
			return 2
		}
		return tarRead(c, f, args, dir, data)
	}
	c.Errorf("You must specify one of the '-Acdtrux', '--delete' or '--test-label' options")
	return 2
}

func tarCreate(c *machine.Call, f *flags, args []string, dir, file string) int {
	var b bytes.Buffer
	var w io.Writer = &b
	var zip *gz.Writer
	if f.has("z") {
		zip = gz.NewWriter(&b)
		w = zip
	}
	t := tarfmt.NewWriter(w)
	code := 0
	for _, a := range args {
		err := walkTree(c, path.Join(dir, a), true, func(p string, i hostfs.Info) {
			name := strings.TrimPrefix(strings.TrimPrefix(p, dir), "/")
			if path.IsAbs(a) {
				name = strings.TrimPrefix(p, "/")
			}
			if name == "" {
				name = "."
			}
			h := &tarfmt.Header{Name: name, Mode: int64(i.Perm()), Uid: i.UID, Gid: i.GID, ModTime: i.Mtime, Typeflag: tarfmt.TypeReg, Size: i.Bytes, Uname: c.M.UserName(i.UID), Gname: c.M.GroupName(i.GID)}
			var data []byte
			switch {
			case i.IsDir():
				h.Typeflag, h.Size, h.Name = tarfmt.TypeDir, 0, name+"/"
			case i.IsLink():
				h.Typeflag, h.Size, h.Linkname = tarfmt.TypeSymlink, 0, i.Target
			default:
				data, _ = c.ReadFile(p)
				h.Size = int64(len(data))
			}
			t.WriteHeader(h)
			t.Write(data)
			if f.has("v") {
				fmt.Fprintln(c.Err, h.Name)
			}
		})
		if err != nil {
			c.Errorf("%s: Cannot stat: %v", a, err)
			code = 2
		}
	}
	t.Close()
	if zip != nil {
		zip.Close()
	}
	if file == "" || file == "-" {
		c.Out.Write(b.Bytes())
		return code
	}
	if err := c.FS().WriteFile(c.Cred, c.Abs(file), b.Bytes(), 0o666&^c.Umask); err != nil {
		c.Errorf("%s: Cannot open: %v", file, err)
		return 2
	}
	return code
}

func tarRead(c *machine.Call, f *flags, args []string, dir string, data []byte) int {
	if bytes.HasPrefix(data, []byte{0x1f, 0x8b}) {
		var err error
		if data, err = squeeze(data, true); err != nil {
			c.Errorf("Unexpected EOF in archive")
			return 2
		}
	}
	strip, _ := f.num("s", 0)
	t := tarfmt.NewReader(bytes.NewReader(data))
	code := 0
	for {
		h, err := t.Next()
		if err == io.EOF {
			return code
		}
		if err != nil {
			c.Errorf("This does not look like a tar archive")
			c.Errorf("Exiting with failure status due to previous errors")
			return 2
		}
		if len(args) > 0 && !wantedMember(args, h.Name) {
			continue
		}
		if f.has("t") {
			if f.has("v") {
				c.Printf("%s %s/%s %d %s %s\n", modeString(h.FileInfo().Mode()), h.Uname, h.Gname, h.Size, h.ModTime.UTC().Format("2006-01-02 15:04"), h.Name)
			} else {
				c.Printf("%s\n", h.Name)
			}
			continue
		}
		if f.has("v") {
			c.Printf("%s\n", h.Name)
		}
		parts := splitPath(path.Clean("/" + h.Name))
		if len(parts) <= strip {
			continue
		}
		if err := tarExtract(c, t, h, path.Join(append([]string{dir}, parts[strip:]...)...)); err != nil {
			c.Errorf("%s: Cannot open: %v", h.Name, err)
			code = 2
		}
	}
}

func wantedMember(args []string, name string) bool {
	for _, a := range args {
		if a = strings.TrimSuffix(a, "/"); name == a || strings.HasPrefix(name, a+"/") {
			return true
		}
	}
	return false
}

func tarExtract(c *machine.Call, t io.Reader, h *tarfmt.Header, p string) error {
	fsys := c.FS()
	mode := hostfs.FromUnix(uint32(h.Mode) & 0o7777)
	switch h.Typeflag {
	case tarfmt.TypeDir:
		if err := fsys.MkdirAll(c.Cred, p, 0o755); err != nil {
			return err
		}
	case tarfmt.TypeSymlink:
		fsys.MkdirAll(c.Cred, path.Dir(p), 0o755)
		fsys.Remove(c.Cred, p, "file")
		return fsys.Symlink(c.Cred, h.Linkname, p)
	case tarfmt.TypeReg:
		fsys.MkdirAll(c.Cred, path.Dir(p), 0o755)
		fsys.Remove(c.Cred, p, "file")
		data, err := readAll(t)
		if err != nil {
			return err
		}
		if err := fsys.WriteFile(c.Cred, p, data, 0o600); err != nil {
			return err
		}
	default:
		return nil
	}
	if c.Cred.UID == 0 {
		fsys.Chown(c.Cred, p, h.Uid, h.Gid, false)
	} else {
		mode &^= c.Umask
	}
	fsys.Chmod(c.Cred, p, mode)
	return fsys.Chtimes(c.Cred, p, h.ModTime, h.ModTime, true)
}
