package modules

import (
	"bytes"
	"context"
	"regexp"
	"strings"

	"sunup/internal/connection"
)

// systemPath finds the programs that administrators use: a login of anybody
// else does not have them in its PATH.
const systemPath = "PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin\nexport PATH\n"

// shellLine makes one command of words, each taken as it is.
func shellLine(words ...string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = quoteText(w)
	}
	return strings.Join(quoted, " ")
}

// needTool ends a script when a program is not there.
func needTool(tools ...string) string {
	var s strings.Builder
	for _, t := range tools {
		s.WriteString("command -v " + quoteText(t) + " >/dev/null 2>&1 || N " + quoteText(t) + "\n")
	}
	return s.String()
}

// said is what a program of the host left.
type said struct {
	code     int
	out, err string
}

// message is what a person should read when the program failed.
func (s said) message() string {
	if msg := strings.TrimSpace(s.err); msg != "" {
		return msg
	}
	return strings.TrimSpace(s.out)
}

// hear runs a script and returns what it said, whatever that is; only a
// program that is not there is a failed Result.
func (c *Call) hear(ctx context.Context, script, stdin string) (said, *Result, error) {
	cmd := connection.Command{Script: systemPath + observeTools + script}
	if stdin != "" {
		cmd.Stdin = strings.NewReader(stdin)
	}
	out, err := c.exec(ctx, cmd)
	if err != nil {
		return said{}, nil, err
	}
	if _, after, ok := bytes.Cut(out.Stdout, []byte("\x00need=")); ok && out.Code == 127 {
		tool, _, _ := bytes.Cut(after, []byte{0})
		return said{}, c.needs(string(tool)), nil
	}
	return said{code: out.Code, out: string(out.Stdout), err: string(out.Stderr)}, nil, nil
}

// programFailed is the Result for a program that ended badly.
func programFailed(what string, s said) *Result {
	what = toolNeeds.ReplaceAllString(what, "")
	r := Fail("%s failed: %s", what, s.message())
	return setOutput(r, text([]byte(s.out)), text([]byte(s.err))).Set("rc", s.code)
}

// toolNeeds is what needTool puts before commands; people need not see it.
var toolNeeds = regexp.MustCompile(`command -v \S+ >/dev/null 2>&1 \|\| N \S+(; |\n)`)

// do runs commands one after the other and fails with the words of the first
// that does not end well.
func (c *Call) do(ctx context.Context, steps ...string) (said, *Result, error) {
	if len(steps) == 0 {
		return said{}, nil, nil
	}
	s, fail, err := c.hear(ctx, strings.Join(steps, " || exit $?\n")+"\n", "")
	if fail != nil || err != nil {
		return s, fail, err
	}
	if s.code != 0 {
		return s, programFailed(strings.Join(steps, "; "), s), nil
	}
	return s, nil, nil
}

// watched runs a command keeping its output and its end apart from the fields
// that a script prints: NAME.rc, NAME.out and NAME.err.
func watched(name, command string) string {
	return "t=$(mktemp) || exit 1\no=$( { " + command + "; } 2>\"$t\")\nr=$?\nprintf '\\0" + name + ".rc=%s\\0" + name + ".out=%s\\0" + name +
		".err=' \"$r\" \"$o\"\ncat \"$t\"\nrm -f \"$t\"\nprintf '\\0'\n"
}

// watched reads what such a command left.
func (f fields) watched(name string) said {
	return said{code: f.number(name + ".rc"), out: f[name+".out"], err: f[name+".err"]}
}
