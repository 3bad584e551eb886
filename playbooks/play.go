package playbooks

import (
	"path/filepath"
	"strings"

	"sunup/internal/diag"
	"sunup/internal/say"
	"sunup/internal/value"
	"sunup/internal/yaml"
)

// imports of playbooks pass these on to the plays that they bring in.
type passedOn struct {
	tags       []string
	when       []any
	vars       *value.Dict
	collection string
}

// playbook reads a file of plays into p and reports whether it could be read.
func (s *session) playbook(p *Playbook, path string, by *yaml.Node, from passedOn) bool {
	root, ok := s.read(path, by)
	if !ok {
		return false
	}
	s.playbookDir(s.abs(filepath.Dir(path)))
	if root == nil {
		s.report(emptyPlaybook(path))
		return false
	}
	if root.Kind != yaml.Sequence {
		s.report(notPlays(root))
		return false
	}
	if len(root.Items) == 0 {
		s.report(emptyPlaybook(path))
	}
	for i, item := range root.Items {
		s.entry(p, item, i, path, from)
	}
	return true
}

func emptyPlaybook(path string) diag.Problem {
	return diag.Problem{Severity: diag.Error, ID: "empty-playbook", Pos: diag.Pos{File: filepath.Clean(path)},
		What: say.T("the playbook is empty", "플레이북이 비어 있습니다"), Fix: say.T("add a play: '- hosts: all' and tasks", "'- hosts: all'과 tasks로 플레이를 쓰세요")}
}

func notPlays(root *yaml.Node) diag.Problem {
	p := problem(root, "not-a-list", say.T("a playbook must be a list of plays, not %s", "플레이북에는 플레이의 목록이 와야 하는데 %s{이/가} 있습니다", kindWords(root)), say.Text{}, say.Text{})
	if root.Kind == yaml.Mapping {
		p.Fix = say.T("did you forget the dash? A play starts with '- '", "줄표를 빠뜨린 것은 아닌가요? 플레이는 '- '로 시작합니다")
		if root.Get("hosts") == nil && root.Get("tasks") == nil {
			p.Fix = say.T("this looks like a file of variables: put it under vars_files or group_vars, and give the playbook itself", "변수 파일처럼 보입니다. vars_files나 group_vars에 쓰고, 명령에는 플레이북을 주세요")
		}
	}
	return p
}

// entry reads one item of a playbook: a play, an import, or startup.
func (s *session) entry(p *Playbook, n *yaml.Node, i int, path string, from passedOn) {
	if !s.room(n) {
		return
	}
	if s.broken(n) {
		return
	}
	if n.Kind != yaml.Mapping {
		s.report(problem(n, "not-a-play", say.T("a play must be a mapping, not %s", "플레이에는 사전이 와야 하는데 %s{이/가} 있습니다", kindWords(n)), say.Text{},
			say.T("a play starts with '- hosts: ...'", "플레이는 '- hosts: ...'로 시작합니다")))
		return
	}
	if !s.textKeys(n) {
		return
	}
	for _, e := range n.Entries {
		switch name := scalarText(e.Key); {
		case shortName(name) == "import_playbook":
			s.importPlaybook(p, n, e, path, from)
			return
		case shortName(name) == "include" && n.Get("hosts") == nil:
			s.report(notAPlayKeyword(e.Key))
			return
		case name == "startup":
			s.startup(p, n, i)
			return
		}
	}
	p.Plays = append(p.Plays, s.play(n, path, from))
}

