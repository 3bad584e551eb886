package reports

import (
	"strconv"
	"strings"
	"time"

	"sunup/internal/event"
	"sunup/internal/say"
)

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// String is the number of seconds with three decimals.
func (s seconds) String() string { return strconv.FormatFloat(float64(s)/1000, 'f', 3, 64) }

// tablesOf are the tables of a report, in the order of an analysis: what needs a
// person first, everything at the end.
func tablesOf(r *Report) []table {
	tables := []table{quarantineTable(r), failuresTable(r)}
	if len(r.Anomalies) > 0 {
		tables = append(tables, unusualTable(r))
	}
	if len(r.Gathered) > 0 {
		tables = append(tables, gatheredTable(r))
	}
	return append(tables, playsTable(r), tasksTable(r), hostsTable(r), changesTable(r), resultsTable(r))
}

// heading is a column with a heading from the words.
func heading(word string, width int) column { return column{words[word], width} }

// playName and taskName are names for tables.
func (r *Report) playName(number int) string {
	for _, p := range r.Plays {
		if p.Number == number {
			return p.Name
		}
	}
	return ""
}

func (r *Report) task(number int) *Task {
	if number < 0 || number >= len(r.Tasks) {
		return &Task{}
	}
	return r.Tasks[number]
}

// summaryTable is the run in a few lines.
func summaryTable(r *Report) table {
	var rows [][]any
	add := func(name say.Text, v any) { rows = append(rows, []any{name, v}) }
	w := func(name string) say.Text { return words[name] }
	add(w("result"), r.Sentence)
	add(w("outcome"), r.Outcome)
	add(w("began"), r.Began)
	add(w("ended"), r.Ended)
	add(w("took_s"), seconds(r.TookMS))
	for _, m := range r.Milestones {
		add(say.T("Deadline: %s", "기한: %s", milestoneName(m)), m.At)
		add(say.T("%s: left (s)", "%s: 여유(초)", milestoneName(m)), seconds(m.MarginMS))
	}
	f := r.Figures
	add(w("hosts_all"), f.Hosts)
	add(w("hosts_up"), f.HostsGood)
	add(w("hosts_bad"), f.HostsFailed+f.HostsLost)
	add(w("hosts_aside"), f.HostsAside)
	add(w("hosts_change"), f.HostsChanged)
	for _, o := range event.Outcomes {
		if n := f.Cells[o]; n > 0 {
			add(say.T("Tasks on hosts: %s", "호스트별 작업: %s", outcomeWords[o]), n)
		}
	}
	for _, a := range r.Attempts {
		add(say.T("Attempt %d", "%d번째 시도", a.Number), a.Began)
	}
	add(w("run_id"), r.Run.ID)
	add(w("started_by"), startedBy(r.Run.User, r.Run.Node))
	add(w("playbooks"), strings.Join(r.Run.Playbooks, ", "))
	add(w("inventory"), strings.Join(r.Run.Inventory, ", "))
	if r.Run.Limit != "" {
		add(w("limit"), r.Run.Limit)
	}
	if v := r.Run.Revision; v != nil {
		add(w("revision"), revisionText(v))
	}
	for _, in := range r.Run.Inputs {
		add(say.T("SHA-256 of %s", "%s의 SHA-256", safeLine(in.File)), in.SHA256)
	}
	add(w("version"), "sunup "+r.Run.Version)
	add(w("exit_code"), r.ExitCode)
	for _, n := range r.Notes {
		add(w("notes"), n)
	}
	return table{
		Name: "summary", Title: w("sheet_summary"), Columns: []column{heading("item", 34), heading("value", 90)},
		Rows: rowsOver(rows, func(row []any) []any { return row }),
	}
}

func startedBy(user, node string) string {
	if node == "" {
		return user
	}
	return user + " @ " + node
}

func revisionText(v *event.Revision) string {
	if v.Branch == "" {
		return v.Commit
	}
	return v.Commit + " (" + v.Branch + ")"
}

