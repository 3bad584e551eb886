package pyplugin

import (
	"bufio"
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"sunup/internal/jinja"
	"sunup/internal/value"
)

//go:embed bridge.py
var bridgeProgram string

const (
	// maxMessage bounds one request and one answer.
	maxMessage = 64 << 20
	// maxNested bounds how deeply plugins may need each other.
	maxNested = 8
	// maxBridges bounds the processes, whatever comes together.
	maxBridges = 4 * maxNested
	// patience is how long a call waits for another one that waits for an answer
	// of ours. It may be what that answer needs, met on a way that lost the mark
	// of depth: then it must not wait for ever.
	patience = 2 * time.Second
)

// depthKey marks contexts of what a plugin needs, with how deep it is.
type depthKey struct{}

func depthOf(ctx context.Context) int {
	n, _ := ctx.Value(depthKey{}).(int)
	return n
}

// pool hands out bridges. One at a time works; others wait for what their
// plugins need. Calls that nobody needs come one after the other.
type pool struct {
	o      Options
	python func() string

	mu     sync.Mutex
	free   sync.Cond
	idle   []*bridge
	count  int // of all bridges
	active int // that work
	calls  int // that nobody needs, under way
	closed bool
}

func newPool(o Options) *pool {
	p := &pool{o: o}
	p.free.L = &p.mu
	p.python = sync.OnceValue(func() string { return interpreter(o.Python) })
	return p
}

// interpreter is the first Python that there is, preferring one that knows
// Ansible; "" when there is none.
func interpreter(candidates []string) string {
	if candidates == nil {
		candidates = []string{"python3", "/usr/bin/python3"}
	}
	first := ""
	for _, name := range candidates {
		path, err := exec.LookPath(name)
		if err != nil {
			continue
		}
		if first == "" {
			first = path
		}
		check := exec.Command(path, "-c", "import importlib.util, sys; sys.exit(importlib.util.find_spec('ansible') is None)")
		if check.Run() == nil {
			return path
		}
	}
	return first
}

func (p *pool) available() bool { return p.python() != "" }

// request is one line to the bridge.
type request struct {
	Op      string `json:"op"`
	Kind    Kind   `json:"kind"`
	Name    string `json:"name"`
	File    string `json:"file"`
	Package string `json:"package,omitempty"`
	Basedir string `json:"basedir,omitempty"`

	args   []any
	kwargs *value.Dict
}

func (r request) line() ([]byte, error) {
	head, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	b.Write(head[:len(head)-1])
	b.WriteString(`,"args":`)
	if err := encodeItems(&b, r.args, 0); err != nil {
		return nil, err
	}
	b.WriteString(`,"kwargs":{`)
	first := true
	for k, v := range r.kwargs.All() {
		if !first {
			b.WriteByte(',')
		}
		first = false
		encodeText(&b, value.Str(k))
		b.WriteByte(':')
		if err := encode(&b, v, 0); err != nil {
			return nil, err
		}
	}
	b.WriteString("}}\n")
	return b.Bytes(), nil
}

// message is one line from the bridge: an answer, an error, or a need.
type message struct {
	Value any     `json:"value"`
	Error *string `json:"error"`

	Type      string `json:"type"` // of the exception
	Line      int    `json:"line"` // in the plugin's file
	Ansible   bool   `json:"ansible"`
	TypeError bool   `json:"typeError"`
	Undefined bool   `json:"undefined"`

	Need string `json:"need"`
	Name string `json:"name"`
	Text string `json:"text"`
}

// place is where a plugin is used: it answers what the plugin needs.
type place struct{ call *jinja.Call }

// run sends a request and waits for its answer.
func (p *pool) run(ctx context.Context, at place, r request) (v any, unsafe bool, err error) {
	line, err := r.line()
	if err != nil {
		return nil, false, err
	}
	b, err := p.take(ctx)
	if err != nil {
		return nil, false, err
	}
	// A bridge whose caller gave up is ended: what it does nobody waits for.
	nested := depthOf(ctx) > 0
	stop := context.AfterFunc(ctx, b.kill)
	m, err := p.converse(b, at, line)
	if !stop() {
		p.drop(b, nested)
		return nil, false, context.Cause(ctx)
	}
	if err != nil {
		p.drop(b, nested)
		return nil, false, fmt.Errorf("the plugin %s ended its Python: %w", r.Name, err)
	}
	p.give(b, nested)
	if m.Error != nil {
		return nil, false, failure(r, m)
	}
	return decode(m.Value)
}

