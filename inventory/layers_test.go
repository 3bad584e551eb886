package inventory

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"sunup/internal/value"
	"sunup/internal/vault"
)

// shownLayers writes layers one per line: level, name and the names of the
// variables.
func shownLayers(layers []Layer) string {
	var b strings.Builder
	for _, l := range layers {
		fmt.Fprintf(&b, "%d %s %v\n", l.Level, l.Name, l.Vars.Keys())
	}
	return b.String()
}

func TestLayersAreInAnsiblesOrder(t *testing.T) {
	base, err := filepath.Abs("testdata/cases/precedence")
	require.NoError(t, err)
	inv, problems := Load(context.Background(), Options{Sources: []string{"inv/hosts"}, BaseDir: base})
	require.Empty(t, problems)
	layers, problems := inv.Layers("h1", base)
	require.Empty(t, problems)
	assert.Equal(t, `3 group all [from_all level]
3 group aaa [top]
3 group parent [level p]
3 group high [tie top]
3 group child [level tie]
3 group other [tie]
4 inv/group_vars/all.yml [level inv_all who]
5 group_vars/all [who play_all]
6 inv/group_vars/aaa.yml [level inv_aaa who]
6 inv/group_vars/parent.yml [level inv_parent who]
6 inv/group_vars/high.yml [level inv_high who]
6 inv/group_vars/child.yml [level inv_child who]
6 inv/group_vars/other.yml [level inv_other who]
7 group_vars/aaa [who play_aaa]
7 group_vars/parent [who play_parent]
7 group_vars/high [who play_high]
7 group_vars/child [who play_child]
7 group_vars/other [who play_other]
8 inventory [inventory_file inventory_dir]
8 host h1 [own both]
9 inv/host_vars/h1.yaml [own inv_h]
10 host_vars/h1.json [own play_h]
`, shownLayers(layers))
	assert.Equal(t, "inv/hosts:16:1", layers[0].Place("level").String())
	assert.Equal(t, "inv/group_vars/all.yml:3:1", layers[6].Place("who").String())
	assert.Equal(t, "inv/hosts:5:1", layers[19].Place("own").String())
	again, _ := inv.Layers("h1", base)
	assert.Same(t, layers[0].Vars, again[0].Vars, "dicts are shared")
}

func TestImplicitLocalhostHasTheVariablesOfAll(t *testing.T) {
	base, err := filepath.Abs("testdata/cases/precedence")
	require.NoError(t, err)
	inv, _ := Load(context.Background(), Options{Sources: []string{"inv/hosts"}, BaseDir: base})
	h := inv.Host("localhost")
	require.NotNil(t, h)
	assert.True(t, h.Implicit)
	assert.Empty(t, h.AllGroups())
	assert.Equal(t, "local", h.Vars.At("ansible_connection"))
	layers, _ := inv.Layers("localhost", "")
	assert.Equal(t, "3 group all [from_all level]\n4 inv/group_vars/all.yml [level inv_all who]\n8 inventory [inventory_file inventory_dir]\n8 host localhost [ansible_connection]\n", shownLayers(layers))
	assert.NotContains(t, names(inv.Hosts()), "localhost")
}

func TestEncryptedVariableFiles(t *testing.T) {
	dir := t.TempDir()
	secrets := vault.NewSecrets(vault.Identity{ID: "default", Secret: vault.NewSecret([]byte("pw"))})
	text, err := vault.Encrypt([]byte("secret: 42\n"), secrets.Identities[0])
	require.NoError(t, err)
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "group_vars"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "group_vars", "all.yml"), text, 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "hosts"), []byte("a\n"), 0o600))
	open := func(b []byte) ([]byte, error) { plain, _, err := secrets.Decrypt(b); return plain, err }
	inv, _ := Load(context.Background(), Options{Sources: []string{"hosts"}, BaseDir: dir, Decrypt: open})
	layers, problems := inv.Layers("a", "")
	require.Empty(t, problems)
	assert.Equal(t, 42, layers[0].Vars.At("secret"))
	inv, _ = Load(context.Background(), Options{Sources: []string{"hosts"}, BaseDir: dir})
	_, problems = inv.Layers("a", "")
	require.Len(t, problems, 1)
	assert.Equal(t, "vault-no-secret", problems[0].ID)
	assert.Equal(t, "group_vars/all.yml", problems[0].Pos.File)
}

