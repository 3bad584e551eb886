package health

import (
	"math"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"time"

	"sunup/internal/diag"
	"sunup/internal/say"
	"sunup/internal/value"
	"sunup/internal/yaml"
)

// Check finds the mistakes in probes as they are written in a playbook, where
// templates are not filled in yet: those are judged when a host runs.
func Check(n *yaml.Node) diag.Problems {
	r := &reader{early: true}
	r.plan(n)
	return r.problems
}

// Read makes a plan of probes whose templates are filled in. The problems have
// places only when v came from a file. It returns nil when there are problems.
func Read(v any) (*Plan, diag.Problems) {
	r := &reader{}
	plan := r.plan(node(v, 0))
	if r.problems.HasErrors() {
		return nil, r.problems
	}
	return plan, r.problems
}

const (
	// maxDepth bounds groups in groups.
	maxDepth = 20
	// maxProbes bounds the probes of one host.
	maxProbes = 1000
)

// node makes a YAML node of plain data, so that there is one reader.
func node(v any, depth int) *yaml.Node {
	if depth > 2*maxDepth+10 {
		return &yaml.Node{}
	}
	switch v := v.(type) {
	case *value.List:
		n := &yaml.Node{Kind: yaml.Sequence}
		for _, item := range v.Items {
			n.Items = append(n.Items, node(item, depth+1))
		}
		return n
	case *value.Dict:
		n := &yaml.Node{Kind: yaml.Mapping}
		for k, item := range v.All() {
			n.Entries = append(n.Entries, yaml.Entry{Key: node(k, depth+1), Value: node(item, depth+1)})
		}
		return n
	case value.Tuple:
		return node(value.NewList(v...), depth)
	case value.Sequenced:
		n := &yaml.Node{Kind: yaml.Sequence}
		for i := range v.Len() {
			n.Items = append(n.Items, node(v.Item(i), depth+1))
		}
		return n
	case nil:
		return &yaml.Node{}
	}
	return &yaml.Node{Scalar: v, Text: value.Str(v)}
}

// reader turns nodes into probes.
type reader struct {
	early    bool // templates stand for values that are not known yet
	problems diag.Problems
	count    int
}

func (r *reader) report(n *yaml.Node, what, why, fix say.Text) {
	p := n.Problem("bad-probe")
	p.What, p.Why, p.Fix = what, why, fix
	r.problems = append(r.problems, p)
}

// open reports whether the value is only known later.
func (r *reader) open(n *yaml.Node) bool {
	if !r.early || n == nil || n.Kind != yaml.Scalar {
		return false
	}
	switch v := n.Scalar.(type) {
	case string:
		return strings.Contains(v, "{{") || strings.Contains(v, "{%") || strings.Contains(v, "{#")
	case value.Vaulted:
		return true
	}
	return false
}

func isNull(n *yaml.Node) bool { return n == nil || (n.Kind == yaml.Scalar && n.Scalar == nil) }

// plan reads a list of probes, one probe, or {probes: [...], for: 2m}.
func (r *reader) plan(n *yaml.Node) *Plan {
	root := &Probe{}
	switch {
	case r.open(n), isNull(n):
	case n.Kind == yaml.Sequence:
		root.Of = r.list(n, Settings{}, 1)
	case n.Kind == yaml.Mapping:
		root.Of = r.whole(n)
	default:
		r.report(n, say.T("health must be a list of probes, not '%s'", "health에는 점검의 목록이 와야 하는데 '%s'{이/가} 있습니다", excerpt(n.Text)), say.Text{}, howToWrite())
	}
	if root.KOf == 0 {
		root.KOf = len(root.Of)
	}
	return &Plan{root: root}
}

func howToWrite() say.Text {
	return say.T("write '- tcp: 5432' or '- command: pg_isready -q'", "'- tcp: 5432'나 '- command: pg_isready -q'처럼 쓰세요")
}

