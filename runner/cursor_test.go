package runner

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"sunup/playbooks"
)

// tree reads a compact block: tasks are letters, "(a b / c | d)" is a block
// with rescue c and always d.
func tree(text string) *playbooks.Block {
	words := strings.Fields(strings.NewReplacer("(", " ( ", ")", " ) ", "/", " / ", "|", " | ").Replace(text))
	b, _ := readBlock(words)
	return b
}

func readBlock(words []string) (*playbooks.Block, []string) {
	b := &playbooks.Block{}
	into := &b.Tasks
	for len(words) > 0 {
		w := words[0]
		words = words[1:]
		switch w {
		case "(":
			var inner *playbooks.Block
			inner, words = readBlock(words)
			*into = append(*into, inner)
		case ")":
			return b, words
		case "/":
			into = &b.Rescue
		case "|":
			into = &b.Always
		default:
			*into = append(*into, &playbooks.Task{Name: w})
		}
	}
	return b, nil
}

// walk goes through a block; tasks whose name is in failing fail.
func walk(b *playbooks.Block, failing string) (ran string, lost bool) {
	c := newCursor(b, nil, func(*frame, playbooks.Step) bool { return true })
	for {
		t := c.next()
		if t == nil {
			return ran, lost
		}
		ran += t.Name
		if strings.Contains(failing, t.Name) {
			lost = !c.rescues()
			c.fail()
			continue
		}
		c.advance()
	}
}

func TestCursorGoesThroughBlocks(t *testing.T) {
	for _, c := range []struct {
		tree, failing, ran string
		lost               bool
	}{
		{"a b c", "", "abc", false},
		{"a b c", "b", "ab", true},
		{"a (b c / r | x) d", "", "abcxd", false},
		{"a (b c / r | x) d", "b", "abrxd", false},
		{"a (b c / r | x) d", "br", "abrx", true},
		{"a (b c | x) d", "b", "abx", true},
		{"a (b c | x y) d", "bx", "abx", true},
		{"((a / r s) b / q) c", "a", "arsbc", false},
		{"((a / r s) b / q) c", "as", "arsqc", false},
		{"((a | x) b / q) c", "a", "axqc", false},
		{"((a / r | x) / q | y) z", "ar", "arxqyz", false},
		{"(a / r) (b / s) c", "ab", "arbsc", false},
	} {
		ran, lost := walk(tree(c.tree), c.failing)
		assert.Equal(t, c.ran, ran, "%s, failing %q", c.tree, c.failing)
		assert.Equal(t, c.lost, lost, "%s, failing %q", c.tree, c.failing)
	}
}

func TestHostsBehindGoFirst(t *testing.T) {
	b := tree("a (b c / r | x) d")
	at := func(steps int, failing string) *cursor {
		c := newCursor(b, nil, func(*frame, playbooks.Step) bool { return true })
		for range steps {
			if task := c.next(); strings.Contains(failing, task.Name) {
				c.fail()
			} else {
				c.advance()
			}
		}
		c.next()
		return c
	}
	assert.True(t, at(1, "").before(at(2, "")), "an earlier task")
	assert.True(t, at(2, "").before(at(2, "b")), "tasks come before rescue")
	assert.True(t, at(2, "b").before(at(3, "")), "rescue comes before always")
	assert.False(t, at(3, "").before(at(3, "")))
	in := at(1, "")
	in.push(frame{block: tree("i j")})
	assert.True(t, in.before(at(2, "")), "what was included comes before what follows")
}
