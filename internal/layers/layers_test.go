// Package layers_test holds the architecture: which package may import which.
package layers_test

import (
	"encoding/json"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// rows are the rows of docs/architecture.md: a package may import packages of
// the rows above it in this list (lower numbers) and, where it is said, of its
// own.
var rows = map[string]int{
	"sunup/internal/say": 0, "sunup/internal/value": 0, "sunup/internal/diag": 0, "sunup/internal/yaml": 0,
	"sunup/internal/vault": 0, "sunup/internal/config": 0, "sunup/internal/cipher": 0, "sunup/internal/configparser": 0, "sunup/internal/collector": 0,
	"sunup/internal/event": 1, "sunup/internal/jinja": 1, "sunup/internal/jinja/pyre": 1, "sunup/internal/jinja/pyrandom": 1, "sunup/internal/vars": 1,
	"sunup/internal/lookup": 1, "sunup/internal/pyplugin": 1, "sunup/internal/connection": 1, "sunup/internal/connection/shell": 1,
	"sunup/internal/connection/ssh": 1, "sunup/internal/connection/local": 1,
	"sunup/internal/connection/conntest": 1, "sunup/internal/connection/sshdtest": 1,
	"sunup/internal/health": 2, "sunup/internal/forecast": 2, "sunup/inventory": 2, "sunup/playbooks": 2,
	"sunup/modules": 3, "sunup/modules/modtest": 3,
	"sunup/runner":  4,
	"sunup/reports": 5, "sunup/internal/store": 5, "sunup/internal/history": 5,
	"sunup/cmd/sunup": 8,
}

// within lists the arrows inside one row.
var within = map[string][]string{
	"sunup/internal/value":               {},
	"sunup/internal/diag":                {"sunup/internal/say"},
	"sunup/internal/yaml":                {"sunup/internal/diag", "sunup/internal/value", "sunup/internal/say"},
	"sunup/internal/vault":               {"sunup/internal/diag", "sunup/internal/say"},
	"sunup/internal/config":              {"sunup/internal/diag", "sunup/internal/say"},
	"sunup/internal/jinja":               {"sunup/internal/jinja/pyre", "sunup/internal/jinja/pyrandom"},
	"sunup/internal/vars":                {"sunup/internal/jinja"},
	"sunup/internal/lookup":              {"sunup/internal/jinja", "sunup/internal/jinja/pyre", "sunup/internal/jinja/pyrandom"},
	"sunup/internal/pyplugin":            {"sunup/internal/jinja"},
	"sunup/internal/connection/shell":    {"sunup/internal/connection"},
	"sunup/internal/connection/ssh":      {"sunup/internal/connection", "sunup/internal/connection/shell"},
	"sunup/internal/connection/local":    {"sunup/internal/connection", "sunup/internal/connection/shell"},
	"sunup/internal/connection/conntest": {"sunup/internal/connection"},
	"sunup/internal/connection/sshdtest": {"sunup/internal/connection"},
	"sunup/modules/modtest":              {"sunup/modules"},
	"sunup/internal/history":             {"sunup/internal/store", "sunup/reports"},
}

// never are arrows that the numbers would allow but the design does not:
// reports know events and nothing of how a run is made.
var never = map[string][]string{
	"sunup/reports":        {"sunup/runner", "sunup/modules", "sunup/playbooks", "sunup/inventory", "sunup/internal/connection", "sunup/internal/jinja", "sunup/internal/vars"},
	"sunup/internal/event": {"sunup/internal/jinja"},
	"sunup/modules":        {"sunup/playbooks", "sunup/inventory", "sunup/internal/vars"},
}

type listed struct {
	ImportPath string
	Imports    []string
}

func TestArrowsPointOneWay(t *testing.T) {
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports", "sunup/...")
	out, err := cmd.Output()
	require.NoError(t, err)
	for dec := json.NewDecoder(strings.NewReader(string(out))); dec.More(); {
		var p listed
		require.NoError(t, dec.Decode(&p))
		checkArrows(t, p)
	}
}

func checkArrows(t *testing.T, p listed) {
	from, known := rowOf(p.ImportPath)
	if !known {
		t.Errorf("%s stands in no row of docs/architecture.md: give it one here and there", p.ImportPath)
		return
	}
	for _, to := range p.Imports {
		if !strings.HasPrefix(to, "sunup/") {
			continue
		}
		row, _ := rowOf(to)
		if (row > from || row == from && !contains(within[p.ImportPath], to) && !sameRoom(p.ImportPath, to)) || contains(never[p.ImportPath], to) {
			t.Errorf("%s (row %d) must not import %s (row %d): the noun is in the wrong place", p.ImportPath, from, to, row)
		}
	}
}

// rowOf gives the row of a package; everything below lab/ is the lab's own.
func rowOf(path string) (int, bool) {
	if path == "sunup/lab" || strings.HasPrefix(path, "sunup/lab/") {
		return 7, true
	}
	row, ok := rows[path]
	return row, ok || path == "sunup/internal/layers"
}

// sameRoom is true inside of lab/: its own parts may use each other.
func sameRoom(a, b string) bool {
	return strings.HasPrefix(a, "sunup/lab") && strings.HasPrefix(b, "sunup/lab")
}

func contains(list []string, s string) bool {
	for _, e := range list {
		if e == s {
			return true
		}
	}
	return false
}
