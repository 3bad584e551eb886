package runner

import (
	"context"

	"sunup/internal/connection"
	"sunup/internal/jinja"
	"sunup/internal/value"
	"sunup/internal/vars"
)

// scopeFor builds what a task sees on a host, highest layer first. Plan is nil
// outside of tasks (hostvars, play keywords).
func (p *playRun) scopeFor(ctx context.Context, h *host, plan *taskPlan) *vars.Scope {
	r := p.run
	layers := make([]vars.Layer, 0, 32)
	m := &magic{play: p, host: h, plan: plan}
	layers = append(layers,
		vars.Layer{Level: vars.Magic, Origin: "magic variable", Source: m},
		r.extraVars)
	if plan != nil {
		layers = append(layers, plan.includeVars...)
		layers = append(layers, plan.roleParams...)
	}
	layers = append(layers,
		vars.Layer{Level: vars.SetFacts, Origin: "set_fact or register", Source: &h.set},
		vars.Layer{Level: vars.IncludeVars, Origin: "include_vars", Source: &h.included})
	if plan != nil {
		layers = append(layers, plan.scopeVars...)
		layers = append(layers, plan.roleVars...)
	}
	layers = append(layers, p.roleVars...)
	layers = append(layers, p.filesFor(ctx, h)...)
	layers = append(layers, p.promptVars, p.playVars)
	layers = append(layers, vars.Layer{Level: vars.HostFacts, Origin: "facts", Source: &h.facts})
	layers = append(layers, r.inventoryLayers(h, p.dir)...)
	if plan != nil {
		layers = append(layers, plan.roleDefs...)
	}
	layers = append(layers, p.roleDefs...)
	if plan != nil {
		layers = append(layers, vars.Layer{Level: vars.RoleDefaults, Origin: "connection", Source: vars.Results{Dict: h.addressVars()}})
		layers = append(layers, r.asked)
	}
	s := vars.NewScope(ctx, r.Templar, layers)
	m.scope = s
	return s
}

// askedVars are the passwords that a person gave for the run, under the names
// that tasks know them by. They are data, never templates.
func askedVars(d Defaults) vars.Layer {
	known := &value.Dict{}
	add := func(secret connection.Secret, names ...string) {
		for _, name := range names {
			if secret != "" {
				known.Set(name, secret.Reveal())
			}
		}
	}
	add(d.Password, "ansible_password", "ansible_ssh_pass")
	add(d.BecomePassword, "ansible_become_password", "ansible_become_pass")
	return vars.Layer{Level: vars.RoleDefaults, Origin: "asked for", Source: vars.Results{Dict: known}}
}

func askedSecrets(d Defaults) (out []string) {
	for _, secret := range []connection.Secret{d.Password, d.BecomePassword} {
		if secret != "" {
			out = append(out, secret.Reveal())
		}
	}
	return out
}

// hostScope is what hostvars shows of a host: what the inventory, facts and
// tasks gave it. Variables of plays, roles and tasks are not a host's.
func (p *playRun) hostScope(ctx context.Context, h *host) *vars.Scope {
	m := &magic{play: p, host: h}
	layers := []vars.Layer{
		{Level: vars.Magic, Origin: "magic variable", Source: m},
		p.run.extraVars,
		{Level: vars.SetFacts, Origin: "set_fact or register", Source: &h.set},
		{Level: vars.IncludeVars, Origin: "include_vars", Source: &h.included},
		{Level: vars.HostFacts, Origin: "facts", Source: &h.facts},
	}
	s := vars.NewScope(ctx, p.run.Templar, append(layers, p.run.inventoryLayers(h, p.dir)...))
	m.scope = s
	return s
}

// loopLayer is the layer of loop variables: their values are results.
func loopLayer(d *value.Dict) vars.Layer {
	return vars.Layer{Level: vars.LoopVars, Origin: "loop", Source: vars.Results{Dict: d}}
}

// resultLayer shows a task its own result (until, changed_when, failed_when).
func resultLayer(d *value.Dict) vars.Layer {
	return vars.Layer{Level: vars.SetFacts, Origin: "result of this task", Source: vars.Results{Dict: d}}
}

// inventoryLayers returns what the inventory says of a host, highest first.
func (r *Run) inventoryLayers(h *host, playDir string) []vars.Layer {
	key := layerKey{h.name, playDir, r.inventoryVersion.Load()}
	if have, ok := r.layerCache.Load(key); ok {
		return have.([]vars.Layer)
	}
	low, problems := r.hostsOf().Layers(h.name, playDir)
	r.tellProblems(problems)
	out := make([]vars.Layer, 0, len(low))
	for i := len(low) - 1; i >= 0; i-- {
		out = append(out, fixed(vars.Level(low[i].Level), low[i].Name, low[i].Vars))
	}
	r.layerCache.Store(key, out)
	return out
}

type layerKey struct {
	host, dir string
	version   int64
}

var _ jinja.Scope = (*vars.Scope)(nil)
