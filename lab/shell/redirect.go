package shell

import (
	"fmt"
	"strconv"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"sunup/lab/hostfs"
	"sunup/lab/machine"
)

// saved is a descriptor as it was before a redirection.
type saved struct {
	fd  int
	old *machine.Desc
}

// redirect carries out redirections; undo takes them back (or, within keep,
// makes them stay). Undo is never nil.
func (s *Shell) redirect(redirs []*syntax.Redirect) (undo func(), err error) {
	if len(redirs) == 0 {
		return func() {}, nil
	}
	var list []saved
	undo = func() {
		for i := len(list) - 1; i >= 0; i-- {
			if s.keepRedirs {
				list[i].old.Drop()
				continue
			}
			s.p.SetFD(list[i].fd, list[i].old).Drop()
		}
	}
	for _, r := range redirs {
		more, err := s.redirectOne(r)
		list = append(list, more...)
		if err != nil {
			return undo, err
		}
	}
	return undo, nil
}

func (s *Shell) put(fd int, d *machine.Desc) saved { return saved{fd, s.p.SetFD(fd, d)} }

func (s *Shell) redirectOne(r *syntax.Redirect) ([]saved, error) {
	fd := 1
	switch r.Op {
	case syntax.RdrIn, syntax.DplIn, syntax.Hdoc, syntax.DashHdoc, syntax.WordHdoc, syntax.RdrInOut:
		fd = 0
	}
	if r.N != nil {
		n, err := strconv.Atoi(r.N.Value)
		if err != nil || n < 0 || n > 1000 {
			return nil, fmt.Errorf("%s: Bad fd number", r.N.Value)
		}
		fd = n
	}
	switch r.Op {
	case syntax.Hdoc, syntax.DashHdoc:
		text, err := s.heredocText(r)
		if err != nil {
			return nil, err
		}
		return []saved{s.put(fd, machine.NewBytes([]byte(text)))}, nil
	}
	word, err := s.redirectWord(r)
	if err != nil {
		return nil, err
	}
	switch r.Op {
	case syntax.WordHdoc:
		return []saved{s.put(fd, machine.NewBytes([]byte(word+"\n")))}, nil
	case syntax.DplIn, syntax.DplOut:
		return s.duplicate(r, fd, word)
	}
	return s.openRedirect(r, fd, word)
}

// redirectWord expands the word of a redirection: one field.
func (s *Shell) redirectWord(r *syntax.Redirect) (string, error) {
	return s.wordString(r.Word)
}

func (s *Shell) heredocText(r *syntax.Redirect) (string, error) {
	if r.Hdoc == nil {
		return "", nil
	}
	text, err := "", error(nil)
	body := r.Hdoc
	if r.Op == syntax.DashHdoc {
		body = withoutTabs(body)
	}
	if quotedWord(r.Word) {
		var b strings.Builder
		for _, p := range body.Parts {
			if lit, ok := p.(*syntax.Lit); ok {
				b.WriteString(lit.Value)
			}
		}
		text = b.String()
	} else {
		text, err = s.hereDoc(body)
	}
	return text, err
}

// withoutTabs takes the tabs away that begin the lines of a <<- document.
func withoutTabs(w *syntax.Word) *syntax.Word {
	out := &syntax.Word{}
	start := true
	for _, p := range w.Parts {
		lit, ok := p.(*syntax.Lit)
		if !ok {
			out.Parts = append(out.Parts, p)
			start = false
			continue
		}
		lines := strings.Split(lit.Value, "\n")
		for i := range lines {
			if i > 0 || start {
				lines[i] = strings.TrimLeft(lines[i], "\t")
			}
		}
		start = strings.HasSuffix(lit.Value, "\n")
		out.Parts = append(out.Parts, &syntax.Lit{Value: strings.Join(lines, "\n")})
	}
	return out
}

