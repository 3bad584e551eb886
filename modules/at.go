package modules

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"

	"sunup/internal/say"
)

var atModule = Module{
	Name:    "ansible.posix.at",
	Summary: say.T("Has a command run once, later.", "명령을 나중에 한 번 실행하게 한다."),
	Notes:   say.T("script_file is returned when it was given: a command needs no file.", "script_file은 주었을 때만 돌려준다. 명령에는 파일이 필요 없다."),
	Check:   CheckNone,
	Spec: Spec{
		Params: []Param{
			{Name: "command", Doc: say.T("The command.", "명령.")},
			{Name: "script_file", Doc: say.T("Script on the host.", "호스트의 스크립트.")},
			{Name: "count", Type: Int, Doc: say.T("In how many units.", "몇 단위 뒤에.")},
			{Name: "units", Choices: []any{"minutes", "hours", "days", "weeks"}, Doc: say.T("The unit.", "단위.")},
			{Name: "state", Default: "present", Choices: []any{"absent", "present"}, Doc: say.T("Whether the job should be there.", "작업이 있어야 하는지.")},
			{Name: "unique", Type: Bool, Default: false, Doc: say.T("Add no second job of the same text.", "내용이 같은 작업을 또 넣지 않는다.")},
		},
		MutuallyExclusive: [][]string{{"command", "script_file"}},
		RequiredOneOf:     [][]string{{"command", "script_file"}},
	},
	Returns: []Return{
		{"state", "str", "success", say.T("State asked for.", "요청한 상태.")},
		{"count", "int", "added", say.T("In how many units.", "몇 단위 뒤에.")},
		{"units", "str", "added", say.T("The unit.", "단위.")},
	},
	Run: runAt,
}

func runAt(ctx context.Context, c *Call) (*Result, error) {
	a := c.Args
	absent := a.Str("state") == "absent"
	if !absent && (a.Int("count") == 0 || a.Str("units") == "") {
		return Fail("present state requires count and units"), nil
	}
	r := OK().Set("state", a.Str("state"))
	if absent || a.Bool("unique") {
		jobs, fail, err := c.atJobs(ctx)
		switch {
		case fail != nil || err != nil:
			return fail, err
		case !absent && len(jobs) > 0, absent && len(jobs) == 0:
			return r, nil
		case absent:
			_, fail, err = c.do(ctx, "at -r "+shellLine(jobs...))
			r.Changed = true
			return first(fail, r), err
		}
	}
	line := "at now + " + strconv.Itoa(a.Int("count")) + " " + a.Str("units")
	if a.Given("script_file") {
		line = "at -f " + quotePath(a.Str("script_file")) + strings.TrimPrefix(line, "at")
		r.Set("script_file", a.Str("script_file"))
	}
	stdin := ""
	if a.Given("command") {
		stdin = a.Str("command") + "\n"
	}
	s, fail, err := c.hear(ctx, needTool("at")+line, stdin)
	if fail != nil || err != nil {
		return fail, err
	}
	if s.code != 0 {
		return runFailed(line, s), nil
	}
	r.Changed = true
	return r.Set("count", a.Int("count")).Set("units", a.Str("units")), nil
}

// first is the failed result if there is one, else the other.
func first(fail, r *Result) *Result {
	if fail != nil {
		return fail
	}
	return r
}

// atJobs are the numbers of the jobs whose script holds the text asked for.
func (c *Call) atJobs(ctx context.Context) ([]string, *Result, error) {
	a := c.Args
	script := systemPath + needTool("at", "atq")
	if a.Given("script_file") {
		script += "printf 'script='; cat " + quotePath(a.Str("script_file")) + " || { printf '\\0fail=cannot read the script\\0'; exit 0; }; printf '\\0'\n"
	}
	f, fail, err := c.observe(ctx, script+"for j in $(atq | cut -f1); do printf 'job.%s=' \"$j\"; at -c \"$j\"; printf '\\0'; done\n")
	if fail != nil || err != nil {
		return nil, fail, err
	}
	wanted := a.Str("command")
	if a.Given("script_file") {
		wanted = f["script"]
	}
	var jobs []string
	for _, name := range slices.Sorted(maps.Keys(f)) {
		if n, ok := strings.CutPrefix(name, "job."); ok && strings.Contains(f[name], strings.TrimSpace(wanted)) {
			jobs = append(jobs, n)
		}
	}
	return jobs, nil, nil
}
