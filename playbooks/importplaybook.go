package playbooks

import (
	"path/filepath"
	"strings"

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
	if found, of := c.collectionPlaybook(name); found != "" {
		return found, of, true
	}
	path = name
	if !filepath.IsAbs(name) && !strings.HasPrefix(name, "~") {
		path = filepath.Join(c.playDir(), name)
	}
	if !c.isFile(path) {
		c.report(unreadable(at.Problem("no-such-file"), path, errNotExist))
		return "", "", false
	}
	return path, collectionOfPath(c.abs(path)), true
}

// collectionPlaybook finds a playbook by its full name; "" when there is none.
func (c *place) collectionPlaybook(name string) (path, collection string) {
	ns, coll, rest, ok := collectionName(strings.TrimSuffix(strings.TrimSuffix(name, ".yml"), ".yaml"))
	if !ok {
		return "", ""
	}
	base := filepath.Join("playbooks", strings.ReplaceAll(rest, ".", "/"))
	for _, dir := range c.collectionDirs(ns, coll) {
		for _, ext := range []string{".yml", ".yaml"} {
			if p := filepath.Join(dir, base+ext); c.isFile(p) {
				return c.shown(p), ns + "." + coll
			}
		}
	}
	return "", ""
}

// collectionOfPath is the collection that a playbook's file lies in, or "".
func collectionOfPath(abs string) string {
	_, inside, ok := strings.Cut(abs, "/ansible_collections/")
	parts := strings.Split(inside, "/")
	if !ok || len(parts) < 4 || parts[2] != "playbooks" {
		return ""
	}
	return parts[0] + "." + parts[1]
}
