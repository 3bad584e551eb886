package main

import (
	"fmt"
	"sort"

	"github.com/spf13/cobra"

	"sunup/internal/diag"
	"sunup/internal/say"
	"sunup/playbooks"
)

// checkCommand says how far a project is supported, before any host is touched.
func (a *app) checkCommand() *cobra.Command {
	var t targetFlags
	c := &cobra.Command{
		Use:     "check [flags] PLAYBOOK...",
		Short:   a.text("Check playbooks without touching any host", "호스트에 접속하지 않고 플레이북을 검사합니다"),
		Example: "  sunup check site.yml",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, paths []string) error {
			p, err := a.openProject(c.Context(), t, true)
			if err != nil {
				return err
			}
			return p.check(paths)
		},
	}
	a.addTargetFlags(c.Flags(), &t)
	return c
}

// check prints all problems of all playbooks, then their number.
func (p *project) check(paths []string) error {
	var all diag.Problems
	plays := 0
	for _, path := range paths {
		book, problems := p.loader.Load(path)
		all = append(all, problems...)
		if book != nil {
			plays += len(book.Plays)
			all = append(all, checkArguments([]*playbooks.Playbook{book})...)
		}
	}
	fmt.Fprint(p.app.out, all.Format(p.app.lang))
	errors, warnings := 0, 0
	lacking := map[string]int{}
	for _, one := range all {
		if one.Severity == diag.Error {
			errors++
		} else {
			warnings++
		}
		if one.ID == "module-not-supported" || one.ID == "unknown-module" {
			lacking[one.What.In(p.app.lang)]++
		}
	}
	p.tellLacking(lacking)
	p.app.tell(p.app.out, say.T("%d plays read: %d errors, %d warnings", "플레이 %d개 확인: 오류 %d건, 경고 %d건", plays, errors, warnings))
	if errors > 0 {
		return exitWith(exitUnreachable)
	}
	return nil
}

// tellLacking lists what the project uses and we lack, with counts.
func (p *project) tellLacking(lacking map[string]int) {
	if len(lacking) == 0 {
		return
	}
	names := make([]string, 0, len(lacking))
	for n := range lacking {
		names = append(names, n)
	}
	sort.Slice(names, func(i, j int) bool {
		return lacking[names[i]] > lacking[names[j]] || lacking[names[i]] == lacking[names[j]] && names[i] < names[j]
	})
	p.app.tell(p.app.out, say.T("Not supported, by number of uses:", "지원하지 않는 항목과 사용 횟수:"))
	for _, n := range names {
		fmt.Fprintf(p.app.out, "  %4d  %s\n", lacking[n], n)
	}
}
