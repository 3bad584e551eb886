package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
)

// tool is sunup under the name of ansible-playbook.
type tool struct {
	dir, binary, named string
}

func newTool(binary string) (*tool, error) {
	dir, err := os.MkdirTemp("", "projects-")
	if err != nil {
		return nil, err
	}
	t := &tool{dir: dir, binary: binary, named: filepath.Join(dir, "ansible-playbook")}
	return t, os.Symlink(binary, t.named)
}

func (t *tool) close() { os.RemoveAll(t.dir) }

// comparison is one playbook and what both tools made of it.
type comparison struct {
	playbook
	theirs, ours answer
	lacking      []lacking
}

// lacking is something that a playbook uses and sunup does not have.
type lacking struct {
	Kind  string `json:"kind"`
	Name  string `json:"name"`
	Count int    `json:"count"`
}

func (t *tool) compare(ctx context.Context, o options, p playbook, theirs answer) comparison {
	c := comparison{playbook: p, theirs: theirs}
	if !theirs.Accepts {
		_, c.ours.Words, c.ours.Accepts = call(ctx, t.named, p, "--syntax-check")
		return c
	}
	c.ours = ask(ctx, t.named, p)
	c.lacking = t.lacking(ctx, p)
	return c
}

func (t *tool) lacking(ctx context.Context, p playbook) []lacking {
	cmd := exec.CommandContext(ctx, t.binary, "check", "--json", p.path)
	cmd.Dir = p.dir
	out, _ := cmd.Output() // it ends with an error when the playbook has one
	var report struct{ Unsupported []lacking }
	_ = json.Unmarshal(out, &report)
	return report.Unsupported
}

// state says in one word how the two agree.
func (c *comparison) state() string {
	switch {
	case !c.theirs.Accepts && c.ours.Accepts:
		return "only-sunup"
	case !c.theirs.Accepts:
		return "refused"
	case !c.ours.Accepts && len(c.lacking) > 0:
		return "unsupported"
	case !c.ours.Accepts:
		return "only-ansible"
	}
	return "accepted"
}

// sameListing compares the lists of tasks.
func (c *comparison) sameListing() bool { return c.theirs.Listing == c.ours.Listing }

// printTable prints a row for each project and a total, in Markdown.
func printTable(w io.Writer, all []comparison) {
	var order []string
	by := map[string][]comparison{}
	for _, c := range all {
		if by[c.project] == nil {
			order = append(order, c.project)
		}
		by[c.project] = append(by[c.project], c)
	}
	table := tabwriter.NewWriter(w, 0, 0, 1, ' ', 0)
	fmt.Fprintln(table, "| project\t| playbooks\t| Ansible accepts\t| of these sunup\t| something is unsupported\t| refused by mistake\t| Ansible lists\t| same list |")
	fmt.Fprintln(table, "|---\t|---\t|---\t|---\t|---\t|---\t|---\t|--- |")
	for _, name := range order {
		printRow(table, name, by[name])
	}
	printRow(table, "**all**", all)
	table.Flush()
	printLacking(w, all)
}

func printRow(w io.Writer, name string, all []comparison) {
	theirs, ours, unsupported, wrong, lists, same := 0, 0, 0, 0, 0, 0
	for _, c := range all {
		switch c.state() {
		case "accepted":
			theirs++
			ours++
		case "unsupported":
			theirs++
			unsupported++
		case "only-ansible":
			theirs++
			wrong++
		}
		if c.theirs.Lists && c.ours.Lists {
			lists++
			if c.sameListing() {
				same++
			}
		}
	}
	fmt.Fprintf(w, "| %s\t| %d\t| %d\t| %d\t| %d\t| %d\t| %d\t| %d |\n", name, len(all), theirs, ours, unsupported, wrong, lists, same)
}

// printLacking lists what the playbooks that Ansible accepts use and sunup
// lacks, by the number of playbooks.
func printLacking(w io.Writer, all []comparison) {
	books, uses := map[string]int{}, map[string]int{}
	for _, c := range all {
		for _, l := range c.lacking {
			books[l.Kind+" "+l.Name]++
			uses[l.Kind+" "+l.Name] += l.Count
		}
	}
	var names []string
	for n := range books {
		names = append(names, n)
	}
	slices.SortFunc(names, func(a, b string) int {
		if books[a] != books[b] {
			return books[b] - books[a]
		}
		return strings.Compare(a, b)
	})
	fmt.Fprintln(w, "\nWhat is lacking, by playbooks:")
	for _, n := range names {
		fmt.Fprintf(w, "%5d  %s\n", books[n], n)
	}
}

// writeDetails tells of every playbook on which the two do not agree.
func writeDetails(path string, all []comparison) error {
	if path == "" {
		return nil
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	for _, c := range all {
		switch {
		case c.state() == "only-ansible" || c.state() == "unsupported":
			fmt.Fprintf(f, "=== %s %s\n%s\n", c.state(), c.key(), c.ours.Words)
		case c.state() == "only-sunup":
			fmt.Fprintf(f, "=== only-sunup %s\n%s\n", c.key(), c.theirs.Words)
		case c.state() == "accepted" && c.theirs.Lists && !c.ours.Lists:
			fmt.Fprintf(f, "=== no-list %s\n%s\n", c.key(), c.ours.Words)
		case c.state() == "accepted" && c.theirs.Lists && !c.sameListing():
			fmt.Fprintf(f, "=== list %s\n--- ansible\n%s\n--- sunup\n%s\n", c.key(), c.theirs.Listing, c.ours.Listing)
		}
	}
	return nil
}
