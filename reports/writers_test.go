package reports

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"

	"sunup/internal/event"
	"sunup/internal/say"
	"sunup/internal/value"
)

// walk gives events as writers take them.
func walk(events []event.Event) iter.Seq2[event.Event, error] {
	return func(yield func(event.Event, error) bool) {
		for _, e := range events {
			if !yield(e, nil) {
				return
			}
		}
	}
}

func sourceOf(events []event.Event, lang say.Lang) Source {
	return Source{Report: Fold(events), Lang: lang, Events: walk(events)}
}

// languageOf reads half of the stored runs in each language.
func languageOf(name string) say.Lang {
	switch name {
	case "morning", "cancelled", "resumed", "recorded-quarantined", "recorded-resumed":
		return say.Korean
	}
	return say.English
}

func writtenBy(t testing.TB, w Writer, s Source) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, w.Write(&b, s), w.File)
	return b.Bytes()
}

// TestFilesAreAsReviewed compares what every writer makes of the stored runs
// with what somebody has looked at. A workbook is compared as the text of its
// sheets, a PDF as the text on its pages.
func TestFilesAreAsReviewed(t *testing.T) {
	for _, s := range stored {
		for _, w := range Writers {
			t.Run(s.name+"/"+w.File, func(t *testing.T) {
				have := writtenBy(t, w, sourceOf(s.events(), languageOf(s.name)))
				file := filepath.Join("testdata", "golden", s.name+strings.TrimPrefix(w.File, "report"))
				switch w.Format {
				case "html", "json", "text": // have tests of their own
				case "xlsx":
					golden(t, file+".txt", bookText(t, have))
				case "pdf":
					golden(t, file+".txt", pdfText(t, have))
				default:
					golden(t, file, string(have))
				}
			})
		}
	}
}

// bookText is every cell of a workbook as it is shown.
func bookText(t testing.TB, b []byte) string {
	t.Helper()
	f, err := excelize.OpenReader(bytes.NewReader(b))
	require.NoError(t, err)
	defer f.Close()
	var out strings.Builder
	for _, sheet := range f.GetSheetList() {
		fmt.Fprintf(&out, "== %s\n", sheet)
		rows, err := f.GetRows(sheet)
		require.NoError(t, err)
		for _, row := range rows {
			for i := range row {
				row[i] = strings.ReplaceAll(row[i], "\n", "⏎")
			}
			out.WriteString(strings.Join(row, " | ") + "\n")
		}
	}
	return out.String()
}

// pdfText is the text on the pages of a PDF, by pdftotext of poppler.
func pdfText(t testing.TB, b []byte) string {
	t.Helper()
	if _, err := exec.LookPath("pdftotext"); err != nil {
		t.Skip("pdftotext (Debian: poppler-utils) is not installed")
	}
	cmd := exec.Command("pdftotext", "-layout", "-enc", "UTF-8", "-", "-")
	cmd.Stdin = bytes.NewReader(b)
	out, err := cmd.Output()
	require.NoError(t, err)
	return string(out)
}

func TestWritersOf(t *testing.T) {
	writers, unknown := WritersOf([]string{"Excel", " csv", "md"})
	assert.Empty(t, unknown)
	var files []string
	for _, w := range writers {
		files = append(files, w.File)
	}
	assert.Equal(t, []string{"report.md", "report.results.csv", "report.hosts.csv", "report.plays.csv", "report.tasks.csv", "report.failures.csv", "report.quarantine.csv", "report.changes.csv", "report.unusual.csv", "report.gathered.csv", "report.xlsx"}, files)
	_, unknown = WritersOf([]string{"html", "docx"})
	assert.Equal(t, "docx", unknown)
	all, _ := WritersOf([]string{"all"})
	assert.Len(t, all, len(Writers))
	seen := map[string]bool{}
	for _, w := range Writers {
		assert.False(t, seen[w.File], "%s is written twice", w.File)
		seen[w.File] = true
	}
}

