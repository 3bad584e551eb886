package modules_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"reflect"
	"sort"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"sunup/internal/value"
	"sunup/modules"
)

// argumentCase is one entry of testdata/arguments/cases.yml.
type argumentCase struct {
	Note   string         `yaml:"note" json:"note"`
	Spec   ansibleSpec    `yaml:"spec" json:"spec"`
	Args   map[string]any `yaml:"args" json:"args"`
	Values map[string]any `yaml:"values" json:"values"`
	Error  string         `yaml:"error" json:"error"`
}

// ansibleSpec is a declaration in Ansible's words.
type ansibleSpec struct {
	Options           map[string]ansibleOption `yaml:"options" json:"options"`
	MutuallyExclusive [][]string               `yaml:"mutually_exclusive" json:"mutually_exclusive,omitempty"`
	RequiredTogether  [][]string               `yaml:"required_together" json:"required_together,omitempty"`
	RequiredOneOf     [][]string               `yaml:"required_one_of" json:"required_one_of,omitempty"`
	RequiredIf        [][]any                  `yaml:"required_if" json:"required_if,omitempty"`
	RequiredBy        map[string][]string      `yaml:"required_by" json:"required_by,omitempty"`
}

type ansibleOption struct {
	Type          string                   `yaml:"type" json:"type,omitempty"`
	Elements      string                   `yaml:"elements" json:"elements,omitempty"`
	Aliases       []string                 `yaml:"aliases" json:"aliases,omitempty"`
	Required      bool                     `yaml:"required" json:"required,omitempty"`
	Default       any                      `yaml:"default" json:"default,omitempty"`
	Choices       []any                    `yaml:"choices" json:"choices,omitempty"`
	ApplyDefaults bool                     `yaml:"apply_defaults" json:"apply_defaults,omitempty"`
	Options       map[string]ansibleOption `yaml:"options" json:"options,omitempty"`
}

func params(options map[string]ansibleOption) []modules.Param {
	names := make([]string, 0, len(options))
	for n := range options {
		names = append(names, n)
	}
	sort.Strings(names)
	var out []modules.Param
	for _, n := range names {
		o := options[n]
		p := modules.Param{Name: n, Type: modules.Type(o.Type), Elements: modules.Type(o.Elements), Aliases: o.Aliases, Required: o.Required, Default: o.Default, Choices: o.Choices, ApplyDefaults: o.ApplyDefaults}
		if o.Options != nil {
			p.Options = params(o.Options)
		}
		out = append(out, p)
	}
	return out
}

func (s ansibleSpec) ours() modules.Spec {
	out := modules.Spec{Params: params(s.Options), MutuallyExclusive: s.MutuallyExclusive, RequiredTogether: s.RequiredTogether, RequiredOneOf: s.RequiredOneOf, RequiredBy: s.RequiredBy}
	for _, r := range s.RequiredIf {
		rule := modules.RequiredIf{Param: r[0].(string), Value: r[1], Any: len(r) > 3 && r[3] == true}
		for _, n := range r[2].([]any) {
			rule.Needs = append(rule.Needs, n.(string))
		}
		out.RequiredIf = append(out.RequiredIf, rule)
	}
	return out
}

func argumentCases(t testing.TB) []argumentCase {
	t.Helper()
	text, err := os.ReadFile("testdata/arguments/cases.yml")
	if err != nil {
		t.Fatal(err)
	}
	var cases []argumentCase
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(&cases); err != nil {
		t.Fatal(err)
	}
	return cases
}

func TestArguments(t *testing.T) {
	for _, c := range argumentCases(t) {
		t.Run(c.Note, func(t *testing.T) {
			in, _ := value.FromGo(c.Args).(*value.Dict)
			before := value.Repr(in)
			a, err := c.Spec.ours().Validate("test", in)
			if value.Repr(in) != before {
				t.Error("the arguments given were changed")
			}
			if err != nil {
				if err.Error() != c.Error {
					t.Errorf("error:    %s\nexpected: %s", err, c.Error)
				}
				return
			}
			if c.Error != "" {
				t.Fatalf("no error, expected: %s", c.Error)
			}
			// An option that nobody set is None in Ansible and not there here.
			got, want := asJSON(t, value.ToGo(a.All())), asJSON(t, c.Values)
			for _, values := range []any{got, want} {
				maps.DeleteFunc(values.(map[string]any), func(_ string, v any) bool { return v == nil })
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("values:   %v\nexpected: %v", got, want)
			}
		})
	}
}

