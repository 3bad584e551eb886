package awk

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Env is the world of one run.
type Env struct {
	Ctx    context.Context
	Stdin  io.Reader
	Stdout io.Writer
	// Open opens an input file; Create an output, appending or not.
	Open   func(name string) (io.ReadCloser, error)
	Create func(name string, appending bool) (io.WriteCloser, error)
	// Shell runs a command line; out takes its output, nil for standard output.
	Shell func(line string, in io.Reader, out io.Writer) int
	// Regexp compiles an extended regular expression.
	Regexp func(expr string) (*regexp.Regexp, error)
	Now    func() time.Time
	// Vars are set before BEGIN; Environ is ENVIRON.
	Vars    [][2]string
	Environ []string
	// Args are the files, or var=value.
	Args []string
}

// cell is a value. A text that looks like a number and came from input is both.
type cell struct {
	s      string
	n      float64
	isNum  bool
	isText bool
	strnum bool
}

func num(n float64) cell { return cell{n: n, isNum: true} }
func str(s string) cell  { return cell{s: s, isText: true} }

var numberRE = regexp.MustCompile(`^[ \t\n]*[-+]?(\d+\.?\d*([eE][-+]?\d+)?|\.\d+([eE][-+]?\d+)?)[ \t\n]*$`)
var prefixRE = regexp.MustCompile(`^[ \t\n]*[-+]?(\d+\.?\d*([eE][-+]?\d+)?|\.\d+([eE][-+]?\d+)?)`)

// input makes a value that came from outside.
func input(s string) cell {
	if s != "" && numberRE.MatchString(s) {
		n, _ := strconv.ParseFloat(strings.TrimSpace(s), 64)
		return cell{s: s, n: n, isText: true, strnum: true}
	}
	return str(s)
}

func (c cell) num() float64 {
	if c.isNum || c.strnum {
		return c.n
	}
	m := prefixRE.FindString(c.s)
	n, _ := strconv.ParseFloat(strings.TrimSpace(m), 64)
	return n
}

func (c cell) text(format string) string {
	if !c.isNum {
		return c.s
	}
	if c.n == math.Trunc(c.n) && math.Abs(c.n) < 1e16 {
		return strconv.FormatInt(int64(c.n), 10)
	}
	return formatNumber(format, c.n)
}

func (c cell) truth() bool {
	if c.isNum || c.strnum {
		return c.n != 0
	}
	return c.s != ""
}

func formatNumber(format string, n float64) string {
	switch {
	case math.IsNaN(n):
		return "nan"
	case math.IsInf(n, 1):
		return "inf"
	case math.IsInf(n, -1):
		return "-inf"
	}
	return fmt.Sprintf(format, n)
}

type array map[string]cell

// frame is the local variables of a call.
type frame struct {
	vals   map[string]cell
	arrays map[string]array
	locals map[string]bool
}

// flow is how control leaves a statement; it travels as an error.
var (
	errBreak    = errors.New("break")
	errContinue = errors.New("continue")
	errNext     = errors.New("next")
	errNextFile = errors.New("nextfile")
	errExit     = errors.New("exit")
	errReturn   = errors.New("return")
)

type machine struct {
	env    Env
	prog   *Program
	vars   map[string]cell
	arrays map[string]array
	calls  []*frame
	fields []string // $0 first
	nf     int
	dirty  bool // $0 must be built again
	code   int
	ret    cell
	regexs map[string]*regexp.Regexp
	outs   map[string]io.WriteCloser
	ins    map[string]*bufio.Reader
	inEnd  map[string]func()
	main   *bufio.Reader
	files  []string
	steps  int
	rng    *rand.Rand
	seed   float64
	done   bool
	used   bool
}

// fault is an error that ends the run; it travels as a panic within this
// package only.
type fault struct{ error }

func (m *machine) fail(format string, args ...any) { panic(fault{fmt.Errorf(format, args...)}) }

