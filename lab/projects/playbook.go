package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"sunup/internal/yaml"
)

// playbook is one file of a project.
type playbook struct {
	project string
	dir     string // the project's
	path    string // from there
}

func (p playbook) key() string { return p.project + "/" + p.path }

// findPlaybooks lists the playbooks of all projects below dir, or of those
// named.
func findPlaybooks(dir string, names []string) ([]playbook, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var out []playbook
	for _, e := range entries {
		if !e.IsDir() || len(names) > 0 && !slices.Contains(names, e.Name()) {
			continue
		}
		root := filepath.Join(dir, e.Name())
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case d.IsDir() && d.Name() == ".git":
				return filepath.SkipDir
			case d.Type().IsRegular() && isPlaybook(path):
				rel, _ := filepath.Rel(root, path)
				out = append(out, playbook{project: e.Name(), dir: root, path: rel})
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

func isPlaybook(path string) bool {
	if ext := filepath.Ext(path); ext != ".yml" && ext != ".yaml" {
		return false
	}
	text, err := os.ReadFile(path)
	if err != nil || !strings.Contains(string(text), "hosts") && !strings.Contains(string(text), "import_playbook") {
		return false
	}
	root, problems := yaml.Load(path, text)
	if problems.HasErrors() || root == nil || root.Kind != yaml.Sequence {
		return false
	}
	return slices.ContainsFunc(root.Items, func(n *yaml.Node) bool {
		return n.Get("hosts") != nil || n.Get("import_playbook") != nil || n.Get("ansible.builtin.import_playbook") != nil
	})
}