// validator has Ansible validate the cases that it reads as JSON.
const validator = `
import json, sys
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.errors import UnsupportedError
out = []
for case in json.load(sys.stdin):
    spec = case['spec']
    if isinstance(spec.get('required_if'), list):
        spec['required_if'] = [tuple(r) for r in spec['required_if']]
    v = ArgumentSpecValidator(spec.pop('options'), **spec)
    r = v.validate(case['args'])
    error = ''
    if r.error_messages:
        error = r.errors.msg
        if isinstance(r.errors[0], UnsupportedError):
            error = 'Unsupported parameters for (test) module: ' + error
    out.append({'error': error, 'values': r.validated_parameters})
json.dump(out, sys.stdout)
`

func TestArgumentsAreThoseOfAnsible(t *testing.T) {
	python := "/usr/bin/python3"
	if exec.Command(python, "-c", "import ansible").Run() != nil {
		t.Skip("no ansible on this machine to compare with")
	}
	cases := argumentCases(t)
	in, err := json.Marshal(cases)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(python, "-c", validator)
	cmd.Stdin = bytes.NewReader(in)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	text, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, stderr.String())
	}
	var theirs []struct {
		Error  string
		Values map[string]any
	}
	if err := json.Unmarshal(text, &theirs); err != nil {
		t.Fatal(err)
	}
	for i, c := range cases {
		if theirs[i].Error != c.Error {
			t.Errorf("%s: ansible says %q, the case %q", c.Note, theirs[i].Error, c.Error)
		}
		if c.Error != "" {
			continue
		}
		for k, want := range asJSON(t, c.Values).(map[string]any) {
			if got := theirs[i].Values[k]; !reflect.DeepEqual(got, want) {
				t.Errorf("%s: %s: ansible has %v, the case %v", c.Note, k, got, want)
			}
		}
	}
}

func TestSecrets(t *testing.T) {
	spec := modules.Spec{Params: []modules.Param{
		{Name: "password", Secret: true, Aliases: []string{"pw"}},
		{Name: "db", Type: modules.Dict, Options: []modules.Param{{Name: "key", Secret: true}, {Name: "user"}}},
		{Name: "tokens", Type: modules.List, Secret: true},
	}}
	a, err := spec.Validate("x", value.NewDict("pw", "geheim", "db", value.NewDict("key", 1234, "user", "bob"), "tokens", value.NewList("a1", value.NewDict("t", "b2"))))
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(a.Secrets(), " "); got != "geheim a1 b2 1234" {
		t.Errorf("secrets: %s", got)
	}
	if !a.Given("password") || a.Given("db.key") || a.Str("password") != "geheim" {
		t.Error("the alias does not count")
	}
}

func FuzzValidate(f *testing.F) {
	f.Add("port", "12", 1)
	f.Add("_raw_params", "echo 'a", 3)
	f.Add("gather_subset", "{'a': [1,", 7)
	names := modules.Names()
	f.Fuzz(func(t *testing.T, name, text string, which int) {
		m := modules.Lookup(names[(which%len(names)+len(names))%len(names)], nil)
		var x any = text
		if v, err := value.ParseJSON([]byte(text)); err == nil {
			x = v
		}
		d := value.NewDict(name, x)
		for _, p := range m.Spec.Params {
			if len(p.Name)%3 == len(text)%3 {
				d.Set(p.Name, x)
			}
		}
		if a, err := m.Spec.Validate("x", d); err == nil {
			for _, p := range m.Spec.Params {
				_ = a.Raw(p.Name)
			}
		} else if err.Error() == "" {
			t.Error("an error without words")
		}
	})
}
