package main

import (
	"fmt"
	"slices"
	"strings"

	"sunup/internal/value"
	"sunup/playbooks"
	"sunup/runner"
)

// list prints hosts, tasks or tags as ansible-playbook does, without running
// anything.
func (p *project) list(f *runFlags, paths []string, books []*playbooks.Playbook) error {
	for i, b := range books {
		fmt.Fprintf(p.app.out, "\nplaybook: %s\n", paths[i])
		if f.syntaxCheck {
			continue
		}
		for n, play := range b.Plays {
			p.listPlay(f, n+1, play)
		}
	}
	return nil
}

func (p *project) listPlay(f *runFlags, number int, play *playbooks.Play) {
	out := p.app.out
	name := play.Name
	if name == "" {
		name = strings.Join(play.Hosts, ",")
	}
	head := fmt.Sprintf("\n  play #%d (%s): %s", number, strings.Join(play.Hosts, ","), name)
	fmt.Fprintf(out, "%s\tTAGS: [%s]\n", head, strings.Join(play.AllTags(), ","))
	if f.listHosts {
		hosts, _ := p.inventory.SelectList(play.Hosts, f.target.limit)
		fmt.Fprintf(out, "    pattern: %s\n    hosts (%d):\n", value.Repr(value.Strings(play.Hosts)), len(hosts))
		for _, h := range hosts {
			fmt.Fprintf(out, "      %s\n", h.Name)
		}
	}
	if !f.listTasks && !f.listTags {
		return
	}
	if f.listTasks {
		fmt.Fprintln(out, "    tasks:")
	}
	var all []string
	play.Walk(func(s playbooks.Step) {
		t, isTask := s.(*playbooks.Task)
		if !isTask {
			return
		}
		tags := t.AllTags()
		if t.Implicit || !runner.TagsSelect(tags, splitTags(f.tags, nil), splitTags(f.skipTags, nil)) {
			return
		}
		all = append(all, tags...)
		if f.listTasks {
			slices.Sort(tags)
			fmt.Fprintf(out, "      %s\tTAGS: [%s]\n", t.Title(), strings.Join(tags, ", "))
		}
	})
	if f.listTags {
		slices.Sort(all)
		fmt.Fprintf(out, "      TASK TAGS: [%s]\n", strings.Join(slices.Compact(all), ", "))
	}
}
