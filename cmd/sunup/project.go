package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"sunup/internal/config"
	"sunup/internal/diag"
	"sunup/internal/health"
	"sunup/internal/jinja"
	"sunup/internal/lookup"
	"sunup/internal/pyplugin"
	"sunup/internal/say"
	"sunup/internal/value"
	"sunup/internal/vars"
	"sunup/internal/vault"
	"sunup/internal/yaml"
	"sunup/inventory"
	"sunup/modules"
	"sunup/playbooks"
	"sunup/runner"
)

// project is what a command works with: configuration, inventory, language.
type project struct {
	app       *app
	config    *config.Config
	inventory *inventory.Inventory
	templar   *vars.Templar
	loader    *playbooks.Loader
	plugins   *pyplugin.Catalog // in Python, of the project
	counted   map[string]bool   // templates whose plugins were counted
	extraVars *value.Dict
	secrets   *vault.Secrets
	// hidden is what was decrypted: nobody is shown it.
	hidden  *runner.Hidden
	target  targetFlags
	sources []string // of the inventory
	inputs  *inputs
	plays   map[string]int // how many each playbook has, by its path
	// loaderOptions are what loader was made from.
	loaderOptions playbooks.Options
}

// openProject reads configuration, vault passwords, extra vars and inventory.
// Warnings are told; problems end the command. A command that only checks needs
// no inventory.
func (a *app) openProject(ctx context.Context, t targetFlags, checking bool) (*project, error) {
	p := &project{app: a, target: t, inputs: newInputs(), plays: map[string]int{}, hidden: runner.NewHidden()}
	var problems diag.Problems
	p.config, problems = config.Load(a.getenv)
	if err := problems.Err(); err != nil {
		return nil, err
	}
	if err := p.openVault(ctx); err != nil {
		return nil, err
	}
	p.openPlugins()
	p.templar = vars.NewTemplar(p.jinjaEnv())
	p.templar.Decrypt = p.decryptText
	if err := p.readExtraVars(); err != nil {
		return nil, err
	}
	p.loaderOptions = playbooks.Options{
		RolesPath:        p.config.Paths("DEFAULT_ROLES_PATH", a.home()),
		LibraryPath:      p.config.Paths("DEFAULT_MODULE_PATH", a.home()),
		CollectionsPath:  p.config.Paths("COLLECTIONS_PATHS", a.home()),
		Modules:          catalogue{},
		ExtraVars:        p.extraVars,
		Render:           p.render,
		CheckTemplate:    p.checkTemplate,
		CheckHealth:      health.Check,
		Decrypt:          p.decrypt,
		Seen:             p.seen,
		LackingIsWarning: checking,
	}
	p.loader = playbooks.NewLoader(p.loaderOptions)
	if checking && len(t.inventory) == 0 {
		p.inventory, _ = inventory.Load(ctx, inventory.Options{Sources: []string{"localhost,"}, Python: a.python()})
		return p, nil
	}
	return p, p.openInventory(ctx)
}

func (a *app) home() string {
	if h := a.getenv("HOME"); h != "" {
		return h
	}
	h, _ := os.UserHomeDir()
	return h
}

// python is the interpreter of this machine for the implicit localhost.
func (a *app) python() string {
	if path, err := exec.LookPath("python3"); err == nil {
		return path
	}
	return "/usr/bin/python3"
}

func (p *project) openInventory(ctx context.Context) error {
	sources := p.target.inventory
	if len(sources) == 0 {
		for _, s := range p.config.List("DEFAULT_HOST_LIST") {
			if strings.HasPrefix(s, "~/") {
				s = filepath.Join(p.app.home(), s[2:])
			}
			sources = append(sources, s)
		}
	}
	p.sources = sources
	inv, problems := p.readInventory(ctx)
	p.tellWarnings(problems)
	if err := problems.Err(); err != nil {
		return err
	}
	p.inventory = inv
	return nil
}

// readInventory reads the sources, now or once more.
func (p *project) readInventory(ctx context.Context) (*inventory.Inventory, diag.Problems) {
	return inventory.Load(ctx, inventory.Options{
		Sources: p.sources, Decrypt: p.decrypt, Evaluate: p.evaluate, Python: p.app.python(), ExtraVars: p.extraVars,
		GroupNames:       p.config.Text("TRANSFORM_INVALID_GROUP_CHARS"),
		IgnoreExtensions: p.config.List("INVENTORY_IGNORE_EXTS"),
		IgnorePatterns:   p.config.List("INVENTORY_IGNORE_PATTERNS"),
		UnparsedFails:    p.config.Bool("INVENTORY_UNPARSED_IS_FAILED"),
		AnyUnparsedFails: p.config.Bool("INVENTORY_ANY_UNPARSED_IS_FAILED"),
		Enabled:          p.config.List("INVENTORY_ENABLED"),
	})
}

