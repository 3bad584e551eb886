package yaml

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"sunup/internal/say"
	"sunup/internal/value"
)

var (
	update = flag.Bool("update", false, "write the golden files anew")
	python = flag.Bool("python", false, "let the installed PyYAML write its tables anew")
)

// table reads a file that a script beside it wrote with PyYAML.
func table(t *testing.T, name string) []byte {
	t.Helper()
	if *python {
		out, err := exec.Command("/usr/bin/python3", filepath.Join("testdata", name+".py")).CombinedOutput()
		require.NoError(t, err, "%s", out)
	}
	text, err := os.ReadFile(filepath.Join("testdata", name+".json"))
	require.NoError(t, err)
	return text
}

// golden compares got with the file, or writes it.
func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
		return
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, string(want), got, path)
}

// TestSyntaxMessages holds what a person is told about each broken file of
// testdata/syntax.
func TestSyntaxMessages(t *testing.T) {
	files, err := filepath.Glob("testdata/syntax/*.yml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		src, err := os.ReadFile(file)
		require.NoError(t, err)
		_, problems := Load(filepath.Base(file), src)
		require.NotEmpty(t, problems, file)
		golden(t, strings.TrimSuffix(file, ".yml")+".golden", problems.Format(say.English)+problems.Format(say.Korean))
	}
}

// tagged writes a value with its type, as testdata/pyyaml.py does.
func tagged(v any) any {
	switch v := v.(type) {
	case nil:
		return "null"
	case bool:
		return fmt.Sprintf("bool %t", v)
	case int:
		return fmt.Sprintf("int %d", v)
	case *big.Int:
		return "int " + v.String()
	case float64:
		switch {
		case math.IsNaN(v):
			return "float nan"
		case math.IsInf(v, 0):
			return strings.ToLower(fmt.Sprintf("float %+f", v))
		}
		return fmt.Sprintf("float %.6g", v)
	case string:
		return "str " + v
	case value.Unsafe:
		return "unsafe " + string(v)
	case value.Vaulted:
		return "vaulted " + string(v)
	case *value.List:
		out := []any{}
		for _, e := range v.Items {
			out = append(out, tagged(e))
		}
		return out
	case *value.Dict:
		out := []any{"dict"}
		for k, e := range v.All() {
			out = append(out, []any{tagged(k), tagged(e)})
		}
		return out
	}
	return fmt.Sprintf("%T", v)
}

// TestPyYAML compares with what PyYAML made of the same texts; testdata/pyyaml.py
// writes the table (-python).
func TestPyYAML(t *testing.T) {
	var cases []struct {
		YAML  string
		Value any
		Error bool
	}
	require.NoError(t, json.Unmarshal(table(t, "pyyaml"), &cases))
	for _, c := range cases {
		docs, problems := Parse("x.yml", []byte(c.YAML))
		if c.Error {
			assert.True(t, problems.HasErrors() || len(docs) > 1, "%q", c.YAML)
			continue
		}
		if !assert.False(t, problems.HasErrors(), "%q: %v", c.YAML, problems) {
			continue
		}
		require.Len(t, docs, 1)
		got, err := json.Marshal(tagged(docs[0].Value()))
		require.NoError(t, err)
		want, err := json.Marshal(c.Value)
		require.NoError(t, err)
		assert.Equal(t, string(want), string(got), "%q", c.YAML)
	}
}

func TestVaultAndUnsafeTags(t *testing.T) {
	node, problems := Load("x.yml", []byte("a: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  3061\nb: !unsafe '{{ x }}'\nc: !unsafe [1, '{{ y }}', {k: ['{{ z }}', 3]}]\n"))
	require.Empty(t, problems)
	got, err := json.Marshal(tagged(node.Value()))
	require.NoError(t, err)
	assert.Equal(t, `["dict",["str a","vaulted $ANSIBLE_VAULT;1.1;AES256\n3061\n"],["str b","unsafe {{ x }}"],["str c",["int 1","unsafe {{ y }}",["dict",["str k",["unsafe {{ z }}","int 3"]]]]]]`, string(got))
}

