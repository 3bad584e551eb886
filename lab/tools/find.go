package tools

import (
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"time"

	"sunup/lab/glob"
	"sunup/lab/hostfs"
	"sunup/lab/machine"
)

// finder is one call of find.
type finder struct {
	c                  *machine.Call
	maxDepth, minDepth int
	depthFirst         bool
	follow             bool
	expr               predicate
	now                time.Time
	prune, quit        bool
	batches            []*batch
	code               int
}

// found is a file that find looks at.
type found struct {
	path, start string
	depth       int
	info        hostfs.Info
}

type predicate func(f *found) bool

// batch collects arguments for -exec ... +.
type batch struct {
	argv, files []string
}

func find(c *machine.Call) int {
	f := &finder{c: c, maxDepth: 1 << 30, now: c.M.Now()}
	args := c.Args[1:]
	for len(args) > 0 && (args[0] == "-L" || args[0] == "-H" || args[0] == "-P") {
		f.follow = args[0] == "-L"
		args = args[1:]
	}
	var starts []string
	for len(args) > 0 && !strings.HasPrefix(args[0], "-") && args[0] != "(" && args[0] != "!" && args[0] != ")" {
		starts = append(starts, args[0])
		args = args[1:]
	}
	if len(starts) == 0 {
		starts = []string{"."}
	}
	p := &findParser{f: f, args: args}
	expr, err := p.or()
	if err == nil && len(p.args) > 0 {
		err = fmt.Errorf("paths must precede expression: `%s'", p.args[0])
	}
	if err != nil {
		return c.Errorf("%v", err)
	}
	if !p.acts {
		inner := expr
		expr = func(x *found) bool {
			if inner(x) {
				c.Printf("%s\n", x.path)
			}
			return true
		}
	}
	f.expr = expr
	for _, s := range starts {
		f.visit(s, s, 0)
	}
	for _, b := range f.batches {
		f.runBatch(b)
	}
	return f.code
}

func (f *finder) visit(p, start string, depth int) {
	if f.quit || f.c.Context().Err() != nil {
		return
	}
	look := f.c.FS().Lstat
	if f.follow {
		look = func(c hostfs.Cred, p string) (hostfs.Info, error) {
			if i, err := f.c.FS().Stat(c, p); err == nil {
				return i, nil
			}
			return f.c.FS().Lstat(c, p)
		}
	}
	i, err := look(f.c.Cred, f.c.Abs(p))
	if err != nil {
		f.code = f.c.Errorf("‘%s’: %v", p, err)
		return
	}
	x := &found{p, start, depth, i}
	f.prune = false
	eval := func() {
		if depth >= f.minDepth {
			f.expr(x)
		}
	}
	if !f.depthFirst {
		eval()
	}
	if i.IsDir() && !f.prune && depth < f.maxDepth && depth < 200 {
		list, err := f.c.FS().ReadDir(f.c.Cred, f.c.Abs(p))
		if err != nil {
			f.code = f.c.Errorf("‘%s’: %v", p, err)
		}
		for _, e := range list {
			f.visit(strings.TrimRight(p, "/")+"/"+e.Base, start, depth+1)
		}
	}
	if f.depthFirst {
		eval()
	}
}

func (f *finder) runBatch(b *batch) {
	if len(b.files) == 0 {
		return
	}
	if code := f.c.Spawn(append(append([]string{}, b.argv...), b.files...), nil); code != 0 {
		f.code = 1
	}
	b.files = nil
}

type findParser struct {
	f    *finder
	args []string
	acts bool
}

func (p *findParser) next() (string, bool) {
	if len(p.args) == 0 {
		return "", false
	}
	a := p.args[0]
	p.args = p.args[1:]
	return a, true
}

func (p *findParser) or() (predicate, error) {
	left, err := p.and()
	for err == nil && len(p.args) > 0 && (p.args[0] == "-o" || p.args[0] == "-or") {
		p.args = p.args[1:]
		var right predicate
		l := left
		if right, err = p.and(); err == nil {
			left = func(x *found) bool { return l(x) || right(x) }
		}
	}
	return left, err
}

