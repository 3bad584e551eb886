package tools

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"path"
	"strconv"
	"strings"

	"sunup/lab/hostfs"
	"sunup/lab/machine"
)

// walkTree calls do for p and, when recursive, everything below it.
func walkTree(c *machine.Call, p string, recursive bool, do func(p string, i hostfs.Info)) error {
	i, err := c.FS().Lstat(c.Cred, c.Abs(p))
	if err != nil {
		return err
	}
	do(p, i)
	if !recursive || !i.IsDir() || c.Context().Err() != nil {
		return nil
	}
	list, err := c.FS().ReadDir(c.Cred, c.Abs(p))
	if err != nil {
		return err
	}
	for _, e := range list {
		if err := walkTree(c, strings.TrimRight(p, "/")+"/"+e.Base, true, do); err != nil {
			return err
		}
	}
	return nil
}

func chmod(c *machine.Call) int {
	// A mode such as -x looks like options.
	args := c.Args[1:]
	recursive, quiet := false, false
	ref := ""
	for len(args) > 0 && strings.HasPrefix(args[0], "-") && len(args[0]) > 1 {
		a := args[0]
		switch {
		case a == "--":
		case a == "-R" || a == "--recursive":
			recursive = true
		case a == "-f" || a == "--silent" || a == "--quiet":
			quiet = true
		case a == "-v" || a == "-c" || a == "--changes" || a == "--verbose":
		case strings.HasPrefix(a, "--reference="):
			ref = strings.TrimPrefix(a, "--reference=")
		case a == "-Rf" || a == "-fR":
			recursive, quiet = true, true
		default:
			goto modes
		}
		args = args[1:]
		if a == "--" {
			break
		}
	}
modes:
	mode := ""
	if ref == "" {
		if !operand(c, args, 1) {
			return 1
		}
		mode, args = args[0], args[1:]
		if len(args) == 0 {
			c.Errorf("missing operand after ‘%s’", mode)
			try(c)
			return 1
		}
	} else {
		i, err := c.FS().Stat(c.Cred, c.Abs(ref))
		if err != nil {
			return c.Errorf("failed to get attributes of '%s': %v", ref, err)
		}
		mode = fmt.Sprintf("%o", i.Perm())
	}
	if _, err := ParseMode(mode, 0, 0, false); err != nil {
		c.Errorf("%v", err)
		try(c)
		return 1
	}
	code := 0
	for _, a := range args {
		err := walkTree(c, a, recursive, func(p string, i hostfs.Info) {
			if i.IsLink() {
				if p != a {
					return
				}
				var err error
				if i, err = c.FS().Stat(c.Cred, c.Abs(p)); err != nil {
					code = c.Errorf("cannot operate on dangling symlink '%s'", p)
					return
				}
			}
			m, _ := ParseMode(mode, i.FileMode, c.Umask, i.IsDir())
			if err := c.FS().Chmod(c.Cred, c.Abs(p), m); err != nil {
				code = 1
				if !quiet {
					c.Errorf("changing permissions of '%s': %v", p, err)
				}
			}
		})
		if err != nil {
			code = 1
			if !quiet {
				c.Errorf("cannot access '%s': %v", a, err)
			}
		}
	}
	return code
}

func userNumber(m *machine.Machine, s string) (int, bool) {
	if u, ok := m.User(s); ok {
		return u.UID, true
	}
	n, err := strconv.Atoi(strings.TrimPrefix(s, "+"))
	return n, err == nil && n >= 0
}

func groupNumber(m *machine.Machine, s string) (int, bool) {
	if g, ok := m.Group(s); ok {
		return g.GID, true
	}
	n, err := strconv.Atoi(strings.TrimPrefix(s, "+"))
	return n, err == nil && n >= 0
}

