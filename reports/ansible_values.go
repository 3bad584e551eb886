package reports

import (
	"sort"
	"strings"

	"sunup/internal/event"
	"sunup/internal/value"
)

// censoredKeys are all that a censored result shows.
var censoredKeys = []string{"censored", "attempts", "changed", "retries", "failed", "unreachable", "skipped", "_ansible_verbose_always", "_ansible_verbose_override"}

const censoredText = "the output has been hidden due to the fact that 'no_log: true' was specified for this result"

// shownValues are the values that may be shown. A result with no_log should
// have been censored already; here nothing depends on that.
func shownValues(r event.Result) *value.Dict {
	if !r.NoLog && !truthy(r.Values, "_ansible_no_log") {
		return r.Values
	}
	out := value.NewDict("censored", censoredText)
	for _, k := range censoredKeys {
		if v, ok := r.Values.Get(k); ok {
			out.Set(k, v)
		}
	}
	return out
}

// without returns the dict without a key; the dict itself is not changed.
func without(d *value.Dict, keys ...string) *value.Dict {
	var out *value.Dict
	for _, k := range keys {
		if out == nil && d.Has(k) {
			out = d.Copy()
		}
		if out != nil {
			out.Delete(k)
		}
	}
	if out == nil {
		return d
	}
	return out
}

// cleaned leaves of a debug task only what it was meant to show.
func cleaned(t event.TaskStarted, values *value.Dict) *value.Dict {
	if !isAction(t, "debug") {
		return values
	}
	if !values.Has("msg") {
		return without(values, "changed", "failed", "skipped", "invocation", "skip_reason")
	}
	out := &value.Dict{}
	for k, v := range values.All() {
		name := value.Str(k)
		switch {
		case name == "msg", name == "exception", name == "warnings", name == "deprecations", strings.HasPrefix(name, "_"):
			out.Set(k, v)
		}
	}
	return out
}

// dump prints the values of a result: on one line, or in lines of their own
// with -vvv and for tasks that are there to be read.
func (a *Ansible) dump(t event.TaskStarted, values *value.Dict, o event.Outcome) string {
	indent := ""
	pretty := a.o.PrettyResults == PrettyAlways || a.o.PrettyResults == PrettyByForm && a.o.Results == PlainYAMLResults
	if alwaysVerbose(t, values, o) || pretty || a.o.Verbosity > 2 {
		indent = "    "
	}
	if a.o.PrettyResults == PrettyNever {
		indent = ""
	}
	shown := &value.Dict{}
	for k, v := range values.All() {
		name := value.Str(k)
		switch {
		case name == "exception", a.o.Verbosity < 3 && (name == "invocation" || name == "diff"):
		default:
			shown.Set(k, v)
		}
	}
	switch a.o.Results {
	case YAMLResults:
		return yamlResult(shown)
	case PlainYAMLResults:
		return plainYAML(shown, indent, a.o.PrettyResults)
	case DebugResults:
		return debugResult(shown)
	}
	return dumpJSON(shown, indent)
}

// dumpJSON writes as Python's json.dumps with sorted keys; internal keys
// (_ansible_*) are left out at every depth.
func dumpJSON(d *value.Dict, indent string) string { return encodeShown(d, indent, indent != "") }

// dumpLines is dumpJSON with line breaks, even without indentation.
func dumpLines(d *value.Dict, indent string) string { return encodeShown(d, indent, true) }

func encodeShown(d *value.Dict, indent string, lines bool) string {
	clean := stripInternal(d, 0)
	o := value.JSONOptions{Indent: indent, Pretty: lines, SortKeys: true, Default: func(v any) (any, error) { return value.Str(v), nil }}
	s, err := value.EncodeJSON(clean, o)
	if err != nil {
		// Keys that cannot be compared are sorted as text, at the top only.
		o.SortKeys = false
		s, err = value.EncodeJSON(sortedAsText(clean), o)
	}
	if err != nil {
		return value.Repr(clean)
	}
	return s
}

func sortedAsText(v any) any {
	d, ok := v.(*value.Dict)
	if !ok {
		return v
	}
	keys := append([]any(nil), d.Keys()...)
	sort.SliceStable(keys, func(i, j int) bool { return value.Str(keys[i]) < value.Str(keys[j]) })
	out := &value.Dict{}
	for _, k := range keys {
		v, _ := d.Get(k)
		out.Set(k, v)
	}
	return out
}

// maxShownDepth is deeper than anything a person reads.
const maxShownDepth = 100

func stripInternal(v any, depth int) any {
	if depth > maxShownDepth {
		return "..."
	}
	switch v := v.(type) {
	case *value.Dict:
		out := &value.Dict{}
		for k, e := range v.All() {
			if name, ok := k.(string); ok && strings.HasPrefix(name, "_ansible_") {
				continue
			}
			out.Set(k, stripInternal(e, depth+1))
		}
		return out
	case *value.List:
		out := &value.List{Items: make([]any, len(v.Items))}
		for i, e := range v.Items {
			out.Items[i] = stripInternal(e, depth+1)
		}
		return out
	}
	return v
}
