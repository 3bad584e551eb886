package awk

import (
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"unicode/utf8"
)

func (m *machine) builtin(n *node) cell {
	format := m.text("CONVFMT")
	arg := func(i int) cell {
		if i < len(n.kids) {
			return m.eval(n.kids[i])
		}
		return cell{}
	}
	s := func(i int) string { return arg(i).text(format) }
	switch n.name {
	case "length":
		if len(n.kids) == 0 {
			return num(float64(utf8.RuneCountInString(m.field(0))))
		}
		if k := n.kids[0]; k.op == "var" && m.isArray(k.name) {
			return num(float64(len(m.array(k.name))))
		}
		return num(float64(utf8.RuneCountInString(s(0))))
	case "substr":
		return str(substr(s(0), arg(1).num(), len(n.kids) > 2, arg(2).num()))
	case "index":
		text := s(0)
		i := strings.Index(text, s(1))
		if i < 0 {
			return num(0)
		}
		return num(float64(utf8.RuneCountInString(text[:i]) + 1))
	case "split":
		return m.splitInto(n, s(0))
	case "sub", "gsub":
		return m.substitute(n)
	case "match":
		return m.match(s(0), n)
	case "sprintf":
		var rest []cell
		for i := 1; i < len(n.kids); i++ {
			rest = append(rest, arg(i))
		}
		return str(m.sprintf(s(0), rest))
	case "tolower":
		return str(strings.ToLower(s(0)))
	case "toupper":
		return str(strings.ToUpper(s(0)))
	case "sin":
		return num(math.Sin(arg(0).num()))
	case "cos":
		return num(math.Cos(arg(0).num()))
	case "atan2":
		return num(math.Atan2(arg(0).num(), arg(1).num()))
	case "exp":
		return num(math.Exp(arg(0).num()))
	case "log":
		return num(math.Log(arg(0).num()))
	case "sqrt":
		return num(math.Sqrt(arg(0).num()))
	case "int":
		return num(math.Trunc(arg(0).num()))
	case "rand":
		return num(m.rng.Float64())
	case "srand":
		old := m.seed
		m.seed = float64(m.env.Now().Unix())
		if len(n.kids) > 0 {
			m.seed = arg(0).num()
		}
		m.rng = rand.New(rand.NewPCG(uint64(int64(m.seed)), 1))
		return num(old)
	case "systime":
		return num(float64(m.env.Now().Unix()))
	case "strftime":
		return str(m.env.Now().UTC().Format("Mon Jan _2 15:04:05 UTC 2006"))
	case "system":
		return num(float64(m.env.Shell(s(0), nil, nil)))
	case "close":
		return m.close(s(0))
	}
	return num(0)
}

// substr follows POSIX's rounding of both numbers.
func substr(s string, from float64, limited bool, length float64) string {
	r := []rune(s)
	start := math.RoundToEven(from)
	end := math.Inf(1)
	if limited {
		end = start + math.RoundToEven(length)
	}
	if math.IsNaN(start) || math.IsNaN(end) {
		return ""
	}
	a, b := max(start, 1), min(end, float64(len(r)+1))
	if a >= b {
		return ""
	}
	return string(r[int(a)-1 : int(b)-1])
}

func (m *machine) splitInto(n *node, s string) cell {
	if len(n.kids) < 2 || n.kids[1].op != "var" {
		m.fail("split needs an array")
	}
	fs := m.text("FS")
	if len(n.kids) > 2 {
		if k := n.kids[2]; k.op == "regex" {
			fs = k.name
			if len(fs) == 1 && fs != " " {
				fs = "[" + fs + "]"
			}
		} else {
			fs = m.eval(k).text("%.6g")
		}
	}
	parts := m.split(s, fs)
	a := m.array(n.kids[1].name)
	clear(a)
	for i, p := range parts {
		a[strconv.Itoa(i+1)] = input(p)
	}
	return num(float64(len(parts)))
}

func (m *machine) match(s string, n *node) cell {
	start, length := 0.0, -1.0
	if len(n.kids) > 1 {
		if loc := m.pattern(n.kids[1]).FindStringIndex(s); loc != nil {
			start, length = float64(utf8.RuneCountInString(s[:loc[0]])+1), float64(utf8.RuneCountInString(s[loc[0]:loc[1]]))
		}
	}
	m.vars["RSTART"], m.vars["RLENGTH"] = num(start), num(length)
	return num(start)
}

func (m *machine) substitute(n *node) cell {
	if len(n.kids) < 2 {
		m.fail("%s needs two arguments", n.name)
	}
	target := &node{op: "$", kids: []*node{{op: "num"}}}
	if len(n.kids) > 2 {
		target = n.kids[2]
	}
	re := m.pattern(n.kids[0])
	with := m.eval(n.kids[1]).text("%.6g")
	s := m.eval(target).text("%.6g")
	var b strings.Builder
	count, at := 0, 0
	limit := -1
	if n.name == "sub" {
		limit = 1
	}
	for _, loc := range re.FindAllStringIndex(s, limit) {
		b.WriteString(s[at:loc[0]])
		b.WriteString(fill(with, s[loc[0]:loc[1]]))
		at = loc[1]
		if count++; b.Len() > maxRecord {
			m.fail("string too long")
		}
	}
	if count > 0 {
		m.assign(target, str(b.String()+s[at:]))
	}
	return num(float64(count))
}

// fill puts the match in place of &.
func fill(with, match string) string {
	if !strings.ContainsAny(with, `&\`) {
		return with
	}
	var b strings.Builder
	for i := 0; i < len(with); i++ {
		switch {
		case with[i] == '\\' && i+1 < len(with) && (with[i+1] == '&' || with[i+1] == '\\'):
			i++
			b.WriteByte(with[i])
		case with[i] == '&':
			b.WriteString(match)
		default:
			b.WriteByte(with[i])
		}
	}
	return b.String()
}

func (m *machine) close(name string) cell {
	code := -1.0
	if w := m.outs[name]; w != nil {
		w.Close()
		code = 0
		if c, ok := w.(*command); ok {
			code = float64(c.code)
		}
		delete(m.outs, name)
	}
	if m.ins[name] != nil {
		if end := m.inEnd[name]; end != nil {
			end()
			delete(m.inEnd, name)
		}
		delete(m.ins, name)
		code = 0
	}
	return num(code)
}
