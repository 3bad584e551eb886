package playbooks

import (
	"math"
	"math/big"
	"strconv"
	"strings"

	"sunup/internal/diag"
	"sunup/internal/say"
	"sunup/internal/value"
	"sunup/internal/yaml"
)

// shape is what the value of a keyword looks like.
type shape int

const (
	anything shape = iota
	text
	boolean
	integer
	number
	percent
	list       // a list, or one value that stands for a list
	mappings   // a mapping or a list of them, or a template
	conditions // text or true/false, or a list of them
	tagList    // text with commas, or a list
	names      // text, or a list of text
	variables  // a mapping, or a list of mappings, with names of variables as keys
	structure  // tasks, roles and so on, read by functions of their own
	duration   // 90s, 30m, 1h30m or seconds
)

// where is a set of the places that a keyword may stand in.
type where int

const (
	inPlay where = 1 << iota
	inBlock
	inTask
	inHandler
	inRole
	inMeta     // meta/main.yml of a role
	inPlaybook // import_playbook

	inTasks   = inTask | inHandler
	inSteps   = inTasks | inBlock
	inAll     = inPlay | inSteps | inRole | inMeta | inPlaybook
	inHolders = inPlay | inSteps | inRole | inMeta
)

// keyword is one word of the language.
type keyword struct {
	name   string
	shape  shape
	in     where
	values []string // the only values, when not empty
}

// keywordTable is every keyword of Ansible's reference, then ours.
var keywordTable = []keyword{
	{name: "name", shape: text, in: inAll},
	{name: "connection", shape: text, in: inAll},
	{name: "port", shape: integer, in: inAll},
	{name: "remote_user", shape: text, in: inAll},
	{name: "vars", shape: variables, in: inAll},
	{name: "module_defaults", shape: mappings, in: inAll},
	{name: "environment", shape: mappings, in: inAll},
	{name: "no_log", shape: boolean, in: inAll},
	{name: "run_once", shape: boolean, in: inAll},
	{name: "ignore_errors", shape: boolean, in: inAll},
	{name: "ignore_unreachable", shape: boolean, in: inAll},
	{name: "check_mode", shape: boolean, in: inAll},
	{name: "diff", shape: boolean, in: inAll},
	{name: "any_errors_fatal", shape: boolean, in: inAll},
	{name: "throttle", shape: integer, in: inAll},
	{name: "timeout", shape: integer, in: inAll},
	{name: "debugger", shape: text, in: inAll, values: []string{"always", "never", "on_failed", "on_unreachable", "on_skipped"}},
	{name: "become", shape: boolean, in: inAll},
	{name: "become_method", shape: text, in: inAll},
	{name: "become_user", shape: text, in: inAll},
	{name: "become_flags", shape: text, in: inAll},
	{name: "become_exe", shape: text, in: inAll},
	{name: "collections", shape: names, in: inHolders},
	{name: "tags", shape: tagList, in: inAll &^ inMeta},
	{name: "when", shape: conditions, in: inSteps | inRole | inPlaybook},
	{name: "delegate_to", shape: text, in: inSteps | inRole},
	{name: "delegate_facts", shape: boolean, in: inSteps | inRole},
	{name: "notify", shape: names, in: inSteps},
	{name: "listen", shape: names, in: inHandler},

	{name: "hosts", shape: structure, in: inPlay},
	{name: "user", shape: text, in: inPlay},
	{name: "gather_facts", shape: boolean, in: inPlay},
	{name: "gather_subset", shape: list, in: inPlay},
	{name: "gather_timeout", shape: integer, in: inPlay},
	{name: "fact_path", shape: text, in: inPlay},
	{name: "vars_files", shape: structure, in: inPlay},
	{name: "vars_prompt", shape: structure, in: inPlay},
	{name: "roles", shape: structure, in: inPlay},
	{name: "pre_tasks", shape: structure, in: inPlay},
	{name: "tasks", shape: structure, in: inPlay},
	{name: "post_tasks", shape: structure, in: inPlay},
	{name: "handlers", shape: structure, in: inPlay},
	{name: "force_handlers", shape: boolean, in: inPlay},
	{name: "max_fail_percentage", shape: percent, in: inPlay},
	{name: "serial", shape: structure, in: inPlay},
	{name: "strategy", shape: text, in: inPlay},
	{name: "order", shape: text, in: inPlay, values: []string{"inventory", "reverse_inventory", "sorted", "reverse_sorted", "shuffle"}},

	{name: "block", shape: structure, in: inBlock},
	{name: "rescue", shape: structure, in: inBlock},
	{name: "always", shape: structure, in: inBlock},

	{name: "action", shape: structure, in: inTasks},
	{name: "local_action", shape: structure, in: inTasks},
	{name: "args", shape: structure, in: inTasks},
	{name: "async", shape: integer, in: inTasks},
	{name: "poll", shape: integer, in: inTasks},
	{name: "retries", shape: integer, in: inTasks},
	{name: "delay", shape: integer, in: inTasks},
	{name: "until", shape: conditions, in: inTasks},
	{name: "changed_when", shape: conditions, in: inTasks},
	{name: "failed_when", shape: conditions, in: inTasks},
	{name: "register", shape: text, in: inTasks},
	{name: "loop", shape: structure, in: inTasks},
	{name: "loop_control", shape: structure, in: inTasks},

	{name: "role", shape: text, in: inRole},
	{name: "allow_duplicates", shape: boolean, in: inMeta},
	{name: "dependencies", shape: structure, in: inMeta},
	{name: "galaxy_info", shape: anything, in: inMeta},
	{name: "argument_specs", shape: structure, in: inMeta},

	{name: "needs", shape: structure, in: inPlay},
	{name: "health", shape: structure, in: inPlay},
	{name: "quarantine", shape: structure, in: inPlay},
	{name: "coverage", shape: structure, in: inPlay},
	{name: "limits", shape: structure, in: inPlay},
	{name: "stop", shape: structure, in: inPlay},
	{name: "gather", shape: structure, in: inPlay | inSteps | inRole},
	{name: "budget", shape: duration, in: inPlay},
	{name: "owner", shape: text, in: inPlay},
	{name: "grade", shape: structure, in: inPlay},
	{name: "retry_safe", shape: boolean, in: inSteps | inPlay | inRole},
}

