package modules

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"sync"

	"sunup/internal/connection"
	"sunup/internal/value"
)

// UserFile is the module of a file that speaks Ansible's module protocol: a
// program that takes its arguments from a file and prints its result as JSON.
// It is sent to the host for each task and run there.
//
// A module in Python that uses AnsibleModule needs Python on the host and
// Ansible's module_utils, which are sent along from the Ansible that is
// installed here.
func UserFile(file, name string) *Module {
	return &Module{
		Name: name,
		Spec: Spec{FreeForm: true, Open: true},
		Run:  func(ctx context.Context, c *Call) (*Result, error) { return runUserFile(ctx, c, file, name) },
	}
}

// protocol is how a module file takes its arguments.
type protocol int

const (
	wordsFile     protocol = iota // key=value words in a file
	jsonFile                      // JSON in a file
	jsonInside                    // JSON in the place of a mark in its text
	ansibleModule                 // JSON in a file, for AnsibleModule
)

const jsonMark = "<<INCLUDE_ANSIBLE_MODULE_JSON_ARGS>>"

func protocolOf(text []byte) protocol {
	head := text[:min(len(text), 1024)]
	switch {
	case bytes.IndexByte(head, 0) >= 0, bytes.Contains(text, []byte("WANT_JSON")):
		return jsonFile
	case bytes.Contains(text, []byte(jsonMark)):
		return jsonInside
	case bytes.Contains(text, []byte("ansible.module_utils")), bytes.Contains(text, []byte("ansible_collections.")), bytes.Contains(text, []byte("module_utils.")):
		return ansibleModule
	}
	return wordsFile
}

func runUserFile(ctx context.Context, c *Call, file, name string) (*Result, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return Fail("cannot read the module %s: %v", file, err), nil
	}
	dir, err := c.privateDir(ctx)
	if err != nil {
		return nil, err
	}
	how := protocolOf(text)
	args, err := c.moduleArgs(how, dir, name)
	if err != nil {
		return nil, err
	}
	if how == jsonInside {
		text = bytes.ReplaceAll(text, []byte(jsonMark), args)
	}
	send := map[string][]byte{"module": text, "args": args}
	path := ""
	if how == ansibleModule {
		if send["ansible.zip"], err = moduleUtils(file); err != nil {
			return Fail("%v", err), nil
		}
		path = "PYTHONPATH=" + dir + "/ansible.zip${PYTHONPATH:+:$PYTHONPATH} "
	}
	for one, content := range send {
		if err := c.Conn.Put(ctx, dir+"/"+one, bytes.NewReader(content), int64(len(content)), 0o700); err != nil {
			return nil, err
		}
	}
	out, err := c.Conn.Exec(ctx, connection.Command{Script: fmt.Sprintf("%s%s%s/module %s/args; r=$?; rm -rf %s; exit $r", path, c.interpreter(text, how), dir, dir, dir)})
	if err != nil {
		return nil, err
	}
	if c.Background {
		return backgroundResult(out, name), nil
	}
	return protocolResult(out), nil
}

// privateDir makes a directory of the identity on the host.
func (c *Call) privateDir(ctx context.Context) (string, error) {
	out, err := c.Conn.Exec(ctx, connection.Command{Script: `d=$(mktemp -d "${TMPDIR:-/tmp}/sunup-module.XXXXXX") && chmod 700 "$d" && printf %s "$d"`})
	if err != nil {
		return "", err
	}
	dir := strings.TrimSpace(string(out.Stdout))
	if out.Code != 0 || dir == "" || strings.ContainsAny(dir, " '\"$\n") {
		return "", fmt.Errorf("make a directory for the module: %s", excerpt(out.Stdout, out.Stderr))
	}
	return dir, nil
}

// moduleArgs are the arguments in the form that the module takes.
func (c *Call) moduleArgs(how protocol, dir, name string) ([]byte, error) {
	given := c.Args.All().Copy()
	if raw, ok := given.Get(rawParams); ok && (raw == nil || raw == "") {
		given.Delete(rawParams)
	}
	if how == wordsFile {
		var words []string
		for k, v := range given.All() {
			words = append(words, value.Str(k)+"="+quoteText(value.Str(v)))
		}
		return []byte(strings.Join(words, " ")), nil
	}
	own := value.NewDict(
		"_ansible_check_mode", c.Check, "_ansible_diff", c.Diff, "_ansible_verbosity", c.Verbosity,
		"_ansible_no_log", false, "_ansible_debug", false, "_ansible_version", "2.14.18", "_ansible_module_name", path.Base(name),
		"_ansible_syslog_facility", "LOG_USER", "_ansible_selinux_special_fs", value.NewList("fuse", "nfs", "vboxsf", "ramfs", "9p", "vfat"),
		"_ansible_string_conversion_action", "warn", "_ansible_socket", nil, "_ansible_shell_executable", "/bin/sh",
		"_ansible_keep_remote_files", false, "_ansible_tmpdir", dir, "_ansible_remote_tmp", "~/.ansible/tmp")
	given.Update(own)
	var all any = given
	if how == ansibleModule {
		all = value.NewDict("ANSIBLE_MODULE_ARGS", given)
	}
	text, err := value.EncodeJSON(all, value.JSONOptions{Default: func(v any) (any, error) { return value.Str(v), nil }})
	return []byte(text), err
}

