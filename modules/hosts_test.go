package modules_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"

	"sunup/internal/connection"
	"sunup/internal/connection/ssh"
	"sunup/internal/value"
	"sunup/lab/rack"
	"sunup/modules"
	"sunup/modules/modtest"
)

// A file of testdata/hosts holds tasks of one module that ansible-core and we
// do on equal hosts of a rack: the same must come of it, in what is returned
// and in what is left on the host.
type hostFile struct {
	// Module is the name; the file's name when empty.
	Module string
	// Fresh gives the hosts a new tree before the first case and after the
	// last one: these cases change what others stand on.
	Fresh bool
	// Setup is a script that is run once on every host.
	Setup string
	// Look is a script that must print the same on every host after each case.
	Look string
	// Python says why the cases need Python on our side too: they are not run
	// on the host without it.
	Python string
	// Newer is true for a module that ansible-core 2.14 does not have: its
	// answers come from a newer ansible's module, in the directory that
	// SUNUP_ANSIBLE_NEWER names, which runs on 2.14.
	Newer bool
	// Skip and Why are as in a case, for all of them.
	Skip []string
	Why  string
	// Deep is as in a case, for all of them.
	Deep  []string
	Cases []hostCase
}

// hostCase is one task. {{dir}} is a new directory on the hosts, where Setup is
// run; {{src}} is the directory of Files on the controller's side; {{host}} is
// another word for each host.
type hostCase struct {
	Name  string
	Setup string
	Args  map[string]any
	Vars  map[string]any
	// Files are made on the controller's side, by path.
	Files map[string]string
	Look  string
	// Check is "no" where check mode is not compared. Again is "changed" where
	// a second run has to change something again, "better" where only
	// ansible-core does.
	Check, Again string
	// Skip names return values that may differ, Why says so.
	Skip []string
	Why  string
	// Deep names keys that are not compared anywhere in the results.
	Deep []string
	// Only compares no more of the results than whether they changed or failed.
	Only bool
	// Python is as in the file.
	Python string
	// Ignore are paths (regular expressions) that may differ.
	Ignore []string
}

const hostDir = "/srv/case"

func readHostFile(t *testing.T, name string) hostFile {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var f hostFile
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(&f); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if f.Module == "" {
		f.Module = strings.TrimSuffix(filepath.Base(name), ".yml")
	}
	return f
}

var (
	updateAnswers = flag.Bool("answers", false, "record what ansible-core answers and leaves for each case of testdata/hosts")
	liveAnswers   = flag.Bool("live", false, "ask ansible-core again, also where its answers are recorded")
)

// TestHosts compares us with ansible-core on real hosts. What ansible-core did
// is recorded beside the cases, since it takes a second for each; a file whose
// cases have changed is done by it again. -live does so for all.
func TestHosts(t *testing.T) {
	if testing.Short() {
		t.Skip("left out of short runs: starts real hosts")
	}
	names, err := filepath.Glob("testdata/hosts/*.yml")
	if err != nil {
		t.Fatal(err)
	}
	ours := rack.Run(t, rack.Python("equal"), rack.Debian("plain"))
	w := &twins{top: t, ours: []*twin{ourTwin(t, ours.Host("equal")), ourTwin(t, ours.Host("plain"))}}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".yml"), func(t *testing.T) { w.file(t, name) })
	}
}

// twins are the hosts of the comparison: one equal to ansible-core's, one
// without Python, and ansible-core's own when it is needed.
type twins struct {
	top  *testing.T
	ours []*twin
	ref  *twin
}

// reference is what ansible-core made of the cases of a file.
type reference struct {
	// Cases is the hash of the file they belong to.
	Cases  string
	Traces map[string]*trace
}

