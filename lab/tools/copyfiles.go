package tools

import (
	"errors"
	"io/fs"
	"path"
	"strings"
	"time"

	"sunup/lab/hostfs"
	"sunup/lab/machine"
)

// copier copies files of the tree.
type copier struct {
	c                             *machine.Call
	recursive, preserve, noFollow bool
	force, noClobber, update      bool
	verbose, link, sym            bool
	backup                        string
	code                          int
}

func (k *copier) fail(format string, args ...any) {
	k.c.Errorf(format, args...)
	k.code = 1
}

func cp(c *machine.Call) int {
	f, args, good := getopt(c, "abdfHiLlnPpRrst:TuvxZS:", "archive=a", "force=f", "interactive=i", "no-clobber=n", "preserve?=p", "recursive=R", "no-dereference=P",
		"dereference=L", "target-directory:=t", "no-target-directory=T", "update?=u", "verbose=v", "link=l", "symbolic-link=s", "reflink?=q", "sparse:=q",
		"remove-destination=f", "backup?=b", "suffix:=S", "no-preserve:=q", "one-file-system=x", "parents=y", "context?=Z")
	if !good {
		return 1
	}
	k := &copier{c: c, recursive: f.has("R", "r", "a"), preserve: f.has("p", "a"), noFollow: f.has("P", "d", "a"), force: f.has("f"), noClobber: f.has("n"),
		update: f.has("u"), verbose: f.has("v"), link: f.has("l"), sym: f.has("s")}
	if f.has("R", "r") && !f.has("L", "H") {
		k.noFollow = true
	}
	if f.has("b") {
		k.backup = "~"
		if v, ok := f.get("S"); ok {
			k.backup = v
		}
	}
	return k.each(f, args, k.copy)
}

// each finds the destination of every source.
func (k *copier) each(f *flags, args []string, do func(src, dst string)) int {
	dir, toDir := f.get("t")
	if len(args) == 0 {
		k.fail("missing file operand")
		try(k.c)
		return 1
	}
	if !toDir {
		if len(args) == 1 {
			k.fail("missing destination file operand after '%s'", args[0])
			try(k.c)
			return 1
		}
		dir, args = args[len(args)-1], args[:len(args)-1]
		i, err := k.c.FS().Stat(k.c.Cred, k.c.Abs(dir))
		toDir = err == nil && i.IsDir() && !f.has("T")
		if !toDir && len(args) > 1 {
			if f.has("T") {
				k.fail("extra operand '%s'", dir)
			} else {
				k.fail("target '%s': %v", dir, orNotDir(err))
			}
			return 1
		}
		if !toDir && strings.HasSuffix(dir, "/") && err != nil {
			if src, e := k.c.FS().Stat(k.c.Cred, k.c.Abs(args[0])); e != nil || !src.IsDir() {
				k.fail("cannot create regular file '%s': %v", dir, hostfs.ENOTDIR)
				return 1
			}
		}
	}
	for _, src := range args {
		dst := dir
		if toDir {
			dst = strings.TrimRight(dir, "/") + "/" + path.Base(src)
		}
		do(src, dst)
	}
	return k.code
}

func orNotDir(err error) error {
	if err == nil {
		return hostfs.ENOTDIR
	}
	return err
}

func (k *copier) copy(src, dst string) {
	c := k.c
	info, err := c.FS().Lstat(c.Cred, c.Abs(src))
	if err == nil && info.IsLink() && !k.noFollow {
		info, err = c.FS().Stat(c.Cred, c.Abs(src))
	}
	if err != nil {
		k.fail("cannot stat '%s': %v", src, err)
		return
	}
	if info.IsDir() {
		if !k.recursive {
			k.fail("-r not specified; omitting directory '%s'", src)
			return
		}
		k.copyDir(src, dst, info)
		return
	}
	k.copyFile(src, dst, info)
}

