package lookup

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"sunup/internal/jinja/pyre"
	"sunup/internal/value"
)

// firstFound returns the first file that exists.
func firstFound(r *request) ([]any, error) {
	names, skip := []string{}, r.flag("skip", false)
	collect := func(v any, marks string) []string {
		var out []string
		list := []any{v}
		if l, ok := v.(*value.List); ok {
			list = l.Items
		}
		for _, one := range list {
			out = append(out, strings.FieldsFunc(value.Str(one), func(c rune) bool { return strings.ContainsRune(marks, c) })...)
		}
		return out
	}
	paths := func(d *value.Dict) {
		files := collect(orEmptyList(d.At("files")), ",;")
		in := collect(orEmptyList(d.At("paths")), ",;:")
		if len(in) == 0 {
			names = append(names, files...)
		}
		for _, dir := range in {
			for _, f := range files {
				names = append(names, filepath.Join(dir, f))
			}
		}
	}
	if r.opts.Has("files") || r.opts.Has("paths") {
		paths(r.opts)
	}
	for _, t := range flatten(r.terms, 2) {
		if d, ok := t.(*value.Dict); ok {
			paths(d)
			skip = skip || value.Truth(d.At("skip"))
			continue
		}
		names = append(names, value.Str(t))
	}
	for _, name := range names {
		if path, err := r.find(r.kind(), name); err == nil {
			return []any{path}, nil
		}
	}
	if skip {
		return nil, nil
	}
	return nil, fmt.Errorf("no file was found when using first_found")
}

// kind is the folder of a role that the task's files are in: with_first_found
// of an include looks among tasks, lookup() always among files.
func (r *request) kind() string {
	if v, ok, err := r.variable("sunup_files_kind"); ok && err == nil {
		return value.Str(v)
	}
	return "files"
}

func orEmptyList(v any) any {
	if v == nil {
		return &value.List{}
	}
	return v
}

// params splits "key opt=value opt=value" terms of csvfile and ini.
func params(term string) (key string, opts map[string]string) {
	opts = map[string]string{}
	var words []string
	for _, w := range strings.Fields(term) {
		name, v, ok := strings.Cut(w, "=")
		if ok {
			opts[name] = v
			continue
		}
		words = append(words, w)
	}
	return strings.Join(words, " "), opts
}

// keyValue is params with the quoting of task arguments.
func (r *request) keyValue(term string) (key string, opts map[string]string, err error) {
	if r.set.o.KeyValue == nil {
		key, opts = params(term)
		return key, opts, nil
	}
	d, err := r.set.o.KeyValue(term)
	if err != nil {
		return "", nil, err
	}
	opts = map[string]string{}
	for k, v := range d.All() {
		opts[value.Str(k)] = value.Str(v)
	}
	key = opts["_raw_params"]
	delete(opts, "_raw_params")
	return key, opts, nil
}

func (r *request) option(opts map[string]string, name, unset string) string {
	if v, ok := opts[name]; ok {
		return v
	}
	return r.text(name, unset)
}

func csvFile(r *request) ([]any, error) {
	words, err := r.words()
	if err != nil {
		return nil, err
	}
	var out []any
	opts := map[string]string{} // what one term sets holds for the next ones too
	for _, w := range words {
		key, own, err := r.keyValue(w)
		if err != nil {
			return nil, err
		}
		for name := range own {
			if !slices.Contains([]string{"file", "delimiter", "col", "default", "encoding"}, name) {
				return nil, fmt.Errorf("%s is not a valid option", name)
			}
		}
		maps.Copy(opts, own)
		if key == "" {
			return nil, fmt.Errorf("Search key is required but was not found")
		}
		name := r.option(opts, "file", "ansible.csv")
		path, err := r.find("files", name)
		if err != nil {
			return nil, fmt.Errorf("csvfile: No such file or directory: '%s'", name)
		}
		v, found, err := r.csvValue(path, key, opts)
		if err != nil {
			return nil, err
		}
		if found {
			out = append(out, v)
		}
	}
	return out, nil
}