// converse sends a line, answers needs, and returns the message that ends it.
func (p *pool) converse(b *bridge, at place, line []byte) (message, error) {
	for {
		m, err := b.exchange(line)
		if err != nil || m.Need == "" {
			return m, err
		}
		p.rest()
		line = at.answer(m)
		p.resume()
	}
}

// answer is what a plugin asked for, as a line.
func (at place) answer(m message) []byte {
	ctx := at.call.Context()
	ctx = context.WithValue(ctx, depthKey{}, depthOf(ctx)+1)
	var b bytes.Buffer
	fail := func(err error) []byte {
		text, _ := json.Marshal(map[string]string{"error": jinja.Message(err)})
		return append(text, '\n')
	}
	switch m.Need {
	case "var":
		v, found, unsafe, err := jinja.ScopeIn(ctx, at.call.Scope()).Lookup(m.Name)
		if err != nil && !jinja.IsUndefined(err) {
			return fail(err)
		}
		found = found && err == nil
		b.WriteString(`{"found":` + strconv.FormatBool(found) + `,"value":`)
		if !found {
			v = nil
		}
		if text, ok := v.(string); ok && unsafe {
			v = value.Unsafe(text)
		}
		if err := encode(&b, v, 0); err != nil {
			return fail(err)
		}
	case "template":
		t, err := at.call.Env().Compile("", m.Text)
		if err != nil {
			return fail(err)
		}
		v, _, err := t.Eval(ctx, jinja.ScopeIn(ctx, at.call.Scope()))
		if err != nil {
			return fail(err)
		}
		b.WriteString(`{"value":`)
		if err := encode(&b, v, 0); err != nil {
			return fail(err)
		}
	default:
		return fail(fmt.Errorf("a plugin asked for %q, which is not known", m.Need))
	}
	b.WriteString("}\n")
	return b.Bytes()
}

// failure is the error of a plugin that raised, in Ansible's words, with the
// place in the plugin's file.
func failure(r request, m message) error {
	text := *m.Error
	at := ""
	if m.Line > 0 {
		at = fmt.Sprintf("%s:%d", r.File, m.Line)
	}
	switch {
	case m.Undefined:
		return &jinja.Error{Kind: jinja.KindUndefined, Msg: text, Hint: at}
	case r.Kind == Lookup:
		class := m.Type
		if m.Ansible {
			class = "ansible.errors." + class
		}
		return &jinja.Error{Kind: jinja.KindFilter, Msg: text, Hint: at, Class: class}
	case m.Ansible:
		return &jinja.Error{Kind: jinja.KindFilter, Msg: text, Hint: at}
	case m.TypeError:
		return &jinja.Error{Kind: jinja.KindType, Msg: text, Hint: at}
	}
	return &jinja.Error{Kind: jinja.KindFilter, Msg: fmt.Sprintf("the %s %s failed: %s: %s", r.Kind, r.Name, m.Type, text), Hint: at}
}

// take waits for a bridge; the caller gives it back or drops it.
func (p *pool) take(ctx context.Context) (*bridge, error) {
	if depthOf(ctx) > maxNested {
		return nil, fmt.Errorf("plugins need each other more than %d deep", maxNested)
	}
	wake := func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.free.Broadcast()
	}
	defer context.AfterFunc(ctx, wake)()
	long := false
	defer time.AfterFunc(patience, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		long = true
		p.free.Broadcast()
	}).Stop()
	p.mu.Lock()
	defer p.mu.Unlock()
	nested := depthOf(ctx) > 0
	for !p.closed && ctx.Err() == nil && (p.active > 0 || p.calls > 0 && !nested && !long) {
		p.free.Wait()
	}
	switch {
	case p.closed:
		return nil, errors.New("the run is over")
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	}
	b, err := p.next()
	if err != nil {
		return nil, err
	}
	p.active++
	if !nested {
		p.calls++
	}
	return b, nil
}

