package tools

import (
	"fmt"
	"io/fs"
	"path"
	"sort"
	"strconv"
	"strings"
	"time"

	"sunup/lab/hostfs"
	"sunup/lab/machine"
)

// lister is one call of ls.
type lister struct {
	c *machine.Call
	f *flags
	// now decides between time and year.
	now  time.Time
	zone *time.Location
	code int
}

func ls(c *machine.Call) int {
	f, args, good := getopt(c, "aAlLdhiFnogtSrRU1QbqCmpsxZcukGHNTw:", "all=a", "almost-all=A", "directory=d", "human-readable=h", "inode=i", "numeric-uid-gid=n", "reverse=r",
		"recursive=R", "size=s", "full-time=E", "time-style:=Y", "color?=q", "dereference=L", "group-directories-first=q", "quoting-style:=q", "classify?=F", "sort:=O", "zero=0")
	if !good {
		return 2
	}
	l := &lister{c: c, f: f, now: c.M.Now(), zone: zone(c)}
	if len(args) == 0 {
		args = []string{"."}
	}
	var plain []hostfs.Info
	var dirs []string
	for _, a := range args {
		i, err := l.look(c.Abs(a), f.has("L") || !f.has("l", "d", "F"))
		if err != nil {
			c.Errorf("cannot access '%s': %v", a, err)
			l.code = 2
			continue
		}
		i.Base = a
		if i.IsDir() && !f.has("d") {
			dirs = append(dirs, a)
		} else {
			plain = append(plain, i)
		}
	}
	l.sort(plain)
	l.print(plain)
	sort.Strings(dirs)
	for n, d := range dirs {
		if len(args) > 1 || f.has("R") {
			if n > 0 || len(plain) > 0 {
				c.Printf("\n")
			}
			c.Printf("%s:\n", d)
		}
		l.dir(d)
	}
	return l.code
}

// look stats; with follow a dangling link is shown itself.
func (l *lister) look(p string, follow bool) (hostfs.Info, error) {
	if follow {
		if i, err := l.c.FS().Stat(l.c.Cred, p); err == nil {
			return i, nil
		}
	}
	return l.c.FS().Lstat(l.c.Cred, p)
}

func (l *lister) dir(d string) {
	list, err := l.c.FS().ReadDir(l.c.Cred, l.c.Abs(d))
	if err != nil {
		l.c.Errorf("cannot open directory '%s': %v", d, err)
		l.code = 2
		return
	}
	var show []hostfs.Info
	if l.f.has("a") {
		for _, name := range []string{".", ".."} {
			if i, err := l.c.FS().Stat(l.c.Cred, l.c.Abs(d)+"/"+name); err == nil {
				i.Base = name
				show = append(show, i)
			}
		}
	}
	for _, i := range list {
		if i.Base[0] == '.' && !l.f.has("a", "A") {
			continue
		}
		if l.f.has("L") {
			if t, err := l.c.FS().Stat(l.c.Cred, path.Join(l.c.Abs(d), i.Base)); err == nil {
				t.Base = i.Base
				i = t
			}
		}
		show = append(show, i)
	}
	l.sort(show)
	if l.f.has("l", "n", "g", "o", "s") {
		total := int64(0)
		for _, i := range show {
			total += (i.Bytes + 4095) / 4096 * 4
		}
		l.c.Printf("total %d\n", total)
	}
	l.print(show)
	if !l.f.has("R") {
		return
	}
	for _, i := range show {
		if i.IsDir() && i.Base != "." && i.Base != ".." && l.c.Context().Err() == nil {
			sub := strings.TrimRight(d, "/") + "/" + i.Base
			l.c.Printf("\n%s:\n", sub)
			l.dir(sub)
		}
	}
}

