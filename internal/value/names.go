package value

// Names holds the keys that were read last, so that dicts of one list share
// them: that saves memory, and who looks into many of them finds the key where
// it was the last time. The zero value is ready to use.
type Names [64]any

// Shared returns s as a value, the one that was returned before if possible.
func (n *Names) Shared(s string) any {
	if s == "" {
		return s
	}
	have := &n[(len(s)*31+int(s[0])*7+int(s[len(s)-1]))%len(n)]
	if h, ok := (*have).(string); !ok || h != s {
		*have = s
	}
	return *have
}
