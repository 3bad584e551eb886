package inventory

import (
	"bytes"
	"context"
	"errors"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"sunup/internal/diag"
	"sunup/internal/say"
	"sunup/internal/value"
)

// program runs an inventory program with --list and reads the JSON that it
// prints. It returns false when the file is no program after all (a plain file
// with the executable bit), which is then read as text.
func (l *loader) program(path string) bool {
	out, err := l.run(path, "--list")
	if errors.Is(err, syscall.ENOEXEC) || errors.Is(err, syscall.EACCES) || errors.Is(err, syscall.ENOENT) {
		return false
	}
	r := l.reader(path, filepath.Dir(path), nil)
	pos := diag.Pos{File: r.file}
	data, problem := programData(out, err)
	if !problem.What.IsZero() {
		problem.Pos = pos
		l.problems = append(l.problems, problem)
		return true
	}
	p := &programReader{reader: r, pos: pos, seen: map[string]bool{}}
	p.read(data, func(hosts []string) map[string]*value.Dict { return l.askEach(p, path, hosts) })
	l.problems = append(l.problems, r.problems...)
	return true
}

// run executes a program with a time limit and a bound on what it prints. When
// time is up its whole process group ends.
func (l *loader) run(path string, args ...string) (*printed, error) {
	ctx, cancel := context.WithTimeout(l.ctx, l.ProgramTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir = l.BaseDir
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	p := &printed{limit: l.MaxBytes}
	errors := &printed{limit: 4096}
	cmd.Stdout, cmd.Stderr = p, errors
	err := cmd.Run()
	p.err = strings.TrimSpace(errors.String())
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	return p, err
}

// printed keeps what a program prints, up to a limit.
type printed struct {
	bytes.Buffer
	limit int
	full  bool
	err   string // what it printed to standard error
}

func (p *printed) Write(b []byte) (int, error) {
	room := p.limit - p.Len()
	if len(b) > room {
		p.full = true
	}
	p.Buffer.Write(b[:max(0, min(room, len(b)))])
	return len(b), nil
}

// programData reads the JSON object of a program, or says why there is none.
func programData(out *printed, err error) (*value.Dict, diag.Problem) {
	p := diag.Problem{Severity: diag.Error, ID: "inventory-program", Fix: say.T("run it by hand with --list", "--list를 붙여 직접 실행해 보세요")}
	if out.err != "" {
		p.Why = say.Plain(out.err)
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		p.What = say.T("the inventory program did not end in time", "인벤토리 프로그램이 제시간에 끝나지 않았습니다")
		return nil, p
	case err != nil:
		p.What = say.T("the inventory program failed: %s", "인벤토리 프로그램이 실패했습니다: %s", err.Error())
		return nil, p
	case out.full:
		p.What = say.T("the inventory program printed more than %d bytes", "인벤토리 프로그램의 출력이 %d바이트를 넘습니다", out.limit)
		return nil, p
	}
	v, err := value.ParseJSON(out.Bytes())
	if err != nil {
		p.What = say.T("the inventory program did not print JSON: %s", "인벤토리 프로그램의 출력이 JSON이 아닙니다: %s", err.Error())
		return nil, p
	}
	d, ok := v.(*value.Dict)
	if !ok {
		p.What = say.T("the inventory program must print a JSON object", "인벤토리 프로그램은 JSON 객체를 출력해야 합니다")
		return nil, p
	}
	return d, diag.Problem{}
}

// programReader reads the groups that a program printed.
type programReader struct {
	*reader
	pos   diag.Pos
	hosts []string
	seen  map[string]bool
}

// read takes the groups; ask is called when the program gave no _meta, for
// the variables of each host.
func (p *programReader) read(data *value.Dict, ask func([]string) map[string]*value.Dict) {
	var meta *value.Dict
	for k, v := range data.All() {
		name, _ := k.(string)
		if name == "_meta" {
			if d, ok := v.(*value.Dict); ok {
				meta, _ = d.At("hostvars").(*value.Dict)
			}
			continue
		}
		p.group(name, v)
	}
	var answers map[string]*value.Dict
	if meta == nil {
		answers = ask(p.hosts)
	}
	for _, name := range p.hosts {
		vars := answers[name]
		if meta != nil {
			vars, _ = meta.At(name).(*value.Dict)
		}
		p.inv.hosts[name].Vars.Update(vars)
	}
}

func (p *programReader) group(name string, v any) {
	g := p.reader.group(name, p.pos)
	d, ok := v.(*value.Dict)
	if !ok {
		d = value.NewDict("hosts", v)
	} else if !d.Has("hosts") && !d.Has("vars") && !d.Has("children") {
		// The short form: a host of the group's name, with variables.
		d = value.NewDict("hosts", value.NewList(name), "vars", d)
	}
	if d.Has("hosts") {
		p.groupHosts(g, d.At("hosts"))
	}
	if d.Has("vars") {
		vars, ok := d.At("vars").(*value.Dict)
		if !ok {
			p.bad(g, "vars", say.T("an object", "객체"))
		}
		for k, v := range vars.All() {
			p.groupVar(g, k, v, p.pos)
		}
	}
	if children, ok := d.At("children").(*value.List); ok {
		for _, c := range children.Items {
			if name, ok := c.(string); ok {
				p.child(g, p.reader.group(name, p.pos), p.pos)
			}
		}
	}
}

func (p *programReader) groupHosts(g *Group, v any) {
	list, ok := v.(*value.List)
	if !ok {
		p.bad(g, "hosts", say.T("a list", "목록"))
		return
	}
	for _, item := range list.Items {
		name, ok := item.(string)
		if !ok || name == "" {
			p.bad(g, "hosts", say.T("a list of names", "이름 목록"))
			continue
		}
		if !p.seen[name] {
			p.seen[name] = true
			p.hosts = append(p.hosts, name)
		}
		addMember(g, p.inv.host(name, 0, p.source, p.pos))
	}
}

func (p *programReader) bad(g *Group, key string, want say.Text) {
	p.fail(p.pos, "inventory-program",
		say.T("the program's '%s' of the group '%s' must be %s", "프로그램이 낸 그룹 '%[2]s'의 '%[1]s'{은/는} %[3]s 꼴이어야 합니다", key, g.Name, want), say.Text{},
		say.T("correct the program", "프로그램을 고치세요"))
}

// askers is how many calls of --host run at once.
const askers = 8

// askEach calls the program with --host for every host, as very old programs
// need it.
func (l *loader) askEach(p *programReader, path string, hosts []string) map[string]*value.Dict {
	out := make(map[string]*value.Dict, len(hosts))
	var mu sync.Mutex
	var wg sync.WaitGroup
	slots := make(chan struct{}, askers)
	for _, name := range hosts {
		if l.ctx.Err() != nil {
			break
		}
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			text, err := l.run(path, "--host", name)
			if err == nil && len(bytes.TrimSpace(text.Bytes())) == 0 {
				return
			}
			vars, problem := programData(text, err)
			mu.Lock()
			defer mu.Unlock()
			if !problem.What.IsZero() {
				problem.Pos = p.pos
				problem.Why = say.T("it was called with --host %s", "--host %s{으로/로} 불렀습니다", name)
				p.problems = append(p.problems, problem)
				return
			}
			out[name] = vars
		})
	}
	wg.Wait()
	return out
}