// file does the cases of one file.
func (w *twins) file(t *testing.T, name string) {
	f := readHostFile(t, name)
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	record := filepath.Join("testdata", "hosts", "answers", strings.TrimSuffix(filepath.Base(name), ".yml")+".json")
	sum := sha256.Sum256(text)
	known := reference{Cases: hex.EncodeToString(sum[:8]), Traces: map[string]*trace{}}
	hosts := w.ours
	recorded := readAnswers(record)
	live := *liveAnswers && !(f.Newer && newerModules() == "") || recorded.Cases != known.Cases
	if live && f.Newer && newerModules() == "" {
		t.Skip("left out: the cases have changed since their answers were recorded, and SUNUP_ANSIBLE_NEWER names no newer modules to ask")
	}
	if live {
		hosts = append(hosts[:len(hosts):len(hosts)], w.reference(t))
	} else {
		known = recorded
	}
	if f.Fresh {
		reset(t, hosts)
		t.Cleanup(func() { reset(t, hosts) })
	}
	each(t, hosts, func(t *testing.T, h *twin) { h.sh(t, f.Setup) })
	for _, c := range f.Cases {
		t.Run(c.Name, func(t *testing.T) { w.compare(t, f, c, hosts, &known) })
	}
	if live && *updateAnswers && len(known.Traces) == len(f.Cases) {
		writeAnswers(t, record, known)
	}
}

// newerModules is the directory of modules that ansible-core 2.14 does not have.
func newerModules() string { return os.Getenv("SUNUP_ANSIBLE_NEWER") }

func readAnswers(name string) reference {
	var a reference
	if text, err := os.ReadFile(name); err == nil {
		json.Unmarshal(text, &a) //nolint:errcheck // then they are asked for again
	}
	return a
}

func writeAnswers(t *testing.T, name string, a reference) {
	t.Helper()
	text, err := json.MarshalIndent(a, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, append(text, '\n'), 0o644)); err != nil {
		t.Fatal(err)
	}
}

// reference is ansible-core's host, started when it is first needed.
func (w *twins) reference(t *testing.T) *twin {
	t.Helper()
	if w.ref != nil {
		return w.ref
	}
	python := ansiblePython()
	if python == "" {
		t.Skip("left out: the cases have changed since ansible-core's answers were recorded, and ansible-core 2.14 is not here")
	}
	testdata, err := filepath.Abs("testdata")
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(python, "-c", "import ansible, os; print(os.path.dirname(ansible.__path__[0]))").Output()
	if err != nil {
		t.Fatal(err)
	}
	library := strings.TrimSpace(string(out))
	c := rack.Python("ansible")
	if newer := newerModules(); newer != "" {
		c.Shared = append(c.Shared, newer)
	}
	c.Shared = append(c.Shared, testdata, filepath.Join(library, "ansible"), filepath.Join(library, "ansible_collections"))
	w.ref = theirTwin(w.top, rack.Run(w.top, c), python, testdata)
	return w.ref
}

type twin struct {
	name string
	host *rack.Host
	// run does a task.
	run func(t *testing.T, module string, q request) map[string]any
	// renew forgets connections to a host that was reset.
	renew func()
}

// request is one task for a side.
type request struct {
	Module string         `json:"module"`
	Args   map[string]any `json:"args"`
	Check  bool           `json:"check"`
	Vars   map[string]any `json:"vars"`
	dir    string
}

// each does the same on every host at the same time.
func each(t *testing.T, hosts []*twin, do func(t *testing.T, h *twin)) {
	t.Helper()
	var all sync.WaitGroup
	for _, h := range hosts {
		all.Go(func() { do(t, h) })
	}
	all.Wait()
	if t.Failed() {
		t.FailNow()
	}
}

func reset(t *testing.T, hosts []*twin) {
	t.Helper()
	each(t, hosts, func(t *testing.T, h *twin) {
		h.renew()
		if err := h.host.Reset(context.Background()); err != nil {
			t.Error(err)
		}
	})
}

// trace is what one side made of a case.
type trace struct {
	Results []map[string]any
	Changes map[string]string
	Look    string `json:",omitempty"`
}

