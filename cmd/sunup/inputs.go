package main

import (
	"crypto/sha256"
	"encoding/hex"
	"sort"
	"sync"

	"sunup/internal/event"
)

// inputs are the files that a run was made from.
type inputs struct {
	mu    sync.Mutex
	files map[string]string // path -> SHA-256 in hex
}

func newInputs() *inputs { return &inputs{files: map[string]string{}} }

func (i *inputs) add(path string, src []byte) {
	sum := sha256.Sum256(src)
	i.mu.Lock()
	defer i.mu.Unlock()
	i.files[path] = hex.EncodeToString(sum[:])
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
