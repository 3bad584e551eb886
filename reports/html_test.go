package reports

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"sunup/internal/say"
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
		page := pageOf(t, Fold(s.run().make()), say.Korean)
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
