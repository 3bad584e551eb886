package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"sunup/internal/diag"
	"sunup/internal/jinja"
	"sunup/internal/say"
	"sunup/internal/value"
	"sunup/internal/vars"
)

// varsCommand tells what a host's variables are and where each comes from.
func (a *app) varsCommand() *cobra.Command {
	var t targetFlags
	var dir string
	c := &cobra.Command{
		Use:     "vars [flags] HOST [NAME...]",
		Short:   a.text("Show a host's variables and where each comes from", "호스트의 변수와 그 출처를 보입니다"),
		Example: "  sunup vars -i hosts.ini kiosk07\n  sunup vars -i hosts.ini kiosk07 zone ticket_port",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			p, err := a.openProject(c.Context(), t, false)
			if err != nil {
				return err
			}
			scope, err := p.hostScope(args[0], dir)
			if err != nil {
				return err
			}
			return p.showVars(scope, args[1:])
		},
	}
	a.addTargetFlags(c.Flags(), &t)
	c.Flags().StringVar(&dir, "playbook-dir", ".", a.text("directory whose group_vars and host_vars count too", "group_vars와 host_vars를 함께 읽을 디렉터리"))
	return c
}

// hostScope is what the inventory and -e say of a host.
func (p *project) hostScope(name, dir string) (*vars.Scope, error) {
	if p.inventory.Host(name) == nil {
		var names []string
		for _, h := range p.inventory.Hosts() {
			names = append(names, h.Name)
		}
		bad := diag.Problem{Severity: diag.Error, ID: "unknown-host",
			What: say.T("the inventory has no host '%s'", "인벤토리에 '%s' 호스트가 없습니다", name),
			Fix:  say.T("'sunup inventory --graph' shows all hosts", "'sunup inventory --graph'로 전체 호스트를 볼 수 있습니다")}
		if near := diag.Nearest(name, names); near != "" {
			bad.Fix = say.T("did you mean '%s'?", "'%s'{을/를} 찾으셨습니까?", near)
		}
		return nil, diag.Problems{bad}
	}
	low, problems := p.inventory.Layers(name, dir)
	p.tellWarnings(problems)
	layers := []vars.Layer{
		{Level: vars.Magic, Origin: "magic variable", Source: vars.Fixed{Dict: value.NewDict("inventory_hostname", name)}},
		{Level: vars.ExtraVars, Origin: "extra vars (-e)", Source: vars.Fixed{Dict: p.extraVars}},
	}
	for i := len(low) - 1; i >= 0; i-- {
		origin := low[i].Name
		if !low[i].Origin.IsZero() {
			origin += " (" + low[i].Origin.String() + ")"
		}
		layers = append(layers, vars.Layer{Level: vars.Level(low[i].Level), Origin: origin, Source: vars.Fixed{Dict: low[i].Vars}})
	}
	return vars.NewScope(p.app.ctx, p.templar, layers), nil
}

// showVars prints each variable: its value, where it comes from, what it hides.
func (p *project) showVars(scope *vars.Scope, names []string) error {
	if len(names) == 0 {
		names = scope.Names()
	}
	missing := false
	for _, name := range names {
		origins := scope.Origins(name)
		if len(origins) == 0 {
			p.app.tell(p.app.err, say.T("%s is not defined", "%s{은/는} 정의되지 않았습니다", name))
			missing = true
			continue
		}
		fmt.Fprintf(p.app.out, "%s = %s\n", name, p.shownValue(scope, name))
		for i, l := range origins {
			word := say.T("from", "출처")
			if i > 0 {
				word = say.T("hides", "가려짐")
			}
			v, _, _ := l.Get(name)
			line := fmt.Sprintf("    %s: [%d] %s", word.In(p.app.lang), l.Level, l.Origin)
			if i > 0 {
				line += ": " + oneLine(v)
			}
			fmt.Fprintln(p.app.out, line)
		}
	}
	if missing {
		return exitWith(exitError)
	}
	return nil
}

// shownValue evaluates a variable; what needs facts or a run is shown as
// written, and passwords are not shown.
func (p *project) shownValue(scope *vars.Scope, name string) string {
	if secretName(name) {
		return "********"
	}
	v, _, _, err := scope.Lookup(name)
	if err != nil {
		raw, _ := scope.Raw(name)
		return oneLine(raw) + "  " + say.T("(needs a run: %s)", "(실행 중에만 계산됨: %s)", jinja.Message(err)).In(p.app.lang)
	}
	return oneLine(v)
}

func secretName(name string) bool {
	for _, word := range []string{"pass", "password", "secret", "token", "private_key"} {
		if strings.HasSuffix(name, word) {
			return true
		}
	}
	return false
}

func oneLine(v any) string { return value.Repr(value.Clone(plainText(v))) }

// plainText takes the marks off text, and hides what is vaulted.
func plainText(v any) any {
	switch v := v.(type) {
	case value.Unsafe:
		return string(v)
	case value.Vaulted:
		return "********"
	}
	return v
}
