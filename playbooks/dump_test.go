package playbooks

import (
	"fmt"
	"strings"
	"testing"

	"path/filepath"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"sunup/internal/say"
	"sunup/internal/value"
)

// dump writes a tree so that a person can read it.
func dump(p *Playbook, base string) string {
	d := &dumper{base: base}
	if p.Startup != nil {
		d.line(0, "startup %s opens %s %s budget %s owner %s", p.Startup.Name, p.Startup.OpensAt, p.Startup.Timezone, p.Startup.Budget, p.Startup.Owner)
		for _, m := range p.Startup.Milestones {
			d.line(1, "%s at %s", m.Name, m.At)
		}
	}
	for _, play := range p.Plays {
		d.play(play)
	}
	return strings.ReplaceAll(d.b.String(), base, "BASE")
}

type dumper struct {
	b    strings.Builder
	base string
}

func (d *dumper) line(depth int, format string, args ...any) {
	fmt.Fprintf(&d.b, "%s%s\n", strings.Repeat("  ", depth), strings.TrimRight(fmt.Sprintf(format, args...), " "))
}

func (d *dumper) play(p *Play) {
	d.line(0, "play %q hosts %q", p.Name, p.Hosts)
	d.scope(1, &p.Scope)
	if p.GatherFacts != nil {
		d.line(1, "gather_facts %v", p.GatherFacts)
	}
	for _, vf := range p.VarsFiles {
		d.line(1, "vars_files %q", vf.Choices)
	}
	for _, vp := range p.VarsPrompt {
		d.line(1, "prompt %s %q private %v default %v", vp.Name, vp.Prompt, vp.Private, vp.Default)
	}
	for _, n := range p.Ours.Needs {
		d.line(1, "needs %s same %s", n.Play, n.Same)
	}
	d.section("pre_tasks", p.PreTasks)
	for _, b := range p.RoleBlocks {
		d.section("role", b)
	}
	d.section("tasks", p.Tasks)
	d.section("post_tasks", p.PostTasks)
	for _, h := range p.Handlers {
		d.line(1, "handler")
		d.task(2, h)
	}
}

func (d *dumper) section(name string, b *Block) {
	if b != nil {
		d.line(1, "%s", name)
		d.step(2, b)
	}
}

func (d *dumper) step(depth int, s Step) {
	switch s := s.(type) {
	case *Task:
		d.task(depth, s)
	case *Block:
		role := ""
		if s.Parent != nil && s.Parent.Kind == RoleScope && s.Implicit {
			role = " of role " + s.Parent.Role.Name
		}
		d.line(depth, "%s %q implicit %v%s", s.Kind, s.Name, s.Implicit, role)
		if role != "" {
			d.role(depth+1, s.Parent)
		}
		d.scope(depth+1, &s.Scope)
		for _, list := range []struct {
			name  string
			steps []Step
		}{{"", s.Tasks}, {"rescue", s.Rescue}, {"always", s.Always}} {
			if list.name != "" && len(list.steps) > 0 {
				d.line(depth+1, "%s", list.name)
			}
			for _, inner := range list.steps {
				d.step(depth+1, inner)
			}
		}
	}
}

func (d *dumper) role(depth int, sc *Scope) {
	r := sc.Role
	d.line(depth, "path %s collection %q collections %q duplicates %v", r.Path, r.FromCollection, r.Collections, r.AllowDuplicates)
	d.dict(depth, "params", sc.RoleParams)
	d.dict(depth, "defaults", r.Defaults)
	d.dict(depth, "role vars", r.Vars)
	d.scope(depth, sc)
}

func (d *dumper) task(depth int, t *Task) {
	d.line(depth, "task %s %q %s (%s)", t.ID, t.Name, t.Action, t.Module)
	d.dict(depth+1, "args", t.Args)
	if t.ArgsTemplate != "" {
		d.line(depth+1, "args template %s", t.ArgsTemplate)
	}
	d.scope(depth+1, &t.Scope)
	if t.Loop != nil {
		d.line(depth+1, "loop with %q over %s control %s", t.Loop.With, plain(t.Loop.Over), plain(t.Loop.Control.LoopVar))
	}
	for i, list := range [][]any{t.ChangedWhen, t.FailedWhen, t.Until} {
		if list != nil {
			d.line(depth+1, "%s %v", []string{"changed_when", "failed_when", "until"}[i], list)
		}
	}
	if t.Register != "" {
		d.line(depth+1, "register %s", t.Register)
	}
	if t.Notify != nil || t.Listen != nil {
		d.line(depth+1, "notify %q listen %q", t.Notify, t.Listen)
	}
	if t.Include != nil {
		d.line(depth+1, "includes %s", t.Include.Kind)
		if t.Include.Apply != nil {
			d.scope(depth+2, t.Include.Apply)
		}
	}
	if t.ModuleFile != "" {
		d.line(depth+1, "module file %s", t.ModuleFile)
	}
}

func (d *dumper) dict(depth int, name string, v *value.Dict) {
	if v.Len() > 0 {
		d.line(depth, "%s %s", name, plain(v))
	}
}

func (d *dumper) scope(depth int, s *Scope) {
	for _, name := range sortedKeys(s.Keywords) {
		switch k := s.Keywords[name]; name {
		case "vars", "when", "tags", "name", "hosts":
		default:
			d.line(depth, "%s: %s", name, plain(k.Value))
		}
	}
	d.dict(depth, "vars", s.Vars)
	if len(s.When) > 0 {
		d.line(depth, "when %v", s.When)
	}
	if len(s.Tags) > 0 {
		d.line(depth, "tags %q", s.Tags)
	}
}

func TestGoodPlaybooks(t *testing.T) {
	for name, path := range cases(t, "testdata/good") {
		t.Run(name, func(t *testing.T) {
			dir, err := filepath.Abs(filepath.Dir(path))
			require.NoError(t, err)
			l := NewLoader(Options{BaseDir: dir, Modules: core{}, CheckTemplate: checkBraces, ExtraVars: value.NewDict("from_outside", "extra")})
			p, problems := l.Load(filepath.Base(path))
			assert.False(t, problems.HasErrors(), "%s", problems.Format(say.English))
			require.NotNil(t, p)
			golden(t, "testdata/good/"+name+".golden", dump(p, dir)+problems.Format(say.English))
		})
	}
}
