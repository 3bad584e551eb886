package modules_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"reflect"
	"slices"
	"sort"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sunup/internal/value"
	"sunup/modules"
)

var updateOptions = flag.Bool("update", false, "write testdata/options.txt anew")

// documented is an option as ansible-doc tells it.
type documented struct {
	Type, Elements string
	Required       bool
	Default        any
	Choices        any
	Aliases        []string
	Suboptions     map[string]documented
}

// What we declare is held against what ansible-doc tells of the modules of the
// same name. Every difference stands in testdata/options.txt, so that none is
// made without being seen:
//
//	go test ./modules -run TestOptionsAreThoseOfAnsible -update
func TestOptionsAreThoseOfAnsible(t *testing.T) {
	if ansiblePython() == "" {
		t.Skip("needs ansible-core 2.14 to compare with")
	}
	if testing.Short() && !*updateOptions {
		t.Skip("asks ansible-doc for a hundred modules")
	}
	docs := ansibleDocs(t)
	var found []string
	for _, name := range modules.Names() {
		m := modules.Lookup(name, nil)
		if name != m.Name || m.Engine || strings.HasPrefix(name, "sunup.") {
			continue
		}
		theirs, ok := docs[name]
		if !ok {
			found = append(found, name+": not in this ansible")
			continue
		}
		for _, d := range compareOptions("", m.Spec.All(), m.Spec.Open, theirs) {
			found = append(found, name+": "+d)
		}
	}
	list := strings.Join(found, "\n") + "\n"
	const file = "testdata/options.txt"
	if *updateOptions {
		if err := os.WriteFile(file, []byte(list), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	known, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(strings.Split(string(known), "\n"), strings.Split(list, "\n")); d != "" {
		t.Errorf("options differ from Ansible's otherwise than %s tells (-update writes it anew): - known + found\n%s", file, d)
	}
}

// ansibleDocs are the documented options of every module of ours that this
// ansible has.
func ansibleDocs(t *testing.T) map[string]map[string]documented {
	t.Helper()
	program, err := exec.LookPath("ansible-doc")
	if err != nil {
		t.Skip("needs ansible-doc to compare with")
	}
	var names []string
	for _, name := range modules.Names() {
		if m := modules.Lookup(name, nil); name == m.Name && !m.Engine && !strings.HasPrefix(name, "sunup.") {
			names = append(names, name)
		}
	}
	out, err := exec.Command(program, append([]string{"-j"}, names...)...).Output()
	if err != nil {
		t.Fatalf("ansible-doc: %v", err)
	}
	var all map[string]struct {
		Doc struct{ Options map[string]documented }
	}
	if err := json.Unmarshal(out, &all); err != nil {
		t.Fatal(err)
	}
	docs := map[string]map[string]documented{}
	for name, d := range all {
		docs[name] = d.Doc.Options
	}
	return docs
}

func compareOptions(at string, ours []modules.Param, open bool, theirs map[string]documented) []string {
	var found []string
	tell := func(format string, args ...any) { found = append(found, fmt.Sprintf(format, args...)) }
	known := map[string]bool{}
	for _, p := range ours {
		known[p.Name] = true
		d, ok := theirs[p.Name]
		switch {
		case ok:
			found = append(found, compareOption(at, p, d)...)
		case p.Name == "_raw_params":
			known["free_form"], known["free-form"] = true, true
		default:
			tell("%s%s is only ours", at, p.Name)
		}
	}
	for name := range theirs {
		if !known[name] && !open {
			tell("%s%s is missing", at, name)
		}
	}
	sort.Strings(found)
	return found
}

func compareOption(at string, p modules.Param, d documented) []string {
	var found []string
	tell := func(what string, ours, theirs any) {
		found = append(found, fmt.Sprintf("%s%s: %s is %v, ansible's %v", at, p.Name, what, ours, theirs))
	}
	or := func(t modules.Type, other string) string {
		if t == "" {
			return other
		}
		return string(t)
	}
	if ours, theirs := or(p.Type, "str"), or(modules.Type(d.Type), "str"); ours != theirs {
		tell("type", ours, theirs)
	}
	if ours, theirs := or(p.Elements, "any"), or(modules.Type(d.Elements), "any"); p.Type == modules.List && ours != theirs {
		tell("elements", ours, theirs)
	}
	if p.Required != d.Required {
		tell("required", p.Required, d.Required)
	}
	if ours, theirs := plainJSON(value.ToGo(p.Default)), d.plainDefault(); !reflect.DeepEqual(ours, theirs) && fmt.Sprint(ours) != fmt.Sprint(theirs) && !(empty(ours) && empty(theirs)) {
		tell("default", text(ours), text(theirs))
	}
	ours, theirs := append([]string(nil), p.Aliases...), append([]string(nil), d.Aliases...)
	sort.Strings(ours)
	sort.Strings(theirs)
	if !slices.Equal(ours, theirs) {
		tell("aliases", ours, theirs)
	}
	if a, b := choiceNames(plainJSON(p.Choices)), choiceNames(d.Choices); !slices.Equal(a, b) {
		tell("choices", a, b)
	}
	if len(d.Suboptions) > 0 || len(p.Options) > 0 {
		found = append(found, compareOptions(at+p.Name+".", p.Options, false, d.Suboptions)...)
	}
	return found
}

// plainDefault is the default with YAML's words for bools made bools.
func (d documented) plainDefault() any {
	switch {
	case d.Type != "bool":
	case d.Default == "yes":
		return true
	case d.Default == "no":
		return false
	}
	return d.Default
}

// empty reports whether a default says nothing: modules take null, [] and {}
// alike.
func empty(v any) bool { s := text(v); return s == "null" || s == "[]" || s == "{}" }

func text(v any) string {
	b, _ := json.Marshal(v) //nolint:errcheck // it came from JSON
	return string(b)
}

func plainJSON(v any) any {
	var out any
	_ = json.Unmarshal([]byte(text(v)), &out) //nolint:errcheck // it was JSON
	return out
}

// choiceNames are choices in order; ansible documents them as a list or as a
// mapping to descriptions.
func choiceNames(v any) []string {
	var names []string
	switch v := v.(type) {
	case []any:
		for _, c := range v {
			names = append(names, fmt.Sprint(c))
		}
	case map[string]any:
		for c := range v {
			names = append(names, c)
		}
	}
	sort.Strings(names)
	return names
}
