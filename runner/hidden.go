package runner

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"sync"

	"sunup/internal/value"
)

// Hidden are the texts of a run that nobody may be shown: passwords, what was
// decrypted, arguments that were declared secret. What is collected from hosts
// is searched for them. It may be used from several goroutines.
type Hidden struct {
	mu    sync.RWMutex
	known map[string]bool
	// masks replaces them all; nil when something was added since.
	masks *strings.Replacer
}

// NewHidden returns an empty set.
func NewHidden() *Hidden { return &Hidden{known: map[string]bool{}} }

const (
	// shortestHidden is the length below which a text stands in others by chance.
	shortestHidden = 4
	// longestHidden bounds what a secret in one line can be; a longer one is a
	// file, whose lines are hidden one by one.
	longestHidden = 4 << 10
	// mostHidden bounds the set. An estate with more secrets than that has them
	// in places that are not collected.
	mostHidden = 50_000
)

// stars stand in place of a secret.
const stars = "********"

// Add hides texts; of one with several lines, each line that is long enough to
// tell something.
func (h *Hidden) Add(texts ...string) {
	if !h.lacks(texts) {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, text := range texts {
		for line := range strings.Lines(text) {
			h.add(strings.TrimSpace(line))
		}
	}
}

// lacks reports whether any of the texts is new: it is asked after every step.
func (h *Hidden) lacks(texts []string) bool {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return slices.ContainsFunc(texts, func(text string) bool { return len(text) >= shortestHidden && !h.known[text] })
}

func (h *Hidden) add(text string) {
	if len(text) < shortestHidden || len(text) > longestHidden || h.known[text] || len(h.known) >= mostHidden {
		return
	}
	h.known[text], h.masks = true, nil
}

// AddValues hides every text in a value, such as the variables of an encrypted
// file.
func (h *Hidden) AddValues(v any) {
	var texts []string
	value.Walk(v, func(leaf any) {
		switch leaf := leaf.(type) {
		case string:
			texts = append(texts, leaf)
		case value.Unsafe:
			texts = append(texts, string(leaf))
		case int, float64:
			texts = append(texts, value.Str(leaf))
		}
	})
	h.Add(texts...)
}

// mask puts stars in place of what is hidden, as it is and as it stands in JSON,
// in URLs and in base64; it tells how many times.
func (h *Hidden) mask(text string) (masked string, count int) {
	masked = h.replacer().Replace(text)
	if masked == text {
		return text, 0
	}
	return masked, strings.Count(masked, stars) - strings.Count(text, stars)
}

func (h *Hidden) replacer() *strings.Replacer {
	h.mu.RLock()
	have := h.masks
	h.mu.RUnlock()
	if have != nil {
		return have
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.masks == nil {
		h.masks = h.newReplacer()
	}
	return h.masks
}

func (h *Hidden) newReplacer() *strings.Replacer {
	forms := map[string]bool{}
	for text := range h.known {
		for _, form := range []string{text, inJSON(text), url.QueryEscape(text), url.PathEscape(text), base64.StdEncoding.EncodeToString([]byte(text))} {
			forms[form] = true
		}
	}
	// Of two that begin alike the longer one is to be found.
	all := make([]string, 0, len(forms))
	for form := range forms {
		all = append(all, form)
	}
	slices.SortFunc(all, func(a, b string) int {
		if len(a) != len(b) {
			return len(b) - len(a)
		}
		return strings.Compare(a, b)
	})
	pairs := make([]string, 0, 2*len(all))
	for _, form := range all {
		pairs = append(pairs, form, stars)
	}
	return strings.NewReplacer(pairs...)
}

func inJSON(text string) string {
	b, err := json.Marshal(text)
	if err != nil {
		return text
	}
	return string(b[1 : len(b)-1])
}

// wordsOf are the parts of an argument of a step with no_log that are worth
// hiding: a command line has its password between other words.
func wordsOf(texts []string) []string {
	var out []string
	for _, text := range texts {
		if len(text) >= shortestHidden && !strings.ContainsAny(text, " \t\n/") {
			out = append(out, text)
			continue
		}
		for _, word := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" \t\n\r'\"`=,;|&<>()", r) }) {
			if len(word) >= shortestSecretWord && !strings.HasPrefix(word, "/") {
				out = append(out, word)
			}
		}
	}
	return out
}

// shortestSecretWord keeps the everyday words of a command line readable.
const shortestSecretWord = 8
