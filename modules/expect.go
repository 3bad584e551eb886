package modules

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"sunup/internal/connection"
	"sunup/internal/say"
	"sunup/internal/value"
)

var expectModule = Module{
	Name:    "ansible.builtin.expect",
	Summary: say.T("Runs a program on a terminal and answers what it asks.", "터미널에서 프로그램을 실행하고 묻는 말에 답한다."),
	Notes: say.T("Prompts are matched here, on a terminal of our own connection: the host needs neither Python nor pexpect. They are looked for in the last 64 KiB that were printed since the last answer. Answers are typed, never part of a command line; use no_log when what is printed repeats them.",
		"프롬프트는 연결의 터미널에서 여기서 맞춰 보므로 호스트에 Python도 pexpect도 필요 없다. 마지막 답 뒤에 출력된 64 KiB 안에서 찾는다. 답은 입력으로만 들어가고 명령줄에 나타나지 않는다. 출력에 답이 나오면 no_log를 쓴다."),
	Check: CheckNone,
	Spec: Spec{Params: []Param{
		{Name: "command", Required: true, Doc: say.T("The program and its arguments; no shell reads them.", "프로그램과 인자. 셸은 거치지 않는다.")},
		{Name: "responses", Type: Dict, Required: true, Doc: say.T("Regular expression of a question: its answer, or a list of answers for one time each.", "질문의 정규식: 답, 또는 차례로 쓸 답의 목록.")},
		{Name: "chdir", Type: Path, Doc: say.T("Directory to run in.", "실행할 디렉터리.")},
		{Name: "creates", Type: Path, Doc: say.T("Do not run when this file exists.", "이 파일이 있으면 실행하지 않는다.")},
		{Name: "removes", Type: Path, Doc: say.T("Do not run when this file does not exist.", "이 파일이 없으면 실행하지 않는다.")},
		{Name: "timeout", Type: Int, Default: 30, Doc: say.T("Seconds to wait for the next question or the end; null waits for ever.", "다음 질문이나 끝을 기다리는 초. null이면 끝없이 기다린다.")},
		{Name: "echo", Type: Bool, Default: false, Doc: say.T("Let the terminal show what is typed.", "입력한 것을 터미널에 보인다.")},
	}},
	Returns: []Return{
		{"cmd", "str", "always", say.T("The command.", "명령.")},
		{"stdout", "str", "always", say.T("What was printed on the terminal.", "터미널에 출력된 것.")},
		{"stdout_lines", "list", "always", say.T("stdout in lines.", "줄로 나눈 stdout.")},
		{"rc", "int", "always", say.T("Exit code.", "종료 코드.")},
	},
	Run: runExpect,
}

