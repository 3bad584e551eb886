package jinja

import (
	"encoding/base64"
	"math"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"sunup/internal/jinja/pyre"
	"sunup/internal/value"
)

var coreFilters = []entry{
	{"to_json", "*args **kwargs", filterToJSON(false)},
	{"to_nice_json", "*args **kwargs", filterToJSON(true)},
	{"from_json", "**kwargs", filterFromJSON},
	{"to_yaml", "default_flow_style **kwargs", filterToYAML(false)},
	{"to_nice_yaml", "indent **kwargs", filterToYAML(true)},
	{"from_yaml", "", filterFromYAML},
	{"from_yaml_all", "", filterFromYAMLAll},
	{"bool", "", filterBool},
	{"to_datetime", "format", filterToDatetime},
	{"strftime", "second utc", filterStrftime},
	{"quote", "", filterQuote},
	{"regex_replace", "pattern replacement ignorecase multiline", filterRegexReplace},
	{"regex_escape", "re_type", filterRegexEscape},
	{"regex_search", "regex *args **kwargs", filterRegexSearch},
	{"regex_findall", "regex multiline ignorecase", filterRegexFindall},
	{"ternary", "true_val false_val none_val", filterTernary},
	{"random", "start step seed", filterRandom},
	{"shuffle", "seed", filterShuffle},
	{"mandatory", "msg", filterMandatory},
	{"comment", "style **kw", filterComment},
	{"type_debug", "", filterTypeDebug},
	{"b64decode", "encoding", filterB64Decode},
	{"b64encode", "encoding", filterB64Encode},
	{"split", "sep maxsplit", filterSplit},
	{"urldecode", "", textFilter(unquoteURL)},
	{"urlsplit", "query", filterURLSplit},
	{"vault", "*args **kwargs", hook(func(e *Env) func(*Call) (any, error) { return e.Vault })},
	{"unvault", "*args **kwargs", hook(func(e *Env) func(*Call) (any, error) { return e.Unvault })},
}

// hook is a filter that the program around the engine provides.
func hook(of func(*Env) func(*Call) (any, error)) Func {
	return func(c *Call) (any, error) {
		f := of(c.rt.env)
		if f == nil {
			return nil, FilterError("the filter '%s' cannot be used here", c.Name)
		}
		return f(c)
	}
}

// jsonDefault gives JSON forms to the objects of this package.
func jsonDefault(v any) (any, error) {
	switch v := v.(type) {
	case *dateTime:
		return v.iso("T"), nil
	case *omitType:
		return omitText, nil
	case *Undefined:
		return nil, v.err()
	case *groupTuple:
		return value.Tuple{v.key, v.items}, nil
	}
	return nil, typeError("Object of type %s is not JSON serializable", value.TypeName(v))
}

func filterToJSON(nice bool) Func {
	return func(c *Call) (any, error) {
		if err := checkDefined(c.Value); err != nil {
			return nil, err
		}
		o := value.JSONOptions{ASCII: true, Max: c.rt.bytes, Default: jsonDefault}
		var indent any
		if nice {
			indent, o.SortKeys, o.KeySep, o.ItemSep = 4, true, ": ", ","
			if len(c.Args) > 0 {
				indent = c.Args[0]
			}
			if len(c.Args) > 1 {
				o.SortKeys = value.Truth(c.Args[1])
			}
		}
		for i, name := range c.kwNames {
			v := c.kwVals[i]
			switch name {
			case "indent":
				indent = v
			case "sort_keys":
				o.SortKeys = value.Truth(v)
			case "ensure_ascii":
				o.ASCII = value.Truth(v)
			case "separators":
				pair, err := c.rt.iterate(v)
				if err != nil || len(pair) != 2 {
					return nil, typeError("separators must be a pair of strings")
				}
				o.ItemSep, o.KeySep = value.Str(pair[0]), value.Str(pair[1])
			case "vault_to_text", "preprocess_unsafe", "skipkeys", "allow_nan", "check_circular", "default", "cls":
			default:
				return nil, typeError("JSONEncoder.__init__() got an unexpected keyword argument '%s'", name)
			}
		}
		switch n := indent.(type) {
		case string:
			o.Pretty, o.Indent = true, n
		case int:
			o.Pretty, o.Indent = true, strings.Repeat(" ", min(max(n, 0), 1000))
		}
		s, err := value.EncodeJSON(c.Value, o)
		if err != nil {
			return nil, typeError("%s", Message(err))
		}
		return c.result(s)
	}
}

