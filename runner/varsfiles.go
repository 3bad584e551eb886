package runner

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"sunup/internal/jinja"
	"sunup/internal/say"
	"sunup/internal/value"
	"sunup/internal/vars"
	"sunup/playbooks"
)

// varsFiles are the vars_files of a play, read once per path; which paths a
// host takes may depend on its variables.
type varsFiles struct {
	mu    sync.Mutex
	files map[string]*value.Dict // by path; nil when it cannot be read
	hosts map[*host][]vars.Layer
	busy  map[*host]bool // names are being evaluated: files of this host are not visible to them
}

// filesFor returns the layers of vars_files for a host, highest first.
func (p *playRun) filesFor(ctx context.Context, h *host) []vars.Layer {
	if len(p.play.VarsFiles) == 0 {
		return nil
	}
	v := p.varsFiles
	v.mu.Lock()
	layers, known := v.hosts[h]
	if known || v.busy[h] {
		v.mu.Unlock()
		return layers
	}
	if v.busy == nil {
		v.busy, v.hosts, v.files = map[*host]bool{}, map[*host][]vars.Layer{}, map[string]*value.Dict{}
	}
	v.busy[h] = true
	v.mu.Unlock()

	layers, complete := p.findVarsFiles(ctx, h)
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.busy, h)
	if complete {
		v.hosts[h] = layers
	}
	return layers
}

// findVarsFiles takes the first file that exists of each entry. Complete is
// false while a name needs facts that are not there yet.
func (p *playRun) findVarsFiles(ctx context.Context, h *host) (layers []vars.Layer, complete bool) {
	complete = true
	scope := p.scopeFor(ctx, h, nil)
	for _, entry := range p.play.VarsFiles {
		path, waits := p.chooseVarsFile(ctx, scope, h, entry)
		if waits {
			complete = false
		}
		if path == "" {
			continue
		}
		if d := p.varsFile(path); d.Len() > 0 {
			layers = append([]vars.Layer{fixed(vars.PlayVarsFiles, path, d)}, layers...)
		}
	}
	return layers, complete
}

func (p *playRun) chooseVarsFile(ctx context.Context, scope *vars.Scope, h *host, entry playbooks.VarsFile) (path string, waits bool) {
	var tried []string
	for _, raw := range entry.Choices {
		name, err := p.run.Templar.Text(ctx, scope, raw)
		if err != nil {
			waits = waits || jinja.IsUndefined(err)
			continue
		}
		if candidate := p.findVarsPath(name); candidate != "" {
			return candidate, false
		}
		tried = append(tried, name)
	}
	if !waits {
		p.run.stream.warn("", say.T("%s: vars_files: none of these files was found: %s", "%s: vars_files: 다음 파일을 찾지 못했습니다: %s",
			entry.Pos, strings.Join(tried, ", ")))
	}
	return "", waits
}

func (p *playRun) findVarsPath(name string) string {
	for _, c := range []string{filepath.Join(p.dir, "vars", name), filepath.Join(p.dir, name), name} {
		if filepath.IsAbs(name) {
			c = name
		}
		if info, err := os.Stat(c); err == nil && !info.IsDir() {
			return c
		}
	}
	return ""
}

func (p *playRun) varsFile(path string) *value.Dict {
	v := p.varsFiles
	v.mu.Lock()
	defer v.mu.Unlock()
	if d, ok := v.files[path]; ok {
		return d
	}
	d, problems := p.run.LoadVars(path)
	p.run.tellProblems(problems)
	v.files[path] = d
	return d
}
