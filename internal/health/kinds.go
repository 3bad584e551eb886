package health

import (
	"sort"
)

// shape is what the value of an option looks like.
type shape int

const (
	text     shape = iota
	words          // a text, or a list of texts
	port           // 5432, or "db1:5432"
	integer        // 0 and up
	flag           // true or false
	length         // 30s
	size           // 512M
	room           // 10%, or 5G
	pattern        // a regular expression
	statuses       // 200, "2xx", "200-299", or a list of them
	texts          // a mapping of texts
	patterns       // a mapping of texts to regular expressions
	values         // a mapping of JSON paths to values
	stepList       // a list of HTTP steps
	oneOf          // one of the option's words
)

// option is one setting of a kind of probe.
type option struct {
	name     string
	shape    shape
	required bool
	words    []string // for oneOf
}

// kind is one sort of probe.
type kind struct {
	name string
	// short is the option that a value which is no mapping stands for.
	short   string
	options []option
	// sides are where it can be asked from; the first is its own choice.
	sides []From
	build func(o options) (ask asker, label string)
}

var (
	anywhere = []From{FromTarget, FromController}
	there    = []From{FromTarget}
	here     = []From{FromController}
)

// httpOptions are those of one request; a probe and each of its steps have
// them.
var httpOptions = []option{
	{name: "url", shape: text}, {name: "method", shape: text}, {name: "headers", shape: texts}, {name: "send", shape: text}, {name: "form", shape: texts},
	{name: "status", shape: statuses}, {name: "body", shape: pattern}, {name: "json", shape: values}, {name: "header", shape: patterns},
	{name: "below", shape: length}, {name: "verify", shape: flag}, {name: "follow", shape: flag},
}

// kinds is every kind of probe. docs/language.md and the schema are held
// against this list by tests.
var kinds = []*kind{
	{name: "tcp", short: "port", sides: anywhere, build: tcp, options: []option{
		{name: "port", shape: port, required: true}, {name: "host", shape: text}}},
	{name: "http", short: "url", sides: anywhere, build: web, options: append([]option{{name: "steps", shape: stepList}}, httpOptions...)},
	{name: "tls", short: "port", sides: anywhere, build: certificate, options: []option{
		{name: "port", shape: port, required: true}, {name: "host", shape: text}, {name: "days", shape: integer}, {name: "name", shape: text}, {name: "verify", shape: flag}}},
	{name: "command", short: "cmd", sides: there, build: command, options: []option{
		{name: "cmd", shape: text, required: true}, {name: "rc", shape: integer}, {name: "stdout", shape: pattern}}},
	{name: "process", short: "name", sides: there, build: process, options: []option{
		{name: "name", shape: text}, {name: "args", shape: pattern}, {name: "user", shape: text}, {name: "min", shape: integer}, {name: "max", shape: integer}}},
	{name: "service", short: "name", sides: there, build: service, options: []option{
		{name: "name", shape: text, required: true}, {name: "state", shape: oneOf, words: []string{"running", "stopped"}}}},
	{name: "log", short: "path", sides: there, build: logLine, options: []option{
		{name: "path", shape: text}, {name: "unit", shape: text}, {name: "line", shape: pattern}, {name: "not", shape: pattern},
		{name: "since", shape: oneOf, words: []string{"all", "start"}}}},
	{name: "file", short: "path", sides: there, build: file, options: []option{
		{name: "path", shape: text, required: true}, {name: "max_age", shape: length}, {name: "min_size", shape: size}}},
	{name: "disk", short: "path", sides: there, build: disk, options: []option{
		{name: "path", shape: text}, {name: "free", shape: room}}},
	{name: "memory", short: "free", sides: there, build: memoryFree, options: []option{{name: "free", shape: room}}},
	{name: "time_offset", short: "max", sides: there, build: timeOffset, options: []option{{name: "max", shape: length}}},
	{name: "dns", short: "name", sides: anywhere, build: resolve, options: []option{
		{name: "name", shape: text, required: true}, {name: "address", shape: words}}},
	{name: "postgres", short: "port", sides: anywhere, build: postgres, options: []option{
		{name: "port", shape: port}, {name: "host", shape: text}, {name: "user", shape: text}, {name: "database", shape: text}}},
	{name: "mysql", short: "port", sides: anywhere, build: mysql, options: []option{{name: "port", shape: port}, {name: "host", shape: text}}},
	{name: "redis", short: "port", sides: anywhere, build: redis, options: []option{
		{name: "port", shape: port}, {name: "host", shape: text}, {name: "password", shape: text}}},
	{name: "ping", short: "port", sides: here, build: ping, options: []option{{name: "port", shape: port}}},
}

var byKind = func() map[string]*kind {
	m := map[string]*kind{}
	for _, k := range kinds {
		m[k.name] = k
	}
	return m
}()

// Kinds are the names of all kinds of probes, sorted.
func Kinds() []string {
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = k.name
	}
	sort.Strings(names)
	return names
}

// SettingNames are the settings that every probe takes, and a list of probes
// as a whole.
func SettingNames() []string {
	return []string{"backoff", "every", "for", "from", "stable", "successes", "timeout"}
}

// OptionNames are the options of a kind, sorted; nil for an unknown kind.
func OptionNames(name string) []string {
	k := byKind[name]
	if k == nil {
		return nil
	}
	names := make([]string, len(k.options))
	for i, o := range k.options {
		names[i] = o.name
	}
	sort.Strings(names)
	return names
}

func (k *kind) option(name string) *option { return find(k.options, name) }

func find(list []option, name string) *option {
	for i := range list {
		if list[i].name == name {
			return &list[i]
		}
	}
	return nil
}

func names(list []option) []string {
	out := make([]string, len(list))
	for i, o := range list {
		out[i] = o.name
	}
	return out
}
