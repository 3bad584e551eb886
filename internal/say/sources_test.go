package say

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"
)

// TestEverySentenceIsInBothLanguages walks the source of the whole project:
// each say.T has an English and a Korean text, with the same arguments.
func TestEverySentenceIsInBothLanguages(t *testing.T) {
	found := 0
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && d.Name() != ".." || d.Name() == "bin") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		files := token.NewFileSet()
		file, err := parser.ParseFile(files, path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if en, ko, formatted, ok := sentence(n); ok {
				found++
				checkSentence(t, files.Position(n.Pos()).String(), en, ko, formatted)
			}
			return true
		})
		return nil
	})
	require.NoError(t, err)
	require.Greater(t, found, 500, "the walk found the project's sentences")
}

// sentence returns the two literals of a say.T call, or of the command's
// a.text, and whether they are formats with arguments.
func sentence(n ast.Node) (en, ko string, formatted, ok bool) {
	call, isCall := n.(*ast.CallExpr)
	if !isCall || len(call.Args) < 2 {
		return "", "", false, false
	}
	f, isSelector := call.Fun.(*ast.SelectorExpr)
	if !isSelector {
		return "", "", false, false
	}
	from, isName := f.X.(*ast.Ident)
	if !isName || !(from.Name == "say" && f.Sel.Name == "T" || from.Name == "a" && f.Sel.Name == "text") {
		return "", "", false, false
	}
	en, okEn := literal(call.Args[0])
	ko, okKo := literal(call.Args[1])
	return en, ko, len(call.Args) > 2, okEn && okKo
}

// literal evaluates a string, also one put together with +.
func literal(e ast.Expr) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		s, err := strconv.Unquote(e.Value)
		return s, err == nil && e.Kind == token.STRING
	case *ast.BinaryExpr:
		x, okX := literal(e.X)
		y, okY := literal(e.Y)
		return x + y, okX && okY && e.Op == token.ADD
	}
	return "", false
}

var verb = regexp.MustCompile(`%[-+# 0-9.]*(\[\d+\])?[a-zA-Z]`)

func checkSentence(t *testing.T, at, en, ko string, formatted bool) {
	t.Helper()
	if strings.TrimSpace(en) == "" || strings.TrimSpace(ko) == "" {
		t.Errorf("%s: a language is missing: %q / %q", at, en, ko)
		return
	}
	words := strings.ContainsFunc(verb.ReplaceAllString(en, ""), unicode.IsLetter)
	if words && en != ko && ko != "English" && !strings.ContainsFunc(ko, func(r rune) bool { return unicode.Is(unicode.Hangul, r) }) {
		t.Errorf("%s: the Korean text is not Korean: %q", at, ko)
	}
	if a, b := verbs(en), verbs(ko); formatted && a != b {
		t.Errorf("%s: the texts use %d and %d arguments: %q / %q", at, a, b, en, ko)
	}
}

// verbs counts the arguments that a format uses; %% is none.
func verbs(format string) int {
	return len(verb.FindAllString(strings.ReplaceAll(format, "%%", ""), -1))
}