func (k *copier) copyDir(src, dst string, info hostfs.Info) {
	c := k.c
	from, _ := c.FS().Real(c.Cred, c.Abs(src))
	if to, err := resolve(c, dst, 2); err == nil && strings.HasPrefix(to+"/", from+"/") {
		k.fail("cannot copy a directory, '%s', into itself, '%s'", src, dst)
		return
	}
	made := false
	if i, err := c.FS().Stat(c.Cred, c.Abs(dst)); err != nil {
		if err := c.FS().Mkdir(c.Cred, c.Abs(dst), info.FileMode.Perm()&^c.Umask|0o700); err != nil {
			k.fail("cannot create directory '%s': %v", dst, err)
			return
		}
		made = true
	} else if !i.IsDir() {
		k.fail("cannot overwrite non-directory '%s' with directory '%s'", dst, src)
		return
	}
	list, err := c.FS().ReadDir(c.Cred, c.Abs(src))
	if err != nil {
		k.fail("cannot access '%s': %v", src, err)
		return
	}
	for _, i := range list {
		k.copy(strings.TrimRight(src, "/")+"/"+i.Base, strings.TrimRight(dst, "/")+"/"+i.Base)
	}
	if made {
		c.FS().Chmod(c.Cred, c.Abs(dst), info.FileMode&^c.Umask)
	}
	k.attributes(dst, info)
}

func (k *copier) copyFile(src, dst string, info hostfs.Info) {
	c := k.c
	fsys := c.FS()
	old, err := fsys.Lstat(c.Cred, c.Abs(dst))
	if err == nil {
		if target, e := fsys.Stat(c.Cred, c.Abs(dst)); e == nil && target.IsDir() {
			k.fail("cannot overwrite directory '%s' with non-directory", dst)
			return
		}
		if k.noClobber || k.update && !info.Mtime.After(old.Mtime) {
			return
		}
		if target, e := fsys.Stat(c.Cred, c.Abs(dst)); e == nil && target.Ino == info.Ino && !k.noFollow {
			k.fail("'%s' and '%s' are the same file", src, dst)
			return
		}
		if k.backup != "" {
			fsys.Rename(c.Cred, c.Abs(dst), c.Abs(dst)+k.backup)
		}
	}
	switch {
	case k.link:
		err = fsys.Link(c.Cred, c.Abs(src), c.Abs(dst))
	case k.sym:
		err = fsys.Symlink(c.Cred, src, c.Abs(dst))
	case info.IsLink():
		if old.Base != "" {
			fsys.Remove(c.Cred, c.Abs(dst), "file")
		}
		err = fsys.Symlink(c.Cred, info.Target, c.Abs(dst))
	default:
		k.copyData(src, dst, info)
		return
	}
	if err != nil {
		k.fail("cannot create link '%s': %v", dst, err)
		return
	}
	k.attributes(dst, info)
}

func (k *copier) copyData(src, dst string, info hostfs.Info) {
	c := k.c
	data, err := c.ReadFile(src)
	if err != nil {
		k.fail("cannot open '%s' for reading: %v", src, err)
		return
	}
	perm := info.FileMode &^ c.Umask
	h, err := c.FS().Open(c.Cred, c.Abs(dst), hostfs.Write|hostfs.Create|hostfs.Truncate, perm&fs.ModePerm)
	if err != nil && k.force && c.FS().Remove(c.Cred, c.Abs(dst), "file") == nil {
		h, err = c.FS().Open(c.Cred, c.Abs(dst), hostfs.Write|hostfs.Create|hostfs.Truncate, perm&fs.ModePerm)
	}
	if err != nil {
		k.fail("cannot create regular file '%s': %v", dst, err)
		return
	}
	if _, err := h.Write(data); err != nil {
		k.fail("error writing '%s': %v", dst, err)
		return
	}
	if k.verbose {
		c.Printf("'%s' -> '%s'\n", src, dst)
	}
	k.attributes(dst, info)
}

// attributes gives dst the owner, mode and times of the source, for -p.
func (k *copier) attributes(dst string, info hostfs.Info) {
	if !k.preserve {
		return
	}
	c := k.c
	fsys, p := c.FS(), c.Abs(dst)
	if fsys.Chown(c.Cred, p, info.UID, info.GID, false) != nil {
		fsys.Chown(c.Cred, p, -1, info.GID, false)
	}
	if !info.IsLink() {
		fsys.Chmod(c.Cred, p, info.FileMode)
	}
	fsys.Chtimes(c.Cred, p, info.Atime, info.Mtime, false)
}

func mv(c *machine.Call) int {
	f, args, good := getopt(c, "bfint:TuvS:Z", "force=f", "interactive=i", "no-clobber=n", "target-directory:=t", "no-target-directory=T", "update?=u", "verbose=v",
		"backup?=b", "suffix:=S", "context=Z", "strip-trailing-slashes=y")
	if !good {
		return 1
	}
	k := &copier{c: c, recursive: true, preserve: true, noFollow: true, force: true, noClobber: f.has("n"), update: f.has("u"), verbose: f.has("v")}
	return k.each(f, args, k.move)
}