// Run runs the program and returns its exit code.
func (p *Program) Run(env Env) (code int, err error) {
	m := &machine{env: env, prog: p, vars: map[string]cell{}, arrays: map[string]array{}, regexs: map[string]*regexp.Regexp{}, outs: map[string]io.WriteCloser{},
		ins: map[string]*bufio.Reader{}, inEnd: map[string]func(){}, fields: []string{""}, rng: rand.New(rand.NewPCG(1, 2)), files: env.Args}
	defer func() {
		m.closeAll()
		if r := recover(); r != nil {
			f, ok := r.(fault)
			if !ok {
				panic(r)
			}
			if f.error == errExit {
				code = m.code
				return
			}
			code, err = 2, f.error
		}
	}()
	for name, v := range map[string]string{"FS": " ", "OFS": " ", "ORS": "\n", "RS": "\n", "OFMT": "%.6g", "CONVFMT": "%.6g", "SUBSEP": "\x1c", "FILENAME": ""} {
		m.vars[name] = str(v)
	}
	m.vars["NR"], m.vars["FNR"], m.vars["NF"] = num(0), num(0), num(0)
	m.vars["RSTART"], m.vars["RLENGTH"] = num(0), num(-1)
	m.arrays["ENVIRON"] = array{}
	for _, e := range env.Environ {
		k, v, _ := strings.Cut(e, "=")
		m.arrays["ENVIRON"][k] = input(v)
	}
	m.arrays["ARGV"] = array{"0": str("awk")}
	for i, a := range env.Args {
		m.arrays["ARGV"][strconv.Itoa(i+1)] = input(a)
	}
	m.vars["ARGC"] = num(float64(len(env.Args) + 1))
	for _, v := range env.Vars {
		m.vars[v[0]] = input(v[1])
	}
	m.run()
	return m.code, nil
}

func (m *machine) run() {
	for _, b := range m.prog.begin {
		if err := m.exec(b); err == errExit {
			m.finish()
			return
		}
	}
	if len(m.prog.rules) > 0 || len(m.prog.end) > 0 {
		for m.record() {
			err := m.applyRules()
			if err == errExit {
				break
			}
			if err == errNextFile {
				m.main = nil
			}
		}
	}
	m.finish()
}

// finish runs END; an exit in BEGIN comes here too.
func (m *machine) finish() {
	for _, b := range m.prog.end {
		if err := m.exec(b); err == errExit {
			return
		}
	}
}

func (m *machine) closeAll() {
	for _, k := range slices.Sorted(maps.Keys(m.outs)) {
		m.outs[k].Close()
	}
	for _, f := range m.inEnd {
		f()
	}
}

func (m *machine) tick() {
	if m.steps++; m.steps%1024 == 0 && m.env.Ctx.Err() != nil {
		panic(fault{m.env.Ctx.Err()})
	}
}

func (m *machine) applyRules() error {
	for _, r := range m.prog.rules {
		if !m.selects(r) {
			continue
		}
		if r.action == nil {
			m.printLine(m.env.Stdout, m.field(0)+m.text("ORS"))
			continue
		}
		switch err := m.exec(r.action); err {
		case nil:
		case errNext:
			return nil
		default:
			return err
		}
	}
	return nil
}

func (m *machine) selects(r *rule) bool {
	switch {
	case r.pattern == nil:
		return true
	case r.until == nil:
		return m.eval(r.pattern).truth()
	case !r.inside:
		if !m.eval(r.pattern).truth() {
			return false
		}
		r.inside = true
	}
	if m.eval(r.until).truth() {
		r.inside = false
	}
	return true
}

// record reads the next record of the main input.
func (m *machine) record() bool {
	for {
		if m.main == nil && !m.nextFile() {
			return false
		}
		line, ok := m.readRecord(m.main)
		if !ok {
			m.main = nil
			continue
		}
		m.vars["NR"] = num(m.vars["NR"].num() + 1)
		m.vars["FNR"] = num(m.vars["FNR"].num() + 1)
		m.setRecord(line)
		return true
	}
}