// compare does a case on the hosts and compares each with ansible-core's.
func (w *twins) compare(t *testing.T, f hostFile, c hostCase, hosts []*twin, known *reference) {
	t.Helper()
	c.Skip, c.Deep = append(c.Skip, f.Skip...), append(c.Deep, f.Deep...)
	src := c.makeFiles(t)
	bare := f.Python == "" && c.Python == ""
	traces := map[string]*trace{}
	for _, h := range hosts {
		if h.name != "plain" || bare {
			traces[h.name] = &trace{}
		}
	}
	each(t, hosts, func(t *testing.T, h *twin) {
		if into := traces[h.name]; into != nil {
			c.on(t, f, h, src, into)
		}
	})
	if live := traces["ansible"]; live != nil {
		for i, r := range live.Results {
			live.Results[i] = c.comparison().shortened(r)
		}
		known.Traces[c.Name] = live
	}
	ref := known.Traces[c.Name]
	differ := c.judge(ref, traces["equal"])
	for _, d := range differ {
		t.Error(d)
	}
	if !bare {
		return
	}
	if plain := c.judge(ref, traces["plain"]); !slices.Equal(plain, differ) {
		for _, d := range plain {
			t.Error("without Python: " + d)
		}
	}
}

// makeFiles makes the files of the controller's side.
func (c hostCase) makeFiles(t *testing.T) string {
	t.Helper()
	top := filepath.Join(os.TempDir(), fmt.Sprintf("sunup-hosts-test-%d", os.Getpid()))
	t.Cleanup(func() { os.RemoveAll(top) })
	src := filepath.Join(top, "files")
	if err := errors.Join(os.RemoveAll(src), os.MkdirAll(src, 0o755)); err != nil {
		t.Fatal(err)
	}
	for name, text := range c.Files {
		full := filepath.Join(src, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(full), 0o755), os.WriteFile(full, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	return src
}

// on does the case on one host: in check mode, really, and again.
func (c hostCase) on(t *testing.T, f hostFile, h *twin, src string, into *trace) {
	t.Helper()
	h.sh(t, "rm -rf "+hostDir+"; mkdir "+hostDir+"; cd "+hostDir+"; umask 022\n"+c.fill(c.Setup, src, h.name).(string))
	q := request{Module: f.Module, Args: c.fill(c.Args, src, h.name).(map[string]any), Vars: c.Vars, dir: src}
	if q.Args == nil {
		q.Args = map[string]any{}
	}
	ours := h.name != "ansible"
	before := h.files(t, c)
	if c.Check != "no" && modules.Lookup(f.Module, nil).Check != modules.CheckNone {
		q.Check = true
		into.Results = append(into.Results, h.run(t, f.Module, q))
		q.Check = false
		if after := h.files(t, c); ours {
			written(t, h.name+": written in check mode", before, after, true)
		}
	}
	into.Results = append(into.Results, h.run(t, f.Module, q))
	after := h.files(t, c)
	into.Changes = changes(before, after)
	again := h.run(t, f.Module, q)
	into.Results = append(into.Results, again)
	if ours && c.Again != "changed" {
		if again["changed"] == true {
			t.Errorf("%s: the second run changes: %v", h.name, again)
		}
		written(t, h.name+": written by the second run", after, h.files(t, c), false)
	}
	if script := strings.TrimSpace(f.Look + "\n" + c.Look); script != "" {
		into.Look = h.sh(t, "cd "+hostDir+"\n"+c.fill(script, src, h.name).(string))
	}
}

func (c hostCase) fill(v any, src, host string) any {
	return replaced(replaced(replaced(v, "{{dir}}", hostDir), "{{src}}", src), "{{host}}", host)
}

// judge tells what differs between what came of a case on two hosts.
func (c hostCase) judge(theirs, ours *trace) []string {
	d := c.comparison()
	step := []string{"check mode", "first run", "second run"}[3-len(ours.Results):]
	var list []string
	told := map[string]bool{}
	note := func(what string, a, b any) {
		diff := cmp.Diff(a, b)
		switch {
		case diff == "":
		case told[diff]:
			list = append(list, what+": the same difference")
		default:
			told[diff] = true
			list = append(list, what+": - ansible + sunup\n"+diff)
		}
	}
	for i := range ours.Results {
		a, b := map[string]any{}, d.comparable(copied(ours.Results[i]))
		if i < len(theirs.Results) {
			a = d.comparable(copied(theirs.Results[i]))
		}
		if a["changed"] == false && b["changed"] == false {
			a["diff"], b["diff"] = nil, nil // never shown
		}
		if step[i] == "second run" && c.Again == "better" {
			continue
		}
		note(step[i], without(stripped(a), c.Deep), without(stripped(b), c.Deep))
	}
	note("what is left", c.public(theirs.Changes), c.public(ours.Changes))
	note("what is seen", theirs.Look, ours.Look)
	return list
}

// comparison is the case for the comparison of results.
func (c hostCase) comparison() differentialCase {
	return differentialCase{Skip: append(append([]string(nil), fleeting...), c.Skip...), Only: c.Only}
}

// shortened is a result without what is never compared.
func (c differentialCase) shortened(r map[string]any) map[string]any {
	for _, k := range append(append([]string(nil), never...), c.Skip...) {
		delete(r, k)
	}
	return r
}

// fleeting return values differ each time, or are of Ansible's own machinery.
var fleeting = []string{"start", "end", "delta", "_ansible_no_log", "_ansible_verbose_always", "_ansible_parsed", "_ansible_delegated_vars", "discovered_interpreter"}

var temporary = regexp.MustCompile(`/[^ "']*/ansible-local-[^ "']*|/root/\.ansible/tmp/[^ "']*|/tmp/sunup-hosts-test-[0-9]+[^ "']*|dynamically generated`)

// stripped takes the names of temporary files out of a result.
func stripped(v any) any {
	switch v := v.(type) {
	case string:
		return strings.TrimRight(temporary.ReplaceAllString(v, "TEMPORARY"), "\n")
	case []any:
		for i, e := range v {
			v[i] = stripped(e)
		}
	case []map[string]string:
		for _, m := range v {
			for k, e := range m {
				m[k] = temporary.ReplaceAllString(e, "TEMPORARY")
			}
		}
	case map[string]any:
		for k, e := range v {
			v[k] = stripped(e)
		}
	}
	return v
}

// without takes keys out of a result and all that is in it.
func without(v any, keys []string) any {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			without(e, keys)
		}
	case map[string]any:
		for _, k := range keys {
			delete(v, k)
		}
		for _, e := range v {
			without(e, keys)
		}
	}
	return v
}

