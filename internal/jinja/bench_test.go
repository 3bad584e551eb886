package jinja

import (
	"context"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// BenchmarkHaproxy renders a configuration for 100 hosts;
// testdata/bench.py times Python's jinja2 on the same.
func BenchmarkHaproxy(b *testing.B) {
	src, err := os.ReadFile("testdata/haproxy.j2")
	require.NoError(b, err)
	s := MapScope{}
	for k, v := range readJSON(b, "testdata/haproxy.json").All() {
		s[k.(string)] = v
	}
	t, err := NewEnv().Compile("haproxy.j2", string(src))
	require.NoError(b, err)
	ctx := context.Background()
	text, _, err := t.Render(ctx, s)
	require.NoError(b, err)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := t.Render(ctx, s); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkEval evaluates a short string of a playbook.
func BenchmarkEval(b *testing.B) {
	s := testScope(b)
	t, err := NewEnv().Compile("", "/srv/{{ s | lower }}/{{ users[0].name }}")
	require.NoError(b, err)
	ctx := context.Background()
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := t.Eval(ctx, s); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkTruth evaluates a condition.
func BenchmarkTruth(b *testing.B) {
	s := testScope(b)
	x, err := NewEnv().CompileExpr("result.rc == 0 and ver is version('2.9', '>=') and 'web01' in hosts")
	require.NoError(b, err)
	ctx := context.Background()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := x.Truth(ctx, s); err != nil {
			b.Fatal(err)
		}
	}
}
