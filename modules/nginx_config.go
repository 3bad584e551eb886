package modules

import (
	"strings"
)

// nginxWord is one word of nginx's configuration: ";", "{" and "}" are words,
// too. From and To are its place in the text.
type nginxWord struct {
	text     string
	from, to int
	quoted   bool
}

// nginxWords splits a configuration as nginx does; comments are left out. What
// is not closed ends with the text.
func nginxWords(text string) []nginxWord {
	var words []nginxWord
	for i := 0; i < len(text); {
		switch c := text[i]; {
		case c == ' ' || c == '\t' || c == '\r' || c == '\n':
			i++
		case c == '#':
			for i < len(text) && text[i] != '\n' {
				i++
			}
		case c == ';' || c == '{' || c == '}':
			words = append(words, nginxWord{text[i : i+1], i, i + 1, false})
			i++
		case c == '"' || c == '\'':
			w := nginxQuoted(text, i)
			words = append(words, w)
			i = w.to
		default:
			w := nginxPlain(text, i)
			words = append(words, w)
			i = w.to
		}
	}
	return words
}

func nginxQuoted(text string, from int) nginxWord {
	var out strings.Builder
	i := from + 1
	for ; i < len(text) && text[i] != text[from]; i++ {
		if text[i] == '\\' && i+1 < len(text) {
			if i++; text[i] != text[from] && text[i] != '\\' {
				out.WriteByte('\\')
			}
		}
		out.WriteByte(text[i])
	}
	return nginxWord{out.String(), from, min(i+1, len(text)), true}
}

// nginxPlain reads to the next space, ; or {; a brace after a dollar belongs to
// a variable.
func nginxPlain(text string, from int) nginxWord {
	i := from
	for ; i < len(text) && strings.IndexByte(" \t\r\n;{", text[i]) < 0; i++ {
		switch {
		case text[i] == '\\' && i+1 < len(text):
			i++
		case text[i] == '$' && i+1 < len(text) && text[i+1] == '{':
			i++
		}
	}
	return nginxWord{text[from:i], from, i, false}
}

// nginxServer is one server line of an upstream block.
type nginxServer struct {
	words   []nginxWord // after "server", without the ;
	address string
}

// has reports whether a parameter is there.
func (s nginxServer) has(name string) bool {
	_, ok := s.param(name)
	return ok
}

// param is a parameter's word: down, or weight=5 by its name.
func (s nginxServer) param(name string) (nginxWord, bool) {
	for _, w := range s.words[1:] {
		if w.text == name || strings.HasPrefix(w.text, name+"=") {
			return w, true
		}
	}
	return nginxWord{}, false
}

// value is what a parameter is set to, "" when it is not there.
func (s nginxServer) value(name string) string {
	w, _ := s.param(name)
	_, v, _ := strings.Cut(w.text, "=")
	return v
}

// nginxUpstream finds the servers of an upstream block; found is false without
// such a block.
func nginxUpstream(text, name string) (servers []nginxServer, found bool) {
	words := nginxWords(text)
	for i := 0; i+2 < len(words); i++ {
		if words[i].text != "upstream" || words[i].quoted || words[i+1].text != name || words[i+2].text != "{" || words[i+2].quoted {
			continue
		}
		found = true
		servers = append(servers, nginxServers(words[i+3:])...)
	}
	return servers, found
}

// nginxServers reads directives up to the end of their block.
func nginxServers(words []nginxWord) []nginxServer {
	var servers []nginxServer
	depth, start := 0, 0
	for i, w := range words {
		if w.quoted {
			continue
		}
		switch w.text {
		case "{":
			depth++
			start = i + 1
		case "}":
			if depth--; depth < 0 {
				return servers
			}
			start = i + 1
		case ";":
			if d := words[start:i]; depth == 0 && len(d) > 1 && d[0].text == "server" {
				servers = append(servers, nginxServer{d[1:], d[1].text})
			}
			start = i + 1
		}
	}
	return servers
}

// nginxEdit is a piece of text to be put in the place of another.
type nginxEdit struct {
	from, to int
	text     string
}

// edits make the server be down or not and, unless it is "", have the weight.
func (s nginxServer) edits(down bool, weight string) []nginxEdit {
	var out []nginxEdit
	end := s.words[len(s.words)-1].to
	old, isDown := s.param("down")
	switch {
	case down && !isDown:
		out = append(out, nginxEdit{end, end, " down"})
	case !down && isDown:
		// The space before it goes, too.
		out = append(out, nginxEdit{s.before(old), old.to, ""})
	}
	if w, ok := s.param("weight"); ok && weight != "" && s.value("weight") != weight {
		out = append(out, nginxEdit{w.from, w.to, "weight=" + weight})
	} else if !ok && weight != "" && weight != "1" {
		out = append(out, nginxEdit{s.words[0].to, s.words[0].to, " weight=" + weight})
	}
	return out
}

// before is where the word before w ends.
func (s nginxServer) before(w nginxWord) int {
	at := w.from
	for _, x := range s.words {
		if x.to <= w.from {
			at = x.to
		}
	}
	return at
}

// nginxFile is one file of what nginx -T prints.
type nginxFile struct{ path, text string }

const nginxFileMark = "# configuration file "

// nginxFiles splits what nginx -T prints.
func nginxFiles(dump string) []nginxFile {
	var files []nginxFile
	for _, l := range fileLines(dump) {
		if path, ok := strings.CutPrefix(l, nginxFileMark); ok && strings.HasSuffix(path, ":\n") {
			files = append(files, nginxFile{path: strings.TrimSuffix(path, ":\n")})
			continue
		}
		if n := len(files); n > 0 {
			files[n-1].text += l
		}
	}
	return files
}

// nginxDirective is the first value of a directive of the main context, "" when
// it is not there.
func nginxDirective(files []nginxFile, name string) string {
	for _, f := range files {
		depth, first := 0, true
		words := nginxWords(f.text)
		for i, w := range words {
			switch {
			case w.quoted:
			case w.text == "{":
				depth++
			case w.text == "}":
				depth--
			case first && depth == 0 && w.text == name && i+1 < len(words):
				return words[i+1].text
			}
			first = !w.quoted && (w.text == ";" || w.text == "{" || w.text == "}")
		}
	}
	return ""
}
