package main

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"sunup/internal/event"
	"sunup/internal/say"
	"sunup/internal/value"
)

// extraVarsFacet is the name of the facet of the extra variables.
const extraVarsFacet = "extra vars"

// facets are digests of what a run is made from beside its files: the variables
// of every host and the extra variables. They are keyed, so that nobody can
// guess a password by its digest in the record.
func (p *project) facets(playbooks []string) ([]event.Facet, error) {
	key, err := p.app.facetKey()
	if err != nil {
		return nil, err
	}
	d := digester{key: key, seen: map[*value.Dict][]byte{}}
	dir := ""
	if len(playbooks) > 0 {
		dir = filepath.Dir(playbooks[0])
	}
	out := []event.Facet{{Name: extraVarsFacet, Digest: d.of(p.extraVars)}}
	for _, h := range p.inventory.Hosts() {
		layers, _ := p.inventory.Layers(h.Name, dir)
		dicts := make([]*value.Dict, len(layers))
		for i, l := range layers {
			dicts[i] = l.Vars
		}
		out = append(out, event.Facet{Name: "host " + h.Name, Digest: d.of(dicts...)})
	}
	return out, nil
}

// digester computes keyed digests; what hosts share is computed once.
type digester struct {
	key  []byte
	seen map[*value.Dict][]byte
}

func (d digester) of(dicts ...*value.Dict) string {
	sum := d.mac()
	for _, one := range dicts {
		part, ok := d.seen[one]
		if !ok {
			part = d.part(one)
			d.seen[one] = part
		}
		sum.Write(part)
	}
	return hex.EncodeToString(sum.Sum(nil)[:16])
}

func (d digester) part(one *value.Dict) []byte {
	sum := d.mac()
	text, err := one.MarshalJSON()
	if err != nil {
		text = []byte(err.Error())
	}
	sum.Write(text)
	return sum.Sum(nil)
}

func (d digester) mac() hash.Hash { return hmac.New(sha256.New, d.key) }

// facetKey is the key of the state directory, made at first use.
func (a *app) facetKey() ([]byte, error) {
	path := filepath.Join(a.stateDir(), "facet.key")
	key, err := os.ReadFile(path)
	if err == nil && len(key) == sha256.Size {
		return key, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, badState(err)
	}
	key = make([]byte, sha256.Size)
	if _, err := io.ReadFull(rand.Reader, key); err != nil {
		return nil, fmt.Errorf("make key of the state directory: %w", err)
	}
	if err := writeKey(path, key); err != nil {
		return nil, badState(err)
	}
	return os.ReadFile(path) // another process may have been first
}

func badState(err error) error {
	return say.Fail(err, say.T("the state directory cannot be used: %s\n→ set SUNUP_STATE to a directory that can be written, or run with --no-record",
		"상태 디렉터리를 쓸 수 없습니다: %s\n→ SUNUP_STATE에 쓸 수 있는 디렉터리를 지정하거나 --no-record로 실행하십시오", err.Error()))
}

// writeKey writes the file whole and only if it is not there.
func writeKey(path string, key []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".facet.*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	if _, err := f.Write(key); err != nil {
		f.Close()
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}
