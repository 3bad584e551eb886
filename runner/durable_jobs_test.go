package runner_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"sunup/internal/event"
	"sunup/inventory"
	"sunup/playbooks"
	"sunup/runner"
)

const jobsPlay = `
- hosts: all
  gather_facts: false
  vars: {ansible_async_dir: "{{ dir }}/jobs"}
  tasks:
    - shell: echo away >> {{ dir }}/log; sleep 0.2; echo back >> {{ dir }}/log
      async: 30
      poll: 0
      register: away
    - async_status: {jid: "{{ away.ansible_job_id }}"}
      register: state
      until: state is finished
      retries: 100
      delay: 0.05
    - shell: echo waited >> {{ dir }}/log; echo said
      async: 30
      poll: 1
      register: waited
    - debug: {msg: "{{ state.rc }} {{ waited.stdout }}"}
`

// TestJobsInTheBackgroundOutliveTheController cuts a run with tasks in the
// background after each of its events: their commands run on, are found again,
// and are run once.
func TestJobsInTheBackgroundOutliveTheController(t *testing.T) {
	t.Parallel()
	whole := jobsRun(t, -1)
	step := 1
	if testing.Short() {
		step = 4
	}
	for k := 1; k < min(whole, 40); k += step {
		jobsRun(t, k)
	}
}

// jobsRun cuts the run after k events, resumes it, and returns how many events
// there are in the end.
func jobsRun(t *testing.T, k int) int {
	t.Helper()
	r := newRig(t, map[string]string{"hosts.ini": "h1\n", "site.yml": jobsPlay})
	d := &disk{limit: k}
	run := func() {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		d.cut = cancel
		inv, problems := inventory.Load(ctx, inventory.Options{Sources: []string{filepath.Join(r.dir, r.sources)}})
		require.NoError(t, problems.Err())
		o := r.options
		o.Inventory, o.Loader, o.Sink, o.Commit = inv, playbooks.NewLoader(playbooks.Options{BaseDir: r.dir}), d, d.Commit
		o.ExtraVars = extraVars("dir", r.dir)
		if len(d.events) > 0 {
			j, err := runner.ReadJournal(event.All(d.events), runner.JournalOptions{})
			require.NoError(t, err)
			require.Empty(t, j.UnderWay(), "cut after %d: jobs are asked for, nobody need decide", k)
			o.Journal = j
		}
		book, problems := o.Loader.Load(filepath.Join(r.dir, "site.yml"))
		require.NoError(t, problems.Err())
		_, _ = runner.New(o).Execute(ctx, []*playbooks.Playbook{book})
	}
	run()
	if k >= 0 {
		d.limit = -1
		run()
	}
	log, err := os.ReadFile(filepath.Join(r.dir, "log"))
	require.NoError(t, err)
	assert.Equal(t, []string{"away", "back", "waited"}, strings.Fields(string(log)), "cut after %d", k)
	last := d.events[len(d.events)-1].Data.(event.RunEnded)
	assert.Equal(t, event.OK, last.Outcome, "cut after %d: %s", k, lastEvents(d.events, k))
	assert.Equal(t, []string{"0 said"}, said(d.events), "cut after %d", k)
	left, _ := filepath.Glob(filepath.Join(r.dir, "jobs", "*"))
	assert.Empty(t, left, "what the jobs left is removed; cut after %d", k)
	return len(d.events)
}

// said is what debug printed.
func said(events []event.Event) []string {
	var out []string
	for _, e := range events {
		if d, ok := e.Data.(event.HostTaskEnded); ok {
			if msg, isText := d.Result.Values.At("msg").(string); isText && msg != "" {
				out = append(out, msg)
			}
		}
	}
	return out
}