func (p *findParser) and() (predicate, error) {
	left := predicate(func(*found) bool { return true })
	for len(p.args) > 0 {
		switch p.args[0] {
		case "-o", "-or", ")":
			return left, nil
		case "-a", "-and":
			p.args = p.args[1:]
			continue
		}
		right, err := p.primary()
		if err != nil {
			return nil, err
		}
		l := left
		left = func(x *found) bool { return l(x) && right(x) }
	}
	return left, nil
}

func (p *findParser) primary() (predicate, error) {
	op, _ := p.next()
	switch op {
	case "!", "-not":
		inner, err := p.primary()
		return func(x *found) bool { return !inner(x) }, err
	case "(":
		inner, err := p.or()
		if close, ok := p.next(); err == nil && (!ok || close != ")") {
			err = fmt.Errorf("invalid expression; you have used a '(' without a ')'")
		}
		return inner, err
	case "-print":
		p.acts = true
		return func(x *found) bool { p.f.c.Printf("%s\n", x.path); return true }, nil
	case "-print0":
		p.acts = true
		return func(x *found) bool { p.f.c.Printf("%s\x00", x.path); return true }, nil
	case "-prune":
		return func(*found) bool { p.f.prune = true; return true }, nil
	case "-quit":
		return func(*found) bool { p.f.quit = true; return true }, nil
	case "-delete":
		p.acts, p.f.depthFirst = true, true
		return p.f.delete, nil
	case "-depth", "-d":
		p.f.depthFirst = true
		return func(*found) bool { return true }, nil
	case "-xdev", "-mount", "-noleaf", "-daystart", "-follow", "-ignore_readdir_race":
		return func(*found) bool { return true }, nil
	case "-true":
		return func(*found) bool { return true }, nil
	case "-false":
		return func(*found) bool { return false }, nil
	case "-empty":
		return p.f.empty, nil
	case "-readable", "-writable", "-executable":
		want := map[string]fs.FileMode{"-readable": 4, "-writable": 2, "-executable": 1}[op]
		return func(x *found) bool { return p.f.c.FS().Access(p.f.c.Cred, p.f.c.Abs(x.path), want) == nil }, nil
	case "-nouser":
		return func(x *found) bool { _, ok := p.f.c.M.UserID(x.info.UID); return !ok }, nil
	case "-exec", "-execdir", "-ok":
		p.acts = true
		return p.exec()
	}
	arg, ok := p.next()
	if !ok {
		if strings.HasPrefix(op, "-") {
			return nil, fmt.Errorf("missing argument to `%s'", op)
		}
		return nil, fmt.Errorf("paths must precede expression: `%s'", op)
	}
	return p.withArg(op, arg)
}

