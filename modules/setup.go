package modules

import (
	"context"
	"strings"

	"sunup/internal/connection"
	"sunup/internal/say"
	"sunup/internal/value"
)

var setupModule = Module{
	Name:       "ansible.builtin.setup",
	Summary:    say.T("Gathers facts about a host.", "호스트의 팩트를 모은다."),
	Notes:      say.T("Gathered by one POSIX shell script; the facts python and python_version are not set.", "POSIX 셸 스크립트 하나로 모은다. python과 python_version 팩트는 없다."),
	Idempotent: true,
	Spec: Spec{Params: []Param{
		{Name: "gather_subset", Type: List, Elements: Str, Default: value.NewList("all"), Doc: say.T("What to gather: all, min, or parts; ! leaves a part out.", "모을 것: all, min, 또는 부분 이름. !는 뺀다.")},
		{Name: "gather_timeout", Type: Int, Default: 10, Doc: say.T("Seconds that one slow part may take.", "느린 부분 하나에 쓸 수 있는 초.")},
		{Name: "filter", Type: List, Elements: Str, Default: &value.List{}, Doc: say.T("Return only facts that match one of these patterns.", "이 패턴에 맞는 팩트만 돌려준다.")},
		{Name: "fact_path", Type: Path, Default: "/etc/ansible/facts.d", Doc: say.T("Directory of local facts (*.fact).", "로컬 팩트(*.fact) 디렉터리.")},
	}},
	Returns: []Return{{"ansible_facts", "dict", "always", say.T("The facts, with ansible_ before each name.", "팩트. 이름 앞에 ansible_가 붙는다.")}},
	Run:     runSetup,
}

func runSetup(ctx context.Context, c *Call) (*Result, error) {
	a := c.Args
	subset := a.Strings("gather_subset")
	sets, unknown := chooseFacts(subset)
	if unknown != "" {
		return Fail("Bad subset '%s' given to Ansible. gather_subset options allowed: all, %s", unknown, strings.Join(factWords(), ", ")), nil
	}
	out, err := c.Conn.Exec(ctx, connection.Command{Script: factsScript(sets, a.Str("fact_path"), max(a.Int("gather_timeout"), 1))})
	if err != nil {
		return nil, err
	}
	if out.Code != 0 || !strings.Contains(string(out.Stdout), factMark) {
		return Fail("gathering facts on %s ended with %d: %s; the login shell must be a POSIX shell, and its start files must print nothing", c.hostName(), out.Code, excerpt(nil, out.Stderr)), nil
	}
	facts := &value.Dict{}
	f := readFactFields(string(out.Stdout))
	for _, set := range sets {
		set.read(f, facts)
	}
	return &Result{Facts: prefixed(facts, a.Strings("filter"), subset)}, nil
}

// prefixed puts ansible_ before the names that pass the filter, and adds what
// setup tells of itself.
func prefixed(facts *value.Dict, filter, subset []string) *value.Dict {
	out := &value.Dict{}
	for k, v := range facts.All() {
		name := "ansible_" + strings.ReplaceAll(value.Str(k), "-", "_")
		if passes(name, filter) {
			out.Set(name, v)
		}
	}
	if len(filter) == 0 || (len(filter) == 1 && filter[0] == "*") {
		out.Set("gather_subset", value.Strings(subset))
		out.Set("module_setup", true)
	}
	return out
}

func passes(name string, filter []string) bool {
	if len(filter) == 0 {
		return true
	}
	for _, pattern := range filter {
		if pattern == "" {
			continue
		}
		if wildcard(pattern, name) || wildcard(pattern, strings.TrimPrefix(name, "ansible_")) {
			return true
		}
	}
	return false
}

// wildcard matches *, ? and [...] as a shell does, a slash being nothing
// special.
func wildcard(pattern, s string) bool {
	// The last star and where it began to match: a longer match is tried when
	// what follows it fails.
	star, from := -1, 0
	p, i := 0, 0
	for i < len(s) {
		if p < len(pattern) {
			if pattern[p] == '*' {
				star, from = p, i
				p++
				continue
			}
			if n, ok := matchOne(pattern[p:], s[i]); ok {
				p += n
				i++
				continue
			}
		}
		if star < 0 {
			return false
		}
		p = star + 1
		from++
		i = from
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}

// matchOne matches one character at the start of a pattern and returns the
// length of what matched it there.
func matchOne(pattern string, c byte) (int, bool) {
	switch pattern[0] {
	case '?':
		return 1, true
	case '[':
		end := strings.IndexByte(pattern[min(2, len(pattern)):], ']')
		if end < 0 {
			return 1, c == '['
		}
		end += 2
		set := pattern[1:end]
		not := set[0] == '!'
		if not {
			set = set[1:]
		}
		return end + 1, inSet(set, c) != not
	}
	return 1, pattern[0] == c
}

func inSet(set string, c byte) bool {
	for i := 0; i < len(set); i++ {
		if i+2 < len(set) && set[i+1] == '-' {
			if set[i] <= c && c <= set[i+2] {
				return true
			}
			i += 2
			continue
		}
		if set[i] == c {
			return true
		}
	}
	return false
}
