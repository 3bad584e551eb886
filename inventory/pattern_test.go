package inventory

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func patternInventory(t testing.TB) *Inventory {
	t.Helper()
	inv, problems := Load(context.Background(), Options{Sources: []string{"patterns.hosts"}, BaseDir: "testdata"})
	require.False(t, problems.HasErrors(), "%v", problems)
	return inv
}

// TestSelectIsAnsibles compares with what Ansible's own inventory selected;
// testdata/patterns.py writes the table.
func TestSelectIsAnsibles(t *testing.T) {
	if *ansible {
		out, err := exec.Command("/usr/bin/python3", "testdata/patterns.py").CombinedOutput()
		require.NoError(t, err, "%s", out)
	}
	table, err := os.ReadFile("testdata/patterns.json")
	require.NoError(t, err)
	var cases []struct {
		Pattern, Limit string
		List           []string
		Hosts          *[]string // nil where Ansible gives up with an error
	}
	require.NoError(t, json.Unmarshal(table, &cases))
	for _, c := range cases {
		inv := patternInventory(t) // a fresh one: the implicit localhost keeps its first name
		hosts, problems := inv.Select(c.Pattern, c.Limit)
		if c.List != nil {
			hosts, problems = inv.SelectList(c.List, c.Limit)
		}
		if c.Hosts == nil {
			assert.True(t, problems.HasErrors(), "pattern %q limit %q", c.Pattern, c.Limit)
			continue
		}
		assert.False(t, problems.HasErrors(), "pattern %q limit %q: %v", c.Pattern, c.Limit, problems)
		assert.Equal(t, strings.Join(*c.Hosts, " "), strings.Join(names(hosts), " "), "pattern %q limit %q", c.Pattern, c.Limit)
	}
}

func TestSelectWarnsOfWhatMatchesNothing(t *testing.T) {
	inv := patternInventory(t)
	hosts, problems := inv.Select("seuol:web01", "")
	assert.Equal(t, []string{"web01"}, names(hosts))
	require.Len(t, problems, 1)
	assert.Equal(t, "warning: Could not match supplied host pattern, ignoring: seuol\n  → did you mean 'seoul'?\n", problems.Format("en"))
	assert.Contains(t, problems.Format("ko"), "'seoul'을 쓰려던 것인가요?")
}

func TestAMissingLimitFileSelectsNothing(t *testing.T) {
	hosts, problems := patternInventory(t).Select("all", "@gone.retry")
	assert.Empty(t, hosts)
	assert.True(t, problems.HasErrors())
}

func TestSort(t *testing.T) {
	inv := patternInventory(t)
	hosts, _ := inv.Select("db,web01", "")
	for order, want := range map[string]string{
		"": "db1 db2 web02 web01", "inventory": "db1 db2 web02 web01", "reverse_inventory": "web01 web02 db2 db1",
		"sorted": "db1 db2 web01 web02", "reverse_sorted": "web02 web01 db2 db1",
	} {
		got, ok := Sort(hosts, order)
		require.True(t, ok)
		assert.Equal(t, want, strings.Join(names(got), " "), order)
	}
	got, ok := Sort(hosts, "shuffle")
	require.True(t, ok)
	assert.ElementsMatch(t, hosts, got)
	_, ok = Sort(hosts, "sideways")
	assert.False(t, ok)
}

func FuzzSelect(f *testing.F) {
	for _, seed := range []string{"web:&db:!x[1]", "~(a|b", "a[1:2]", "[!a-z]*", "@x", "web[-1],~w"} {
		f.Add(seed, seed)
	}
	inv := patternInventory(f)
	f.Fuzz(func(t *testing.T, pattern, limit string) {
		if strings.Contains(limit, "@") {
			return
		}
		hosts, _ := inv.Select(pattern, limit)
		if len(hosts) > 20 {
			t.Fatalf("%d hosts of 13", len(hosts))
		}
	})
}
