package lookup

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"sunup/internal/value"
)

// firstFound returns the first file that exists.
func firstFound(r *request) ([]any, error) {
	search := foundFirst{own: r.opts}
	for _, t := range flatten(r.terms, 2) {
		if err := search.add(t); err != nil {
			return nil, err
		}
	}
	for _, name := range search.names {
		if path, err := r.find(r.kind(), name); err == nil {
			return []any{path}, nil
		}
	}
	if search.skip {
		return nil, nil
	}
	return nil, fmt.Errorf("No file was found when using first_found.")
}

// foundFirst is where first_found looks. A term brings its own files and paths when it is a dict; else those
// of the lookup count, and where these name any the term itself does not, as in ansible-core 2.14.
type foundFirst struct {
	own   *value.Dict
	names []string
	skip  bool
}

func (f *foundFirst) add(term any) error {
	opts, isDict := term.(*value.Dict)
	name, isText := term.(string)
	switch {
	case isText:
		opts = f.own
	case !isDict:
		return fmt.Errorf("Invalid term supplied, can handle string, mapping or list of strings but got: <class '%s'> for %s", value.TypeName(term), value.Str(term))
	}
	f.skip = value.Truth(opts.At("skip"))
	files, paths := splitOn(opts.At("files"), ",;"), splitOn(opts.At("paths"), ",;:")
	switch {
	case len(paths) > 0:
		for _, dir := range paths {
			for _, file := range files {
				f.names = append(f.names, filepath.Join(dir, file))
			}
		}
	case len(files) > 0:
		f.names = files
	default:
		f.names = append(f.names, name)
	}
	return nil
}

// splitOn makes one list of a text or a list of texts that may be lists themselves.
func splitOn(v any, marks string) (out []string) {
	list := []any{v}
	switch l := v.(type) {
	case nil:
		return nil
	case *value.List:
		list = l.Items
	}
	for _, one := range list {
		out = append(out, strings.FieldsFunc(value.Str(one), func(c rune) bool { return strings.ContainsRune(marks, c) })...)
	}
	return out
}

// kind is the folder of a role that the task's files are in: with_first_found
// of an include looks among tasks, lookup() always among files.
func (r *request) kind() string {
	if v, ok, err := r.variable("sunup_files_kind"); ok && err == nil {
		return value.Str(v)
	}
	return "files"
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

// maxFetched bounds what the url lookup takes into memory, in bytes.
const maxFetched = 64 << 20

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