var (
	keywordsByName = func() map[string]*keyword {
		m := make(map[string]*keyword, len(keywordTable))
		for i := range keywordTable {
			m[keywordTable[i].name] = &keywordTable[i]
		}
		return m
	}()
	keywordNames = func() map[where][]string {
		m := map[where][]string{}
		for _, w := range []where{inPlay, inBlock, inTask, inHandler, inRole, inMeta, inPlaybook} {
			for _, k := range keywordTable {
				if k.in&w != 0 {
					m[w] = append(m[w], k.name)
				}
			}
		}
		return m
	}()
)

// keywordIn returns the keyword when it may stand in w.
func keywordIn(name string, w where) *keyword {
	if k := keywordsByName[name]; k != nil && k.in&w != 0 {
		return k
	}
	return nil
}

// loopControlKeys are the keys of loop_control.
var loopControlKeys = []string{"loop_var", "index_var", "label", "pause", "extended", "extended_allitems", "break_when"}

// isTemplate reports whether text must be rendered before it is used.
func isTemplate(s string) bool {
	return strings.Contains(s, "{{") || strings.Contains(s, "{%") || strings.Contains(s, "{#")
}

// literal returns the text of a scalar node, and whether it can be judged now:
// not when it is a template, encrypted or marked as unsafe.
func literal(n *yaml.Node) (string, bool) {
	switch v := n.Scalar.(type) {
	case string:
		return v, !isTemplate(v)
	case value.Vaulted, value.Unsafe:
		return "", false
	}
	return n.Text, true
}

// checkShape reports a value that can never be right for the keyword. Values
// with templates are judged when they are rendered.
func (s *session) checkShape(k *keyword, key, v *yaml.Node) bool {
	if isNull(v) {
		return true
	}
	if s.broken(v) {
		return false
	}
	ok := true
	switch k.shape {
	case text:
		ok = v.Kind == yaml.Scalar
	case boolean:
		ok = v.Kind == yaml.Scalar && isBoolean(v)
	case integer, number, percent:
		ok = v.Kind == yaml.Scalar && isNumber(v, k.shape)
	case duration:
		ok = v.Kind == yaml.Scalar && isDuration(v)
	case mappings:
		ok = areMappings(v)
	case names:
		ok = areTexts(v)
	case conditions:
		ok = areConditions(v)
	}
	if !ok {
		if item := badEntry(k, v); item != nil {
			s.report(wrongEntry(k, item))
		} else {
			s.report(wrongShape(k, key, v))
		}
		return false
	}
	s.checkPlugin(k, v)
	return s.checkValues(k, v)
}

func (s *session) checkValues(k *keyword, v *yaml.Node) bool {
	if len(k.values) == 0 || v.Kind != yaml.Scalar {
		return true
	}
	t, known := literal(v)
	if !known {
		return true
	}
	for _, allowed := range k.values {
		if t == allowed {
			return true
		}
	}
	s.report(problem(v, "wrong-value",
		say.T("'%s' is not a value of %s", "'%s'{은/는} %s의 값이 아닙니다", t, k.name),
		say.Text{},
		nearestOr(t, k.values, say.T("use one of: %s", "다음 중 하나를 쓰세요: %s", strings.Join(k.values, ", ")))))
	return false
}

// badEntry is the first entry of a list that makes the list wrong, or nil.
func badEntry(k *keyword, v *yaml.Node) *yaml.Node {
	if v.Kind != yaml.Sequence {
		return nil
	}
	for _, item := range v.Items {
		switch {
		case k.shape == names && (item.Kind != yaml.Scalar || isNull(item)),
			k.shape == conditions && item.Kind != yaml.Scalar,
			k.shape == mappings && item.Kind != yaml.Mapping && !isNull(item) && !isTemplateNode(item):
			return item
		}
	}
	return nil
}