// whole reads a mapping that holds settings for all its probes.
func (r *reader) whole(n *yaml.Node) []*Probe {
	s := r.settings(n, Settings{})
	probes, kOf := n.Get("probes"), n.Get("k_of")
	var out []*Probe
	for _, e := range n.Entries {
		name := key(e)
		switch {
		case isNull(e.Value) && byKind[name] == nil:
		case byKind[name] != nil:
			out = append(out, r.leaf(n, byKind[name], e, s))
		case name == "probes" && r.open(e.Value):
		case name == "probes" && e.Value.Kind != yaml.Sequence:
			r.report(e.Key, say.T("probes must be a list", "probes에는 목록이 와야 합니다"), say.Text{}, howToWrite())
		case name == "probes":
			out = append(out, r.list(e.Value, s, 1)...)
		case name == "any", name == "all", name == "of" && probes == nil:
			out = append(out, r.group(n, e, s, 1))
		case name == "k_of", name == "name", isSetting(name):
		default:
			r.unknown(e.Key, name, append(append(Kinds(), SettingNames()...), "probes", "any", "all", "k_of", "of", "name"), n)
		}
	}
	if !isNull(kOf) && n.Get("of") == nil && n.Get("any") == nil && n.Get("all") == nil {
		if k := r.kOf(kOf, len(out)); k > 0 {
			return []*Probe{{Name: r.name(n), KOf: k, Of: out, Pos: kOf.Pos}}
		}
	}
	return out
}

func (r *reader) list(n *yaml.Node, s Settings, depth int) []*Probe {
	var out []*Probe
	if depth > maxDepth {
		r.report(n, say.T("probes are nested too deeply", "점검이 너무 깊이 중첩되어 있습니다"), say.Text{}, say.Text{})
		return nil
	}
	for _, item := range n.Items {
		if r.count++; r.count > maxProbes {
			r.report(item, say.T("there are more than %d probes", "점검이 %d개를 넘습니다", maxProbes), say.Text{}, say.Text{})
			return out
		}
		if p := r.probe(item, s, depth); p != nil {
			out = append(out, p)
		}
	}
	return out
}

// probe reads one entry of a list.
func (r *reader) probe(n *yaml.Node, s Settings, depth int) *Probe {
	if r.open(n) {
		return nil
	}
	if n.Kind != yaml.Mapping || len(n.Entries) == 0 {
		r.report(n, say.T("a probe must be a mapping such as {tcp: 5432}", "점검에는 {tcp: 5432} 같은 사전이 와야 합니다"), say.Text{}, howToWrite())
		return nil
	}
	var what *yaml.Entry
	for i := range n.Entries {
		e := &n.Entries[i]
		name := key(*e)
		switch {
		case byKind[name] != nil, name == "any", name == "all", name == "of":
			if what != nil {
				r.report(e.Key, say.T("one probe asks two things: %s and %s", "점검 하나가 %s{와/과} %s 두 가지를 묻습니다", key(*what), name), say.Text{},
					say.T("begin a new entry with '- %s:'", "'- %s:'로 항목을 따로 쓰세요", name))
				return nil
			}
			what = e
		case isSetting(name), name == "name", name == "k_of":
		default:
			r.unknown(e.Key, name, append(append(Kinds(), SettingNames()...), "name", "any", "all", "k_of", "of"), n)
			return nil
		}
	}
	if what == nil {
		r.report(n, say.T("the probe does not say what it asks", "무엇을 점검하는지 쓰여 있지 않습니다"), say.Text{},
			say.T("add one of: %s", "다음 중 하나를 쓰세요: %s", strings.Join(Kinds(), ", ")))
		return nil
	}
	inner := r.settings(n, s)
	if k := byKind[key(*what)]; k != nil {
		if of := keyNode(n, "k_of"); of != nil {
			r.report(of, say.T("k_of needs a list: of", "k_of에는 of 목록이 필요합니다"), say.Text{}, say.T("write {k_of: 4, of: [...]}", "{k_of: 4, of: [...]}처럼 쓰세요"))
			return nil
		}
		return r.leaf(n, k, *what, inner)
	}
	return r.group(n, *what, inner, depth)
}

