package reports

import (
	"bytes"
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
	for name, m := range map[string]*imagined{"many500": many(500, 30), "morning": morning(), "failed": failed(), "good": good(), "cancelled": cancelled()} {
		r := Fold(m.make())
		for _, lang := range []say.Lang{say.English, say.Korean} {
			require.NoError(t, os.WriteFile(filepath.Join(dir, name+"."+string(lang)+".html"), []byte(pageOf(t, r, lang)), 0o644))
		}
	}
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