func (l *lister) sort(list []hostfs.Info) {
	sort.SliceStable(list, func(a, b int) bool {
		x, y := list[a], list[b]
		if l.f.has("r") {
			x, y = y, x
		}
		if l.f.has("t") && !x.Mtime.Equal(y.Mtime) {
			return x.Mtime.After(y.Mtime)
		}
		if l.f.has("S") && x.Bytes != y.Bytes {
			return x.Bytes > y.Bytes
		}
		return x.Base < y.Base
	})
}

func (l *lister) print(list []hostfs.Info) {
	if !l.f.has("l", "n", "g", "o") {
		for _, i := range list {
			if l.f.has("i") {
				l.c.Printf("%d ", i.Ino)
			}
			l.c.Printf("%s\n", l.name(i))
		}
		return
	}
	var w [4]int
	rows := make([][4]string, len(list))
	for n, i := range list {
		user, group := l.c.M.UserName(i.UID), l.c.M.GroupName(i.GID)
		if l.f.has("n") {
			user, group = strconv.Itoa(i.UID), strconv.Itoa(i.GID)
		}
		size := strconv.FormatInt(i.Bytes, 10)
		if l.f.has("h") {
			size = human(i.Bytes)
		}
		rows[n] = [4]string{strconv.Itoa(i.Links), user, group, size}
		for k := range w {
			w[k] = max(w[k], len(rows[n][k]))
		}
	}
	for n, i := range list {
		if l.f.has("i") {
			l.c.Printf("%7d ", i.Ino)
		}
		l.c.Printf("%s %*s", modeString(i.FileMode), w[0], rows[n][0])
		if !l.f.has("g") {
			l.c.Printf(" %-*s", w[1], rows[n][1])
		}
		if !l.f.has("o") {
			l.c.Printf(" %-*s", w[2], rows[n][2])
		}
		l.c.Printf(" %*s %s %s", w[3], rows[n][3], l.time(i.Mtime), l.name(i))
		if i.IsLink() {
			l.c.Printf(" -> %s", i.Target)
		}
		l.c.Printf("\n")
	}
}

func (l *lister) time(t time.Time) string {
	t = t.In(l.zone)
	style, _ := l.f.get("Y")
	switch {
	case l.f.has("E") || style == "full-iso":
		return t.Format(statTime)
	case style == "long-iso":
		return t.Format("2006-01-02 15:04")
	case strings.HasPrefix(style, "+"):
		return strftime(style[1:], t)
	case l.now.Sub(t) > 182*24*time.Hour || t.After(l.now.Add(time.Hour)):
		return t.Format("Jan _2  2006")
	}
	return t.Format("Jan _2 15:04")
}

func (l *lister) name(i hostfs.Info) string {
	if l.f.has("p") && i.IsDir() {
		return i.Base + "/"
	}
	if !l.f.has("F") {
		return i.Base
	}
	switch {
	case i.IsDir():
		return i.Base + "/"
	case i.IsLink() && !l.f.has("l"):
		return i.Base + "@"
	case i.FileMode&fs.ModeNamedPipe != 0:
		return i.Base + "|"
	case i.FileMode.IsRegular() && i.FileMode&0o111 != 0:
		return i.Base + "*"
	}
	return i.Base
}

// human prints a size as ls -h and du -h do: rounded up, one digit below ten.
func human(n int64) string {
	if n < 1024 {
		return strconv.FormatInt(n, 10)
	}
	v, unit := float64(n), 0
	for v >= 1024 && unit < 5 {
		v /= 1024
		unit++
	}
	if up := ceil(v * 10); up < 100 {
		return fmt.Sprintf("%.1f%c", float64(up)/10, "BKMGTP"[unit])
	}
	return fmt.Sprintf("%d%c", ceil(v), "BKMGTP"[unit])
}

func ceil(v float64) int64 {
	n := int64(v)
	if float64(n) < v {
		n++
	}
	return n
}

