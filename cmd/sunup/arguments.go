package main

import (
	"slices"
	"strings"

	"sunup/internal/diag"
	"sunup/internal/say"
	"sunup/modules"
	"sunup/playbooks"
)

// checkArguments warns of arguments that a module does not have. The task
// would fail when it is reached; a warning before the first host is touched is
// earlier. It is no error: a rescue may be meant to catch it.
func checkArguments(books []*playbooks.Playbook) diag.Problems {
	var out diag.Problems
	for _, b := range books {
		b.Walk(func(_ *playbooks.Play, s playbooks.Step) {
			if t, isTask := s.(*playbooks.Task); isTask {
				out = append(out, unknownArguments(t)...)
			}
		})
		for _, play := range b.Plays {
			for _, h := range play.Handlers {
				out = append(out, unknownArguments(h)...)
			}
		}
	}
	return out
}

func unknownArguments(t *playbooks.Task) diag.Problems {
	m := modules.Lookup(t.Module, nil)
	if m == nil || m.Engine || t.Implicit {
		return nil
	}
	known := m.Spec.ParamNames()
	if known == nil {
		return nil
	}
	var out diag.Problems
	for _, k := range t.Args.Keys() {
		name, isText := k.(string)
		if !isText || strings.HasPrefix(name, "_") || slices.Contains(known, name) {
			continue
		}
		p := diag.Problem{Severity: diag.Warning, ID: "unknown-argument", Pos: t.Pos}
		if t.ArgsNode != nil {
			for _, e := range t.ArgsNode.Entries {
				if e.Key.Scalar == name {
					p = e.Key.Problem("unknown-argument")
					p.Severity = diag.Warning
				}
			}
		}
		p.What = say.T("module '%s' has no argument '%s'", "'%s' 모듈에는 인자 '%s'{이/가} 없습니다", t.Action, name)
		p.Fix = say.T("'sunup doc %s' lists its arguments", "'sunup doc %s'{으로/로} 인자 목록을 볼 수 있습니다", t.Action)
		if near := diag.Nearest(name, known); near != "" {
			p.Fix = say.T("did you mean '%s'?", "'%s'{을/를} 쓰려던 것인가요?", near)
		}
		out = append(out, p)
	}
	return out
}
