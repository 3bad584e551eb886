package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"sunup/internal/diag"
	"sunup/internal/say"
	"sunup/playbooks"
)

// checkFlags are the flags of check.
type checkFlags struct {
	target  targetFlags
	json    bool
	verbose bool
}

// checkCommand says how far a project is supported, before any host is touched.
func (a *app) checkCommand() *cobra.Command {
	f := &checkFlags{}
	c := &cobra.Command{
		Use:   "check [flags] PLAYBOOK|DIRECTORY...",
		Short: a.text("Check playbooks, or a whole project, without touching any host", "호스트에 접속하지 않고 플레이북이나 프로젝트 전체를 검사합니다"),
		Long: a.text("Check playbooks without touching any host: mistakes with their places, and everything that is not supported, with counts.\n\nA directory is a project: all its playbooks, roles and templates are read.",
			"호스트에 접속하지 않고 플레이북을 검사합니다. 잘못된 곳의 위치와, 지원하지 않는 모든 것을 횟수와 함께 보입니다.\n\n디렉터리를 주면 그 안의 모든 플레이북, 롤, 템플릿을 읽습니다."),
		Example: "  sunup check site.yml\n  sunup check .\n  sunup check --json ~/projects/kubespray",
		Args:    cobra.MinimumNArgs(1),
		RunE:    func(c *cobra.Command, paths []string) error { return a.check(c, f, paths) },
	}
	a.addTargetFlags(c.Flags(), &f.target)
	c.Flags().BoolVar(&f.json, "json", false, a.text("a report for programs", "프로그램용 보고서"))
	c.Flags().BoolVarP(&f.verbose, "verbose", "v", false, a.text("of a directory, show every place and every warning too", "디렉터리를 검사할 때 모든 위치와 경고도 표시"))
	return c
}

func (a *app) check(c *cobra.Command, f *checkFlags, paths []string) error {
	whole := false
	for _, path := range paths {
		if info, err := os.Stat(path); err == nil && info.IsDir() {
			whole = true
			a.useConfigOf(path)
		}
	}
	p, err := a.openProject(c.Context(), f.target, true)
	if err != nil {
		return err
	}
	r := newCheckReport()
	for _, path := range paths {
		if info, err := os.Stat(path); err == nil && info.IsDir() {
			p.checkProject(path, r)
			continue
		}
		p.checkPlaybook(path, r)
	}
	r.finish()
	r.python(p)
	switch {
	case f.json:
		err = r.writeJSON(a)
	case whole && !f.verbose:
		r.write(a, r.mistakes())
	default:
		r.write(a, r.Problems)
	}
	if err == nil && r.Errors > 0 {
		return exitWith(exitUnreachable)
	}
	return err
}

// useConfigOf takes the ansible.cfg of a project, as one does who works in its
// directory.
func (a *app) useConfigOf(dir string) {
	file := filepath.Join(dir, "ansible.cfg")
	if _, err := os.Stat(file); err != nil || a.getenv("ANSIBLE_CONFIG") != "" {
		return
	}
	getenv := a.getenv
	a.getenv = func(name string) string {
		if name == "ANSIBLE_CONFIG" {
			return file
		}
		return getenv(name)
	}
}

// checkPlaybook reads one playbook with all that it imports.
func (p *project) checkPlaybook(path string, r *checkReport) {
	book, problems := p.loader.Load(path)
	r.add(problems)
	r.Playbooks++
	if book == nil {
		return
	}
	r.Plays += len(book.Plays)
	r.add(checkArguments([]*playbooks.Playbook{book}))
	book.Walk(func(_ *playbooks.Play, s playbooks.Step) { r.task(s) })
	for _, play := range book.Plays {
		for _, h := range play.Handlers {
			r.task(h)
		}
	}
}

// write prints problems, what is lacking, and the numbers.
func (r *checkReport) write(a *app, problems diag.Problems) {
	fmt.Fprint(a.out, problems.Format(a.lang))
	r.writeLacking(a)
	r.writePython(a)
	a.tell(a.out, say.T("read: playbooks %d, plays %d, tasks %d, templates %d; errors %d, warnings %d",
		"확인: 플레이북 %d개, 플레이 %d개, 작업 %d개, 템플릿 %d개; 오류 %d건, 경고 %d건",
		r.Playbooks, r.Plays, r.Tasks, r.Templates, r.Errors, r.Warnings))
	if r.Tasks > 0 {
		a.tell(a.out, say.T("%d of %d tasks use modules that are supported (%.1f %%)",
			"작업 %[2]d개 가운데 %[1]d개가 지원하는 모듈을 씁니다 (%.1[3]f %%)",
			r.Tasks-r.lackingTasks, r.Tasks, 100*float64(r.Tasks-r.lackingTasks)/float64(r.Tasks)))
	}
}

// writePython lists what the project brings itself in Python.
func (r *checkReport) writePython(a *app) {
	if len(r.Python) == 0 {
		return
	}
	if r.hasPython {
		a.tell(a.out, say.T("Of the project itself, through python3 of this machine:", "프로젝트가 직접 만든 것 (이 컴퓨터의 python3로 실행):"))
	} else {
		a.tell(a.out, say.T("Of the project itself, in Python; they need python3 on this machine:", "프로젝트가 파이썬으로 직접 만든 것 (이 컴퓨터에 python3가 필요합니다):"))
	}
	table := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	for _, l := range r.Python {
		fmt.Fprintf(table, "%6d\t%s\t%s\n", l.Count, lackingWords(l.Kind).In(a.lang), l.Name)
	}
	table.Flush()
}

// writeLacking lists what the project uses and we lack, with counts.
func (r *checkReport) writeLacking(a *app) {
	if len(r.Unsupported) == 0 {
		return
	}
	a.tell(a.out, say.T("Not supported, by number of uses:", "지원하지 않는 항목과 사용 횟수:"))
	table := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	for _, l := range r.Unsupported {
		fmt.Fprintf(table, "%6d\t%s\t%s\t%s\n", l.Count, lackingWords(l.Kind).In(a.lang), l.Name, l.First)
	}
	table.Flush()
}

// lackingWords are the kinds of things that may be lacking.
func lackingWords(kind string) say.Text {
	switch kind {
	case "module":
		return say.T("module", "모듈")
	case "action plugin":
		return say.T("action plugin", "액션 플러그인")
	case "filter":
		return say.T("filter", "필터")
	case "test":
		return say.T("test", "테스트")
	case "lookup":
		return say.T("lookup", "룩업")
	case "keyword":
		return say.T("keyword", "키워드")
	case "strategy":
		return say.T("strategy", "전략")
	case "connection":
		return say.T("connection", "연결 방식")
	case "become method":
		return say.T("become method", "권한 상승 방법")
	}
	return say.Plain(kind)
}

func (r *checkReport) writeJSON(a *app) error {
	text, err := json.MarshalIndent(r.forJSON(a.lang), "", "  ")
	if err != nil {
		return err
	}
	_, err = a.out.Write(append(text, '\n'))
	return err
}