// next is an idle bridge or a new one; p.mu is held.
func (p *pool) next() (*bridge, error) {
	if n := len(p.idle); n > 0 {
		b := p.idle[n-1]
		p.idle = p.idle[:n-1]
		return b, nil
	}
	if p.count >= maxBridges {
		return nil, fmt.Errorf("more than %d plugins wait for each other", maxBridges)
	}
	b, err := p.start()
	if err == nil {
		p.count++
	}
	return b, err
}

func (p *pool) give(b *bridge, nested bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.leave(nested)
	p.idle = append(p.idle, b)
	if p.closed {
		p.endIdle()
	}
	p.free.Broadcast()
}

// drop ends a bridge that is of no more use.
func (p *pool) drop(b *bridge, nested bool) {
	b.kill()
	b.wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.leave(nested)
	p.count--
	p.free.Broadcast()
}

// leave says that a call is over; p.mu is held.
func (p *pool) leave(nested bool) {
	p.active--
	if !nested {
		p.calls--
	}
}

// rest says that a bridge waits for an answer of ours.
func (p *pool) rest() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.active--
	p.free.Broadcast()
}

func (p *pool) resume() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.active++
}

func (p *pool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	p.endIdle()
	p.free.Broadcast()
}

func (p *pool) endIdle() {
	for _, b := range p.idle {
		b.in.Close()
		b.kill()
		b.wait()
		p.count--
	}
	p.idle = nil
}

// bridge is one Python process. One goroutine uses it at a time.
type bridge struct {
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *bufio.Reader
	once sync.Once
}

func (p *pool) start() (*bridge, error) {
	// The program comes before the requests, on the same stream: it is in no
	// list of processes.
	boot := fmt.Sprintf("import sys\nb=b''\nwhile len(b)<%[1]d: b+=sys.stdin.buffer.raw.read(%[1]d-len(b))\nexec(compile(b,'sunup-bridge','exec'))", len(bridgeProgram))
	cmd := exec.Command(p.python(), "-u", "-c", boot)
	cmd.Env = environment(p.o)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", p.python(), err)
	}
	b := &bridge{cmd: cmd, in: in, out: bufio.NewReaderSize(out, 64<<10)}
	if _, err := io.WriteString(in, bridgeProgram); err != nil {
		b.kill()
		b.wait()
		return nil, fmt.Errorf("start %s: %w", p.python(), err)
	}
	return b, nil
}

// secretName is what the names of variables that hold secrets look like.
var secretName = regexp.MustCompile(`(?i)(PASS(WORD|WD|PHRASE)?|SECRET|TOKEN|CREDENTIAL|PRIVATE|API_?KEY|ACCESS_?KEY)`)

// environment is that of this program without what looks like a secret.
func environment(o Options) []string {
	environ := o.Environ
	if environ == nil {
		environ = os.Environ()
	}
	out := []string{"PYTHONIOENCODING=utf-8", "PYTHONDONTWRITEBYTECODE=1"}
	for _, pair := range environ {
		name, _, _ := strings.Cut(pair, "=")
		if !secretName.MatchString(name) && !strings.HasPrefix(name, "SUNUP_") && name != "ANSIBLE_COLLECTIONS_PATH" {
			out = append(out, pair)
		}
	}
	if len(o.Collections) > 0 {
		out = append(out, "ANSIBLE_COLLECTIONS_PATH="+strings.Join(o.Collections, string(filepath.ListSeparator)))
	}
	return out
}

// exchange sends a line and reads one.
func (b *bridge) exchange(line []byte) (message, error) {
	if _, err := b.in.Write(line); err != nil {
		return message{}, err
	}
	answer, err := b.read()
	if err != nil {
		return message{}, err
	}
	var m message
	d := json.NewDecoder(bytes.NewReader(answer))
	d.UseNumber()
	return m, d.Decode(&m)
}

func (b *bridge) read() ([]byte, error) {
	var line []byte
	for {
		part, err := b.out.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case err == nil:
			return line, nil
		case len(line) > maxMessage:
			return nil, fmt.Errorf("its answer is larger than %d MiB", maxMessage>>20)
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, err
		}
	}
}

// kill ends the process and what it started; it may be called at any time.
func (b *bridge) kill() {
	if b.cmd.Process.Signal(syscall.Signal(0)) == nil { // else its number may be another's
		_ = syscall.Kill(-b.cmd.Process.Pid, syscall.SIGKILL)
	}
}

func (b *bridge) wait() { b.once.Do(func() { _ = b.cmd.Wait() }) }