func (m *machine) nextFile() bool {
	for !m.done {
		if len(m.files) == 0 {
			m.done = true
			if m.used {
				return false
			}
			m.main = bufio.NewReader(m.env.Stdin)
			return true
		}
		name := m.files[0]
		m.files = m.files[1:]
		if k, v, ok := strings.Cut(name, "="); ok && regexp.MustCompile(`^[A-Za-z_]\w*$`).MatchString(k) {
			m.vars[k] = input(v)
			continue
		}
		m.used = true
		m.vars["FILENAME"], m.vars["FNR"] = str(name), num(0)
		if name == "-" {
			m.main = bufio.NewReader(m.env.Stdin)
			return true
		}
		f, err := m.env.Open(name)
		if err != nil {
			m.fail("cannot open \"%s\" (%v)", name, err)
		}
		m.inEnd["file "+name] = func() { f.Close() }
		m.main = bufio.NewReader(f)
		return true
	}
	return false
}

// maxRecord bounds one record.
const maxRecord = 64 << 20

func (m *machine) readRecord(r *bufio.Reader) (string, bool) {
	m.tick()
	rs := m.text("RS")
	switch {
	case rs == "":
		return m.readParagraph(r)
	case len(rs) == 1:
		line, err := r.ReadString(rs[0])
		if err != nil && line == "" {
			return "", false
		}
		return strings.TrimSuffix(line, rs), true
	}
	var b strings.Builder
	re := m.regexp(rs)
	for b.Len() < maxRecord {
		c, err := r.ReadByte()
		if err != nil {
			return b.String(), b.Len() > 0
		}
		b.WriteByte(c)
		if loc := re.FindStringIndex(b.String()); loc != nil && loc[1] == b.Len() && loc[1] > loc[0] {
			return b.String()[:loc[0]], true
		}
	}
	return b.String(), true
}

func (m *machine) readParagraph(r *bufio.Reader) (string, bool) {
	var lines []string
	for {
		line, err := r.ReadString('\n')
		text := strings.TrimSuffix(line, "\n")
		if text != "" {
			lines = append(lines, text)
		} else if len(lines) > 0 {
			return strings.Join(lines, "\n"), true
		}
		if err != nil {
			return strings.Join(lines, "\n"), len(lines) > 0
		}
	}
}

func (m *machine) setRecord(line string) {
	m.fields = append(m.fields[:0], line)
	m.fields = append(m.fields, m.split(line, m.text("FS"))...)
	m.nf = len(m.fields) - 1
	m.vars["NF"] = num(float64(m.nf))
	m.dirty = false
}

