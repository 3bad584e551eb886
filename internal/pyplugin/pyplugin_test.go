package pyplugin

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"sunup/internal/jinja"
	"sunup/internal/value"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// needPython skips a test where there is nothing to run plugins with.
func needPython(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("there is no python3 to run plugins with")
	}
}

// project writes files and returns a catalog of their directory, and an
// environment that uses it.
func project(t *testing.T, o Options, files map[string]string) (*Catalog, *jinja.Env) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	}
	o.Collections = []string{dir}
	c := New(o)
	t.Cleanup(c.Close)
	c.Add(dir)
	env := jinja.NewEnv()
	env.Plugins = c
	env.Lookup = func(call *jinja.Call, name string, terms []any, opts *value.Dict) (any, error) {
		return c.RunLookup(call, name, terms, dir, opts)
	}
	return c, env
}

const filters = `
from ansible.errors import AnsibleFilterError
class FilterModule(object):
    def filters(self):
        return {
            'same': lambda v: v,
            'kind': lambda v: type(v).__name__,
            'forever': self.forever, 'huge': lambda v: 'x' * 80000000, 'deep': self.deep, 'leave': self.leave,
            'letters': lambda v: (c for c in v), 'floats': lambda v: [1.0, float('inf')],
        }
    def forever(self, v):
        while True: pass
    def deep(self, v):
        out = []
        for i in range(1000): out = [out]
        return out
    def leave(self, v):
        import os
        os._exit(3)
`

func eval(ctx context.Context, t *testing.T, env *jinja.Env, expr string, vars jinja.MapScope) (any, bool, error) {
	t.Helper()
	e, err := env.CompileExpr(expr)
	require.NoError(t, err)
	return e.Eval(ctx, vars)
}

func TestValuesKeepTheirTypesOnTheWayThroughPython(t *testing.T) {
	needPython(t)
	_, env := project(t, Options{}, map[string]string{"filter_plugins/f.py": filters})
	huge := new(big.Int).Exp(big.NewInt(7), big.NewInt(300), nil)
	for _, v := range []any{
		nil, true, 0, -5, huge, 1.0, 0.1, 1e300, math.Inf(-1), "", "é😀\x00\"\\", value.Tuple{1, value.Tuple{}, "a"},
		value.NewList(1, value.NewList()), value.NewDict(1, "a", value.Tuple{1, 2}, nil, "k", value.NewDict()),
	} {
		got, _, err := eval(t.Context(), t, env, "v | same", jinja.MapScope{"v": v})
		require.NoError(t, err, "%v", v)
		assert.Equal(t, value.Repr(v), value.Repr(got))
		assert.Equal(t, value.TypeName(v), value.TypeName(got))
	}
	got, _, err := eval(t.Context(), t, env, "'abc' | letters", nil)
	require.NoError(t, err)
	assert.Equal(t, "['a', 'b', 'c']", value.Repr(got))
	got, _, err = eval(t.Context(), t, env, "1 | floats", nil)
	require.NoError(t, err)
	assert.Equal(t, "[1.0, inf]", value.Repr(got))
}

func TestAPluginThatNeverEndsIsEndedWithItsCaller(t *testing.T) {
	needPython(t)
	c, env := project(t, Options{}, map[string]string{"filter_plugins/f.py": filters})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		_, _, err := eval(ctx, t, env, "1 | forever", nil)
		done <- err
	}()
	waitFor(t, c, 1)
	cancel()
	require.Error(t, <-done)
	got, _, err := eval(t.Context(), t, env, "2 | same", nil) // by another one
	require.NoError(t, err)
	assert.Equal(t, 2, got)
}

// waitFor returns when so many bridges work.
func waitFor(t *testing.T, c *Catalog, n int) {
	t.Helper()
	for {
		c.pool.mu.Lock()
		now := c.pool.active
		c.pool.mu.Unlock()
		if now == n {
			return
		}
		require.NoError(t, t.Context().Err())
	}
}

