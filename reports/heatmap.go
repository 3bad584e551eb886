package reports

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"

	"sunup/internal/event"
)

// matrix is the hosts x tasks of one play, with equal hosts and equal tasks
// together: it stays readable with thousands of both.
type matrix struct {
	*Play
	Columns []matrixColumn
	Rows    []matrixRow
	Open    bool
}

// matrixColumn is one task, or several in a row that ended the same everywhere.
type matrixColumn struct {
	Name    string
	Title   string // all names
	Count   int
	Section event.Section
}

// matrixRow is one host, or several where everything ended the same.
type matrixRow struct {
	Hosts   []string
	Names   []string // of Hosts, as many as the page has room for
	Zone    string
	Outcome event.Outcome
	Cells   []matrixCell
	// Mixed says that the hosts did not end the same everywhere: each cell is
	// the gravest outcome of its task.
	Mixed bool
}

// matrixCell is one cell; an empty outcome is a task that was not for the host.
type matrixCell struct {
	Outcome event.Outcome
	Title   string
}

func (p *page) matrixOf(play *Play, rows []row) matrix {
	m := matrix{Play: play}
	var tasks []*Task
	column := map[int]int{}
	for _, t := range p.Tasks {
		if t.Play == play.Number {
			column[t.Number] = len(tasks)
			tasks = append(tasks, t)
		}
	}
	for _, group := range alike(rows, column) {
		w := rowOf(group.rows, column)
		w.Mixed = group.mixed
		m.Open = m.Open || isBad(w.Outcome)
		m.Rows = append(m.Rows, w)
	}
	m.Columns = joinColumns(tasks, m.Rows)
	for i := range m.Rows {
		m.Rows[i].Names = p.named(m.Rows[i].Hosts)
	}
	return m
}

// named are the names of a row that the page has room for.
func (p *page) named(hosts []string) []string {
	n := min(len(hosts), max(pageNamesMin, p.names))
	p.names -= n
	return hosts[:n]
}

// rowGroup is the hosts of one row.
type rowGroup struct {
	rows  []row
	mixed bool
}

// alike groups hosts where everything ended the same: what somebody should look
// at first, then the large groups. What would be more rows than a page can hold
// is grouped by its gravest outcome alone.
func alike(rows []row, column map[int]int) []rowGroup {
	groups, order := map[string][]row{}, []string{}
	for _, w := range rows {
		key := pattern(w, column)
		if groups[key] == nil {
			order = append(order, key)
		}
		groups[key] = append(groups[key], w)
	}
	out := make([]rowGroup, 0, len(order))
	for _, key := range order {
		out = append(out, rowGroup{rows: groups[key]})
	}
	slices.SortStableFunc(out, func(x, y rowGroup) int {
		return cmp.Or(cmp.Compare(sick(y.rows[0].worst()), sick(x.rows[0].worst())), cmp.Compare(len(y.rows), len(x.rows)))
	})
	if len(out) <= pageRows {
		return out
	}
	return append(out[:pageRows], mixed(out[pageRows:])...)
}

// mixed joins groups by their gravest outcome.
func mixed(groups []rowGroup) (out []rowGroup) {
	at := map[event.Outcome]int{}
	for _, g := range groups {
		o := g.rows[0].worst()
		i, ok := at[o]
		if !ok {
			i = len(out)
			at[o] = i
			out = append(out, rowGroup{mixed: true})
		}
		out[i].rows = append(out[i].rows, g.rows...)
	}
	return out
}

// sick orders rows: what somebody should look at first, everything else alike.
func sick(o event.Outcome) int {
	if isBad(o) || o == event.Cancelled {
		return gravity[o]
	}
	return 0
}

func pattern(w row, column map[int]int) string {
	key := make([]byte, len(column))
	for _, c := range w.cells {
		key[column[c.Task]] = byte(gravity[c.Outcome])
	}
	return string(key)
}

func rowOf(ws []row, column map[int]int) matrixRow {
	out := matrixRow{Outcome: ws[0].worst(), Cells: make([]matrixCell, len(column)), Zone: ws[0].host.Zone}
	for _, w := range ws {
		out.Hosts = append(out.Hosts, safeLine(w.host.Name))
		if w.host.Zone != out.Zone {
			out.Zone = ""
		}
	}
	slices.Sort(out.Hosts)
	low, high := make([]int64, len(column)), make([]int64, len(column))
	for _, w := range ws {
		for _, c := range w.cells {
			i := column[c.Task]
			cell := &out.Cells[i]
			if cell.Outcome == "" {
				low[i] = c.TookMS
			}
			low[i], high[i] = min(low[i], c.TookMS), max(high[i], c.TookMS)
			if gravity[c.Outcome] > gravity[cell.Outcome] {
				cell.Outcome = c.Outcome
			}
		}
	}
	for i := range out.Cells {
		if out.Cells[i].Outcome != "" && out.Cells[i].Outcome != event.Skipped {
			out.Cells[i].Title = timeRange(low[i], high[i])
		}
	}
	return out
}

// joinColumns makes one column of neighbours that are equal in every row, when
// there are many: then it takes their cells out of the rows.
func joinColumns(tasks []*Task, rows []matrixRow) []matrixColumn {
	var out []matrixColumn
	var keep []int // the first of each
	var before []byte
	for i, t := range tasks {
		looks := columnLooks(rows, i)
		name := safeLine(t.Name)
		if len(out) > 0 && len(tasks) >= wideFrom && bytes.Equal(looks, before) {
			last := &out[len(out)-1]
			last.Count++
			last.Title += ", " + name
			continue
		}
		before = looks
		keep = append(keep, i)
		out = append(out, matrixColumn{Name: name, Title: fmt.Sprintf("%s · %s", name, clockMS(t.SpanMS)), Count: 1, Section: t.Section})
	}
	for r := range rows {
		cells := make([]matrixCell, len(keep))
		for n, i := range keep {
			cells[n] = rows[r].Cells[i]
			if out[n].Count > 1 {
				cells[n].Title = "" // of several tasks
			}
		}
		rows[r].Cells = cells
	}
	for i := range out {
		if out[i].Count > 1 {
			out[i].Title = strings.TrimSuffix(shorten(out[i].Title, 600), ",")
		}
	}
	return out
}

// columnLooks are the outcomes of a column.
func columnLooks(rows []matrixRow, i int) []byte {
	out := make([]byte, len(rows))
	for r := range rows {
		out[r] = byte(gravity[rows[r].Cells[i].Outcome])
	}
	return out
}

func countZones(hosts []*Host) int {
	zones := map[string]bool{}
	for _, h := range hosts {
		if h.Zone != "" {
			zones[h.Zone] = true
		}
	}
	return len(zones)
}
