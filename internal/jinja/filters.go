package jinja

import (
	"sync"
)

// stringFilters are those whose result stays text even when it looks like
// data.
var stringFilters = map[string]bool{
	"string": true, "to_json": true, "to_nice_json": true, "to_yaml": true, "to_nice_yaml": true, "ppretty": true, "json": true,
}

// collection is a list of filters or tests that a collection brings. They are
// known by their full name, and those that ansible-core redirects by their
// short name too.
type collection struct {
	name  string
	short bool
	list  []entry
}

var builtinFilters = sync.OnceValue(func() map[string]Func {
	return register(
		collection{"", true, jinjaFilters},
		collection{"", true, coreFilters},
		collection{"", true, dataFilters},
		collection{"", true, mathFilters},
		collection{"", true, pathFilters},
		collection{"", true, hashFilters},
		collection{"ansible.utils", true, ipFilters},
		collection{"ansible.netcommon", true, ipFilters},
		collection{"ansible.utils", false, utilsFilters},
		collection{"community.general", true, generalFilters},
	)
})

var builtinTests = sync.OnceValue(func() map[string]Func {
	return register(
		collection{"", true, jinjaTests},
		collection{"", true, coreTests},
		collection{"ansible.utils", false, utilsTests},
	)
})

func register(groups ...collection) map[string]Func {
	all := map[string]Func{}
	for _, g := range groups {
		for _, e := range g.list {
			f := checked(e.sig, e.f)
			if g.name != "" {
				all[g.name+"."+e.name] = f
			}
			if _, taken := all[e.name]; g.short && (!taken || g.name == "") {
				all[e.name] = f
			}
		}
	}
	return all
}
