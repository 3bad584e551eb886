package runner

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"sunup/internal/connection"
	"sunup/internal/connection/shell"
	"sunup/internal/jinja"
	"sunup/internal/say"
	"sunup/internal/value"
	"sunup/playbooks"
)

// source is one thing to collect from a host: files by their path, or what a
// command prints.
type source struct {
	text    string // the path, or the command line
	command bool
	most    int           // bytes that are kept of it (of each file)
	within  time.Duration // its time limit
	bad     string        // what stands in place of a path
}

// overlap is fetched beyond what is kept, so that a secret which begins before
// the kept part is known as one.
const overlap = 4 << 10

// asked are the sources for a failure: those of the task, of what is around it,
// and the usual ones when the run collects after every failure.
func (x *execution) asked() ([]source, error) {
	out, err := x.plan.gathers(x.evaluated)
	if x.run_.GatherOnFailure {
		out = append(out, usualSources(x.unit())...)
	}
	return unique(out), err
}

func (x *execution) evaluated(v any) (any, error) {
	got, _, err := x.run_.Templar.Value(x.play.ctx, x.scope, v)
	if err != nil {
		return nil, fmt.Errorf("%s", jinja.Message(err))
	}
	return got, nil
}

// gathers reads the keywords from the task outwards; an empty list ends the
// search: it says that nothing is to be collected.
func (p *taskPlan) gathers(evaluate func(any) (any, error)) ([]source, error) {
	var out []source
	for _, kw := range p.keywords["gather"] {
		if kw.Value == nil {
			continue
		}
		v, err := evaluate(kw.Value)
		if err != nil {
			return out, err
		}
		items := []any{v}
		if l, isList := v.(*value.List); isList {
			if len(l.Items) == 0 {
				return out, nil
			}
			items = l.Items
		}
		for _, item := range items {
			out = append(out, sourceOf(item))
		}
	}
	return out, nil
}

// gathersAsWritten are the sources with their templates.
func (p *taskPlan) gathersAsWritten() []source {
	out, _ := p.gathers(func(v any) (any, error) { return v, nil })
	return out
}

// sourceOf reads one entry: a path, {path: ...} or {command: ...}.
func sourceOf(item any) source {
	s := source{most: playbooks.GatherMost, within: playbooks.GatherWithin}
	d, isDict := item.(*value.Dict)
	if !isDict {
		s.text = value.Str(item)
	} else {
		s.text = value.Str(cmp.Or(d.At("command"), d.At("path")))
		s.command = d.Has("command")
		if n, ok := playbooks.ParseSize(value.Str(d.At("most"))); ok {
			s.most = min(n, playbooks.GatherLimit)
		}
		if t, ok := playbooks.ParseDuration(value.Str(d.At("within"))); ok {
			s.within = min(t, gatherTime)
		}
	}
	if !s.command && !strings.HasPrefix(s.text, "/") && !strings.HasPrefix(s.text, "~") {
		s.bad = "'" + s.text + "'"
	}
	return s
}

func unique(list []source) []source {
	var out []source
	for _, s := range list {
		if !slices.ContainsFunc(out, func(o source) bool { return o.text == s.text && o.command == s.command }) {
			out = append(out, s)
		}
	}
	return out
}

// unit is the service that the task was about; "" when it was about none.
func (x *execution) unit() string {
	if x.module == nil || !serviceModules[x.module.Name] || x.args == nil {
		return ""
	}
	return value.Str(cmp.Or(x.args.At("name"), any("")))
}

var serviceModules = fullNames("service systemd systemd_service sysvinit")

