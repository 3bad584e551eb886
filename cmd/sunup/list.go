package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"sunup/internal/jinja"
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
	patterns := p.patterns(play)
	name := play.Name
	if name == "" {
		name = strings.Join(patterns, ",")
	}
	head := fmt.Sprintf("\n  play #%d (%s): %s", number, strings.Join(patterns, ","), name)
	fmt.Fprintf(out, "%s\tTAGS: [%s]\n", head, strings.Join(play.AllTags(), ","))
	if f.listHosts {
		hosts, _ := p.inventory.SelectList(patterns, f.target.limit)
		fmt.Fprintf(out, "    pattern: %s\n    hosts (%d):\n", value.Repr(value.Strings(patterns)), len(hosts))
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
	for _, t := range play.Listed() {
		tags := p.evaluated(t.AllTags(), play.Vars)
		if !runner.TagsSelect(tags, splitTags(f.tags, nil), splitTags(f.skipTags, nil)) {
			continue
		}
		all = append(all, tags...)
		if f.listTasks {
			slices.Sort(tags)
			fmt.Fprintf(out, "      %s\tTAGS: [%s]\n", t.ListTitle(), strings.Join(tags, ", "))
		}
	}
	if f.listTags {
		slices.Sort(all)
		fmt.Fprintf(out, "      TASK TAGS: [%s]\n", strings.Join(slices.Compact(all), ", "))
	}
}

// patterns are the hosts of a play, with templates filled in.
func (p *project) patterns(play *playbooks.Play) []string {
	var out []string
	for _, h := range play.Hosts {
		if jinja.HasTemplate(h) {
			out = append(out, p.evaluated([]string{h}, play.Vars)...)
			continue
		}
		out = append(out, h)
	}
	return out
}

// checkLimit refuses a limit that leaves nothing of the inventory, and one that
// cannot be read.
func (p *project) checkLimit(limit string) error {
	if limit == "" {
		return nil
	}
	if err := checkLimitFiles(limit); err != nil || len(p.inventory.Hosts()) == 0 {
		return err
	}
	hosts, problems := p.inventory.SelectList([]string{"all"}, limit)
	if len(hosts) == 0 && !problems.HasErrors() {
		return fmt.Errorf("Specified hosts and/or --limit does not match any hosts")
	}
	return nil
}

// checkLimitFiles looks for the files that a limit names: without them all
// hosts would be a surprise, and none would look like success.
func checkLimitFiles(limit string) error {
	for _, part := range strings.Split(limit, ",") {
		name, isFile := strings.CutPrefix(strings.TrimSpace(part), "@")
		if !isFile {
			continue
		}
		info, err := os.Stat(name)
		if err != nil {
			return fmt.Errorf("Unable to find limit file %s", name)
		}
		if info.IsDir() {
			return fmt.Errorf(`Limit starting with "@" must be a file, not a directory: %s`, name)
		}
	}
	return nil
}

// evaluated fills in tags that are templates, as far as the play's variables go.
func (p *project) evaluated(tags []string, vars *value.Dict) []string {
	var out []string
	for _, tag := range tags {
		v, err := p.render(tag, vars)
		if l, ok := v.(*value.List); ok && err == nil {
			for _, one := range l.Items {
				out = append(out, value.Str(one))
			}
			continue
		}
		if v == jinja.Omit && err == nil {
			continue
		}
		if err != nil || v == nil {
			v = tag
		}
		for _, one := range strings.Split(value.Str(v), ",") {
			out = append(out, strings.TrimSpace(one))
		}
	}
	return out
}
