package playbooks

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"sunup/internal/health"
	"sunup/internal/value"
	"sunup/internal/yaml"
)

const schemaFile = "../docs/playbook.schema.json"

// object is a JSON object.
type object = map[string]any

// keywordDocs are what editors show for the keywords that sunup adds.
var keywordDocs = map[string]string{
	"needs":      "Plays that must be up first: names, or {play: name, same: variable}.",
	"health":     "Probes that must pass before a host counts as up.",
	"quarantine": "Set failing hosts aside; the play goes on while coverage holds.",
	"coverage":   "Share of the hosts that must be left, {min: 95%, per: zone}.",
	"limits":     "How many members of a pool may be out at any instant, {per: pool, at_once: 1}, and how fast a zone is worked on.",
	"stop":       "Tasks that stop the play, for sunup stop and restart; [] for nothing.",
	"gather":     "Files and commands whose end is collected from a host that fails, [/var/log/app.log, {command: df -h}].",
	"budget":     "How long the play may take, such as 5m.",
	"owner":      "Who answers for the play; shown in reports and work orders.",
	"grade":      "Weight of a failure, 1 (gravest) to 4.",
	"retry_safe": "The task may be sent again after a lost connection.",
}

// playbookSchema makes the schema from the table of keywords and the kinds of
// probes, so that it cannot forget one.
func playbookSchema() object {
	defs := health.Schema()
	for _, k := range keywordTable {
		s := k.schema()
		if k.name == "gather" {
			s = gatherSchema()
		}
		if doc := keywordDocs[k.name]; doc != "" {
			s = described(s, doc)
		}
		defs["keyword_"+k.name] = s
	}
	defs["steps"] = anyOf(object{"type": "array", "items": object{
		"if": object{"type": "object", "required": []any{"block"}}, "then": ref("block"), "else": anyOf(ref("task"), null()),
	}}, null(), ref("template"))
	defs["handlers"] = anyOf(object{"type": "array", "items": object{
		"if": object{"type": "object", "required": []any{"block"}}, "then": ref("block"), "else": anyOf(ref("handler"), null()),
	}}, null(), ref("template"))
	play := keywordsOf(inPlay)
	for _, list := range []string{"tasks", "pre_tasks", "post_tasks", "stop"} {
		play[list] = ref("steps")
	}
	play["handlers"] = ref("handlers")
	play["health"] = described(ref("probes"), keywordDocs["health"])
	play["roles"] = anyOf(object{"type": "array", "items": anyOf(object{"type": "string"}, ref("role"))}, null())
	play["hosts"] = object{"type": []any{"string", "array"}, "description": "Groups and hosts."}
	play["needs"] = described(anyOf(ref("need"), object{"type": "array", "items": ref("need")}), keywordDocs["needs"])
	play["coverage"] = described(anyOf(object{"type": []any{"number", "string", "null"}}, object{
		"type": "object", "additionalProperties": false, "required": []any{"min"},
		"properties": object{"min": object{"type": []any{"number", "string"}}, "per": object{"type": "string"}},
	}), keywordDocs["coverage"])
	play["quarantine"] = described(object{"type": []any{"boolean", "string", "integer", "null"}}, keywordDocs["quarantine"])
	play["grade"] = described(anyOf(object{"enum": []any{1, 2, 3, 4, "1", "2", "3", "4"}}, null(), ref("template")), keywordDocs["grade"])
	defs["play"] = object{"type": "object", "properties": play, "additionalProperties": false, "required": []any{"hosts"}}
	block := keywordsOf(inBlock)
	for _, list := range []string{"block", "rescue", "always"} {
		block[list] = ref("steps")
	}
	defs["block"] = object{"type": "object", "properties": block, "additionalProperties": false, "required": []any{"block"}}
	defs["task"] = taskSchema(inTask)
	defs["handler"] = taskSchema(inHandler)
	defs["role"] = object{"type": "object", "properties": keywordsOf(inRole), "anyOf": []any{object{"required": []any{"role"}}, object{"required": []any{"name"}}}}
	defs["need"] = anyOf(object{"type": "string", "description": "The name of a play."}, object{
		"type": "object", "additionalProperties": false, "required": []any{"play"},
		"properties": object{
			"play": object{"type": "string", "description": "The name of a play."},
			"same": object{"type": "string", "description": "Only its hosts with the same value of this variable."},
		},
	})
	defs["startup"] = startupSchema()
	defs["import"] = object{"type": "object", "properties": merged(keywordsOf(inPlaybook), object{
		"import_playbook": object{"type": "string"}, "ansible.builtin.import_playbook": object{"type": "string"},
	}), "additionalProperties": false}
	return object{
		"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "sunup playbook",
		"description": "A playbook of Ansible's language, with the words that sunup adds. Modules are not listed: any other key of a task is one.",
		"type":        []any{"array", "null"},
		"items": object{
			"if": object{"required": []any{"startup"}}, "then": ref("startup"),
			"else": object{
				"if":   object{"anyOf": []any{object{"required": []any{"import_playbook"}}, object{"required": []any{"ansible.builtin.import_playbook"}}}},
				"then": ref("import"), "else": ref("play"),
			},
		},
		"$defs": defs,
	}
}

