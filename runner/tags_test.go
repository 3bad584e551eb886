package runner

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestTagsSelect(t *testing.T) {
	for _, c := range []struct {
		tags, only, skip string
		run              bool
	}{
		{"", "", "", true},
		{"a", "", "", true},
		{"never", "", "", false},
		{"never a", "a", "", true},
		{"never a", "all", "", false},
		{"a", "b", "", false},
		{"a b", "b", "", true},
		{"always", "b", "", true},
		{"always", "b", "always", false},
		{"", "tagged", "", false},
		{"a", "tagged", "", true},
		{"never", "tagged", "", false},
		{"", "untagged", "", true},
		{"a", "untagged", "", false},
		{"a", "", "a", false},
		{"a", "", "tagged", false},
		{"", "", "untagged", false},
		{"a", "", "all", false},
		{"always", "", "all", true},
		{"a b", "a", "b", false},
	} {
		got := TagsSelect(strings.Fields(c.tags), strings.Fields(c.only), strings.Fields(c.skip))
		assert.Equal(t, c.run, got, "tags %q, --tags %q, --skip-tags %q", c.tags, c.only, c.skip)
	}
}