// unknown reports a key that means nothing, or that belongs somewhere else.
func (r *reader) unknown(at *yaml.Node, name string, known []string, n *yaml.Node) {
	for _, k := range kinds {
		if k.option(name) != nil && n.Get(k.name) != nil {
			r.report(at, say.T("%s belongs inside %s", "%s{은/는} %s 안에 써야 합니다", name, k.name), say.Text{},
				say.T("write '%s: {%s: ..., %s: ...}'", "'%s: {%s: ..., %s: ...}'처럼 쓰세요", k.name, k.short, name))
			return
		}
	}
	r.report(at, say.T("unknown key '%s' in a probe", "점검에 알 수 없는 키 '%s'{이/가} 있습니다", excerpt(name)), say.Text{},
		nearestOr(name, known, say.T("use one of: %s", "다음 중 하나를 쓰세요: %s", strings.Join(known, ", "))))
}

func nearestOr(word string, known []string, other say.Text) say.Text {
	if near := diag.Nearest(word, known); near != "" && near != word {
		return say.T("did you mean '%s'?", "'%s'{을/를} 쓰려던 것인가요?", near)
	}
	return other
}

func key(e yaml.Entry) string {
	if s, ok := e.Key.Scalar.(string); ok {
		return s
	}
	return e.Key.Text
}

func keyNode(n *yaml.Node, name string) *yaml.Node {
	for _, e := range n.Entries {
		if key(e) == name {
			return e.Key
		}
	}
	return nil
}

func isSetting(name string) bool {
	for _, s := range SettingNames() {
		if s == name {
			return true
		}
	}
	return false
}

// group reads any, all, or k_of with of.
func (r *reader) group(n *yaml.Node, e yaml.Entry, s Settings, depth int) *Probe {
	p := &Probe{Pos: e.Key.Pos}
	name := key(e)
	if r.open(e.Value) {
		return p
	}
	if e.Value.Kind != yaml.Sequence || len(e.Value.Items) == 0 {
		r.report(e.Key, say.T("%s must be a list of probes", "%s에는 점검의 목록이 와야 합니다", name), say.Text{}, howToWrite())
		return p
	}
	p.Of = r.list(e.Value, s, depth+1)
	kOf := n.Get("k_of")
	switch {
	case !isNull(kOf):
		p.KOf = r.kOf(kOf, len(e.Value.Items))
	case name == "any":
		p.KOf = 1
	case name == "all":
		p.KOf = len(p.Of)
	default:
		r.report(e.Key, say.T("of needs k_of: how many must pass", "of에는 몇 개가 통과해야 하는지 k_of가 필요합니다"), say.Text{}, say.T("add 'k_of: 1', or write any or all", "'k_of: 1'을 더하거나 any, all을 쓰세요"))
	}
	p.Name = r.name(n)
	return p
}

func (r *reader) kOf(n *yaml.Node, of int) int {
	if r.open(n) {
		return 0
	}
	k, ok := asInteger(n)
	if !ok || k < 1 || k > of {
		r.report(n, say.T("k_of must be a number from 1 to %d", "k_of에는 1에서 %d 사이의 수가 와야 합니다", of), say.Text{}, say.Text{})
		return 0
	}
	return k
}

func (r *reader) name(n *yaml.Node) string {
	v := n.Get("name")
	if isNull(v) || r.open(v) {
		return ""
	}
	if v.Kind != yaml.Scalar {
		r.report(v, say.T("name must be text", "name에는 문자열이 와야 합니다"), say.Text{}, say.Text{})
		return ""
	}
	return excerpt(scalar(v))
}

// leaf reads a probe proper.
func (r *reader) leaf(n *yaml.Node, k *kind, e yaml.Entry, s Settings) *Probe {
	if r.count++; r.count > 2*maxProbes {
		return &Probe{Kind: k.name}
	}
	p := &Probe{Kind: k.name, Pos: e.Key.Pos, Settings: s}
	if p.From == "" {
		p.From = k.sides[0]
	}
	if !contains(k.sides, p.From) {
		if n.Get("from") != nil && keyNode(n, "from") != nil && s.From == p.From && n.Get("probes") == nil {
			r.report(keyNode(n, "from"), say.T("%s cannot be asked from the %s", "%s{은/는} %s에서 확인할 수 없습니다", k.name, sideWord(p.From)), say.Text{}, say.T("remove from", "from을 지우세요"))
		}
		p.From = k.sides[0] // a list's from is for those that have the choice
	}
	o, whole := r.options(k, e, p.From)
	if !whole {
		return p
	}
	ask, label := k.build(o)
	p.ask = ask
	p.Name = r.name(n)
	if p.Name == "" {
		p.Name = strings.TrimSpace(k.name + " " + excerpt(label))
	}
	return p
}

