package modules

import (
	"errors"
	"fmt"
	"math/big"
	"slices"
	"sort"
	"strings"
	"sync"

	"sunup/internal/say"
	"sunup/internal/value"
)

// rawParams is the name under which free text is kept ("command: ls").
const rawParams = "_raw_params"

// Validate checks the arguments of one call against the declaration and gives
// them their types. The words of the error are Ansible's, because people
// search for them; module is the name to use there. The given dict is not
// changed.
func (s Spec) Validate(module string, in *value.Dict) (Args, error) {
	return s.declared().validate(module, in)
}

// Validate is that of the module's declaration, which is read only once.
func (m *Module) Validate(as string, in *value.Dict) (Args, error) {
	d, ok := declarations.Load(m)
	if !ok {
		d, _ = declarations.LoadOrStore(m, m.Spec.declared())
	}
	return d.(*declaration).validate(as, in)
}

// declarations are those of the modules that were called, by module: there are
// only so many.
var declarations sync.Map

// declaration is a Spec made ready for calls.
type declaration struct {
	options
	known map[string]bool // the names; nil when the module is Open
}

func (s Spec) declared() *declaration {
	d := &declaration{options: options{params: s.All(), open: s.Open, Spec: s}}
	if !s.Open {
		d.known = map[string]bool{}
		for _, p := range d.params {
			d.known[p.Name] = true
		}
	}
	return d
}

func (d *declaration) validate(module string, in *value.Dict) (Args, error) {
	if d.Refuse != nil {
		if why := d.Refuse(in); why != "" {
			return Args{}, errors.New(why)
		}
	}
	v := validation{given: make(map[string]bool, in.Len())}
	top := d.options
	values := v.options(top, in, nil)
	for _, u := range v.unsupported {
		v.fail("%s", u)
	}
	if len(v.problems) > 0 {
		p := v.problems[0]
		if len(v.unsupported) > 0 && p == v.unsupported[0] {
			p = "Unsupported parameters for (" + module + ") module: " + p
		}
		return Args{}, errors.New(p)
	}
	return Args{values: values, known: d.known, given: v.given, secrets: v.secrets, warnings: v.warnings}, nil
}

// All returns the declared arguments with the common ones that the module
// takes too.
func (s Spec) All() []Param {
	params := s.Params
	if s.FreeForm && !declares(params, rawParams) {
		params = append([]Param{{Name: rawParams, Doc: freeFormDoc}}, params...)
	}
	if s.File {
		params = append([]Param(nil), params...)
		for _, p := range fileParams {
			if !declares(params, p.Name) {
				params = append(params, p)
			}
		}
	}
	return params
}

func declares(params []Param, name string) bool {
	for _, p := range params {
		if p.Name == name {
			return true
		}
	}
	return false
}

// options are the arguments at one level: those of the module, or those inside
// one argument.
type options struct {
	Spec
	params []Param
	open   bool
}

// validation collects what is found wrong, in Ansible's order.
type validation struct {
	problems    []string
	unsupported []string
	secrets     []string
	warnings    []string
	given       map[string]bool // of the top level
}

func (v *validation) fail(format string, args ...any) {
	v.problems = append(v.problems, fmt.Sprintf(format, args...))
}

// in is where a problem inside an argument was found.
type in []string

func (c in) suffix() string {
	if len(c) == 0 {
		return ""
	}
	return " found in " + strings.Join(c, " -> ")
}

func (c in) quoted() string {
	if len(c) == 0 {
		return ""
	}
	return " found in '" + strings.Join(c, " -> ") + "'"
}

// sentence is quoted with the full stop that Ansible has in one of the two
// places.
func (c in) sentence() string {
	if len(c) == 0 {
		return ""
	}
	return c.quoted() + "."
}

func (v *validation) options(o options, given *value.Dict, where in) *value.Dict {
	values := plainKeys(given, defaults(o.params))
	v.aliases(o, values, where)
	v.collectSecrets(o.params, values)
	v.findUnsupported(o, values, where)
	v.exclusive(o.MutuallyExclusive, values, where)
	if len(where) == 0 {
		for k, x := range values.All() {
			if name, ok := k.(string); ok && x != nil {
				v.given[name] = true
			}
		}
	}
	setDefaults(o.params, values)
	v.required(o.params, values, where)
	v.types(o.params, values, where)
	v.choices(o.params, values, where)
	v.together(o.RequiredTogether, values, where)
	v.oneOf(o.RequiredOneOf, values, where)
	v.requiredIf(o.RequiredIf, values, where)
	v.requiredBy(o.RequiredBy, values, where)
	v.inner(o.params, values, where)
	v.withoutEffect(o.params, values, where)
	return values
}

// withoutEffect warns of arguments that do nothing here.
func (v *validation) withoutEffect(params []Param, values *value.Dict, where in) {
	for _, p := range params {
		x := values.At(p.Name)
		if p.NoEffect && x != nil && !value.Equal(x, p.Default) {
			v.warnings = append(v.warnings, fmt.Sprintf("The option %s has no effect here: %s", where.name(p.Name), p.Doc.In(say.English)))
		}
	}
}