// chown is chown and chgrp.
func chown(c *machine.Call) int {
	f, args, good := getopt(c, "cfhRvHLP", "recursive=R", "no-dereference=h", "dereference=d", "reference:=r", "silent=f", "quiet=f", "verbose=v", "changes=c", "from:=x", "preserve-root=x")
	if !good {
		return 1
	}
	uid, gid := -1, -1
	if r, ok := f.get("r"); ok {
		i, err := c.FS().Stat(c.Cred, c.Abs(r))
		if err != nil {
			return c.Errorf("failed to get attributes of '%s': %v", r, err)
		}
		uid, gid = i.UID, i.GID
	} else {
		if !operand(c, args, 2) {
			return 1
		}
		owner, group := args[0], ""
		args = args[1:]
		if c.Name() == "chgrp" {
			owner, group = "", owner
		} else if i := strings.IndexAny(owner, ":."); i >= 0 && (owner[i] == ':' || notUser(c, owner)) {
			owner, group = owner[:i], owner[i+1:]
			if group == "" && owner != "" {
				if u, ok := c.M.User(owner); ok {
					gid = u.GID
				}
			}
		}
		ok := true
		if owner != "" {
			if uid, ok = userNumber(c.M, owner); !ok {
				return c.Errorf("invalid user: ‘%s’", owner)
			}
		}
		if group != "" {
			if gid, ok = groupNumber(c.M, group); !ok {
				return c.Errorf("invalid group: ‘%s’", group)
			}
		}
	}
	what := "ownership"
	if c.Name() == "chgrp" {
		what = "group"
	}
	code := 0
	for _, a := range args {
		err := walkTree(c, a, f.has("R"), func(p string, i hostfs.Info) {
			follow := !f.has("h") && (p == a || !i.IsLink()) && !(f.has("R") && i.IsLink())
			if err := c.FS().Chown(c.Cred, c.Abs(p), uid, gid, follow); err != nil {
				code = 1
				if !f.has("f") {
					c.Errorf("changing %s of '%s': %v", what, p, err)
				}
			}
		})
		if err != nil {
			code = 1
			if !f.has("f") {
				c.Errorf("cannot access '%s': %v", a, err)
			}
		}
	}
	return code
}

func notUser(c *machine.Call, name string) bool {
	_, ok := c.M.User(name)
	return !ok
}

func chattr(c *machine.Call) int {
	code := 0
	recursive := false
	var change string
	for _, a := range c.Args[1:] {
		switch {
		case a == "-R":
			recursive = true
		case a == "-f" || a == "-V":
		case a[0] == '+' || a[0] == '-' || a[0] == '=':
			change = a
		default:
			err := walkTree(c, a, recursive, func(p string, i hostfs.Info) {
				if !strings.Contains(change, "i") && change != "=" {
					return
				}
				if err := c.FS().SetImmutable(c.Cred, c.Abs(p), change[0] != '-' && strings.Contains(change, "i")); err != nil {
					code = c.Errorf("%v while setting flags on %s", err, p)
				}
			})
			if err != nil {
				code = c.Errorf("%v while trying to stat %s", err, a)
			}
		}
	}
	return code
}

func lsattr(c *machine.Call) int {
	code := 0
	for _, a := range c.Args[1:] {
		if strings.HasPrefix(a, "-") {
			continue
		}
		i, err := c.FS().Stat(c.Cred, c.Abs(a))
		if err != nil {
			code = c.Errorf("%v while trying to stat %s", err, a)
			continue
		}
		attr := "--------------e-------"
		if i.Immutable {
			attr = "----i---------e-------"
		}
		if strings.Contains(strings.Join(c.Args, " "), "-v") {
			c.Printf("%10d %s %s\n", i.Ino, attr, a)
		} else {
			c.Printf("%s %s\n", attr, a)
		}
	}
	return code
}

