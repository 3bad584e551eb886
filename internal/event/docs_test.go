package event

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write docs/events.md")

const docsFile = "../../docs/events.md"

// TestDocumentation holds docs/events.md to the comments of the structs: a
// field without a comment fails, and so does a page that says something else.
func TestDocumentation(t *testing.T) {
	page := document(t)
	if *update {
		require.NoError(t, os.WriteFile(docsFile, []byte(page), 0o644))
	}
	have, err := os.ReadFile(docsFile)
	require.NoError(t, err)
	assert.Equal(t, page, string(have), "run go test ./internal/event -update")
}

const intro = `# Events

A run says everything that happens as one stream of events: one JSON object per
line, in UTF-8, in order. ` + "`sunup run --events FILE`" + ` writes it; reports,
history and the console are made from it and from nothing else.

- Every event has the same four fields, and ` + "`data`" + ` holds the rest:

      {"seq":12,"time":"2026-11-21T08:30:00.1Z","type":"host_lost","data":{"play":3,"host":"kiosk17","outcome":"failed"}}

- Times are RFC 3339. Durations are whole nanoseconds.
- Sentences for people are in both languages: ` + "`{\"en\":\"...\",\"ko\":\"...\"}`" + `.
- Fields marked *optional* are left out when they are empty, false or zero.
- Return values keep Ansible's names and their order. What JSON has no form for
  is text: ` + "`NaN`" + `, a tuple as a key. Bytes that are not UTF-8 are written as
  ` + "`\\udcXX`" + `, as Python does, and read as U+FFFD.
- A stream may end in the middle of a line when its writer was killed: the
  readers of sunup take what is before it.
- A reader must pass over types and fields that it does not know: newer versions
  add some. None is renamed or removed.

This page is made from the comments in ` + "`internal/event/event.go`" + ` by
` + "`go test ./internal/event -update`" + `.
`

// document writes the page.
func document(t *testing.T) string {
	docs := structDocs(t)
	var b strings.Builder
	b.WriteString(intro)
	b.WriteString("\n## Every event\n\n")
	table(t, &b, reflect.TypeFor[Event](), docs)
	used := map[string]bool{"Event": true}
	var parts []reflect.Type
	for _, d := range kinds {
		rt := reflect.TypeOf(d)
		used[rt.Name()] = true
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\n", d.Type(), about(docs, rt.Name()))
		table(t, &b, rt, docs)
		parts = append(parts, nested(rt, used)...)
	}
	b.WriteString("\n# Parts of events\n")
	for len(parts) > 0 {
		rt := parts[0]
		parts = append(parts[1:], nested(rt, used)...)
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\n", rt.Name(), about(docs, rt.Name()))
		table(t, &b, rt, docs)
	}
	b.WriteString("\n## Outcome\n\nHow a task ended on a host: exactly one of\n")
	for i, o := range Outcomes {
		if i > 0 {
			b.WriteString(",")
		}
		fmt.Fprintf(&b, " `%s`", o)
	}
	b.WriteString(".\n`rescued`: it failed, and a rescue took over. `ignored`: it failed, with ignore_errors.\n`unknown`: it was sent, and the answer was lost.\n")
	for name := range docs {
		assert.True(t, used[name] || name == "Raw", "%s is in no event", name)
	}
	return b.String()
}

// about is the comment of a struct as a sentence that does not begin with its
// Go name.
func about(docs map[string]structDoc, name string) string {
	s := docs[name].about
	for _, begin := range []string{name + " says that ", name + " says ", name + " is ", name + " are ", name + " "} {
		if rest, ok := strings.CutPrefix(s, begin); ok {
			return strings.ToUpper(rest[:1]) + rest[1:]
		}
	}
	return s
}

// nested are the structs of ours within rt that were not seen yet.
func nested(rt reflect.Type, used map[string]bool) []reflect.Type {
	var out []reflect.Type
	for i := range rt.NumField() {
		ft := rt.Field(i).Type
		for ft.Kind() == reflect.Pointer || ft.Kind() == reflect.Slice {
			ft = ft.Elem()
		}
		if ft.Kind() == reflect.Struct && ft.PkgPath() == rt.PkgPath() && !used[ft.Name()] {
			used[ft.Name()] = true
			out = append(out, ft)
		}
	}
	return out
}

func table(t *testing.T, b *strings.Builder, rt reflect.Type, docs map[string]structDoc) {
	b.WriteString("| Field | Type | Meaning |\n|---|---|---|\n")
	for i := range rt.NumField() {
		f := rt.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		require.NotEmpty(t, name, "%s.%s has no JSON name", rt.Name(), f.Name)
		text := docs[rt.Name()].fields[f.Name]
		if !assert.NotEmpty(t, text, "%s.%s has no comment", rt.Name(), f.Name) {
			continue
		}
		for _, begin := range []string{f.Name + " is ", f.Name + " are ", f.Name + " "} {
			text = strings.TrimPrefix(text, begin)
		}
		if strings.Contains(options, "omit") {
			text = "*optional*; " + text
		}
		fmt.Fprintf(b, "| `%s` | %s | %s |\n", name, typeWord(f.Type), strings.TrimSuffix(text, "."))
	}
}

var typeWords = map[string]string{
	"time.Time": "time", "time.Duration": "nanoseconds", "say.Text": "sentence", "*value.Dict": "object",
	"diag.Pos": "place: file, line, col", "event.Data": "object", "event.Type": "text", "event.Section": "text",
	"string": "text", "int": "number", "int64": "number", "bool": "true or false", "map[string]string": "object of text",
}

func typeWord(rt reflect.Type) string {
	if w, ok := typeWords[rt.String()]; ok {
		return w
	}
	switch rt.Kind() {
	case reflect.Slice:
		return "list of " + typeWord(rt.Elem())
	case reflect.Pointer:
		return typeWord(rt.Elem())
	}
	return fmt.Sprintf("[%s](#%s)", rt.Name(), strings.ToLower(rt.Name()))
}

type structDoc struct {
	about  string
	fields map[string]string
}

func structDocs(t *testing.T) map[string]structDoc {
	file, err := parser.ParseFile(token.NewFileSet(), "event.go", nil, parser.ParseComments)
	require.NoError(t, err)
	out := map[string]structDoc{}
	for _, decl := range file.Decls {
		gen, ok := decl.(*ast.GenDecl)
		if !ok || gen.Tok != token.TYPE {
			continue
		}
		for _, spec := range gen.Specs {
			ts := spec.(*ast.TypeSpec)
			st, ok := ts.Type.(*ast.StructType)
			if !ok {
				continue
			}
			d := structDoc{about: oneLine(gen.Doc.Text()), fields: map[string]string{}}
			for _, f := range st.Fields.List {
				d.fields[f.Names[0].Name] = oneLine(f.Doc.Text() + " " + f.Comment.Text())
			}
			out[ts.Name.Name] = d
		}
	}
	return out
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
