package reports

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"sunup/internal/event"
	"sunup/internal/say"
	"sunup/internal/value"
)

func pageOf(t testing.TB, r *Report, lang say.Lang) string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, WriteHTML(&b, r, lang))
	return b.String()
}

// TestPagesAreAsReviewed compares what is between the style and the script;
// both languages are in it.
func TestPagesAreAsReviewed(t *testing.T) {
	for _, s := range stored {
		page := pageOf(t, Fold(s.events()), say.Korean)
		body := page[strings.Index(page, "<body>"):strings.Index(page, "<script>")]
		golden(t, filepath.Join("testdata", "golden", s.name+".html"), body)
		assert.Contains(t, page, `<html lang="ko">`)
	}
}

// TestPagesToLookAt writes pages into the folder $SUNUP_PAGES for a browser.
func TestPagesToLookAt(t *testing.T) {
	dir := os.Getenv("SUNUP_PAGES")
	if dir == "" {
		t.Skip("SUNUP_PAGES is not set")
	}
	for name, r := range pagesToLookAt() {
		for _, lang := range []say.Lang{say.English, say.Korean} {
			require.NoError(t, os.WriteFile(filepath.Join(dir, name+"."+string(lang)+".html"), []byte(pageOf(t, r, lang)), 0o644))
		}
	}
}

// pagesToLookAt are reports of all kinds, the largest among them.
func pagesToLookAt() map[string]*Report {
	return map[string]*Report{
		"many1000": Fold(many(1000, 50).make()), "many5000": Fold(many(5000, 50).make()), "motley": Fold(motley(2000, 50)),
		"morning": withHistory(Fold(morning().make())), "failed": Fold(failed().make()), "good": Fold(good().make()),
		"cancelled": Fold(cancelled().make()), "resumed": Fold(resumedEvents()),
	}
}

// withHistory is a report that the store has told of earlier runs.
func withHistory(r *Report) *Report {
	r.History = &History{Runs: 24, Since: r.Began.AddDate(0, -2, 0), UsualMS: r.TookMS - 40_000, SpreadMS: 6000}
	r.History.Manual = &Manual{Minutes: 50, People: 2, Now: 1}
	for i := range 25 {
		p := TrendPoint{Run: fmt.Sprint("run-", i), Began: r.Began.AddDate(0, 0, i-24), Minutes: 36 - float64(i)*.3, Outcome: event.OK}
		if i == 9 {
			p.Outcome, p.Minutes = event.Failed, 41
		} else {
			p.Saved = 100 - p.Minutes
		}
		if i == 24 {
			p.Run = r.Run.ID
		}
		r.History.Trend = append(r.History.Trend, p)
	}
	for _, task := range r.Tasks {
		r.History.Steps = append(r.History.Steps, StepHistory{Task: task.Number, Runs: 24, TookMS: task.SpanMS, UsualMS: task.SpanMS * 10 / (9 + int64(task.Number%7)), SpreadMS: 50})
	}
	for _, f := range r.Failures {
		f.Earlier = []EarlierFailure{{Run: "20261014T083000-11aa", At: r.Began.AddDate(0, -1, -7), Host: f.Host, Note: "직렬 케이블 교체 후 정상", By: "박점검"}}
	}
	return r
}

// motley is a run in which every host ends in a way of its own.
func motley(hosts, tasks int) []event.Event {
	m := many(hosts, tasks)
	plays := m.plays[0]
	for i := range plays.tasks {
		plays.tasks[i].end = func(h string) (event.Outcome, event.Result) {
			if m.rand.IntN(3) == 0 {
				return event.Changed, event.Result{}
			}
			return event.OK, event.Result{}
		}
	}
	return m.make()
}

func TestMotleyHostsAreAllOnThePage(t *testing.T) {
	r := Fold(motley(1500, 20))
	page := pageOf(t, r, say.English)
	assert.Less(t, len(page), 3_000_000)
	for _, h := range r.Hosts {
		assert.Contains(t, page, h.Name)
	}
	assert.Contains(t, page, "(mixed: the gravest outcome of each task)")
}