func TestPlacesOfNodes(t *testing.T) {
	node, problems := Load("x.yml", []byte("\ufeff# 주석\r\n가나: x\r\nlist:\r\n  - {a: '한', b: 2}\r\n"))
	require.Empty(t, problems)
	assert.Equal(t, "x.yml:2:1", node.Entries[0].Key.Pos.String())
	assert.Equal(t, "x.yml:2:5", node.Get("가나").Pos.String())
	item := node.Get("list").Items[0]
	assert.Equal(t, "x.yml:4:17", item.Entries[1].Value.Pos.String())
	assert.Equal(t, "  - {a: '한', b: 2}", item.Problem("x").Source)
}

func TestJSONIsReadAsJSON(t *testing.T) {
	node, problems := Load("x.json", []byte("{\"a\": 1e3,\n\t\"b\": \"\\ud83d\\ude00 \\/\", \"c\": {\"__ansible_vault\": \"$V\"}, \"d\": {\"__ansible_unsafe\": \"{{ x }}\"}}"))
	require.Empty(t, problems)
	assert.Equal(t, 1000.0, node.Get("a").Scalar)
	assert.Equal(t, "😀 /", node.Get("b").Scalar)
	assert.Equal(t, value.Vaulted("$V"), node.Get("c").Scalar)
	assert.Equal(t, value.Unsafe("{{ x }}"), node.Get("d").Scalar)
	node, _ = Load("x.json", []byte("{\"a\": 1,\n \"b\": [1, 2]}"))
	assert.Equal(t, "x.json:2:11", node.Get("b").Items[1].Pos.String())
}

func TestEscapedSlash(t *testing.T) {
	node, problems := Load("x.yml", []byte(`{a: "x\/y\\/", b: x\/y, c: '\/', "d\/": 1}`+"\n"))
	require.Empty(t, problems)
	got, err := json.Marshal(tagged(node.Value()))
	require.NoError(t, err)
	assert.Equal(t, `["dict",["str a","str x/y\\/"],["str b","str x\\/y"],["str c","str \\/"],["str d/","int 1"]]`, string(got))
}

func TestAliasBombEndsWithAProblem(t *testing.T) {
	var b bytes.Buffer
	b.WriteString("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n")
	for i := 1; i < 40; i++ {
		fmt.Fprintf(&b, "a%d: &a%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 10), ", "))
	}
	_, problems := Load("bomb.yml", b.Bytes())
	require.True(t, problems.HasErrors())
	assert.Equal(t, "yaml-too-many-values", problems[0].ID)
}

func TestLimits(t *testing.T) {
	_, problems := Load("deep.yml", []byte(strings.Repeat("[", 5000)+strings.Repeat("]", 5000)))
	require.Len(t, problems, 1)
	assert.Equal(t, "yaml-too-deep", problems[0].ID)
	_, problems = Load("big.yml", make([]byte, 11), Options{MaxBytes: 10})
	require.Len(t, problems, 1)
	assert.Equal(t, "yaml-too-large", problems[0].ID)
}

func TestEmptyFilesAndDocuments(t *testing.T) {
	for _, src := range []string{"", "# only a comment\n", "---\n", "---\n...\n", "\ufeff"} {
		node, problems := Load("x.yml", []byte(src))
		assert.Nil(t, node, "%q", src)
		assert.Empty(t, problems, "%q", src)
	}
	docs, problems := Parse("x.yml", []byte("a: 1\n---\n---\n- b\n"))
	assert.Empty(t, problems)
	require.Len(t, docs, 3)
	assert.Nil(t, docs[1])
	_, problems = Load("x.yml", []byte("a: 1\n---\nb: 1\n"))
	require.Len(t, problems, 1)
	assert.Equal(t, "x.yml:3:1", problems[0].Pos.String())
}

func FuzzParse(f *testing.F) {
	files, _ := filepath.Glob("testdata/syntax/*.yml")
	for _, file := range files {
		if src, err := os.ReadFile(file); err == nil {
			f.Add(src)
		}
	}
	f.Add([]byte("a: &x [1, *x]\n<<: {b: 1}\n? [q]\n: !unsafe z\n"))
	f.Fuzz(func(t *testing.T, src []byte) {
		docs, problems := Parse("f.yml", src, Options{MaxNodes: 10000})
		for _, d := range docs {
			d.Value()
		}
		problems.Format(say.Korean)
	})
}
