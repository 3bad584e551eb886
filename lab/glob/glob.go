// Package glob matches shell patterns, in which a backslash quotes.
package glob

import (
	"strings"
	"unicode/utf8"
)

// Match reports whether s matches a shell pattern, in which a backslash quotes.
func Match(pat, s string) bool {
	// starPat and starS remember where to go on after a mismatch: * may take
	// one more character.
	starPat, starS := -1, 0
	p, i := 0, 0
	for i < len(s) || p < len(pat) {
		if p < len(pat) {
			if pat[p] == '*' {
				starPat, starS = p, i
				p++
				continue
			}
			if i < len(s) {
				if np, ni, ok := matchOne(pat, p, s, i); ok {
					p, i = np, ni
					continue
				}
			}
		}
		if starPat < 0 || starS >= len(s) {
			return false
		}
		_, w := utf8.DecodeRuneInString(s[starS:])
		starS += w
		p, i = starPat+1, starS
	}
	return true
}

// matchOne matches one element of the pattern that is not a star.
func matchOne(pat string, p int, s string, i int) (int, int, bool) {
	r, w := utf8.DecodeRuneInString(s[i:])
	switch pat[p] {
	case '?':
		return p + 1, i + w, true
	case '[':
		if end, ok, valid := matchClass(pat[p:], r); valid {
			return p + end, i + w, ok
		}
	case '\\':
		if p+1 < len(pat) {
			p++
		}
	}
	if pat[p] == s[i] {
		return p + 1, i + 1, true
	}
	return 0, 0, false
}

// matchClass matches a bracket expression at the start of pat.
func matchClass(pat string, r rune) (end int, ok, valid bool) {
	i, negate := 1, false
	if i < len(pat) && (pat[i] == '!' || pat[i] == '^') {
		negate = true
		i++
	}
	for first := true; i < len(pat); first = false {
		if pat[i] == ']' && !first {
			return i + 1, ok != negate, true
		}
		if strings.HasPrefix(pat[i:], "[:") {
			if j := strings.Index(pat[i:], ":]"); j > 0 {
				ok = ok || inClass(pat[i+2:i+j], r)
				i += j + 2
				continue
			}
		}
		if pat[i] == '\\' && i+1 < len(pat) {
			i++
		}
		lo, w := utf8.DecodeRuneInString(pat[i:])
		i += w
		hi := lo
		if i+1 < len(pat) && pat[i] == '-' && pat[i+1] != ']' {
			i++
			if pat[i] == '\\' && i+1 < len(pat) {
				i++
			}
			hi, w = utf8.DecodeRuneInString(pat[i:])
			i += w
		}
		ok = ok || lo <= r && r <= hi
	}
	return 0, false, false
}

func inClass(name string, r rune) bool {
	lower, upper, digit := r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9'
	switch name {
	case "alpha":
		return lower || upper
	case "digit":
		return digit
	case "alnum":
		return lower || upper || digit
	case "lower":
		return lower
	case "upper":
		return upper
	case "space":
		return strings.ContainsRune(" \t\n\r\v\f", r)
	case "blank":
		return r == ' ' || r == '\t'
	case "xdigit":
		return digit || r >= 'a' && r <= 'f' || r >= 'A' && r <= 'F'
	case "punct":
		return r > ' ' && r < 127 && !lower && !upper && !digit
	case "cntrl":
		return r < ' ' || r == 127
	case "print":
		return r >= ' ' && r != 127
	case "graph":
		return r > ' ' && r != 127
	}
	return false
}

// HasMeta reports whether the pattern has an unquoted *, ? or [.
func HasMeta(pat string) bool {
	for i := 0; i < len(pat); i++ {
		switch pat[i] {
		case '\\':
			i++
		case '*', '?', '[':
			return true
		}
	}
	return false
}

// Unescape takes the quoting backslashes out of a pattern.
func Unescape(pat string) string {
	var b strings.Builder
	for i := 0; i < len(pat); i++ {
		if pat[i] == '\\' && i+1 < len(pat) {
			i++
		}
		b.WriteByte(pat[i])
	}
	return b.String()
}

// Escape quotes what a pattern would find special.
func Escape(s string) string {
	if !strings.ContainsAny(s, `*?[]\-!^`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if strings.IndexByte(`*?[]\-!^`, s[i]) >= 0 {
			b.WriteByte('\\')
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// Trim removes a matching prefix or suffix, the smallest or the largest one.
func Trim(s, pat string, suffix, largest bool) string {
	best := -1
	for i := 0; i <= len(s); i++ {
		cut := i
		if suffix {
			cut = len(s) - i
		}
		if cut > 0 && cut < len(s) && !utf8.RuneStart(s[cut]) {
			continue
		}
		part := s[:cut]
		if suffix {
			part = s[cut:]
		}
		if Match(pat, part) {
			best = cut
			if !largest {
				break
			}
		}
	}
	switch {
	case best < 0:
		return s
	case suffix:
		return s[:best]
	}
	return s[best:]
}