func (k *copier) move(src, dst string) {
	c := k.c
	fsys := c.FS()
	info, err := fsys.Lstat(c.Cred, c.Abs(src))
	if err != nil {
		k.fail("cannot stat '%s': %v", src, err)
		return
	}
	old, oldErr := fsys.Lstat(c.Cred, c.Abs(dst))
	if oldErr == nil {
		switch {
		case k.noClobber || k.update && !info.Mtime.After(old.Mtime):
			return
		case old.Ino == info.Ino && old.Links < 2:
			k.fail("'%s' and '%s' are the same file", src, dst)
			return
		case old.IsDir() && !info.IsDir():
			k.fail("cannot overwrite directory '%s' with non-directory", dst)
			return
		case !old.IsDir() && info.IsDir():
			k.fail("cannot overwrite non-directory '%s' with directory '%s'", dst, src)
			return
		}
	}
	err = fsys.Rename(c.Cred, c.Abs(src), c.Abs(dst))
	switch {
	case err == nil:
		if k.verbose {
			c.Printf("renamed '%s' -> '%s'\n", src, dst)
		}
	case errors.Is(err, hostfs.EXDEV):
		if oldErr == nil && !old.IsDir() {
			fsys.Remove(c.Cred, c.Abs(dst), "file")
		}
		before := k.code
		if k.copy(src, dst); k.code == before {
			r := &remover{c: c, recursive: true, force: true}
			r.remove(src)
		}
	case err == hostfs.EINVAL:
		k.fail("cannot move '%s' to a subdirectory of itself, '%s'", src, dst)
	default:
		k.fail("cannot move '%s' to '%s': %v", src, dst, err)
	}
}

type remover struct {
	c                              *machine.Call
	recursive, force, dir, verbose bool
	code                           int
}

func rm(c *machine.Call) int {
	f, args, good := getopt(c, "dfiIrRv", "force=f", "recursive=r", "dir=d", "verbose=v", "one-file-system=x", "preserve-root?=x", "no-preserve-root=N", "interactive?=i")
	if !good {
		return 1
	}
	r := &remover{c: c, recursive: f.has("r", "R"), force: f.has("f"), dir: f.has("d"), verbose: f.has("v")}
	if len(args) == 0 && !r.force {
		c.Errorf("missing operand")
		try(c)
		return 1
	}
	for _, a := range args {
		if b := path.Base(a); b == "." || b == ".." {
			c.Errorf("refusing to remove '.' or '..' directory: skipping '%s'", a)
			r.code = 1
			continue
		}
		if r.recursive && path.Clean(c.Abs(a)) == "/" && !f.has("N") {
			c.Errorf("it is dangerous to operate recursively on '/'\n%s: use --no-preserve-root to override this failsafe", c.Name())
			r.code = 1
			continue
		}
		r.remove(a)
	}
	return r.code
}

func (r *remover) remove(p string) {
	c := r.c
	if c.Context().Err() != nil {
		return
	}
	full := c.Abs(p)
	info, err := c.FS().Lstat(c.Cred, full)
	if err != nil {
		if !r.force || err != hostfs.ENOENT && err != hostfs.ENOTDIR {
			r.fail(p, err)
		}
		return
	}
	if info.IsDir() {
		if !r.recursive && !r.dir {
			r.fail(p, hostfs.EISDIR)
			return
		}
		if r.recursive {
			list, err := c.FS().ReadDir(c.Cred, full)
			if err != nil {
				r.fail(p, err)
				return
			}
			before := r.code
			for _, i := range list {
				r.remove(strings.TrimRight(p, "/") + "/" + i.Base)
			}
			if r.code != before {
				return
			}
		}
	}
	if err := c.FS().Remove(c.Cred, full, ""); err != nil {
		r.fail(p, err)
		return
	}
	if r.verbose {
		c.Printf("removed '%s'\n", p)
	}
}

func (r *remover) fail(p string, err error) {
	r.c.Errorf("cannot remove '%s': %v", p, err)
	r.code = 1
}

