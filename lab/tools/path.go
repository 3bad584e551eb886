package tools

import (
	"path"
	"strings"

	"sunup/lab/hostfs"
	"sunup/lab/machine"
)

func basename(c *machine.Call) int {
	f, args, good := getopt(c, "+as:z", "multiple=a", "suffix:=s")
	if !good {
		return 1
	}
	if !operand(c, args, 1) {
		return 1
	}
	suffix, many := f.get("s")
	many = many || f.has("a")
	if !many && len(args) > 1 {
		suffix, args = args[1], args[:1]
	}
	for _, a := range args {
		b := a
		if b != "" {
			b = path.Base(a)
		}
		if b != suffix {
			b = strings.TrimSuffix(b, suffix)
		}
		c.Printf("%s\n", b)
	}
	return 0
}

func dirname(c *machine.Call) int {
	_, args, good := getopt(c, "+z")
	if !good || !operand(c, args, 1) {
		return 1
	}
	for _, a := range args {
		t := strings.TrimRight(a, "/")
		i := strings.LastIndexByte(t, '/')
		switch {
		case t == "" && a != "":
			c.Printf("/\n")
		case i < 0:
			c.Printf(".\n")
		default:
			d := strings.TrimRight(t[:i], "/")
			if d == "" {
				d = "/"
			}
			c.Printf("%s\n", d)
		}
	}
	return 0
}

// resolve follows the links of p; missing says how many last names may not
// exist: 0 none, 1 the last, 2 all.
func resolve(c *machine.Call, p string, missing int) (string, error) {
	full := c.Abs(p)
	if real, err := c.FS().Real(c.Cred, full); err == nil {
		return real, nil
	} else if missing == 0 || err == hostfs.ELOOP {
		return "", err
	}
	done, rest := "/", splitPath(full)
	for links := 0; len(rest) > 0; {
		name := rest[0]
		rest = rest[1:]
		if name == ".." {
			done = path.Dir(done)
			continue
		}
		next := path.Join(done, name)
		i, err := c.FS().Lstat(c.Cred, next)
		if err != nil {
			if missing == 1 && len(rest) > 0 {
				return "", err
			}
			done = next
			continue
		}
		if i.IsLink() {
			if links++; links > 40 {
				return "", hostfs.ELOOP
			}
			if strings.HasPrefix(i.Target, "/") {
				done = "/"
			}
			rest = append(splitPath(i.Target), rest...)
			continue
		}
		if !i.IsDir() && len(rest) > 0 && missing == 1 {
			return "", hostfs.ENOTDIR
		}
		done = next
	}
	return done, nil
}

func splitPath(p string) []string {
	var out []string
	for _, s := range strings.Split(p, "/") {
		if s != "" && s != "." {
			out = append(out, s)
		}
	}
	return out
}

func readlink(c *machine.Call) int {
	f, args, good := getopt(c, "femnqsvz", "canonicalize=f", "canonicalize-existing=e", "canonicalize-missing=m", "no-newline=n", "zero=z", "quiet=q", "silent=s", "verbose=v")
	if !good || !operand(c, args, 1) {
		return 1
	}
	code, end := 0, "\n"
	if f.has("z") {
		end = "\x00"
	}
	if f.has("n") {
		end = ""
	}
	for _, a := range args {
		var target string
		var err error
		switch {
		case f.has("m"):
			target, err = resolve(c, a, 2)
		case f.has("f"):
			target, err = resolve(c, a, 1)
		case f.has("e"):
			target, err = resolve(c, a, 0)
		default:
			target, err = c.FS().Readlink(c.Cred, c.Abs(a))
		}
		if a == "" {
			err = hostfs.ENOENT
		}
		if err != nil {
			if f.has("v") {
				c.Errorf("%s: %v", a, err)
			}
			code = 1
			continue
		}
		c.Printf("%s%s", target, end)
	}
	return code
}

func realpath(c *machine.Call) int {
	f, args, good := getopt(c, "emqsLPz", "canonicalize-existing=e", "canonicalize-missing=m", "no-symlinks=s", "strip=s", "relative-to:=R", "zero=z", "quiet=q")
	if !good || !operand(c, args, 1) {
		return 1
	}
	code := 0
	for _, a := range args {
		missing := 1
		switch {
		case f.has("e"):
			missing = 0
		case f.has("m"):
			missing = 2
		}
		p, err := resolve(c, a, missing)
		if f.has("s") {
			p = path.Clean(c.Abs(a))
		}
		if err != nil || a == "" {
			if err == nil {
				err = hostfs.ENOENT
			}
			if !f.has("q") {
				c.Errorf("%s: %v", a, err)
			}
			code = 1
			continue
		}
		c.Printf("%s\n", p)
	}
	return code
}