// importPlaybook puts the plays of another playbook in the place of n.
func (s *session) importPlaybook(p *Playbook, n *yaml.Node, entry yaml.Entry, path string, from passedOn) {
	sc := &Scope{Kind: ImportScope, Pos: n.Pos}
	for _, e := range n.Entries {
		name := scalarText(e.Key)
		if e.Key == entry.Key {
			continue
		}
		k := keywordIn(name, inPlaybook)
		if k == nil {
			s.report(unknownKeyword(e.Key, inPlaybook))
			continue
		}
		s.set(sc, k, e.Key, e.Value)
		if !passesOn[name] {
			s.report(warning(e.Key, "import-keyword", say.T("%s has no effect on import_playbook", "import_playbook에서 %s{은/는} 효과가 없습니다", name), say.Text{},
				say.T("write it in the plays of the imported playbook", "가져오는 플레이북의 플레이에 쓰세요")))
		}
	}
	c := s.context(sc, &Play{File: path, Dir: s.abs(filepath.Dir(path)), Collection: from.collection}, false)
	file, ok := c.playbookName(entry)
	if !ok {
		return
	}
	file, collection, ok := c.findPlaybook(entry.Value, file)
	if !ok {
		return
	}
	leave, ok := c.enterImport(entry.Value, file)
	if !ok {
		return
	}
	defer leave()
	vars := sc.Vars
	if from.vars.Len() > 0 {
		vars = vars.Copy()
		vars.Update(from.vars)
	}
	s.playbook(p, file, entry.Value, passedOn{
		tags: append(append([]string(nil), from.tags...), sc.Tags...),
		when: append(append([]any(nil), from.when...), sc.When...),
		vars: vars, collection: collection,
	})
}

var passesOn = setOf("name", "vars", "tags", "when")

func (c *place) playbookName(entry yaml.Entry) (string, bool) {
	v := entry.Value
	if c.broken(v) {
		return "", false
	}
	if !isText(v) || strings.TrimSpace(scalarText(v)) == "" {
		c.report(problem(entry.Key, "no-file", say.T("import_playbook names no file", "import_playbook에 파일 이름이 없습니다"), say.Text{}, say.T("write '- import_playbook: file.yml'", "'- import_playbook: 파일.yml'로 쓰세요")))
		return "", false
	}
	words, err := splitWords(strings.TrimSpace(scalarText(v)))
	if err != nil {
		c.report(badKeyValue(v, err))
		return "", false
	}
	if len(words) > 1 {
		c.report(warning(v, "ignored-text", say.T("what follows the file name is not read", "파일 이름 뒤의 글은 읽지 않습니다"), say.Text{},
			say.T("give variables under vars:", "변수는 vars: 아래에 쓰세요")))
	}
	return c.renderName(v, strings.TrimSpace(words[0]), c.parent.Vars)
}

