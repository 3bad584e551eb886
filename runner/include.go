package runner

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"sunup/internal/diag"
	"sunup/internal/event"
	"sunup/internal/say"
	"sunup/internal/value"
	"sunup/internal/vars"
	"sunup/playbooks"
)

// includeRequest is what an include on one host (and item) asks for.
type includeRequest struct {
	file     string // tasks: as evaluated
	role     string
	from     playbooks.RoleFrom
	public   bool
	loopVars *value.Dict
	label    string
}

// key tells requests apart that need trees of their own.
func (r includeRequest) key() string {
	return strings.Join([]string{r.file, r.role, fmt.Sprint(r.from), value.Repr(r.loopVars)}, "\x00")
}

// inclusion is a request of one host.
type inclusion struct {
	host    *host
	include includeRequest
}

// requestInclude evaluates an include for one host and item; the result is ok
// when the request could be made.
func (x *execution) requestInclude(scope *vars.Scope, loopVars *value.Dict) *value.Dict {
	args, err := x.includeArgs(scope)
	if err != nil {
		return x.argumentError(err)
	}
	r := includeRequest{loopVars: loopVars}
	if loopVars != nil {
		if label, err := x.label(scope, loopVars.At(value.Str(loopVars.At("ansible_loop_var")))); err == nil {
			r.label = value.Str(label)
		}
	}
	text := func(name string) string { return orEmpty(args.At(name)) }
	if x.task.Include.Kind == playbooks.IncludeRole {
		r.role = cmp.Or(text("name"), text("role"))
		r.from = playbooks.RoleFrom{
			TasksFrom: text("tasks_from"), VarsFrom: text("vars_from"),
			DefaultsFrom: text("defaults_from"), HandlersFrom: text("handlers_from"),
			SkipValidation: saysNo(args.At("rolespec_validate")), Once: saysNo(args.At("allow_duplicates")),
		}
		r.public, _ = truthWord(args.At("public"))
	} else {
		r.file = cmp.Or(text("_raw_params"), text("file"))
	}
	if r.role == "" && r.file == "" {
		return failure("No file specified for %s", x.task.Action)
	}
	x.includes = append(x.includes, r)
	d := value.NewDict("changed", false, "sunup_include", true)
	if r.file != "" {
		d.Set("include", r.file)
	} else {
		d.Set("include_role", r.role)
	}
	return d
}

func (x *execution) includeArgs(scope *vars.Scope) (*value.Dict, error) {
	v, _, err := x.run_.Templar.Value(x.ctx, scope, x.task.Args)
	if err != nil {
		return nil, err
	}
	d, _ := v.(*value.Dict)
	return d, nil
}

func saysNo(v any) bool {
	b, ok := truthWord(v)
	return ok && !b
}

func orEmpty(v any) string {
	if v == nil {
		return ""
	}
	return value.Str(v)
}

// include loads what the hosts asked for, once for all hosts that asked for
// the same, and puts it before what comes next on each.
// It returns the ends of the hosts for which that was not possible.
func (p *playRun) include(t *taskRun, wanted []inclusion) (failed []*taskEnd) {
	groups, order := map[string][]inclusion{}, []string{}
	for _, inc := range wanted {
		key := inc.include.key()
		if groups[key] == nil {
			order = append(order, key)
		}
		groups[key] = append(groups[key], inc)
	}
	// Blocks of several items run in the order of the items: all go into one
	// frame per host.
	blocks := map[*host]*playbooks.Block{}
	for _, key := range order {
		failed = append(failed, p.includeGroup(t, without(groups[key], failed), blocks)...)
	}
	for _, inc := range wanted {
		if b := blocks[inc.host]; b != nil {
			p.cursors[inc.host].push(frame{block: b})
			delete(blocks, inc.host)
			p.lookUp(inc.host, p.cursors[inc.host])
		}
	}
	return failed
}