// checkInventory reads the variable files of the run's hosts beside the
// playbooks: a broken group_vars file ends the command before any host is touched.
func (p *project) checkInventory(playbooks []string, hosts []string) error {
	var all diag.Problems
	dirs := map[string]bool{}
	for _, path := range playbooks {
		dir := filepath.Dir(path)
		if !dirs[dir] {
			dirs[dir] = true
			all = append(all, p.inventory.Check(dir, hosts)...)
		}
	}
	p.tellWarnings(all)
	return all.Err()
}

// evaluate computes an expression for a constructed inventory.
func (p *project) evaluate(ctx context.Context, expr string, d *value.Dict) (any, error) {
	e, err := p.templar.Expr(expr)
	if err != nil {
		return nil, err
	}
	v, _, err := e.Eval(ctx, vars.NewScope(ctx, p.templar, []vars.Layer{{Level: vars.InventoryHostVars, Origin: "inventory", Source: vars.Fixed{Dict: d}}}))
	return v, err
}

// tellWarnings prints what does not stop the command.
func (p *project) tellWarnings(problems diag.Problems) {
	for _, one := range problems {
		if one.Severity == diag.Warning {
			fmt.Fprint(p.app.err, one.Format(p.app.lang))
		}
	}
}

// jinjaEnv is the template engine with everything wired in.
func (p *project) jinjaEnv() *jinja.Env {
	env := jinja.NewEnv()
	env.Native = p.config.Bool("DEFAULT_JINJA2_NATIVE")
	env.FromYAML = func(text string) (any, error) {
		nodes, problems := yaml.Parse("<from_yaml>", []byte(text))
		if err := problems.Err(); err != nil || len(nodes) == 0 {
			return nil, err
		}
		return nodes[0].Value(), nil
	}
	env.FromYAMLAll = func(text string) ([]any, error) {
		nodes, problems := yaml.Parse("<from_yaml_all>", []byte(text))
		if err := problems.Err(); err != nil {
			return nil, err
		}
		out := make([]any, len(nodes))
		for i, n := range nodes {
			out[i] = n.Value()
		}
		return out, nil
	}
	l := lookup.New(lookup.Options{Read: p.readFile, Setting: p.config.Text, KeyValue: playbooks.ParseKeyValue})
	both := lookups{l, p.plugins}
	env.Lookup, env.KnownLookup, env.Plugins = both.Run, both.Known, p.plugins
	env.Vault, env.Unvault = vaultFilter, unvaultFilter
	return env
}

// render fills in the name of an imported file.
func (p *project) render(text string, d *value.Dict) (any, error) {
	scope := vars.NewScope(context.Background(), p.templar, []vars.Layer{
		{Level: vars.ExtraVars, Origin: "extra vars", Source: vars.Fixed{Dict: p.extraVars}},
		{Level: vars.PlayVars, Origin: "play vars", Source: vars.Fixed{Dict: d}},
	})
	v, _, err := p.templar.Value(context.Background(), scope, text)
	return v, err
}

// checkTemplate finds mistakes in a template: of syntax, or else all filters,
// tests and lookups that there are not.
func (p *project) checkTemplate(src string) error {
	t, err := p.templar.Compile(src)
	var where *jinja.Error
	if err != nil && (!errors.As(err, &where) || where.Lacking == "") {
		return err
	}
	if err == nil {
		uses := t.Uses()
		p.countPlugins(src, uses)
		if len(uses.Lookups) == 0 {
			return nil
		}
	}
	return errors.Join(asErrors(p.templar.Env.Lacking("", src), where)...)
}

// asErrors lists what is lacking; of the first one more is known, a hint.
func asErrors(lacking []*jinja.Error, first *jinja.Error) []error {
	out := make([]error, 0, len(lacking))
	for _, one := range lacking {
		if first != nil && one.Subject == first.Subject && one.Line == first.Line {
			one.Hint = first.Hint
		}
		out = append(out, one)
	}
	return out
}

// readExtraVars reads every -e in order; later ones win.
func (p *project) readExtraVars() error {
	p.extraVars = &value.Dict{}
	for _, arg := range p.target.extraVars {
		d, err := p.extraVarsOf(strings.TrimSpace(arg))
		if err != nil {
			return err
		}
		p.extraVars.Update(d)
	}
	return nil
}

