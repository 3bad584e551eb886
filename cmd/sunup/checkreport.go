package main

import (
	"cmp"
	"slices"
	"strings"

	"sunup/internal/diag"
	"sunup/internal/say"
	"sunup/modules"
	"sunup/playbooks"
)

// lackingThing is something that a project uses and sunup does not have.
type lackingThing struct {
	Kind  string   `json:"kind"`
	Name  string   `json:"name"`
	Count int      `json:"count"`
	First diag.Pos `json:"first"`
}

// ownThing is a plugin in Python that a project brings and uses.
type ownThing struct {
	Kind  string `json:"kind"`
	Name  string `json:"name"`
	Count int    `json:"count"`
}

// checkReport is what check finds. A place counts once, however many playbooks
// come to it.
type checkReport struct {
	Playbooks, Plays, Tasks, Templates int
	Errors, Warnings                   int
	Unsupported                        []lackingThing
	Modules                            map[string]int // module -> tasks that use it
	Problems                           diag.Problems

	// Python are the plugins of the project that its templates use.
	Python    []ownThing
	hasPython bool

	lackingTasks int
	seen         map[problemKey]bool
	tasks        map[diag.Pos]bool
}

type problemKey struct {
	id, what string
	pos      diag.Pos
}

func newCheckReport() *checkReport {
	return &checkReport{Modules: map[string]int{}, seen: map[problemKey]bool{}, tasks: map[diag.Pos]bool{}}
}

func (r *checkReport) add(problems diag.Problems) {
	for _, p := range problems {
		key := problemKey{p.ID, p.What.String(), p.Pos}
		if !r.seen[key] {
			r.seen[key] = true
			r.Problems = append(r.Problems, p)
		}
	}
}

// task counts a task by the place where it stands.
func (r *checkReport) task(s playbooks.Step) {
	t, ok := s.(*playbooks.Task)
	if !ok || t.Implicit || r.tasks[t.Pos] {
		return
	}
	r.tasks[t.Pos] = true
	r.Tasks++
	name := t.Module
	if m := modules.Lookup(name, nil); m != nil {
		name = m.Name
	}
	r.Modules[name]++
}

// finish counts what was added.
func (r *checkReport) finish() {
	r.Problems.Sort()
	byName := map[string]*lackingThing{}
	var order []string
	for _, p := range r.Problems {
		if p.Severity == diag.Error {
			r.Errors++
		} else {
			r.Warnings++
		}
		if p.Lacking == "" {
			continue
		}
		if p.Lacking == "module" || p.Lacking == "action plugin" {
			r.lackingTasks++
		}
		key := p.Lacking + " " + p.Subject
		if byName[key] == nil {
			byName[key] = &lackingThing{Kind: p.Lacking, Name: p.Subject, First: p.Pos}
			order = append(order, key)
		}
		byName[key].Count++
	}
	r.lackingTasks = min(r.lackingTasks, r.Tasks)
	r.Unsupported = make([]lackingThing, 0, len(order))
	for _, key := range order {
		r.Unsupported = append(r.Unsupported, *byName[key])
	}
	slices.SortStableFunc(r.Unsupported, func(a, b lackingThing) int {
		if a.Count != b.Count {
			return b.Count - a.Count
		}
		return strings.Compare(a.Kind+a.Name, b.Kind+b.Name)
	})
}

// python takes over which plugins of the project were met.
func (r *checkReport) python(p *project) {
	for use, n := range p.plugins.Used() {
		r.Python = append(r.Python, ownThing{string(use.Kind), use.Name, n})
	}
	slices.SortFunc(r.Python, func(a, b ownThing) int {
		return cmp.Or(b.Count-a.Count, strings.Compare(a.Kind+a.Name, b.Kind+b.Name))
	})
	r.hasPython = p.plugins.Runs()
}

// mistakes are the errors that are not about something lacking: of a whole
// project the table tells those.
func (r *checkReport) mistakes() diag.Problems {
	var out diag.Problems
	for _, p := range r.Problems {
		if p.Severity == diag.Error && p.Lacking == "" {
			out = append(out, p)
		}
	}
	return out
}

// shownProblem is a problem in the JSON report, in the language of the reader.
type shownProblem struct {
	Severity diag.Severity `json:"severity"`
	ID       string        `json:"id"`
	Pos      diag.Pos      `json:"pos"`
	What     string        `json:"what"`
	Why      string        `json:"why,omitempty"`
	Fix      string        `json:"fix,omitempty"`
}

func (r *checkReport) forJSON(lang say.Lang) any {
	problems := make([]shownProblem, len(r.Problems))
	for i, p := range r.Problems {
		problems[i] = shownProblem{p.Severity, p.ID, p.Pos, p.What.In(lang), p.Why.In(lang), p.Fix.In(lang)}
	}
	return struct {
		Playbooks   int            `json:"playbooks"`
		Plays       int            `json:"plays"`
		Tasks       int            `json:"tasks"`
		Templates   int            `json:"templates"`
		Errors      int            `json:"errors"`
		Warnings    int            `json:"warnings"`
		Unsupported []lackingThing `json:"unsupported"`
		Python      []ownThing     `json:"python,omitempty"`
		Modules     map[string]int `json:"modules"`
		Problems    []shownProblem `json:"problems"`
	}{r.Playbooks, r.Plays, r.Tasks, r.Templates, r.Errors, r.Warnings, r.Unsupported, r.Python, r.Modules, problems}
}
