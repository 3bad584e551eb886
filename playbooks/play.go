package playbooks

import (
	"path/filepath"
	"strings"

	"sunup/internal/diag"
	"sunup/internal/say"
	"sunup/internal/value"
	"sunup/internal/yaml"
)

// play reads one play.
func (s *session) play(n *yaml.Node, path string, from passedOn) *Play {
	p := &Play{
		Scope: Scope{Kind: PlayScope, Pos: n.Pos, Keywords: Keywords{}},
		File:  path, Dir: s.abs(filepath.Dir(path)), Collection: from.collection,
	}
	s.current = p
	s.playKeywords(p, n)
	p.Tags = append(p.Tags, from.tags...)
	p.When = from.when
	if from.vars.Len() > 0 {
		p.Vars = p.Vars.Copy()
		p.Vars.Update(from.vars)
	}
	s.roles, s.roleDirs = map[string]*Role{}, nil
	if p.Collection != "" && p.Keywords["collections"] == nil {
		p.Keywords["collections"] = &Keyword{Name: "collections", Pos: n.Pos, Value: value.NewList(p.Collection),
			Node: &yaml.Node{Kind: yaml.Sequence, Pos: n.Pos, Items: []*yaml.Node{{Scalar: p.Collection, Pos: n.Pos}}}}
	}
	c := s.context(&p.Scope, p, false)
	p.Roles = c.rolesList(keyOf(n, "roles"), n.Get("roles"), say.Plain("roles"), "", c.collections)
	var handlers []*Task
	for _, use := range p.Roles {
		p.RoleBlocks = append(p.RoleBlocks, use.Block)
		handlers = append(handlers, use.Handlers...)
	}
	p.PreTasks = c.sectionOf(n, "pre_tasks")
	p.Tasks = c.sectionOf(n, "tasks")
	p.PostTasks = c.sectionOf(n, "post_tasks")
	p.Stop = c.stopOf(n)
	hands := s.context(&p.Scope, p, true)
	own := tasksOf(hands.list(keyOf(n, "handlers"), n.Get("handlers"), say.Plain("handlers")))
	p.Handlers = append(handlers, own...)
	p.Walk(func(step Step) {
		if b, ok := step.(*Block); ok {
			p.Handlers = append(p.Handlers, b.Handlers...)
		}
	})
	p.roleDirs = s.roleDirs
	s.checkNotify(p)
	return p
}

// sectionOf reads tasks: and its like; nil when the play has none.
func (c *place) sectionOf(n *yaml.Node, name string) *Block {
	v := n.Get(name)
	if isNull(v) {
		return nil
	}
	b := &Block{Scope: Scope{Kind: BlockScope, Parent: c.parent, Pos: v.Pos}, Implicit: true}
	b.Tasks = c.in(&b.Scope).list(keyOf(n, name), v, say.Plain(name))
	return b
}

// stopOf reads stop:, where an empty list says that nothing is to be stopped.
func (c *place) stopOf(n *yaml.Node) *Block {
	b := c.sectionOf(n, "stop")
	if v := n.Get("stop"); b == nil && v != nil && !isNull(v) {
		b = &Block{Scope: Scope{Kind: BlockScope, Parent: c.parent, Pos: v.Pos}, Implicit: true}
	}
	return b
}

func (s *session) playKeywords(p *Play, n *yaml.Node) {
	asTask := s.taskAsPlay(n)
	if asTask {
		return
	}
	for i := range n.Entries {
		e := &n.Entries[i]
		name := scalarText(e.Key)
		k := keywordIn(name, inPlay)
		if k == nil {
			s.report(notAPlayKeyword(e.Key))
			continue
		}
		if name == "user" && n.Get("remote_user") != nil {
			s.report(problem(e.Key, "two-users", say.T("both 'user' and 'remote_user' are set for this play.", "user와 remote_user는 같은 뜻입니다"), say.Text{}, say.T("keep remote_user", "remote_user만 남기세요")))
			continue
		}
		switch name {
		case "tasks", "pre_tasks", "post_tasks", "handlers", "roles", "stop":
			continue
		}
		s.set(&p.Scope, k, e.Key, e.Value)
		s.playKeyword(p, name, e)
	}
	if n.Get("hosts") == nil && !misspelt(n, "hosts") {
		s.report(noHosts(n))
	}
}

// misspelt reports whether an unknown keyword of a play stands for word.
func misspelt(n *yaml.Node, word string) bool {
	for _, e := range n.Entries {
		if name := scalarText(e.Key); keywordsByName[name] == nil && diag.Nearest(name, keywordNames[inPlay]) == word {
			return true
		}
	}
	return false
}

func noHosts(n *yaml.Node) diag.Problem {
	return problem(n, "no-hosts", say.T("the play has no hosts", "플레이에 hosts가 없습니다"), say.Text{},
		say.T("add 'hosts: all' or the name of a group", "'hosts: all'이나 그룹 이름을 쓰세요"))
}