// findPlaybook finds an imported playbook: of a collection by its full name,
// or beside the playbook that imports it.
func (c *place) findPlaybook(at *yaml.Node, name string) (path, collection string, ok bool) {
	if ns, coll, rest, isName := collectionName(strings.TrimSuffix(strings.TrimSuffix(name, ".yml"), ".yaml")); isName {
		base := filepath.Join("playbooks", strings.ReplaceAll(rest, ".", "/"))
		for _, dir := range c.collectionDirs(ns, coll) {
			for _, ext := range []string{".yml", ".yaml"} {
				if p := filepath.Join(dir, base+ext); c.isFile(p) {
					return c.shown(p), ns + "." + coll, true
				}
			}
		}
	}
	path = name
	if !filepath.IsAbs(name) && !strings.HasPrefix(name, "~") {
		path = filepath.Join(c.playDir(), name)
	}
	if !c.isFile(path) {
		c.report(unreadable(at.Problem("no-such-file"), path, errNotExist))
		return "", "", false
	}
	return path, "", true
}

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
			s.report(problem(e.Key, "two-users", say.T("user and remote_user mean the same", "user와 remote_user는 같은 뜻입니다"), say.Text{}, say.T("keep remote_user", "remote_user만 남기세요")))
			continue
		}
		switch name {
		case "tasks", "pre_tasks", "post_tasks", "handlers", "roles":
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
		p.What = say.T("include can no longer stand between plays", "플레이 사이에는 더 이상 include를 쓸 수 없습니다")
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
		bad(e.Key, say.T("hosts is empty", "hosts가 비어 있습니다"))
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

func (s *session) varsFiles(v *yaml.Node) []VarsFile {
	if isNull(v) {
		return nil
	}
	items := []*yaml.Node{v}
	if v.Kind == yaml.Sequence {
		items = v.Items
	}
	var out []VarsFile
	for _, item := range items {
		ok := item.Kind == yaml.Sequence || (isText(item) && !isNull(item))
		for _, choice := range item.Items {
			ok = ok && isText(choice)
		}
		switch {
		case s.broken(item):
		case isNull(item):
			s.report(warning(item, "empty-entry", say.T("an empty entry in vars_files", "vars_files에 빈 항목이 있습니다"), say.Text{}, say.T("remove the dash", "줄표를 지우세요")))
		case !ok:
			s.report(problem(item, "wrong-type", say.T("an entry of vars_files must be a file name or a list of them, not %s", "vars_files의 항목에는 파일 이름이나 그 목록이 와야 하는데 %s{이/가} 있습니다", kindWords(item)), say.Text{}, say.Text{}))
		default:
			out = append(out, VarsFile{Pos: item.Pos, Choices: texts(item)})
		}
	}
	return out
}

// checkVarsFiles reads the files whose names are known now, so that their
// problems show before the run.
func (s *session) checkVarsFiles(p *Play) {
	c := s.context(&p.Scope, p, false)
	for _, vf := range p.VarsFiles {
		path, open := c.findVarsFile(vf)
		at := &yaml.Node{Pos: vf.Pos, Source: s.sourceOf(vf.Pos.File), Scalar: strings.Join(vf.Choices, ", ")}
		switch {
		case path != "":
			s.readVariables(path, at)
		case !open && len(vf.Choices) > 0:
			s.report(warning(at, "no-such-file", say.T("there is no file %s", "%s 파일이 없습니다", scalarText(at)),
				say.T("the play fails without it", "이 파일이 없으면 플레이가 실패합니다"), say.T("check the path; it starts from the folder of the playbook", "경로를 확인하세요. 플레이북이 있는 폴더에서 시작합니다")))
		}
	}
}

// readVariables reads a file of variables; nil when it cannot be used.
func (s *session) readVariables(path string, by *yaml.Node) *value.Dict {
	root, ok := s.read(path, by)
	if !ok || root == nil {
		return nil
	}
	if root.Kind != yaml.Mapping {
		s.report(notAMapping(root, say.T("a file of variables", "변수 파일")))
		return nil
	}
	s.checkUnused(root)
	d, _ := root.Value().(*value.Dict)
	return d
}

// findVarsFile finds the first choice that exists; open is true when a choice
// is only known during the run.
func (c *place) findVarsFile(vf VarsFile) (path string, open bool) {
	for _, choice := range vf.Choices {
		if isTemplate(choice) {
			return "", true
		}
		for _, sub := range []string{"vars", ""} {
			p := filepath.Join(c.playDir(), sub, choice)
			if filepath.IsAbs(choice) || strings.HasPrefix(choice, "~") {
				p = choice
			}
			if c.isFile(p) {
				return p, false
			}
		}
	}
	return "", false
}

var promptKeys = []string{"name", "prompt", "default", "private", "confirm", "encrypt", "salt_size", "salt", "unsafe"}

func (s *session) varsPrompt(e *yaml.Entry) []VarsPrompt {
	if isNull(e.Value) {
		return nil
	}
	items := []*yaml.Node{e.Value}
	if e.Value.Kind == yaml.Sequence {
		items = e.Value.Items
	}
	var out []VarsPrompt
	for _, item := range items {
		if item.Kind != yaml.Mapping {
			s.report(notAMapping(item, say.T("an entry of vars_prompt", "vars_prompt의 항목")))
			continue
		}
		if prompt, ok := s.prompt(item); ok {
			out = append(out, prompt)
		}
	}
	return out
}

func (s *session) prompt(n *yaml.Node) (VarsPrompt, bool) {
	p := VarsPrompt{Pos: n.Pos, Private: true}
	known := setOf(promptKeys...)
	for _, e := range n.Entries {
		if name := scalarText(e.Key); !known[name] {
			s.report(problem(e.Key, "unknown-keyword", say.T("unknown key '%s' in vars_prompt", "vars_prompt에 알 수 없는 키 '%s'{이/가} 있습니다", name), say.Text{},
				nearestOr(name, promptKeys, say.T("use one of: %s", "다음 중 하나를 쓰세요: %s", strings.Join(promptKeys, ", ")))))
		}
	}
	if isNull(n.Get("name")) {
		s.report(problem(n, "no-name", say.T("the question has no name of a variable", "질문에 변수 이름이 없습니다"), say.Text{}, say.T("add 'name: variable'", "'name: 변수'를 쓰세요")))
		return p, false
	}
	get := func(key string) string {
		if v := n.Get(key); v != nil {
			return scalarText(v)
		}
		return ""
	}
	p.Name, p.Prompt, p.Encrypt, p.Salt = get("name"), get("prompt"), get("encrypt"), get("salt")
	p.Default = n.Get("default").Value()
	for key, into := range map[string]*bool{"private": &p.Private, "confirm": &p.Confirm, "unsafe": &p.Unsafe} {
		if v := n.Get(key); !isNull(v) && s.checkShape(&keyword{name: key, shape: boolean}, keyOf(n, key), v) {
			*into = isTrue(v)
		}
	}
	if v := n.Get("salt_size"); !isNull(v) && s.checkShape(&keyword{name: "salt_size", shape: integer}, keyOf(n, "salt_size"), v) {
		p.SaltSize, _ = v.Scalar.(int)
	}
	return p, true
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

// checkNotify warns of literal notifications that no handler answers.
func (s *session) checkNotify(p *Play) {
	answers := map[string]bool{}
	var names []string
	add := func(name string) {
		answers[name] = true
		names = append(names, name)
	}
	open := false // names or handlers are only known at run time
	for _, h := range p.Handlers {
		if isTemplate(h.Name) || h.Include != nil {
			open = true
		}
		if h.Name != "" {
			add(h.Name)
			if role := h.InnermostRole(); role != nil {
				answers[role.Name+" : "+h.Name] = true
				answers[role.ShortName()+" : "+h.Name] = true
			}
		}
		for _, l := range h.Listen {
			add(l)
		}
	}
	p.Walk(func(step Step) {
		if t, ok := step.(*Task); ok && t.Include != nil && t.Include.Kind == IncludeRole {
			open = true
		}
	})
	if open {
		return
	}
	p.Walk(func(step Step) { s.checkNotifyOf(step, answers, names) })
	for _, h := range p.Handlers {
		s.checkNotifyOf(h, answers, names)
	}
}

func (s *session) checkNotifyOf(step Step, answers map[string]bool, names []string) {
	t, ok := step.(*Task)
	if !ok || t.Keywords["notify"] == nil {
		return
	}
	node := t.Keywords["notify"].Node
	items := []*yaml.Node{node}
	if node.Kind == yaml.Sequence {
		items = node.Items
	}
	for _, item := range items {
		name := scalarText(item)
		if item.Kind != yaml.Scalar || isNull(item) || isTemplate(name) || answers[name] {
			continue
		}
		s.report(warning(item, "notify-nothing", say.T("no handler is called '%s'", "'%s'{이라/라}는 핸들러가 없습니다", name),
			say.T("the task fails when it reports a change", "이 작업은 변경이 생기면 실패합니다"),
			nearestOr(name, names, say.T("add the handler, or correct the name", "핸들러를 만들거나 이름을 고치세요"))))
	}
}
