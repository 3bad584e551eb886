package main

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"sunup/internal/event"
	"sunup/internal/say"
	"sunup/reports"
)

// callback is one of Ansible's callbacks: who is told of a run.
type callback struct {
	name string
	// collection is where it comes from; its full name counts too.
	collection string
	// additional ones stand beside the one that has the output.
	additional bool
	open       func(p *project, f *runFlags) (event.Sink, error)
}

// callbacks are those we have.
var callbacks = []callback{
	{name: "default", collection: "ansible.builtin", open: openAnsible(func(*reports.AnsibleOptions) {})},
	{name: "yaml", collection: "community.general", open: openAnsible(func(o *reports.AnsibleOptions) { o.Results = reports.YAMLResults })},
	{name: "debug", collection: "ansible.posix", open: openAnsible(func(o *reports.AnsibleOptions) { o.Results = reports.DebugResults })},
	{name: "json", collection: "ansible.posix", open: openAnsibleJSON},
	{name: "minimal", collection: "ansible.builtin", open: openMinimal(false)},
	{name: "oneline", collection: "ansible.builtin", open: openMinimal(true)},
	{name: "timer", collection: "ansible.posix", additional: true, open: func(p *project, _ *runFlags) (event.Sink, error) {
		return reports.NewTimer(p.app.out), nil
	}},
	{name: "profile_tasks", collection: "ansible.posix", additional: true, open: openProfileTasks},
	{name: "junit", collection: "ansible.builtin", additional: true, open: openJUnit},
}

// findCallback finds a callback by its short or full name.
func findCallback(name string, additional bool) (callback, bool) {
	i := slices.IndexFunc(callbacks, func(c callback) bool {
		return c.additional == additional && (name == c.name || name == c.collection+"."+c.name)
	})
	if i < 0 {
		return callback{}, false
	}
	return callbacks[i], true
}

// callbacks opens those that ansible.cfg and the environment select.
func (p *project) callbacks(f *runFlags) (*event.Fan, error) {
	name := p.config.Text("DEFAULT_STDOUT_CALLBACK")
	c, ok := findCallback(name, false)
	if !ok {
		return nil, errors.New(noCallback(name).In(p.app.lang))
	}
	chosen := []callback{c}
	for _, name := range p.config.List("CALLBACKS_ENABLED") {
		c, ok := findCallback(name, true)
		if !ok {
			fmt.Fprintln(p.app.err, "[WARNING]: "+say.T("Skipping callback plugin '%s', unable to load", "콜백 플러그인 '%s'{을/를} 불러올 수 없어 건너뜁니다", name).In(p.app.lang))
			continue
		}
		if !slices.ContainsFunc(chosen, func(o callback) bool { return o.name == c.name }) {
			chosen = append(chosen, c)
		}
	}
	var sinks []event.Sink
	for _, c := range chosen {
		s, err := c.open(p, f)
		if err != nil {
			return nil, errors.Join(err, event.Tee(sinks...).Close())
		}
		sinks = append(sinks, s)
	}
	return event.Tee(sinks...), nil
}

func noCallback(name string) say.Text {
	var have []string
	for _, c := range callbacks {
		if !c.additional {
			have = append(have, c.name)
		}
	}
	return say.T("Invalid callback for stdout specified: %s (callbacks written in Python are not loaded; set stdout_callback or ANSIBLE_STDOUT_CALLBACK to one of %s)",
		"stdout 콜백 %s{은/는} 없습니다(파이썬으로 쓴 콜백은 불러오지 않습니다. stdout_callback이나 ANSIBLE_STDOUT_CALLBACK에 다음 가운데 하나를 지정하십시오: %s)",
		name, strings.Join(have, ", "))
}

func openAnsible(change func(*reports.AnsibleOptions)) func(*project, *runFlags) (event.Sink, error) {
	return func(p *project, f *runFlags) (event.Sink, error) {
		o := p.ansibleOptions(f)
		change(&o)
		return reports.NewAnsible(p.app.out, o), nil
	}
}

func openAnsibleJSON(p *project, f *runFlags) (event.Sink, error) {
	o := p.ansibleOptions(f)
	return reports.NewAnsibleJSON(p.app.out, reports.AnsibleJSONOptions{
		CustomStats: o.CustomStats, Warnings: reports.NewAnsible(io.Discard, o),
	})
}

func openMinimal(oneLine bool) func(*project, *runFlags) (event.Sink, error) {
	return func(p *project, f *runFlags) (event.Sink, error) {
		return reports.NewMinimal(p.app.out, reports.MinimalOptions{
			OneLine: oneLine, Verbosity: f.verbosity, Color: reports.UseColor(p.app.out, p.app.getenv), Stderr: p.app.err,
		}), nil
	}
}

func openProfileTasks(p *project, f *runFlags) (event.Sink, error) {
	return reports.NewProfileTasks(p.app.out, reports.ProfileTasksOptions{
		Limit: p.config.Int("CALLBACK_PROFILE_TASKS_LIMIT", 0), Order: p.config.Text("CALLBACK_PROFILE_TASKS_ORDER"),
		Paths: f.verbosity >= 2, Columns: reports.TerminalWidth(p.app.out),
	}), nil
}

// openJUnit takes the settings from the JUNIT_* variables: there are no others.
func openJUnit(p *project, f *runFlags) (event.Sink, error) {
	env := p.app.getenv
	is := func(name, word string) bool { return strings.EqualFold(env(name), word) }
	dir := env("JUNIT_OUTPUT_DIR")
	if dir == "" {
		dir = filepath.Join(p.app.home(), ".ansible.log")
	}
	return reports.NewAnsibleJUnit(reports.AnsibleJUnitOptions{
		Dir: dir, TaskClass: is("JUNIT_TASK_CLASS", "true"), RelativeTo: env("JUNIT_TASK_RELATIVE_PATH"),
		FailOnChange: is("JUNIT_FAIL_ON_CHANGE", "true"), FailOnIgnore: is("JUNIT_FAIL_ON_IGNORE", "true"),
		NoSetup: is("JUNIT_INCLUDE_SETUP_TASKS_IN_REPORT", "false"), Prefix: env("JUNIT_TEST_CASE_PREFIX"), Verbosity: f.verbosity,
	})
}