func df(c *machine.Call) int {
	f, args, good := getopt(c, "ahHiklmPTt:x:B:", "all=a", "human-readable=h", "inodes=i", "portability=P", "print-type=T", "block-size:=B", "output?=O", "local=l", "type:=t", "exclude-type:=x", "total=q", "sync=q", "no-sync=q")
	if !good {
		return 1
	}
	mounts := c.FS().Mounts()
	code := 0
	if len(args) > 0 {
		mounts = nil
		for _, a := range args {
			m, err := c.FS().MountOf(c.Cred, c.Abs(a))
			if err != nil {
				code = c.Errorf("%s: %v", a, err)
				continue
			}
			mounts = append(mounts, m)
		}
		if len(mounts) == 0 {
			return code
		}
	}
	unit, head := int64(1024), "1K-blocks"
	if f.has("P") {
		head = "1024-blocks"
	}
	if b, ok := f.get("B"); ok {
		if n, ok := parseSize(b); ok && n > 0 {
			unit, head = n, b+"-blocks"
		} else if b == "M" || b == "G" {
			unit, _ = parseSize("1" + b)
			head = "1" + b + "-blocks"
		}
	}
	if f.has("m") {
		unit, head = 1<<20, "1M-blocks"
	}
	if out, ok := f.get("O"); ok {
		return dfOutput(c, mounts, strings.Split(out, ","), unit)
	}
	avail, use := "Available", "Use%"
	if f.has("P") {
		use = "Capacity"
	}
	num := func(n int64) string { return strconv.FormatInt((n+unit-1)/unit, 10) }
	if f.has("h", "H") {
		head, avail, num = "Size", "Avail", human
	}
	if f.has("i") {
		head, avail, use = "Inodes", "IFree", "IUse%"
	}
	rows := [][]string{{"Filesystem", "Type", head, "Used", avail, use, "Mounted on"}}
	for _, m := range mounts {
		size, free := dfSizes(m)
		rows = append(rows, []string{m.Device, m.Type, num(size), num(m.Used), num(free), percent(m.Used, free), m.Dir})
	}
	for i := range rows {
		if f.has("i") && i > 0 {
			rows[i][2], rows[i][3], rows[i][4], rows[i][5] = "1310720", "60720", "1250000", "5%"
		}
		if !f.has("T") {
			rows[i] = append(rows[i][:1], rows[i][2:]...)
		}
	}
	columns(c, rows, map[bool]int{true: 2, false: 1}[f.has("T")])
	return code
}

func dfSizes(m hostfs.Mount) (size, free int64) {
	total, room := blocksOf(m)
	return total * 4096, room * 4096
}

func percent(used, free int64) string {
	if used+free <= 0 {
		return "0%"
	}
	return fmt.Sprintf("%d%%", (used*100+used+free-1)/(used+free))
}

func dfOutput(c *machine.Call, mounts []hostfs.Mount, cols []string, unit int64) int {
	title := map[string]string{"source": "Filesystem", "fstype": "Type", "size": "1K-blocks", "used": "Used", "avail": "Avail", "pcent": "Use%", "target": "Mounted on", "itotal": "Inodes", "iavail": "IFree", "iused": "IUsed"}
	rows := [][]string{nil}
	for _, col := range cols {
		t, ok := title[col]
		if !ok {
			return c.Errorf("option --output: field '%s' unknown", col)
		}
		rows[0] = append(rows[0], t)
	}
	for _, m := range mounts {
		size, free := dfSizes(m)
		v := map[string]string{"source": m.Device, "fstype": m.Type, "size": fmt.Sprint(size / unit), "used": fmt.Sprint(m.Used / unit), "avail": fmt.Sprint(free / unit),
			"pcent": percent(m.Used, free), "target": m.Dir, "itotal": "1310720", "iavail": "1250000", "iused": "60720"}
		var row []string
		for _, col := range cols {
			row = append(row, v[col])
		}
		rows = append(rows, row)
	}
	columns(c, rows, 0)
	return 0
}