// without leaves out the hosts that failed already: one failure ends the task.
func without(group []inclusion, failed []*taskEnd) []inclusion {
	return slices.DeleteFunc(slices.Clone(group), func(inc inclusion) bool {
		return slices.ContainsFunc(failed, func(end *taskEnd) bool { return end.host == inc.host })
	})
}

// includeGroup loads one file or role and adds it to its hosts' blocks.
func (p *playRun) includeGroup(t *taskRun, group []inclusion, blocks map[*host]*playbooks.Block) (failed []*taskEnd) {
	if len(group) == 0 {
		return nil
	}
	r := group[0].include
	steps, shown, problems := p.load(t, r)
	if problems.HasErrors() {
		return p.includeFailed(t, group, problems)
	}
	p.run.tellProblems(problems)
	e := event.Included{Task: t.number, File: shown, Role: r.role, Label: r.label}
	for _, inc := range group {
		e.Hosts = append(e.Hosts, inc.host.name)
		if r.role == "" {
			inc.host.count(event.OK, false)
		}
		b := blocks[inc.host]
		if b == nil {
			b = &playbooks.Block{Implicit: true, Scope: playbooks.Scope{Kind: playbooks.ImportScope, Parent: t.task.Parent}}
			blocks[inc.host] = b
		}
		b.Tasks = append(b.Tasks, steps...)
	}
	p.run.stream.emit(e)
	return nil
}

// load reads the file or role of a request.
func (p *playRun) load(t *taskRun, r includeRequest) (steps []playbooks.Step, shown string, problems diag.Problems) {
	scope := t.task.Inside(r.file)
	if r.loopVars != nil {
		scope.Vars = scope.Vars.Copy()
		for k, v := range r.loopVars.All() {
			scope.Vars.Set(k, vars.Written(v))
		}
	}
	if r.role != "" {
		use, problems := p.run.Loader.Role(r.role, r.from, scope, p.play, "")
		if use == nil || problems.HasErrors() {
			return nil, r.role, problems
		}
		p.addHandlers(use.Handlers)
		if r.public {
			p.addRole(&use.Scope)
		}
		return []playbooks.Step{use.Block}, r.role, problems
	}
	path, searched := p.run.Loader.FindTaskFile(r.file, t.task.Parent, p.play, t.task.IsHandler)
	if path == "" {
		return nil, r.file, diag.Problems{{
			Severity: diag.Error, ID: "no-such-file", Pos: t.task.Pos,
			What: say.T("could not find or access '%s' on the controller", "컨트롤러에서 '%s'{을/를} 찾거나 읽을 수 없습니다", r.file),
			Why:  say.T("looked in: %s", "찾아본 곳: %s", strings.Join(searched, ", ")),
			Fix:  say.T("check the name and the folder", "이름과 폴더를 확인하세요"),
		}}
	}
	steps, problems = p.run.Loader.TaskFile(path, scope, p.play, t.task.IsHandler)
	return steps, absolute(path), problems
}

// includeFailed fails the include task on the hosts that asked for it.
// A file that is not there is a failure of theirs, which may be rescued; one that
// cannot be understood is a mistake of the playbook and ends the run.
func (p *playRun) includeFailed(t *taskRun, group []inclusion, problems diag.Problems) (ends []*taskEnd) {
	if !slices.ContainsFunc(problems, isMissing) {
		p.run.cancel.abort(problems)
	}
	for _, inc := range group {
		x := t.execution(inc.host)
		x.recollect()
		result := failure("%s", strings.TrimSpace(problems.Format(say.English)))
		c := p.cursors[inc.host]
		if len(c.stack) > 0 {
			c.stack[len(c.stack)-1].index-- // the task was taken for done
		}
		end := x.conclude(result)
		p.settleHost(inc.host, end)
		ends = append(ends, end)
	}
	return ends
}

func isMissing(p diag.Problem) bool {
	return p.Severity == diag.Error && (p.ID == "no-such-file" || p.ID == "unknown-role")
}