func (r *request) csvValue(path, key string, opts map[string]string) (string, bool, error) {
	src, err := r.set.o.Read(path)
	if err != nil {
		return "", false, fmt.Errorf("read %s: %w", path, err)
	}
	delimiter := r.option(opts, "delimiter", "TAB")
	if delimiter == "TAB" || delimiter == "\\t" {
		delimiter = "\t"
	}
	var col int
	if _, err := fmt.Sscanf(r.option(opts, "col", "1"), "%d", &col); err != nil {
		return "", false, fmt.Errorf("csvfile: col must be a number")
	}
	for _, row := range value.ReadCSV(string(src), []rune(delimiter)[0], false) {
		if len(row) > 0 && row[0] == key {
			if col >= len(row) {
				return "", false, fmt.Errorf("csvfile: list index out of range: row '%s' of %s has no column %d", key, path, col)
			}
			return row[col], true, nil
		}
	}
	d := r.option(opts, "default", "")
	return d, d != "", nil
}

func iniFile(r *request) ([]any, error) {
	words, err := r.words()
	if err != nil {
		return nil, err
	}
	var out []any
	for _, w := range words {
		key, opts := params(w)
		path, err := r.find("files", r.option(opts, "file", "ansible.ini"))
		if err != nil {
			return nil, err
		}
		src, err := r.set.o.Read(path)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", path, err)
		}
		section := r.option(opts, "section", "global")
		if r.option(opts, "type", "ini") == "properties" {
			section = ""
		}
		found, err := iniValues(string(src), section, key, r.option(opts, "re", "") != "" && r.flag("re", false))
		if err != nil {
			return nil, err
		}
		if len(found) == 0 {
			if d, ok := r.opts.Get("default"); ok {
				found = []any{d}
			}
		}
		out = append(out, found...)
	}
	return out, nil
}

// iniValues returns the values of a key, or of all keys that a pattern finds.
func iniValues(src, section, key string, pattern bool) ([]any, error) {
	var re *pyre.Regexp
	if pattern {
		var err error
		if re, err = pyre.Compile(key, 0); err != nil {
			return nil, fmt.Errorf("ini: %w", err)
		}
	}
	var out []any
	in := ""
	for _, line := range strings.Split(src, "\n") {
		line = strings.TrimSpace(line)
		switch {
		case line == "" || line[0] == '#' || line[0] == ';':
			continue
		case line[0] == '[' && strings.HasSuffix(line, "]"):
			in = line[1 : len(line)-1]
			continue
		case in != section:
			continue
		}
		name, v, ok := strings.Cut(line, "=")
		if !ok {
			name, v, _ = strings.Cut(line, ":")
		}
		name, v = strings.TrimSpace(name), strings.TrimSpace(v)
		match := strings.EqualFold(name, key)
		if re != nil {
			m, err := re.MatchStart(name)
			if err != nil {
				return nil, fmt.Errorf("ini: %w", err)
			}
			match = m != nil
		}
		if match {
			out = append(out, v)
		}
	}
	return out, nil
}

// maxFetched bounds what the url lookup takes into memory, in bytes.
const maxFetched = 64 << 20

func fetchURL(r *request) ([]any, error) {
	words, err := r.words()
	if err != nil {
		return nil, err
	}
	var out []any
	for _, w := range words {
		body, err := r.get(w)
		if err != nil {
			return nil, fmt.Errorf("failed lookup url for %s: %w", w, err)
		}
		if r.flag("split_lines", true) {
			for _, line := range strings.Split(strings.TrimSuffix(body, "\n"), "\n") {
				out = append(out, line)
			}
			continue
		}
		out = append(out, body)
	}
	return out, nil
}

func (r *request) get(url string) (string, error) {
	req, err := http.NewRequestWithContext(r.ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	if user := r.text("username", ""); user != "" {
		req.SetBasicAuth(user, r.text("password", ""))
	}
	if headers, ok := r.opts.At("headers").(*value.Dict); ok {
		for k, v := range headers.All() {
			req.Header.Set(value.Str(k), value.Str(v))
		}
	}
	client := &http.Client{Timeout: 10 * time.Second}
	resp, err := client.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 400 {
		return "", fmt.Errorf("HTTP error %s", resp.Status)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxFetched))
	return string(body), err
}

func config(r *request) ([]any, error) {
	words, err := r.words()
	if err != nil {
		return nil, err
	}
	var out []any
	for _, w := range words {
		out = append(out, r.set.o.Setting(w))
	}
	return out, nil
}