func taskSchema(in where) object {
	// Any other key is a module, or with_NAME.
	return object{"type": "object", "properties": merged(keywordsOf(in), object{"health": healthTask()}), "minProperties": 1}
}

// healthTask is the module health: the same probes.
func healthTask() object {
	return described(anyOf(ref("probesWhole"), object{"type": []any{"string", "null"}}), "Wait until these probes pass.")
}

func startupSchema() object {
	clockTime := object{"type": []any{"string", "integer"}, "description": "Time of day, \"09:30\"."}
	return object{"type": "object", "additionalProperties": false, "required": []any{"startup"}, "properties": object{
		"startup":  object{"type": "string", "description": "Name of the run."},
		"opens_at": clockTime,
		"timezone": object{"type": "string", "description": "Such as Asia/Seoul."},
		"budget":   object{"type": []any{"string", "number"}, "description": "How long the whole may take, such as 30m."},
		"milestones": object{"type": "object", "additionalProperties": anyOf(clockTime, object{
			"type": "object", "additionalProperties": false, "required": []any{"at"},
			"properties": object{"at": clockTime, "when": anyOf(object{"type": "string"}, object{"type": "array", "items": object{"type": "string"}})},
		}), "description": "Deadlines on the way, by name."},
		"owner": object{"type": "string", "description": "Who answers for the run."},
	}}
}

func gatherSchema() object {
	entry := func(what string) object {
		return object{"type": "object", "additionalProperties": false, "required": []any{what}, "properties": object{
			what:     object{"type": "string"},
			"most":   object{"type": []any{"string", "integer"}, "description": "The end of it that is kept, such as 64K."},
			"within": object{"type": []any{"string", "number"}, "description": "Time limit, such as 30s."},
		}}
	}
	one := anyOf(object{"type": "string", "pattern": "^[/~]|{{"}, entry("path"), entry("command"))
	return anyOf(one, object{"type": "array", "items": one}, null(), ref("template"))
}

func ref(name string) object { return object{"$ref": "#/$defs/" + name} }

func null() object { return object{"type": "null"} }

func anyOf(list ...object) object {
	all := make([]any, len(list))
	for i, s := range list {
		all[i] = s
	}
	return object{"anyOf": all}
}

func described(s object, doc string) object { return merged(s, object{"description": doc}) }

func merged(a, b object) object {
	out := maps.Clone(a)
	maps.Copy(out, b)
	return out
}

func keywordsOf(in where) object {
	out := object{}
	for _, k := range keywordTable {
		if k.in&in == 0 {
			continue
		}
		out[k.name] = ref("keyword_" + k.name)
	}
	return out
}

func (k *keyword) schema() object {
	types := func(names ...any) object { return object{"type": append(names, "null")} }
	switch {
	case len(k.values) > 0:
		all := make([]any, len(k.values))
		for i, v := range k.values {
			all[i] = v
		}
		return anyOf(object{"enum": all}, ref("template"), null())
	case k.shape == text:
		return types("string", "number", "boolean")
	case k.shape == boolean:
		return types("boolean", "string", "number")
	case k.shape == integer, k.shape == number, k.shape == percent, k.shape == duration:
		return types("number", "string", "boolean")
	case k.shape == list, k.shape == names, k.shape == tagList:
		return types("string", "number", "boolean", "array")
	case k.shape == conditions:
		return types("string", "number", "boolean", "array")
	case k.shape == mappings, k.shape == variables:
		return types("object", "array", "string")
	}
	return object{}
}

func TestSchemaIsOfTheTables(t *testing.T) {
	b, err := json.MarshalIndent(playbookSchema(), "", "  ")
	require.NoError(t, err)
	golden(t, schemaFile, string(b)+"\n")
}

func compiledSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	f, err := os.Open(schemaFile)
	require.NoError(t, err)
	defer f.Close()
	doc, err := jsonschema.UnmarshalJSON(f)
	require.NoError(t, err)
	c := jsonschema.NewCompiler()
	require.NoError(t, c.AddResource("playbook.schema.json", doc))
	s, err := c.Compile("playbook.schema.json")
	require.NoError(t, err)
	return s
}