func sideWord(f From) say.Text {
	if f == FromController {
		return say.T("controller", "컨트롤러")
	}
	return say.T("target", "대상 호스트")
}

func contains[T comparable](list []T, v T) bool {
	for _, have := range list {
		if have == v {
			return true
		}
	}
	return false
}

// options reads what is below the kind. whole is false when something is
// wrong, or not known yet.
func (r *reader) options(k *kind, e yaml.Entry, from From) (o options, whole bool) {
	o = options{from: from, given: map[string]any{}}
	before := len(r.problems)
	whole = true
	set := func(opt *option, at, v *yaml.Node) {
		if isNull(v) {
			return
		}
		if r.open(v) {
			whole = false
			o.given[opt.name] = nil
			return
		}
		if got, ok := r.read(opt, at, v, from); ok {
			o.given[opt.name] = got
		}
		whole = whole && !r.hasOpen(v)
	}
	switch {
	case e.Value.Kind == yaml.Mapping:
		for _, inner := range e.Value.Entries {
			name := key(inner)
			opt := k.option(name)
			if opt == nil {
				r.unknownOption(k.name, inner, names(k.options))
				continue
			}
			set(opt, inner.Key, inner.Value)
		}
	case e.Value.Kind == yaml.Sequence:
		r.report(e.Key, say.T("%s must be one value or a mapping, not a list", "%s에는 값 하나나 사전이 와야 하는데 목록이 있습니다", k.name), say.Text{}, say.T("write one entry for each", "항목을 하나씩 따로 쓰세요"))
	default:
		set(k.option(k.short), e.Key, e.Value)
	}
	for _, opt := range k.options {
		if _, ok := o.given[opt.name]; opt.required && !ok && len(r.problems) == before {
			r.report(e.Key, say.T("%s does not say which %s", "%s에 %s{이/가} 없습니다", k.name, opt.name), say.Text{}, say.T("add %s", "%s{을/를} 쓰세요", opt.name))
		}
	}
	if len(r.problems) == before {
		r.together(k, e, o)
	}
	return o, whole && len(r.problems) == before
}

// together reports options that lack each other.
func (r *reader) together(k *kind, e yaml.Entry, o options) {
	lacks := func(ok bool, need say.Text) {
		if !ok {
			r.report(e.Key, say.T("%s needs %s", "%s에는 %s{이/가} 필요합니다", k.name, need), say.Text{}, say.Text{})
		}
	}
	switch k.name {
	case "http":
		lacks(o.has("url") != o.has("steps"), say.T("either url or steps", "url과 steps 중 하나"))
	case "process":
		lacks(o.has("name") || o.has("args"), say.T("name or args", "name이나 args"))
	case "log":
		lacks(o.has("path") != o.has("unit"), say.T("either path or unit", "path와 unit 중 하나"))
		lacks(o.has("line") || o.has("not"), say.T("line or not", "line이나 not"))
	}
}

func (r *reader) unknownOption(of string, e yaml.Entry, known []string) {
	name := key(e)
	if isSetting(name) {
		r.report(e.Key, say.T("%s belongs beside %s, not inside it", "%s{은/는} %s 안이 아니라 옆에 써야 합니다", name, of), say.Text{},
			say.T("write '%s' on the level of '%s'", "'%s'{을/를} '%s'{와/과} 같은 단계에 쓰세요", name, of))
		return
	}
	r.report(e.Key, say.T("unknown option '%s' of %s", "%[2]s에 알 수 없는 옵션 '%[1]s'{이/가} 있습니다", excerpt(name), of), say.Text{},
		nearestOr(name, known, say.T("use one of: %s", "다음 중 하나를 쓰세요: %s", strings.Join(known, ", "))))
}

