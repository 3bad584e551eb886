package jinja

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"
)

func seeds(f *testing.F) {
	data, err := os.ReadFile("testdata/expressions.txt")
	if err != nil {
		f.Fatal(err)
	}
	for _, line := range strings.Split(string(data), "\n") {
		f.Add("{{ " + line + " }}")
	}
	for _, body := range templateCases(f) {
		f.Add(body)
	}
}

// FuzzCompile reads anything as a template.
func FuzzCompile(f *testing.F) {
	seeds(f)
	e := NewEnv()
	f.Fuzz(func(t *testing.T, src string) {
		if _, err := e.Compile("fuzz", src); err != nil && err.Error() == "" {
			t.Error("an error without words")
		}
		_, _ = e.CompileExpr(src)
	})
}

// FuzzEval evaluates anything that compiles, within small limits.
func FuzzEval(f *testing.F) {
	seeds(f)
	e := smallEnv()
	s := testScope(f)
	f.Fuzz(func(t *testing.T, src string) {
		if strings.Contains(src, "password_hash") {
			return
		}
		tpl, err := e.Compile("fuzz", src)
		if err != nil {
			return
		}
		begin := time.Now()
		_, _, _ = tpl.Eval(context.Background(), s)
		_, _, _ = tpl.Render(context.Background(), s)
		if took := time.Since(begin); took > 15*time.Second {
			t.Errorf("took %s", took)
		}
	})
}
