package modules_test

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"sunup/internal/say"
	"sunup/modules"
)

// Every module that a file declares is in the catalogue, which is sorted.
func TestCatalogueIsComplete(t *testing.T) {
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	declared := map[string]bool{}
	var listed []string
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok || g.Tok != token.VAR {
				continue
			}
			for _, s := range g.Specs {
				v := s.(*ast.ValueSpec)
				if len(v.Values) == 1 && v.Names[0].Name == "all" {
					for _, e := range v.Values[0].(*ast.CompositeLit).Elts {
						listed = append(listed, e.(*ast.UnaryExpr).X.(*ast.Ident).Name)
					}
				} else if len(v.Values) == 1 {
					if c, ok := v.Values[0].(*ast.CompositeLit); ok {
						if id, ok := c.Type.(*ast.Ident); ok && id.Name == "Module" {
							declared[v.Names[0].Name] = true
						}
					}
				}
			}
		}
	}
	if !sort.StringsAreSorted(listed) {
		t.Error("the catalogue is not sorted")
	}
	for _, name := range listed {
		delete(declared, name)
	}
	for name := range declared {
		t.Errorf("%s is not in the catalogue", name)
	}
}

func TestLookup(t *testing.T) {
	for _, name := range []string{"ping", "ansible.builtin.ping", "ansible.legacy.ping"} {
		if m := modules.Lookup(name, []string{"community.general"}); m == nil || m.Name != "ansible.builtin.ping" {
			t.Errorf("%s is not found", name)
		}
	}
	for _, name := range []string{"no_such", "community.general.ping", "ansible.builtin.", ""} {
		if m := modules.Lookup(name, nil); m != nil {
			t.Errorf("%q is found: %s", name, m.Name)
		}
	}
}

// What a person reads about a module is there in both languages, and an
// argument's default passes its own checks.
func TestDeclarations(t *testing.T) {
	for _, name := range modules.Names() {
		m := modules.Lookup(name, nil)
		check := func(what string, text say.Text) {
			if text.In(say.English) == "" || text.In(say.Korean) == "" || (text.In(say.English) == text.In(say.Korean) && strings.Contains(text.In(say.English), " ")) {
				t.Errorf("%s: %s lacks words in two languages", name, what)
			}
		}
		check("summary", m.Summary)
		var params func(at string, list []modules.Param)
		params = func(at string, list []modules.Param) {
			seen := map[string]bool{}
			for _, p := range list {
				check(at+p.Name, p.Doc)
				for _, n := range append([]string{p.Name}, p.Aliases...) {
					if seen[n] {
						t.Errorf("%s: %s%s is declared twice", name, at, n)
					}
					seen[n] = true
				}
				if p.Required && p.Default != nil {
					t.Errorf("%s: %s%s is required and has a default", name, at, p.Name)
				}
				params(at+p.Name+".", p.Options)
			}
		}
		params("", m.Spec.Params)
		for _, r := range m.Returns {
			check("return "+r.Name, r.Doc)
		}
		if m.Engine == (m.Run != nil) {
			t.Errorf("%s: either the engine or Run does the work", name)
		}
		for _, lang := range []say.Lang{say.English, say.Korean} {
			var out bytes.Buffer
			if err := modules.Doc(&out, name, lang); err != nil || !strings.Contains(out.String(), m.Summary.In(lang)) {
				t.Errorf("doc %s: %v", name, err)
			}
		}
	}
	var page bytes.Buffer
	if err := modules.Reference(&page, say.Korean); err != nil || !strings.Contains(page.String(), "## ping") {
		t.Errorf("reference: %v", err)
	}
}
