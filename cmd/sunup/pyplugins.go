package main

import (
	"os"

	"sunup/internal/jinja"
	"sunup/internal/lookup"
	"sunup/internal/pyplugin"
	"sunup/internal/value"
)

// openPlugins finds the plugins in Python that the project may bring.
func (p *project) openPlugins() {
	home := p.app.home()
	p.counted = map[string]bool{}
	p.plugins = pyplugin.New(pyplugin.Options{
		Paths: map[pyplugin.Kind][]string{
			pyplugin.Filter: p.config.Paths("DEFAULT_FILTER_PLUGIN_PATH", home),
			pyplugin.Test:   p.config.Paths("DEFAULT_TEST_PLUGIN_PATH", home),
			pyplugin.Lookup: p.config.Paths("DEFAULT_LOOKUP_PLUGIN_PATH", home),
		},
		Collections: append(p.config.Paths("COLLECTIONS_PATHS", home), "/usr/lib/python3/dist-packages"),
		BuiltIn:     builtIn(),
		Environ:     os.Environ(),
		Python:      interpreters(p.app.getenv("SUNUP_PYTHON")),
	})
}

// builtIn tells what filters, tests and lookups are our own.
func builtIn() func(kind pyplugin.Kind, name string) bool {
	env, own := jinja.NewEnv(), lookup.New(lookup.Options{})
	return func(kind pyplugin.Kind, name string) bool {
		switch kind {
		case pyplugin.Filter:
			return env.Filters[name] != nil
		case pyplugin.Test:
			return env.Tests[name] != nil
		}
		return own.Known(name)
	}
}

// interpreters are the programs to run plugins with: what the person names, "none"
// for none at all, nothing for python3.
func interpreters(named string) []string {
	switch named {
	case "":
		return nil
	case "none":
		return []string{}
	}
	return []string{named}
}

// lookups are the built-in ones, and in front of them those of the project.
type lookups struct {
	own     *lookup.Set
	plugins *pyplugin.Catalog
}

// Run has the form of jinja.Env.Lookup.
func (l lookups) Run(c *jinja.Call, name string, terms []any, opts *value.Dict) (any, error) {
	if !l.plugins.HasLookup(name) {
		return l.own.Run(c, name, terms, opts)
	}
	terms, err := lookup.Evaluated(c, terms)
	if err != nil {
		return nil, err
	}
	dir := "."
	if v, ok, _, err := c.Scope().Lookup("playbook_dir"); ok && err == nil {
		dir = value.Str(v)
	}
	return l.plugins.RunLookup(c, name, terms, dir, opts)
}

// Known has the form of jinja.Env.KnownLookup.
func (l lookups) Known(name string) bool { return l.plugins.HasLookup(name) || l.own.Known(name) }

// seen remembers a file that was read as an input, and looks for plugins beside
// it.
func (p *project) seen(path string, text []byte) {
	p.inputs.add(path, text)
	p.plugins.Seen(path)
}

// countPlugins remembers what a template uses of the project's plugins. A text
// counts once, however often it is come to.
func (p *project) countPlugins(text string, uses jinja.Uses) {
	if p.counted[text] {
		return
	}
	p.counted[text] = true
	for _, list := range []struct {
		kind pyplugin.Kind
		uses []jinja.Use
	}{{pyplugin.Filter, uses.Filters}, {pyplugin.Test, uses.Tests}, {pyplugin.Lookup, uses.Lookups}} {
		met := map[jinja.Use]bool{} // a place may be compiled in two ways
		for _, u := range list.uses {
			if !met[u] {
				p.plugins.Count(list.kind, u.Name)
			}
			met[u] = true
		}
	}
}
