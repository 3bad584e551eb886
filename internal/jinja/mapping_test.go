package jinja

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"sunup/internal/value"
)

// lazyHosts stands for hostvars: values are made when asked for.
type lazyHosts struct{ names []string }

func (l lazyHosts) Get(key any) (any, bool, error) {
	for _, n := range l.names {
		if n == key {
			return value.NewDict("name", n, "list", value.NewList(1, 2)), true, nil
		}
	}
	if key == "broken" {
		return nil, false, fmt.Errorf("recursive loop")
	}
	if key == "later" {
		return nil, false, &Error{Kind: KindUndefined, Msg: "'y' is undefined"}
	}
	return nil, false, nil
}

func (l lazyHosts) Keys() ([]any, error) {
	out := make([]any, len(l.names))
	for i, n := range l.names {
		out[i] = n
	}
	return out, nil
}

func TestLazyMapping(t *testing.T) {
	s := MapScope{"hostvars": lazyHosts{[]string{"web", "db"}}}
	for src, want := range map[string]string{
		"{{ hostvars['web'].name }}":                                       "'web'",
		"{{ hostvars.db.list }}":                                           "[1, 2]",
		"{{ hostvars.nope is defined }}":                                   "False",
		"{{ hostvars['nope'].x | default('d') }}":                          "'d'",
		"{{ hostvars['later'] | default('d') }}":                           "'d'",
		"{{ 'web' in hostvars }}":                                          "True",
		"{{ hostvars | length }}":                                          "'2'",
		"{% for h in hostvars %}{{ h }},{% endfor %}":                      "'web,db,'",
		"{{ ['web', 'db'] | map('extract', hostvars, 'name') | list }}":    "['web', 'db']",
		"{{ hostvars.keys() | list }}":                                     "['web', 'db']",
		"{{ hostvars.get('x', 1) }}":                                       "'1'",
		"{{ hostvars | dict2items | map(attribute='key') | list }}":        "['web', 'db']",
		"{{ hostvars is mapping }}":                                        "True",
		"{{ (hostvars | to_json | from_json).web.name }}":                  "'web'",
		"{{ hostvars }}":                                                   "{'web': {'name': 'web', 'list': [1, 2]}, 'db': {'name': 'db', 'list': [1, 2]}}",
		"{% set _ = hostvars.web.list.append(3) %}{{ hostvars.web.list }}": "[1, 2]",
	} {
		tpl, err := NewEnv().Compile("", src)
		require.NoError(t, err, src)
		v, _, err := tpl.Eval(context.Background(), s)
		require.NoError(t, err, src)
		assert.Equal(t, want, value.Repr(v), src)
	}
	for src, want := range map[string]string{
		"{{ hostvars['broken'] }}": "1:12: recursive loop",
		"{{ hostvars['later'] }}":  "'y' is undefined",
		"{{ hostvars['nope'] }}":   "'dict object' has no attribute 'nope'",
	} {
		tpl, err := NewEnv().Compile("", src)
		require.NoError(t, err, src)
		_, _, err = tpl.Eval(context.Background(), s)
		assert.ErrorContains(t, err, want, src)
	}
}

func TestLookupShapes(t *testing.T) {
	e := NewEnv()
	e.Lookup = func(c *Call, name string, terms []any, kw *value.Dict) (any, error) {
		switch name {
		case "fail":
			return nil, FilterError("no file")
		case "dicts":
			return value.NewList(value.NewDict("a", 1)), nil
		case "args":
			return value.NewList(value.Repr(value.Tuple(terms)) + value.Repr(kw)), nil
		}
		return value.NewList("a", "b"), nil
	}
	for src, want := range map[string]string{
		"{{ lookup('two') }}":                                        "'a,b'",
		"{{ lookup('two', wantlist=true) }}":                         "['a', 'b']",
		"{{ query('two') }}":                                         "['a', 'b']",
		"{{ q('two') | first }}":                                     "'a'",
		"{{ lookup('dicts') }}":                                      "{'a': 1}",
		"{{ lookup('dicts').a }}":                                    "'1'",
		"{{ lookup('args', 1, 'x', k=2) }}":                          `"(1, 'x'){'k': 2}"`,
		"{{ lookup('fail', errors='ignore') is none }}":              "True",
		"{{ lookup('fail', errors='ignore') | default('x', true) }}": "'x'",
		"{{ query('fail', errors='ignore') }}":                       "[]",
	} {
		tpl, err := e.Compile("", src)
		require.NoError(t, err, src)
		v, _, err := tpl.Eval(context.Background(), MapScope{})
		require.NoError(t, err, src)
		assert.Equal(t, want, value.Repr(v), src)
	}
	tpl, err := e.Compile("", "{{ lookup('fail') }}")
	require.NoError(t, err)
	_, _, err = tpl.Eval(context.Background(), MapScope{})
	assert.ErrorContains(t, err, "no file")
}