// evil is a run whose host says everything that could harm somebody's office.
func evil() []event.Event {
	m := newImagined("=cmd|' /C calc'!A0.yml")
	says := []string{
		"=HYPERLINK(\"http://x\",\"click\")", "+1+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "＝1+1", " =1",
		"\x1b[31mred\x1b[0m \x07bell \x00nul \u202eright to left", "<script>alert(1)</script>", "]]> --> ```", "a | b \\ c",
		strings.Repeat("가", 40_000), strings.Repeat("😀", 20_000), "\xc7\xf6\xb1\xdd \xb8\xf0\xb5\xe2", "line\r\nline\nline", "\ufffe\uffff",
	}
	hosts := names("h%02d", len(says))
	hosts[0] = "=1+1"
	text := map[string]string{}
	for i, h := range hosts {
		text[h] = says[i]
	}
	m.plays = []imaginedPlay{{PlayStarted: event.PlayStarted{Name: "+play", Hosts: hosts, Owner: "@owner", Zones: map[string]string{hosts[0]: "-zone"}}, quarantine: true, tasks: []imaginedTask{{
		name: "=task", module: "command", took: time.Second, end: func(h string) (event.Outcome, event.Result) {
			return event.Failed, event.Result{Values: value.NewDict("rc", 1, "stdout", text[h], "stderr", text[h], "msg", text[h], "cmd", text[h])}
		},
	}}}}
	return m.make()
}

func TestCellsAreNoFormulas(t *testing.T) {
	source := sourceOf(evil(), say.English)
	check := func(where, cell string) {
		t.Helper()
		assert.LessOrEqual(t, len(utf16Units(cell)), maxCell, where)
		for _, begin := range []string{"=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠"} {
			assert.False(t, strings.HasPrefix(cell, begin), "%s: %.40q", where, cell)
		}
		assert.NotContains(t, cell, "\x1b", where)
		assert.NotContains(t, cell, "\x00", where)
	}
	for _, w := range Writers {
		switch w.Format {
		case "csv":
			b := writtenBy(t, w, source)
			require.True(t, bytes.HasPrefix(b, []byte(byteOrderMark)))
			rows, err := csv.NewReader(bytes.NewReader(b[len(byteOrderMark):])).ReadAll()
			require.NoError(t, err)
			for _, row := range rows {
				for _, cell := range row {
					check(w.File, cell)
				}
			}
		case "xlsx":
			f, err := excelize.OpenReader(bytes.NewReader(writtenBy(t, w, source)))
			require.NoError(t, err)
			defer f.Close()
			for _, sheet := range f.GetSheetList() {
				rows, err := f.GetRows(sheet)
				require.NoError(t, err)
				for y, row := range rows {
					for x, cell := range row {
						check(sheet, cell)
						name, _ := excelize.CoordinatesToCellName(x+1, y+1)
						formula, err := f.GetCellFormula(sheet, name)
						require.NoError(t, err)
						assert.Empty(t, formula, "%s!%s", sheet, name)
					}
				}
			}
		}
	}
}

func utf16Units(s string) []uint16 {
	var out []uint16
	for _, r := range s {
		out = append(out, 0)
		if r > 0xffff {
			out = append(out, 0)
		}
	}
	return out
}

func TestOldKoreanOutputIsRead(t *testing.T) {
	assert.Equal(t, "현금 모듈", safeText("\xc7\xf6\xb1\xdd \xb8\xf0\xb5\xe2"))
	assert.Equal(t, "현금 모듈\n현금", safeText("현금 모듈\n\xc7\xf6\xb1\xdd"), "a log in both")
	assert.Equal(t, "⟨ff⟩x", safeText("\xffx"), "neither")
	found := false
	for _, f := range Fold(evil()).Failures {
		found = found || f.Stdout == "현금 모듈"
	}
	assert.True(t, found)
}

func TestNumbersAreNumbersInTheWorkbook(t *testing.T) {
	w := writerOf(t, "xlsx")
	f, err := excelize.OpenReader(bytes.NewReader(writtenBy(t, w, sourceOf(morning().make(), say.English))))
	require.NoError(t, err)
	defer f.Close()
	raw := excelize.Options{RawCellValue: true}
	for cell, want := range map[string]string{"A2": "표db-1", "F2": "ok", "G2": "46347.354", "H2": "0.132"} {
		have, err := f.GetCellValue("Results", cell, raw)
		require.NoError(t, err)
		if cell == "G2" {
			have = have[:len(want)]
		}
		assert.Equal(t, want, have, cell)
	}
	for _, cell := range []string{"G2", "H2"} {
		kind, err := f.GetCellType("Results", cell)
		require.NoError(t, err)
		assert.Contains(t, []excelize.CellType{excelize.CellTypeNumber, excelize.CellTypeUnset}, kind, cell)
	}
	shown, err := f.GetCellValue("Results", "G2")
	require.NoError(t, err)
	assert.Equal(t, "2026-11-21 08:30:00", shown)
}

