package local

import (
	"context"
	"testing"

	"sunup/internal/connection"
)

// BenchmarkExec is what the resident shell costs without a network.
func BenchmarkExec(b *testing.B) {
	l := New(connection.Options{})
	defer l.Close()
	c := l.As(connection.Become{})
	b.ReportAllocs()
	for b.Loop() {
		if out, err := c.Exec(context.Background(), connection.Command{Script: "echo hi"}); err != nil || string(out.Stdout) != "hi\n" {
			b.Fatalf("%q %v", out.Stdout, err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "commands/s")
}
