package reports

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"charm.land/lipgloss/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"sunup/internal/event"
	"sunup/internal/say"
)

// TestLiveViewAtMoments shows what the terminal shows at some moments of a run:
// the final lines so far and the region, cut at the width.
func TestLiveViewAtMoments(t *testing.T) {
	for _, c := range []struct {
		name          string
		run           *imagined
		lang          say.Lang
		width, height int
	}{
		{"morning", morning(), say.Korean, 100, 30},
		{"morning", morning(), say.English, 60, 12},
		{"narrow", morning(), say.Korean, 24, 6},
		{"failed", failed(), say.English, 100, 30},
		{"many", many(500, 6), say.Korean, 100, 30},
	} {
		events := c.run.make()
		s := newLiveState(c.lang, false)
		var b strings.Builder
		for i, e := range events {
			for _, l := range s.apply(e) {
				fmt.Fprintln(&b, l.render(false, 0))
			}
			if i%(len(events)/12+1) != len(events)/24 {
				continue
			}
			now := e.Time.Add(2500 * time.Millisecond)
			fmt.Fprintf(&b, "~~~~ %s\n", now.Format("15:04:05.0"))
			for _, l := range s.view(now, c.width, c.height) {
				text := l.render(false, c.width-1)
				assert.Less(t, lipgloss.Width(text), c.width)
				fmt.Fprintln(&b, text)
			}
			assert.LessOrEqual(t, len(s.view(now, c.width, c.height)), c.height-1)
			fmt.Fprintln(&b, "~~~~")
		}
		golden(t, filepath.Join("testdata", "golden", fmt.Sprintf("%s.%s.live.txt", c.name, c.lang)), b.String())
		assert.Empty(t, s.view(events[len(events)-1].Time, c.width, c.height))
	}
}

func TestPlainOutput(t *testing.T) {
	for _, s := range stored {
		for _, lang := range []say.Lang{say.English, say.Korean} {
			var b bytes.Buffer
			l := NewLive(&b, LiveOptions{Lang: lang, Getenv: noEnv})
			for _, e := range s.events() {
				l.Emit(e)
			}
			require.NoError(t, l.Close())
			require.NoError(t, l.Close())
			golden(t, filepath.Join("testdata", "golden", fmt.Sprintf("%s.%s.plain.txt", s.name, lang)), b.String())
			assert.NotContains(t, b.String(), "\x1b")
		}
	}
}

func noEnv(string) string { return "" }

// screen is a terminal that understands what Live writes, and nothing else.
type screen struct {
	mu     sync.Mutex
	rows   []string
	row    int
	writes int
}

var sequence = regexp.MustCompile(`^\x1b\[([0-9;]*)([A-Za-z])`)

func (s *screen) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.rows, "\n")
}

func (s *screen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writes++
	text := string(b)
	column := 0
	for text != "" {
		if m := sequence.FindStringSubmatch(text); m != nil {
			switch n, _ := strconv.Atoi(m[1]); m[2] {
			case "A":
				s.row = max(0, s.row-n)
			case "J":
				s.rows = s.rows[:min(s.row, len(s.rows))]
			case "m":
			default:
				return 0, errors.New("a sequence that is not used: " + m[0])
			}
			text = text[len(m[0]):]
			continue
		}
		c := text[0]
		text = text[1:]
		for len(s.rows) <= s.row {
			s.rows = append(s.rows, "")
		}
		switch c {
		case '\n':
			s.row++
			column = 0
		case '\r':
			column = 0
		default:
			s.rows[s.row] += string([]byte{c})
			column++
		}
	}
	return len(b), nil
}

func TestLiveLeavesOnlyFinalLinesBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &screen{}
		events := morning().make()
		start := events[0].Time
		base := time.Now()
		now := func() time.Time { return start.Add(time.Since(base)) }
		l := NewLive(s, LiveOptions{Lang: say.Korean, Color: true, Getenv: noEnv, Now: now, Size: func() (int, int) { return 80, 24 }})
		seen := ""
		for _, e := range events {
			time.Sleep(e.Time.Sub(now()))
			l.Emit(e)
			if e.Type == event.TypeHostTaskEnded && !strings.Contains(seen, "█") {
				seen = s.text()
			}
		}
		require.NoError(t, l.Close())
		final := s.text()
		assert.Contains(t, seen, "█", "a bar while it runs")
		assert.NotContains(t, final, "█", "none at the end")
		assert.NotContains(t, final, "◔")
		assert.Contains(t, final, "발매기-17")
		assert.Contains(t, final, "현금 모듈이 직렬 포트에서 응답하지 않습니다.")
		length := events[len(events)-1].Time.Sub(start)
		assert.LessOrEqual(t, s.writes, int(length/(100*time.Millisecond))+3, "at most ten times a second")
	})
}

func TestPlainOutputBreaksItsSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b syncBuffer
		l := NewLive(&b, LiveOptions{Getenv: noEnv})
		at := time.Now()
		l.Emit(event.New(1, at, event.RunStarted{Playbooks: []string{"site.yml"}}))
		l.Emit(event.New(2, at, event.PlayStarted{Name: "Web", Hosts: []string{"a", "b"}}))
		l.Emit(event.New(3, at, event.TaskStarted{Name: "Wait for it"}))
		time.Sleep(130 * time.Second)
		assert.Equal(t, 2, strings.Count(b.String(), "still at work after"))
		assert.Contains(t, b.String(), "a (Wait for it) and 1 more")
		require.NoError(t, l.Close())
	})
}

func TestLivePlainIsChosen(t *testing.T) {
	for name, env := range map[string]map[string]string{"CI": {"CI": "true"}, "dumb": {"TERM": "dumb"}} {
		o := LiveOptions{Size: func() (int, int) { return 80, 24 }, Getenv: func(k string) string { return env[k] }}
		assert.True(t, o.withDefaults(&bytes.Buffer{}).Plain, name)
	}
	assert.True(t, LiveOptions{Getenv: noEnv}.withDefaults(&bytes.Buffer{}).Plain, "no terminal")
	o := LiveOptions{Size: func() (int, int) { return 80, 24 }, Getenv: noEnv}
	assert.False(t, o.withDefaults(&bytes.Buffer{}).Plain)
}

func TestLiveKeepsItsFirstError(t *testing.T) {
	l := NewLive(brokenWriter{}, LiveOptions{Getenv: noEnv})
	for _, e := range good().make() {
		l.Emit(e)
	}
	assert.ErrorContains(t, l.Close(), "pipe")
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

func TestShownRowsAfterTheWindowWasMadeNarrower(t *testing.T) {
	assert.Equal(t, 3, shownRows([]int{10, 80, 79}, 80))
	assert.Equal(t, 1+2+2, shownRows([]int{10, 80, 79}, 40))
}

func TestSummaries(t *testing.T) {
	for _, s := range stored {
		for _, lang := range []say.Lang{say.English, say.Korean} {
			var b bytes.Buffer
			require.NoError(t, WriteSummary(&b, Fold(s.events()), SummaryOptions{Lang: lang, Width: 90, Files: []string{"reports/2026-11-21/report.html"}}))
			golden(t, filepath.Join("testdata", "golden", fmt.Sprintf("%s.%s.summary.txt", s.name, lang)), b.String())
		}
	}
}

func TestFitCountsCells(t *testing.T) {
	assert.Equal(t, "발매…", fit("발매기-17", 6))
	assert.Equal(t, "발매기-17", fit("발매기-17", 9))
	assert.Equal(t, "", fit("x", 0))
	assert.Equal(t, "ab ", pad("ab", 3))
	assert.Equal(t, "███░░░", gauge(5, 10, 6))
	assert.Equal(t, "░░", gauge(0, 0, 2))
}