// plainKeys copies the dict with keys and marked text made plain; there is room
// for n more entries.
func plainKeys(d *value.Dict, n int) *value.Dict {
	out := value.DictFor(d.Len() + n)
	for k, x := range d.All() {
		if u, ok := x.(value.Unsafe); ok {
			x = string(u)
		}
		out.Set(value.Str(k), x)
	}
	return out
}

func (v *validation) aliases(o options, values *value.Dict, where in) {
	for _, p := range o.params {
		for _, alias := range p.Aliases {
			x, ok := values.Lookup(alias)
			if !ok {
				continue
			}
			if values.Has(p.Name) {
				v.warnings = append(v.warnings, fmt.Sprintf("Both option %s and its alias %s are set.", where.name(p.Name), where.name(alias)))
			}
			for _, d := range p.DeprecatedAliases {
				if d == alias {
					v.warnings = append(v.warnings, fmt.Sprintf("Alias '%s' is deprecated. See the module docs for more information", where.name(alias)))
				}
			}
			values.Set(p.Name, x)
			if !o.open {
				values.Delete(alias)
			}
		}
	}
}

func (c in) name(param string) string {
	return strings.Join(append(append([]string(nil), c...), param), ".")
}

func (v *validation) collectSecrets(params []Param, values *value.Dict) {
	for _, p := range params {
		if p.Secret {
			v.addSecrets(values.At(p.Name), 0)
		}
	}
}

// addSecrets keeps every text inside x. Bools are no secret: hiding "True"
// would hide half of every output.
func (v *validation) addSecrets(x any, depth int) {
	if depth > 100 {
		return
	}
	switch x := x.(type) {
	case string:
		if x != "" {
			v.secrets = append(v.secrets, x)
		}
	case value.Unsafe:
		v.addSecrets(string(x), depth)
	case int, float64, *big.Int:
		v.secrets = append(v.secrets, value.Str(x))
	case *value.List:
		for _, e := range x.Items {
			v.addSecrets(e, depth+1)
		}
	case value.Tuple:
		for _, e := range x {
			v.addSecrets(e, depth+1)
		}
	case *value.Dict:
		for _, e := range x.All() {
			v.addSecrets(e, depth+1)
		}
	}
}

func (v *validation) findUnsupported(o options, values *value.Dict, where in) {
	if o.open {
		return
	}
	var strange []string
	for k := range values.All() {
		if name := value.Str(k); !declares(o.params, name) && !slices.Contains(o.Quiet, name) {
			strange = append(strange, where.name(name))
		}
	}
	if len(strange) == 0 {
		return
	}
	sort.Strings(strange)
	var names, aliases []string
	for _, p := range o.params {
		names = append(names, p.Name)
		aliases = append(aliases, p.Aliases...)
	}
	sort.Strings(names)
	sort.Strings(aliases)
	known := strings.Join(names, ", ")
	if len(aliases) > 0 {
		known += " (" + strings.Join(aliases, ", ") + ")"
	}
	v.unsupported = append(v.unsupported, strings.Join(strange, ", ")+". Supported parameters include: "+known+".")
}

func count(names []string, values *value.Dict) int {
	n := 0
	for _, name := range names {
		if values.Has(name) {
			n++
		}
	}
	return n
}

func (v *validation) exclusive(groups [][]string, values *value.Dict, where in) {
	var broken []string
	for _, names := range groups {
		if count(names, values) > 1 {
			broken = append(broken, strings.Join(names, "|"))
		}
	}
	if len(broken) > 0 {
		v.fail("parameters are mutually exclusive: %s%s", strings.Join(broken, ", "), where.suffix())
	}
}

// defaults is how many arguments have a default.
func defaults(params []Param) int {
	n := 0
	for _, p := range params {
		if p.Default != nil {
			n++
		}
	}
	return n
}

func setDefaults(params []Param, values *value.Dict) {
	for _, p := range params {
		if _, given := values.Lookup(p.Name); !given && p.Default != nil {
			values.Set(p.Name, value.Clone(p.Default))
		}
	}
}

func (v *validation) required(params []Param, values *value.Dict, where in) {
	var missing []string
	for _, p := range params {
		if p.Required && !values.Has(p.Name) {
			missing = append(missing, p.Name)
		}
	}
	if len(missing) > 0 {
		sort.Strings(missing)
		v.fail("missing required arguments: %s%s", strings.Join(missing, ", "), where.suffix())
	}
}

func (v *validation) types(params []Param, values *value.Dict, where in) {
	for _, p := range params {
		x := values.At(p.Name)
		if x == nil {
			continue
		}
		got, err := convert(p.Type, x)
		if err != nil {
			v.fail("argument '%s' is of type %s%s and we were unable to convert to %s: %v", p.Name, class(x), where.sentence(), p.Type.name(), err)
			continue
		}
		if l, ok := got.(*value.List); ok && p.Elements != "" {
			got = v.elements(p, l, where)
		}
		values.Set(p.Name, got)
	}
}

