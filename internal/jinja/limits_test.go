package jinja

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"sunup/internal/value"
)

// smallEnv has limits that a bomb reaches in a moment.
func smallEnv() *Env {
	e := testEnv()
	e.Limits = Limits{Steps: 200_000, Bytes: 1 << 20, Depth: 60}
	return e
}

func TestBombsEndWithAnError(t *testing.T) {
	for _, src := range []string{
		"{{ 'a' * 10 ** 9 }}",
		"{{ [0] * 10 ** 9 }}",
		"{{ range(10 ** 9) | list }}",
		"{% for i in range(10 ** 12) %}{{ i }}{% endfor %}",
		"{% for i in range(10000) %}{% for j in range(10000) %}{% endfor %}{% endfor %}",
		"{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
		"{% set ns = namespace(s='x') %}{% for i in range(64) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}",
		"{% set ns = namespace(l=[1]) %}{% for i in range(64) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l }}",
		"{% set ns = namespace(l=[1]) %}{% for i in range(64) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l | to_json }}",
		"{% set ns = namespace(l=[1]) %}{% for i in range(64) %}{% set ns.l = ns.l + ns.l %}{% endfor %}",
		"{{ '%1000000000d' % 1 }}",
		"{{ '{:>1000000000}'.format(1) }}",
		"{{ 'x'.center(1000000000) }}",
		"{{ 2 ** (2 ** 40) }}",
		"{{ 10 ** 10000000 }}",
		"{{ [[1,2,3,4,5,6,7,8,9,10]] * 12 | product | list }}",
		"{{ range(30) | permutations | list }}",
		"{{ range(60) | combinations(30) | list }}",
		"{{ range(1000) | product(range(1000), range(1000)) | list }}",
		"{{ ('a' * 1000) | replace('a', 'b' * 10000) }}",
		"{{ 'a' * 100000 | regex_replace('a', 'b' * 1000) }}",
		"{% set nl = '\\n' %}{{ (nl * 10000) | indent(100000, blank=true) }}",
		"{{ '1' | zfill }}{{ 'x'.ljust(10 ** 10) }}",
		"{{ lipsum(10 ** 9) }}",
		"{% include 'loop.j2' %}",
		"{{ 'x' | comment(prefix_count=10 ** 9) }}",
		"{{ [1] | batch(10 ** 9, 'x') | list }}",
		"{{ [1] | slice(10 ** 9) | list }}",
		"{{ " + strings.Repeat("(", 5000) + "1" + strings.Repeat(")", 5000) + " }}",
		"{{ " + strings.Repeat("-", 5000) + "1 }}",
		"{{ " + strings.Repeat("not ", 5000) + "1 }}",
		"{{ " + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + " }}",
		"{{ x" + strings.Repeat(".x", 5000) + " }}",
		"{{ x" + strings.Repeat(" | upper", 5000) + " }}",
		strings.Repeat("{% if x %}", 5000),
		"{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}",
		"{% set l = [] %}{% set _ = l.append(l) %}",
		"{% set d = {} %}{% set _ = d.update({'x': [d]}) %}",
	} {
		name := src[:min(len(src), 60)]
		t.Run(name, func(t *testing.T) {
			begin := time.Now()
			e := smallEnv()
			load := e.Loader
			e.Loader = func(name string) (string, string, error) {
				if name == "loop.j2" {
					return "{% include 'loop.j2' %}", name, nil
				}
				return load(name)
			}
			tpl, err := e.Compile("bomb", src)
			if err == nil {
				_, _, err = tpl.Eval(context.Background(), MapScope{"x": 1})
			}
			require.Error(t, err)
			assert.Less(t, time.Since(begin), 20*time.Second)
		})
	}
}

func TestRegexBombEnds(t *testing.T) {
	tpl, err := smallEnv().Compile("", `{{ ('a' * 40) is match('(a+)+$b') }}{{ (('a' * 5000) ~ 'b') | regex_search('(a|a|aa)*c') }}`)
	require.NoError(t, err)
	_, _, err = tpl.Eval(context.Background(), MapScope{})
	require.Error(t, err)
}