func isNull(n *yaml.Node) bool {
	return n == nil || (n.Kind == yaml.Scalar && n.Scalar == nil)
}

func isTemplateNode(n *yaml.Node) bool {
	if n.Kind != yaml.Scalar {
		return false
	}
	switch v := n.Scalar.(type) {
	case string:
		return isTemplate(v)
	case value.Vaulted:
		return true
	}
	return false
}

var booleanWords = map[string]bool{
	"y": true, "yes": true, "on": true, "1": true, "true": true, "t": true, "1.0": true,
	"n": false, "no": false, "off": false, "0": false, "false": false, "f": false, "0.0": false,
}

func isBoolean(n *yaml.Node) bool {
	switch v := n.Scalar.(type) {
	case bool:
		return true
	case int:
		return v == 0 || v == 1
	case float64:
		return v == 0 || v == 1
	}
	t, known := literal(n)
	if !known {
		return true
	}
	_, ok := booleanWords[strings.ToLower(strings.TrimSpace(t))]
	return ok
}

func isNumber(n *yaml.Node, sh shape) bool {
	switch v := n.Scalar.(type) {
	case bool, int, *big.Int:
		return true
	case float64:
		return !math.IsNaN(v) && !math.IsInf(v, 0)
	}
	t, known := literal(n)
	if !known {
		return true
	}
	t = strings.ReplaceAll(strings.TrimSpace(t), "_", "")
	if sh == percent {
		t = strings.TrimSpace(strings.ReplaceAll(t, "%", ""))
	}
	if sh == integer {
		_, err := strconv.ParseInt(t, 10, 64)
		return err == nil
	}
	_, err := strconv.ParseFloat(t, 64)
	return err == nil
}

func areTexts(n *yaml.Node) bool {
	if n.Kind == yaml.Mapping {
		return false
	}
	for _, item := range n.Items {
		if item.Kind != yaml.Scalar || isNull(item) {
			return false
		}
	}
	return true
}

func areConditions(n *yaml.Node) bool {
	if n.Kind == yaml.Mapping {
		return false
	}
	for _, item := range n.Items {
		if item.Kind != yaml.Scalar {
			return false
		}
	}
	return true
}

func areMappings(n *yaml.Node) bool {
	switch n.Kind {
	case yaml.Mapping:
		return true
	case yaml.Sequence:
		for _, item := range n.Items {
			if item.Kind == yaml.Sequence || (item.Kind == yaml.Scalar && !isNull(item) && !isTemplateNode(item)) {
				return false
			}
		}
		return true
	}
	return isTemplateNode(n)
}

// broken reports whether the YAML reader complained of this very value, as it
// does of {{ x }} without quotes: then nothing more is to be said of it.
func (s *session) broken(n *yaml.Node) bool { return n != nil && s.told[n.Pos] }

// texts gives the texts of a scalar or of a list.
func texts(n *yaml.Node) []string {
	if isNull(n) {
		return nil
	}
	if n.Kind == yaml.Scalar {
		return []string{scalarText(n)}
	}
	var out []string
	for _, item := range n.Items {
		if item.Kind == yaml.Scalar && !isNull(item) {
			out = append(out, scalarText(item))
		}
	}
	return out
}

// scalarText is a scalar as text.
func scalarText(n *yaml.Node) string {
	switch v := n.Scalar.(type) {
	case nil:
		return ""
	case string:
		return v
	case value.Unsafe:
		return string(v)
	case value.Vaulted:
		return string(v)
	case bool:
		if v {
			return "True"
		}
		return "False"
	case int:
		return strconv.Itoa(v)
	case *big.Int:
		return v.String()
	}
	return n.Text
}

// conditionList gives conditions as strings and bools.
func conditionList(n *yaml.Node) []any {
	one := func(n *yaml.Node) any {
		switch v := n.Scalar.(type) {
		case bool:
			return v
		case nil:
			return nil
		}
		return scalarText(n)
	}
	if n == nil || n.Kind == yaml.Mapping {
		return nil
	}
	if n.Kind == yaml.Scalar {
		if n.Scalar == nil {
			return []any{}
		}
		return []any{one(n)}
	}
	out := []any{}
	for _, item := range n.Items {
		if item.Kind == yaml.Scalar && item.Scalar != nil {
			out = append(out, one(item))
		}
	}
	return out
}

func problem(n *yaml.Node, id string, what, why, fix say.Text) diag.Problem {
	p := n.Problem(id)
	p.What, p.Why, p.Fix = what, why, fix
	return p
}

func warning(n *yaml.Node, id string, what, why, fix say.Text) diag.Problem {
	p := problem(n, id, what, why, fix)
	p.Severity = diag.Warning
	return p
}

// nearestOr is "did you mean" when one of the words is near, else other.
func nearestOr(word string, words []string, other say.Text) say.Text {
	if near := diag.Nearest(word, words); near != "" && near != word {
		return say.T("did you mean '%s'?", "'%s'{을/를} 쓰려던 것인가요?", near)
	}
	return other
}