func TestAnswersAreBounded(t *testing.T) {
	needPython(t)
	_, env := project(t, Options{}, map[string]string{"filter_plugins/f.py": filters})
	for expr, want := range map[string]string{"1 | huge": "larger than", "1 | deep": "nested too deeply", "1 | leave": "ended its Python"} {
		_, _, err := eval(t.Context(), t, env, expr, nil)
		assert.ErrorContains(t, err, want, expr)
	}
	got, _, err := eval(t.Context(), t, env, "3 | kind", nil)
	require.NoError(t, err)
	assert.Equal(t, "int", got)
}

func TestManyMayCallAtOnceAndPluginsMayNeedEachOther(t *testing.T) {
	needPython(t)
	c, env := project(t, Options{}, map[string]string{"filter_plugins/f.py": filters, "lookup_plugins/outer.py": `
from ansible.plugins.lookup import LookupBase
class LookupModule(LookupBase):
    def run(self, terms, variables=None, **kwargs):
        n = terms[0]
        if n == 0:
            return [variables['end']]
        return [self._templar.template("{{ (lookup('outer', %d) ~ '.') | same }}" % (n - 1))]
`})
	scope := jinja.MapScope{"end": "the end"}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			got, _, err := eval(t.Context(), t, env, "lookup('outer', 3)", scope)
			assert.NoError(t, err)
			assert.Equal(t, "the end...", got)
		})
	}
	wg.Wait()
	assert.LessOrEqual(t, c.pool.count, maxNested)
	_, _, err := eval(t.Context(), t, env, "lookup('outer', 100)", scope)
	assert.ErrorContains(t, err, fmt.Sprintf("more than %d deep", maxNested))
}

func TestNamesAreReadFromTheText(t *testing.T) {
	c, _ := project(t, Options{Python: []string{}}, map[string]string{
		"filter_plugins/a.py":                              filters,
		"filter_plugins/b.py":                              "class FilterModule:\n    table = {'early': 1}\n    def filters(self):\n        return dict(self.table, late=2)\n    def other(self):\n        return {'not_one': 1}\n",
		"test_plugins/t.py":                                "class TestModule:\n    def tests(self):\n        return {\"odd\": lambda n: n % 2}\n",
		"lookup_plugins/l.py":                              "",
		"filter_plugins/no.py":                             "def filters(): return {'nothing': 1}\n",
		"ansible_collections/my/words/plugins/filter/x.py": "class FilterModule(object):\n    def filters(self):\n        return {'turned': 1}\n",
	})
	for _, u := range []Use{{Filter, "same"}, {Filter, "early"}, {Filter, "late"}, {Test, "odd"}, {Lookup, "l"}, {Filter, "my.words.turned"}} {
		assert.True(t, c.Brings(string(u.Kind), u.Name), u)
	}
	for _, u := range []Use{{Filter, "not_one"}, {Filter, "odd"}, {Filter, "nothing"}, {Lookup, "m"}, {Filter, "my.words.same"}, {Filter, "turned"}} {
		assert.False(t, c.Brings(string(u.Kind), u.Name), u)
	}
	assert.Nil(t, c.Filter("same"), "there is no Python")
	assert.False(t, c.HasLookup("l"))
}

