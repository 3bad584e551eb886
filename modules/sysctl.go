package modules

import (
	"context"
	"regexp"
	"strings"

	"sunup/internal/say"
)

var sysctlModule = Module{
	Name:       "ansible.posix.sysctl",
	Summary:    say.T("Manages settings of the kernel in sysctl.conf.", "sysctl.conf의 커널 설정을 관리한다."),
	Notes:      say.T("sysctl.conf is only written when something changes, and other lines stay as they are.", "바뀔 것이 있을 때만 sysctl.conf를 쓰고, 다른 줄은 그대로 둔다."),
	Idempotent: true,
	Spec: Spec{
		Params: []Param{
			{Name: "name", Aliases: []string{"key"}, Required: true, Doc: say.T("Name of the setting.", "설정의 이름.")},
			{Name: "value", Aliases: []string{"val"}, Doc: say.T("Its value.", "값.")},
			{Name: "state", Default: "present", Choices: []any{"present", "absent"}, Doc: say.T("Whether it should be in the file.", "파일에 있어야 하는지.")},
			{Name: "reload", Type: Bool, Default: true, Doc: say.T("Run sysctl -p after a change.", "바꾼 뒤 sysctl -p를 실행한다.")},
			{Name: "sysctl_set", Type: Bool, Default: false, Doc: say.T("Set the kernel's value itself, too.", "커널의 값도 바로 정한다.")},
			{Name: "ignoreerrors", Type: Bool, Default: false, Doc: say.T("Ignore settings that the kernel does not know.", "커널이 모르는 설정은 무시한다.")},
			{Name: "sysctl_file", Type: Path, Default: "/etc/sysctl.conf", Doc: say.T("The file.", "파일.")},
		},
		RequiredIf: []RequiredIf{{Param: "state", Value: "present", Needs: []string{"value"}}},
	},
	Run: runSysctl,
}

var sysctlRefused = regexp.MustCompile(`(?m)^sysctl: setting key "[^"]+": (Invalid argument|Read-only file system)$`)

func runSysctl(ctx context.Context, c *Call) (*Result, error) {
	a := c.Args
	name, want := strings.TrimSpace(a.Str("name")), sysctlValue(a.Str("value"))
	present := a.Str("state") == "present"
	switch {
	case name == "":
		return Fail("name cannot be blank"), nil
	case present && a.Str("value") == "":
		return Fail("value cannot be blank"), nil
	}
	t, fail, err := c.openFile(ctx, a.Str("sysctl_file"), attrs{}, needTool("sysctl")+"if x=$(sysctl -e -n "+quoteText(name)+" 2>/dev/null); then printf 'now=%s\\0' \"$x\"; fi\n:\n")
	if fail != nil || err != nil {
		return fail, err
	}
	text, have, found := sysctlLines(t.text(), name, want, present)
	now, known := t.fields["now"]
	live := known && sameWords(now, want)
	write, set := false, false
	r := OK()
	switch {
	case !present:
		write = found
	case !found || have != want:
		write = true
	case a.Bool("reload") && !live:
		r.Changed = true
	}
	if a.Bool("sysctl_set") && present && !live {
		r.Changed = true
		set = known
	}
	r.Changed = r.Changed || write
	if write {
		c.fileDiff(r, t, text)
	}
	if c.Check || !r.Changed {
		return r, nil
	}
	ignore := option(a.Bool("ignoreerrors"), "-e ")
	if set {
		if fail, err := c.sysctl(ctx, "setting "+name+" failed: ", "sysctl "+ignore+"-w "+quoteText(name+"="+want)); fail != nil || err != nil {
			return fail, err
		}
	}
	if write {
		if _, _, fail, err := c.keepFile(ctx, t, text, kept{}); fail != nil || err != nil {
			return fail, err
		}
	}
	if a.Bool("reload") {
		if fail, err := c.sysctl(ctx, "Failed to reload sysctl: ", "sysctl "+ignore+"-p "+quotePath(a.Str("sysctl_file"))); fail != nil || err != nil {
			return fail, err
		}
	}
	return r, nil
}

// sysctl runs the program, which reports some failures only in words.
func (c *Call) sysctl(ctx context.Context, what, command string) (*Result, error) {
	s, fail, err := c.hear(ctx, command, "")
	if fail != nil || err != nil {
		return fail, err
	}
	if s.code != 0 || sysctlRefused.MatchString(s.err) {
		return Fail("%s%s%s", what, s.out, s.err), nil
	}
	return nil, nil
}

// sysctlValue turns words for true and false into numbers.
func sysctlValue(s string) string {
	if b, ok := boolWords[strings.ToLower(s)]; ok {
		return map[bool]string{true: "1", false: "0"}[b]
	}
	return strings.TrimSpace(s)
}

func sameWords(a, b string) bool {
	return strings.Join(strings.Fields(a), " ") == strings.Join(strings.Fields(b), " ")
}

// sysctlLines returns the file with the setting made; have is what the last
// line for it said, as that one counts.
func sysctlLines(text, name, want string, present bool) (out, have string, found bool) {
	var b strings.Builder
	written := false
	for _, line := range fileLines(text) {
		k, v, is := strings.Cut(strings.TrimSpace(line), "=")
		if !is || strings.ContainsAny(k[:min(1, len(k))], "#;") || strings.TrimSpace(k) != name {
			b.WriteString(strings.TrimRight(line, "\r\n") + "\n")
			continue
		}
		found, have = true, strings.TrimSpace(v)
		if present && !written {
			b.WriteString(name + "=" + want + "\n")
			written = true
		}
	}
	if present && !written {
		b.WriteString(name + "=" + want + "\n")
	}
	return b.String(), have, found
}
