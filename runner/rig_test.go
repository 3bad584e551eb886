package runner_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"sunup/internal/connection"
	"sunup/internal/connection/local"
	"sunup/internal/diag"
	"sunup/internal/event"
	"sunup/internal/jinja"
	"sunup/internal/value"
	"sunup/internal/vars"
	"sunup/internal/yaml"
	"sunup/inventory"
	"sunup/modules"
	"sunup/playbooks"
	"sunup/runner"
)

// rig runs a playbook with the engine's own parts and nothing of the command.
type rig struct {
	dir     string
	sources string // the inventory, below dir
	options runner.Options
	events  event.Recorder
	book    *playbooks.Playbook
}

// newRig writes files (by name) into a directory of its own.
func newRig(t *testing.T, files map[string]string) *rig {
	t.Helper()
	r := &rig{dir: t.TempDir(), sources: "hosts.ini"}
	for name, text := range files {
		path := filepath.Join(r.dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
	r.options = runner.Options{
		Templar: vars.NewTemplar(jinja.NewEnv()), Sink: &r.events, Forks: 16,
		Modules:  func(name string) *modules.Module { return modules.Lookup(name, nil) },
		Open:     func(_ string, o connection.Options) (connection.Link, error) { return local.New(o), nil },
		LoadVars: loadVars,
	}
	return r
}

func loadVars(path string) (*value.Dict, diag.Problems) {
	src, err := os.ReadFile(path)
	if err != nil {
		return nil, nil
	}
	n, problems := yaml.Load(path, src)
	d, _ := n.Value().(*value.Dict)
	return d, problems
}

// run runs site.yml on the inventory.
func (r *rig) run(t *testing.T) (runner.Summary, error) {
	t.Helper()
	r.load(t)
	return r.execute()
}

// load reads the inventory and site.yml; execute runs them.
func (r *rig) load(t *testing.T) {
	t.Helper()
	inv, problems := inventory.Load(context.Background(), inventory.Options{Sources: []string{filepath.Join(r.dir, r.sources)}})
	require.NoError(t, problems.Err())
	r.options.Inventory = inv
	r.options.Loader = playbooks.NewLoader(playbooks.Options{BaseDir: r.dir})
	r.book, problems = r.options.Loader.Load(filepath.Join(r.dir, "site.yml"))
	require.NoError(t, problems.Err())
}

func (r *rig) execute() (runner.Summary, error) {
	return runner.New(r.options).Execute(context.Background(), []*playbooks.Playbook{r.book})
}

// messages are what debug printed, by host.
func (r *rig) messages() map[string][]string {
	out := map[string][]string{}
	for _, e := range event.Of[event.HostTaskEnded](&r.events) {
		if msg, ok := e.Result.Values.At("msg").(string); ok && (e.Outcome == event.OK || e.Outcome == event.Changed) {
			out[e.Host] = append(out[e.Host], msg)
		}
	}
	return out
}
