package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"sunup/internal/diag"
	"sunup/internal/say"
	"sunup/internal/yaml"
	"sunup/playbooks"
)

// maxProjectFile bounds a file that check reads on its own.
const maxProjectFile = 8 << 20

// checkProject reads everything of a project: its playbooks, then the task
// files of roles that no playbook came to, then the templates.
func (p *project) checkProject(dir string, r *checkReport) {
	files := projectFiles(dir)
	for _, path := range files {
		switch {
		case !isYAML(path) || !isPlaybook(path):
		case p.loader.Seen(path):
			r.Playbooks++ // another one imported it: its plays were checked there
		default:
			p.checkPlaybook(path, r)
		}
	}
	for _, path := range files {
		kind := partOfRole(dir, path)
		if kind == "" || !isYAML(path) || p.loader.Seen(path) {
			continue
		}
		steps, problems := p.loader.TaskFile(path, nil, nil, kind == "handlers")
		r.add(problems)
		playbooks.WalkSteps(steps, r.task)
	}
	for _, path := range files {
		if filepath.Ext(path) == ".j2" {
			p.checkTemplateFile(path, r)
		}
	}
}

// projectFiles lists the files below a directory, without hidden directories.
func projectFiles(dir string) []string {
	var out []string
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return nil // what cannot be read is told when somebody asks for it
		case d.IsDir() && path != dir && strings.HasPrefix(d.Name(), "."):
			return filepath.SkipDir
		case d.Type().IsRegular():
			out = append(out, path)
		}
		return nil
	})
	return out
}

func isYAML(path string) bool { return slices.Contains([]string{".yml", ".yaml"}, filepath.Ext(path)) }

// isPlaybook reports whether a file is a list with a play in it.
func isPlaybook(path string) bool {
	text, err := readSmall(path)
	if err != nil || !strings.Contains(string(text), "hosts") && !strings.Contains(string(text), "import_playbook") {
		return false
	}
	root, _ := yaml.Load(path, text)
	if root == nil || root.Kind != yaml.Sequence {
		return false
	}
	return slices.ContainsFunc(root.Items, func(n *yaml.Node) bool {
		return n.Get("hosts") != nil || n.Get("import_playbook") != nil || n.Get("ansible.builtin.import_playbook") != nil
	})
}

// partOfRole tells whether a file is below a folder tasks/ or handlers/.
func partOfRole(dir, path string) string {
	rel, err := filepath.Rel(dir, path)
	if err != nil {
		return ""
	}
	parts := strings.Split(filepath.Dir(rel), string(filepath.Separator))
	for _, part := range slices.Backward(parts) {
		if part == "tasks" || part == "handlers" {
			return part
		}
	}
	return ""
}

func readSmall(path string) ([]byte, error) {
	if info, err := os.Stat(path); err != nil || info.Size() > maxProjectFile {
		return nil, fs.ErrInvalid
	}
	return os.ReadFile(path)
}

// checkTemplateFile looks for filters, tests and lookups that there are not. A
// file that is no template of ours (some have delimiters of their own) is a
// warning.
func (p *project) checkTemplateFile(path string, r *checkReport) {
	text, err := readSmall(path)
	if err != nil {
		return
	}
	r.Templates++
	problem := func(id string, what say.Text, line, col int) diag.Problem {
		return diag.Problem{Severity: diag.Warning, ID: id, Pos: diag.Pos{File: path, Line: line, Col: col}, What: what}
	}
	if t, err := p.templar.Env.Compile(path, string(text)); err == nil {
		p.countPlugins(string(text), t.Uses())
	}
	for _, e := range p.templar.Env.Lacking(path, string(text)) {
		one := problem("unsupported-"+e.Lacking, say.T("the template is not well-formed: %s", "템플릿의 문법이 틀렸습니다: %s", e.Msg), e.Line, e.Col)
		one.Lacking, one.Subject = e.Lacking, e.Subject
		r.add(diag.Problems{one})
	}
}
