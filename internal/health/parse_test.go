package health

import (
	stdflag "flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"sunup/internal/say"
	"sunup/internal/value"
	"sunup/internal/yaml"
)

var update = stdflag.Bool("update", false, "rewrite the golden files")

func parseFile(t *testing.T, path string) *yaml.Node {
	t.Helper()
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	docs, problems := yaml.Parse(filepath.Base(path), b)
	require.Empty(t, problems)
	require.Len(t, docs, 1)
	return docs[0]
}

func TestGoodProbes(t *testing.T) {
	for _, path := range glob(t, "testdata/good/*.yml") {
		t.Run(filepath.Base(path), func(t *testing.T) {
			n := parseFile(t, path)
			assert.Empty(t, Check(n).Format(say.English))
			if strings.Contains(path, "templates") {
				return
			}
			plan, problems := Read(n.Value())
			require.Empty(t, problems.Format(say.English))
			for _, p := range plan.root.leaves() {
				assert.NotNil(t, p.ask, p.Name)
				assert.NotEmpty(t, p.Name)
			}
		})
	}
}

// Each bad file has its problems, in both languages, beside it.
func TestBadProbes(t *testing.T) {
	for _, path := range glob(t, "testdata/bad/*.yml") {
		t.Run(filepath.Base(path), func(t *testing.T) {
			n := parseFile(t, path)
			problems := Check(n)
			assert.True(t, problems.HasErrors())
			plan, _ := Read(n.Value())
			assert.Nil(t, plan)
			golden(t, strings.TrimSuffix(path, ".yml")+".golden", problems.Format(say.English)+"\n"+problems.Format(say.Korean))
		})
	}
}

func glob(t *testing.T, pattern string) []string {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	require.NoError(t, err)
	require.NotEmpty(t, paths)
	return paths
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, string(want), got)
}

func TestSettingsAreInherited(t *testing.T) {
	plan, problems := Read(parseFile(t, "testdata/good/long.yml").Value())
	require.Empty(t, problems)
	p := plan.Probes()
	assert.Equal(t, 2*time.Second, p[0].Every)
	assert.Equal(t, 5*time.Minute, p[0].For)
	assert.Equal(t, FromController, p[0].From)
	assert.Equal(t, 500*time.Millisecond, p[2].Every)
	assert.Equal(t, 5*time.Minute, plan.Limit())
	assert.Equal(t, "Servers", p[9].Name)
	assert.Equal(t, 2, p[9].KOf)
	assert.Equal(t, 2*time.Minute, p[9].Of[0].For)
}

func TestFromOfAListIsForThoseThatHaveTheChoice(t *testing.T) {
	plan, problems := Read(value.NewDict("from", "controller", "probes", value.NewList(value.NewDict("tcp", 1), value.NewDict("service", "x"))))
	require.Empty(t, problems)
	assert.Equal(t, FromController, plan.Probes()[0].From)
	assert.Equal(t, FromTarget, plan.Probes()[1].From)
}

func TestSizes(t *testing.T) {
	for text, want := range map[string]int64{"0": 0, "512": 512, "10K": 10240, "1.5M": 1572864, "5GiB": 5 << 30, "2TB": 2 << 40, " 7 k ": 7168} {
		got, ok := parseSize(text)
		assert.True(t, ok, text)
		assert.Equal(t, want, got, text)
	}
	for _, text := range []string{"", "-1", "G", "five", "1e30T", "NaN"} {
		_, ok := parseSize(text)
		assert.False(t, ok, text)
	}
}

func TestDeepAndManyAreBounded(t *testing.T) {
	var inner any = value.NewDict("tcp", 1)
	for range 1000 {
		inner = value.NewDict("all", value.NewList(inner))
	}
	_, problems := Read(value.NewList(inner))
	assert.True(t, problems.HasErrors())
	many := &value.List{}
	for range 3000 {
		many.Append(value.NewDict("tcp", 1))
	}
	_, problems = Read(many)
	assert.True(t, problems.HasErrors())
}

func FuzzCheck(f *testing.F) {
	for _, dir := range []string{"good", "bad"} {
		paths, _ := filepath.Glob("testdata/" + dir + "/*.yml")
		for _, p := range paths {
			b, _ := os.ReadFile(p)
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		docs, problems := yaml.Parse("f.yml", b)
		if len(docs) == 0 || problems.HasErrors() {
			return
		}
		n := docs[0]
		Check(n).Format(say.Korean)
		plan, problems := Read(n.Value())
		if plan == nil && !problems.HasErrors() {
			t.Fatal("no plan and no problem")
		}
	})
}

func TestPasswordsAreNotShown(t *testing.T) {
	plan, problems := Read(value.NewList(value.NewDict("http", "http://me:secret@shop/"), value.NewDict("redis", value.NewDict("password", "secret"))))
	require.Empty(t, problems)
	for _, p := range plan.Probes() {
		assert.NotContains(t, p.Name, "secret")
	}
}
