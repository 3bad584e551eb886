package reports

import (
	"strings"
	"unicode"
)

// wrap breaks text into lines of at most width characters, in the way of
// Python's textwrap.wrap: white space becomes spaces, words are broken at
// hyphens and, when they are too long, anywhere. Spaces at the ends of lines
// are dropped unless keepSpaces.
func wrap(text string, width int, keepSpaces bool) []string {
	chunks := wrapChunks(text)
	var lines []string
	for len(chunks) > 0 {
		if !keepSpaces && len(lines) > 0 && strings.TrimSpace(chunks[0]) == "" {
			chunks = chunks[1:]
			continue
		}
		var line []string
		used := 0
		for len(chunks) > 0 {
			n := len([]rune(chunks[0]))
			if used+n > width {
				break
			}
			line = append(line, chunks[0])
			used += n
			chunks = chunks[1:]
		}
		if len(chunks) > 0 && len([]rune(chunks[0])) > width {
			head, tail := breakWord(chunks[0], max(1, width-used))
			line = append(line, head)
			chunks[0] = tail
			if tail == "" {
				chunks = chunks[1:]
			}
		}
		if n := len(line); !keepSpaces && n > 0 && strings.TrimSpace(line[n-1]) == "" {
			line = line[:n-1]
		}
		if len(line) > 0 {
			lines = append(lines, strings.Join(line, ""))
		}
	}
	return lines
}

// breakWord cuts a word that is longer than a line, behind a hyphen when there
// is one in reach.
func breakWord(word string, room int) (head, tail string) {
	r := []rune(word)
	if len(r) <= room {
		return word, ""
	}
	for i := room - 1; i > 0; i-- {
		if r[i] == '-' && strings.Trim(string(r[:i]), "-") != "" {
			room = i + 1
			break
		}
	}
	return string(r[:room]), string(r[room:])
}

func isWrapSpace(r rune) bool { return strings.ContainsRune("\t\n\v\f\r ", r) }

// wrapChunks splits text into what may not be broken: runs of spaces, and words
// or parts of words up to a hyphen between letters.
func wrapChunks(text string) []string {
	var out []string
	r := expandTabs(text)
	for i := 0; i < len(r); {
		j := i
		if r[i] == ' ' {
			for j < len(r) && r[j] == ' ' {
				j++
			}
		} else {
			for j++; j < len(r) && r[j] != ' ' && !breaksAfter(r, i, j); j++ {
			}
		}
		out = append(out, string(r[i:j]))
		i = j
	}
	return out
}

func expandTabs(text string) []rune {
	var out []rune
	column := 0
	for _, r := range text {
		switch {
		case r == '\t':
			for more := true; more; more = column%8 != 0 {
				out = append(out, ' ')
				column++
			}
			continue
		case r == '\n' || r == '\r':
			column = -1
			r = ' '
		case isWrapSpace(r):
			r = ' '
		}
		out = append(out, r)
		column++
	}
	return out
}

// breaksAfter reports whether a word that began at start may be broken before
// r[j]: after a hyphen between letters, or around a dash of several hyphens.
func breaksAfter(r []rune, start, j int) bool {
	letter := func(i int) bool { return i >= start && i < len(r) && (unicode.IsLetter(r[i]) || r[i] == '_') }
	at := func(i int) rune {
		if i < start || i >= len(r) {
			return 0
		}
		return r[i]
	}
	isWord := func(c rune) bool { return unicode.IsLetter(c) || unicode.IsDigit(c) || c == '_' }
	isPunct := func(c rune) bool { return isWord(c) || strings.ContainsRune("!\"'&.,?", c) && c != 0 }
	if at(j-1) != '-' {
		// before a dash: word--word
		return at(j) == '-' && at(j+1) == '-' && isPunct(at(j-1)) && dashEnds(r, j, isWord)
	}
	if at(j-2) == '-' {
		return at(j) != '-' && isWord(at(j)) && dashBegins(r, start, j-1, isPunct)
	}
	behind := letter(j-2) && (letter(j-3) || at(j-3) == '-' && letter(j-4))
	ahead := letter(j) && (letter(j+1) || at(j+1) == '-' && letter(j+2))
	return behind && ahead
}

func dashEnds(r []rune, j int, isWord func(rune) bool) bool {
	for j < len(r) && r[j] == '-' {
		j++
	}
	return j < len(r) && isWord(r[j])
}

func dashBegins(r []rune, start, j int, isPunct func(rune) bool) bool {
	for j >= start && r[j] == '-' {
		j--
	}
	return j < start || isPunct(r[j])
}
