package ssh

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	sshconfig "github.com/kevinburke/ssh_config"
)

// includeDepth is OpenSSH's bound of Include within Include; includeFiles keeps
// files that include themselves twice from growing without end.
const (
	includeDepth = 16
	includeFiles = 256
)

// configFile is one OpenSSH client configuration, ready to be asked. A file that
// is not there is an empty one.
type configFile struct {
	config *sshconfig.Config
	notes  []string // what was passed over
	dir    string   // where relative includes are: that of the outermost file
	files  int      // read so far
}

// readConfig reads a file. Match blocks are passed over with a note, as the
// parser refuses the whole file for them; Match all is Host *. Includes are put
// in their place first, for the same reason.
func readConfig(name string, env Environment) (*configFile, error) {
	c := &configFile{dir: filepath.Dir(name)}
	text, err := c.flatten(name, env, "Host *", 0)
	if errors.Is(err, fs.ErrNotExist) {
		text, err = "", nil
	}
	if err != nil {
		return nil, fmt.Errorf("read ssh configuration: %w", err)
	}
	c.config, err = sshconfig.DecodeBytes([]byte(text))
	if err != nil {
		c.notes = append(c.notes, fmt.Sprintf("%s was left out: %v", name, err))
		c.config, err = sshconfig.DecodeBytes(nil)
	}
	return c, err
}

// flatten is the file's text with its includes, without Match blocks. block is
// the Host line that the file begins under.
func (c *configFile) flatten(name string, env Environment, block string, depth int) (string, error) {
	if depth > includeDepth {
		return "", fmt.Errorf("%s: more than %d files include one another", name, includeDepth)
	}
	if c.files++; c.files > includeFiles {
		return "", fmt.Errorf("more than %d files are included", includeFiles)
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return "", err
	}
	var out strings.Builder
	out.WriteString(block + "\n")
	skipping, n := false, 0
	for line := range strings.Lines(string(data)) {
		n++
		keyword, rest := directive(line)
		switch keyword {
		case "host":
			skipping, block = false, "Host "+rest
		case "match":
			if skipping = !strings.EqualFold(rest, "all"); skipping {
				c.notes = append(c.notes, fmt.Sprintf("%s:%d: Match %s was left out; only Match all is understood", name, n, rest))
				continue
			}
			block = "Host *"
			line = block + "\n"
		case "include":
			if !skipping {
				c.include(&out, rest, env, block, depth)
				out.WriteString(block + "\n")
			}
			continue
		}
		if !skipping {
			out.WriteString(strings.TrimRight(line, "\r\n") + "\n")
		}
	}
	return out.String(), nil
}

func (c *configFile) include(out *strings.Builder, patterns string, env Environment, block string, depth int) {
	for _, pattern := range words(patterns) {
		pattern = env.expand(pattern)
		if !filepath.IsAbs(pattern) {
			pattern = filepath.Join(c.dir, pattern)
		}
		names, _ := filepath.Glob(pattern) // a bad pattern matches nothing, as in OpenSSH
		for _, name := range names {
			text, err := c.flatten(name, env, block, depth+1)
			if err != nil {
				c.notes = append(c.notes, fmt.Sprintf("include of %s: %v", name, err))
				if c.files > includeFiles {
					return
				}
				continue
			}
			out.WriteString(text)
		}
	}
}

// directive splits a line into its keyword, in small letters, and the rest.
func directive(line string) (keyword, rest string) {
	line = strings.TrimSpace(line)
	i := strings.IndexAny(line, " \t=")
	if i < 0 || strings.HasPrefix(line, "#") {
		return "", ""
	}
	rest = strings.TrimLeft(line[i:], " \t")
	rest = strings.TrimSpace(strings.TrimPrefix(rest, "="))
	return strings.ToLower(line[:i]), rest
}

// words splits at blanks as ssh and a shell would, with quotes.
func words(s string) []string {
	var list []string
	var word strings.Builder
	var quote rune
	inWord := false
	escaped := false
	for _, r := range s {
		switch {
		case escaped:
			word.WriteRune(r)
			escaped = false
		case r == '\\' && quote != '\'':
			escaped, inWord = true, true
		case quote != 0:
			if r == quote {
				quote = 0
			} else {
				word.WriteRune(r)
			}
		case r == '"' || r == '\'':
			quote, inWord = r, true
		case r == ' ' || r == '\t' || r == '\n':
			if inWord {
				list = append(list, word.String())
				word.Reset()
				inWord = false
			}
		default:
			word.WriteRune(r)
			inWord = true
		}
	}
	if inWord {
		list = append(list, word.String())
	}
	return list
}