// quotedWord reports whether the end word of a here-document is quoted, so
// that its body is taken literally.
func quotedWord(w *syntax.Word) bool {
	for _, p := range w.Parts {
		switch p := p.(type) {
		case *syntax.Lit:
			if strings.Contains(p.Value, `\`) {
				return true
			}
		default:
			return true
		}
	}
	return false
}

func (s *Shell) duplicate(r *syntax.Redirect, fd int, word string) ([]saved, error) {
	if word == "-" {
		return []saved{s.put(fd, nil)}, nil
	}
	move := strings.HasSuffix(word, "-") && s.bash
	n, err := strconv.Atoi(strings.TrimSuffix(word, "-"))
	if err != nil {
		if r.Op == syntax.DplOut && r.N == nil && s.bash {
			return s.openBoth(word, hostfs.Write|hostfs.Create|hostfs.Truncate)
		}
		return nil, &expandError{"Syntax error: Bad fd number"}
	}
	src := s.p.FD(n)
	if src == nil {
		return nil, fmt.Errorf("%d: Bad file descriptor", n)
	}
	out := []saved{s.put(fd, src.Hold())}
	if move && n != fd {
		out = append(out, s.put(n, nil))
	}
	return out, nil
}

func (s *Shell) openBoth(name string, flag hostfs.Flag) ([]saved, error) {
	d, err := s.open(name, flag)
	if err != nil {
		return nil, err
	}
	return []saved{s.put(1, d), s.put(2, d.Hold())}, nil
}

func (s *Shell) openRedirect(r *syntax.Redirect, fd int, name string) ([]saved, error) {
	flag := hostfs.Write | hostfs.Create | hostfs.Truncate
	switch r.Op {
	case syntax.RdrIn:
		flag = hostfs.Read
	case syntax.RdrInOut:
		flag = hostfs.Read | hostfs.Write | hostfs.Create
	case syntax.AppOut:
		flag = hostfs.Write | hostfs.Create | hostfs.Append
	case syntax.RdrOut:
		if s.opt['C'] {
			if i, err := s.p.M.FS.Stat(s.p.Cred, s.p.Abs(name)); err == nil && i.FileMode.IsRegular() {
				return nil, fmt.Errorf("cannot create %s: File exists", name)
			}
		}
	case syntax.RdrAll:
		return s.openBoth(name, flag)
	case syntax.AppAll:
		return s.openBoth(name, hostfs.Write|hostfs.Create|hostfs.Append)
	}
	d, err := s.open(name, flag)
	if err != nil {
		return nil, err
	}
	return []saved{s.put(fd, d)}, nil
}

// open opens a file for a redirection, with dash's wording of errors.
func (s *Shell) open(name string, flag hostfs.Flag) (*machine.Desc, error) {
	if s.bash && (strings.HasPrefix(name, "/dev/tcp/") || strings.HasPrefix(name, "/dev/udp/")) {
		return s.openTCP(name)
	}
	d, err := s.p.Open(name, flag, 0o666)
	switch {
	case err == nil:
		return d, nil
	case s.bash:
		return nil, fmt.Errorf("%s: %v", name, err)
	case flag&hostfs.Create != 0 && err == hostfs.ENOENT:
		return nil, fmt.Errorf("cannot create %s: Directory nonexistent", name)
	case flag&hostfs.Create != 0:
		return nil, fmt.Errorf("cannot create %s: %v", name, err)
	}
	return nil, fmt.Errorf("cannot open %s: %s", name, shellErr(err))
}

// openTCP is bash's /dev/tcp/host/port, towards simulated ports only.
func (s *Shell) openTCP(name string) (*machine.Desc, error) {
	host, port, _ := strings.Cut(name[len("/dev/tcp/"):], "/")
	n, err := strconv.Atoi(port)
	if err != nil {
		return nil, fmt.Errorf("%s: invalid port", name)
	}
	if err := s.p.M.Dial(host, n); err != nil {
		if err == hostfs.ENOENT {
			return nil, fmt.Errorf("%s: Name or service not known", host)
		}
		return nil, fmt.Errorf("connect: %v", err)
	}
	r, w := machine.Pipe()
	w.Drop()
	return r, nil
}
