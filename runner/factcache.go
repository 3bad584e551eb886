package runner

import (
	"sunup/internal/say"
	"sunup/internal/value"
)

// FactCache keeps facts of hosts from run to run. It is used by several
// goroutines at once, for one host by one at a time.
type FactCache interface {
	// Load returns the facts of a host by their ansible_ names, or nil when none
	// are kept, or only old ones.
	Load(host string) (*value.Dict, error)
	// Save replaces the facts of a host.
	Save(host string, facts *value.Dict) error
	// Forget removes the facts of a host; one without any is no error.
	Forget(host string) error
}

// factsGathered marks, in what is kept, that facts were gathered: a fact that
// set_fact made cacheable is kept without it. The name is ansible-core's.
const factsGathered = "_ansible_facts_gathered"

// keptFacts are one host's facts in the cache.
type keptFacts struct {
	cache FactCache
	tell  func(say.Text)
}

// load gives the host what is kept of it.
func (k *keptFacts) load(h *host) {
	if k == nil {
		return
	}
	facts, err := k.cache.Load(h.name)
	if err != nil {
		k.failed(err)
	}
	if facts == nil {
		return
	}
	facts = facts.Copy()
	_, h.gathered = facts.Delete(factsGathered)
	h.facts.Update(facts, true)
}

// save keeps what the host has.
func (k *keptFacts) save(h *host) {
	if k == nil {
		return
	}
	facts := h.facts.Snapshot()
	if h.wasGathered() {
		facts.Set(factsGathered, true)
	}
	if err := k.cache.Save(h.name, facts); err != nil {
		k.failed(err)
	}
}

func (k *keptFacts) forget(h *host) {
	if k == nil {
		return
	}
	if err := k.cache.Forget(h.name); err != nil {
		k.failed(err)
	}
}

func (k *keptFacts) failed(err error) {
	k.tell(say.T("the fact cache: %s", "팩트 캐시: %s", err.Error()))
}

func (h *host) wasGathered() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.gathered
}
