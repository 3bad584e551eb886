package modules

import (
	"context"
	"strconv"
	"strings"

	"sunup/internal/say"
)

var pamLimitsModule = Module{
	Name:       "community.general.pam_limits",
	Summary:    say.T("Manages limits of users in limits.conf.", "limits.conf에서 사용자의 제한을 관리한다."),
	Idempotent: true,
	Spec: Spec{Params: []Param{
		{Name: "domain", Required: true, Doc: say.T("User, @group, or *.", "사용자, @그룹 또는 *.")},
		{Name: "limit_type", Required: true, Choices: []any{"hard", "soft", "-"}, Doc: say.T("Hard or soft; - is both.", "hard 또는 soft. -는 둘 다.")},
		{Name: "limit_item", Required: true, Choices: []any{"core", "data", "fsize", "memlock", "nofile", "rss", "stack", "cpu", "nproc", "as", "maxlogins", "maxsyslogins", "priority", "locks", "sigpending", "msgqueue", "nice", "rtprio", "chroot"}, Doc: say.T("What is limited.", "제한할 것.")},
		{Name: "value", Required: true, Doc: say.T("A number, unlimited or infinity.", "수, unlimited 또는 infinity.")},
		{Name: "use_max", Type: Bool, Default: false, Doc: say.T("Keep the larger of both values.", "둘 가운데 큰 값을 둔다.")},
		{Name: "use_min", Type: Bool, Default: false, Doc: say.T("Keep the smaller of both values.", "둘 가운데 작은 값을 둔다.")},
		{Name: "backup", Type: Bool, Default: false, Doc: say.T("Keep the old file under a name with the time.", "이전 파일을 시각이 붙은 이름으로 남긴다.")},
		{Name: "dest", Type: Path, Default: "/etc/security/limits.conf", Doc: say.T("The file.", "파일.")},
		{Name: "comment", Default: "", Doc: say.T("Comment after the line.", "줄 뒤의 설명.")},
	}},
	Returns: []Return{{"msg", "str", "success", say.T("The line.", "제한 줄.")}},
	Run:     runPamLimits,
}

func runPamLimits(ctx context.Context, c *Call) (*Result, error) {
	a := c.Args
	domain, kind, item, want := a.Str("domain"), a.Str("limit_type"), a.Str("limit_item"), a.Str("value")
	if a.Bool("use_max") && a.Bool("use_min") {
		return Fail("Cannot use use_min and use_max at the same time."), nil
	}
	if _, ok := limitNumber(want); !ok {
		return Fail("Argument 'value' can be one of 'unlimited', 'infinity', '-1' or positive number. Refer to manual pages for more details."), nil
	}
	t, fail, err := c.openFile(ctx, a.Str("dest"), attrs{}, ":\n")
	if fail != nil || err != nil {
		return fail, err
	}
	var out strings.Builder
	found := false
	msg := ""
	for _, l := range fileLines(t.text()) {
		text, _, _ := strings.Cut(l, "#")
		words := strings.Fields(text)
		if len(words) != 4 || words[0] != domain || words[1] != kind || words[2] != item {
			out.WriteString(l)
			continue
		}
		if found {
			continue
		}
		found = true
		have, _ := limitNumber(words[3])
		wanted, _ := limitNumber(want)
		if words[3] == want || a.Bool("use_max") && have >= wanted || a.Bool("use_min") && have <= wanted {
			want, msg = words[3], l
			out.WriteString(l)
			continue
		}
		out.WriteString(limitLine(domain, kind, item, want, a.Str("comment")))
	}
	if !found {
		if s := out.String(); s != "" && !strings.HasSuffix(s, "\n") {
			out.WriteByte('\n')
		}
		out.WriteString(limitLine(domain, kind, item, want, a.Str("comment")))
	}
	r := ChangedIf(out.String() != t.text())
	if r.Msg = msg; msg == "" {
		r.Msg = limitLine(domain, kind, item, want, a.Str("comment"))
	}
	c.fileDiff(r, t, out.String())
	if c.Check || !r.Changed {
		return r, nil
	}
	_, backup, fail, err := c.keepFile(ctx, t, out.String(), kept{backup: a.Bool("backup")})
	if a.Bool("backup") && t.exists && fail == nil {
		r.Set("backup_file", backup)
	}
	if fail != nil || err != nil {
		return fail, err
	}
	return r, nil
}

func limitLine(domain, kind, item, want, comment string) string {
	return domain + "\t" + kind + "\t" + item + "\t" + want + option(comment != "", "\t#"+comment) + "\n"
}

// limitNumber is a limit as a number: no limit is the largest.
func limitNumber(s string) (int, bool) {
	if s == "unlimited" || s == "infinity" || s == "-1" {
		return 1 << 62, true
	}
	n, err := strconv.Atoi(s)
	return n, err == nil
}
