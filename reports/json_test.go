package reports

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"sunup/internal/event"
)

// TestSchemaIsThatOfTheStructs makes the schema from the structs and their
// comments, and compares it with the published one.
func TestSchemaIsThatOfTheStructs(t *testing.T) {
	m := schemaMaker{defs: map[string]any{}, docs: fieldDocs(t, "report.go", "gathered.go", "trend.go", "period.go", "../internal/event/event.go")}
	root := m.object(reflect.TypeFor[Report]())
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["title"] = "sunup report"
	root["description"] = "The report of one run, as written to report.json. Times are RFC 3339; lengths of time are whole milliseconds and end in _ms."
	root["$defs"] = m.defs
	b, err := json.MarshalIndent(root, "", "  ")
	require.NoError(t, err)
	golden(t, "report.schema.json", string(b)+"\n")
	golden(t, "../docs/report.schema.json", string(b)+"\n")
}

type schemaMaker struct {
	defs map[string]any
	docs map[string]string
}

func (m schemaMaker) object(rt reflect.Type) map[string]any {
	props, required := map[string]any{}, []string{}
	for i := range rt.NumField() {
		f := rt.Field(i)
		if !f.IsExported() {
			continue
		}
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		s := m.of(f.Type)
		if doc := m.docs[rt.Name()+"."+f.Name]; doc != "" {
			s["description"] = doc
		}
		props[name] = s
		if !strings.Contains(options, "omit") {
			required = append(required, name)
		}
	}
	return map[string]any{"type": "object", "properties": props, "required": required, "additionalProperties": false}
}

func (m schemaMaker) of(rt reflect.Type) map[string]any {
	switch rt.String() {
	case "time.Time":
		return map[string]any{"type": "string", "format": "date-time"}
	case "say.Text":
		m.defs["text"] = map[string]any{
			"type": "object", "description": "A sentence in both languages.", "required": []string{"en", "ko"}, "additionalProperties": false,
			"properties": map[string]any{"en": map[string]any{"type": "string"}, "ko": map[string]any{"type": "string"}},
		}
		return map[string]any{"$ref": "#/$defs/text"}
	case "*value.Dict":
		return map[string]any{"type": "object"}
	case "event.Outcome":
		var all []any
		for _, o := range event.Outcomes {
			all = append(all, string(o))
		}
		m.defs["outcome"] = map[string]any{"enum": all}
		return map[string]any{"$ref": "#/$defs/outcome"}
	case "reports.MilestoneState":
		return map[string]any{"enum": []any{string(Met), string(Late), string(NotReached)}}
	}
	switch rt.Kind() {
	case reflect.String:
		return map[string]any{"type": "string"}
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Int, reflect.Int64:
		return map[string]any{"type": "integer"}
	case reflect.Float64:
		return map[string]any{"type": "number"}
	case reflect.Pointer:
		return m.of(rt.Elem())
	case reflect.Slice:
		return map[string]any{"type": "array", "items": m.of(rt.Elem())}
	case reflect.Map:
		return map[string]any{"type": "object", "additionalProperties": m.of(rt.Elem())}
	case reflect.Struct:
		name := strings.ToLower(rt.Name())
		if m.defs[name] == nil {
			m.defs[name] = true // ends a circle
			m.defs[name] = m.object(rt)
		}
		return map[string]any{"$ref": "#/$defs/" + name}
	}
	panic("schema: " + rt.String())
}

// fieldDocs are the comments of struct fields, by "Struct.Field".
func fieldDocs(t *testing.T, files ...string) map[string]string {
	out := map[string]string{}
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
		require.NoError(t, err)
		ast.Inspect(parsed, func(n ast.Node) bool {
			ts, ok := n.(*ast.TypeSpec)
			if !ok {
				return true
			}
			if st, ok := ts.Type.(*ast.StructType); ok {
				for _, f := range st.Fields.List {
					for _, name := range f.Names {
						out[ts.Name.Name+"."+name.Name] = strings.Join(strings.Fields(f.Doc.Text()+" "+f.Comment.Text()), " ")
					}
				}
			}
			return true
		})
	}
	return out
}

func compiledSchema(t *testing.T) *jsonschema.Schema {
	c := jsonschema.NewCompiler()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema))
	require.NoError(t, err)
	c.AssertFormat()
	require.NoError(t, c.AddResource("report.schema.json", doc))
	s, err := c.Compile("report.schema.json")
	require.NoError(t, err)
	return s
}

func TestReportJSONFollowsItsSchema(t *testing.T) {
	schema := compiledSchema(t)
	for _, s := range stored {
		t.Run(s.name, func(t *testing.T) {
			var b bytes.Buffer
			require.NoError(t, WriteJSON(&b, Fold(s.events())))
			golden(t, filepath.Join("testdata", "golden", s.name+".report.json"), b.String())
			doc, err := jsonschema.UnmarshalJSON(&b)
			require.NoError(t, err)
			assert.NoError(t, schema.Validate(doc))
		})
	}
	t.Run("nothing at all", func(t *testing.T) {
		var b bytes.Buffer
		require.NoError(t, WriteJSON(&b, Fold(nil)))
		doc, err := jsonschema.UnmarshalJSON(&b)
		require.NoError(t, err)
		assert.NoError(t, schema.Validate(doc))
	})
	t.Run("a field too many", func(t *testing.T) {
		assert.Error(t, schema.Validate(map[string]any{"schema": 1, "x": 2}))
	})
}
