package history

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"

	"sunup/internal/say"
	"sunup/reports"
)

func TestPeriodsAreReadAsPeopleWriteThem(t *testing.T) {
	seoul, err := time.LoadLocation("Asia/Seoul")
	require.NoError(t, err)
	for text, want := range map[string][2]string{
		"2026-10":    {"2026-10-01", "2026-11-01"},
		"2026-12":    {"2026-12-01", "2027-01-01"},
		"2026-W47":   {"2026-11-16", "2026-11-23"},
		"2026-W01":   {"2025-12-29", "2026-01-05"},
		"2026-W53":   {"2026-12-28", "2027-01-04"},
		"2021-W01":   {"2021-01-04", "2021-01-11"},
		"2026-11-21": {"2026-11-21", "2026-11-22"},
		"2028-02-29": {"2028-02-29", "2028-03-01"},
	} {
		p, err := ParsePeriod(text, seoul)
		require.NoError(t, err, text)
		assert.Equal(t, want, [2]string{p.Begin.Format("2006-01-02"), p.End.Format("2006-01-02")}, text)
		assert.Equal(t, 0, p.Begin.Hour()+p.End.Hour())
	}
	for _, text := range []string{"", "2026", "2026-13", "2026-00", "2026-W00", "2026-W54", "2025-W53", "2026-02-29", "2026-11-31", "2026-1", "last", "2026-W4", "2026-10-"} {
		_, err := ParsePeriod(text, time.UTC)
		assert.Error(t, err, text)
	}
}

func FuzzParsePeriod(f *testing.F) {
	f.Add("2026-W47")
	f.Add("2026-10-31")
	f.Fuzz(func(t *testing.T, text string) {
		if p, err := ParsePeriod(text, time.UTC); err == nil && !p.Begin.Before(p.End) {
			t.Fatalf("%q: %v to %v", text, p.Begin, p.End)
		}
	})
}

func TestAPeriodIsSummedUp(t *testing.T) {
	s := openStore(t)
	days(t, s, rand.New(rand.NewPCG(2, 2)), 6)
	took := usual(rand.New(rand.NewPCG(3, 3)), 0.03)
	for i := range 2 {
		morning{id: fmt.Sprintf("bad-%d", i), began: monday.AddDate(0, 0, 4+i).Add(time.Hour), took: took, fails: map[int]string{3: "=cmd()|paper jam 4", 7: "=cmd()|paper jam 8"}}.record(t, s)
	}
	late := morning{id: "late", began: monday.AddDate(0, 0, 6), took: func(step, host int) time.Duration { return 20 * took(step, host) }}
	late.record(t, s)
	week, err := ParsePeriod("2026-W47", time.UTC)
	require.NoError(t, err)
	p, err := Summarise(t.Context(), s, week, DefaultBaseline)
	require.NoError(t, err)
	f := p.Figures
	assert.Equal(t, 9, f.Runs)
	assert.Equal(t, 7, f.Good)
	assert.Equal(t, 6, f.Kept)
	assert.Equal(t, 3, f.Missed)
	assert.InDelta(t, 1.9, f.MedianMinutes, 0.2)
	assert.InDelta(t, 38, f.LongestMinutes, 3)
	require.Len(t, p.Causes, 1)
	assert.Equal(t, 2, p.Causes[0].Runs)
	assert.Equal(t, 4, p.Causes[0].Hosts)
	assert.Len(t, p.Slow, morningSteps)
	assert.Equal(t, "late", p.Runs[len(p.Runs)-1].ID)
	assert.Equal(t, reports.Late, p.Runs[len(p.Runs)-1].Opening)

	for _, w := range reports.PeriodWriters {
		for _, lang := range []say.Lang{say.English, say.Korean} {
			var b bytes.Buffer
			require.NoError(t, w.Write(&b, p, lang), w.File)
			if dir := os.Getenv("SUNUP_PAGES"); dir != "" && w.Format == "html" { // to look at in a browser
				require.NoError(t, os.WriteFile(filepath.Join(dir, "period."+string(lang)+".html"), b.Bytes(), 0o644))
			}
			out := b.String()
			if w.Format == "pdf" {
				assert.True(t, strings.HasPrefix(out, "%PDF-"), "a PDF")
				assert.Contains(t, pdfText(t, b.Bytes()), map[say.Lang]string{say.English: "Failures by cause", say.Korean: "원인별 실패"}[lang])
				continue
			}
			if w.Format == "xlsx" {
				book, err := excelize.OpenReader(&b)
				require.NoError(t, err)
				assert.Len(t, book.GetSheetList(), 4)
				continue
			}
			assert.NotContains(t, out, "%!", w.File)
			if w.File == "period.causes.csv" {
				assert.Contains(t, out, `,'=cmd()|paper jam`, "no formula")
			}
			if w.Format == "text" && lang == say.Korean {
				assert.True(t, strings.HasPrefix(out, "2026-W47 보고서: 2026-11-16 ~ 2026-11-22\n실행 9회 가운데 7회가 모두 기동했습니다. 개장 시각을 지킨 것은 9회 중 6회입니다."), out)
			}
		}
	}
	none, err := ParsePeriod("2020-01", time.UTC)
	require.NoError(t, err)
	p, err = Summarise(t.Context(), s, none, DefaultBaseline)
	require.NoError(t, err)
	var b bytes.Buffer
	require.NoError(t, reports.PeriodWriters[0].Write(&b, p, say.English))
	assert.Contains(t, b.String(), "Nothing was run.")
}

// pdfText is what stands on the pages of a PDF.
func pdfText(t *testing.T, b []byte) string {
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