// columns prints rows aligned: the first left columns to the left, the others
// to the right, the last as it is.
func columns(c *machine.Call, rows [][]string, left int) {
	var w []int
	for _, r := range rows {
		for i, v := range r {
			if i >= len(w) {
				w = append(w, 0)
			}
			w[i] = max(w[i], len(v))
		}
	}
	for _, r := range rows {
		for i, v := range r {
			switch {
			case i == len(r)-1 && (left > 0 || len(r) > 1):
				c.Printf("%s", v)
			case i < left:
				c.Printf("%-*s ", w[i], v)
			default:
				c.Printf("%*s", w[i], v)
				if i < len(r)-1 {
					c.Printf(" ")
				}
			}
		}
		c.Printf("\n")
	}
}

func du(c *machine.Call) int {
	f, args, good := getopt(c, "abcd:hkmsxLS0", "all=a", "bytes=b", "total=c", "max-depth:=d", "human-readable=h", "summarize=s", "apparent-size=A", "one-file-system=x", "exclude:=X")
	if !good {
		return 1
	}
	if len(args) == 0 {
		args = []string{"."}
	}
	depthMax, _ := f.num("d", 1<<30)
	if f.has("s") {
		depthMax = 0
	}
	show := func(n int64, p string) {
		switch {
		case f.has("b"):
			c.Printf("%d\t%s\n", n, p)
		case f.has("h"):
			c.Printf("%s\t%s\n", human(n), p)
		case f.has("m"):
			c.Printf("%d\t%s\n", (n+1<<20-1)>>20, p)
		default:
			c.Printf("%d\t%s\n", (n+1023)>>10, p)
		}
	}
	code := 0
	var measure func(p string, depth int) int64
	measure = func(p string, depth int) int64 {
		i, err := c.FS().Lstat(c.Cred, c.Abs(p))
		if err != nil {
			code = c.Errorf("cannot access '%s': %v", p, err)
			return 0
		}
		n := i.Bytes
		if !f.has("b", "A") && !i.IsLink() {
			n = (n + 4095) / 4096 * 4096
		}
		if i.IsDir() {
			list, err := c.FS().ReadDir(c.Cred, c.Abs(p))
			if err != nil {
				code = c.Errorf("cannot read directory '%s': %v", p, err)
			}
			for _, e := range list {
				n += measure(strings.TrimRight(p, "/")+"/"+e.Base, depth+1)
			}
		}
		if depth == 0 || depth <= depthMax && (i.IsDir() || f.has("a")) {
			show(n, p)
		}
		return n
	}
	total := int64(0)
	for _, a := range args {
		total += measure(a, 0)
	}
	if f.has("c") {
		show(total, "total")
	}
	return code
}

func fileType(c *machine.Call) int {
	f, args, good := getopt(c, "bikLhs", "brief=b", "mime-type=i", "mime=i", "mime-encoding=i")
	if !good {
		return 1
	}
	for _, a := range args {
		kind := ""
		i, err := c.FS().Lstat(c.Cred, c.Abs(a))
		switch {
		case err != nil:
			kind = fmt.Sprintf("cannot open `%s' (%v)", a, err)
		case i.IsDir():
			kind = "directory"
		case i.IsLink():
			kind = "symbolic link to " + i.Target
		case i.Bytes == 0:
			kind = "empty"
		default:
			data, _ := c.ReadFile(a)
			kind = "ASCII text"
			if strings.HasPrefix(string(data), "#!") {
				kind = "POSIX shell script, ASCII text executable"
			} else if strings.HasPrefix(string(data), "\x7fELF") {
				kind = "ELF 64-bit LSB executable"
			} else if strings.IndexByte(string(data), 0) >= 0 {
				kind = "data"
			}
		}
		if f.has("b") {
			c.Printf("%s\n", kind)
		} else {
			c.Printf("%s: %s\n", a, kind)
		}
	}
	return 0
}
