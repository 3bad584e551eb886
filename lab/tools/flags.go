package tools

import (
	"fmt"
	"strconv"
	"strings"

	"sunup/lab/machine"
)

// flags are the options of one call.
type flags struct {
	count map[string]int
	value map[string]string
	// order lists the options as they came, "x" or "x=value".
	order []string
}

func (f *flags) has(names ...string) bool {
	for _, n := range names {
		if f.count[n] > 0 {
			return true
		}
	}
	return false
}

func (f *flags) get(name string) (string, bool) {
	v, ok := f.value[name]
	return v, ok
}

// num reads an option that is a number; def when it is not given.
func (f *flags) num(name string, def int) (int, bool) {
	v, ok := f.value[name]
	if !ok {
		return def, true
	}
	n, err := strconv.Atoi(v)
	return n, err == nil
}

// getopt reads options: short as in getopt(3); longs as "name=x" for a long
// name of option x, "name:=x" when it takes a value, "name?=x" when the value
// is optional. Options may follow operands, unless short begins with "+".
func getopt(c *machine.Call, short string, longs ...string) (*flags, []string, bool) {
	f := &flags{count: map[string]int{}, value: map[string]string{}}
	stopEarly := strings.HasPrefix(short, "+")
	short = strings.TrimPrefix(short, "+")
	var rest []string
	args := c.Args[1:]
	add := func(name, value string, valued bool) {
		f.count[name]++
		if valued {
			f.value[name] = value
			name += "=" + value
		}
		f.order = append(f.order, name)
	}
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		switch {
		case arg == "--":
			return f, append(rest, args...), true
		case strings.HasPrefix(arg, "--"):
			var ok bool
			if args, ok = longOpt(c, arg[2:], longs, args, add); !ok {
				return nil, nil, false
			}
		case len(arg) > 1 && arg[0] == '-':
			var ok bool
			if args, ok = shortOpt(c, arg[1:], short, args, add); !ok {
				return nil, nil, false
			}
		case stopEarly:
			return f, append(append(rest, arg), args...), true
		default:
			rest = append(rest, arg)
		}
	}
	return f, rest, true
}

func try(c *machine.Call) { fmt.Fprintf(c.Err, "Try '%s --help' for more information.\n", c.Name()) }

func longOpt(c *machine.Call, arg string, longs, args []string, add func(string, string, bool)) ([]string, bool) {
	name, value, valued := strings.Cut(arg, "=")
	var found []string
	for _, l := range longs {
		ln, letter, _ := strings.Cut(l, "=")
		plain := strings.TrimRight(ln, ":?")
		if plain == name {
			found = []string{ln, letter}
			break
		}
		if strings.HasPrefix(plain, name) {
			found = append(found, ln, letter)
		}
	}
	if len(found) != 2 {
		c.Errorf("unrecognized option '--%s'", name)
		try(c)
		return nil, false
	}
	switch {
	case strings.HasSuffix(found[0], ":"):
		if !valued {
			if len(args) == 0 {
				c.Errorf("option '--%s' requires an argument", name)
				try(c)
				return nil, false
			}
			value, args = args[0], args[1:]
		}
		add(found[1], value, true)
	case strings.HasSuffix(found[0], "?"):
		add(found[1], value, valued)
	default:
		add(found[1], "", false)
	}
	return args, true
}

func shortOpt(c *machine.Call, arg, short string, args []string, add func(string, string, bool)) ([]string, bool) {
	for i := 0; i < len(arg); i++ {
		j := strings.IndexByte(short, arg[i])
		if j < 0 || arg[i] == ':' {
			c.Errorf("invalid option -- '%c'", arg[i])
			try(c)
			return nil, false
		}
		if j+1 >= len(short) || short[j+1] != ':' {
			add(arg[i:i+1], "", false)
			continue
		}
		value := arg[i+1:]
		if value == "" && strings.HasPrefix(short[j+1:], "::") {
			add(arg[i:i+1], "", false)
			return args, true
		}
		if value == "" {
			if len(args) == 0 {
				c.Errorf("option requires an argument -- '%c'", arg[i])
				try(c)
				return nil, false
			}
			value, args = args[0], args[1:]
		}
		add(arg[i:i+1], value, true)
		break
	}
	return args, true
}

// operand complains about missing operands.
func operand(c *machine.Call, args []string, n int) bool {
	switch {
	case len(args) >= n:
		return true
	case len(args) == 0:
		c.Errorf("missing operand")
	default:
		c.Errorf("missing operand after '%s'", args[len(args)-1])
	}
	try(c)
	return false
}

// parseSize reads "10", "4K", "1MB", "2GiB".
func parseSize(s string) (int64, bool) {
	i := 0
	for i < len(s) && s[i] >= '0' && s[i] <= '9' {
		i++
	}
	n, err := strconv.ParseInt(s[:i], 10, 64)
	if err != nil {
		return 0, false
	}
	unit := map[string]int64{"": 1, "c": 1, "b": 512, "w": 2, "k": 1 << 10, "K": 1 << 10, "KiB": 1 << 10, "kB": 1000, "KB": 1000, "M": 1 << 20, "MiB": 1 << 20,
		"MB": 1000000, "G": 1 << 30, "GiB": 1 << 30, "GB": 1000000000, "T": 1 << 40}
	m, ok := unit[s[i:]]
	return n * m, ok
}
