package reports

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"

	"sunup/internal/event"
)

// WritePrometheus writes the figures of a run in the text format of Prometheus,
// for node_exporter's textfile collector or a push gateway. Every series has
// the playbook's name, so that runs of several playbooks stand side by side.
func WritePrometheus(w io.Writer, s Source) error {
	m := &metrics{out: bufio.NewWriter(w), name: safeLine(s.Report.Run.Name)}
	m.run(s.Report)
	m.hosts(s.Report)
	m.plays(s.Report)
	if err := m.out.Flush(); err != nil {
		return fmt.Errorf("write metrics: %w", err)
	}
	return nil
}

// metrics writes series; errors are kept by the buffer until its Flush.
type metrics struct {
	out  *bufio.Writer
	name string
}

// family begins a metric. All its series follow.
func (m *metrics) family(name, help string) {
	fmt.Fprintf(m.out, "# HELP sunup_%s %s\n# TYPE sunup_%s gauge\n", name, help, name)
}

// series writes one value; labels are names and values in turn.
func (m *metrics) series(name string, v float64, labels ...string) {
	fmt.Fprintf(m.out, `sunup_%s{startup="%s"`, name, labelValue(m.name))
	for i := 0; i+1 < len(labels); i += 2 {
		fmt.Fprintf(m.out, `,%s="%s"`, labels[i], labelValue(labels[i+1]))
	}
	fmt.Fprintf(m.out, "} %s\n", strconv.FormatFloat(v, 'f', -1, 64))
}

var labelEscapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

func labelValue(s string) string { return labelEscapes.Replace(safeLine(s)) }

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func (m *metrics) run(r *Report) {
	m.family("run_info", "The last run: who started it, where, with which version.")
	m.series("run_info", 1, "run", r.Run.ID, "user", r.Run.User, "node", r.Run.Node, "version", r.Run.Version)
	m.family("run_success", "1 when everything came up, hosts in quarantine aside.")
	m.series("run_success", truth(r.Complete && (r.Outcome == event.OK || r.Outcome == event.Changed)))
	m.family("run_exit_code", "The exit code of the command.")
	m.series("run_exit_code", float64(r.ExitCode))
	m.family("run_start_timestamp_seconds", "When the run began.")
	m.series("run_start_timestamp_seconds", float64(r.Began.UnixMilli())/1000)
	m.family("run_end_timestamp_seconds", "When the run ended.")
	m.series("run_end_timestamp_seconds", float64(r.Ended.UnixMilli())/1000)
	m.family("run_duration_seconds", "How long the run took.")
	m.series("run_duration_seconds", float64(r.TookMS)/1000)
	if r.Run.BudgetMS > 0 {
		m.family("run_budget_seconds", "How long the run may take.")
		m.series("run_budget_seconds", float64(r.Run.BudgetMS)/1000)
	}
	if len(r.Milestones) > 0 {
		m.family("milestone_margin_seconds", "Time left to a deadline when everything was up; negative when it was late.")
		for _, d := range r.Milestones {
			m.series("milestone_margin_seconds", float64(d.MarginMS)/1000, "milestone", milestoneLabel(d))
		}
		m.family("milestone_kept", "1 when the deadline was kept.")
		for _, d := range r.Milestones {
			m.series("milestone_kept", truth(d.State == Met), "milestone", milestoneLabel(d))
		}
	}
	m.family("task_results", "How many tasks ended on hosts, by outcome.")
	for _, o := range event.Outcomes {
		m.series("task_results", float64(r.Figures.Cells[o]), "outcome", string(o))
	}
}

func milestoneLabel(d Milestone) string {
	if d.Opening {
		return "opening"
	}
	return d.Name
}

func (m *metrics) hosts(r *Report) {
	f := r.Figures
	m.family("hosts", "How many hosts, by how they ended.")
	for _, c := range []struct {
		state string
		n     int
	}{{"good", f.HostsGood}, {"failed", f.HostsFailed}, {"unreachable", f.HostsLost}, {"quarantined", f.HostsAside}} {
		m.series("hosts", float64(c.n), "state", c.state)
	}
	m.family("hosts_changed", "How many hosts were changed.")
	m.series("hosts_changed", float64(f.HostsChanged))
	if len(r.Quarantine) == 0 {
		return
	}
	m.family("host_quarantined", "A host that was set aside.")
	told := map[string]bool{}
	for _, q := range r.Quarantine {
		// A series may stand in the file only once.
		if !told[q.Host] {
			told[q.Host] = true
			m.series("host_quarantined", 1, "host", q.Host, "zone", q.Zone, "owner", q.Owner)
		}
	}
}

func (m *metrics) plays(r *Report) {
	if len(r.Plays) == 0 {
		return
	}
	// Plays of the same name are told apart by their number.
	number := func(p *Play) string { return itoa(int64(p.Number + 1)) }
	m.family("play_duration_seconds", "How long a play took.")
	for _, p := range r.Plays {
		m.series("play_duration_seconds", float64(p.TookMS)/1000, "play", p.Name, "number", number(p))
	}
	m.family("play_success", "1 when the play came up.")
	for _, p := range r.Plays {
		m.series("play_success", truth(p.Outcome == event.OK || p.Outcome == event.Changed), "play", p.Name, "number", number(p))
	}
	m.family("play_hosts", "How many hosts a play is for.")
	for _, p := range r.Plays {
		m.series("play_hosts", float64(p.HostCount), "play", p.Name, "number", number(p))
	}
}
