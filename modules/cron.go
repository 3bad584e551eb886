package modules

import (
	"context"
	"path"
	"regexp"
	"strings"

	"sunup/internal/connection"
	"sunup/internal/say"
	"sunup/internal/value"
)

var cronModule = Module{
	Name:       "ansible.builtin.cron",
	Summary:    say.T("Manages jobs and variables of crontabs.", "crontab의 작업과 변수를 관리한다."),
	Idempotent: true,
	Spec: Spec{
		Params: []Param{
			{Name: "name", Required: true, Doc: say.T("Name of the job, kept in a comment above it; or of the variable.", "작업 이름(위의 주석에 남는다) 또는 변수 이름.")},
			{Name: "user", Doc: say.T("Whose crontab.", "누구의 crontab인지.")},
			{Name: "job", Aliases: []string{"value"}, Doc: say.T("Command of the job, or value of the variable.", "작업의 명령 또는 변수의 값.")},
			{Name: "cron_file", Type: Path, Doc: say.T("File of /etc/cron.d, or an absolute path, instead of a user's crontab.", "사용자 crontab 대신 쓸 /etc/cron.d의 파일 또는 절대 경로.")},
			{Name: "state", Default: "present", Choices: []any{"present", "absent"}, Doc: say.T("Whether it should be there.", "있어야 하는지.")},
			{Name: "backup", Type: Bool, Default: false, Doc: say.T("Keep the old content in a file.", "옛 내용을 파일로 남긴다.")},
			{Name: "minute", Default: "*", Doc: say.T("Minutes.", "분.")},
			{Name: "hour", Default: "*", Doc: say.T("Hours.", "시.")},
			{Name: "day", Default: "*", Aliases: []string{"dom"}, Doc: say.T("Days of the month.", "날짜.")},
			{Name: "month", Default: "*", Doc: say.T("Months.", "달.")},
			{Name: "weekday", Default: "*", Aliases: []string{"dow"}, Doc: say.T("Days of the week.", "요일.")},
			{Name: "special_time", Choices: []any{"reboot", "yearly", "annually", "monthly", "weekly", "daily", "hourly"}, Doc: say.T("A time with a name, instead.", "대신 쓸, 이름 있는 때.")},
			{Name: "disabled", Type: Bool, Default: false, Doc: say.T("Keep the job as a comment.", "작업을 주석으로 둔다.")},
			{Name: "env", Type: Bool, Default: false, Doc: say.T("It is a variable.", "변수이다.")},
			{Name: "insertafter", Doc: say.T("Put the variable after this one.", "이 변수 뒤에 넣는다.")},
			{Name: "insertbefore", Doc: say.T("Put the variable before this one.", "이 변수 앞에 넣는다.")},
		},
		MutuallyExclusive: [][]string{{"insertafter", "insertbefore"}},
	},
	Returns: []Return{
		{"jobs", "list", "success", say.T("Names of the jobs.", "작업 이름들.")},
		{"envs", "list", "success", say.T("Names of the variables.", "변수 이름들.")},
	},
	Run: runCron,
}

// cronMark begins the comment that names the job below it.
const cronMark = "#Ansible: "

// crontab is the content of one crontab.
type crontab struct {
	c     *Call
	file  string // "" for a user's own
	text  string // as it was found
	there bool
	lines []string
}

func runCron(ctx context.Context, c *Call) (*Result, error) {
	a := c.Args
	t := &crontab{c: c}
	r := OK()
	if fail := t.refuse(r); fail != nil {
		return fail, nil
	}
	if fail, err := t.read(ctx); fail != nil || err != nil {
		return fail, err
	}
	changed, fail := t.edit(r)
	if fail != nil {
		return fail, nil
	}
	if t.file != "" && a.Str("state") == "absent" && !a.Bool("env") && changed && t.empty() {
		return t.removeFile(ctx)
	}
	if !changed && t.text != "" && !strings.HasSuffix(t.text, "\r") && !strings.HasSuffix(t.text, "\n") {
		changed = true // cron ignores a last line without end
	}
	jobs, envs := t.names()
	r.Changed = changed
	r.Set("jobs", value.Strings(jobs)).Set("envs", value.Strings(envs))
	if a.Given("cron_file") {
		r.Set("cron_file", a.Str("cron_file"))
	}
	if !changed {
		return r, nil
	}
	if c.Diff {
		r.Diffs = []Diff{{Before: t.text, After: t.render(), BeforeHeader: t.header(), AfterHeader: t.header()}}
	}
	if c.Check {
		return r, nil
	}
	return t.write(ctx, r)
}

var cronFileName = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