// TestWorkbookOpensInLibreOffice has LibreOffice read each workbook and write
// the results sheet as CSV, which must be what we wrote.
func TestWorkbookOpensInLibreOffice(t *testing.T) {
	office, err := exec.LookPath("soffice")
	if err != nil {
		t.Skip("soffice (Debian: libreoffice-calc-nogui) is not installed")
	}
	dir := t.TempDir()
	w := writerOf(t, "xlsx")
	args := []string{"-env:UserInstallation=file://" + dir + "/profile", "--headless", "--convert-to", `csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false,false,false,-1`, "--outdir", dir}
	for name, events := range map[string][]event.Event{"morning": morning().make(), "evil": evil()} {
		file := filepath.Join(dir, name+".xlsx")
		require.NoError(t, os.WriteFile(file, writtenBy(t, w, sourceOf(events, say.English)), 0o600))
		args = append(args, file)
	}
	out, err := exec.Command(office, args...).CombinedOutput()
	require.NoError(t, err, string(out))
	results := readFile(t, filepath.Join(dir, "morning-Results.csv"))
	assert.Equal(t, 1+len(resultRows(morning().make())), strings.Count(results, "\n"))
	assert.Contains(t, results, `발매기-17,서관,발매기,자체 점검,ansible.builtin.command,failed,2026-11-21 08:3`)
	failures := readFile(t, filepath.Join(dir, "evil-Failures.csv"))
	assert.Contains(t, failures, `'=HYPERLINK(`)
	assert.NotContains(t, failures, "Err:")
}

func resultRows(events []event.Event) (rows [][]string) {
	for _, h := range Fold(events).Hosts {
		for range h.Cells {
			rows = append(rows, nil)
		}
	}
	return rows
}

func TestLongTablesContinueOnAnotherSheet(t *testing.T) {
	b, err := newBook(Source{Report: &Report{}, Lang: say.English})
	require.NoError(t, err)
	defer b.file.Close()
	many := table{Name: "n", Title: say.Plain("N"), Columns: []column{{say.Plain("a"), 5}}, Rows: func(yield func([]any) bool) {
		row := []any{1}
		for range excelize.TotalRows + 1 {
			if !yield(row) {
				return
			}
		}
	}}
	if testing.Short() {
		t.Skip("a million rows: not with -short")
	}
	require.NoError(t, b.table(many))
	assert.Equal(t, []string{"N", "N 2"}, b.file.GetSheetList())
}

func TestJUnitIsCounted(t *testing.T) {
	w := writerOf(t, "junit")
	for _, s := range append([]struct {
		name   string
		events func() []event.Event
	}{{"evil", evil}}, stored...) {
		var doc struct {
			Tests    int `xml:"tests,attr"`
			Failures int `xml:"failures,attr"`
			Errors   int `xml:"errors,attr"`
			Skipped  int `xml:"skipped,attr"`
			Suites   []struct {
				Tests int `xml:"tests,attr"`
				Cases []struct {
					Class   string    `xml:"classname,attr"`
					Failure *struct{} `xml:"failure"`
					Error   *struct{} `xml:"error"`
					Skipped *struct{} `xml:"skipped"`
				} `xml:"testcase"`
			} `xml:"testsuite"`
		}
		source := sourceOf(s.events(), say.English)
		require.NoError(t, xml.Unmarshal(writtenBy(t, w, source), &doc), s.name)
		tests, failures, errs, skipped := 0, 0, 0, 0
		for _, suite := range doc.Suites {
			assert.Len(t, suite.Cases, suite.Tests)
			tests += len(suite.Cases)
			for _, c := range suite.Cases {
				failures += count(c.Failure)
				errs += count(c.Error)
				skipped += count(c.Skipped)
			}
		}
		assert.Equal(t, []int{tests, failures, errs, skipped}, []int{doc.Tests, doc.Failures, doc.Errors, doc.Skipped}, s.name)
		assert.Len(t, resultRows(s.events()), tests)
	}
}

func count(p *struct{}) int {
	if p == nil {
		return 0
	}
	return 1
}

