package main

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sunup/internal/diag"
	"sunup/internal/event"
	"sunup/internal/say"
	"sunup/internal/value"
	"sunup/inventory"
	"sunup/playbooks"
	"sunup/reports"
)

// adhocFlags are those of ansible: one module on some hosts.
type adhocFlags struct {
	runFlags
	module, args         string
	oneLine              bool
	background           int
	poll                 int
	taskTimeout          int
	playbookDir, treeDir string
}

// adhocName is the playbook that an ad-hoc task stands in; it is in memory only.
const adhocName = "__adhoc_playbook__.yml"

func (a *app) adhocCommand() *cobra.Command {
	f := &adhocFlags{runFlags: runFlags{style: ansibleStyle}}
	c := &cobra.Command{
		Use:     "do [flags] PATTERN",
		Short:   a.text("Run one module on the hosts of a pattern", "패턴에 맞는 호스트에서 모듈 하나를 실행합니다"),
		Example: "  sunup do -i hosts.ini all -m ping\n  sunup do -i hosts.ini kiosks -a uptime",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usageError{fmt.Errorf("%s", a.text("give one pattern of hosts", "호스트 패턴을 하나 지정하십시오"))}
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error { return a.runAdhoc(c.Context(), f, args[0]) },
	}
	fs := c.Flags()
	fs.SortFlags = false
	fs.StringVarP(&f.module, "module-name", "m", "command", a.text("the module (default command)", "모듈 (기본 command)"))
	fs.StringVarP(&f.args, "args", "a", "", a.text("its arguments: key=value, JSON, or a command", "인자: key=value, JSON 또는 명령"))
	fs.BoolVarP(&f.oneLine, "one-line", "o", false, a.text("one line per host", "호스트마다 한 줄"))
	fs.IntVarP(&f.background, "background", "B", 0, a.text("run in the background, at most so many seconds", "백그라운드에서 최대 몇 초 동안 실행"))
	fs.IntVarP(&f.poll, "poll", "P", 15, a.text("seconds between polls with -B", "-B에서 확인 간격(초)"))
	fs.IntVar(&f.taskTimeout, "task-timeout", 0, a.text("seconds that the task may take", "작업 제한 시간(초)"))
	fs.StringVarP(&f.treeDir, "tree", "t", "", a.text("also write each host's result to a file in this directory", "호스트별 결과를 이 디렉터리의 파일로도 기록"))
	fs.StringVar(&f.playbookDir, "playbook-dir", "", a.text("directory whose group_vars, roles and library count", "group_vars, roles, library를 찾을 디렉터리"))
	a.addTargetFlags(fs, &f.target)
	fs.BoolVarP(&f.check, "check", "C", false, a.text("change nothing, tell what would change", "바꾸지 않고 바뀔 내용만 보이기"))
	fs.BoolVarP(&f.diff, "diff", "D", false, a.text("show differences of files", "파일의 차이 보이기"))
	fs.IntVarP(&f.forks, "forks", "f", 0, a.text("hosts that work at once (default 256)", "동시에 작업할 호스트 수 (기본 256)"))
	fs.CountVarP(&f.verbosity, "verbose", "v", a.text("tell more", "더 자세히"))
	fs.BoolVar(&f.listHosts, "list-hosts", false, a.text("only list the hosts", "대상 호스트 목록만"))
	a.addConnectFlags(fs, &f.connect)
	return c
}

// runAdhoc runs a play of one task.
func (a *app) runAdhoc(ctx context.Context, f *adhocFlags, pattern string) error {
	p, err := a.openProject(ctx, f.target, false)
	if err != nil {
		return err
	}
	p.tellConfigFile(f.verbosity)
	if f.listHosts {
		return p.listAdhocHosts(f, pattern)
	}
	short := strings.TrimPrefix(f.module, "ansible.builtin.")
	if f.args == "" && slices.Contains([]string{"command", "shell", "raw", "script", "win_command", "win_shell"}, short) {
		msg := fmt.Sprintf("No argument passed to %s module", f.module)
		if strings.HasSuffix(pattern, ".yml") {
			msg += " (did you mean to run ansible-playbook?)"
		}
		return usageError{fmt.Errorf("%s", msg)}
	}
	dir, err := f.dir(p)
	if err != nil {
		return err
	}
	src, err := f.playbook(pattern)
	if err != nil {
		return err
	}
	book := filepath.Join(dir, adhocName)
	p.loaderOptions.FS = withFile{FS: os.DirFS("/"), name: strings.TrimPrefix(book, "/"), text: src}
	p.loader = playbooks.NewLoader(p.loaderOptions)
	return a.runBooks(ctx, p, &f.runFlags, []string{book}, f.screen(p))
}