func mktemp(c *machine.Call) int {
	f, args, good := getopt(c, "dp:qtu", "directory=d", "tmpdir?=p", "quiet=q", "dry-run=u", "suffix:=S")
	if !good {
		return 1
	}
	dir, inDir := f.get("p")
	if f.has("p") && dir == "" {
		dir, inDir = c.Getenv("TMPDIR"), true
	}
	template := "tmp.XXXXXXXXXX"
	if len(args) > 0 {
		template = args[0]
	} else {
		inDir = true
	}
	if f.has("t") {
		inDir = true
	}
	if inDir {
		if dir == "" {
			dir = c.Getenv("TMPDIR")
		}
		if dir == "" {
			dir = "/tmp"
		}
		template = path.Join(dir, template)
	}
	suffix, _ := f.get("S")
	end := strings.LastIndexByte(template, 'X')
	start := end
	for start >= 0 && template[start] == 'X' {
		start--
	}
	if end-start < 3 {
		return c.Errorf("too few X's in template '%s'", template)
	}
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	for range 100 {
		b := []byte(template)
		for i := start + 1; i <= end; i++ {
			b[i] = letters[rand.IntN(len(letters))]
		}
		name := string(b) + suffix
		var err error
		switch {
		case f.has("u"):
			_, err = c.FS().Lstat(c.Cred, c.Abs(name))
			if err == nil {
				continue
			}
			err = nil
		case f.has("d"):
			err = c.FS().Mkdir(c.Cred, c.Abs(name), 0o700&^c.Umask)
		default:
			_, err = c.FS().Open(c.Cred, c.Abs(name), hostfs.Write|hostfs.Create|hostfs.Exclusive, 0o600&^c.Umask)
		}
		if err == hostfs.EEXIST {
			continue
		}
		if err != nil {
			kind := "file"
			if f.has("d") {
				kind = "directory"
			}
			if !f.has("q") {
				c.Errorf("failed to create %s via template ‘%s’: %v", kind, template, err)
			}
			return 1
		}
		c.Printf("%s\n", name)
		return 0
	}
	return 1
}

func mkfifo(c *machine.Call) int {
	f, args, good := getopt(c, "m:", "mode:=m")
	if !good || !operand(c, args, 1) {
		return 1
	}
	code := 0
	for _, a := range args {
		mode := 0o666 &^ c.Umask
		if m, ok := f.get("m"); ok {
			mode, _ = ParseMode(m, 0o666, 0, false)
		}
		if err := c.FS().Mknod(c.Cred, c.Abs(a), fs.ModeNamedPipe|mode, "fifo"); err != nil {
			code = c.Errorf("cannot create fifo '%s': %v", a, err)
		}
	}
	return code
}

func truncate(c *machine.Call) int {
	f, args, good := getopt(c, "cos:r:", "size:=s", "no-create=c")
	if !good || !operand(c, args, 1) {
		return 1
	}
	spec, _ := f.get("s")
	code := 0
	for _, a := range args {
		h, err := c.FS().Open(c.Cred, c.Abs(a), hostfs.Write|hostfs.Create, 0o666&^c.Umask)
		if err != nil {
			code = c.Errorf("cannot open '%s' for writing: %v", a, err)
			continue
		}
		n, okSize := parseSize(strings.TrimLeft(spec, "+-"))
		if !okSize {
			return c.Errorf("Invalid number: '%s'", spec)
		}
		switch spec[0] {
		case '+':
			n += h.Info().Bytes
		case '-':
			n = max(h.Info().Bytes-n, 0)
		}
		if err := h.Truncate(n); err != nil {
			code = c.Errorf("failed to truncate '%s' at %d bytes: %v", a, n, err)
		}
	}
	return code
}

// rawMode is st_mode with the file type.
func rawMode(m fs.FileMode) uint32 {
	p := hostfs.UnixPerm(m)
	switch {
	case m.IsDir():
		p |= 0o040000
	case m&fs.ModeSymlink != 0:
		p |= 0o120000
	case m&fs.ModeNamedPipe != 0:
		p |= 0o010000
	case m&fs.ModeSocket != 0:
		p |= 0o140000
	case m&fs.ModeCharDevice != 0:
		p |= 0o020000
	case m&fs.ModeDevice != 0:
		p |= 0o060000
	default:
		p |= 0o100000
	}
	return p
}