func TestGroupNamesCanBeMadeSafe(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "hosts"), []byte("[east-side]\na\n[all-of:children]\neast-side\n[east-side:vars]\nx=1\n"), 0o600))
	for mode, want := range map[string]struct {
		group    string
		warnings int
	}{"": {"east-side", 2}, "never": {"east-side", 2}, "ignore": {"east-side", 0}, "always": {"east_side", 2}, "silently": {"east_side", 0}} {
		inv, problems := Load(context.Background(), Options{Sources: []string{"hosts"}, BaseDir: dir, GroupNames: mode})
		assert.Len(t, problems, want.warnings, mode)
		require.False(t, problems.HasErrors(), "%s %v", mode, problems)
		require.NotNil(t, inv.Group(want.group), mode)
		assert.Equal(t, 1, inv.Group(want.group).Vars.At("x"), mode)
	}
}

func TestCheckFindsEachProblemOnce(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
	write("inv/hosts", "[web]\nw[1:9]\n")
	write("inv/group_vars/web.yml", "a: {{ b }}\n")
	write("inv/host_vars/w3", "- a list\n")
	write("group_vars/all", "a: 1\na: 2\n")
	write("group_vars/other.yml", "not: [read\n")
	inv, problems := Load(context.Background(), Options{Sources: []string{"inv/hosts"}, BaseDir: dir})
	require.Empty(t, problems)
	var got []string
	for _, p := range inv.Check(dir, names(inv.Hosts())) {
		got = append(got, p.Pos.String()+" "+p.ID)
	}
	got2 := inv.Check(dir, []string{"w1"})
	assert.Len(t, got2, 2, "what is wrong with other hosts' files is not this one's")
	assert.Equal(t, []string{"group_vars/all:2:1 yaml-duplicate-key", "inv/group_vars/web.yml:1:4 yaml-unquoted-template", "inv/host_vars/w3:1:1 vars-not-a-mapping"}, got)
}

func TestDirectoriesThatLinkToThemselves(t *testing.T) {
	dir := t.TempDir()
	web := filepath.Join(dir, "group_vars", "web")
	require.NoError(t, os.MkdirAll(web, 0o755))
	for _, link := range []string{filepath.Join(dir, "a"), filepath.Join(dir, "b"), filepath.Join(web, "x"), filepath.Join(web, "y")} {
		require.NoError(t, os.Symlink(filepath.Dir(link), link))
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "hosts"), []byte("[web]\nw1\n"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(web, "main.yml"), []byte("a: 1\n"), 0o600))
	inv, problems := Load(context.Background(), Options{Sources: []string{dir}, BaseDir: dir})
	require.Empty(t, problems)
	layers, problems := inv.Layers("w1", "")
	require.Empty(t, problems)
	assert.Equal(t, "6 group_vars/web/main.yml [a]\n8 inventory [inventory_file inventory_dir]\n", shownLayers(layers))
}

func TestTreesThatWouldNeverEnd(t *testing.T) {
	var b strings.Builder
	for i := range 60 { // two ways from each level to the next: 2^60 paths
		fmt.Fprintf(&b, "[a%d:children]\na%d\nb%d\n[b%d:children]\na%d\nb%d\n", i, i+1, i+1, i, i+1, i+1)
	}
	b.WriteString("[a60]\nx\n[b60]\ny\n")
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "hosts"), []byte(b.String()), 0o600))
	inv, problems := Load(context.Background(), Options{Sources: []string{"hosts"}, BaseDir: dir})
	require.Empty(t, problems)
	assert.Equal(t, 61, inv.Group("a60").Depth)
	for _, f := range []Format{YAML, TOML} {
		problems, err := inv.WriteList(io.Discard, ListOptions{Format: f})
		require.NoError(t, err)
		assert.True(t, problems.HasErrors(), f)
	}
	problems, err := inv.WriteGraph(io.Discard, "all", ListOptions{})
	require.NoError(t, err)
	assert.True(t, problems.HasErrors())
	problems, err = inv.WriteList(io.Discard, ListOptions{})
	require.NoError(t, err)
	assert.Empty(t, problems)
}

