package modtest

import (
	"fmt"
	"regexp"
	"sort"
	"strings"

	"sunup/internal/value"
	"sunup/modules"
)

// Flat is the result as one dict, as a playbook registers it.
func Flat(r *modules.Result) *value.Dict {
	d := r.Values.Copy()
	d.Set("changed", r.Changed)
	if r.Failed {
		d.Set("failed", true)
	}
	if r.Skipped {
		d.Set("skipped", true)
	}
	if r.Msg != "" {
		d.Set("msg", r.Msg)
	}
	if r.Facts != nil {
		d.Set("ansible_facts", r.Facts)
	}
	if len(r.Warnings) > 0 {
		d.Set("warnings", value.Strings(r.Warnings))
	}
	var diffs []any
	for _, x := range r.Diffs {
		e := value.NewDict("before", x.Before, "after", x.After, "before_header", x.BeforeHeader, "after_header", x.AfterHeader)
		if x.Prepared != "" {
			e = value.NewDict("prepared", x.Prepared)
		}
		diffs = append(diffs, e)
	}
	if diffs != nil {
		d.Set("diff", value.NewList(diffs...))
	}
	return d
}

// Print prints a result for a person.
func Print(r *modules.Result) string {
	if r == nil {
		return "none"
	}
	s, err := value.EncodeJSON(Flat(r), value.JSONOptions{Pretty: true, Indent: "  "})
	if err != nil {
		return err.Error()
	}
	return s
}

// differ collects where got is not what is wanted.
func differ(path string, want, got any, problems *[]string) {
	report := func() {
		*problems = append(*problems, fmt.Sprintf("%s: is %#v, expected %#v", strings.TrimPrefix(path, "."), got, want))
	}
	switch want := want.(type) {
	case map[string]any:
		m, ok := got.(map[string]any)
		if !ok {
			report()
			return
		}
		keys := make([]string, 0, len(want))
		for k := range want {
			keys = append(keys, k)
		}
		sort.Strings(keys)
		for _, k := range keys {
			have, there := m[k]
			if !there && want[k] != nil && !(want[k] == false && (k == "failed" || k == "skipped")) {
				*problems = append(*problems, strings.TrimPrefix(path+"."+k, ".")+": is not there")
				continue
			}
			if there {
				differ(path+"."+k, want[k], have, problems)
			}
		}
	case []any:
		l, ok := got.([]any)
		if !ok || len(l) != len(want) {
			report()
			return
		}
		for i := range want {
			differ(fmt.Sprintf("%s[%d]", path, i), want[i], l[i], problems)
		}
	case string:
		if pattern, ok := strings.CutPrefix(want, "re:"); ok {
			re, err := regexp.Compile("(?s)" + pattern)
			if err != nil || !re.MatchString(fmt.Sprint(got)) {
				report()
			}
		} else if want == "*" {
			if got == nil {
				report()
			}
		} else if want != got {
			report()
		}
	default:
		if !value.Equal(value.FromGo(want), value.FromGo(got)) {
			report()
		}
	}
}

// lineDiff prints the lines that only one of two texts has.
func lineDiff(before, after string) string {
	var out strings.Builder
	have := map[string]int{}
	for _, l := range strings.Split(before, "\n") {
		have[l]++
	}
	for _, l := range strings.Split(after, "\n") {
		if have[l] == 0 {
			out.WriteString("+ " + l + "\n")
			continue
		}
		have[l]--
	}
	for l, n := range have {
		if n > 0 {
			out.WriteString("- " + l + "\n")
		}
	}
	return out.String()
}