func filterFromJSON(c *Call) (any, error) {
	s, ok := c.Value.(string)
	if !ok {
		if err := Defined(c.Value); err != nil {
			return nil, err
		}
		return nil, typeError("the JSON object must be str, bytes or bytearray, not %s", value.TypeName(c.Value))
	}
	if err := c.rt.grow(2 * len(s)); err != nil {
		return nil, err
	}
	return value.ParseJSON([]byte(s))
}

func filterFromYAML(c *Call) (any, error) {
	s, ok := c.Value.(string)
	if !ok {
		return c.Value, Defined(c.Value)
	}
	if c.rt.env.FromYAML == nil {
		return nil, FilterError("the filter 'from_yaml' cannot be used here")
	}
	return c.rt.env.FromYAML(s)
}

func filterFromYAMLAll(c *Call) (any, error) {
	s, ok := c.Value.(string)
	if !ok {
		return c.Value, Defined(c.Value)
	}
	if c.rt.env.FromYAMLAll == nil {
		return nil, FilterError("the filter 'from_yaml_all' cannot be used here")
	}
	docs, err := c.rt.env.FromYAMLAll(s)
	return list(docs), err
}

func filterBool(c *Call) (any, error) {
	switch v := c.Value.(type) {
	case nil, bool:
		return v, nil
	case *Undefined:
		return nil, v.err()
	case string:
		switch strings.ToLower(v) {
		case "yes", "on", "1", "true":
			return true, nil
		}
		return false, nil
	}
	return value.Equal(c.Value, 1), nil
}

func filterToDatetime(c *Call) (any, error) {
	s, ok := c.Value.(string)
	if !ok {
		if err := Defined(c.Value); err != nil {
			return nil, err
		}
		return nil, typeError("strptime() argument 1 must be str, not %s", value.TypeName(c.Value))
	}
	layout, err := c.text(0, "%Y-%m-%d %H:%M:%S")
	if err != nil {
		return nil, err
	}
	return strptime(s, layout)
}

func filterStrftime(c *Call) (any, error) {
	layout, err := c.self()
	if err != nil {
		return nil, err
	}
	t := time.Now()
	if second := c.arg(0, nil); second != nil {
		f, ok := value.AsFloat(second)
		if s, isText := second.(string); isText {
			f, ok = value.ParseFloat(s)
		}
		if !ok {
			if err := Defined(second); err != nil {
				return nil, err
			}
			return nil, FilterError("Invalid value for epoch value (%s)", value.Str(second))
		}
		if math.Abs(f) > 2e11 {
			return nil, FilterError("timestamp out of range for platform time_t")
		}
		t = time.Unix(int64(math.Floor(f)), 0)
	}
	utc, err := c.bool(1, false)
	if err != nil {
		return nil, err
	}
	if utc {
		t = t.UTC()
	}
	return c.result(strftime(layout, t))
}

var shellSafe = regexp.MustCompile(`^[\w@%+=:,./-]+$`)

// quoteShell quotes text for a POSIX shell, only if it has to.
func quoteShell(s string) string {
	if shellSafe.MatchString(s) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'"'"'`) + "'"
}

func filterQuote(c *Call) (any, error) {
	if c.Value == nil {
		return "''", nil
	}
	return textFilter(quoteShell)(c)
}

// regex compiles the pattern in parameter 0 and counts the work of looking for it in s, before it is done.
// It is nil when an argument was wrong.
func (r *reading) regex(s string, ignoreCase, multiline any) *pyre.Regexp {
	pattern := r.text(0, "")
	flags := r.flag(ignoreCase, pyre.IgnoreCase) | r.flag(multiline, pyre.Multiline)
	if r.err != nil {
		return nil
	}
	re, err := pyre.Compile(pattern, flags)
	if err != nil {
		r.err = FilterError("%s", err)
		return nil
	}
	r.err = r.c.rt.stepN(len(s)/16 + 1)
	return re
}