func runExpect(ctx context.Context, c *Call) (*Result, error) {
	a := c.Args
	command := a.Str("command")
	if strings.TrimSpace(command) == "" {
		return Fail("no command given").Set("rc", 256), nil
	}
	words := plainWords(command)
	if len(words) == 0 {
		return Fail("no command given").Set("rc", 256), nil
	}
	prompts, err := readPrompts(a.Dict("responses"))
	if err != nil {
		return Fail("%v", err), nil
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	talk := &conversation{prompts: prompts, stop: stop, answers: newTyping()}
	if n := a.Int("timeout"); a.Raw("timeout") != nil {
		talk.patience = time.Duration(n) * time.Second
	}
	out, err := talk.hold(ctx, c.Conn, connection.Command{Script: terminalScript(a, words), Executable: "/bin/sh", TTY: true})
	r := OK().Set("cmd", command)
	if mark, ok := strings.CutPrefix(string(out.Stdout), commandMark); ok {
		return expectNotRun(r, mark), nil
	}
	setExpected(r, out)
	switch cause := context.Cause(ctx); {
	case errors.Is(cause, errSilent):
		r.Failed, r.Msg = true, "command exceeded timeout"
		r.Set("rc", nil)
	case cause != nil && talk.problem != "":
		return Fail("%s", talk.problem), nil
	case err != nil:
		return nil, err
	case out.Code != 0:
		r.Failed, r.Msg = true, "non-zero return code"
	}
	return r, nil
}

// terminalScript looks at the conditions and becomes the program, on a terminal
// of the usual size.
func terminalScript(a Args, words []string) string {
	var s strings.Builder
	echo := ""
	if a.Bool("echo") {
		echo = " echo"
	}
	s.WriteString(systemPath + marking + "stty rows 24 columns 80" + echo + " 2>/dev/null\n")
	if d := a.Str("chdir"); d != "" {
		s.WriteString("d=" + quotePath(d) + "\ncd \"$d\" 2>/dev/null || M chdir 2 \"$d\"\n")
	}
	if p := a.Str("creates"); p != "" {
		s.WriteString("f=" + quotePath(p) + "\n[ ! -e \"$f\" ] || M creates 0 \"$f\"\n")
	}
	if p := a.Str("removes"); p != "" {
		s.WriteString("f=" + quotePath(p) + "\n[ -e \"$f\" ] || M removes 0 \"$f\"\n")
	}
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = quoteText(w)
	}
	s.WriteString("p=" + quoted[0] + `
case $p in
*/*) [ -f "$p" ] && [ -x "$p" ] || M program 2 "$p" ;;
*) q=$p p= IFS=:
	for d in $PATH; do [ -f "$d/$q" ] && [ -x "$d/$q" ] && { p=$d/$q; break; }; done
	unset IFS
	[ -n "$p" ] || M program 2 "$q" ;;
esac
exec "$p" ` + strings.Join(quoted[1:], " "))
	return s.String()
}

// plainWords splits a command as pexpect does: both quotes take all up to the
// next one, or the end; a backslash outside of them takes one character.
func plainWords(command string) []string {
	var words []string
	var word strings.Builder
	var quote rune
	escaped := false
	end := func() {
		if word.Len() > 0 {
			words = append(words, word.String())
			word.Reset()
		}
	}
	for _, r := range command {
		switch {
		case escaped:
			escaped = false
			word.WriteRune(r)
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(r)
		case r == '\\':
			escaped = true
		case r == '\'' || r == '"':
			quote = r
		case unicode.IsSpace(r):
			end()
		default:
			word.WriteRune(r)
		}
	}
	end()
	return words
}

// expectNotRun is the result when the host said why it did not run the command.
func expectNotRun(r *Result, mark string) *Result {
	kind, rest, _ := strings.Cut(mark, "\x00")
	_, what, _ := strings.Cut(rest, "\x00")
	skipped := ""
	switch kind {
	case "creates":
		skipped = "skipped, since " + what + " exists"
	case "removes":
		skipped = "skipped, since " + what + " does not exist"
	case "chdir":
		return Fail("cannot change to the directory %s: it is not there, or may not be entered", what)
	default:
		return Fail("The command was not found or was not executable: %s.", what)
	}
	return r.Set("stdout", skipped).Set("stdout_lines", value.Strings([]string{skipped})).Set("rc", 0)
}

func setExpected(r *Result, out connection.Output) {
	text := strings.TrimRight(string(out.Stdout), "\r\n")
	r.Changed = true
	r.Set("stdout", text).Set("stdout_lines", splitLines(text)).Set("rc", out.Code)
	r.Set("start", clockText(out.Started.Local())).Set("end", clockText(out.Ended.Local())).Set("delta", durationText(out.Ended.Sub(out.Started)))
}

// prompt is a question and its answers.
type prompt struct {
	question string
	re       *regex
	answers  []string
	// once is true when each answer is given one time.
	once bool
}

// readPrompts reads the responses, in their order. Questions are matched byte
// by byte, as pexpect does.
func readPrompts(responses *value.Dict) ([]*prompt, error) {
	var list []*prompt
	for k, v := range responses.All() {
		p := &prompt{question: value.Str(k)}
		re, err := compileRegex(charset{bytewise: true}.decode([]byte(p.question)), "s")
		if err != nil {
			return nil, err
		}
		p.re = re
		answers := []any{v}
		if l, ok := v.(*value.List); ok {
			answers, p.once = l.Items, true
		}
		for _, answer := range answers {
			p.answers = append(p.answers, strings.TrimRight(value.Str(answer), "\n")+"\n")
		}
		list = append(list, p)
	}
	return list, nil
}

