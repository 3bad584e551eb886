package history

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"sunup/internal/event"
	"sunup/internal/say"
)

// month is a comparison with 20 mornings: one host is always slow, one is set
// aside again and again, and a step is slower today.
func month() Comparison {
	random := rand.New(rand.NewPCG(11, 11))
	digest := func(day int, factor int) Digest {
		normal := usual(random, 0.03)
		m := morning{id: fmt.Sprintf("20261116T0830%02d-7f3a", day), began: monday.AddDate(0, 0, day), took: func(step, host int) time.Duration {
			took := normal(step, host)
			if host == 6 {
				took *= 2
			}
			if step == 5 {
				took = took * time.Duration(factor) / 100
			}
			return took
		}}
		d := DigestOf(m.report())
		d.Machines[3].Aside = day%2 == 0
		if day == 7 {
			d.Outcome = event.Failed
		}
		return d
	}
	var past Past
	for day := 19; day >= 0; day-- {
		past.Runs = append(past.Runs, digest(day, 100))
	}
	return Compare(digest(20, 140), past, DefaultBaseline)
}

func pageOf(t *testing.T, c Comparison, lang say.Lang) string {
	t.Helper()
	var b strings.Builder
	require.NoError(t, WritePage(&b, c, lang))
	return b.String()
}

func TestThePageNamesWhatWasSlowedFirst(t *testing.T) {
	c := month()
	require.Len(t, c.Slowed, 1)
	require.Len(t, c.Aside, 1)
	page := pageOf(t, c, say.Korean)
	assert.Contains(t, page, `<html lang="ko">`)
	last := 0
	for _, want := range []string{
		"One step was slowed down: Step 1, by", "느려진 단계 1개: Step 1", `id="slowed"`, "▲ &#43;", `id="hosts"`, "kiosk07", "slow in 21 of 21 runs", "kiosk04", "◧", "21회 중 11회 격리",
		`id="trend"`, "<svg xmlns", "✗", `id="times"`, "All steps",
	} {
		i := strings.Index(page[last:], want)
		require.GreaterOrEqual(t, i, 0, "%q after what is told before it", want)
		last += i
	}
	assert.Equal(t, 2*2*20, strings.Count(page, "<circle"), "both plots in both languages")
	assert.Equal(t, 2*2, strings.Count(page[strings.Index(page, "<body>"):], `stroke="#c81e1e"`), "the run that failed is a cross")
	assert.Contains(t, page, "21회 중 21회 느림 (같은 역할의 2.0배)")
	assert.NotContains(t, page, "%!", "every text has what it names")
	if dir := os.Getenv("SUNUP_PAGES"); dir != "" { // to look at in a browser
		require.NoError(t, os.WriteFile(filepath.Join(dir, "compare.ko.html"), []byte(page), 0o644))
		require.NoError(t, os.WriteFile(filepath.Join(dir, "compare.en.html"), []byte(pageOf(t, c, say.English)), 0o644))
	}
}

func TestThePageOfAFirstRun(t *testing.T) {
	c := Compare(DigestOf(morning{id: "first", began: monday, took: usual(rand.New(rand.NewPCG(1, 2)), 0.03)}.report()), Past{}, DefaultBaseline)
	page := pageOf(t, c, say.English)
	assert.Contains(t, page, "There is no earlier run to compare it with.")
	assert.NotContains(t, page, "No step was much slower")
}

func TestThePageShowsNamesAsText(t *testing.T) {
	c := month()
	c.Slowed[0].Name, c.Slowed[0].Host = "<script>alert(1)</script>\x1b[31m", "<b>x</b>"
	c.SlowHosts[0].Host = "\x1b]0;x\a<i>"
	page := pageOf(t, c, say.English)
	for _, bad := range []string{"<script>alert", "\x1b", "<b>x</b>", "\a", "<i>"} {
		assert.NotContains(t, page, bad)
	}
}

func TestComparisonsAreWrittenInEveryFormat(t *testing.T) {
	writers, unknown := WritersOf([]string{"all"})
	assert.Empty(t, unknown)
	assert.Len(t, writers, len(Writers))
	_, unknown = WritersOf([]string{"html", "docx"})
	assert.Equal(t, "docx", unknown)
	var b strings.Builder
	require.NoError(t, writeJSON(&b, month(), say.English))
	var read Comparison
	require.NoError(t, json.Unmarshal([]byte(b.String()), &read))
	assert.Equal(t, "Step 1", read.Slowed[0].Name)
}