func (p *project) extraVarsOf(arg string) (*value.Dict, error) {
	switch {
	case arg == "":
		return nil, nil
	case arg[0] == '@':
		d, problems := p.loadVars(arg[1:])
		return d, problems.Err()
	case arg[0] == '{' || arg[0] == '[':
		return p.dictOf("<extra vars>", []byte(arg))
	}
	return playbooks.ParseKeyValue(arg)
}

func (p *project) dictOf(name string, src []byte) (*value.Dict, error) {
	n, problems := yaml.Load(name, src)
	if err := problems.Err(); err != nil {
		return nil, err
	}
	d, ok := n.Value().(*value.Dict)
	if !ok {
		return nil, fmt.Errorf("%s: expected a dictionary of variables", name)
	}
	return d, nil
}

// loadVars reads a file of variables.
func (p *project) loadVars(path string) (*value.Dict, diag.Problems) {
	src, err := p.readFile(path)
	if err != nil {
		return nil, diag.Problems{{
			Severity: diag.Error, ID: "unreadable-file", Pos: diag.Pos{File: path},
			What: say.T("cannot read the variables file: %s", "변수 파일을 읽을 수 없습니다: %s", err.Error()),
			Fix:  say.T("check the path and the permissions", "경로와 권한을 확인하십시오"),
		}}
	}
	n, problems := yaml.Load(path, src)
	if problems.HasErrors() || n == nil {
		return nil, problems
	}
	d, ok := playbooks.Variables(n.Value())
	if !ok && n.Value() != nil {
		bad := n.Problem("not-a-dictionary")
		bad.What = say.T("a variables file must be a dictionary", "변수 파일은 사전(키: 값) 형식이어야 합니다")
		return nil, append(problems, bad)
	}
	return d, problems
}

// readFile reads a file of the controller, decrypts it when it is vaulted, and
// remembers it as an input of the run.
func (p *project) readFile(path string) ([]byte, error) {
	src, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	p.inputs.add(path, src)
	if vault.IsEncrypted(src) {
		plain, err := p.decrypt(src)
		if failed := new(vault.Error); errors.As(err, &failed) && failed.Kind == vault.NoSecret {
			err = fmt.Errorf("A vault password or secret must be specified to decrypt %s", path)
		}
		return plain, err
	}
	return src, nil
}

func (p *project) decrypt(src []byte) ([]byte, error) {
	plain, _, err := p.secrets.Decrypt(bytes.TrimSpace(src))
	p.hide(plain)
	return plain, err
}

// hide keeps what was decrypted out of what is collected from hosts: the values
// of a file of variables, or the text as it is.
func (p *project) hide(plain []byte) {
	if n, problems := yaml.Load("", plain); n != nil && n.Kind == yaml.Mapping && !problems.HasErrors() {
		p.hidden.AddValues(n.Value())
		return
	}
	p.hidden.Add(string(plain))
}

func (p *project) decryptText(text string) (string, error) {
	plain, err := p.decrypt([]byte(text))
	if locked := new(vault.Error); errors.As(err, &locked) && locked.Said != "" {
		return "", fmt.Errorf("%s: %w", locked.Said, err)
	}
	return string(plain), err
}

// load reads the playbooks; all problems of all of them are told at once.
func (p *project) load(paths []string) ([]*playbooks.Playbook, error) {
	var books []*playbooks.Playbook
	var all diag.Problems
	for _, path := range paths {
		if src, err := os.ReadFile(path); err == nil {
			p.seen(path, src)
		}
		book, problems := p.loader.Load(path)
		all = append(all, problems...)
		if book != nil {
			books = append(books, book)
			p.plays[path] = len(book.Plays)
		}
	}
	if !strings.HasPrefix(p.app.name, "ansible") { // scripts know that tool's output
		all = append(all, checkArguments(books)...)
	}
	p.tellWarnings(all)
	if all.HasErrors() {
		var errs diag.Problems
		for _, one := range all {
			if one.Severity == diag.Error {
				errs = append(errs, one)
			}
		}
		return nil, errs
	}
	return books, nil
}

// catalogue lets the loader ask for modules.
type catalogue struct{}

// Resolve finds a module by its name as written.
func (catalogue) Resolve(name string, collections []string) (fqcn string, freeForm, ok bool) {
	m := modules.Lookup(name, collections)
	if m == nil {
		return "", false, false
	}
	return m.Name, m.Spec.FreeForm, true
}

// Names lists all modules.
func (catalogue) Names() []string { return modules.Names() }