// The grammar of the text format of Prometheus.
var (
	seriesLine = regexp.MustCompile(`^([a-zA-Z_:][a-zA-Z0-9_:]*)\{((?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\\\|\\"|\\n)*",?)*)\} (-?[0-9.]+)$`)
	metaLine   = regexp.MustCompile(`^# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) .+$`)
)

func TestMetricsFollowTheGrammar(t *testing.T) {
	w := writerOf(t, "prom")
	for _, s := range append([]struct {
		name   string
		events func() []event.Event
	}{{"evil", evil}}, stored...) {
		seen, typed, family := map[string]bool{}, map[string]bool{}, ""
		text := string(writtenBy(t, w, sourceOf(s.events(), say.Korean)))
		require.True(t, strings.HasSuffix(text, "\n"))
		for line := range strings.Lines(text) {
			line = strings.TrimSuffix(line, "\n")
			if m := metaLine.FindStringSubmatch(line); m != nil {
				if m[1] == "TYPE" {
					assert.False(t, typed[m[2]], "%s: one family, one place", m[2])
					typed[m[2]], family = true, m[2]
				}
				continue
			}
			m := seriesLine.FindStringSubmatch(line)
			if assert.NotNil(t, m, "%s: %s", s.name, line) {
				assert.Equal(t, family, m[1], "series stand under their family")
				assert.False(t, seen[m[1]+m[2]], "%s is there twice", line)
				seen[m[1]+m[2]] = true
			}
		}
	}
}

// Prometheus's own tool finds nothing to complain of, not even of style.
func TestMetricsAreReadByPrometheus(t *testing.T) {
	tool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("left out: promtool is not installed")
	}
	w := writerOf(t, "prom")
	for _, s := range append([]struct {
		name   string
		events func() []event.Event
	}{{"evil", evil}}, stored...) {
		check := exec.Command(tool, "check", "metrics")
		check.Stdin = bytes.NewReader(writtenBy(t, w, sourceOf(s.events(), say.Korean)))
		out, err := check.CombinedOutput()
		assert.NoError(t, err, "%s: %s", s.name, out)
		assert.Empty(t, string(out), s.name)
	}
}

func TestMarkdownFences(t *testing.T) {
	assert.Equal(t, "````sh\nx ``` y\n````", fenced("sh", "x ``` y\n"))
	text := string(writtenBy(t, writerOf(t, "md"), sourceOf(evil(), say.English)))
	text = regexp.MustCompile("(?ms)^(`{3,})[a-z]*$.*?^`{3,}$").ReplaceAllString(text, "")
	assert.NotContains(t, text, "<script>")
	assert.NotContains(t, text, "\x1b")
}

func TestAnsibleJSONNeedsEvents(t *testing.T) {
	err := WriteAnsibleJSON(io.Discard, Source{Report: Fold(nil)})
	assert.ErrorIs(t, err, ErrNoEvents)
	broken := func(yield func(event.Event, error) bool) { yield(event.Event{}, io.ErrUnexpectedEOF) }
	err = WriteAnsibleJSON(io.Discard, Source{Report: Fold(nil), Events: broken})
	assert.ErrorIs(t, err, io.ErrUnexpectedEOF)
}

func TestAnsibleJSONHasTheLaterEndOfAResumedRun(t *testing.T) {
	w := writerOf(t, "ansible-json")
	var doc struct {
		Plays []struct {
			Play  struct{ Name string }
			Tasks []struct {
				Task  struct{ Name string }
				Hosts map[string]map[string]any
			}
		}
	}
	require.NoError(t, json.Unmarshal(writtenBy(t, w, sourceOf(resumedEvents(), say.English)), &doc))
	require.Len(t, doc.Plays, 4)
	start := doc.Plays[1].Tasks[2]
	assert.Equal(t, "ticket : ticketd 기동", start.Task.Name)
	assert.Len(t, start.Hosts, 3)
	assert.Equal(t, true, start.Hosts["ticket-2"]["changed"])
}

// TestWritersTellOfAFullDisk holds that no writer loses an error.
func TestWritersTellOfAFullDisk(t *testing.T) {
	source := sourceOf(morning().make(), say.English)
	for _, w := range Writers {
		size := len(writtenBy(t, w, source))
		for _, room := range []int{0, size / 2, size - 1} {
			assert.ErrorIs(t, w.Write(&fullDisk{room: room}, source), errFull, "%s with room for %d of %d", w.File, room, size)
		}
	}
}

