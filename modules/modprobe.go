package modules

import (
	"context"
	"strings"

	"sunup/internal/say"
)

var modprobeModule = Module{
	Name:       "community.general.modprobe",
	Summary:    say.T("Loads and unloads modules of the kernel.", "커널 모듈을 올리고 내린다."),
	Untried:    true,
	Idempotent: true,
	Spec: Spec{Params: []Param{
		{Name: "name", Required: true, Doc: say.T("Name of the module.", "모듈 이름.")},
		{Name: "state", Default: "present", Choices: []any{"absent", "present"}, Doc: say.T("Whether it should be loaded.", "올라가 있어야 하는지.")},
		{Name: "params", Default: "", Doc: say.T("Parameters of the module.", "모듈의 매개변수.")},
		{Name: "persistent", Default: "disabled", Choices: []any{"disabled", "present", "absent"}, Doc: say.T("Also at boot: present in /etc/modules-load.d, absent from it, or left alone.", "부팅할 때도: /etc/modules-load.d에 두거나(present), 없애거나(absent), 건드리지 않는다.")},
	}},
	Returns: []Return{
		{"name", "str", "always", say.T("Name of the module.", "모듈 이름.")},
		{"params", "str", "always", say.T("Its parameters.", "매개변수.")},
		{"state", "str", "always", say.T("State asked for.", "요청한 상태.")},
	},
	Run: runModprobe,
}

// modprobeDirs are where modules and their options for boot are listed.
const lookModule = `if [ -r /proc/modules ]; then while read -r a b; do [ "$a" != "$m" ] || printf 'loaded=1\0'; done </proc/modules; fi
k=/lib/modules/$(uname -r)/modules.builtin
if [ -r "$k" ]; then while read -r a; do a=${a##*/}; a=${a%%.ko*}; case $a in "$n"|"$m") printf 'loaded=1\0';; esac; done <"$k"; fi
for f in /etc/modules-load.d/*.conf /etc/modprobe.d/*.conf /etc/modules; do
[ ! -f "$f" ] || { printf 'file.%s=' "$f"; cat "$f"; printf '\0'; }
done
`

func runModprobe(ctx context.Context, c *Call) (*Result, error) {
	a := c.Args
	name, params := a.Str("name"), a.Str("params")
	f, fail, err := c.observe(ctx, systemPath+"n="+quoteText(name)+"\nm="+quoteText(strings.ReplaceAll(name, "-", "_"))+"\n"+lookModule+":\n")
	if fail != nil || err != nil {
		return fail, err
	}
	var steps []string
	loaded := f.has("loaded")
	switch {
	case a.Str("state") == "present" && !loaded:
		steps = append(steps, "modprobe "+quoteText(name)+" "+quoteLine(params))
	case a.Str("state") == "absent" && loaded:
		steps = append(steps, "modprobe -r "+quoteText(name))
	}
	steps = append(steps, bootModule(f, name, params, a.Str("persistent"))...)
	r := ChangedIf(len(steps) > 0).Set("name", name).Set("params", params).Set("state", a.Str("state"))
	if c.Check || !r.Changed {
		return r, nil
	}
	s, fail, err := c.do(ctx, steps...)
	if fail != nil {
		fail.Msg = s.message()
	}
	if fail != nil || err != nil {
		return fail, err
	}
	return r, nil
}

// bootModule are the steps that make the module be loaded at boot, or not.
func bootModule(f fields, name, params, want string) []string {
	if want == "disabled" {
		return nil
	}
	var steps []string
	listed, optioned := "", ""
	for file, text := range f {
		file, ok := strings.CutPrefix(file, "file.")
		if !ok {
			continue
		}
		for _, l := range lines(text) {
			words := strings.Fields(l)
			switch {
			case len(words) == 1 && words[0] == name && !strings.HasPrefix(file, "/etc/modprobe.d/"):
				listed = file
			case len(words) > 2 && words[0] == "options" && words[1] == name && strings.HasPrefix(file, "/etc/modprobe.d/"):
				optioned = strings.Join(words[2:], " ")
			default:
				continue
			}
			if want == "absent" {
				q := quoteText(file)
				steps = append(steps, "t=$(mktemp) && { grep -v -x -F -- "+quoteText(l)+" "+q+" >\"$t\"; cat \"$t\" >"+q+"; rm -f \"$t\"; }")
			}
		}
	}
	if want == "absent" {
		return steps
	}
	if listed == "" {
		steps = append(steps, "mkdir -p /etc/modules-load.d", "printf '%s\\n' "+quoteText(name)+" >"+quoteText("/etc/modules-load.d/"+name+".conf"))
	}
	if params != "" && !sameWords(params, optioned) {
		steps = append(steps, "mkdir -p /etc/modprobe.d", "printf 'options %s %s\\n' "+quoteText(name)+" "+quoteText(params)+" >"+quoteText("/etc/modprobe.d/"+name+".conf"))
	}
	return steps
}