// modeString is what ls -l prints.
func modeString(m fs.FileMode) string {
	t := "-"
	switch {
	case m.IsDir():
		t = "d"
	case m&fs.ModeSymlink != 0:
		t = "l"
	case m&fs.ModeNamedPipe != 0:
		t = "p"
	case m&fs.ModeSocket != 0:
		t = "s"
	case m&fs.ModeCharDevice != 0:
		t = "c"
	case m&fs.ModeDevice != 0:
		t = "b"
	}
	b := []byte("rwxrwxrwx")
	for i := range b {
		if m&(1<<(8-i)) == 0 {
			b[i] = '-'
		}
	}
	special := func(at int, on bool, c byte) {
		if !on {
			return
		}
		if b[at] == '-' {
			c -= 32
		}
		b[at] = c
	}
	special(2, m&fs.ModeSetuid != 0, 's')
	special(5, m&fs.ModeSetgid != 0, 's')
	special(8, m&fs.ModeSticky != 0, 't')
	return t + string(b)
}

func fileTypeName(i hostfs.Info) string {
	m := i.FileMode
	switch {
	case m.IsDir():
		return "directory"
	case m&fs.ModeSymlink != 0:
		return "symbolic link"
	case m&fs.ModeNamedPipe != 0:
		return "fifo"
	case m&fs.ModeSocket != 0:
		return "socket"
	case m&fs.ModeCharDevice != 0:
		return "character special file"
	case m&fs.ModeDevice != 0:
		return "block special file"
	case i.Bytes == 0:
		return "regular empty file"
	}
	return "regular file"
}

func stat(c *machine.Call) int {
	f, args, good := getopt(c, "c:fLt", "format:=c", "printf:=P", "file-system=f", "dereference=L", "terse=t", "cached:=x")
	if !good || !operand(c, args, 1) {
		return 1
	}
	format, has := f.get("c")
	end := "\n"
	if p, ok := f.get("P"); ok {
		format, _ = escapes(p, false)
		end, has = "", true
	}
	code := 0
	for _, a := range args {
		look := c.FS().Lstat
		if f.has("L") {
			look = c.FS().Stat
		}
		if f.has("f") {
			mt, err := c.FS().MountOf(c.Cred, c.Abs(a))
			if err != nil {
				code = c.Errorf("cannot read file system information for '%s': %v", a, err)
				continue
			}
			if !has {
				format = "  File: \"%n\"\n    ID: 0 Namelen: 255     Type: %T\nBlock size: %s       Fundamental block size: %S\nBlocks: Total: %b   Free: %f   Available: %a\nInodes: Total: %c   Free: %d"
			}
			c.Printf("%s%s", statFS(format, a, mt), end)
			continue
		}
		i, err := look(c.Cred, c.Abs(a))
		if a == "" {
			err = hostfs.ENOENT
		}
		if err != nil {
			code = c.Errorf("cannot statx '%s': %v", a, err)
			continue
		}
		if !has {
			format = "  File: %N\n  Size: %-10s\tBlocks: %-10b IO Block: %-6o %F\nDevice: %Hd,%Ld\tInode: %-11i Links: %h\nAccess: (%04a/%10.10A)  Uid: (%5u/%8U)   Gid: (%5g/%8G)\nAccess: %x\nModify: %y\nChange: %z\n Birth: %w"
		}
		c.Printf("%s%s", statFormat(c, format, a, i), end)
	}
	return code
}