func quarantineTable(r *Report) table {
	return table{
		Name: "quarantine", Title: words["sheet_orders"],
		Columns: []column{heading("host", 22), heading("zone", 14), heading("play", 20), heading("task", 26), heading("time", 19), heading("reason", 50), heading("todo", 60), heading("owner", 14), heading("grade", 8)},
		Rows: rowsOver(r.Quarantine, func(q Quarantined) []any {
			return []any{q.Host, q.Zone, r.playName(q.Play), r.task(q.Task).Name, q.At, q.Reason, q.Fix, q.Owner, gradeCell(q.Grade)}
		}),
	}
}

func gradeCell(grade int) any {
	if grade == 0 {
		return nil
	}
	return grade
}

func failuresTable(r *Report) table {
	return table{
		Name: "failures", Title: words["sheet_failures"],
		Columns: []column{
			heading("host", 22), heading("zone", 14), heading("play", 20), heading("task", 26), heading("module", 24), heading("outcome", 12), heading("mended", 10), heading("time", 19), heading("took_s", 10),
			heading("rc", 8), heading("message", 60), heading("why", 50), heading("fix", 60), heading("command", 40), heading("output", 40), heading("errors", 40), heading("diff", 40),
		},
		Rows: rowsOver(r.Failures, func(f *Failure) []any {
			t := r.task(f.Task)
			return []any{
				f.Host, f.Zone, r.playName(f.Play), t.Name, t.Module, f.Outcome, yes(f.Mended), f.At, seconds(f.TookMS),
				f.RC, f.Message, f.Why, f.Fix, f.Command, f.Stdout, f.Stderr, f.Diff,
			}
		}),
	}
}

func yes(b bool) any {
	if b {
		return words["yes"]
	}
	return nil
}

// countColumns are a column for each outcome.
func countColumns() []column {
	var out []column
	for _, o := range event.Outcomes {
		out = append(out, column{outcomeWords[o], 9})
	}
	return out
}

func countCells(c Counts) []any {
	var out []any
	for _, o := range event.Outcomes {
		out = append(out, c[o])
	}
	return out
}

func playsTable(r *Report) table {
	return table{
		Name: "plays", Title: words["sheet_plays"],
		Columns: append([]column{
			heading("number", 8), heading("play", 26), heading("outcome", 12), heading("hosts_all", 10), heading("began", 19), heading("ended", 19), heading("took_s", 10),
			heading("budget_s", 10), heading("owner", 14), heading("grade", 8), heading("needs", 26),
		}, countColumns()...),
		Rows: rowsOver(r.Plays, func(p *Play) []any {
			return append([]any{
				p.Number + 1, p.Name, p.Outcome, p.HostCount, p.Began, p.Ended, seconds(p.TookMS), budgetCell(p.BudgetMS), p.Owner, gradeCell(p.Grade), strings.Join(p.Needs, ", "),
			}, countCells(p.Counts)...)
		}),
	}
}

func budgetCell(ms int64) any {
	if ms == 0 {
		return nil
	}
	return seconds(ms)
}

func tasksTable(r *Report) table {
	past := map[int]StepHistory{}
	if r.History != nil {
		for _, s := range r.History.Steps {
			past[s.Task] = s
		}
	}
	return table{
		Name: "tasks", Title: words["sheet_tasks"],
		Columns: append([]column{
			heading("number", 8), heading("play", 22), heading("task", 34), heading("module", 26), heading("role", 14), heading("place", 30), heading("began", 19), heading("span_s", 10),
			heading("slowest", 22), heading("slowest_s", 10), heading("middle_s", 10), heading("usual_s", 10), heading("slower", 10),
		}, countColumns()...),
		Rows: rowsOver(r.Tasks, func(t *Task) []any {
			var usual, slower any
			if s, ok := past[t.Number]; ok {
				usual, slower = seconds(s.UsualMS), s.SlowerPercent()
			}
			return append([]any{
				t.Number + 1, r.playName(t.Play), t.Name, t.Module, t.Role, place(t), t.Began, seconds(t.SpanMS), t.Slowest, seconds(t.SlowestMS), seconds(t.MiddleMS), usual, slower,
			}, countCells(t.Counts)...)
		}),
	}
}