func TestCancelEndsAnEvaluation(t *testing.T) {
	tpl, err := testEnv().Compile("", "{% for i in range(10 ** 9) %}{% for j in range(1000) %}{% endfor %}{% endfor %}")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, _, err = tpl.Eval(ctx, MapScope{})
	var e *Error
	require.True(t, errors.As(err, &e))
	assert.Equal(t, KindCancelled, e.Kind)
}

// cancelScope ends the context when a variable is looked up.
type cancelScope struct{ cancel func() }

func (s cancelScope) Lookup(name string) (any, bool, bool, error) {
	s.cancel()
	return 1, name == "x", false, nil
}

func TestCancelInTheMiddle(t *testing.T) {
	tpl, err := testEnv().Compile("", "{{ x }}{% for i in range(10 ** 6) %}{% endfor %}")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	_, _, err = tpl.Eval(ctx, cancelScope{cancel})
	require.ErrorIs(t, err, context.Canceled)
}

func TestUnsafeIsReported(t *testing.T) {
	s := MapScope{
		"plain": "x", "marked": value.Unsafe("{{ y }}"),
		"deep": value.NewDict("a", value.NewList(value.Unsafe("z")), "b", 1),
	}
	for src, want := range map[string]bool{
		"{{ plain }}": false, "{{ marked }}": true, "a{{ marked }}": true, "{{ deep.b }}": true,
		"{{ deep.a[0] }}": true, "{% for x in deep.a %}{{ x }}{% endfor %}": true, "{{ 1 if marked else 2 }}": true,
		"{{ lookup('x') }}": true, "{{ query('x') }}": true, "{{ lookup('x', allow_unsafe=true) }}": false,
	} {
		e := NewEnv()
		e.Lookup = func(*Call, string, []any, *value.Dict) (any, error) { return value.NewList("v"), nil }
		tpl, err := e.Compile("", src)
		require.NoError(t, err, src)
		v, unsafe, err := tpl.Eval(context.Background(), s)
		require.NoError(t, err, src)
		assert.Equal(t, want, unsafe, src)
		assert.NotContains(t, fmt.Sprintf("%T", v), "Unsafe", src)
	}
}

func TestVariablesAreNotChanged(t *testing.T) {
	s := testScope(t)
	before := value.Repr(value.FromMap(s))
	for _, src := range []string{
		"{% set _ = nums.append(4) %}{{ nums }}", "{{ d.update({'z': 1}) }}{{ d }}", "{{ users[0].groups.append('x') }}",
		"{{ nums.sort() }}", "{{ deep.x.y.z.pop() }}", "{{ (nums | attr('append'))(5) }}",
		"{% for u in users %}{{ u.pop('name') }}{% endfor %}", "{% macro m(l) %}{{ l.append(1) }}{% endmacro %}{{ m(nums) }}",
	} {
		tpl, err := testEnv().Compile("", src)
		require.NoError(t, err, src)
		_, _, err = tpl.Render(context.Background(), s)
		require.NoError(t, err, src)
		assert.Equal(t, before, value.Repr(value.FromMap(s)), src)
	}
}

func TestResultsAreCopies(t *testing.T) {
	s := testScope(t)
	tpl, err := testEnv().Compile("", "{{ users }}")
	require.NoError(t, err)
	v, _, err := tpl.Eval(context.Background(), s)
	require.NoError(t, err)
	v.(*value.List).Items[0].(*value.Dict).Set("name", "changed")
	assert.Equal(t, "alice", s["users"].(*value.List).Items[0].(*value.Dict).At("name"))
}

func TestConcurrentUse(t *testing.T) {
	e := testEnv()
	tpl, err := e.Compile("", "{% import 'macros.j2' as m %}{% for u in users | sort(attribute='age') %}{{ m.hello(u.name) }}{{ loop.index }}{{ u.name | regex_replace('a', 'b') }}{% endfor %}")
	require.NoError(t, err)
	s := testScope(t)
	want, _, err := tpl.Render(context.Background(), s)
	require.NoError(t, err)
	var wg sync.WaitGroup
	for range 8 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for range 50 {
				got, _, err := tpl.Render(context.Background(), s)
				if err != nil || got != want {
					t.Errorf("got %q, %v", got, err)
					return
				}
			}
		}()
	}
	wg.Wait()
}

