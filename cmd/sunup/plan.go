package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sunup/internal/event"
	"sunup/internal/say"
	"sunup/playbooks"
	"sunup/reports"
	"sunup/runner"
)

// planFlags are the flags of plan.
type planFlags struct {
	run             runFlags
	json, dot, svg  bool
	tasks, stopping bool
	restart         string
}

func (a *app) planCommand() *cobra.Command {
	f := &planFlags{}
	c := &cobra.Command{
		Use:   "plan [flags] PLAYBOOK...",
		Short: a.text("Show what a run would do: who, what, in which order, how long", "실행 계획을 보입니다: 누가, 무엇을, 어떤 순서로, 얼마나"),
		Long: a.text("Show what a run would do, without reaching any host: the plays in the order in which they can start, their hosts, how long each should take, the critical path, and the privileges that are needed.\n\nExpected times come from earlier runs, else from the budget of the play, else they are guesses from the number of its tasks.",
			"호스트에 접속하지 않고 실행 계획을 보입니다. 시작할 수 있는 순서의 플레이, 대상 호스트, 예상 소요 시간, 임계 경로, 필요한 권한을 보여 줍니다.\n\n예상 시간은 지난 실행에서, 없으면 플레이의 budget에서 가져오고, 둘 다 없으면 작업 수로 어림합니다."),
		Example: "  sunup plan -i hosts.yml morning.yml\n  sunup plan -i hosts.yml --svg morning.yml > plan.svg\n  sunup plan -i hosts.yml --dot morning.yml | dot -Tpdf -o plan.pdf\n  sunup plan -i hosts.yml --stop morning.yml",
		Args:    cobra.MinimumNArgs(1),
		RunE:    func(c *cobra.Command, paths []string) error { return a.plan(c.Context(), f, paths) },
	}
	fs := c.Flags()
	fs.SortFlags = false
	a.addSelectionFlags(fs, &f.run)
	fs.BoolVar(&f.stopping, "stop", false, a.text("the plan of 'sunup stop'", "'sunup stop'의 계획"))
	fs.StringVar(&f.restart, "restart", "", a.text("the plan of 'sunup restart --service NAME'", "'sunup restart --service 이름'의 계획"))
	fs.BoolVar(&f.tasks, "tasks", false, a.text("list the tasks of each play too", "플레이의 작업도 나열"))
	fs.BoolVar(&f.json, "json", false, a.text("as JSON", "JSON으로"))
	fs.BoolVar(&f.dot, "dot", false, a.text("as a graph for Graphviz", "Graphviz용 그래프로"))
	fs.BoolVar(&f.svg, "svg", false, a.text("as a drawing", "그림(SVG)으로"))
	a.addConnectFlags(fs, &f.run.connect)
	c.MarkFlagsMutuallyExclusive("json", "dot", "svg")
	c.MarkFlagsMutuallyExclusive("stop", "restart")
	return c
}

// plan prints the plan in the form that was asked for.
func (a *app) plan(ctx context.Context, f *planFlags, paths []string) error {
	f.run.direction = f.direction()
	p, books, err := a.openBooks(ctx, &f.run, paths)
	if err != nil {
		return err
	}
	plan, err := p.planOf(ctx, &f.run, paths, books)
	if err != nil {
		return err
	}
	switch {
	case f.json:
		enc := json.NewEncoder(a.out)
		enc.SetIndent("", "  ")
		return enc.Encode(plan)
	case f.dot:
		writeDot(a.out, plan)
		return nil
	case f.svg:
		return reports.WritePlanSVG(a.out, plan.Event(), a.lang)
	}
	planText{a, plan, f.tasks}.write(a.out)
	return nil
}

func (f *planFlags) direction() direction {
	return direction{stop: f.stopping, service: f.restart}
}

// planOf makes the plan of loaded playbooks; what a run would warn of is told.
func (p *project) planOf(ctx context.Context, f *runFlags, paths []string, books []*playbooks.Playbook) (*runner.Plan, error) {
	o, err := p.runOptions(f, paths)
	if err != nil {
		return nil, err
	}
	seen := &event.Recorder{}
	o.Sink = seen
	o.History = p.app.pastOf(ctx, f, startupName(paths, books))
	plan, err := runner.New(o).Plan(ctx, books)
	for _, w := range event.Of[event.Warning](seen) {
		p.app.tell(p.app.err, say.T("warning: %s", "경고: %s", w.Text))
	}
	return plan, err
}