func place(t *Task) string {
	if t.Pos.File == "" {
		return ""
	}
	return t.Pos.String()
}

func hostsTable(r *Report) table {
	recap := make(map[string]event.Recap, len(r.Recap))
	for _, row := range r.Recap {
		recap[row.Host] = row
	}
	reach := make(map[string]event.Reach, len(r.Reach))
	for _, row := range r.Reach {
		reach[row.Host] = row
	}
	return table{
		Name: "hosts", Title: words["sheet_hosts"],
		Columns: []column{
			heading("host", 24), heading("zone", 14), heading("outcome", 12), heading("working_s", 10), heading("waiting_s", 10),
			{say.Plain("ok"), 8}, {say.Plain("changed"), 8}, {say.Plain("unreachable"), 11}, {say.Plain("failed"), 8}, {say.Plain("skipped"), 8}, {say.Plain("rescued"), 8}, {say.Plain("ignored"), 8},
			heading("connections", 10), heading("commands", 10), heading("bytes_in", 12), heading("bytes_out", 12),
		},
		Rows: rowsOver(r.Hosts, func(h *Host) []any {
			c, n := recap[h.Name], reach[h.Name]
			return []any{
				h.Name, h.Zone, h.Outcome, seconds(h.WorkingMS), seconds(h.WaitingMS), c.OK, c.Changed, c.Unreachable, c.Failed, c.Skipped, c.Rescued, c.Ignored,
				n.Handshakes, n.Commands, n.BytesIn, n.BytesOut,
			}
		}),
	}
}

func changesTable(r *Report) table {
	return table{
		Name: "changes", Title: words["sheet_changes"],
		Columns: []column{heading("play", 20), heading("task", 30), heading("module", 24), heading("host", 22), heading("diff", 70)},
		Rows: func(yield func([]any) bool) {
			for _, c := range r.Changes {
				diffs := map[string]string{}
				for _, d := range c.Diffs {
					for _, h := range d.Hosts {
						diffs[h] = d.Text
					}
				}
				t := r.task(c.Task)
				for _, h := range c.Hosts {
					if !yield([]any{r.playName(t.Play), t.Name, t.Module, h, diffs[h]}) {
						return
					}
				}
			}
		},
	}
}

// resultsTable has one row for each host and task. It is the long one: its row
// is used again, and so is every boxed name.
func resultsTable(r *Report) table {
	t := table{
		Name: "results", Title: words["sheet_results"],
		Columns: []column{heading("host", 24), heading("zone", 14), heading("play", 22), heading("task", 34), heading("module", 26), heading("outcome", 12), heading("began", 19), heading("took_s", 10)},
	}
	t.Rows = func(yield func([]any) bool) {
		names := make([][3]any, len(r.Tasks)) // of the play, task and module
		for i, task := range r.Tasks {
			names[i] = [3]any{r.playName(task.Play), task.Name, task.Module}
		}
		outcomes := map[event.Outcome]any{}
		for _, o := range event.Outcomes {
			outcomes[o] = o
		}
		row := make([]any, len(t.Columns))
		for _, h := range r.Hosts {
			row[0], row[1] = h.Name, h.Zone
			for _, c := range h.Cells {
				n := names[c.Task]
				row[2], row[3], row[4], row[5] = n[0], n[1], n[2], outcomes[c.Outcome]
				row[6], row[7] = r.Began.Add(time.Duration(c.BeganMS)*time.Millisecond), seconds(c.TookMS)
				if !yield(row) {
					return
				}
			}
		}
	}
	return t
}