func TestWithoutAnsibleStandInsServe(t *testing.T) {
	needPython(t)
	// An interpreter that is kept from finding the installed Ansible.
	dir := t.TempDir()
	python := filepath.Join(dir, "python-alone")
	require.NoError(t, os.WriteFile(python, []byte(`#!/bin/sh
shift 2
exec python3 -S -u -c "$1"
`), 0o755))
	_, env := project(t, Options{Python: []string{python}}, map[string]string{"filter_plugins/f.py": `
from ansible.errors import AnsibleFilterError, AnsibleFilterTypeError
from ansible.module_utils._text import to_text, to_native
from ansible.module_utils.six import string_types, iteritems
from ansible.module_utils.common.collections import is_sequence
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.utils.display import Display
from ansible.utils.unsafe_proxy import wrap_var
display = Display()
def told(v):
    display.vvv("nobody hears")
    return [to_text(b'a'), isinstance(v, string_types), is_sequence([1]), boolean('yes'), sorted(iteritems({1: 2}))]
def refuse(v): raise AnsibleFilterError(to_native("no " + v))
class FilterModule(object):
    def filters(self): return {'told': told, 'refuse': refuse, 'wrapped': wrap_var}
`, "lookup_plugins/l.py": `
from ansible.plugins.lookup import LookupBase
class LookupModule(LookupBase):
    def run(self, terms, variables=None, **kwargs):
        self.set_options(var_options=variables, direct=kwargs)
        return [self.get_option('one'), self.find_file_in_search_path(variables, 'files', terms[0], ignore_missing=True)]
`})
	got, _, err := eval(t.Context(), t, env, "'v' | told", nil)
	require.NoError(t, err)
	assert.Equal(t, "['a', True, True, True, [(1, 2)]]", value.Repr(got))
	_, _, err = eval(t.Context(), t, env, "'v' | refuse", nil)
	assert.Equal(t, "no v", jinja.Message(err))
	got, unsafe, err := eval(t.Context(), t, env, "'as it is' | wrapped", nil)
	require.NoError(t, err)
	assert.Equal(t, "as it is", got)
	assert.True(t, unsafe)
	got, _, err = eval(t.Context(), t, env, "query('l', 'absent', one=1)", jinja.MapScope{"ansible_search_path": value.NewList("/nowhere")})
	require.NoError(t, err)
	assert.Equal(t, "[1, None]", value.Repr(got))
}

func TestSecretsOfTheEnvironmentStayHere(t *testing.T) {
	got := strings.Join(environment(Options{Environ: []string{"HOME=/h", "DB_PASSWORD=x", "GITHUB_TOKEN=x", "AWS_SECRET_ACCESS_KEY=x", "SUNUP_STORE=x", "LANG=C"}}), " ")
	assert.Contains(t, got, "HOME=/h")
	assert.Contains(t, got, "LANG=C")
	assert.NotContains(t, got, "=x")
}

func FuzzAnswersOfAnyForm(f *testing.F) {
	for _, s := range []string{`null`, `{"u":"a"}`, `{"d":[[1,2]]}`, `{"t":[1]}`, `{"f":"1.5"}`, `{"x":{"name":"a"}}`, `{"d":[[[1],2]]}`, `[1e5]`, `{"q":1}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var v any
		d := json.NewDecoder(bytes.NewReader(text))
		d.UseNumber()
		if d.Decode(&v) != nil {
			return
		}
		got, _, err := decode(v)
		if err != nil {
			return
		}
		var b bytes.Buffer
		require.NoError(t, encode(&b, got, 0))
		require.True(t, json.Valid(b.Bytes()) || strings.Contains(b.String(), "Infinity") || strings.Contains(b.String(), "NaN"))
	})
}

func TestACollectionsNamesThatTheEngineHasAreTheEngines(t *testing.T) {
	builtIn := func(kind Kind, name string) bool {
		return kind == Filter && (name == "my.words.known" || name == "plain")
	}
	c, _ := project(t, Options{Python: []string{}, BuiltIn: builtIn}, map[string]string{
		"ansible_collections/my/words/plugins/filter/x.py": "class FilterModule(object):\n    def filters(self):\n        return {'known': 1, 'new': 2}\n",
		"filter_plugins/p.py":                              "class FilterModule(object):\n    def filters(self):\n        return {'plain': 1}\n",
	})
	assert.False(t, c.Brings("filter", "my.words.known"))
	assert.True(t, c.Brings("filter", "my.words.new"))
	assert.True(t, c.Brings("filter", "plain"), "what stands in the project itself comes first, as with Ansible")
}
