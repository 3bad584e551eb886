package playbooks

import (
	"fmt"
	"strings"

	"sunup/internal/diag"
	"sunup/internal/say"
	"sunup/internal/value"
	"sunup/internal/yaml"
)

// place is where steps are read into: the scope around them, and what names
// mean there.
type place struct {
	*session
	play        *Play
	parent      *Scope
	handlers    bool
	collections []string // searched for short names, in order
	// nestedHandlers is set inside a block or an imported file of handlers,
	// where Ansible allows no block.
	nestedHandlers bool
	forgiven       bool // a task that fails here is rescued or ignored
	redirects      int  // of the module that is being looked for
}

// context is the place inside a scope.
func (s *session) context(parent *Scope, play *Play, handlers bool) *place {
	c := &place{session: s, play: play, parent: parent, handlers: handlers}
	c.collections = collectionsOf(parent)
	return c
}

// in is the place inside sc, which lies in c.
func (c *place) in(sc *Scope) *place {
	inner := *c
	inner.parent = sc
	inner.collections = collectionsOf(sc)
	return &inner
}

// prefix makes IDs of what an include brings in start with the include's.
func (c *place) prefix(parent *Scope) {
	if parent != nil && parent.Origin != "" {
		c.idPrefix = parent.Origin + "/"
	}
}

// collectionsOf is the search list for short names in a scope: the nearest
// collections keyword, or else what the role says. A role does not inherit it.
func collectionsOf(s *Scope) []string {
	for ; s != nil; s = s.Parent {
		if k := s.Keywords["collections"]; k != nil && !isNull(k.Node) {
			return withLegacy(texts(k.Node))
		}
		if s.Kind == RoleScope && s.Role != nil {
			return s.Role.Collections
		}
	}
	return nil
}

func withLegacy(list []string) []string {
	for _, c := range list {
		if c == "ansible.builtin" || c == "ansible.legacy" {
			return list
		}
	}
	if len(list) == 0 {
		return nil
	}
	return append(append([]string(nil), list...), "ansible.legacy")
}

// maxSteps bounds what imports may multiply to.
const maxSteps = 1_000_000

// room counts a step and reports whether there is room for it.
func (s *session) room(n *yaml.Node) bool {
	s.steps++
	if s.steps == maxSteps {
		s.report(problem(n, "too-many-tasks", say.T("the playbook holds more than %d tasks", "플레이북의 작업이 %d개를 넘습니다", maxSteps),
			say.T("imports inside imports multiply", "가져오기 안의 가져오기는 곱으로 늘어납니다"), say.Text{}))
	}
	return s.steps < maxSteps
}

// fileRoom counts an import and reports whether there is room for it.
func (s *session) fileRoom(n *yaml.Node) bool {
	s.files++
	if s.files == s.o.MaxFiles {
		s.report(problem(n, "too-many-imports", say.T("the playbook imports more than %d files and roles", "플레이북이 가져오는 파일과 롤이 %d개를 넘습니다", s.o.MaxFiles),
			say.T("imports inside imports multiply", "가져오기 안의 가져오기는 곱으로 늘어납니다"), say.Text{}))
	}
	return s.files < s.o.MaxFiles
}

// list reads a list of tasks and blocks. at is the key to blame.
func (c *place) list(at, n *yaml.Node, what say.Text) []Step {
	if isNull(n) {
		return nil
	}
	if n.Kind != yaml.Sequence {
		if at == nil || n.Kind == yaml.Scalar {
			at = n
		}
		p := notAList(at, n, what)
		p.Said = malformedBlock(n, what)
		c.report(p)
		return nil
	}
	var out []Step
	for _, item := range n.Items {
		if !c.room(item) {
			break
		}
		out = append(out, c.step(item)...)
	}
	return out
}

// malformedBlock is ansible-core's sentence for a list of tasks that is none.
func malformedBlock(n *yaml.Node, what say.Text) string {
	said := "A malformed block was encountered while loading " + what.String()
	if what.String() == "tasks" {
		v := n.Value()
		said += fmt.Sprintf(": %s should be a list or None but is <class '%s'>", value.Str(v), value.TypeName(v))
	}
	return said
}

// step reads one entry of a list of tasks; an import of handlers gives several.
func (c *place) step(n *yaml.Node) []Step {
	switch {
	case isNull(n):
		c.report(warning(n, "empty-task", say.T("an empty entry in a list of tasks", "작업 목록에 빈 항목이 있습니다"), say.Text{}, say.T("remove the dash", "줄표를 지우세요")))
		return nil
	case n.Kind == yaml.Sequence:
		c.report(problem(n, "not-a-task", say.T("a list inside a list of tasks", "작업 목록 안에 또 목록이 있습니다"), say.Text{}, say.T("remove one of the dashes, or make it a block:", "줄표 하나를 지우거나 block:으로 만드세요")))
		return nil
	case n.Kind == yaml.Scalar:
		c.report(textAsTask(n))
		return nil
	case c.broken(n):
		return nil
	}
	if !c.textKeys(n) {
		return nil
	}
	for _, key := range []string{"block", "rescue", "always"} {
		if n.Get(key) != nil {
			return c.block(n)
		}
	}
	return c.task(n)
}

// textKeys reports keys that are not text.
func (s *session) textKeys(n *yaml.Node) bool {
	ok := true
	for _, e := range n.Entries {
		if _, text := e.Key.Scalar.(string); !text || e.Key.Kind != yaml.Scalar {
			s.report(keyNotText(e.Key))
			ok = false
		}
	}
	return ok
}

func textAsTask(n *yaml.Node) diag.Problem {
	t := scalarText(n)
	p := problem(n, "not-a-task", say.T("a task must be a mapping, not %s", "작업에는 사전이 와야 하는데 %s{이/가} 있습니다", kindWords(n)), say.Text{},
		say.T("write the module, a colon and its arguments", "모듈 이름, 콜론, 인자를 차례로 쓰세요"))
	if before, after, colon := strings.Cut(t, ":"); colon && after != "" && !strings.Contains(before, " ") {
		p.Fix = say.T("put a blank after the colon: '%s: %s'", "콜론 뒤에 공백을 쓰세요: '%s: %s'", before, shorten(after))
	} else if module, rest, found := strings.Cut(t, " "); found && !strings.HasSuffix(module, ":") {
		p.Fix = say.T("put a colon after the module: '%s: %s'", "모듈 이름 뒤에 콜론을 쓰세요: '%s: %s'", module, shorten(rest))
	} else if name, ok := strings.CutSuffix(t, ":"); ok || !strings.Contains(t, " ") {
		p.Fix = say.T("put a colon and a blank after the name: '%s: '", "이름 뒤에 콜론과 공백을 쓰세요: '%s: '", name)
	}
	return p
}