func (p *findParser) withArg(op, arg string) (predicate, error) {
	f := p.f
	yes := func(*found) bool { return true }
	switch op {
	case "-maxdepth", "-mindepth":
		n, err := strconv.Atoi(arg)
		if err != nil || n < 0 {
			return nil, fmt.Errorf("Expected a positive decimal integer argument to %s, but got ‘%s’", op, arg)
		}
		if op == "-maxdepth" {
			f.maxDepth = n
		} else {
			f.minDepth = n
		}
		return yes, nil
	case "-name":
		return func(x *found) bool { return glob.Match(arg, path.Base(x.path)) }, nil
	case "-iname":
		return func(x *found) bool { return glob.Match(strings.ToLower(arg), strings.ToLower(path.Base(x.path))) }, nil
	case "-path", "-wholename":
		return func(x *found) bool { return glob.Match(arg, x.path) }, nil
	case "-lname":
		return func(x *found) bool { return x.info.IsLink() && glob.Match(arg, x.info.Target) }, nil
	case "-regex", "-iregex":
		re, err := compileRegexp("^("+arg+")$", true, op == "-iregex")
		if err != nil {
			return nil, err
		}
		return func(x *found) bool { return re.match(x.path) }, nil
	case "-regextype":
		return yes, nil
	case "-type", "-xtype":
		return func(x *found) bool {
			i := x.info
			if op == "-xtype" && i.IsLink() {
				i, _ = f.c.FS().Stat(f.c.Cred, f.c.Abs(x.path))
			}
			t := modeString(i.FileMode)[:1]
			if t == "-" {
				t = "f"
			}
			return strings.Contains(arg, t)
		}, nil
	case "-size":
		return p.size(arg)
	case "-mtime", "-atime", "-ctime", "-mmin", "-amin", "-cmin":
		return p.age(op, arg)
	case "-newer":
		i, err := f.c.FS().Stat(f.c.Cred, f.c.Abs(arg))
		if err != nil {
			return nil, fmt.Errorf("‘%s’: %v", arg, err)
		}
		return func(x *found) bool { return x.info.Mtime.After(i.Mtime) }, nil
	case "-newermt":
		t, err := parseDate(arg, f.now, zone(f.c))
		return func(x *found) bool { return x.info.Mtime.After(t) }, err
	case "-user", "-uid":
		n, ok := userNumber(f.c.M, arg)
		if !ok {
			return nil, fmt.Errorf("‘%s’ is not the name of a known user", arg)
		}
		return func(x *found) bool { return x.info.UID == n }, nil
	case "-group", "-gid":
		n, ok := groupNumber(f.c.M, arg)
		if !ok {
			return nil, fmt.Errorf("‘%s’ is not the name of an existing group", arg)
		}
		return func(x *found) bool { return x.info.GID == n }, nil
	case "-perm":
		return permission(arg)
	case "-links":
		return number(arg, func(x *found) int64 { return int64(x.info.Links) })
	case "-inum":
		return number(arg, func(x *found) int64 { return int64(x.info.Ino) })
	case "-fstype":
		return func(x *found) bool { m, _ := f.c.FS().MountOf(hostfs.Root, f.c.Abs(x.path)); return m.Type == arg }, nil
	case "-printf":
		p.acts = true
		return func(x *found) bool { f.c.Out.WriteString(f.printf(arg, x)); return true }, nil
	}
	return nil, fmt.Errorf("unknown predicate `%s'", op)
}

// number compares with "n", "+n" or "-n".
func number(arg string, of func(x *found) int64) (predicate, error) {
	n, err := strconv.ParseInt(strings.TrimLeft(arg, "+-"), 10, 64)
	if err != nil {
		return nil, fmt.Errorf("invalid argument `%s'", arg)
	}
	return func(x *found) bool {
		switch arg[0] {
		case '+':
			return of(x) > n
		case '-':
			return of(x) < n
		}
		return of(x) == n
	}, nil
}

func (p *findParser) size(arg string) (predicate, error) {
	units := map[byte]int64{'c': 1, 'w': 2, 'b': 512, 'k': 1 << 10, 'M': 1 << 20, 'G': 1 << 30}
	unit := int64(512)
	if arg == "" {
		return nil, fmt.Errorf("invalid argument `' to `-size'")
	}
	if u, ok := units[arg[len(arg)-1]]; ok {
		unit, arg = u, arg[:len(arg)-1]
	}
	return number(arg, func(x *found) int64 { return (x.info.Bytes + unit - 1) / unit })
}

func (p *findParser) age(op, arg string) (predicate, error) {
	unit := 24 * time.Hour
	if strings.HasSuffix(op, "min") {
		unit = time.Minute
	}
	return number(arg, func(x *found) int64 {
		t := x.info.Mtime
		switch op[1] {
		case 'a':
			t = x.info.Atime
		case 'c':
			t = x.info.Ctime
		}
		return int64(p.f.now.Sub(t) / unit)
	})
}

func permission(arg string) (predicate, error) {
	kind := arg[:1]
	if kind == "-" || kind == "/" {
		arg = arg[1:]
	}
	m, err := ParseMode(arg, 0, 0, false)
	if err != nil {
		return nil, err
	}
	want := hostfs.UnixPerm(m)
	return func(x *found) bool {
		switch p := x.info.Perm(); kind {
		case "-":
			return p&want == want
		case "/":
			return want == 0 || p&want != 0
		default:
			return p == want
		}
	}, nil
}