// Every good playbook, ours and plain Ansible's, is good by the schema too.
func TestSchemaTakesGoodPlaybooks(t *testing.T) {
	schema := compiledSchema(t)
	paths, err := filepath.Glob("samples/*/*.yml")
	require.NoError(t, err)
	for _, path := range cases(t, "testdata/good") {
		paths = append(paths, path)
	}
	seen := 0
	for _, path := range paths {
		if name := filepath.Base(path); name == "fleet.yml" || name == "authority.yml" { // scenarios
			continue
		}
		src, err := os.ReadFile(path)
		require.NoError(t, err)
		docs, problems := yaml.Parse(path, src)
		if problems.HasErrors() || len(docs) == 0 {
			continue
		}
		seen++
		if err := schema.Validate(plainData(docs[0].Value())); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
	assert.Greater(t, seen, 7)
}

// plainData is what a JSON tool reads.
func plainData(v any) any {
	switch v := v.(type) {
	case *value.Dict:
		out := object{}
		for k, e := range v.All() {
			out[value.Str(k)] = plainData(e)
		}
		return out
	case *value.List:
		out := make([]any, len(v.Items))
		for i, e := range v.Items {
			out[i] = plainData(e)
		}
		return out
	case nil, bool, string, float64:
		return v
	case int:
		return json.Number(fmt.Sprint(v))
	}
	return value.Str(v)
}

func TestSchemaRefuses(t *testing.T) {
	schema := compiledSchema(t)
	for name, src := range map[string]string{
		"a misspelt keyword":   "- hosts: a\n  quarantin: true\n",
		"no hosts":             "- tasks: []\n",
		"an unknown probe":     "- hosts: a\n  health: [{tpc: 1}]\n",
		"an option of a probe": "- hosts: a\n  health: [{tcp: {prot: 1}}]\n",
		"a gate without play":  "- hosts: a\n  needs: [{same: zone}]\n",
		"a key of startup":     "- startup: x\n  opens: '10:00'\n",
		"a grade":              "- hosts: a\n  grade: 7\n",
		"tasks of a play":      "- hosts: a\n  tasks: {}\n",
		"a block's keyword":    "- hosts: a\n  tasks: [{block: [], ping: }]\n",
	} {
		docs, problems := yaml.Parse("x.yml", []byte(src))
		require.Empty(t, problems)
		assert.Error(t, schema.Validate(plainData(docs[0].Value())), name)
	}
}

// Our words are in the schema and in the pages of both languages.
func TestOurWordsAreDocumented(t *testing.T) {
	words := []string{"exit code 10", "10"}
	words = append(words, sortedKeys(oursAlone)...)
	words = append(words, startupKeys...)
	words = append(words, health.Kinds()...)
	words = append(words, health.SettingNames()...)
	schema, err := os.ReadFile(schemaFile)
	require.NoError(t, err)
	for name := range oursAlone {
		assert.NotEmpty(t, keywordDocs[name], name)
		assert.Contains(t, string(schema), `"`+name+`"`)
	}
	for _, page := range []string{"../docs/language.md", "../docs/language.ko.md"} {
		b, err := os.ReadFile(page)
		require.NoError(t, err)
		for _, word := range words[1:] {
			assert.Regexp(t, "`"+regexp.QuoteMeta(word)+"`", string(b), page)
		}
		for _, kind := range health.Kinds() {
			for _, option := range health.OptionNames(kind) {
				assert.Contains(t, section(string(b), kind), "`"+option+"`", "%s: %s", page, kind)
			}
		}
	}
}

// section is the row of a probe's kind in the page.
func section(page, kind string) string {
	for line := range strings.Lines(page) {
		if strings.HasPrefix(line, "| `"+kind+"` |") {
			return line
		}
	}
	return ""
}

var fenced = regexp.MustCompile("(?s)```yaml\n(.*?)```")

// Every example of the pages is a playbook that loads.
func TestExamplesOfThePagesLoad(t *testing.T) {
	schema := compiledSchema(t)
	for _, page := range []string{"../docs/language.md", "../docs/language.ko.md"} {
		b, err := os.ReadFile(page)
		require.NoError(t, err)
		examples := fenced.FindAllStringSubmatch(string(b), -1)
		assert.Greater(t, len(examples), 5, page)
		for i, m := range examples {
			dir := t.TempDir()
			require.NoError(t, os.WriteFile(filepath.Join(dir, "site.yml"), []byte(m[1]), 0o600))
			l := NewLoader(Options{BaseDir: dir, CheckTemplate: checkBraces, CheckHealth: health.Check})
			_, problems := l.Load("site.yml")
			assert.Empty(t, problems, "%s, example %d:\n%s", page, i+1, m[1])
			docs, _ := yaml.Parse("site.yml", []byte(m[1]))
			assert.NoError(t, schema.Validate(plainData(docs[0].Value())), "%s, example %d", page, i+1)
		}
	}
}