func (t *crontab) refuse(r *Result) *Result {
	a := t.c.Args
	if file := a.Str("cron_file"); file != "" {
		if file == "/etc/crontab" {
			return Fail("Will not manage /etc/crontab via cron_file, see documentation.")
		}
		if base := path.Base(file); !cronFileName.MatchString(base) {
			r.Warnings = append(r.Warnings, `Filename portion of cron_file ("`+base+`") should consist solely of upper- and lower-case letters, digits, underscores, and hyphens`)
		}
	}
	if a.Given("special_time") {
		for _, field := range []string{"minute", "hour", "day", "month", "weekday"} {
			if a.Str(field) != "*" {
				return Fail("You must specify time and date fields or special time.")
			}
		}
	}
	if a.Bool("env") && strings.Contains(a.Str("name"), " ") {
		return Fail("Invalid name for environment variable")
	}
	if a.Str("state") != "present" {
		return nil
	}
	switch {
	case a.Given("cron_file") && !a.Given("user"):
		return Fail("To use cron_file=... parameter you must specify user=... as well")
	case !a.Given("job"):
		return Fail("You must specify 'job' to install a new cron job or variable")
	case (a.Given("insertafter") || a.Given("insertbefore")) && !a.Bool("env"):
		return Fail("Insertafter and insertbefore parameters are valid only with env=yes")
	case strings.ContainsAny(strings.Trim(a.Str("job"), "\r\n"), "\r\n"):
		r.Warnings = append(r.Warnings, "Job should not contain line breaks")
	}
	return nil
}

// command is crontab for the user asked for.
const cronCommand = `command -v crontab >/dev/null 2>&1 || N crontab
T() { if [ -n "$u" ] && [ "$u" != "$(id -un)" ]; then crontab -u "$u" "$@"; else crontab "$@"; fi; }
`

func (t *crontab) read(ctx context.Context) (*Result, error) {
	a := t.c.Args
	script := "u=" + quoteText(a.Str("user")) + "\n" + cronCommand + "printf 'text='; T -l 2>/dev/null; printf '\\0rc=%s\\0' \"$?\"\n"
	if file := a.Str("cron_file"); file != "" {
		p := quotePath(file)
		if !strings.HasPrefix(file, "/") && !strings.HasPrefix(file, "~") && !strings.HasPrefix(file, "$") {
			p = quotePath("/etc/cron.d/" + file)
		}
		script = "f=" + p + "\nprintf 'file=%s\\0' \"$f\"\nif [ -f \"$f\" ]; then printf 'there=1\\0text='; cat \"$f\"; printf '\\0'; fi\n"
	}
	f, fail, err := t.c.observe(ctx, script)
	if fail != nil || err != nil {
		return fail, err
	}
	if rc := f.text("rc"); rc != "" && rc != "0" && rc != "1" {
		return Fail("Unable to read crontab"), nil
	}
	t.file, t.there, t.text = f["file"], f.has("there"), f["text"]
	for i, line := range cronLines(t.text) {
		// The first lines of a user's crontab may be notes of crontab itself.
		if t.file == "" && i <= 2 && isCronNote(line) {
			t.text = strings.Replace(t.text, line+"\n", "", 1)
			continue
		}
		t.lines = append(t.lines, line)
	}
	return nil, nil
}

func cronLines(text string) []string {
	text = strings.TrimSuffix(text, "\n")
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}

var cronNotes = []*regexp.Regexp{
	regexp.MustCompile(`^# DO NOT EDIT THIS FILE - edit the master and reinstall.`), regexp.MustCompile(`^# \(/tmp/.*installed on.*\)`), regexp.MustCompile(`^# \(.*version.*\)`),
}

func isCronNote(line string) bool {
	for _, re := range cronNotes {
		if re.MatchString(line) {
			return true
		}
	}
	return false
}

func (t *crontab) empty() bool {
	for _, l := range t.lines {
		if strings.TrimSpace(l) != "" {
			return false
		}
	}
	return true
}

func (t *crontab) header() string {
	switch user := t.c.Args.Str("user"); {
	case t.file != "":
		return t.file
	case user != "":
		return `crontab for user "` + user + `"`
	}
	return "crontab"
}

func (t *crontab) render() string {
	text := strings.TrimRight(strings.Join(t.lines, "\n"), "\r\n")
	if text == "" {
		return ""
	}
	return text + "\n"
}

func (t *crontab) names() (jobs, envs []string) {
	for _, l := range t.lines {
		if name, ok := strings.CutPrefix(l, cronMark); ok {
			jobs = append(jobs, name)
		}
		if i := strings.IndexByte(l, '='); i > 0 && !strings.ContainsAny(l[:i], " \t") {
			envs = append(envs, l[:i])
		}
	}
	return jobs, envs
}

// edit changes the lines; it reports whether it did.
func (t *crontab) edit(*Result) (bool, *Result) {
	a := t.c.Args
	present := a.Str("state") == "present"
	if a.Bool("env") {
		return t.editVariable(a.Str("name"), a.Str("name")+`="`+a.Str("job")+`"`, present)
	}
	if !present {
		return t.removeJob(a.Str("name")), nil
	}
	return t.setJob(a.Str("name"), t.jobLine()), nil
}

