package playbooks

import (
	"errors"
	"fmt"
	"io/fs"
	"regexp"

	"sunup/internal/say"
	"sunup/internal/value"
	"sunup/internal/yaml"
)

var errNotExist = fs.ErrNotExist

// renderName fills in the name of a file or role that is needed before the
// run, from the variables that are known then. own are the vars beside it.
func (c *place) renderName(at *yaml.Node, name string, own *value.Dict) (string, bool) {
	if !isTemplate(name) {
		return name, true
	}
	vars := c.staticVars(own)
	render := c.o.Render
	if render == nil {
		render = renderPlain
	}
	out, err := render(name, vars)
	if text, ok := out.(string); ok && err == nil && text != "" {
		return text, true
	}
	if err == nil {
		if number, ok := out.(int); ok {
			return fmt.Sprint(number), true
		}
		err = errors.New("the result is not text")
	}
	c.report(problem(at, "import-template", say.T("cannot fill in '%s' before the run: %s", "실행 전에 '%s'{을/를} 채울 수 없습니다: %s", shorten(name), err.Error()),
		say.T("what is imported must be known before the run, so only vars, vars_files, role defaults and --extra-vars can be used here, not facts or the inventory",
			"가져올 것은 실행 전에 정해져야 합니다. 그래서 vars, vars_files, 롤의 defaults, --extra-vars만 쓸 수 있고 팩트와 인벤토리는 쓸 수 없습니다"),
		say.T("use include_tasks or include_role instead, which are resolved during the run", "실행 중에 풀리는 include_tasks나 include_role을 쓰세요")))
	return "", false
}

// staticVars are the variables known before the run, the strongest last.
func (c *place) staticVars(own *value.Dict) *value.Dict {
	d := value.NewDict("playbook_dir", c.abs(c.playDir()))
	roles := c.parent.RoleChain()
	for _, sc := range roles {
		if sc.Role != nil {
			d.Update(sc.Role.Defaults)
			d.Set("role_path", sc.Role.Path)
			d.Set("role_name", sc.Role.Name)
		}
	}
	chain := c.parent.chain()
	if len(chain) > 0 && chain[0].Kind == PlayScope {
		d.Update(chain[0].Vars)
		c.addVarsFiles(d)
		chain = chain[1:]
	}
	for _, sc := range roles {
		if sc.Role != nil {
			d.Update(sc.Role.Vars)
		}
	}
	for _, sc := range chain {
		d.Update(sc.Vars)
		d.Update(sc.RoleParams)
	}
	d.Update(own)
	d.Update(c.o.ExtraVars)
	return d
}

// addVarsFiles adds what the play's vars_files hold, as far as their names are
// plain and they are there: the runner complains about the others.
func (c *place) addVarsFiles(d *value.Dict) {
	if c.play == nil {
		return
	}
	for _, vf := range c.play.VarsFiles {
		path, _ := c.findVarsFile(vf)
		if path == "" {
			continue
		}
		if vars, ok := Variables(c.parse(path).root.Value()); ok {
			d.Update(vars)
		}
	}
}

var plainTemplate = regexp.MustCompile(`\{\{\s*([A-Za-z_][A-Za-z0-9_]*)\s*\}\}`)

// maxPlainDepth bounds variables that stand for templates again.
const maxPlainDepth = 10

// renderPlain knows names of variables only.
func renderPlain(src string, vars *value.Dict) (any, error) {
	for depth := 0; isTemplate(src); depth++ {
		if depth == maxPlainDepth || len(src) > 1<<16 {
			return nil, errors.New("the variables refer to each other")
		}
		var missing string
		found := false
		src = plainTemplate.ReplaceAllStringFunc(src, func(m string) string {
			found = true
			name := plainTemplate.FindStringSubmatch(m)[1]
			v, ok := vars.Get(name)
			if !ok {
				missing = name
				return ""
			}
			return fmt.Sprint(v)
		})
		switch {
		case missing != "":
			return nil, fmt.Errorf("'%s' is undefined", missing)
		case !found:
			return nil, errors.New("only names of variables can be used")
		}
	}
	return src, nil
}
