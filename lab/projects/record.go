package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"sync"
)

// answer is what a tool said of a playbook.
type answer struct {
	Accepts bool   `json:"accepts"` // --syntax-check succeeds
	Lists   bool   `json:"lists"`   // --list-tasks succeeds
	Listing string `json:"listing,omitempty"`
	Words   string `json:"words,omitempty"` // of the error
}

// record is what Ansible said, by project/path. It is safe for use by several
// goroutines.
type record struct {
	path string
	mu   sync.Mutex
	all  map[string]answer
}

func openRecord(path string) (*record, error) {
	r := &record{path: path, all: map[string]answer{}}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return r, nil
	}
	if err != nil {
		return nil, err
	}
	return r, json.Unmarshal(text, &r.all)
}

func (r *record) of(p playbook) answer {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.all[p.key()]
}

func (r *record) has(p playbook) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, ok := r.all[p.key()]
	return ok
}

// ask runs Ansible for a playbook that is not in the record yet. Every answer
// is written at once: a run that is broken off has lost nothing.
func (r *record) ask(ctx context.Context, o options, p playbook) {
	if r.has(p) {
		return
	}
	limited, cancel := context.WithTimeout(ctx, o.limit)
	defer cancel()
	a := ask(limited, "ansible-playbook", p)
	if ctx.Err() != nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all[p.key()] = a
	if len(r.all)%20 == 0 {
		_ = r.write()
	}
}

func (r *record) save() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.write()
}

func (r *record) write() error {
	text, err := json.MarshalIndent(r.all, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(r.path, append(text, '\n'), 0o644)
}

// ask runs one of the two tools on a playbook: they have the same flags.
func ask(ctx context.Context, command string, p playbook) answer {
	out, words, ok := call(ctx, command, p, "--list-tasks")
	if ok {
		return answer{Accepts: true, Lists: true, Listing: out}
	}
	_, syntax, ok := call(ctx, command, p, "--syntax-check")
	if !ok {
		words = syntax
	}
	return answer{Accepts: ok, Words: words}
}

func call(ctx context.Context, command string, p playbook, flag string) (out, words string, ok bool) {
	cmd := exec.CommandContext(ctx, command, "-i", "localhost,", flag, p.path)
	cmd.Dir = p.dir
	cmd.Env = append(os.Environ(), "ANSIBLE_NOCOLOR=1", "ANSIBLE_DEPRECATION_WARNINGS=False", "ANSIBLE_LOCALHOST_WARNING=False", "LC_ALL=C.UTF-8")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	words = stderr.String()
	if at := strings.Index(words, "ERROR!"); at >= 0 {
		words = words[at:]
	}
	if len(words) > 600 {
		words = words[:600]
	}
	return stdout.String(), words, err == nil
}