func (m *machine) split(s, fs string) []string {
	switch {
	case s == "":
		return nil
	case fs == " ":
		if m.text("RS") == "" {
			return strings.Fields(s)
		}
		return strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || r == '\t' || r == '\n' })
	case fs == "":
		return strings.Split(s, "")
	case len(fs) == 1 && fs != `\` && !strings.ContainsAny(fs, ".*+?^$|()[]{}"):
		return strings.Split(s, fs)
	case len(fs) == 1 && fs != `\`:
		return strings.Split(s, fs)
	}
	re := m.regexp(fs)
	var out []string
	at := 0
	for _, loc := range re.FindAllStringIndex(s, -1) {
		if loc[1] == loc[0] {
			continue
		}
		out = append(out, s[at:loc[0]])
		at = loc[1]
	}
	return append(out, s[at:])
}

func (m *machine) regexp(expr string) *regexp.Regexp {
	if re := m.regexs[expr]; re != nil {
		return re
	}
	re, err := m.env.Regexp(expr)
	if err != nil {
		m.fail("regular expression compile failed (%v): %s", err, expr)
	}
	m.regexs[expr] = re
	return re
}

func (m *machine) text(name string) string { return m.vars[name].text("%.6g") }

// maxField bounds the number of fields.
const maxField = 1 << 20

func (m *machine) field(i int) string {
	if i == 0 && m.dirty {
		m.fields[0] = strings.Join(m.fields[1:m.nf+1], m.text("OFS"))
		m.dirty = false
	}
	if i < 0 {
		m.fail("negative field index $%d", i)
	}
	if i > m.nf {
		return ""
	}
	return m.fields[i]
}

func (m *machine) setField(i int, s string) {
	if i == 0 {
		m.setRecord(s)
		return
	}
	if i < 0 || i > maxField {
		m.fail("bad field index $%d", i)
	}
	m.setNF(max(i, m.nf))
	m.fields[i] = s
	m.dirty = true
}

func (m *machine) setNF(n int) {
	if n < 0 || n > maxField {
		m.fail("NF set to a bad value")
	}
	for len(m.fields) <= n {
		m.fields = append(m.fields, "")
	}
	for i := m.nf + 1; i <= n; i++ {
		m.fields[i] = ""
	}
	m.nf = n
	m.vars["NF"] = num(float64(n))
}

func (m *machine) exec(n *node) error {
	m.tick()
	switch n.op {
	case "block":
		for _, k := range n.kids {
			if err := m.exec(k); err != nil {
				return err
			}
		}
	case "expr":
		m.eval(n.kids[0])
	case "print", "printf":
		m.print(n)
	case "if":
		if m.eval(n.kids[0]).truth() {
			return m.exec(n.kids[1])
		}
		if len(n.kids) > 2 {
			return m.exec(n.kids[2])
		}
	case "while":
		for m.eval(n.kids[0]).truth() {
			if err := m.exec(n.kids[1]); err != nil && err != errContinue {
				return unlessBreak(err)
			}
		}
	case "do":
		for {
			if err := m.exec(n.kids[0]); err != nil && err != errContinue {
				return unlessBreak(err)
			}
			if !m.eval(n.kids[1]).truth() {
				return nil
			}
		}
	case "for":
		if err := m.exec(n.kids[0]); err != nil {
			return err
		}
		for m.eval(n.kids[1]).truth() {
			if err := m.exec(n.kids[3]); err != nil && err != errContinue {
				return unlessBreak(err)
			}
			if err := m.exec(n.kids[2]); err != nil {
				return err
			}
		}
	case "forin":
		return m.forIn(n)
	case "delete":
		a := m.array(n.name)
		if len(n.kids) == 0 {
			clear(a)
		} else {
			delete(a, m.key(n.kids))
		}
	case "break":
		return errBreak
	case "continue":
		return errContinue
	case "next":
		return errNext
	case "nextfile":
		return errNextFile
	case "exit":
		if len(n.kids) > 0 {
			m.code = int(m.eval(n.kids[0]).num()) & 255
		}
		return errExit
	case "return":
		m.ret = cell{}
		if len(n.kids) > 0 {
			m.ret = m.eval(n.kids[0])
		}
		return errReturn
	}
	return nil
}

func unlessBreak(err error) error {
	if err == errBreak {
		return nil
	}
	return err
}

func (m *machine) forIn(n *node) error {
	a := m.array(n.kids[0].name)
	keys := slices.Collect(maps.Keys(a))
	// Numbers first, in order: any order is right, this one is readable.
	slices.SortFunc(keys, func(x, y string) int {
		a, err1 := strconv.ParseFloat(x, 64)
		b, err2 := strconv.ParseFloat(y, 64)
		if err1 == nil && err2 == nil && a != b {
			return int(math.Copysign(1, a-b))
		}
		return strings.Compare(x, y)
	})
	for _, k := range keys {
		if _, still := a[k]; !still {
			continue
		}
		m.setVar(n.name, input(k))
		if err := m.exec(n.kids[1]); err != nil && err != errContinue {
			return unlessBreak(err)
		}
	}
	return nil
}

func (m *machine) printLine(w io.Writer, s string) {
	if _, err := io.WriteString(w, s); err != nil {
		panic(fault{err})
	}
}

func (m *machine) print(n *node) {
	args := n.kids[0].kids
	var out string
	if n.op == "printf" {
		vals := make([]cell, len(args))
		for i, a := range args {
			vals[i] = m.eval(a)
		}
		if len(vals) > 0 {
			out = m.sprintf(vals[0].text(m.text("CONVFMT")), vals[1:])
		}
	} else if len(args) == 0 {
		out = m.field(0) + m.text("ORS")
	} else {
		parts := make([]string, len(args))
		for i, a := range args {
			parts[i] = m.eval(a).text(m.text("OFMT"))
		}
		out = strings.Join(parts, m.text("OFS")) + m.text("ORS")
	}
	w := m.env.Stdout
	if n.name != "" {
		w = m.output(n.name, m.eval(n.kids[1]).text("%.6g"))
	}
	m.printLine(w, out)
}

// output finds or opens what print writes to.
func (m *machine) output(op, name string) io.Writer {
	if op != "|" && (name == "/dev/stdout" || name == "-") {
		return m.env.Stdout
	}
	if w := m.outs[name]; w != nil {
		return w
	}
	if len(m.outs) > 200 {
		m.fail("too many open files")
	}
	if op == "|" {
		m.outs[name] = &command{m: m, line: name}
		return m.outs[name]
	}
	w, err := m.env.Create(name, op == ">>")
	if err != nil {
		m.fail("cannot open \"%s\" for output (%v)", name, err)
	}
	m.outs[name] = w
	return w
}

// command collects the input of a command, which runs when it is closed.
type command struct {
	m    *machine
	line string
	buf  strings.Builder
	code int
}

// Write keeps the bytes.
func (c *command) Write(b []byte) (int, error) { return c.buf.Write(b) }

// Close runs the command.
func (c *command) Close() error {
	c.code = c.m.env.Shell(c.line, strings.NewReader(c.buf.String()), nil)
	return nil
}

func (m *machine) frame() *frame {
	if len(m.calls) == 0 {
		return nil
	}
	return m.calls[len(m.calls)-1]
}

func (m *machine) array(name string) array {
	if f := m.frame(); f != nil && f.locals[name] {
		if f.arrays[name] == nil {
			f.arrays[name] = array{}
		}
		return f.arrays[name]
	}
	if m.arrays[name] == nil {
		m.arrays[name] = array{}
	}
	return m.arrays[name]
}

func (m *machine) key(kids []*node) string {
	parts := make([]string, len(kids))
	for i, k := range kids {
		parts[i] = m.eval(k).text(m.text("CONVFMT"))
	}
	return strings.Join(parts, m.text("SUBSEP"))
}

func (m *machine) setVar(name string, v cell) {
	if f := m.frame(); f != nil && f.locals[name] {
		f.vals[name] = v
		return
	}
	m.vars[name] = v
	if name == "NF" {
		m.setNF(int(v.num()))
		m.dirty = true
	}
}

func (m *machine) assign(n *node, v cell) {
	switch n.op {
	case "var":
		m.setVar(n.name, v)
	case "index":
		m.array(n.name)[m.key(n.kids)] = v
	case "$":
		m.setField(int(m.eval(n.kids[0]).num()), v.text(m.text("CONVFMT")))
	case "group":
		m.assign(n.kids[0], v)
	}
}

func truth(b bool) cell {
	if b {
		return num(1)
	}
	return num(0)
}

func (m *machine) eval(n *node) cell {
	m.tick()
	switch n.op {
	case "num":
		return num(n.num)
	case "str":
		return str(n.name)
	case "regex":
		return truth(m.regexp(n.name).MatchString(m.field(0)))
	case "var":
		if f := m.frame(); f != nil && f.locals[n.name] {
			return f.vals[n.name]
		}
		return m.vars[n.name]
	case "index":
		a, k := m.array(n.name), m.key(n.kids)
		if _, ok := a[k]; !ok {
			a[k] = cell{}
		}
		return a[k]
	case "$":
		return input(m.field(int(m.eval(n.kids[0]).num())))
	case "group":
		return m.eval(n.kids[0])
	case "assign":
		v := m.eval(n.kids[1])
		if n.name != "" {
			v = num(m.arith(n.name, m.eval(n.kids[0]).num(), v.num()))
		}
		m.assign(n.kids[0], v)
		return v
	case "pre", "post":
		old := m.eval(n.kids[0]).num()
		m.assign(n.kids[0], num(old+n.num))
		if n.op == "pre" {
			return num(old + n.num)
		}
		return num(old)
	case "?:":
		if m.eval(n.kids[0]).truth() {
			return m.eval(n.kids[1])
		}
		return m.eval(n.kids[2])
	case "||":
		return truth(m.eval(n.kids[0]).truth() || m.eval(n.kids[1]).truth())
	case "&&":
		return truth(m.eval(n.kids[0]).truth() && m.eval(n.kids[1]).truth())
	case "!":
		return truth(!m.eval(n.kids[0]).truth())
	case "neg":
		return num(-m.eval(n.kids[0]).num())
	case "plus":
		return num(m.eval(n.kids[0]).num())
	case "in":
		_, ok := m.array(n.name)[m.key(n.kids)]
		return truth(ok)
	case "~", "!~":
		hit := m.pattern(n.kids[1]).MatchString(m.eval(n.kids[0]).text(m.text("CONVFMT")))
		return truth(hit == (n.op == "~"))
	case "concat":
		format := m.text("CONVFMT")
		s := m.eval(n.kids[0]).text(format) + m.eval(n.kids[1]).text(format)
		if len(s) > maxRecord {
			m.fail("string too long")
		}
		return str(s)
	case "<", "<=", ">", ">=", "==", "!=":
		return truth(m.compare(n.op, m.eval(n.kids[0]), m.eval(n.kids[1])))
	case "+", "-", "*", "/", "%", "^":
		return num(m.arith(n.op, m.eval(n.kids[0]).num(), m.eval(n.kids[1]).num()))
	case "call":
		return m.call(n)
	case "builtin":
		return m.builtin(n)
	case "getline", "getline<", "getline|":
		return m.getline(n)
	}
	m.fail("cannot evaluate %s", n.op)
	return cell{}
}

func (m *machine) pattern(n *node) *regexp.Regexp {
	if n.op == "regex" {
		return m.regexp(n.name)
	}
	return m.regexp(m.eval(n).text(m.text("CONVFMT")))
}

func (m *machine) arith(op string, x, y float64) float64 {
	switch op {
	case "+":
		return x + y
	case "-":
		return x - y
	case "*":
		return x * y
	case "/":
		if y == 0 {
			m.fail("division by zero")
		}
		return x / y
	case "%":
		if y == 0 {
			m.fail("division by zero in %%")
		}
		return math.Mod(x, y)
	}
	return math.Pow(x, y)
}

func (m *machine) compare(op string, a, b cell) bool {
	numeric := func(c cell) bool { return c.isNum || c.strnum || !c.isText }
	var n int
	if numeric(a) && numeric(b) {
		x, y := a.num(), b.num()
		switch {
		case x < y:
			n = -1
		case x > y:
			n = 1
		}
	} else {
		format := m.text("CONVFMT")
		n = strings.Compare(a.text(format), b.text(format))
	}
	switch op {
	case "<":
		return n < 0
	case "<=":
		return n <= 0
	case ">":
		return n > 0
	case ">=":
		return n >= 0
	case "==":
		return n == 0
	}
	return n != 0
}

func (m *machine) call(n *node) cell {
	f := m.prog.funcs[n.name]
	if f == nil {
		m.fail("function %s never defined", n.name)
	}
	if len(n.kids) > len(f.params) {
		m.fail("%s called with %d args, accepts only %d", n.name, len(n.kids), len(f.params))
	}
	if len(m.calls) >= maxDepth {
		m.fail("function call nesting too deep")
	}
	fr := &frame{vals: map[string]cell{}, arrays: map[string]array{}, locals: map[string]bool{}}
	for i, param := range f.params {
		fr.locals[param] = true
		if i >= len(n.kids) {
			continue
		}
		arg := n.kids[i]
		// An untouched name may be an array: pass it as one too.
		if arg.op == "var" && m.isArray(arg.name) {
			fr.arrays[param] = m.array(arg.name)
			continue
		}
		fr.vals[param] = m.eval(arg)
	}
	m.calls = append(m.calls, fr)
	m.ret = cell{}
	err := m.exec(f.body)
	m.calls = m.calls[:len(m.calls)-1]
	if err == errExit {
		panic(fault{errExit})
	}
	return m.ret
}

func (m *machine) isArray(name string) bool {
	if f := m.frame(); f != nil && f.locals[name] {
		_, scalar := f.vals[name]
		return !scalar
	}
	_, scalar := m.vars[name]
	return !scalar
}

func (m *machine) getline(n *node) cell {
	kids := n.kids
	var line string
	var ok bool
	switch n.op {
	case "getline":
		ok = m.main != nil || m.nextFile()
		for ok {
			if line, ok = m.readRecord(m.main); ok {
				break
			}
			ok = m.nextFile()
		}
		if !ok {
			return num(0)
		}
		m.vars["NR"] = num(m.vars["NR"].num() + 1)
		m.vars["FNR"] = num(m.vars["FNR"].num() + 1)
	default:
		name := m.eval(kids[0]).text("%.6g")
		kids = kids[1:]
		r, err := m.reader(n.op, name)
		if err != nil {
			return num(-1)
		}
		if line, ok = m.readRecord(r); !ok {
			return num(0)
		}
		if n.op == "getline|" {
			m.vars["NR"] = num(m.vars["NR"].num() + 1)
		}
	}
	if len(kids) > 0 {
		m.assign(kids[0], input(line))
	} else {
		m.setRecord(line)
	}
	return num(1)
}

func (m *machine) reader(op, name string) (*bufio.Reader, error) {
	if r := m.ins[name]; r != nil {
		return r, nil
	}
	if op == "getline|" {
		var out strings.Builder
		m.env.Shell(name, nil, &out)
		m.ins[name] = bufio.NewReader(strings.NewReader(out.String()))
		return m.ins[name], nil
	}
	if name == "-" {
		m.ins[name] = bufio.NewReader(m.env.Stdin)
		return m.ins[name], nil
	}
	f, err := m.env.Open(name)
	if err != nil {
		return nil, err
	}
	m.ins[name] = bufio.NewReader(f)
	m.inEnd[name] = func() { f.Close() }
	return m.ins[name], nil
}

// sprintf formats with C's conversions.
func (m *machine) sprintf(format string, args []cell) string {
	var b strings.Builder
	next := func() cell {
		if len(args) == 0 {
			return cell{}
		}
		a := args[0]
		args = args[1:]
		return a
	}
	for i := 0; i < len(format); i++ {
		if format[i] != '%' {
			b.WriteByte(format[i])
			continue
		}
		j := i + 1
		spec := "%"
		for j < len(format) && strings.IndexByte("-+ #0123456789.*", format[j]) >= 0 {
			if format[j] == '*' {
				spec += strconv.Itoa(int(max(min(next().num(), 4096), -4096)))
			} else {
				spec += format[j : j+1]
			}
			j++
		}
		if j >= len(format) {
			b.WriteString(format[i:])
			break
		}
		if len(spec) > 20 {
			spec = "%"
		}
		switch c := format[j]; c {
		case '%':
			b.WriteByte('%')
		case 'd', 'i':
			fmt.Fprintf(&b, spec+"d", int64(next().num()))
		case 'o', 'x', 'X', 'u':
			if c == 'u' {
				c = 'd'
			}
			fmt.Fprintf(&b, spec+string(rune(c)), uint64(int64(next().num())))
		case 'e', 'E', 'f', 'F', 'g', 'G':
			fmt.Fprintf(&b, spec+string(rune(c)), next().num())
		case 'c':
			a := next()
			if a.isNum {
				fmt.Fprintf(&b, spec+"c", rune(a.n))
			} else {
				_, w := utf8.DecodeRuneInString(a.s)
				fmt.Fprintf(&b, spec+"s", a.s[:w])
			}
		case 's':
			fmt.Fprintf(&b, spec+"s", next().text(m.text("CONVFMT")))
		default:
			b.WriteString(format[i : j+1])
		}
		i = j
		if b.Len() > maxRecord {
			m.fail("string too long")
		}
	}
	return b.String()
}