// interpreter is what runs the module, with a blank behind it: that of its
// first line, unless a variable names another one.
func (c *Call) interpreter(text []byte, how protocol) string {
	first, _, _ := bytes.Cut(text, []byte("\n"))
	line, scripted := bytes.CutPrefix(first, []byte("#!"))
	words := strings.Fields(string(line))
	if len(words) > 1 && path.Base(words[0]) == "env" {
		words = words[1:]
	}
	if !scripted || len(words) == 0 {
		if how != ansibleModule {
			return ""
		}
		words = []string{"python"}
	}
	name := path.Base(words[0])
	if strings.HasPrefix(name, "python") {
		name = "python"
	}
	if v, ok, err := c.Controller.Var("ansible_" + name + "_interpreter"); ok && err == nil && !strings.HasPrefix(value.Str(v), "auto") {
		return value.Str(v) + " "
	}
	if name == "python" {
		return `"$(command -v python3 || command -v /usr/libexec/platform-python || command -v python || echo python3)" `
	}
	return strings.Join(words, " ") + " "
}

// protocolResult reads what a module printed.
func protocolResult(out connection.Output) *Result {
	d, _ := jsonIn(string(out.Stdout))
	if d == nil {
		r := Fail("MODULE FAILURE\nSee stdout/stderr for the exact error")
		return r.Set("module_stdout", string(out.Stdout)).Set("module_stderr", string(out.Stderr)).Set("rc", out.Code)
	}
	r := &Result{Values: d}
	take := func(key string) bool {
		v, _ := d.Delete(key)
		return value.Truth(v)
	}
	rc, hasCode := d.Get("rc")
	stated := d.Has("failed")
	r.Changed, r.Failed, r.Skipped = take("changed"), take("failed"), take("skipped")
	if !stated && hasCode && rc != 0 && rc != "0" {
		r.Failed = true
	}
	if facts, ok := d.At("ansible_facts").(*value.Dict); ok {
		r.Facts = facts
	}
	d.Delete("invocation")
	return r
}

// backgroundResult reads what a module printed as Ansible's wrapper for the
// background does: it tells what the module said beside its result.
func backgroundResult(out connection.Output, name string) *Result {
	d, behind := jsonIn(string(out.Stdout))
	if d == nil {
		return Fail("%s printed no result; the end of what it said: %s", name, lastLine(string(out.Stderr))).
			Set("cmd", name).Set("data", string(out.Stdout)).Set("stderr", string(out.Stderr))
	}
	r := protocolResult(out)
	if behind = strings.TrimSpace(behind); behind != "" {
		said := &value.List{}
		if own, ok := r.Values.At("warnings").(*value.List); ok {
			said.Append(own.Items...)
		}
		said.Append("Module invocation had junk after the JSON data: " + behind)
		r.Set("warnings", said)
	}
	if len(out.Stderr) > 0 {
		r.Set("stderr", string(out.Stderr))
	}
	return r
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}

// jsonIn finds the JSON object in what a module printed, and what is behind it:
// lines before it and behind it are other programs'.
func jsonIn(text string) (d *value.Dict, behind string) {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if !strings.HasPrefix(strings.TrimSpace(line), "{") {
			continue
		}
		for end := len(lines); end > i; end-- {
			if v, err := value.ParseJSON([]byte(strings.Join(lines[i:end], "\n"))); err == nil {
				d, _ := v.(*value.Dict)
				return d, strings.Join(lines[end:], "\n")
			}
			if len(lines)-end > 50 {
				break
			}
		}
		return nil, ""
	}
	return nil, ""
}

// ansibleLibrary is where the installed Ansible has its module_utils.
var ansibleLibrary = sync.OnceValue(func() string {
	for _, python := range []string{"/usr/bin/python3", "python3"} {
		out, err := exec.Command(python, "-c", "import ansible; print(ansible.__path__[0])").Output()
		if err == nil {
			return strings.TrimSpace(string(out))
		}
	}
	return ""
})

// utilsCache holds the archive for each folder of modules.
var utilsCache sync.Map

// moduleUtils is an archive of Ansible's module_utils, those beside the library
// and those of the module's collection.
func moduleUtils(file string) ([]byte, error) {
	folder := filepath.Dir(file)
	if have, ok := utilsCache.Load(folder); ok {
		return have.([]byte), nil
	}
	library := ansibleLibrary()
	if library == "" {
		return nil, fmt.Errorf("%s uses Ansible's module_utils, and no Ansible is installed here to take them from; install ansible-core, or write the module without them", file)
	}
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	err := addFile(w, "ansible/__init__.py", nil)
	for _, from := range utilsFolders(file, library) {
		if err == nil {
			err = addFolder(w, from.at, from.in)
		}
	}
	if closeErr := w.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return nil, fmt.Errorf("pack module_utils: %w", err)
	}
	utilsCache.Store(folder, buf.Bytes())
	return buf.Bytes(), nil
}

type utilsFolder struct{ at, in string }

func utilsFolders(file, library string) []utilsFolder {
	list := []utilsFolder{{"ansible/module_utils", filepath.Join(filepath.Dir(filepath.Dir(file)), "module_utils")}, {"ansible/module_utils", filepath.Join(library, "module_utils")}}
	parts := strings.Split(filepath.ToSlash(file), "/")
	for i, p := range parts {
		if p == "ansible_collections" && i+2 < len(parts) {
			at := path.Join("ansible_collections", parts[i+1], parts[i+2], "plugins", "module_utils")
			list = append(list, utilsFolder{at, "/" + path.Join(append(parts[:i:i], at)...)})
		}
	}
	return list
}

// addFolder adds the Python files below a folder; one that is not there is
// empty, and the first file of a name stays.
func addFolder(w *zip.Writer, at, folder string) error {
	return filepath.WalkDir(folder, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(p) != ".py" {
			return nil //nolint:nilerr // what cannot be read is not there
		}
		rel, err := filepath.Rel(folder, p)
		if err != nil {
			return err
		}
		text, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		return addFile(w, path.Join(at, filepath.ToSlash(rel)), text)
	})
}

func addFile(w *zip.Writer, name string, text []byte) error {
	f, err := w.Create(name)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	return err
}
