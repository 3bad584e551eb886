package modtest

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/txtar"
	"gopkg.in/yaml.v3"
)

// Case is one call of a module with what must come of it.
type Case struct {
	// Name is the name of the file; Note is its first paragraph.
	Name, Note string `yaml:"-"`
	// Module is the name of the module; the directory's name when empty.
	Module string
	Args   map[string]any
	// Check and Diff are the flags of the call. Check true calls the module in
	// check mode only.
	Check, Diff bool
	Verbosity   int
	// Vars are variables of the host.
	Vars map[string]any
	// Setup is a shell script run in {{tmp}} before the module.
	Setup string
	// Env is added to the environment of the host.
	Env map[string]string
	// Result is what the result must hold. A mapping need not be complete; a
	// text "re:..." is a regular expression; "*" is anything but null.
	Result map[string]any
	// Absent are names that the result must not have.
	Absent []string
	// Error is a part of the words with which arguments are refused.
	Error string
	// CheckMode is what the run in check mode reports: "same" (default),
	// "skipped", "changed", "ok", or "no" for no such run.
	CheckMode string `yaml:"check_mode"`
	// Again is what the second run reports: "ok" (default), "changed",
	// "failed" or "no" for no second run.
	Again string
	// Root is true for a case that only root can run.
	Root bool
	// Etc gives the host an /etc of its own, a copy, so that accounts can be
	// changed. Only root can run it.
	Etc bool
	// Calls are the calls of the pretended programs in the run that is not a
	// check, "NAME ARGS"; nil leaves them open.
	Calls []string

	// Files are those of the archive, by their path there.
	Files map[string][]byte `yaml:"-"`
	// Exchanges are those of host.yml.
	Exchanges []Exchange `yaml:"-"`
}

// Exchange is one command that a pretended host expects, and its answer.
type Exchange struct {
	// Has are texts that must all be in the script.
	Has []string
	// Stdin must be in what the command reads.
	Stdin                  string
	Stdout, Stderr         string
	Code                   int
	Unreachable, TimeLimit bool
}

// Load reads the case files of one directory.
func Load(dir string) ([]Case, error) {
	names, err := filepath.Glob(filepath.Join(dir, "*.txtar"))
	if err != nil {
		return nil, fmt.Errorf("list cases: %w", err)
	}
	var cases []Case
	for _, name := range names {
		c, err := load(name)
		if err != nil {
			return nil, fmt.Errorf("read case %s: %w", name, err)
		}
		if c.Module == "" {
			c.Module = filepath.Base(dir)
		}
		cases = append(cases, c)
	}
	return cases, nil
}

func load(name string) (Case, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return Case{}, err
	}
	ar := txtar.Parse(text)
	c := Case{Name: strings.TrimSuffix(filepath.Base(name), ".txtar"), Note: strings.TrimSpace(string(ar.Comment)), Files: map[string][]byte{}}
	for _, f := range ar.Files {
		switch f.Name {
		case "case.yml":
			err = strict(f.Data, &c)
		case "host.yml":
			err = strict(f.Data, &c.Exchanges)
			if c.Exchanges == nil {
				c.Exchanges = []Exchange{}
			}
		default:
			c.Files[f.Name] = f.Data
		}
		if err != nil {
			return Case{}, fmt.Errorf("%s: %w", f.Name, err)
		}
	}
	return c, nil
}

func strict(data []byte, into any) error {
	d := yaml.NewDecoder(bytes.NewReader(data))
	d.KnownFields(true)
	return d.Decode(into)
}

// with replaces the placeholders everywhere in v.
func with(v any, replace *strings.Replacer) any {
	switch v := v.(type) {
	case string:
		return replace.Replace(v)
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = with(e, replace)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			out[replace.Replace(k)] = with(e, replace)
		}
		return out
	}
	return v
}