func (r *reading) flag(wanted any, f pyre.Flags) pyre.Flags {
	if r.err != nil {
		return 0
	}
	var on bool
	if on, r.err = truth(wanted); !on {
		return 0
	}
	return f
}

func filterRegexReplace(c *Call) (any, error) {
	args := c.read()
	s := args.self()
	re := args.regex(s, c.arg(2, false), c.arg(3, false))
	to := args.text(1, "")
	if args.err != nil {
		return nil, args.err
	}
	out, err := re.Replace(s, to, 0, c.rt.bytes)
	if err != nil {
		return nil, FilterError("%s", err)
	}
	return c.result(out)
}

func filterRegexEscape(c *Call) (any, error) {
	args := c.read()
	s := args.self()
	kind := args.text(0, "python")
	if args.err != nil {
		return nil, args.err
	}
	switch kind {
	case "python":
		return c.result(pyre.Escape(s))
	case "posix_basic":
		var b strings.Builder
		for _, r := range s {
			if strings.ContainsRune(`].[^$*\`, r) {
				b.WriteByte('\\')
			}
			b.WriteRune(r)
		}
		return c.result(b.String())
	case "posix_extended":
		return nil, FilterError("Regex type (%s) not yet implemented", kind)
	}
	return nil, FilterError("Invalid regex type (%s)", kind)
}

func filterRegexFindall(c *Call) (any, error) {
	args := c.read()
	s := args.self()
	re := args.regex(s, c.arg(2, false), c.arg(1, false))
	if args.err != nil {
		return nil, args.err
	}
	rows, err := re.FindAll(s)
	if err != nil {
		return nil, FilterError("%s", err)
	}
	out := make([]any, len(rows))
	for i, row := range rows {
		if len(row) == 1 {
			out[i] = row[0]
			continue
		}
		t := make(value.Tuple, len(row))
		for j, g := range row {
			t[j] = g
		}
		out[i] = t
	}
	return list(out), c.rt.grow(2 * len(s))
}

var groupArg = regexp.MustCompile(`^\\(?:g<(\S+)>|(\d+))`)

func filterRegexSearch(c *Call) (any, error) {
	ignoreCase, _ := c.Kwarg("ignorecase")
	multiline, _ := c.Kwarg("multiline")
	args := c.read()
	s := args.self()
	re := args.regex(s, ignoreCase, multiline)
	if args.err != nil {
		return nil, args.err
	}
	var groups []int
	for _, a := range c.Args[1:] {
		n, err := groupNumber(re, a)
		if err != nil {
			return nil, err
		}
		groups = append(groups, n)
	}
	m, err := re.Search(s)
	if err != nil {
		return nil, FilterError("%s", err)
	}
	if m == nil {
		return nil, nil
	}
	if len(groups) == 0 {
		return m.Text(), nil
	}
	out := make([]any, len(groups))
	for i, n := range groups {
		if g, ok := m.Group(n); ok {
			out[i] = g
		}
	}
	return list(out), nil
}

func groupNumber(re *pyre.Regexp, arg any) (int, error) {
	s, ok := arg.(string)
	if !ok {
		return 0, FilterError("Unknown argument")
	}
	m := groupArg.FindStringSubmatch(s)
	if m == nil {
		return 0, FilterError("Unknown argument")
	}
	name := m[1] + m[2]
	if n, err := strconv.Atoi(name); err == nil {
		if n > re.Groups() {
			return 0, FilterError("no such group")
		}
		return n, nil
	}
	n, ok := re.Named(name)
	if !ok {
		return 0, FilterError("no such group")
	}
	return n, nil
}

func filterTernary(c *Call) (any, error) {
	if c.Value == nil && c.arg(2, nil) != nil {
		return c.Args[2], nil
	}
	ok, err := truth(c.Value)
	if err != nil {
		return nil, err
	}
	if !c.has(0) || !c.has(1) {
		return nil, typeError("ternary() needs a value for true and one for false")
	}
	if ok {
		return c.Args[0], nil
	}
	return c.Args[1], nil
}

func filterRandom(c *Call) (any, error) {
	if err := Defined(c.Value); err != nil {
		return nil, err
	}
	source := randomFor(c.arg(2, nil))
	if end, ok := value.AsInt(c.Value); ok {
		start, step := 0, 1
		if v := c.arg(0, nil); v != nil && value.Truth(v) {
			n, err := c.int(0, 0)
			if err != nil {
				return nil, err
			}
			start = n
		}
		if v := c.arg(1, nil); v != nil && value.Truth(v) {
			n, err := c.int(1, 1)
			if err != nil {
				return nil, err
			}
			step = n
		}
		n := (&pyRange{start, end, step}).Len()
		if n <= 0 {
			return nil, FilterError("empty range for randrange() (%d, %d, %d)", start, end, end-start)
		}
		return start + step*source.Below(n), nil
	}
	if value.Truth(c.arg(0, nil)) || value.Truth(c.arg(1, nil)) {
		return nil, FilterError("start and step can only be used with integer values")
	}
	items, err := c.rt.iterate(c.Value)
	if err != nil {
		return nil, FilterError("random can only be used on sequences and integers")
	}
	if len(items) == 0 {
		return nil, FilterError("Cannot choose from an empty sequence")
	}
	return items[source.Below(len(items))], nil
}

func filterShuffle(c *Call) (any, error) {
	items, err := c.items()
	if err != nil {
		if IsUndefined(err) {
			return nil, err
		}
		return c.Value, nil
	}
	out := append([]any(nil), items...)
	var seed any
	if v := c.arg(0, nil); v != nil && value.Truth(v) {
		seed = v
	}
	randomFor(seed).Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return list(out), nil
}

func filterMandatory(c *Call) (any, error) {
	u, ok := c.Value.(*Undefined)
	if !ok {
		return c.Value, nil
	}
	if msg := c.arg(0, nil); msg != nil {
		return nil, FilterError("%s", value.Str(msg))
	}
	name := ""
	if u.Name != "" {
		name = "'" + u.Name + "' "
	}
	return nil, FilterError("Mandatory variable %s not defined.", name)
}

var commentStyles = map[string]map[string]string{
	"plain":  {"decoration": "# "},
	"erlang": {"decoration": "% "},
	"c":      {"decoration": "// "},
	"cblock": {"beginning": "/*", "decoration": " * ", "end": " */"},
	"xml":    {"beginning": "<!--", "decoration": " - ", "end": "-->"},
}

func filterComment(c *Call) (any, error) {
	args := c.read()
	text := args.self()
	name := args.text(0, "plain")
	if args.err != nil {
		return nil, args.err
	}
	style, ok := commentStyles[name]
	if !ok {
		return nil, FilterError("%s", value.Repr(name))
	}
	p := map[string]any{"newline": "\n", "beginning": "", "prefix_count": 1, "decoration": "", "postfix_count": 1, "end": ""}
	for k, v := range style {
		p[k] = v
	}
	decoration := style["decoration"]
	for i, n := range c.kwNames {
		p[n] = c.kwVals[i]
		if n == "decoration" {
			decoration = value.Str(c.kwVals[i])
		}
	}
	for _, n := range []string{"prefix", "postfix"} {
		if _, ok := p[n]; !ok {
			p[n] = strings.TrimRightFunc(decoration, value.IsSpace)
		}
	}
	return c.decorated(text, p)
}

func (c *Call) decorated(text string, p map[string]any) (any, error) {
	str := func(n string) string { return value.Str(p[n]) }
	nl, deco := str("newline"), str("decoration")
	prefixes, ok1 := value.AsInt(p["prefix_count"])
	postfixes, ok2 := value.AsInt(p["postfix_count"])
	if !ok1 || !ok2 {
		return nil, typeError("prefix_count and postfix_count must be integers")
	}
	if err := c.rt.product(len(deco)+len(nl), strings.Count(text, nl)+max(prefixes, 0)+max(postfixes, 0)+4); err != nil {
		return nil, err
	}
	var b strings.Builder
	if begin := str("beginning"); begin != "" {
		b.WriteString(begin + nl)
	}
	if prefix := str("prefix"); prefix != "" {
		if prefix != nl {
			prefix += nl
		}
		b.WriteString(strings.Repeat(prefix, max(prefixes, 0)))
	}
	body := deco + strings.ReplaceAll(text, nl, nl+deco)
	b.WriteString(strings.ReplaceAll(body, deco+nl, strings.TrimRightFunc(deco, value.IsSpace)+nl))
	b.WriteString(strings.Repeat(nl+str("postfix"), max(postfixes, 0)))
	if end := str("end"); end != "" {
		b.WriteString(nl + end)
	}
	return c.result(b.String())
}

func filterTypeDebug(c *Call) (any, error) {
	if s, ok := c.Value.(value.Sequenced); ok {
		return value.TypeName(s), nil
	}
	return value.TypeName(c.Value), nil
}

func filterB64Encode(c *Call) (any, error) {
	args := c.read()
	s := args.self()
	enc := args.text(0, "utf-8")
	if args.err != nil {
		return nil, args.err
	}
	b, err := encodeText(s, enc)
	if err != nil {
		return nil, err
	}
	return c.result(base64.StdEncoding.EncodeToString(b))
}

func filterB64Decode(c *Call) (any, error) {
	args := c.read()
	s := args.self()
	enc := args.text(0, "utf-8")
	if args.err != nil {
		return nil, args.err
	}
	// Python skips what is not in the alphabet.
	clean := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '+' || r == '/' || r == '=' {
			return r
		}
		return -1
	}, s)
	b, err := base64.StdEncoding.DecodeString(clean)
	if err != nil {
		return nil, FilterError("Incorrect padding")
	}
	out, err := decodeText(b, enc)
	if err != nil {
		return nil, err
	}
	return c.result(out)
}

func filterSplit(c *Call) (any, error) {
	if err := Defined(c.Value); err != nil {
		return nil, err
	}
	if _, ok := c.Value.(string); !ok {
		return nil, typeError("descriptor 'split' for 'str' objects doesn't apply to a '%s' object", value.TypeName(c.Value))
	}
	return strSplit(c)
}

func unquoteURL(s string) string {
	out, err := url.QueryUnescape(s)
	if err != nil {
		return s
	}
	return out
}

func filterURLSplit(c *Call) (any, error) {
	s, err := c.self()
	if err != nil {
		return nil, err
	}
	parts := splitURL(s)
	query, err := c.text(0, "")
	if err != nil {
		return nil, err
	}
	if query == "" {
		return parts, nil
	}
	v, ok := parts.Get(query)
	if !ok {
		return nil, FilterError("urlsplit: unknown URL component: %s", query)
	}
	return v, nil
}

// splitURL cuts a URL into the parts that Python's urlsplit names, sorted by
// name.
func splitURL(s string) *value.Dict {
	rest := s
	scheme := ""
	if i := strings.IndexByte(rest, ':'); i > 0 && schemeName.MatchString(rest[:i]) {
		scheme, rest = strings.ToLower(rest[:i]), rest[i+1:]
	}
	netloc := ""
	if strings.HasPrefix(rest, "//") {
		rest = rest[2:]
		end := strings.IndexAny(rest, "/?#")
		if end < 0 {
			end = len(rest)
		}
		netloc, rest = rest[:end], rest[end:]
	}
	rest, fragment, _ := strings.Cut(rest, "#")
	path, query, _ := strings.Cut(rest, "?")
	var user, password, port any
	hostPort := netloc
	if i := strings.LastIndexByte(netloc, '@'); i >= 0 {
		hostPort = netloc[i+1:]
		name, pass, has := strings.Cut(netloc[:i], ":")
		user = name
		if has {
			password = pass
		}
	}
	host, portText := hostPort, ""
	if strings.HasPrefix(hostPort, "[") {
		if i := strings.IndexByte(hostPort, ']'); i > 0 {
			host, portText = hostPort[1:i], strings.TrimPrefix(hostPort[i+1:], ":")
		}
	} else {
		host, portText, _ = strings.Cut(hostPort, ":")
	}
	if n, err := strconv.Atoi(portText); err == nil {
		port = n
	}
	var hostname any
	if host != "" {
		hostname = strings.ToLower(host)
	}
	return value.NewDict("fragment", fragment, "hostname", hostname, "netloc", netloc, "password", password,
		"path", path, "port", port, "query", query, "scheme", scheme, "username", user)
}

var schemeName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*$`)
