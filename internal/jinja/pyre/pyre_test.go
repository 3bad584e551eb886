package pyre

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestReplace(t *testing.T) {
	for _, c := range []struct{ pattern, text, to, want string }{
		{"x*", "abxd", "-", "-a-b--d-"},
		{"", "abc", "-", "-a-b-c-"},
		{`(?P<a>\w)(?P<b>\w)`, "abcd", `\g<b>\g<a>`, "badc"},
		{`(a)(?P<n>b)(c)`, "abc", `\3\2\1`, "cba"},
		{`[a-z-[]`, "a-[9", "x", "xxx9"},
		{`a{,2}b`, "aaab", "-", "a-"},
		{`\Z`, "ab\n", "!", "ab\n!"},
		{`(?i)ABC`, "xabcx", "-", "x-x"},
		{`한(.)`, "한국마사회", `\1`, "국마사회"},
		{`(?<=a)b`, "ab bb", "-", "a- bb"},
		{`(.)\1`, "aabbc", "-", "--c"},
		{`a|b|`, "xa", "-", "-x--"},
		{`#`, "a#b", "-", "a-b"},
		{`(?x) a \# b # comment`, "a#b", "-", "-"},
		{`[\w-]+`, "a-b c", "x", "x x"},
		{`\d+`, "a1b22", `<\g<0>>`, "a<1>b<22>"},
	} {
		re, err := Compile(c.pattern, 0)
		require.NoError(t, err, c.pattern)
		got, err := re.Replace(c.text, c.to, 0, 0)
		require.NoError(t, err, c.pattern)
		assert.Equal(t, c.want, got, c.pattern)
	}
}

func TestErrors(t *testing.T) {
	for pattern, want := range map[string]string{
		"(":          "missing ), unterminated subpattern at position 0",
		")":          "unbalanced parenthesis at position 0",
		"[a":         "unterminated character set at position 0",
		"*a":         "nothing to repeat at position 0",
		`\q`:         `bad escape \q at position 0`,
		`(?P<1>a)`:   "bad character in group name '1' at position 4",
		`(a)\2`:      "invalid group reference 2 at position 4",
		`(?P=x)`:     "unknown group name 'x' at position 4",
		`a(?i)b`:     "global flags not at the start of the expression at position 1",
		`(?<name>x)`: "unknown extension ?<",
	} {
		_, err := Compile(pattern, 0)
		require.Error(t, err, pattern)
		assert.Contains(t, err.Error(), want, pattern)
	}
}

func TestMatchKinds(t *testing.T) {
	re, err := Compile("b+", 0)
	require.NoError(t, err)
	m, err := re.MatchStart("abb")
	require.NoError(t, err)
	assert.Nil(t, m)
	m, err = re.MatchStart("bba")
	require.NoError(t, err)
	assert.Equal(t, "bb", m.Text())
	m, err = re.FullMatch("bba")
	require.NoError(t, err)
	assert.Nil(t, m)
	parts, err := re.Split("abbac")
	require.NoError(t, err)
	assert.Equal(t, []string{"a", "ac"}, parts)
}

func FuzzCompile(f *testing.F) {
	for _, s := range []string{`a(b|c)*[^x-z]\d{2,3}?(?P<n>.)(?P=n)`, `(?i)x`, `[]]`, `\x41\u00e9`, `(?(1)a|b)`} {
		f.Add(s, "abcabc")
	}
	f.Fuzz(func(t *testing.T, pattern, text string) {
		if len(pattern) > 200 || len(text) > 200 || strings.Count(pattern, "{") > 3 {
			return
		}
		re, err := Compile(pattern, 0)
		if err != nil {
			return
		}
		_, _ = re.Replace(text, `<\g<0>>`, 0, 1<<20)
		_, _ = re.FindAll(text)
	})
}