// hasOpen reports whether a template is somewhere inside.
func (r *reader) hasOpen(n *yaml.Node) bool {
	if r.open(n) {
		return true
	}
	for _, item := range n.Items {
		if r.hasOpen(item) {
			return true
		}
	}
	for _, e := range n.Entries {
		if r.hasOpen(e.Value) {
			return true
		}
	}
	return false
}

// settings reads every, for and the others, on top of those around it.
func (r *reader) settings(n *yaml.Node, s Settings) Settings {
	for _, e := range n.Entries {
		name := key(e)
		if !isSetting(name) || isNull(e.Value) || r.open(e.Value) {
			continue
		}
		r.setting(&s, name, e)
	}
	if s.Stable > 0 && s.Stable >= s.withDefaults().For && keyNode(n, "stable") != nil {
		r.report(keyNode(n, "stable"), say.T("stable is not shorter than for (%s)", "stable이 for(%s)보다 짧지 않습니다", short(s.withDefaults().For)),
			say.T("the probe could never pass", "이 점검은 통과할 수 없습니다"), say.T("make for longer", "for를 늘리세요"))
	}
	return s.withDefaults()
}

func (r *reader) setting(s *Settings, name string, e yaml.Entry) {
	d := func(to *time.Duration) {
		if got, ok := r.read(&option{name: name, shape: length}, e.Key, e.Value, ""); ok {
			*to = got.(time.Duration)
		}
	}
	switch name {
	case "every":
		d(&s.Every)
	case "for":
		d(&s.For)
	case "stable":
		d(&s.Stable)
	case "timeout":
		d(&s.Timeout)
	case "successes":
		if got, ok := r.read(&option{name: name, shape: integer}, e.Key, e.Value, ""); ok {
			s.Successes = got.(int)
		}
	case "backoff":
		f, err := strconv.ParseFloat(strings.TrimSpace(scalar(e.Value)), 64)
		if err != nil || !(f >= 1 && f <= 100) {
			r.wrong(e.Value, name, say.T("a number from 1 to 100", "1에서 100 사이의 수"))
			return
		}
		s.Backoff = f
	case "from":
		if got, ok := r.read(&option{name: name, shape: oneOf, words: []string{string(FromTarget), string(FromController)}}, e.Key, e.Value, ""); ok {
			s.From = From(got.(string))
		}
	}
}

func (r *reader) wrong(n *yaml.Node, name string, want say.Text) {
	shown := say.Plain("'" + excerpt(n.Text) + "'")
	switch n.Kind {
	case yaml.Sequence:
		shown = say.T("a list", "목록")
	case yaml.Mapping:
		shown = say.T("a mapping", "사전")
	}
	r.report(n, say.T("%s must be %s, not %s", "%s에는 %s{이/가} 와야 하는데 %s{이/가} 있습니다", name, want, shown), say.Text{}, say.Text{})
}

// read turns a node into the value of an option.
func (r *reader) read(o *option, at, n *yaml.Node, from From) (any, bool) {
	switch o.shape {
	case words:
		return r.words(o, n)
	case statuses:
		return r.statuses(o, n)
	case texts, patterns, values:
		return r.pairs(o, n)
	case stepList:
		return r.steps(n, from)
	}
	if n.Kind != yaml.Scalar {
		r.wrong(n, o.name, say.T("one value", "값 하나"))
		return nil, false
	}
	got, want := one(o, n)
	if !want.IsZero() {
		r.wrong(n, o.name, want)
		return nil, false
	}
	return got, true
}