func TestEqualTasksShareAColumn(t *testing.T) {
	m := newImagined("x.yml")
	p := imaginedPlay{PlayStarted: event.PlayStarted{Name: "P", Hosts: []string{"a", "b"}}}
	for i := range 20 {
		end := always(event.OK)
		if i == 12 {
			end = failsOn("b", event.Result{})
		}
		p.tasks = append(p.tasks, imaginedTask{name: "step", module: "command", took: time.Second, end: end})
	}
	m.plays = []imaginedPlay{p}
	pg := newPage(Fold(m.make()), say.English)
	require.Len(t, pg.Matrices, 1)
	var counts []int
	for _, c := range pg.Matrices[0].Columns {
		counts = append(counts, c.Count)
	}
	assert.Equal(t, []int{12, 1, 7}, counts)
	assert.Equal(t, []string{"b"}, pg.Matrices[0].Rows[0].Hosts, "failures first")
	assert.Len(t, pg.Matrices[0].Rows[0].Cells, 3)
}

func TestPageNeedsNothingElse(t *testing.T) {
	page := pageOf(t, Fold(failed().make()), say.English)
	for _, no := range []string{"http://", "https://", "src=\"//", "@import", "url(", "hunter2"} {
		assert.NotContains(t, strings.ReplaceAll(page, "http-equiv", ""), no)
	}
}

func TestPageIsNotHarmedByOutput(t *testing.T) {
	page := pageOf(t, Fold(failed().make()), say.English)
	for _, no := range []string{"<script>alert", "onerror=alert(2)>", "\x1b", "\x07", "\x00", "<b>&amp; \"test\""} {
		assert.NotContains(t, page, no)
	}
	assert.Equal(t, 1, strings.Count(page, "<script"), "only our own")
	assert.Contains(t, page, "&lt;/pre&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;␇")
	assert.Contains(t, page, "nul:␀ end⟨ff⟩")
}

func TestPageStaysUsableForManyHosts(t *testing.T) {
	r := Fold(many(500, 30).make())
	page := pageOf(t, r, say.English)
	assert.Less(t, len(page), 600_000)
	assert.Equal(t, 11, strings.Count(page, `<tr><th scope="row"><span class="o failed"`)+strings.Count(page, "<b><span class=\"en\" lang=\"en\">490 hosts</span>"), "ten sick hosts alone, the others in one row")
	first := strings.Index(page, `class="matrix"`)
	assert.Less(t, strings.Index(page[first:], "host-0012"), strings.Index(page[first:], "490 hosts"), "failures first")
}

func TestReportStaysBounded(t *testing.T) {
	huge := strings.Repeat("가나다라 ", 30_000)
	m := newImagined("huge.yml")
	m.plays = []imaginedPlay{{PlayStarted: event.PlayStarted{Name: "P", Hosts: names("h%04d", 1200)}, tasks: []imaginedTask{{
		name: "t", module: "command", took: time.Second, end: func(h string) (event.Outcome, event.Result) {
			return event.Failed, event.Result{Values: value.NewDict("rc", 1, "stdout", huge, "stderr", huge, "msg", h+": "+huge)}
		},
	}}}}
	r := Fold(m.make())
	assert.Len(t, r.Failures, maxFailures)
	size := 0
	for _, f := range r.Failures {
		size += len(f.Stdout) + len(f.Stderr) + len(f.Message)
		assert.True(t, f.Cut)
		assert.True(t, utf8.ValidString(f.Stdout))
	}
	assert.Less(t, size, maxOutputTotal+maxFailures*4*smallOutput)
	require.Len(t, r.Causes, 1, "one cause, whatever the host's name")
	assert.Equal(t, 1200, r.Causes[0].Count)
	assert.Len(t, r.Causes[0].Hosts, 1200)
	assert.NotEmpty(t, r.Notes)
}
