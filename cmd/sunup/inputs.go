package main

import (
	"crypto/sha256"
	"encoding/hex"
	"path/filepath"
	"sort"
	"sync"

	"sunup/internal/event"
)

// inputs are the files that a run was made from.
type inputs struct {
	mu    sync.Mutex
	files map[string]string // absolute path -> SHA-256 in hex
	// tell is told of files that are read while the run goes on; nil before.
	tell func(event.Input)
}

func newInputs() *inputs { return &inputs{files: map[string]string{}} }

func (i *inputs) add(path string, src []byte) {
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	sum := digestOf(src)
	i.mu.Lock()
	known := i.files[path] == sum
	i.files[path] = sum
	tell := i.tell
	i.mu.Unlock()
	if !known && tell != nil {
		tell(event.Input{File: path, SHA256: sum})
	}
}

// tellOf makes the inputs tell of what is read from now on.
func (i *inputs) tellOf(tell func(event.Input)) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.tell = tell
}

func digestOf(src []byte) string {
	sum := sha256.Sum256(src)
	return hex.EncodeToString(sum[:])
}

func (i *inputs) list() []event.Input {
	i.mu.Lock()
	defer i.mu.Unlock()
	out := make([]event.Input, 0, len(i.files))
	for path, sum := range i.files {
		out = append(out, event.Input{File: path, SHA256: sum})
	}
	sort.Slice(out, func(a, b int) bool { return out[a].File < out[b].File })
	return out
}