// taskAsPlay recognises a task where a play should be, and says so once.
func (s *session) taskAsPlay(n *yaml.Node) bool {
	if n.Get("hosts") != nil {
		return false
	}
	for _, e := range n.Entries {
		name := scalarText(e.Key)
		if keywordIn(name, inPlay) != nil && keywordsByName[name].shape == structure {
			return false
		}
	}
	c := s.context(nil, nil, false)
	for _, e := range n.Entries {
		name := scalarText(e.Key)
		k := keywordsByName[name]
		isTask := k != nil && k.in&inPlay == 0 && k.in&inSteps != 0
		if isTask || strings.HasPrefix(name, "with_") || (k == nil && c.known(name)) {
			if !s.notices["task-as-play"] {
				s.notices["task-as-play"] = true
				s.report(problem(e.Key, "task-as-play", say.T("a task stands where a play should be: %s", "플레이 자리에 작업이 있습니다: %s", name),
					say.T("a playbook is a list of plays, and each play has hosts", "플레이북은 플레이의 목록이고, 플레이마다 hosts가 있습니다"),
					say.T("put it under tasks: of a play; a file of tasks is not run by itself but by include_tasks", "플레이의 tasks: 아래에 쓰세요. 작업 파일은 그 자체로 실행하지 않고 include_tasks로 가져옵니다")))
			}
			return true
		}
	}
	return false
}

func notAPlayKeyword(key *yaml.Node) diag.Problem {
	name := scalarText(key)
	p := unknownKeyword(key, inPlay)
	switch {
	case shortName(name) == "include":
		p.ID = "removed-keyword"
		p.What = say.T("'include' is not a valid attribute for a Play: it can no longer stand between plays", "플레이 사이에는 더 이상 include를 쓸 수 없습니다")
		p.Fix = say.T("write import_playbook", "import_playbook을 쓰세요")
	case name == "when":
		p.Fix = say.T("put it on the tasks, or on a block around them", "작업마다 쓰거나, 작업을 묶은 블록에 쓰세요")
	case builtinModules[shortName(name)] && keywordsByName[name] == nil:
		p.ID = "task-as-play"
		p.What = say.T("the module %s stands beside the keywords of a play", "모듈 %s{이/가} 플레이의 키워드 옆에 있습니다", name)
		p.Fix = say.T("put it into the list below tasks:", "tasks: 아래 목록에 쓰세요")
	}
	return p
}

// playKeyword stores what a play holds in fields of its own.
func (s *session) playKeyword(p *Play, name string, e *yaml.Entry) {
	v := e.Value
	switch name {
	case "name":
		p.Name = scalarText(v)
	case "hosts":
		p.Hosts = s.hosts(e)
	case "gather_facts":
		if !isNull(v) {
			p.GatherFacts = v.Value()
		}
	case "vars_files":
		p.VarsFiles = s.varsFiles(v)
		s.checkVarsFiles(p)
	case "vars_prompt":
		p.VarsPrompt = s.varsPrompt(e)
	case "serial":
		s.serial(e)
	default:
		s.ours(p, name, e)
	}
}

func (s *session) hosts(e *yaml.Entry) []string {
	v := e.Value
	bad := func(n *yaml.Node, what say.Text) {
		s.report(problem(n, "bad-hosts", what, say.Text{}, say.T("write the name of a group or host, or a list of them", "그룹이나 호스트의 이름, 또는 그 목록을 쓰세요")))
	}
	switch {
	case s.broken(v):
	case isNull(v), v.Kind == yaml.Sequence && len(v.Items) == 0, isText(v) && strings.TrimSpace(scalarText(v)) == "":
		bad(e.Key, say.T("Hosts list cannot be empty. Please check your playbook", "hosts가 비어 있습니다"))
	case v.Kind == yaml.Mapping:
		bad(e.Key, say.T("hosts must be text or a list, not a mapping", "hosts에는 문자열이나 목록이 와야 하는데 사전이 있습니다"))
	case v.Kind == yaml.Scalar && !isText(v):
		bad(v, say.T("hosts must be text or a list, not %s", "hosts에는 문자열이나 목록이 와야 하는데 %s{이/가} 있습니다", v.Text))
	case v.Kind == yaml.Sequence:
		for _, item := range v.Items {
			if !isText(item) || strings.TrimSpace(scalarText(item)) == "" {
				bad(item, say.T("a host pattern must be text, not %s", "호스트 패턴에는 문자열이 와야 하는데 %s{이/가} 있습니다", kindWords(item)))
			}
		}
		return texts(v)
	default:
		return []string{scalarText(v)}
	}
	return nil
}

// serial is a number, a percentage, or a list of them.
func (s *session) serial(e *yaml.Entry) {
	items := []*yaml.Node{e.Value}
	if e.Value.Kind == yaml.Sequence {
		items = e.Value.Items
	}
	for _, item := range items {
		s.checkShape(&keyword{name: "serial", shape: percent}, e.Key, item)
	}
}
