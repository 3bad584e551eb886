package machine

import (
	"bytes"
	"path"
	"strings"

	"sunup/lab/hostfs"
)

// magic begins the content of an executable whose code is a Program; the name
// of the program follows.
const magic = "\x7fELF\x02\x01\x01lab:"

// Binary is the content of an executable file for the program name.
func Binary(name string) []byte { return []byte(magic + name + "\n") }

// Image is a program ready to run.
type Image struct {
	Prog Program
	Argv []string
}

// Load reads the executable file for argv, following #! lines.
func (p *Proc) Load(file string, argv []string) (Image, error) {
	for range 4 {
		full := p.Abs(file)
		info, err := p.M.FS.Stat(p.Cred, full)
		if err != nil {
			return Image{}, err
		}
		if !info.FileMode.IsRegular() {
			return Image{}, hostfs.EACCES
		}
		if err := p.M.FS.Access(p.Cred, full, 1); err != nil {
			return Image{}, hostfs.EACCES
		}
		// The kernel reads executables that the user may not read.
		data, err := p.M.FS.ReadFile(hostfs.Root, full)
		if err != nil {
			return Image{}, err
		}
		if name, ok := bytes.CutPrefix(data, []byte(magic)); ok {
			prog := p.M.Programs[strings.TrimSpace(string(name))]
			if prog == nil {
				return Image{}, hostfs.ENOEXEC
			}
			return Image{prog, argv}, nil
		}
		line, ok := bytes.CutPrefix(data, []byte("#!"))
		if !ok {
			return Image{}, hostfs.ENOEXEC
		}
		line, _, _ = bytes.Cut(line, []byte("\n"))
		interp, arg, _ := strings.Cut(strings.TrimSpace(string(line)), " ")
		next := []string{interp}
		if arg = strings.TrimSpace(arg); arg != "" {
			next = append(next, arg)
		}
		argv = append(append(next, file), argv[1:]...)
		file = interp
	}
	return Image{}, hostfs.ELOOP
}

// DefaultPath is the search path of a login without one.
const DefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// LookPath finds a command by a PATH; the error is ENOENT or EACCES.
func (p *Proc) LookPath(name, search string) (string, error) {
	if strings.Contains(name, "/") {
		if _, err := p.M.FS.Stat(p.Cred, p.Abs(name)); err != nil {
			return name, err
		}
		return name, nil
	}
	var found error = hostfs.ENOENT
	for _, dir := range strings.Split(search, ":") {
		if dir == "" {
			dir = "."
		}
		full := path.Join(p.Abs(dir), name)
		info, err := p.M.FS.Stat(p.Cred, full)
		if err != nil || !info.FileMode.IsRegular() {
			continue
		}
		if p.M.FS.Access(p.Cred, full, 1) != nil {
			found = hostfs.EACCES
			continue
		}
		return full, nil
	}
	return "", found
}

// Become turns this process into the image, in the caller's goroutine.
func (p *Proc) Become(img Image) int {
	p.mu.Lock()
	p.Argv = img.Argv
	p.environ = p.Env
	p.handler = nil
	p.mu.Unlock()
	p.M.record(p, img.Argv)
	return p.CallOn(img.Prog, img.Argv)
}

// Start runs argv, found by the process's PATH, as a child and returns it.
// Prepare, which may be nil, changes the child before it starts.
func (p *Proc) Start(argv []string, prepare func(child *Proc)) (*Proc, error) {
	search := p.Getenv("PATH")
	if search == "" {
		search = DefaultPath
	}
	file, err := p.LookPath(argv[0], search)
	if err != nil {
		return nil, err
	}
	child := p.Fork(argv)
	if prepare != nil {
		prepare(child)
	}
	img, err := child.Load(file, argv)
	if err == hostfs.ENOEXEC && p.M.Programs["sh"] != nil {
		img, err = Image{p.M.Programs["sh"], append([]string{"/bin/sh", file}, argv[1:]...)}, nil
	}
	if err != nil {
		child.Abandon()
		return nil, err
	}
	child.Go(func() int { return child.Become(img) })
	return child, nil
}

// Spawn is Start and Wait; 127 or 126 with a message when it cannot start.
func (c *Call) Spawn(argv []string, prepare func(child *Proc)) int {
	c.Out.Flush()
	child, err := c.Start(argv, prepare)
	if err != nil {
		c.Errorf("‘%s’: %v", argv[0], err)
		if err == hostfs.ENOENT {
			return 127
		}
		return 126
	}
	return c.Wait(child)
}
