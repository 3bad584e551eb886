// Package say writes sentences for people in Korean and English.
//
// A Text holds one message in both languages; which one is shown is decided
// where it is printed, so the same run can be read in either. Both texts stand
// side by side in the source, so that neither is forgotten when the other
// changes.
package say

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Lang is a language that messages exist in.
type Lang string

// The languages.
const (
	English Lang = "en"
	Korean  Lang = "ko"
)

// Text is one message in both languages. The zero Text is empty.
type Text struct {
	en, ko string
	args   []any
}

// T makes a message from two formats and the arguments that both use.
// Arguments of type Text are put in the same language. In the Korean format a
// particle that depends on the sound before it is written {을/를}, {이/가},
// {은/는}, {와/과}, {으로/로}; use %[2]s to change the order of arguments.
func T(en, ko string, args ...any) Text { return Text{en: en, ko: ko, args: args} }

// Plain makes a message that is the same in every language, such as the words
// of another program.
func Plain(s string) Text { return Text{en: "%s", ko: "%s", args: []any{s}} }

// IsZero reports whether there is no message.
func (t Text) IsZero() bool { return t.en == "" && t.ko == "" }

// In returns the message in one language.
func (t Text) In(lang Lang) string {
	format := t.en
	if lang == Korean {
		format = t.ko
	}
	if len(t.args) > 0 {
		args := make([]any, len(t.args))
		for i, a := range t.args {
			if inner, ok := a.(Text); ok {
				a = inner.In(lang)
			}
			args[i] = a
		}
		format = fmt.Sprintf(format, args...)
	}
	if lang == Korean {
		return particles(format)
	}
	return format
}

// String is the English message, for errors and logs.
func (t Text) String() string { return t.In(English) }

type textJSON struct {
	EN string `json:"en"`
	KO string `json:"ko"`
}

// MarshalJSON writes both languages.
func (t Text) MarshalJSON() ([]byte, error) {
	return json.Marshal(textJSON{t.In(English), t.In(Korean)})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (t *Text) UnmarshalJSON(b []byte) error {
	var j textJSON
	if err := json.Unmarshal(b, &j); err != nil {
		return fmt.Errorf("read bilingual text: %w", err)
	}
	if j == (textJSON{}) {
		*t = Text{}
		return nil
	}
	escape := func(s string) string { return strings.ReplaceAll(s, "%", "%%") }
	// An argument is needed for the %% to be read as a format.
	*t = Text{en: escape(j.EN) + "%s", ko: escape(j.KO) + "%s", args: []any{""}}
	return nil
}

// pairs are the particles by the sound before them: after a final consonant,
// and after a vowel.
var pairs = map[string][2]string{
	"{을/를}": {"을", "를"}, "{이/가}": {"이", "가"}, "{은/는}": {"은", "는"},
	"{와/과}": {"과", "와"}, "{으로/로}": {"으로", "로"}, "{이라/라}": {"이라", "라"},
}

// particles chooses each particle by the last sound before it.
func particles(s string) string {
	if !strings.Contains(s, "{") {
		return s
	}
	var out strings.Builder
	for len(s) > 0 {
		i := strings.IndexByte(s, '{')
		if i < 0 {
			break
		}
		out.WriteString(s[:i])
		s = s[i:]
		end := strings.IndexByte(s, '}')
		if end < 0 {
			break
		}
		if pair, ok := pairs[s[:end+1]]; ok {
			out.WriteString(choose(out.String(), pair))
			s = s[end+1:]
		} else {
			out.WriteByte('{')
			s = s[1:]
		}
	}
	return out.String() + s
}

// Digits as they are read in Korean: 영 일 이 삼 사 오 육 칠 팔 구.
const (
	digitsWithFinal  = "013678"
	lettersWithFinal = "LMNRlmnr"
)

// choose picks the form after a final consonant or after a vowel; after ㄹ,
// {으로/로} takes the vowel's form.
func choose(before string, pair [2]string) string {
	before = strings.TrimRight(before, `"'’”)]»`+"`")
	r := []rune(before)
	if len(r) == 0 {
		return pair[1]
	}
	last := r[len(r)-1]
	final, rieul := false, false
	switch {
	case last >= '가' && last <= '힣':
		jong := (last - '가') % 28
		final, rieul = jong != 0, jong == 8
	case strings.ContainsRune(digitsWithFinal, last):
		final, rieul = true, strings.ContainsRune("178", last)
	case strings.ContainsRune(lettersWithFinal, last):
		final, rieul = true, strings.ContainsRune("LRlr", last)
	}
	if !final || (rieul && pair[0] == "으로") {
		return pair[1]
	}
	return pair[0]
}
