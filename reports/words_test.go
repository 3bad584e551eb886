package reports

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"sunup/internal/event"
)

// TestEveryMessageIsInBothLanguages reads the sources: each message of say.T,
// and of the short form of the live writer, has an English and a Korean text
// with the same arguments.
func TestEveryMessageIsInBothLanguages(t *testing.T) {
	n := 0
	for _, dir := range []string{".", "../internal/event"} {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		require.NoError(t, err)
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			fset := token.NewFileSet()
			parsed, err := parser.ParseFile(fset, file, nil, 0)
			require.NoError(t, err)
			ast.Inspect(parsed, func(node ast.Node) bool {
				if call, ok := node.(*ast.CallExpr); ok && isMessage(call) && len(call.Args) >= 2 {
					if en, ko, ok := literals(call); ok {
						n++
						checkMessage(t, fset.Position(call.Pos()).String(), en, ko)
					}
				}
				return true
			})
		}
	}
	assert.Greater(t, n, 150, "messages were found")
}

// isMessage reports whether a call makes a message: say.T or s.in.
func isMessage(call *ast.CallExpr) bool {
	sel, ok := call.Fun.(*ast.SelectorExpr)
	return ok && (sel.Sel.Name == "T" || sel.Sel.Name == "in")
}

func literals(call *ast.CallExpr) (en, ko string, ok bool) {
	var out [2]string
	for i := range out {
		lit, isLit := call.Args[i].(*ast.BasicLit)
		if !isLit || lit.Kind != token.STRING {
			return "", "", false
		}
		out[i], _ = strconv.Unquote(lit.Value)
	}
	return out[0], out[1], true
}

var verb = regexp.MustCompile(`%(?:\[\d+\])?[-+.0-9]*[a-zA-Z]`)

func checkMessage(t *testing.T, at, en, ko string) {
	assert.NotEmpty(t, strings.TrimSpace(en), at)
	assert.NotEmpty(t, strings.TrimSpace(ko), at)
	assert.Equal(t, len(verb.FindAllString(en, -1)), len(verb.FindAllString(ko, -1)), "%s: arguments", at)
	assert.False(t, en != "한국어" && strings.ContainsFunc(en, isHangul), "%s: the English is Korean", at)
	if strings.ContainsFunc(verb.ReplaceAllString(en, ""), unicode.IsLetter) && ko != "English" {
		assert.True(t, strings.ContainsFunc(ko, isHangul), "%s: the Korean is missing: %q", at, ko)
	}
}

func isHangul(r rune) bool { return unicode.Is(unicode.Hangul, r) }

// TestWordsAreThoseThatAreUsed: the page has no word that is not there, and no
// word is there for nothing.
func TestWordsAreThoseThatAreUsed(t *testing.T) {
	used := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?:w|Say) "([a-z_]+)"`).FindAllStringSubmatch(pageText+periodText, -1) {
		used[m[1]] = true
	}
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	for _, file := range files {
		b, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, m := range regexp.MustCompile(`(?:word\(|words\[|heading\(|title\(|\bw\()"([a-z_]+)"`).FindAllStringSubmatch(string(b), -1) {
			used[m[1]] = true
		}
		if file == "words.go" {
			continue
		}
		// Lists of names: m.words("time", "margin").
		for _, m := range regexp.MustCompile(`"([a-z_]+)"`).FindAllStringSubmatch(string(b), -1) {
			if _, ok := words[m[1]]; ok {
				used[m[1]] = true
			}
		}
	}
	for name := range used {
		assert.False(t, words[name].IsZero(), "no word %q", name)
	}
	for name := range words {
		assert.True(t, used[name], "%q is not used", name)
	}
}

func TestEveryOutcomeHasItsWordSymbolAndLook(t *testing.T) {
	symbols := map[string]bool{}
	for _, o := range event.Outcomes {
		assert.NotEmpty(t, outcomeWords[o], o)
		assert.NotEmpty(t, outcomeLooks[o], o)
		assert.NotZero(t, gravity[o], o)
		assert.False(t, symbols[outcomeSymbols[o]], "colour is never alone: %s needs a symbol of its own", o)
		symbols[outcomeSymbols[o]] = true
		assert.Contains(t, pageCSS, ".c."+string(o)+"{", o)
	}
}