// planText prints a plan for people.
type planText struct {
	app   *app
	plan  *runner.Plan
	tasks bool
}

func (t planText) in(en, ko string, args ...any) string { return say.T(en, ko, args...).In(t.app.lang) }

var basisWords = map[event.Basis]say.Text{
	event.FromHistory: say.T("earlier runs", "지난 실행"),
	event.FromBudget:  say.T("budget", "예산"),
	event.Guessed:     say.T("guess", "어림"),
}

func (t planText) write(w io.Writer) {
	t.head(w)
	name, hosts := t.in("play", "플레이"), t.in("hosts", "호스트")
	width := planColumn(name, t.plan.Plays, func(p runner.PlannedPlay) string { return p.Name })
	fmt.Fprintf(w, "\n  %8s %8s    %s  %s  %s\n", t.in("begins", "시작"), t.in("up at", "완료"), reports.Fit(name, width), reports.Fit(hosts, 7), t.in("takes", "소요"))
	for _, p := range t.plan.Plays {
		t.play(w, p, width)
	}
	t.critical(w)
	t.privileges(w)
}

func planColumn(head string, plays []runner.PlannedPlay, of func(runner.PlannedPlay) string) int {
	width := len(head)
	for _, p := range plays {
		width = max(width, reports.Columns(of(p)))
	}
	return min(width, 44)
}

func (t planText) head(w io.Writer) {
	takes := reports.Stopwatch(t.plan.Takes)
	s := t.plan.Startup
	if s != nil {
		fmt.Fprintln(w, s.Name)
	}
	fmt.Fprintln(w, t.in("%d plays on %d hosts, expected %s", "플레이 %d개, 호스트 %d대, 예상 %s", len(t.plan.Plays), t.plan.Hosts, takes))
	if s == nil {
		return
	}
	if s.Budget > 0 {
		fmt.Fprintln(w, t.in("budget %s: %s to spare", "예산 %s: %s 여유", reports.Stopwatch(s.Budget), signed(s.Budget-t.plan.Takes)))
	}
	for _, m := range s.Milestones {
		if at, ok := t.reached(m); ok {
			fmt.Fprintln(w, t.in("%s %s: start by %s", "%s %s: 늦어도 %s에 시작", m.Name, m.At.Format("15:04"), m.At.Add(-at).Format("15:04:05")))
		}
	}
	if !s.OpensAt.IsZero() {
		fmt.Fprintln(w, t.in("opening %s: start by %s", "개장 %s: 늦어도 %s에 시작", s.OpensAt.Format("15:04"), s.OpensAt.Add(-t.plan.Takes).Format("15:04:05")))
	}
}

// reached is when the plays of a milestone should be up.
func (t planText) reached(m event.Milestone) (time.Duration, bool) {
	if len(m.When) == 0 {
		return t.plan.Takes, true
	}
	var last time.Duration
	for _, p := range t.plan.Plays {
		for _, name := range m.When {
			if p.Name == name {
				last = max(last, p.Ends)
			}
		}
	}
	return last, last > 0
}

func signed(d time.Duration) string {
	if d < 0 {
		return "-" + reports.Stopwatch(-d)
	}
	return reports.Stopwatch(d)
}

func (t planText) play(w io.Writer, p runner.PlannedPlay, width int) {
	mark := " "
	if p.Critical {
		mark = "★"
	}
	fmt.Fprintf(w, "  %8s %8s  %s %s  %s  %s (%s)\n", reports.Stopwatch(p.Begins), reports.Stopwatch(p.Ends), mark, reports.Fit(p.Name, width),
		reports.Fit(fmt.Sprint(len(p.HostNames)), 7), reports.Stopwatch(p.Takes), basisWords[p.Basis].In(t.app.lang))
	line := func(format string, args ...any) {
		fmt.Fprintf(w, "  %21s%s\n", "", fmt.Sprintf(format, args...))
	}
	if len(p.Needs) > 0 {
		line("%s", t.in("after %s", "%s 다음", t.needs(p)))
	}
	if len(p.Lanes) > 1 {
		line("%s", t.in("%d groups of hosts start by themselves", "호스트 %d묶음이 따로 시작", len(p.Lanes)))
	}
	if who := t.who(p); who != "" {
		line("%s", who)
	}
	if len(p.Probes) > 0 {
		line("%s", t.in("up when: %s", "완료 조건: %s", strings.Join(p.Probes, "; ")))
	}
	if len(p.Gathers) > 0 {
		line("%s", t.in("after a failure: collects %s", "실패 시 수집: %s", strings.Join(p.Gathers, "; ")))
	}
	if len(p.HostNames) == 0 {
		line("%s", t.in("no hosts matched %s", "%s에 맞는 호스트가 없습니다", strings.Join(p.Pattern, ",")))
	}
	if t.tasks {
		for _, s := range p.Steps {
			line("- %s  [%s]", s.Name, s.Module)
		}
	}
}

