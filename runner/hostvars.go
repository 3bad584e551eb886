package runner

import (
	"context"

	"sunup/internal/jinja"
	"sunup/internal/vars"
)

// hostVars is the magic variable hostvars: each host's variables, evaluated
// when they are asked for.
type hostVars struct {
	ctx  context.Context
	play *playRun
}

// Get returns the variables of one host.
func (hv hostVars) Get(key any) (any, bool, error) {
	name, ok := key.(string)
	if !ok {
		return nil, false, nil
	}
	h := hv.play.run.knownHost(name)
	if h == nil {
		return nil, false, nil
	}
	return hostVarsOf{scope: hv.play.hostScope(hv.ctx, h), lenient: true}, true, nil
}

// Keys lists the hosts of the inventory.
func (hv hostVars) Keys() ([]any, error) {
	hosts := hv.play.run.hostsOf().Hosts()
	keys := make([]any, len(hosts))
	for i, h := range hosts {
		keys[i] = h.Name
	}
	return keys, nil
}

// hostVarsOf is one host's variables as a mapping.
type hostVarsOf struct {
	scope *vars.Scope
	// lenient leaves a text as it is written when something it needs is not
	// defined here: it may be defined where it is used.
	lenient bool
}

// Get evaluates one variable.
func (hv hostVarsOf) Get(key any) (any, bool, error) {
	name, ok := key.(string)
	if !ok {
		return nil, false, nil
	}
	v, found, final, err := hv.scope.Lookup(name)
	if hv.lenient && jinja.IsUndefined(err) {
		raw, _ := hv.scope.Raw(name)
		v, final, err = hv.scope.AsFarAsDefined(raw), false, nil
	}
	if final && err == nil {
		v = hv.scope.Marked(v)
	}
	return v, found, err
}

// Keys lists the host's variables.
func (hv hostVarsOf) Keys() ([]any, error) {
	names := hv.scope.Names()
	keys := make([]any, 0, len(names))
	for _, n := range names {
		// These hold all the others: whoever walks through would never end.
		if n != "hostvars" && n != "vars" {
			keys = append(keys, n)
		}
	}
	return keys, nil
}

// writtenVars is the magic variable vars: the variables as they are written, with
// their templates.
type writtenVars struct{ hostVarsOf }

// Get returns one variable.
func (w writtenVars) Get(key any) (any, bool, error) {
	name, ok := key.(string)
	if !ok {
		return nil, false, nil
	}
	return w.scope.AsWritten(name)
}