func TestProgramsEndWithTheContext(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "hosts.sh"), []byte("#!/bin/sh\nsleep 600 &\necho '{}'\nsleep 600\n"), 0o700))
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, problems := Load(ctx, Options{Sources: []string{"hosts.sh"}, BaseDir: dir})
	require.Len(t, problems, 1)
	assert.Equal(t, "inventory-program", problems[0].ID)
	_, problems = Load(context.Background(), Options{Sources: []string{"hosts.sh"}, BaseDir: dir, ProgramTimeout: 1})
	require.Len(t, problems, 1)
	assert.Contains(t, problems[0].What.String(), "did not end in time")
}

func TestFormatsAreToldByWhatTheyHold(t *testing.T) {
	for text, want := range map[string]string{
		"all:\n  hosts:\n    a:\n": "a", "web1:22\n[g]\nb\n": "web1 b", "- just\n- a list\n": "yaml", "[g]\na b\n": "inventory-variable",
		"all:\n  hosts:\n a:\n": "yaml", "a\nb\n": "a b", "{\"g\": {\"hosts\": {\"j\": null}}}": "j", "a: {{ b }}\n": "yaml",
	} {
		for _, file := range []string{"hosts", "hosts.yml"} {
			dir := t.TempDir()
			require.NoError(t, os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600))
			inv, problems := Load(context.Background(), Options{Sources: []string{file}, BaseDir: dir})
			got := strings.Join(names(inv.Hosts()), " ")
			if problems.HasErrors() {
				got = problems[0].ID
				if strings.HasPrefix(got, "yaml") || got == "inventory-not-a-mapping" {
					got = "yaml"
				}
			}
			assert.Equal(t, want, got, "%s %q", file, text)
		}
	}
}

func TestHostListExpandsRanges(t *testing.T) {
	inv, problems := Load(context.Background(), Options{Sources: []string{"web[1:3],db:2222,"}, BaseDir: t.TempDir()})
	require.Empty(t, problems)
	assert.Equal(t, []string{"web1", "web2", "web3", "db"}, names(inv.Hosts()))
	assert.Equal(t, 2222, inv.Host("db").Port)
}

func TestAddHostAndGroupWhileOthersRead(t *testing.T) {
	inv := patternInventory(t)
	before := inv.Hosts()
	version := inv.Version()
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 20 {
				name := fmt.Sprintf("new%d-%d", i, j)
				assert.True(t, inv.AddHost(name, []string{"fresh", "web"}, value.NewDict("n", j)))
				assert.False(t, inv.AddHost(name, []string{"fresh"}, value.NewDict("n", j)))
				inv.AddGroup(fmt.Sprintf("by_%d", j%3), []string{"zones"}, name)
			}
		})
		wg.Go(func() {
			for range 20 {
				for _, h := range inv.Hosts() {
					_ = h.GroupNames()
				}
				inv.GroupsDict()
				_, _ = inv.Layers("web01", "")
				_, _ = inv.Select("web*:&fresh:!by_1", "")
			}
		})
	}
	wg.Wait()
	assert.Len(t, before, 12, "what was returned before stays")
	assert.Greater(t, inv.Version(), version)
	assert.Len(t, inv.Group("fresh").AllHosts(), 160)
	layers, _ := inv.Layers("new1-7", "")
	assert.Equal(t, 7, layers[len(layers)-1].Vars.At("n"))
	assert.True(t, inv.AddHost("alone", nil, nil))
	assert.Equal(t, []string{"ungrouped"}, inv.Host("alone").GroupNames())
	assert.True(t, inv.AddHost("alone", []string{"web"}, nil))
	assert.Equal(t, []string{"web"}, inv.Host("alone").GroupNames())
	assert.False(t, inv.AddGroup("zones", []string{"seoul"}, ""), "a circle is left out")
}

