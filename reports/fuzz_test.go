package reports

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sunup/internal/event"
	"sunup/internal/say"
)

// FuzzWriters gives every writer streams that no run would make: none may panic
// or let an escape sequence of a host through.
func FuzzWriters(f *testing.F) {
	files, err := filepath.Glob("testdata/streams/*.jsonl")
	require.NoError(f, err)
	for _, file := range files {
		b, err := os.ReadFile(file)
		require.NoError(f, err)
		for _, part := range bytes.SplitAfter(b, []byte("\n")) {
			f.Add(part)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		events, err := event.ReadAll(bytes.NewReader(in))
		if err != nil || len(events) == 0 {
			return
		}
		a := NewAnsible(io.Discard, AnsibleOptions{Verbosity: 3, Color: true, CustomStats: true, DiffContext: 3, OKHosts: true, SkippedHosts: true, CheckMarkers: true, ArgsToStdout: true})
		s := newLiveState(say.Korean, true)
		for _, e := range events {
			a.Emit(e)
			for _, l := range s.apply(e) {
				noEscape(t, l.render(false, 0))
			}
			for _, l := range s.view(e.Time.Add(time.Hour), 40, 10) {
				noEscape(t, l.render(false, 39))
			}
			s.heartbeat(e.Time)
		}
		r := Fold(events)
		var page, summary bytes.Buffer
		require.NoError(t, WriteHTML(&page, r, say.English))
		require.NoError(t, WriteSummary(&summary, r, SummaryOptions{}))
		noEscape(t, page.String())
		noEscape(t, summary.String())
		for _, w := range Writers {
			// These take milliseconds each; single events are no reports.
			if len(events) < 3 && (w.Format == "pdf" || w.Format == "xlsx") {
				continue
			}
			require.NoError(t, w.Write(io.Discard, Source{Report: r, Lang: say.Korean, Events: walk(events)}), w.File)
		}
	})
}

func noEscape(t *testing.T, s string) {
	if bytes.ContainsAny([]byte(s), "\x1b\x07\x08\x00") {
		t.Fatalf("a control character came through: %q", s)
	}
}