func (t *crontab) editVariable(name, line string, present bool) (bool, *Result) {
	a := t.c.Args
	at := t.findVariable(name)
	switch {
	case !present && at < 0, present && at >= 0 && t.lines[at] == line:
		return false, nil
	case !present:
		t.lines = append(t.lines[:at:at], t.lines[at+1:]...)
		return true, nil
	case at >= 0:
		t.lines[at] = line
		return true, nil
	}
	other, offset := a.Str("insertafter"), 1
	if a.Given("insertbefore") {
		other, offset = a.Str("insertbefore"), 0
	}
	place := 0
	if other != "" {
		if at = t.findVariable(other); at < 0 {
			return false, Fail("Variable named '%s' not found.", other)
		}
		place = at + offset
	}
	t.lines = append(t.lines[:place:place], append([]string{line}, t.lines[place:]...)...)
	return true, nil
}

func (t *crontab) findVariable(name string) int {
	for i, l := range t.lines {
		if strings.HasPrefix(l, name+"=") {
			return i
		}
	}
	return -1
}

func (t *crontab) jobLine() string {
	a := t.c.Args
	line := strings.Trim(a.Str("job"), "\r\n")
	if t.file != "" {
		line = a.Str("user") + " " + line
	}
	if a.Given("special_time") {
		line = "@" + a.Str("special_time") + " " + line
	} else {
		line = strings.Join([]string{a.Str("minute"), a.Str("hour"), a.Str("day"), a.Str("month"), a.Str("weekday"), line}, " ")
	}
	return option(a.Bool("disabled"), "#") + line
}

// findJob returns the place of the job's comment, or -1.
func (t *crontab) findJob(name string) int {
	for i, l := range t.lines {
		if l == cronMark+name && i+1 < len(t.lines) {
			return i
		}
	}
	return -1
}

func (t *crontab) setJob(name, line string) bool {
	if at := t.findJob(name); at >= 0 {
		if t.lines[at+1] == line {
			return false
		}
		t.lines[at+1] = line
		return true
	}
	// A job that somebody wrote by hand only gets its name.
	for i, l := range t.lines {
		if l != line {
			continue
		}
		if i == 0 || !strings.HasPrefix(t.lines[i-1], cronMark) {
			t.lines = append(t.lines[:i:i], append([]string{cronMark + name}, t.lines[i:]...)...)
			return true
		}
		if t.lines[i-1] == cronMark+"None" {
			t.lines[i-1] = cronMark + name
			return true
		}
	}
	t.lines = append(t.lines, cronMark+name, line)
	return true
}

func (t *crontab) removeJob(name string) bool {
	at := t.findJob(name)
	if at < 0 {
		return false
	}
	t.lines = append(t.lines[:at:at], t.lines[at+2:]...)
	return true
}

func (t *crontab) removeFile(ctx context.Context) (*Result, error) {
	r := ChangedIf(t.there).Set("cron_file", t.c.Args.Str("cron_file")).Set("state", "absent")
	if t.c.Diff {
		r.Diffs = []Diff{{Before: t.text, BeforeHeader: t.header(), AfterHeader: "/dev/null"}}
	}
	if t.c.Check {
		return r, nil
	}
	_, fail, err := t.c.observe(ctx, "o=$(rm -f -- "+quoteText(t.file)+" 2>&1) || printf '\\0fail=%s\\0' \"$o\"\n:\n")
	if fail != nil || err != nil {
		return fail, err
	}
	return r, nil
}

func (t *crontab) write(ctx context.Context, r *Result) (*Result, error) {
	a := t.c.Args
	if a.Bool("backup") {
		f, fail, err := t.c.observe(ctx, "b=$(mktemp \"${TMPDIR:-/tmp}/crontabXXXXXX\") && printf '%s' "+quoteText(t.text)+" >\"$b\" && printf 'backup=%s\\0' \"$b\"\n")
		if fail != nil || err != nil {
			return fail, err
		}
		r.Set("backup_file", f["backup"])
	}
	if t.file != "" {
		text := t.render()
		if err := t.c.Conn.Put(ctx, t.file, strings.NewReader(text), int64(len(text)), 0o644); err != nil {
			if connection.IsUnreachable(err) || ctx.Err() != nil {
				return nil, err
			}
			return Fail("cannot write %s: %s", t.file, err), nil
		}
		return r, nil
	}
	script := "u=" + quoteText(a.Str("user")) + "\n" + cronCommand + "o=$(T - 2>&1) || printf '\\0fail=%s\\0' \"$o\"\n:\n"
	out, err := t.c.exec(ctx, connection.Command{Script: observeTools + script, Stdin: strings.NewReader(t.render())})
	if err != nil {
		return nil, err
	}
	f := readFields(out.Stdout)
	if tool, ok := f["need"]; ok {
		return t.c.needs(tool), nil
	}
	if f.has("fail") || out.Code != 0 {
		return Fail("%s", strings.TrimSpace(f["fail"]+string(out.Stderr))), nil
	}
	return r, nil
}