func (v *validation) elements(p Param, l *value.List, where in) *value.List {
	out := &value.List{Items: make([]any, 0, l.Len())}
	for _, x := range l.Items {
		got, err := convert(p.Elements, x)
		if err != nil {
			v.fail("Elements value for option '%s'%s is of type %s and we were unable to convert to %s: %v", p.Name, where.quoted(), class(x), p.Elements, err)
			continue
		}
		out.Append(got)
	}
	return out
}

func (v *validation) choices(params []Param, values *value.Dict, where in) {
	for _, p := range params {
		x, ok := values.Lookup(p.Name)
		if p.Choices == nil || !ok {
			continue
		}
		if l, ok := x.(*value.List); ok {
			v.listChoices(p, l, where)
			continue
		}
		if x == nil && !p.Required {
			continue
		}
		if s, ok := x.(string); ok && !p.allows(x) {
			x = p.word(s)
			values.Set(p.Name, x)
		}
		if !p.allows(x) {
			v.fail("value of %s must be one of: %s, got: %s%s", p.Name, joinValues(p.Choices), value.Str(x), where.suffix())
		}
	}
}

func (v *validation) listChoices(p Param, l *value.List, where in) {
	var bad []any
	for _, e := range l.Items {
		if !p.allows(e) {
			bad = append(bad, e)
		}
	}
	if len(bad) > 0 {
		v.fail("value of %s must be one or more of: %s. Got no match for: %s%s", p.Name, joinValues(p.Choices), joinValues(bad), where.suffix())
	}
}

func (p Param) allows(x any) bool {
	for _, c := range p.Choices {
		if value.Equal(c, x) {
			return true
		}
	}
	return false
}

// word undoes what YAML did to a bare yes, no, on or off, when exactly one
// choice can have been meant.
func (p Param) word(s string) any {
	var wanted bool
	switch s {
	case "True":
		wanted = true
	case "False":
	default:
		return s
	}
	var fit []any
	for _, c := range p.Choices {
		if b, err := toBool(c); err == nil && b == wanted {
			fit = append(fit, c)
		}
	}
	if len(fit) == 1 {
		return fit[0]
	}
	return s
}

func joinValues(items []any) string {
	out := make([]string, len(items))
	for i, x := range items {
		out[i] = value.Str(x)
	}
	return strings.Join(out, ", ")
}

func (v *validation) together(groups [][]string, values *value.Dict, where in) {
	var broken [][]string
	for _, names := range groups {
		if n := count(names, values); n > 0 && n < len(names) {
			broken = append(broken, names)
		}
	}
	if len(broken) > 0 {
		v.fail("parameters are required together: %s%s", strings.Join(broken[0], ", "), where.suffix())
	}
}

func (v *validation) oneOf(groups [][]string, values *value.Dict, where in) {
	for _, names := range groups {
		if count(names, values) == 0 {
			v.fail("one of the following is required: %s%s", strings.Join(names, ", "), where.suffix())
			return
		}
	}
}

func (v *validation) requiredIf(rules []RequiredIf, values *value.Dict, where in) {
	for _, r := range rules {
		x, ok := values.Get(r.Param)
		if !ok || !value.Equal(x, r.Value) {
			continue
		}
		var missing []string
		for _, name := range r.Needs {
			if !values.Has(name) {
				missing = append(missing, name)
			}
		}
		kind := "all"
		if r.Any {
			kind = "any"
			if len(missing) < len(r.Needs) {
				continue
			}
		}
		if len(missing) > 0 {
			v.fail("%s is %s but %s of the following are missing: %s%s", r.Param, value.Str(r.Value), kind, strings.Join(missing, ", "), where.suffix())
			return
		}
	}
}

func (v *validation) requiredBy(rules map[string][]string, values *value.Dict, where in) {
	names := make([]string, 0, len(rules))
	for name := range rules {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		if values.At(name) == nil {
			continue
		}
		var missing []string
		for _, need := range rules[name] {
			if values.At(need) == nil {
				missing = append(missing, need)
			}
		}
		if len(missing) > 0 {
			v.fail("missing parameter(s) required by '%s': %s%s", name, strings.Join(missing, ", "), where.suffix())
			return
		}
	}
}

// inner validates the options inside dict arguments and lists of dicts.
func (v *validation) inner(params []Param, values *value.Dict, where in) {
	for _, p := range params {
		if p.Options == nil {
			continue
		}
		if values.At(p.Name) == nil && p.ApplyDefaults {
			values.Set(p.Name, &value.Dict{})
		}
		deeper := append(append(in(nil), where...), p.Name)
		switch x := values.At(p.Name).(type) {
		case *value.Dict:
			values.Set(p.Name, v.options(options{params: p.Options}, x, deeper))
		case *value.List:
			out := &value.List{}
			for _, e := range x.Items {
				d, ok := e.(*value.Dict)
				if !ok {
					v.fail("value of '%s' must be of type dict or list of dicts", p.Name)
					continue
				}
				out.Append(v.options(options{params: p.Options}, d, deeper))
			}
			values.Set(p.Name, out)
		}
	}
}