// usualSources are what a person looks at first on a host that failed.
func usualSources(unit string) []source {
	commands := []string{
		"date; uptime; df -h; free -m 2>/dev/null || cat /proc/meminfo",
		"systemctl --failed --no-pager --plain 2>/dev/null; ps -eo pid,ppid,user,stat,etime,args 2>/dev/null | head -n 60",
		"journalctl -n 200 --no-pager 2>/dev/null || tail -n 200 /var/log/syslog 2>/dev/null || tail -n 200 /var/log/messages",
		"dmesg 2>/dev/null | tail -n 50",
	}
	if unit != "" {
		name := shell.Quote(unit)
		commands = append([]string{"systemctl status " + name + " --no-pager -l; journalctl -u " + name + " -n 200 --no-pager"}, commands...)
	}
	var out []source
	for _, c := range commands {
		out = append(out, source{text: c, command: true, most: playbooks.GatherMost, within: playbooks.GatherWithin})
	}
	return out
}

// script runs the command and lets through the end of what it prints on both
// streams; its exit code comes last on the second one.
func (s source) script(most int) string {
	return fmt.Sprintf("{ /bin/sh -c %s 2>&1; echo $? >&2; } | tail -c %d", shell.Quote(s.text), most)
}

func tailOf(file string, most int) string {
	return fmt.Sprintf("tail -c %d %s", most, shell.Quote(file))
}

// listing prints what a path stands for: kind, size and name of each, apart by
// slashes that no name has at these places, a line each.
func listing(path string) string {
	return `for f in ` + wildcards(path) + `; do
if [ -d "$f" ]; then k=d; elif [ ! -e "$f" ]; then continue; elif [ ! -f "$f" ]; then k=s; elif [ ! -r "$f" ]; then k=u; else k=f; fi
set -- $(ls -lnLd "$f" 2>/dev/null); printf '%s %s %s\n' "$k" "${5:-0}" "$f"; done`
}

// wildcards quotes a path for a shell but for its wildcards and a ~ at its
// beginning.
func wildcards(path string) string {
	var b strings.Builder
	if strings.HasPrefix(path, "~") {
		home, rest, _ := strings.Cut(path, "/")
		if !strings.ContainsFunc(home[1:], func(r rune) bool { return !plainLetter(r) }) {
			b.WriteString(home + "/")
			path = rest
		}
	}
	for _, r := range path {
		switch {
		case plainLetter(r), strings.ContainsRune("/*?[]", r):
			b.WriteRune(r)
		default:
			b.WriteString(shell.Quote(string(r)))
		}
	}
	return b.String()
}

func plainLetter(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '_' || r == '-'
}

// foundFile is one file that a path stands for.
type foundFile struct {
	name string
	size int64
	why  say.Text // why it cannot be had
}

func foundFiles(listed string) []foundFile {
	var out []foundFile
	for line := range strings.Lines(listed) {
		parts := strings.SplitN(strings.TrimSuffix(line, "\n"), " ", 3)
		if len(parts) < 3 {
			continue // the rest of a name with a line break
		}
		f := foundFile{name: parts[2]}
		f.size, _ = strconv.ParseInt(parts[1], 10, 64)
		switch parts[0] {
		case "d":
			f.why = say.T("it is a directory: name the files, such as %s/*.log", "디렉터리입니다. %s/*.log처럼 파일을 지정하십시오", f.name)
		case "s":
			f.why = say.T("it is no regular file", "일반 파일이 아닙니다")
		case "u":
			f.why = say.T("it may not be read by this user: add become to the task or play", "이 사용자에게 읽기 권한이 없습니다. 작업이나 플레이에 become을 더하십시오")
		}
		out = append(out, f)
	}
	return out
}

// readableText is the bytes of a file as UTF-8. What is no UTF-8 but reads as
// Korean in CP949, as files of old programs do on new hosts, is converted;
// other bytes are shown as \xNN.
func readableText(raw []byte) (text, encoding string) {
	if utf8.Valid(raw) {
		return string(raw), ""
	}
	if bytes.IndexByte(raw, 0) < 0 {
		if d, err := connection.NewDecoder("cp949"); err == nil {
			if korean := string(d.Decode(raw)); isKorean(korean) && !strings.Contains(korean, `\x`) {
				return korean, "cp949"
			}
		}
	}
	return connection.Text(raw), ""
}

func isKorean(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool { return r >= 0xAC00 && r <= 0xD7A3 })
}