// copied is a deep copy, as comparing takes away.
func copied(r map[string]any) map[string]any {
	text, _ := json.Marshal(r) //nolint:errcheck // it came from JSON
	out := map[string]any{}
	json.Unmarshal(text, &out) //nolint:errcheck // as above
	return out
}

func (h *twin) sh(t *testing.T, script string) string {
	t.Helper()
	if script == "" {
		return ""
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	out, err := h.host.Exec(ctx, "set -e\n"+script)
	if err != nil {
		t.Errorf("%s: %s: %v %s", h.name, script, err, out)
	}
	return out
}

// private is what differs between any two hosts or days (shadow tells the day of
// a change), or is written by logging in.
var private = regexp.MustCompile(`^/(var/log|root/\.ansible|root/\.cache|run|var/lib/systemd|var/lib/dbus|var/cache|var/lib/apt|etc/\.pwd\.lock|etc/(passwd|group|shadow|gshadow|subuid|subgid)-$|etc/shadow$|var/lib/logrotate|var/lib/dpkg/(status|status-old|lock|lock-frontend|triggers/.*)$|var/spool/cron|tmp|var/tmp/systemd-private|usr/lib/python3|etc/(hosts|hostname|machine-id|ssh/ssh_host)|root/\.ssh$|root$)`)

// hidden says that a path is not compared.
func (c hostCase) hidden(path string) bool {
	for _, re := range c.Ignore {
		if regexp.MustCompile(re).MatchString(path) {
			return true
		}
	}
	return private.MatchString(path)
}

// public is what is compared of changes, which may have been recorded when
// other paths were private.
func (c hostCase) public(changes map[string]string) map[string]string {
	out := map[string]string{}
	for path, what := range changes {
		if !c.hidden(path) {
			out[path] = what
		}
	}
	return out
}

func (h *twin) files(t *testing.T, c hostCase) map[string]rack.File {
	t.Helper()
	files, err := h.host.Files()
	if err != nil {
		t.Error(err)
	}
	for path := range files {
		if c.hidden(path) {
			delete(files, path)
		}
	}
	return files
}

// changes tells what became of each path, without times.
func changes(before, after map[string]rack.File) map[string]string {
	out := map[string]string{}
	for path, f := range after {
		if was, ok := before[path]; !ok || !was.Same(f) {
			out[stableNames(path)] = f.String()
		}
	}
	for path := range before {
		if _, ok := after[path]; !ok {
			out[path] = "as in the image"
		}
	}
	return out
}

// written fails when a path was written; strictly, when it was only touched.
func written(t *testing.T, what string, before, after map[string]rack.File, strict bool) {
	t.Helper()
	list := []string{}
	for path, now := range changes(before, after) {
		list = append(list, path+": "+now)
	}
	if strict {
		for path, f := range after {
			if was, ok := before[path]; ok && was.Same(f) && was.Change != f.Change {
				list = append(list, path+": touched")
			}
		}
	}
	if sort.Strings(list); len(list) > 0 {
		t.Errorf("%s:\n\t%s", what, strings.Join(list, "\n\t"))
	}
}

// ourTwin is a host on which our modules run, reached by ssh.
func ourTwin(t *testing.T, host *rack.Host) *twin {
	link := ssh.New(host.Options(), ssh.Environment{})
	t.Cleanup(func() { link.Close() })
	h := &twin{name: host.Name, host: host, renew: func() { link.Reset() }}
	h.run = func(t *testing.T, module string, q request) map[string]any {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
		defer cancel()
		r, err := runFor(ctx, link.As(connection.Become{}), module, q)
		if err != nil {
			t.Errorf("%s: %v", host.Name, err)
		}
		return r
	}
	return h
}

func runOn(ctx context.Context, conn connection.Conn, module string, args map[string]any) (map[string]any, error) {
	return runFor(ctx, conn, module, request{Args: args})
}

// runFor runs one of our modules over a connection.
func runFor(ctx context.Context, conn connection.Conn, module string, q request) (map[string]any, error) {
	m := modules.Lookup(module, nil)
	if m == nil {
		return nil, fmt.Errorf("no module %s", module)
	}
	given, _ := value.FromGo(q.Args).(*value.Dict)
	a, err := m.Spec.Validate(m.ShortName(), given)
	if err != nil {
		return map[string]any{"failed": true, "msg": err.Error()}, nil
	}
	vars, _ := value.FromGo(q.Vars).(*value.Dict)
	r, err := m.Run(ctx, &modules.Call{Args: a, Conn: conn, Check: q.Check, Diff: true, Controller: &modtest.Controller{Dir: q.dir, Vars: vars}})
	if err != nil {
		return nil, err
	}
	flat, _ := value.ToGo(modtest.Flat(r)).(map[string]any)
	return copied(flat), nil
}

// onController are the modules of which a part runs on the controller.
var onController = map[string]bool{"assemble": true, "copy": true, "fetch": true, "package": true, "raw": true, "script": true,
	"service": true, "template": true, "unarchive": true, "command": true, "shell": true}

// theirTwin is the host on which ansible-core works: its modules by a Python that
// stays there, those with a part on the controller by ansible-core whole.
func theirTwin(t *testing.T, r *rack.Rack, python, testdata string) *twin {
	host, dir := r.Host("ansible"), filepath.Dir(r.Inventory())
	var agent, controller *dialogue
	h := &twin{name: "ansible", host: host, renew: func() {
		agent.end()
		agent = nil
	}}
	t.Cleanup(func() { agent.end(); controller.end() })
	h.run = func(t *testing.T, module string, q request) map[string]any {
		if onController[module] {
			if controller == nil {
				controller = startController(t, python, testdata, r.Inventory(), dir)
			}
			if q.Vars == nil {
				q.Vars = map[string]any{}
			}
			q.Module = module
			r := map[string]any{}
			controller.ask(t, q, &r)
			return r
		}
		if agent == nil {
			agent = startDialogue(t, exec.Command("ssh", "-F", "none", "-i", filepath.Join(dir, rack.KeyFile), "-o", "UserKnownHostsFile="+filepath.Join(dir, rack.KnownHostsFile),
				"root@"+host.Addr(), "mkdir -p -m 700 /root/.ansible/tmp; PYTHONDONTWRITEBYTECODE=1 exec /usr/bin/python3 "+filepath.Join(testdata, "ansible_host.py")+" "+newerModules()))
		}
		args := map[string]any{"_ansible_check_mode": q.Check, "_ansible_diff": true, "_ansible_tmpdir": "/root/.ansible/tmp", "_ansible_remote_tmp": "/root/.ansible/tmp", "_ansible_keep_remote_files": false}
		for k, v := range q.Args {
			args[k] = v
		}
		var text string
		agent.ask(t, []any{module, args}, &text)
		r := map[string]any{}
		// Programs that a module starts may print before it.
		if err := json.Unmarshal([]byte(text[max(strings.LastIndex("\n"+text, "\n{"), 0):]), &r); err != nil {
			t.Errorf("ansible: %v: %s", err, text)
		}
		return r
	}
	return h
}

func startController(t *testing.T, python, testdata, inventory, dir string) *dialogue {
	cmd := exec.Command(python, filepath.Join(testdata, "ansible_controller.py"), inventory, "ansible", dir)
	cmd.Env = append(os.Environ(), "ANSIBLE_PIPELINING=1", "ANSIBLE_LOCAL_TEMP="+filepath.Join(dir, "local"), "ANSIBLE_HOME="+filepath.Join(dir, "home"),
		"ANSIBLE_SSH_CONTROL_PATH_DIR="+filepath.Join(dir, "cp"), "ANSIBLE_SSH_ARGS=-o ControlMaster=auto -o ControlPersist=60s", "ANSIBLE_CONFIG="+filepath.Join(dir, "ansible.cfg"), "PYTHONDONTWRITEBYTECODE=1",
		"ANSIBLE_LOCALHOST_WARNING=False", "ANSIBLE_PYTHON_INTERPRETER=/usr/bin/python3")
	cmd.Dir = dir
	if err := os.WriteFile(filepath.Join(dir, "ansible.cfg"), []byte("[defaults]\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	return startDialogue(t, cmd)
}

// dialogue is a program that answers each line of JSON with one.
type dialogue struct {
	cmd  *exec.Cmd
	in   *json.Encoder
	out  *json.Decoder
	stop func()
}

func startDialogue(t *testing.T, cmd *exec.Cmd) *dialogue {
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	d := &dialogue{cmd: cmd, in: json.NewEncoder(in), out: json.NewDecoder(bufio.NewReader(out))}
	d.stop = func() {
		in.Close()
		cmd.Wait() //nolint:errcheck // it only ends
	}
	return d
}

func (d *dialogue) ask(t *testing.T, q, into any) {
	if err := d.in.Encode(q); err != nil {
		t.Error(err)
	}
	if err := d.out.Decode(into); err != nil {
		d.cmd.Process.Kill()                                                               //nolint:errcheck // it does not answer any more
		panic(fmt.Sprintf("%s does not answer: %v: %s", d.cmd.Args[0], err, d.cmd.Stderr)) // nothing can be compared any more
	}
}

func (d *dialogue) end() {
	if d != nil {
		d.stop()
	}
}