// one reads a scalar; want is what should have been there.
func one(o *option, n *yaml.Node) (got any, want say.Text) {
	s := strings.TrimSpace(scalar(n))
	switch o.shape {
	case port:
		e, ok := parseEndpoint(s)
		if !ok {
			return nil, say.T("a port such as 5432, or host:port", "5432 같은 포트나 호스트:포트")
		}
		return e, want
	case integer:
		k, ok := asInteger(n)
		if !ok || k < 0 {
			return nil, say.T("a whole number", "0 이상의 정수")
		}
		return k, want
	case flag:
		b, ok := asFlag(n)
		if !ok {
			return nil, say.T("true or false", "true나 false")
		}
		return b, want
	case length:
		d, ok := ParseDuration(s)
		if !ok || d <= 0 {
			return nil, say.T("a length of time such as 30s or 2m", "30s나 2m 같은 시간")
		}
		return d, want
	case size:
		b, ok := parseSize(s)
		if !ok {
			return nil, say.T("a size such as 512M", "512M 같은 크기")
		}
		return b, want
	case room:
		a, ok := parseAmount(s)
		if !ok {
			return nil, say.T("a share such as 10% or a size such as 5G", "10% 같은 비율이나 5G 같은 크기")
		}
		return a, want
	case pattern:
		re, err := regexp.Compile("(?m)" + scalar(n))
		if err != nil {
			return nil, say.T("a regular expression (%s)", "정규식 (%s)", strings.ReplaceAll(strings.TrimPrefix(err.Error(), "error parsing regexp: "), "(?m)", ""))
		}
		return re, want
	case oneOf:
		if !contains(o.words, s) {
			return nil, say.T("one of %s", "다음 중 하나: %s", strings.Join(o.words, ", "))
		}
		return s, want
	}
	return scalar(n), want
}

func (r *reader) words(o *option, n *yaml.Node) (any, bool) {
	items := []*yaml.Node{n}
	if n.Kind == yaml.Sequence {
		items = n.Items
	}
	var out []string
	for _, item := range items {
		if item.Kind != yaml.Scalar || isNull(item) {
			r.wrong(item, o.name, say.T("text or a list of texts", "문자열이나 그 목록"))
			return nil, false
		}
		out = append(out, scalar(item))
	}
	return out, true
}

var statusClass = regexp.MustCompile(`^([1-5])[xX]{2}$`)

func (r *reader) statuses(o *option, n *yaml.Node) (any, bool) {
	all, ok := r.words(o, n)
	if !ok {
		return nil, false
	}
	var out []span
	for _, w := range all.([]string) {
		s, ok := parseStatus(strings.TrimSpace(w))
		if !ok && !strings.Contains(w, "{{") {
			r.wrong(n, o.name, say.T("a status such as 200, \"2xx\" or \"200-299\"", "200, \"2xx\", \"200-299\" 같은 상태 코드"))
			return nil, false
		}
		out = append(out, s)
	}
	return out, true
}

func parseStatus(w string) (span, bool) {
	if m := statusClass.FindStringSubmatch(w); m != nil {
		c := int(m[1][0]-'0') * 100
		return span{c, c + 99}, true
	}
	from, to, isRange := strings.Cut(w, "-")
	if !isRange {
		to = from
	}
	a, err := strconv.Atoi(from)
	b, err2 := strconv.Atoi(to)
	return span{a, b}, err == nil && err2 == nil && 100 <= a && a <= b && b <= 599
}

func (r *reader) pairs(o *option, n *yaml.Node) (any, bool) {
	if n.Kind != yaml.Mapping {
		r.wrong(n, o.name, say.T("a mapping", "사전"))
		return nil, false
	}
	var out []pair
	for _, e := range n.Entries {
		p := pair{key: key(e)}
		switch {
		case r.open(e.Value):
		case o.shape == values:
			if p.data = e.Value.Value(); !validPath(p.key) {
				r.report(e.Key, say.T("'%s' is no JSON path", "'%s'{은/는} JSON 경로가 아닙니다", excerpt(p.key)), say.Text{}, say.T("write JMESPath such as status or items[0].id", "status나 items[0].id 같은 JMESPath를 쓰세요"))
				return nil, false
			}
		case e.Value.Kind != yaml.Scalar:
			r.wrong(e.Value, p.key, say.T("text", "문자열"))
			return nil, false
		case o.shape == patterns:
			got, ok := r.read(&option{name: p.key, shape: pattern}, e.Key, e.Value, "")
			if !ok {
				return nil, false
			}
			p.pattern = got.(*regexp.Regexp)
		default:
			p.value = scalar(e.Value)
		}
		out = append(out, p)
	}
	return out, true
}

