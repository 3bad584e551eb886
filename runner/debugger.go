package runner

import (
	"fmt"
	"regexp"
	"strings"

	"sunup/internal/event"
	"sunup/internal/jinja"
	"sunup/internal/say"
	"sunup/internal/value"
	"sunup/internal/vars"
	"sunup/playbooks"
)

// Debugger is the person at the task debugger: the keyword debugger, the
// strategy debug, or a setting calls it when a task has ended on a host.
type Debugger interface {
	// Ask shows a prompt and reads one line; an error means that nobody answers.
	Ask(prompt string) (string, error)
	// Show tells the person something, in lines.
	Show(text say.Text)
}

// nextStep is what the person decided.
type nextStep int

const (
	goOn nextStep = iota
	doAgain
	quit
)

// wantsDebugger decides whether the person is asked about a result.
func (x *execution) wantsDebugger(o event.Outcome, result *value.Dict) bool {
	if x.run_.Debugger == nil || x.past != nil {
		return false
	}
	set := x.settings(x.host, x.scope)
	failed := truthAt(result, "failed")
	if ignored, err := set.bool("ignore_errors", false); err == nil && ignored && x.run_.Defaults.DebuggerIgnoresErrors {
		failed = false
	}
	unreachable := truthAt(result, "unreachable")
	word, err := set.text("debugger")
	if err != nil {
		return false
	}
	switch word {
	case "always":
		return true
	case "never":
		return false
	case "on_failed":
		return failed || x.play.settings.debugger && unreachable
	case "on_unreachable":
		return unreachable || x.play.settings.debugger && failed
	case "on_skipped":
		return o == event.Skipped || x.play.settings.debugger && (failed || unreachable)
	}
	return x.play.settings.debugger && (failed || unreachable)
}

// debugged shows a result to the person until they decide. What they changed is
// for this task on this host, when it is done again.
func (x *execution) debugged(result *value.Dict) (again *execution, next nextStep) {
	x.run_.debugging.Lock() // one prompt at a time
	defer x.run_.debugging.Unlock()
	d := &debugSession{x: x, result: result, vars: &value.Dict{}}
	d.begin(x.task)
	x.run_.stream.emit(event.HostTaskHeld{
		Play: x.play.number, Task: x.number, Host: x.host.name, Outcome: x.outcomeOf(result),
		Result: x.shown(result), Loop: x.task.Loop != nil, Delegate: x.delegate,
	})
	prompt := fmt.Sprintf("[%s] TASK: %s (debug)> ", x.host.name, x.shownName(x.host))
	for {
		line, err := x.run_.Debugger.Ask(prompt)
		if err != nil {
			line = "quit"
		}
		switch command, rest, _ := strings.Cut(strings.TrimSpace(line), " "); command {
		case "":
		case "c", "continue":
			return x, goOn
		case "r", "redo":
			return d.redo(), doAgain
		case "q", "quit":
			x.run_.Debugger.Show(say.Plain("User interrupted execution"))
			return x, quit
		case "u", "update_task":
			d.begin(x.written())
		case "p", "pprint":
			d.print(rest)
		case "h", "help", "?":
			x.run_.Debugger.Show(debuggerHelp)
		default:
			d.assign(strings.TrimSpace(line))
		}
	}
}

var debuggerHelp = say.T(`p EXPRESSION               show task, task.args, task_vars, host, result or a part of them
task.args['NAME'] = VALUE  change an argument (del task.args['NAME'] takes it away)
task_vars['NAME'] = VALUE  change a variable
u, update_task             take the arguments as they are written again
r, redo                    do the task again
c, continue                go on with the result
q, quit                    stop the run`, `p 식                   task, task.args, task_vars, host, result 또는 그 일부를 보인다
task.args['이름'] = 값  인자를 바꾼다 (del task.args['이름']은 없앤다)
task_vars['이름'] = 값  변수를 바꾼다
u, update_task         인자를 적힌 대로 되돌린다
r, redo                작업을 다시 실행한다
c, continue            이 결과로 계속한다
q, quit                실행을 멈춘다`)

var notOurWords = say.T("***only task.args and task_vars can be changed here; 'h' lists the commands",
	"***여기서는 task.args와 task_vars만 바꿀 수 있습니다. 'h'로 명령을 볼 수 있습니다")

// debugSession is one task on one host in front of the person.
type debugSession struct {
	x      *execution
	result *value.Dict
	args   *value.Dict // as they will be used when it is done again
	vars   *value.Dict // what was changed
}