func ln(c *machine.Call) int {
	f, args, good := getopt(c, "bfinrst:TvLP", "symbolic=s", "force=f", "no-dereference=n", "relative=r", "target-directory:=t", "no-target-directory=T", "verbose=v", "backup?=b")
	if !good || !operand(c, args, 1) {
		return 1
	}
	dir, toDir := f.get("t")
	if !toDir {
		dir = "."
		if len(args) > 1 {
			dir, args = args[len(args)-1], args[:len(args)-1]
		}
		stat := c.FS().Stat
		if f.has("n") {
			stat = c.FS().Lstat
		}
		i, err := stat(c.Cred, c.Abs(dir))
		toDir = err == nil && i.IsDir() && !f.has("T")
	}
	code := 0
	for _, target := range args {
		name := dir
		if toDir {
			name = strings.TrimRight(dir, "/") + "/" + path.Base(target)
			if dir == "." {
				name = path.Base(target)
			}
		}
		if f.has("f") {
			if i, err := c.FS().Lstat(c.Cred, c.Abs(name)); err == nil {
				if i.IsDir() {
					c.Errorf("%s: cannot overwrite directory", name)
					code = 1
					continue
				}
				c.FS().Remove(c.Cred, c.Abs(name), "file")
			}
		}
		kind := "hard"
		var err error
		if f.has("s") {
			kind = "symbolic"
			err = c.FS().Symlink(c.Cred, target, c.Abs(name))
		} else if err = c.FS().Link(c.Cred, c.Abs(target), c.Abs(name)); err == hostfs.ENOENT {
			c.Errorf("failed to access '%s': %v", target, err)
			code = 1
			continue
		}
		if err != nil {
			code = c.Errorf("failed to create %s link '%s': %v", kind, name, err)
		}
	}
	return code
}

func unlink(c *machine.Call) int {
	if !operand(c, c.Args[1:], 1) {
		return 1
	}
	if err := c.FS().Remove(c.Cred, c.Abs(c.Args[1]), "file"); err != nil {
		return c.Errorf("cannot unlink '%s': %v", c.Args[1], err)
	}
	return 0
}

func link(c *machine.Call) int {
	if !operand(c, c.Args[1:], 2) {
		return 1
	}
	if err := c.FS().Link(c.Cred, c.Abs(c.Args[1]), c.Abs(c.Args[2])); err != nil {
		return c.Errorf("cannot create link '%s' to '%s': %v", c.Args[2], c.Args[1], err)
	}
	return 0
}

func install(c *machine.Call) int {
	f, args, good := getopt(c, "bcCdDg:m:o:pst:TvS:Z", "directory=d", "group:=g", "mode:=m", "owner:=o", "target-directory:=t", "no-target-directory=T", "verbose=v",
		"preserve-timestamps=p", "compare=C", "backup?=b", "suffix:=S")
	if !good {
		return 1
	}
	mode := fs.FileMode(0o755)
	if m, ok := f.get("m"); ok {
		var err error
		if mode, err = ParseMode(m, 0, 0, f.has("d")); err != nil {
			return c.Errorf("%v", err)
		}
	}
	finish := func(p string) int {
		c.FS().Chmod(c.Cred, c.Abs(p), mode)
		uid, gid := -1, -1
		if o, ok := f.get("o"); ok {
			if uid, ok = userNumber(c.M, o); !ok {
				return c.Errorf("invalid user: '%s'", o)
			}
		}
		if g, ok := f.get("g"); ok {
			if gid, ok = groupNumber(c.M, g); !ok {
				return c.Errorf("invalid group: '%s'", g)
			}
		}
		if uid >= 0 || gid >= 0 {
			if err := c.FS().Chown(c.Cred, c.Abs(p), uid, gid, true); err != nil {
				return c.Errorf("cannot change ownership of '%s': %v", p, err)
			}
		}
		return 0
	}
	if f.has("d") {
		code := 0
		for _, a := range args {
			if err := c.FS().MkdirAll(c.Cred, c.Abs(a), 0o755); err != nil {
				code = c.Errorf("cannot create directory '%s': %v", a, err)
				continue
			}
			code = max(code, finish(a))
		}
		return code
	}
	if f.has("D") && len(args) > 1 {
		c.FS().MkdirAll(c.Cred, path.Dir(c.Abs(args[len(args)-1])), 0o755)
	}
	k := &copier{c: c, force: true}
	return k.each(f, args, func(src, dst string) {
		before := k.code
		if i, err := c.FS().Lstat(c.Cred, c.Abs(dst)); err == nil && !i.IsDir() {
			c.FS().Remove(c.Cred, c.Abs(dst), "file")
		}
		if k.copy(src, dst); k.code == before {
			k.code = max(k.code, finish(dst))
		}
		if f.has("p") {
			if i, err := c.FS().Stat(c.Cred, c.Abs(src)); err == nil {
				c.FS().Chtimes(c.Cred, c.Abs(dst), i.Atime, i.Mtime, true)
			}
		}
	})
}