var errFull = errors.New("no space left on device")

type fullDisk struct{ room int }

func (d *fullDisk) Write(b []byte) (int, error) {
	if len(b) > d.room {
		n := d.room
		d.room = 0
		return n, errFull
	}
	d.room -= len(b)
	return len(b), nil
}

// TestPagesShowWhatTheFontLacks: a letter that is not there would be an
// empty box, or nothing at all.
func TestPagesShowWhatTheFontLacks(t *testing.T) {
	text := pdfText(t, writtenBy(t, writerOf(t, "pdf"), sourceOf(evil(), say.Korean)))
	assert.Contains(t, text, "현금 모듈", "CP949")
	assert.Contains(t, text, "□□□", "emoji have no place in the font")
	assert.NotContains(t, text, "\x1b")
	face, err := loadTypeface()
	require.NoError(t, err)
	p := newPaper(face, "", "", time.Time{})
	for r := '가'; r <= '힣'; r++ {
		require.True(t, p.has(r), "%c", r)
	}
	for _, words := range words {
		for _, r := range words.In(say.Korean) + words.In(say.English) {
			assert.True(t, p.has(r), "%c", r)
		}
	}
	assert.Contains(t, FontLicence, "SIL OPEN FONT LICENSE")
}

// writerOf is the writer of a format that has one file.
func writerOf(t testing.TB, format string) Writer {
	t.Helper()
	writers, _ := WritersOf([]string{format})
	require.Len(t, writers, 1)
	return writers[0]
}

// TestTheSameReportMakesTheSameFile: files are compared and archived.
func TestTheSameReportMakesTheSameFile(t *testing.T) {
	for _, w := range Writers {
		if w.Format == "xlsx" {
			continue // the parts of the archive stand in any order
		}
		source := sourceOf(failed().make(), say.Korean)
		assert.True(t, bytes.Equal(writtenBy(t, w, source), writtenBy(t, w, source)), w.File)
	}
}

// TestReportsAreReadBack holds that a report.json makes the same files as the
// events that it was made from.
func TestReportsAreReadBack(t *testing.T) {
	for _, s := range stored {
		source := sourceOf(readStream(t, "testdata/streams/"+s.name+".jsonl"), say.Korean)
		var first bytes.Buffer
		require.NoError(t, WriteJSON(&first, source.Report))
		read, err := ReadJSON(bytes.NewReader(first.Bytes()))
		require.NoError(t, err)
		again := Source{Report: read, Lang: say.Korean, Events: source.Events}
		for _, w := range Writers {
			if w.Format == "xlsx" || w.Format == "pdf" {
				continue // compressed
			}
			assert.Equal(t, string(writtenBy(t, w, source)), string(writtenBy(t, w, again)), "%s of %s", w.File, s.name)
		}
	}
}

// Sheets are written row by row and never read back: a workbook of 100,000 rows
// takes no more memory than one of a hundred.
func TestWorkbookIsStreamed(t *testing.T) {
	b, err := newBook(sourceOf(morning().make(), say.Korean))
	require.NoError(t, err)
	defer b.file.Close()
	require.NoError(t, b.fill())
	b.file.Sheet.Range(func(path, _ any) bool {
		t.Errorf("%v is in memory", path)
		return true
	})
	assert.Equal(t, 0, b.file.GetActiveSheetIndex(), "it opens with the summary")
}

// The PDF has a title, its language and a bookmark for each part, for those who
// find their way by them.
func TestPDFHasTitleLanguageAndBookmarks(t *testing.T) {
	if _, err := exec.LookPath("pdfinfo"); err != nil {
		t.Skip("left out: pdfinfo (poppler-utils) is not installed")
	}
	file := filepath.Join(t.TempDir(), "report.pdf")
	raw := writtenBy(t, writerOf(t, "pdf"), sourceOf(morning().make(), say.Korean))
	require.NoError(t, os.WriteFile(file, raw, 0o600))
	out, err := exec.Command("pdfinfo", "-enc", "UTF-8", file).CombinedOutput()
	require.NoError(t, err, string(out))
	assert.Regexp(t, `Title: +.*아침 기동`, string(out))
	assert.Contains(t, string(raw), "/Lang (ko)")
	assert.GreaterOrEqual(t, bytes.Count(raw, []byte("/Title ")), 8, "a bookmark for each part")
}
