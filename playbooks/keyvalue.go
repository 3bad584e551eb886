package playbooks

import (
	"errors"
	"strconv"
	"strings"

	"sunup/internal/value"
)

// Arguments written as one line of text: key=value words, and whatever is not
// key=value. A word ends at a space or a line end that is outside of quotes
// and of template brackets.

var (
	errUnbalanced = errors.New("a quote or a template bracket is not closed")
	errBlankStart = errors.New("the text starts with a blank")
)

// commandOptions are the key=value words that free-form modules take; all
// other words belong to the command.
var commandOptions = map[string]bool{
	"creates": true, "removes": true, "chdir": true, "executable": true, "warn": true,
	"stdin": true, "stdin_add_newline": true, "strip_empty_ends": true,
}

// ParseKeyValue reads "key=value key2='two words'", as in --extra-vars.
func ParseKeyValue(text string) (*value.Dict, error) { return parseKeyValue(text, false) }

// parseKeyValue reads arguments from text. For a free-form module only the
// options of commands are taken out. What is left over is under _raw_params.
func parseKeyValue(text string, freeForm bool) (*value.Dict, error) {
	words, err := splitWords(text)
	if err != nil {
		return nil, err
	}
	args := &value.Dict{}
	var raw []string
	for _, word := range words {
		plain := decodeEscapes(word)
		if !strings.Contains(plain, "=") {
			raw = append(raw, word)
			continue
		}
		at := equalsSign(plain)
		if at < 0 {
			raw = append(raw, strings.ReplaceAll(plain, `\=`, "="))
			continue
		}
		key, val := plain[:at], plain[at+1:]
		if freeForm && !commandOptions[key] {
			raw = append(raw, word)
			continue
		}
		args.Set(strings.TrimSpace(key), unquote(strings.TrimSpace(val)))
	}
	if len(raw) > 0 {
		args.Set(rawParams, joinWords(raw))
	}
	return args, nil
}

// rawParams is the argument that holds free-form text.
const rawParams = "_raw_params"

// equalsSign finds the first = that is neither first nor escaped.
func equalsSign(s string) int {
	for i := 1; i < len(s); i++ {
		if s[i] == '=' && s[i-1] != '\\' {
			return i
		}
	}
	return -1
}

// unquote takes away one pair of equal quotes around s.
func unquote(s string) string {
	if n := len(s); n > 1 && s[0] == s[n-1] && (s[0] == '"' || s[0] == '\'') && s[n-2] != '\\' {
		return s[1 : n-1]
	}
	return s
}

// joinWords undoes splitWords: a word that ends its line takes no space.
func joinWords(words []string) string {
	var b strings.Builder
	last := byte('\n')
	for _, w := range words {
		if last != '\n' {
			b.WriteByte(' ')
		}
		b.WriteString(w)
		if w != "" {
			last = w[len(w)-1]
		} else if b.Len() > 0 {
			last = ' '
		}
	}
	return b.String()
}

// wordSplitter is the state while words are cut: inside which quote, and how
// deep in each kind of template bracket.
type wordSplitter struct {
	words                  []string
	quote                  byte // 0 outside of quotes
	print, block, comments int
}

func (w *wordSplitter) inTemplate() bool { return w.print > 0 || w.block > 0 || w.comments > 0 }

// splitWords cuts text at blanks, keeping quoted text and templates whole.
// Runs of blanks and line ends stay at the end of the word before them, so
// that a script keeps its layout.
func splitWords(text string) ([]string, error) {
	w := &wordSplitter{}
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		continued, ok := w.line(line)
		if !ok {
			return nil, errBlankStart
		}
		if i < len(lines)-1 && !continued && !w.extend("\n") {
			return nil, errBlankStart
		}
	}
	if w.inTemplate() || w.quote != 0 {
		return nil, errUnbalanced
	}
	return w.words, nil
}

// extend adds to the last word and reports whether there is one.
func (w *wordSplitter) extend(s string) bool {
	if len(w.words) == 0 {
		return false
	}
	w.words[len(w.words)-1] += s
	return true
}

// line cuts one line; continued is true after a lone backslash.
func (w *wordSplitter) line(line string) (continued, ok bool) {
	tokens := strings.Split(line, " ")
	for i, token := range tokens {
		switch {
		case token == "" && i > 0:
			if !w.extend(" ") {
				return false, false
			}
		case token == `\` && w.quote == 0:
			continued = true
		default:
			if !w.token(token, i, len(tokens)) {
				return false, false
			}
		}
	}
	return continued, true
}

// token takes the piece of a line between two blanks.
func (w *wordSplitter) token(token string, i, count int) bool {
	wasQuoted := w.quote != 0
	w.quote = quoteAfter(token, w.quote)
	taken := true
	switch {
	case w.quote != 0 && !wasQuoted && !w.inTemplate():
		w.words = append(w.words, token)
	case w.inTemplate() || w.quote != 0 || wasQuoted:
		switch {
		case i == 0 && wasQuoted:
		case count == 1:
			token = "\n" + token
		case i > 0:
			token = " " + token
		}
		if !w.extend(token) {
			return false
		}
	default:
		taken = false
	}
	changed := w.brackets(token)
	if !taken && (changed || (!w.inTemplate() && token != "")) {
		w.words = append(w.words, token)
	}
	return true
}

// brackets follows the template brackets of a token and reports whether a
// depth changed.
func (w *wordSplitter) brackets(token string) bool {
	before := *w
	w.print = depthAfter(token, w.print, "{{", "}}")
	w.block = depthAfter(token, w.block, "{%", "%}")
	w.comments = depthAfter(token, w.comments, "{#", "#}")
	return w.print != before.print || w.block != before.block || w.comments != before.comments
}

func depthAfter(token string, depth int, open, shut string) int {
	return max(0, depth+strings.Count(token, open)-strings.Count(token, shut))
}

func quoteAfter(token string, quote byte) byte {
	for i := 0; i < len(token); i++ {
		c := token[i]
		if (c != '"' && c != '\'') || (i > 0 && token[i-1] == '\\') {
			continue
		}
		switch quote {
		case 0:
			quote = c
		case c:
			quote = 0
		}
	}
	return quote
}

var escapes = map[byte]string{
	'\\': `\`, '\'': `'`, '"': `"`, 'a': "\a", 'b': "\b", 'f': "\f", 'n': "\n", 'r': "\r", 't': "\t", 'v': "\v",
}

// hexEscapes are the escapes with a number of hexadecimal digits.
var hexEscapes = map[byte]int{'x': 2, 'u': 4, 'U': 8}

// decodeEscapes replaces Python's escapes; a backslash before anything else
// stays.
func decodeEscapes(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			continue
		}
		c := s[i+1]
		if plain, ok := escapes[c]; ok {
			b.WriteString(plain)
			i++
			continue
		}
		if n := hexEscapes[c]; n > 0 && i+2+n <= len(s) {
			if r, err := strconv.ParseUint(s[i+2:i+2+n], 16, 32); err == nil {
				b.WriteRune(rune(r))
				i += 1 + n
				continue
			}
		}
		b.WriteByte('\\')
	}
	return b.String()
}
