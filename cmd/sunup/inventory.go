package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"sunup/internal/diag"
	"sunup/inventory"
)

// inventoryFlags are those of ansible-inventory.
type inventoryFlags struct {
	target             targetFlags
	list, graph, vars  bool
	yaml, toml, export bool
	host, basedir      string
	verbosity          int
}

func (a *app) inventoryCommand() *cobra.Command {
	f := &inventoryFlags{}
	c := &cobra.Command{
		Use:     "inventory (--list | --graph [GROUP] | --host NAME)",
		Short:   a.text("Show the hosts, groups and variables of an inventory", "인벤토리의 호스트·그룹·변수를 보입니다"),
		Example: "  sunup inventory -i hosts.ini --graph\n  sunup inventory -i hosts.ini --list\n  sunup inventory -i hosts.ini --host kiosk07",
		RunE:    func(c *cobra.Command, args []string) error { return a.showInventory(c.Context(), f, args) },
	}
	fs := c.Flags()
	fs.SortFlags = false
	a.addTargetFlags(fs, &f.target)
	fs.BoolVar(&f.list, "list", false, a.text("everything, as JSON", "전체를 JSON으로"))
	fs.BoolVar(&f.graph, "graph", false, a.text("a tree of groups and hosts", "그룹과 호스트를 나무 모양으로"))
	fs.StringVar(&f.host, "host", "", a.text("the variables of one host", "한 호스트의 변수"))
	fs.BoolVar(&f.vars, "vars", false, a.text("with variables in the tree", "나무 모양에 변수도 표시"))
	fs.BoolVarP(&f.yaml, "yaml", "y", false, a.text("YAML instead of JSON", "JSON 대신 YAML"))
	fs.BoolVar(&f.toml, "toml", false, a.text("TOML instead of JSON", "JSON 대신 TOML"))
	fs.BoolVar(&f.export, "export", false, a.text("as an inventory, not as what a run sees", "실행용이 아닌 인벤토리 형식으로"))
	fs.StringVar(&f.basedir, "playbook-dir", "", a.text("directory whose group_vars and host_vars count too", "group_vars와 host_vars를 함께 읽을 디렉터리"))
	fs.CountVarP(&f.verbosity, "verbose", "v", a.text("tell more", "더 자세히"))
	return c
}

func (a *app) showInventory(ctx context.Context, f *inventoryFlags, args []string) error {
	modes := 0
	for _, on := range []bool{f.list, f.graph, f.host != ""} {
		if on {
			modes++
		}
	}
	if modes != 1 {
		return usageError{fmt.Errorf("%s", a.text("choose one of --list, --graph and --host", "--list, --graph, --host 가운데 하나를 지정하십시오"))}
	}
	p, err := a.openProject(ctx, f.target, false)
	if err != nil {
		return err
	}
	o := inventory.ListOptions{
		PlaybookDir: f.basedir, Limit: f.target.limit, Export: f.export, Vars: f.vars, Format: format(f), ExtraVars: p.extraVars,
	}
	var problems diag.Problems
	switch {
	case f.host != "":
		problems, err = p.inventory.WriteHost(a.out, f.host, o)
	case f.graph:
		group := "all"
		if len(args) > 0 {
			group = args[0]
		}
		problems, err = p.inventory.WriteGraph(a.out, group, o)
	default:
		problems, err = p.inventory.WriteList(a.out, o)
	}
	p.tellWarnings(problems)
	if problems.HasErrors() {
		return problems
	}
	return err
}

func format(f *inventoryFlags) inventory.Format {
	switch {
	case f.yaml:
		return inventory.YAML
	case f.toml:
		return inventory.TOML
	}
	return inventory.JSON
}