func touch(c *machine.Call) int {
	f, args, good := getopt(c, "acd:fhmr:t:", "no-create=c", "date:=d", "no-dereference=h", "reference:=r", "time:=x")
	if !good {
		return 1
	}
	if len(args) == 0 {
		c.Errorf("missing file operand")
		try(c)
		return 1
	}
	now := c.M.Now()
	atime, mtime := now, now
	if d, ok := f.get("d"); ok {
		t, err := parseDate(d, now, zone(c))
		if err != nil {
			return c.Errorf("invalid date format '%s'", d)
		}
		atime, mtime = t, t
	}
	if s, ok := f.get("t"); ok {
		t, ok := parseStamp(s, now, zone(c))
		if !ok {
			return c.Errorf("invalid date format '%s'", s)
		}
		atime, mtime = t, t
	}
	if r, ok := f.get("r"); ok {
		i, err := c.FS().Stat(c.Cred, c.Abs(r))
		if err != nil {
			return c.Errorf("failed to get attributes of '%s': %v", r, err)
		}
		atime, mtime = i.Atime, i.Mtime
	}
	if x, _ := f.get("x"); f.has("a") && !f.has("m") || x == "atime" || x == "access" {
		mtime = time.Time{}
	}
	if f.has("m") && !f.has("a") {
		atime = time.Time{}
	}
	code := 0
	for _, a := range args {
		p := c.Abs(a)
		if _, err := c.FS().Lstat(c.Cred, p); err != nil {
			if f.has("c") {
				continue
			}
			if _, err := c.FS().Open(c.Cred, p, hostfs.Write|hostfs.Create, 0o666&^c.Umask); err != nil {
				code = c.Errorf("cannot touch '%s': %v", a, err)
				continue
			}
		}
		if err := c.FS().Chtimes(c.Cred, p, atime, mtime, !f.has("h")); err != nil {
			code = c.Errorf("cannot touch '%s': %v", a, err)
		}
	}
	return code
}

func mkdir(c *machine.Call) int {
	f, args, good := getopt(c, "m:pvZ", "mode:=m", "parents=p", "verbose=v", "context?=Z")
	if !good || !operand(c, args, 1) {
		return 1
	}
	code := 0
	for _, a := range args {
		p := strings.TrimRight(c.Abs(a), "/")
		if p == "" {
			p = "/"
		}
		perm := 0o777 &^ c.Umask
		if f.has("p") {
			if i, err := c.FS().Stat(c.Cred, p); err == nil && i.IsDir() {
				continue
			}
			if err := c.FS().MkdirAll(c.Cred, path.Dir(p), perm|0o300); err != nil {
				code = c.Errorf("cannot create directory '%s': %v", a, err)
				continue
			}
		}
		if err := c.FS().Mkdir(c.Cred, p, perm); err != nil {
			code = c.Errorf("cannot create directory '%s': %v", a, err)
			continue
		}
		if m, ok := f.get("m"); ok {
			mode, err := ParseMode(m, 0o777, 0, true)
			if err != nil {
				return c.Errorf("invalid mode '%s'", m)
			}
			c.FS().Chmod(c.Cred, p, mode)
		}
		if f.has("v") {
			c.Printf("mkdir: created directory '%s'\n", a)
		}
	}
	return code
}

func rmdir(c *machine.Call) int {
	f, args, good := getopt(c, "pv", "ignore-fail-on-non-empty=i", "parents=p", "verbose=v")
	if !good || !operand(c, args, 1) {
		return 1
	}
	code := 0
	for _, a := range args {
		for p := a; p != "." && p != "/" && p != ""; p = path.Dir(p) {
			if err := c.FS().Remove(c.Cred, c.Abs(p), "dir"); err != nil {
				if !(f.has("i") && err == hostfs.ENOTEMPTY) {
					code = c.Errorf("failed to remove '%s': %v", p, err)
				}
				break
			}
			if !f.has("p") {
				break
			}
		}
	}
	return code
}
