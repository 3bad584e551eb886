package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"sunup/internal/say"
	"sunup/internal/value"
	"sunup/runner"
)

// factFiles keeps the facts of each host as a JSON file, as ansible-core's
// jsonfile cache does: either can read what the other wrote.
type factFiles struct {
	dir, prefix string
	timeout     time.Duration // 0: facts never grow old
	now         func() time.Time
}

var _ runner.FactCache = factFiles{}

// factCache is the cache that the configuration asks for; nil keeps facts for the
// run only, as ansible-core's memory cache does.
func (p *project) factCache() (runner.FactCache, error) {
	c := p.config
	switch kind := strings.TrimPrefix(c.Text("CACHE_PLUGIN"), "ansible.builtin."); kind {
	case "", "memory":
		return nil, nil
	case "jsonfile":
		dir := c.Text("CACHE_PLUGIN_CONNECTION")
		if dir == "" {
			return nil, fmt.Errorf("%s", p.app.text("fact_caching = jsonfile needs fact_caching_connection, the directory of the files",
				"fact_caching = jsonfile에는 파일을 둘 디렉터리인 fact_caching_connection이 필요합니다"))
		}
		if rest, ok := strings.CutPrefix(dir, "~/"); ok {
			dir = filepath.Join(p.app.home(), rest)
		}
		return factFiles{dir: dir, prefix: c.Text("CACHE_PLUGIN_PREFIX"), timeout: time.Duration(c.Int("CACHE_PLUGIN_TIMEOUT", 86400)) * time.Second, now: time.Now}, nil
	default:
		return nil, fmt.Errorf("%s", say.T("fact_caching = %s is not supported; use memory or jsonfile", "fact_caching = %s{은/는} 지원하지 않습니다. memory나 jsonfile을 쓰십시오", kind).In(p.app.lang))
	}
}

// path is a host's file; a host's name cannot lead out of the directory.
func (f factFiles) path(host string) string {
	return filepath.Join(f.dir, f.prefix+strings.ReplaceAll(host, string(filepath.Separator), "_"))
}

// Load reads the facts of a host.
func (f factFiles) Load(host string) (*value.Dict, error) {
	info, err := os.Stat(f.path(host))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if f.timeout > 0 && f.now().Sub(info.ModTime()) > f.timeout {
		return nil, nil
	}
	text, err := os.ReadFile(f.path(host))
	if err != nil {
		return nil, err
	}
	v, err := value.ParseJSON(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.path(host), err)
	}
	d, ok := v.(*value.Dict)
	if !ok {
		return nil, fmt.Errorf("%s: not a JSON object", f.path(host))
	}
	return d, nil
}

// Save replaces the file of a host; a reader never sees half of one. Facts may
// tell much of a host: only its owner reads the file.
func (f factFiles) Save(host string, facts *value.Dict) error {
	text, err := value.EncodeJSON(facts, value.JSONOptions{Pretty: true, Indent: "    ", SortKeys: true,
		Default: func(v any) (any, error) { return value.Str(v), nil }})
	if err != nil {
		return fmt.Errorf("facts of %s: %w", host, err)
	}
	if err := os.MkdirAll(f.dir, 0o700); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(f.dir, ".facts-*")
	if err != nil {
		return err
	}
	_, err = tmp.WriteString(text)
	err = errors.Join(err, tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), f.path(host))
	}
	if err != nil {
		_ = os.Remove(tmp.Name())
	}
	return err
}

// Forget removes the file of a host.
func (f factFiles) Forget(host string) error {
	err := os.Remove(f.path(host))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