// dir is the folder that the task's files are looked for in.
func (f *adhocFlags) dir(p *project) (string, error) {
	dir := f.playbookDir
	if dir == "" {
		dir = p.config.Text("PLAYBOOK_DIR")
	}
	return filepath.Abs(dir)
}

func (f *adhocFlags) screen(p *project) event.Sink {
	if f.output != "" {
		return nil
	}
	load := p.config.Bool("DEFAULT_LOAD_CALLBACK_PLUGINS")
	callback := strings.TrimPrefix(p.config.Text("DEFAULT_STDOUT_CALLBACK"), "ansible.builtin.")
	if !f.oneLine && load && callback != "oneline" && callback != "minimal" && callback != "default" {
		return nil
	}
	return reports.NewMinimal(p.app.out, reports.MinimalOptions{
		OneLine: f.oneLine || load && callback == "oneline", Verbosity: f.verbosity,
		Color: reports.UseColor(p.app.out, p.app.getenv), Stderr: p.app.err,
	})
}

// playbook writes the play: JSON is YAML too.
func (f *adhocFlags) playbook(pattern string) ([]byte, error) {
	var args any = f.args
	if text := strings.TrimSpace(f.args); strings.HasPrefix(text, "{") && strings.HasSuffix(text, "}") {
		if d, err := value.ParseJSON([]byte(text)); err == nil {
			args = d
		}
	}
	task := value.NewDict("timeout", f.taskTimeout)
	if _, isDict := args.(*value.Dict); isDict {
		task.Set(f.module, args)
	} else if args != "" {
		task.Set("action", f.module+" "+f.args)
	} else {
		task.Set(f.module, nil)
	}
	if f.background > 0 {
		task.Set("async", f.background)
		task.Set("poll", f.poll)
	}
	play := value.NewDict("name", "Ansible Ad-Hoc", "hosts", pattern, "gather_facts", false, "tasks", value.NewList(task))
	text, err := value.EncodeJSON(value.NewList(play), value.JSONOptions{})
	return []byte(text), err
}

// listAdhocHosts prints the hosts of a pattern.
func (p *project) listAdhocHosts(f *adhocFlags, pattern string) error {
	hosts, problems := p.selectHosts(pattern, f.target.limit)
	if problems.HasErrors() {
		return problems
	}
	if len(hosts) == 0 {
		p.app.tell(p.app.err, say.T("[WARNING]: No hosts matched, nothing to do", "[경고]: 맞는 호스트가 없어 할 일이 없습니다"))
	}
	fmt.Fprintf(p.app.out, "  hosts (%d):\n", len(hosts))
	for _, h := range hosts {
		fmt.Fprintf(p.app.out, "    %s\n", h.Name)
	}
	return nil
}

func (p *project) selectHosts(pattern, limit string) ([]*inventory.Host, diag.Problems) {
	return p.inventory.SelectList([]string{pattern}, limit)
}

// withFile is a file system with one more file, in memory.
type withFile struct {
	fs.FS
	name string
	text []byte
}

// Open opens the file of that name, or one of the others.
func (w withFile) Open(name string) (fs.File, error) {
	if name == w.name {
		return &memoryFile{Reader: bytes.NewReader(w.text), name: path.Base(name)}, nil
	}
	return w.FS.Open(name)
}

// memoryFile is a file and what is told of it.
type memoryFile struct {
	*bytes.Reader
	name string
}

func (m *memoryFile) Stat() (fs.FileInfo, error) { return m, nil }
func (m *memoryFile) Close() error               { return nil }
func (m *memoryFile) Name() string               { return m.name }
func (m *memoryFile) Mode() fs.FileMode          { return 0o600 }
func (m *memoryFile) ModTime() time.Time         { return time.Time{} }
func (m *memoryFile) IsDir() bool                { return false }
func (m *memoryFile) Sys() any                   { return nil }