// estate is an inventory of 26,000 hosts in 500 groups, as large as the
// common base of all local governments.
func estate() string {
	var b strings.Builder
	for i := range 500 {
		fmt.Fprintf(&b, "[g%03d]\nh%03d-[01:52] ansible_host=10.0.0.1 zone=z%d rack=%d\n[g%03d:vars]\nv=%d\n", i, i, i%17, i%40, i, i)
	}
	for i := range 25 {
		fmt.Fprintf(&b, "[region%02d:children]\n", i)
		for j := range 20 {
			fmt.Fprintf(&b, "g%03d\n", i*20+j)
		}
	}
	return b.String()
}

func BenchmarkLoadAndSelect26000(b *testing.B) {
	dir := b.TempDir()
	require.NoError(b, os.WriteFile(filepath.Join(dir, "hosts.ini"), []byte(estate()), 0o600))
	for b.Loop() {
		inv, problems := Load(context.Background(), Options{Sources: []string{"hosts.ini"}, BaseDir: dir})
		require.Empty(b, problems)
		hosts, _ := inv.Select("region*:!g1*:&~h.*-[0-4]", "!region03")
		require.NotEmpty(b, hosts)
		for _, h := range inv.Hosts() {
			_, _ = inv.Layers(h.Name, "")
		}
	}
}

func BenchmarkGroupBy26000(b *testing.B) {
	dir := b.TempDir()
	require.NoError(b, os.WriteFile(filepath.Join(dir, "hosts.ini"), []byte(estate()), 0o600))
	for b.Loop() {
		inv, _ := Load(context.Background(), Options{Sources: []string{"hosts.ini"}, BaseDir: dir})
		for i, h := range inv.Hosts() {
			inv.AddGroup(fmt.Sprintf("os_%d", i%5), nil, h.Name)
		}
	}
}

// estateYAML is the same estate as YAML, every host written out.
func estateYAML() string {
	var b strings.Builder
	for i := range 500 {
		fmt.Fprintf(&b, "g%03d:\n  vars: {v: %d}\n  hosts:\n", i, i)
		for j := range 52 {
			fmt.Fprintf(&b, "    h%03d-%02d: {ansible_host: 10.0.0.1, zone: z%d, rack: %d}\n", i, j, i%17, j)
		}
	}
	return b.String()
}

func BenchmarkLoad26000FromYAML(b *testing.B) {
	dir := b.TempDir()
	require.NoError(b, os.WriteFile(filepath.Join(dir, "hosts.yml"), []byte(estateYAML()), 0o600))
	for b.Loop() {
		inv, problems := Load(context.Background(), Options{Sources: []string{"hosts.yml"}, BaseDir: dir})
		require.Empty(b, problems)
		require.Len(b, inv.Hosts(), 26000)
	}
}

func FuzzLoad(f *testing.F) {
	files, _ := filepath.Glob("testdata/broken/*")
	more, _ := filepath.Glob("testdata/cases/*/hosts*")
	for _, file := range append(files, more...) {
		if text, err := os.ReadFile(file); err == nil && !strings.HasSuffix(file, ".golden") && !strings.HasSuffix(file, ".sh") {
			f.Add(text)
		}
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, ext := range []string{"", ".yml", ".toml", ".ini"} {
			l := &loader{ctx: context.Background(), Options: Options{BaseDir: dir}.withDefaults()}
			l.inv = newInventory(l.Options)
			l.text(filepath.Join(dir, "f"+ext), text)
			l.inv.settle()
			var out strings.Builder
			if len(l.inv.hostOrder) < 1000 {
				_, _ = l.inv.WriteList(&out, ListOptions{Format: YAML})
			}
		}
	})
}