// begin takes the arguments as the task has them.
func (d *debugSession) begin(t *playbooks.Task) {
	d.args = &value.Dict{}
	if t.Args != nil {
		d.args = t.Args.Copy()
	}
}

func (d *debugSession) show(text string) { d.x.run_.Debugger.Show(say.Plain(text)) }

// scope is what expressions see.
func (d *debugSession) scope() *vars.Scope {
	known := value.NewDict(
		"task", value.NewDict("name", d.x.task.Name, "action", d.x.task.Action, "args", d.args),
		"task_vars", hostVarsOf{scope: d.taskScope(), lenient: true}, "host", d.x.host.name,
		"result", value.NewDict("_result", d.x.shown(d.result).Values, "_host", d.x.host.name),
	)
	return d.taskScope().With(loopLayer(known))
}

// taskScope is the task's variables with what was changed.
func (d *debugSession) taskScope() *vars.Scope {
	if d.vars.Len() == 0 {
		return d.x.scope
	}
	return d.x.scope.With(vars.Layer{Level: vars.ExtraVars, Origin: "the task debugger", Source: vars.Fixed{Dict: d.vars}})
}

// value evaluates an expression; a text in quotes stays as it is, with its
// templates.
func (d *debugSession) value(src string) (any, error) {
	if src = strings.TrimSpace(src); len(src) >= 2 && (src[0] == '\'' || src[0] == '"') {
		if inner := src[1:]; strings.IndexByte(inner, src[0]) == len(inner)-1 && !strings.Contains(inner, `\`) {
			return inner[:len(inner)-1], nil
		}
	}
	e, err := d.x.run_.Templar.Expr(src)
	if err != nil {
		return nil, err
	}
	v, _, err := e.Eval(d.x.ctx, d.scope())
	if err != nil {
		return nil, err
	}
	return v, jinja.Defined(v)
}

func (d *debugSession) print(src string) {
	switch strings.TrimSpace(src) {
	case "task":
		d.show("TASK: " + d.x.shownName(d.x.host))
		return
	case "host":
		d.show(d.x.host.name)
		return
	}
	v, err := d.value(src)
	if err == nil {
		v, err = d.value("(" + src + ") | pprint")
	}
	if err != nil {
		d.complain(err)
		return
	}
	text, _ := scrub(value.Str(v), d.x.secrets).(string)
	d.show(text)
}

func (d *debugSession) complain(err error) { d.show("***" + jinja.Message(err)) }

var (
	changesOne = regexp.MustCompile(`^(task\.args|task_vars)\[(.+?)\]\s*=\s*([^=].*)$`)
	changesAll = regexp.MustCompile(`^task\.args\s*=\s*([^=].*)$`)
	deletesOne = regexp.MustCompile(`^del\s+task\.args\[(.+)\]$`)
)

// assign changes an argument or a variable.
func (d *debugSession) assign(line string) {
	if m := changesOne.FindStringSubmatch(line); m != nil {
		key, err := d.value(m[2])
		v, err2 := d.value(m[3])
		switch {
		case err != nil:
			d.complain(err)
		case err2 != nil:
			d.complain(err2)
		case m[1] == "task_vars":
			d.vars.Set(value.Str(key), v)
		default:
			d.args.Set(value.Str(key), v)
		}
		return
	}
	if m := deletesOne.FindStringSubmatch(line); m != nil {
		key, err := d.value(m[1])
		if err != nil {
			d.complain(err)
			return
		}
		d.args.Delete(value.Str(key))
		return
	}
	if m := changesAll.FindStringSubmatch(line); m != nil {
		v, err := d.value(m[1])
		if args, ok := v.(*value.Dict); ok && err == nil {
			d.args = args.Copy()
			return
		}
	}
	d.x.run_.Debugger.Show(notOurWords)
}

// written is the task as it stands in the playbook.
func (x *execution) written() *playbooks.Task {
	if x.asWritten != nil {
		return x.asWritten
	}
	return x.task
}

// redo is the task once more, with what was changed.
func (d *debugSession) redo() *execution {
	task := *d.x.task
	task.Args = d.args
	run := *d.x.taskRun
	run.task = &task
	again := run.execution(d.x.host)
	again.asWritten = d.x.written()
	again.ctx, again.began = d.x.ctx, d.x.began
	d.x.scope = d.taskScope()
	again.scope = d.x.scope
	return again
}