func TestErrorsHaveAPlace(t *testing.T) {
	for src, want := range map[string]string{
		"a\n{{ x.y.z }}":                            "t:2:8: 'int object' has no attribute 'y'",
		"{% if true %}\n  {{ nope }}{% endif %}":    "t:2:6: 'nope' is undefined",
		"{{ 1 | frist }}":                           "t:1:8: No filter named 'frist' (did you mean 'first'?)",
		"{% fro x in y %}{% endfor %}":              "t:1:4: Encountered unknown tag 'fro'. (did you mean 'for'?)",
		"#jinja2: trim_blocks: False\nx {{ nope }}": "t:2:6: 'nope' is undefined",
		"{{ 한 }}":                                   "t:1:4: '한' is undefined",
	} {
		tpl, err := NewEnv().Compile("t", src)
		if err == nil {
			_, _, err = tpl.Render(context.Background(), MapScope{"x": 1})
		}
		require.Error(t, err, src)
		assert.Equal(t, want, err.Error(), src)
	}
}

func TestUses(t *testing.T) {
	tpl, err := NewEnv().Compile("", "{% set l = 1 %}{{ a | upper | default(b) }}{% if l is odd %}{{ lookup('file', c) }}{% endif %}{{ query('env', 'X') }}")
	require.NoError(t, err)
	u := tpl.Uses()
	names := func(list []Use) (out []string) {
		for _, x := range list {
			out = append(out, x.Name)
		}
		return out
	}
	assert.Equal(t, []string{"upper", "default"}, names(u.Filters))
	assert.Equal(t, []string{"odd"}, names(u.Tests))
	assert.Equal(t, []string{"file", "env"}, names(u.Lookups))
	assert.Subset(t, names(u.Vars), []string{"a", "b", "c"})
	assert.NotContains(t, names(u.Vars), "l")
}

func TestOmit(t *testing.T) {
	s := MapScope{"x": 1}
	for src, want := range map[string]any{
		"{{ omit }}": Omit, "{{ nope | default(omit) }}": Omit, "{{ x | default(omit) }}": "1",
	} {
		tpl, err := NewEnv().Compile("", src)
		require.NoError(t, err)
		v, _, err := tpl.Eval(context.Background(), s)
		require.NoError(t, err)
		assert.Equal(t, want, v, src)
	}
	v := DropOmit(value.NewDict("a", Omit, "b", value.NewList(1, Omit)))
	assert.Equal(t, "{'b': [1]}", value.Repr(v))
}

// rawScope resolves names to templated values but knows what was written.
type rawScope struct {
	MapScope
	raw MapScope
}

func (r rawScope) Raw(name string) (any, bool) { v, ok := r.raw[name]; return v, ok }

func (r rawScope) IsText(name string) bool { return name == "text" }
func (r rawScope) Written(string) bool     { return false }

func TestSingleVariableKeepsItsWrittenType(t *testing.T) {
	s := rawScope{MapScope{"a": 5, "b": 5, "n": nil, "text": "[1]"}, MapScope{"a": 5, "b": "{{ a }}", "n": nil, "text": "{{ x | to_json }}"}}
	for src, want := range map[string]any{
		"{{ a }}": 5, "{{ b }}": "5", "{{ n }}": nil, "{{ text }}": "[1]", "{{ text }} ": []any{1},
	} {
		tpl, err := NewEnv().Compile("", src)
		require.NoError(t, err)
		v, _, err := tpl.Eval(context.Background(), s)
		require.NoError(t, err)
		if l, ok := v.(*value.List); ok {
			v = l.Items
		}
		assert.Equal(t, want, v, src)
	}
}

func TestNative(t *testing.T) {
	e := NewEnv()
	e.Native = true
	s := MapScope{"i": 5, "s": "5", "t": "abc", "n": nil}
	for src, want := range map[string]any{
		"{{ i }}": 5, "{{ i + 1 }}": 6, "{{ s }}": 5, "{{ t }}": "abc", "{{ n }}": nil, "{{ 1.5 }}": 1.5, "{{ i }}0": 50,
		"{{ i == 5 }}": true, "{{ t }}{{ i }}": "abc5", "{{ s | string }}": "5",
	} {
		tpl, err := e.Compile("", src)
		require.NoError(t, err)
		v, _, err := tpl.Eval(context.Background(), s)
		require.NoError(t, err)
		assert.Equal(t, want, v, src)
	}
}
