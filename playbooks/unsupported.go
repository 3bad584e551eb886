package playbooks

import (
	"path/filepath"
	"slices"
	"strings"

	"sunup/internal/diag"
	"sunup/internal/say"
	"sunup/internal/yaml"
)

// reportLacking says that a module is not to be had. A task that may never run
// (under a condition, in a handler) is told as a warning: a playbook for several
// systems names modules of all of them, and a host that comes to the task fails
// there.
func (c *place) reportLacking(cl *call, task *yaml.Node) {
	before := len(c.problems)
	c.tellLacking(cl)
	if c.mayNeverRun(task) {
		softenLacking(c.problems[before:])
	}
}

// mayNeverRun reports whether a run may end well without this task.
func (c *place) mayNeverRun(task *yaml.Node) bool {
	return c.handlers || c.forgiven || !isNull(task.Get("when")) || c.parent != nil && len(c.parent.AllWhen()) > 0 || ignoresErrors(task)
}

// softenLacking makes warnings of what is lacking.
func softenLacking(problems diag.Problems) {
	for i := range problems {
		if problems[i].Lacking != "" && problems[i].Lacking != "keyword" && problems[i].ID != "unknown-module" {
			problems[i].Severity = diag.Warning
		}
	}
}

func (c *place) tellLacking(cl *call) {
	if action := filepath.Base(filepath.Dir(cl.file)); action == "action" || action == "action_plugins" {
		p := problem(cl.key, "action-plugin", say.T("%s is an action plugin in Python, which cannot be run", "%s{은/는} 파이썬으로 된 액션 플러그인이라 실행할 수 없습니다", cl.name),
			say.T("it is the file %s", "%s 파일입니다", cl.file), say.T("write it as a module, which runs on the host", "호스트에서 실행되는 모듈로 다시 쓰세요"))
		p.Lacking, p.Subject = "action plugin", cl.name
		c.reportUnsupported(p)
		return
	}
	if cl.found == lacking {
		p := problem(cl.key, "unsupported-module", say.T("the module %s is not supported yet", "%s 모듈은 아직 지원하지 않습니다", cl.module), say.Text{},
			say.T("put a module file of that name into library/, or use another module; docs/compatibility.md lists what there is",
				"그 이름의 모듈 파일을 library/에 두거나 다른 모듈을 쓰세요. 지원하는 모듈은 docs/compatibility.md에 있습니다"))
		p.Lacking, p.Subject = "module", cl.module
		c.reportUnsupported(p)
	}
}

// reportUnsupported says that something that Ansible has is not to be had here.
func (s *session) reportUnsupported(p diag.Problem) {
	if s.o.LackingIsWarning {
		p.Severity = diag.Warning
	}
	s.report(p)
}

// checkPlugin reports a plugin that there is not.
func (s *session) checkPlugin(k *keyword, v *yaml.Node) {
	var have []string
	switch k.name {
	case "strategy":
		have = s.o.Strategies
	case "connection":
		have = s.o.Connections
	case "become_method":
		have = s.o.BecomeMethods
	}
	name, known := literal(v)
	if have == nil || !known || slices.Contains(have, shortName(name)) {
		return
	}
	p := problem(v, "unsupported-plugin", say.T("%s: '%s' is not supported", "%s: '%s'{은/는} 지원하지 않습니다", k.name, name), say.Text{},
		nearestOr(name, have, say.T("use one of: %s", "다음 중 하나를 쓰세요: %s", strings.Join(have, ", "))))
	p.Lacking, p.Subject = strings.ReplaceAll(k.name, "_", " "), name
	s.reportUnsupported(p)
}

// lackingLookup reports a with_NAME that Ansible has and sunup has not.
func (s *session) lackingLookup(key *yaml.Node, name string) {
	if s.o.Lookups == nil || slices.Contains(s.o.Lookups, shortName(name)) {
		return
	}
	p := problem(key, "unsupported-plugin", say.T("with_%s is not supported yet", "with_%s{은/는} 아직 지원하지 않습니다", name), say.Text{},
		say.T("write loop with a filter that makes the same list", "같은 목록을 만드는 필터와 함께 loop를 쓰세요"))
	p.Lacking, p.Subject = "lookup", name
	s.reportUnsupported(p)
}
