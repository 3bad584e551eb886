package modules

import (
	"context"
	"regexp"
	"strings"

	"sunup/internal/say"
)

var selinuxModule = Module{
	Name:       "ansible.posix.selinux",
	Summary:    say.T("Sets the mode and the policy of SELinux.", "SELinux의 모드와 정책을 정한다."),
	Untried:    true,
	Idempotent: true,
	Spec: Spec{Params: []Param{
		{Name: "state", Required: true, Choices: []any{"enforcing", "permissive", "disabled"}, Doc: say.T("The mode.", "모드.")},
		{Name: "policy", Doc: say.T("The policy; needed unless the mode is disabled.", "정책. disabled가 아니면 필요하다.")},
		{Name: "configfile", Aliases: []string{"conf", "file"}, Default: "/etc/selinux/config", Doc: say.T("SELinux's configuration.", "SELinux의 설정 파일.")},
		{Name: "update_kernel_param", Type: Bool, Default: false, Doc: say.T("Also set the kernel's parameter, by grubby.", "grubby로 커널 매개변수도 정한다.")},
	}},
	Returns: []Return{
		{"msg", "str", "always", say.T("What was changed.", "바뀐 것.")},
		{"configfile", "str", "always", say.T("The configuration.", "설정 파일.")},
		{"policy", "str", "always", say.T("The policy.", "정책.")},
		{"state", "str", "always", say.T("The mode.", "모드.")},
		{"reboot_required", "bool", "always", say.T("Whether the host must be rebooted.", "재부팅해야 하는지.")},
	},
	Run: runSELinux,
}

var (
	selinuxModeLine   = regexp.MustCompile(`(?m)^SELINUX=.*$`)
	selinuxPolicyLine = regexp.MustCompile(`(?m)^SELINUXTYPE=.*$`)
)

// configured is the value of such a line, "" without one.
func configured(text string, line *regexp.Regexp) string {
	_, v, _ := strings.Cut(line.FindString(text), "=")
	return strings.TrimSpace(v)
}

// configure sets such a line, at the end when there is none.
func configure(text, name, v string, line *regexp.Regexp) string {
	if line.MatchString(text) {
		return line.ReplaceAllLiteralString(text, name+"="+v)
	}
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	return text + name + "=" + v + "\n"
}

// selinuxChange is what must be done, gathered step by step.
type selinuxChange struct {
	*Call
	msgs    []string
	steps   []string
	warns   []string
	changed bool
	reboot  bool
}

func (s *selinuxChange) tell(msg string) {
	s.msgs = append(s.msgs, msg)
	s.changed = true
}

func runSELinux(ctx context.Context, c *Call) (*Result, error) {
	a := c.Args
	state, policy, file := a.Str("state"), a.Str("policy"), a.Str("configfile")
	look := `if selinuxenabled 2>/dev/null; then printf 'mode='; getenforce; printf '\0'; fi
if [ -n "$g" ]; then command -v grubby >/dev/null 2>&1 || N grubby; printf 'kernels='; grubby --info=ALL; printf '\0'; fi
[ -z "$w" ] || [ ! -e "/etc/selinux/$w/policy" ] || printf 'policy=1\0'
`
	t, fail, err := c.openFile(ctx, file, attrs{}, "g="+option(a.Bool("update_kernel_param"), "1")+"\nw="+quoteText(policy)+"\n"+look)
	switch {
	case fail != nil || err != nil:
		return fail, err
	case !t.exists:
		return Fail("Unable to find file %s", file).Set("details", "Please install SELinux-policy package, if this package is not installed previously."), nil
	case state != "disabled" && policy == "":
		return Fail("Policy is required if state is not 'disabled'"), nil
	}
	oldPolicy, oldState := configured(t.text(), selinuxPolicyLine), configured(t.text(), selinuxModeLine)
	if policy == "" {
		policy = oldPolicy
	}
	s := &selinuxChange{Call: c}
	text := t.text()
	if policy != oldPolicy {
		if !t.fields.has("policy") {
			return Fail("Policy %s does not exist in /etc/selinux/", policy), nil
		}
		s.tell("Running SELinux policy changed from '" + oldPolicy + "' to '" + policy + "'")
		s.tell("SELinux policy configuration in '" + file + "' changed from '" + oldPolicy + "' to '" + policy + "'")
		text = configure(text, "SELINUXTYPE", policy, selinuxPolicyLine)
	}
	s.mode(strings.ToLower(t.fields.text("mode")), state)
	if state != oldState {
		s.tell("Config SELinux state changed from '" + oldState + "' to '" + state + "'")
		text = configure(text, "SELINUX", state, selinuxModeLine)
	}
	if a.Bool("update_kernel_param") {
		s.kernel(t.fields["kernels"], state != "disabled")
	}
	r := ChangedIf(s.changed).Set("configfile", file).Set("policy", policy).Set("state", state).Set("reboot_required", s.reboot)
	r.Msg, r.Warnings = strings.Join(s.msgs, ", "), s.warns
	r.Set("msg", r.Msg)
	c.fileDiff(r, t, text)
	if c.Check {
		return r, nil
	}
	if _, _, fail, err := c.keepFile(ctx, t, text, kept{}); fail != nil || err != nil {
		return fail, err
	}
	_, fail, err = c.do(ctx, s.steps...)
	return first(fail, r), err
}

// mode compares the running mode, "" where SELinux is off.
func (s *selinuxChange) mode(running, state string) {
	switch {
	case running == "" && state == "disabled", running == state:
	case running == "":
		s.warns = append(s.warns, "Reboot is required to set SELinux state to '"+state+"'")
		s.reboot = true
	case state == "disabled" && running != "permissive":
		s.steps = append(s.steps, "setenforce 0")
		s.warns = append(s.warns, "SELinux state temporarily changed from '"+running+"' to 'permissive'. State change will take effect next reboot.")
		s.changed, s.reboot = true, true
	case state == "disabled":
		s.warns = append(s.warns, "SELinux state change will take effect next reboot")
		s.reboot = true
	default:
		s.steps = append(s.steps, "setenforce "+map[string]string{"enforcing": "1", "permissive": "0"}[state])
		s.tell("SELinux state changed from '" + running + "' to '" + state + "'")
	}
}

// kernel compares the parameters of the installed kernels.
func (s *selinuxChange) kernel(info string, on bool) {
	withOut, with := 0, 0
	for _, l := range lines(info) {
		args, ok := strings.CutPrefix(l, `args="`)
		switch {
		case !ok:
		case contains(strings.Fields(strings.TrimSuffix(args, `"`)), "selinux=0"):
			with++
		default:
			withOut++
		}
	}
	words := map[bool]string{true: "enabled", false: "disabled"}
	was := "<inconsistent>"
	switch {
	case with == 0 && withOut > 0:
		was = words[true]
	case with > 0 && withOut == 0:
		was = words[false]
	}
	if was == words[on] {
		return
	}
	if was != "<inconsistent>" {
		was = words[!on]
	}
	s.tell("Kernel SELinux state changed from '" + was + "' to '" + words[on] + "'")
	s.steps = append(s.steps, "grubby --update-kernel=ALL "+map[bool]string{true: "--remove-args", false: "--args"}[on]+" selinux=0")
}