func (f *finder) empty(x *found) bool {
	if x.info.IsDir() {
		list, err := f.c.FS().ReadDir(f.c.Cred, f.c.Abs(x.path))
		return err == nil && len(list) == 0
	}
	return x.info.FileMode.IsRegular() && x.info.Bytes == 0
}

func (f *finder) delete(x *found) bool {
	if x.path == "." {
		return true
	}
	if err := f.c.FS().Remove(f.c.Cred, f.c.Abs(x.path), ""); err != nil {
		f.code = f.c.Errorf("cannot delete ‘%s’: %v", x.path, err)
		return false
	}
	return true
}

func (p *findParser) exec() (predicate, error) {
	var argv []string
	for {
		a, ok := p.next()
		if !ok {
			return nil, fmt.Errorf("missing argument to `-exec'")
		}
		if a == ";" {
			break
		}
		if a == "+" && len(argv) > 0 && argv[len(argv)-1] == "{}" {
			b := &batch{argv: argv[:len(argv)-1]}
			p.f.batches = append(p.f.batches, b)
			return func(x *found) bool {
				if b.files = append(b.files, x.path); len(b.files) >= 1000 {
					p.f.runBatch(b)
				}
				return true
			}, nil
		}
		argv = append(argv, a)
	}
	if len(argv) == 0 {
		return nil, fmt.Errorf("invalid argument `;' to `-exec'")
	}
	return func(x *found) bool {
		run := make([]string, len(argv))
		for i, a := range argv {
			run[i] = strings.ReplaceAll(a, "{}", x.path)
		}
		return p.f.c.Spawn(run, nil) == 0
	}, nil
}

func (f *finder) printf(format string, x *found) string {
	format, _ = escapes(format, false)
	i := x.info
	unix := func(t time.Time) string { return fmt.Sprintf("%d.%010d", t.Unix(), t.Nanosecond()*10) }
	var b strings.Builder
	for n := 0; n < len(format); n++ {
		if format[n] != '%' || n+1 >= len(format) {
			b.WriteByte(format[n])
			continue
		}
		n++
		switch format[n] {
		case '%':
			b.WriteByte('%')
		case 'p':
			b.WriteString(x.path)
		case 'P':
			b.WriteString(strings.TrimPrefix(strings.TrimPrefix(x.path, x.start), "/"))
		case 'f':
			b.WriteString(path.Base(x.path))
		case 'h':
			b.WriteString(path.Dir(x.path))
		case 'H':
			b.WriteString(x.start)
		case 's':
			fmt.Fprint(&b, i.Bytes)
		case 'm':
			fmt.Fprintf(&b, "%o", i.Perm())
		case 'M':
			b.WriteString(modeString(i.FileMode))
		case 'u':
			b.WriteString(f.c.M.UserName(i.UID))
		case 'g':
			b.WriteString(f.c.M.GroupName(i.GID))
		case 'U':
			fmt.Fprint(&b, i.UID)
		case 'G':
			fmt.Fprint(&b, i.GID)
		case 'i':
			fmt.Fprint(&b, i.Ino)
		case 'n':
			fmt.Fprint(&b, i.Links)
		case 'd':
			fmt.Fprint(&b, x.depth)
		case 'l':
			b.WriteString(i.Target)
		case 'D':
			b.WriteString("65025")
		case 'y', 'Y':
			t := modeString(i.FileMode)[:1]
			if t == "-" {
				t = "f"
			}
			b.WriteString(t)
		case 'T', 'A', 'C':
			t := map[byte]time.Time{'T': i.Mtime, 'A': i.Atime, 'C': i.Ctime}[format[n]]
			if n+1 < len(format) {
				n++
				if format[n] == '@' {
					b.WriteString(unix(t))
				} else {
					b.WriteString(strftime("%"+format[n:n+1], t.In(zone(f.c))))
				}
			}
		case 't':
			b.WriteString(i.Mtime.In(zone(f.c)).Format("Mon Jan _2 15:04:05.0000000000 2006"))
		}
	}
	return b.String()
}
