package jinja

import (
	"context"
	"testing"

	"sunup/internal/value"
)

func TestSmoke(t *testing.T) {
	e := NewEnv()
	scope := MapScope{"x": 5, "s": "abc", "l": value.NewList(1, 2, 3), "d": value.NewDict("a", 1, "items", 2)}
	for _, src := range []string{
		"{{ x }}", "{{ x + 1 }}", "a{{ x }}b", "{{ l }}", "{{ l|map('string')|list }}", "{{ d.a }} {{ d['items'] }}",
		"{% for i in l %}{{ loop.index }}:{{ i }}{% if not loop.last %}, {% endif %}{% endfor %}",
		"{% macro m(a, b=2) %}[{{ a }}, {{ b }}]{% endmacro %}{{ m(1)[1] }}",
		"{{ nope }}", "{{ nope|default('z') }}", "{{ s.upper()[::-1] }}", "{{ '%05.2f|%s' % (3.14159, 'x') }}",
		"{{ 'abc' | regex_replace('(b)', '<\\1>') }}", "{{ l | sum }}", "{{ 'p'|password_hash('sha512','salt') }}",
		"{% set ns = namespace(a=1) %}{% for i in l %}{% set ns.a = ns.a + i %}{% endfor %}{{ ns.a }}",
		"{{ 2**100 }}", "{{ 7 // -2 }} {{ 7 % -2 }} {{ 1e16 }} {{ 0.1 + 0.2 }}",
	} {
		tpl, err := e.Compile("t", src)
		if err != nil {
			t.Logf("%s => COMPILE %v", src, err)
			continue
		}
		v, u, err := tpl.Eval(context.Background(), scope)
		t.Logf("%s => %s %v %v", src, value.Repr(v), u, err)
	}
}