func (t planText) needs(p runner.PlannedPlay) string {
	var out []string
	for _, n := range p.Needs {
		name := t.plan.Plays[n.Play].Name
		if n.Same != "" {
			name = t.in("%s (same %s)", "%s (같은 %s)", name, n.Same)
		}
		out = append(out, name)
	}
	return strings.Join(out, ", ")
}

func (t planText) who(p runner.PlannedPlay) string {
	var out []string
	if p.Owner != "" {
		out = append(out, p.Owner)
	}
	if p.Quarantine {
		out = append(out, strings.TrimSpace(t.in("quarantine", "격리")+" "+t.per(p.Coverage)))
	}
	if len(p.Serial) > 0 {
		out = append(out, "serial "+strings.Join(p.Serial, ", "))
	}
	for _, l := range p.Limits {
		out = append(out, t.per(l))
	}
	return strings.Join(out, " · ")
}

// per says "95% per zone".
func (t planText) per(what string) string {
	share, of, parted := strings.Cut(what, " per ")
	if !parted {
		return what
	}
	return t.in("%s per %s", "%[2]s별 %[1]s", share, of)
}

func (t planText) critical(w io.Writer) {
	if len(t.plan.Critical) == 0 {
		return
	}
	var legs []string
	for _, l := range t.plan.Critical {
		legs = append(legs, l.Name+" "+reports.Stopwatch(l.Ends-l.Begins))
	}
	fmt.Fprintf(w, "\n%s %s\n", t.in("★ critical path:", "★ 임계 경로:"), strings.Join(legs, " → "))
}

// privileges tells each identity and how many hosts it is taken on.
func (t planText) privileges(w io.Writer) {
	hosts, order := map[string]map[string]bool{}, []string{}
	for _, p := range t.plan.Plays {
		for _, who := range p.Privileges {
			if hosts[who] == nil {
				hosts[who] = map[string]bool{}
				order = append(order, who)
			}
			for _, h := range p.HostNames {
				hosts[who][h] = true
			}
		}
	}
	for _, who := range order {
		fmt.Fprintln(w, t.in("privilege: %s on %d hosts", "권한: %s, 호스트 %d대", who, len(hosts[who])))
	}
}

// writeDot prints the graph for Graphviz.
func writeDot(w io.Writer, p *runner.Plan) {
	fmt.Fprintln(w, "digraph plan {\n  rankdir=LR;\n  node [shape=box, style=rounded, fontname=\"sans-serif\"];")
	for _, play := range p.Plays {
		look := ""
		if play.Critical {
			look = ", color=\"#c2410c\", penwidth=2"
		}
		fmt.Fprintf(w, "  p%d [label=%q%s];\n", play.Play, fmt.Sprintf("%s\n%d hosts, %s", play.Name, len(play.HostNames), reports.Stopwatch(play.Takes)), look)
	}
	ordered := true
	for _, play := range p.Plays {
		for _, n := range play.Needs {
			ordered = false
			label := ""
			if n.Same != "" {
				label = fmt.Sprintf(" [label=%q, style=dashed]", "same "+n.Same)
			}
			fmt.Fprintf(w, "  p%d -> p%d%s;\n", n.Play, play.Play, label)
		}
	}
	for i := 1; ordered && i < len(p.Plays); i++ {
		fmt.Fprintf(w, "  p%d -> p%d;\n", p.Plays[i-1].Play, p.Plays[i].Play)
	}
	fmt.Fprintln(w, "}")
}