// scalar is a scalar as text.
func scalar(n *yaml.Node) string {
	switch v := n.Scalar.(type) {
	case nil:
		return ""
	case string:
		return v
	case value.Unsafe:
		return string(v)
	case bool:
		return strconv.FormatBool(v)
	case int:
		return strconv.Itoa(v)
	case *big.Int:
		return v.String()
	}
	return n.Text
}

func asInteger(n *yaml.Node) (int, bool) {
	if n.Kind != yaml.Scalar {
		return 0, false
	}
	switch v := n.Scalar.(type) {
	case int:
		return v, true
	case float64:
		return int(v), v == math.Trunc(v) && math.Abs(v) < 1<<31
	case bool:
		return 0, false
	}
	k, err := strconv.Atoi(strings.TrimSpace(scalar(n)))
	return k, err == nil
}

func asFlag(n *yaml.Node) (bool, bool) {
	switch strings.ToLower(strings.TrimSpace(scalar(n))) {
	case "true", "yes", "on", "1", "y", "t":
		return true, true
	case "false", "no", "off", "0", "n", "f":
		return false, true
	}
	return false, false
}

// maxSeconds is ten years: beyond it somebody slipped.
const maxSeconds = 10 * 366 * 86400

// ParseDuration reads a length of time as everywhere in the language: 90, 90s,
// 30m, 1h30m, 2d.
func ParseDuration(s string) (time.Duration, bool) {
	s = strings.TrimSpace(s)
	if n, err := strconv.ParseFloat(s, 64); err == nil {
		if !(n >= 0 && n <= maxSeconds) { // NaN is neither
			return 0, false
		}
		return time.Duration(n * float64(time.Second)), true
	}
	var days time.Duration
	if before, after, ok := strings.Cut(s, "d"); ok {
		n, err := strconv.Atoi(strings.TrimSpace(before))
		if err != nil || n < 0 || n > maxSeconds/86400 {
			return 0, false
		}
		days = time.Duration(n) * 24 * time.Hour
		if s = strings.TrimSpace(after); s == "" {
			return days, true
		}
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 || d > maxSeconds*time.Second {
		return 0, false
	}
	return days + d, true
}

// parseSize reads 1048576, 512M, 5G or 5GiB; a thousand is 1024 as in df -h.
func parseSize(s string) (int64, bool) {
	s = strings.TrimSuffix(strings.TrimSuffix(strings.ToUpper(strings.TrimSpace(s)), "B"), "I")
	factor := float64(1)
	if i := strings.IndexAny(s, "KMGT"); i >= 0 && i == len(s)-1 {
		factor = math.Pow(1024, float64(strings.IndexByte("KMGT", s[i])+1))
		s = s[:i]
	}
	n, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	if err != nil || !(n >= 0 && n*factor < 1<<62) {
		return 0, false
	}
	return int64(n * factor), true
}

func parseAmount(s string) (amount, bool) {
	if before, isPercent := strings.CutSuffix(strings.TrimSpace(s), "%"); isPercent {
		n, err := strconv.ParseFloat(strings.TrimSpace(before), 64)
		return amount{share: n / 100}, err == nil && n >= 0 && n <= 100
	}
	b, ok := parseSize(s)
	return amount{bytes: b}, ok
}

// parseEndpoint reads 5432, host:5432 or [::1]:5432.
func parseEndpoint(s string) (endpoint, bool) {
	host, portText := "", s
	if i := strings.LastIndexByte(s, ':'); i >= 0 {
		host, portText = s[:i], s[i+1:]
		if strings.HasPrefix(host, "[") && strings.HasSuffix(host, "]") {
			host = host[1 : len(host)-1]
		} else if strings.Contains(host, ":") {
			return endpoint{}, false
		}
	}
	n, err := strconv.Atoi(portText)
	if err != nil || n < 1 || n > 65535 || strings.ContainsAny(host, " \t\r\n\x00") {
		return endpoint{}, false
	}
	return endpoint{host, n}, true
}