// errSilent ends a conversation in which nothing more is asked.
var errSilent = errors.New("no question and no end in time")

// maxHeard is how much is kept of what was printed since the last answer.
const maxHeard = 64 << 10

// conversation answers what is asked on a terminal. hear is called by one
// goroutine; the others look at it when it is over.
type conversation struct {
	prompts  []*prompt
	patience time.Duration // 0 waits for ever
	stop     context.CancelCauseFunc
	answers  *typing
	idle     *time.Timer
	heard    []byte
	problem  string
}

// hold runs the command and returns when it is over.
func (v *conversation) hold(ctx context.Context, conn connection.Conn, cmd connection.Command) (connection.Output, error) {
	defer v.answers.end()
	if v.patience > 0 {
		v.idle = time.AfterFunc(v.patience, func() { v.stop(errSilent) })
		defer v.idle.Stop()
	}
	cmd.Stdin, cmd.Watch = v.answers, v.hear
	return conn.Exec(ctx, cmd)
}

// hear takes what was printed and answers the questions in it.
func (v *conversation) hear(p []byte) {
	v.heard = append(v.heard, p...)
	for v.problem == "" {
		asked, end, text := v.asked()
		if asked == nil {
			break
		}
		v.heard = v.heard[end:]
		if v.idle != nil {
			v.idle.Reset(v.patience)
		}
		if len(asked.answers) == 0 {
			v.fail(fmt.Sprintf("No remaining responses for '%s', output was 'b%s'", asked.question, value.Repr(text)))
			return
		}
		if !v.answers.say(asked.answers[0]) {
			v.fail(fmt.Sprintf("the command asks '%s' and does not read the answers", asked.question))
			return
		}
		if asked.once {
			asked.answers = asked.answers[1:]
		}
	}
	v.heard = v.heard[max(0, len(v.heard)-maxHeard):]
}

// fail ends the conversation.
func (v *conversation) fail(problem string) {
	v.problem = problem
	v.stop(errors.New(problem))
}

// asked finds the question that comes first; of two at the same place, the one
// that was written first. Text is all up to its end.
func (v *conversation) asked() (first *prompt, end int, text string) {
	heard := charset{bytewise: true}.decode(v.heard)
	start := -1
	for _, p := range v.prompts {
		m, err := p.re.search(heard)
		if err != nil || m == nil {
			continue
		}
		// A character of heard stands for a byte.
		at, length := m.ByteRange()
		from := utf8.RuneCountInString(heard[:at])
		if start >= 0 && from >= start {
			continue
		}
		first, start, end = p, from, from+utf8.RuneCountInString(heard[at:at+length])
	}
	if first != nil {
		text = string(v.heard[:end])
	}
	return first, end, text
}

// typingPause is between a question and its answer: programs that turn the echo
// off after they asked throw away what was typed before. pexpect waits as long.
const typingPause = 50 * time.Millisecond

// maxTyped bounds the answers that nobody has read yet.
const maxTyped = 1 << 20

// typing is what we type: a reader that waits for the next answer.
type typing struct {
	mu     sync.Mutex
	more   *sync.Cond
	text   []byte
	closed bool
}

func newTyping() *typing {
	t := &typing{}
	t.more = sync.NewCond(&t.mu)
	return t
}

// say adds an answer; false when too many wait already.
func (t *typing) say(answer string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, answer...)
	t.more.Signal()
	return len(t.text) < maxTyped
}

// end lets the reader go.
func (t *typing) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = true
	t.more.Signal()
}

// Read waits for an answer.
func (t *typing) Read(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for len(t.text) == 0 && !t.closed {
		t.more.Wait()
	}
	if t.closed {
		return 0, io.EOF
	}
	t.mu.Unlock()
	time.Sleep(typingPause)
	t.mu.Lock()
	n := copy(p, t.text)
	t.text = t.text[n:]
	return n, nil
}
