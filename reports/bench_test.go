package reports

import (
	"io"
	"testing"

	"sunup/internal/event"
	"sunup/internal/say"
)

// BenchmarkFold folds 1,000 hosts x 50 tasks.
func BenchmarkFold(b *testing.B) {
	events := many(1000, 50).make()
	b.ReportAllocs()
	for b.Loop() {
		Fold(events)
	}
	b.ReportMetric(float64(len(events))/b.Elapsed().Seconds()*float64(b.N), "events/s")
}

// BenchmarkHTML writes the page of 1,000 hosts x 50 tasks.
func BenchmarkHTML(b *testing.B) {
	r := Fold(many(1000, 50).make())
	b.ReportAllocs()
	for b.Loop() {
		n := counter(0)
		if err := WriteHTML(&n, r, say.Korean); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(n), "bytes")
	}
}

// BenchmarkJSON writes report.json of 1,000 hosts x 50 tasks.
func BenchmarkJSON(b *testing.B) {
	r := Fold(many(1000, 50).make())
	for b.Loop() {
		n := counter(0)
		if err := WriteJSON(&n, r); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(n), "bytes")
	}
}

// BenchmarkAnsible prints 1,000 hosts x 50 tasks.
func BenchmarkAnsible(b *testing.B) {
	events := many(1000, 50).make()
	for b.Loop() {
		replay(NewAnsible(io.Discard, DefaultAnsibleOptions()), events)
	}
}

// BenchmarkLiveState follows 1,000 hosts x 50 tasks, with a view each hundred
// events.
func BenchmarkLiveState(b *testing.B) {
	events := many(1000, 50).make()
	for b.Loop() {
		s := newLiveState(say.Korean, false)
		for i, e := range events {
			s.apply(e)
			if i%100 == 0 {
				s.view(e.Time, 100, 30)
			}
		}
	}
}

func replay(s event.Sink, events []event.Event) {
	for _, e := range events {
		s.Emit(e)
	}
}

type counter int

func (c *counter) Write(p []byte) (int, error) { *c += counter(len(p)); return len(p), nil }
