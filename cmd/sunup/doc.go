package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"sunup/internal/diag"
	"sunup/internal/say"
	"sunup/modules"
)

func (a *app) docCommand() *cobra.Command {
	var markdown, compatibility bool
	c := &cobra.Command{
		Use:     "doc [MODULE...]",
		Short:   a.text("Tell what modules do and which arguments they take", "모듈의 기능과 인자를 설명합니다"),
		Example: "  sunup doc\n  sunup doc copy template",
		RunE: func(_ *cobra.Command, names []string) error {
			switch {
			case markdown:
				return modules.Reference(a.out, a.lang)
			case compatibility:
				return modules.Compatibility(a.out, a.lang)
			case len(names) == 0:
				return a.listModules()
			}
			for _, name := range names {
				if modules.Lookup(name, nil) == nil {
					return a.noSuchModule(name)
				}
				if err := modules.Doc(a.out, name, a.lang); err != nil {
					return err
				}
			}
			return nil
		},
	}
	var list bool
	var verbosity int
	c.Flags().BoolVarP(&list, "list", "l", false, a.text("list the modules (the same as no module)", "모듈 목록 (모듈을 지정하지 않은 것과 같음)"))
	c.Flags().CountVarP(&verbosity, "verbose", "v", a.text("tell more", "더 자세히"))
	c.Flags().BoolVar(&markdown, "markdown", false, a.text("the whole reference as Markdown", "전체 참조를 마크다운으로"))
	c.Flags().BoolVar(&compatibility, "compatibility", false, a.text("how far each module does what Ansible's does, as Markdown", "각 모듈이 Ansible과 얼마나 같은지를 마크다운으로"))
	return c
}

func (a *app) listModules() error {
	for _, name := range modules.Names() {
		m := modules.Lookup(name, nil)
		fmt.Fprintf(a.out, "%-42s %s\n", m.Name, m.Summary.In(a.lang))
	}
	return nil
}

func (a *app) noSuchModule(name string) error {
	p := diag.Problem{
		Severity: diag.Error, ID: "unknown-module",
		What: say.T("there is no module '%s'", "'%s' 모듈이 없습니다", name),
		Fix:  say.T("'sunup doc' lists all modules", "'sunup doc'으로 모듈 목록을 볼 수 있습니다"),
	}
	if near := diag.Nearest(name, modules.Names()); near != "" {
		p.Fix = say.T("did you mean '%s'?", "'%s'{을/를} 찾으셨습니까?", near)
	}
	fmt.Fprint(a.err, p.Format(a.lang))
	return exitWith(exitError)
}
