package modules

import (
	"context"
	"regexp"
	"strings"

	"sunup/internal/say"
)

var localeGenModule = Module{
	Name:       "community.general.locale_gen",
	Summary:    say.T("Makes locales.", "로케일을 만든다."),
	Idempotent: true,
	Spec: Spec{Params: []Param{
		{Name: "name", Required: true, Doc: say.T("Name of the locale, such as ko_KR.UTF-8.", "로케일 이름(예: ko_KR.UTF-8).")},
		{Name: "state", Default: "present", Choices: []any{"absent", "present"}, Doc: say.T("Whether it should be there.", "로케일이 있어야 하는지.")},
	}},
	Returns: []Return{{"name", "str", "success", say.T("Name of the locale.", "로케일 이름.")}},
	Run:     runLocaleGen,
}

// localeKey is a name as the C library compares them: UTF-8 and utf8 are one.
func localeKey(s string) string {
	base, set, _ := strings.Cut(strings.TrimSpace(s), ".")
	set, modifier, _ := strings.Cut(set, "@")
	set = strings.ToLower(strings.ReplaceAll(set, "-", ""))
	return base + "." + set + "@" + modifier
}

func runLocaleGen(ctx context.Context, c *Call) (*Result, error) {
	name := c.Args.Str("name")
	present := c.Args.Str("state") == "present"
	t, fail, err := c.openFile(ctx, "/etc/locale.gen", attrs{}, needTool("locale-gen")+"printf 'have='; locale -a; printf '\\0known='; cat /usr/share/i18n/SUPPORTED 2>/dev/null; printf '\\0'\n")
	if fail != nil || err != nil {
		return fail, err
	}
	there := false
	for _, l := range lines(t.fields["have"]) {
		there = there || localeKey(l) == localeKey(name)
	}
	if there == present {
		return OK().Set("name", name).Set("msg", "OK"), nil
	}
	r := ChangedIf(true)
	if !t.exists {
		return Fail("/etc/locale.gen is missing on %s. Is the package \"locales\" installed?", c.hostName()), nil
	}
	text, known := localeLines(t.text(), t.fields["known"], name, present)
	if !known {
		return Fail("The locale you've entered is not available on your system: %s", name), nil
	}
	c.fileDiff(r, t, text)
	if c.Check {
		return r, nil
	}
	if _, _, fail, err := c.keepFile(ctx, t, text, kept{}); fail != nil || err != nil {
		return fail, err
	}
	if _, fail, err := c.do(ctx, "locale-gen"); fail != nil || err != nil {
		return fail, err
	}
	return r.Set("name", name).Set("msg", "OK"), nil
}

var localeLine = regexp.MustCompile(`^(#?)\s*(\S+)\s+(\S+)\s*$`)

// localeLines turns the line of the locale on or off.
func localeLines(text, supported, name string, present bool) (string, bool) {
	var out strings.Builder
	known := false
	for _, l := range fileLines(text) {
		m := localeLine.FindStringSubmatch(strings.TrimRight(l, "\r\n"))
		if m == nil || m[2] != name {
			out.WriteString(l)
			continue
		}
		known = true
		out.WriteString(option(!present, "# ") + m[2] + " " + m[3] + "\n")
	}
	if known || !present {
		return out.String(), true
	}
	for _, l := range lines(supported) {
		if m := localeLine.FindStringSubmatch(l); m != nil && m[2] == name {
			return strings.TrimRight(out.String(), "\n") + "\n" + name + " " + m[3] + "\n", true
		}
	}
	return "", false
}