// expandPercent replaces %-directives with optional flags and width.
func expandPercent(format string, value func(d string) (any, bool)) string {
	var b strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' || i+1 >= len(format) {
			b.WriteByte(format[i])
			continue
		}
		j := i + 1
		for j < len(format) && strings.IndexByte("-+ #0123456789.", format[j]) >= 0 {
			j++
		}
		if j >= len(format) {
			b.WriteString(format[i:])
			break
		}
		spec, d := format[i:j], format[j:j+1]
		if (d == "H" || d == "L") && j+1 < len(format) {
			j++
			d += format[j : j+1]
		}
		if len(spec) > 16 {
			spec = "%"
		}
		v, ok := value(d)
		switch v := v.(type) {
		case string:
			b.WriteString(padBytes(spec, v))
		case int64:
			fmt.Fprintf(&b, spec+"d", v)
		case uint32:
			fmt.Fprintf(&b, spec+"o", v)
		case uint64:
			fmt.Fprintf(&b, spec+"x", v)
		}
		if !ok {
			b.WriteString("?")
		}
		i = j
	}
	return b.String()
}

const statTime = "2006-01-02 15:04:05.000000000 -0700"

func statFormat(c *machine.Call, format, name string, i hostfs.Info) string {
	zone := zone(c)
	blocks := (i.Bytes + 4095) / 4096 * 8
	if i.IsDir() {
		blocks = 8
	}
	if i.IsLink() {
		blocks = 0
	}
	return expandPercent(format, func(d string) (any, bool) {
		switch d {
		case "a":
			return i.Perm(), true
		case "A":
			return modeString(i.FileMode), true
		case "b":
			return blocks, true
		case "B":
			return int64(512), true
		case "C":
			return "?", true
		case "d":
			return int64(65025), true
		case "D":
			return uint64(65025), true
		case "Hd":
			return int64(254), true
		case "Ld":
			return int64(1), true
		case "f":
			return uint64(rawMode(i.FileMode)), true
		case "F":
			return fileTypeName(i), true
		case "g":
			return int64(i.GID), true
		case "G":
			return nameOrUnknown(c.M.GroupName(i.GID)), true
		case "h":
			return int64(i.Links), true
		case "i":
			return int64(i.Ino), true
		case "m":
			mt, _ := c.FS().MountOf(hostfs.Root, c.Abs(name))
			return mt.Dir, true
		case "n":
			return name, true
		case "N":
			if i.IsLink() {
				return fmt.Sprintf("'%s' -> '%s'", name, i.Target), true
			}
			return "'" + name + "'", true
		case "o":
			return int64(4096), true
		case "s":
			return i.Bytes, true
		case "t", "T", "Hr", "Lr", "r":
			return int64(0), true
		case "u":
			return int64(i.UID), true
		case "U":
			return nameOrUnknown(c.M.UserName(i.UID)), true
		case "w":
			return "-", true
		case "W":
			return int64(0), true
		case "x":
			return i.Atime.In(zone).Format(statTime), true
		case "X":
			return i.Atime.Unix(), true
		case "y":
			return i.Mtime.In(zone).Format(statTime), true
		case "Y":
			return i.Mtime.Unix(), true
		case "z":
			return i.Ctime.In(zone).Format(statTime), true
		case "Z":
			return i.Ctime.Unix(), true
		case "%":
			return "%", true
		}
		return nil, false
	})
}

func nameOrUnknown(s string) string {
	if _, err := strconv.Atoi(s); err == nil {
		return "UNKNOWN"
	}
	return s
}

func statFS(format, name string, m hostfs.Mount) string {
	total, free := blocksOf(m)
	return expandPercent(format, func(d string) (any, bool) {
		switch d {
		case "n":
			return name, true
		case "T":
			return m.Type, true
		case "t":
			return uint64(0xef53), true
		case "s", "S":
			return int64(4096), true
		case "b":
			return total, true
		case "f", "a":
			return free, true
		case "c":
			return int64(1310720), true
		case "d":
			return int64(1250000), true
		case "i":
			return uint64(1), true
		case "l":
			return int64(255), true
		}
		return nil, false
	})
}

// blocksOf gives a mount's size and room in blocks of 4 KiB.
func blocksOf(m hostfs.Mount) (total, free int64) {
	size := m.Size
	if size == 0 {
		size = 20 << 30
	}
	return size / 4096, max(size-m.Used, 0) / 4096
}
