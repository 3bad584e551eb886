package lookup

import (
	"errors"
	"fmt"

	"sunup/internal/configparser"
	"sunup/internal/jinja/pyre"
)

// iniFile returns options of a section of an INI file, or of a Java properties file, which is read as if all
// of it stood in one section.
func iniFile(r *request) ([]any, error) {
	words, err := r.words()
	if err != nil {
		return nil, err
	}
	var out []any
	for _, w := range words {
		key, opts := params(w)
		found, err := r.iniValues(key, opts)
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	return out, nil
}

// properties is the section that a Java properties file is read as.
const properties = "java_properties"

func (r *request) iniValues(key string, opts map[string]string) ([]any, error) {
	name := r.option(opts, "file", "ansible.ini")
	path, err := r.find("files", name)
	if err != nil {
		return nil, err
	}
	b, err := r.set.o.Read(path)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	src, section := string(b), r.option(opts, "section", "global")
	if r.option(opts, "type", "ini") == "properties" {
		src, section = "["+properties+"]\n"+src, properties
	}
	f, err := configparser.Parse(name, src, configparser.Options{
		CaseSensitive: r.flag("case_sensitive", false),
		AllowNoValue:  r.flag("allow_no_value", false) || r.flag("allow_none", false),
	})
	if err != nil {
		return nil, err
	}
	if r.option(opts, "re", "") != "" && r.flag("re", false) {
		return iniMatches(f, name, section, key)
	}
	v, err := f.Get(section, key)
	var none *configparser.NoOptionError
	if errors.As(err, &none) {
		if d, ok := r.opts.Get("default"); ok {
			return []any{d}, nil
		}
		return []any{r.option(opts, "default", "")}, nil
	}
	return []any{v}, noSection(err, name)
}

// iniMatches returns the values of all options whose name begins with what the pattern matches.
func iniMatches(f *configparser.File, name, section, pattern string) ([]any, error) {
	re, err := pyre.Compile(pattern, 0)
	if err != nil {
		return nil, fmt.Errorf("ini: %w", err)
	}
	items, err := f.Items(section)
	if err != nil {
		return nil, noSection(err, name)
	}
	var out []any
	for _, item := range items {
		m, err := re.MatchStart(item.Name)
		if err != nil {
			return nil, fmt.Errorf("ini: %w", err)
		}
		if m != nil {
			out = append(out, item.Value)
		}
	}
	return out, nil
}

// noSection puts the name of the file to the error of a missing section, in ansible-core's words.
func noSection(err error, file string) error {
	var none *configparser.NoSectionError
	if errors.As(err, &none) {
		return fmt.Errorf("No section '%s' in %s", none.Section, file)
	}
	return err
}
