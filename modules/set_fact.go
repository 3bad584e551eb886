package modules

import (
	"context"
	"strings"

	"sunup/internal/say"
	"sunup/internal/value"
)

var setFactModule = Module{
	Name:       "ansible.builtin.set_fact",
	Summary:    say.T("Sets variables of the host for the rest of the run.", "호스트의 변수를 정한다. 실행이 끝날 때까지 남는다."),
	Controller: true,
	Idempotent: true,
	Spec: Spec{Open: true, Params: []Param{
		{Name: "cacheable", Type: Bool, Default: false, Doc: say.T("Keep them as facts too.", "팩트로도 남긴다.")},
	}},
	Returns: []Return{{"ansible_facts", "dict", "success", say.T("The variables that were set.", "정한 변수들.")}},
	Run:     runSetFact,
}

func runSetFact(_ context.Context, c *Call) (*Result, error) {
	facts := &value.Dict{}
	for k, v := range c.Args.All().All() {
		name := value.Str(k)
		if name == "cacheable" {
			continue
		}
		if !isIdentifier(name) {
			return Fail("%s", badVariable(name)), nil
		}
		if s, ok := v.(string); ok {
			switch strings.ToLower(s) {
			case "true", "yes":
				v = true
			case "false", "no":
				v = false
			}
		}
		facts.Set(name, v)
	}
	if facts.Len() == 0 {
		return Fail("No key/value pairs provided, at least one is required for this action to succeed"), nil
	}
	return (&Result{Vars: facts, Cacheable: c.Args.Bool("cacheable")}).Set("ansible_facts", facts), nil
}

func badVariable(name string) string {
	return "The variable name '" + name + "' is not valid. Variables must start with a letter or underscore character, and contain only letters, numbers and underscores."
}

var pythonKeywords = map[string]bool{
	"False": true, "None": true, "True": true, "and": true, "as": true, "assert": true, "async": true, "await": true,
	"break": true, "class": true, "continue": true, "def": true, "del": true, "elif": true, "else": true, "except": true,
	"finally": true, "for": true, "from": true, "global": true, "if": true, "import": true, "in": true, "is": true,
	"lambda": true, "nonlocal": true, "not": true, "or": true, "pass": true, "raise": true, "return": true, "try": true,
	"while": true, "with": true, "yield": true,
}

// isIdentifier reports whether a name can be a variable.
func isIdentifier(s string) bool {
	if s == "" || pythonKeywords[s] {
		return false
	}
	for i, r := range s {
		letter := r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		if !letter && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return true
}
