package reports

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"

	"golang.org/x/term"
)

// kindColors are Ansible's default colours.
var kindColors = map[string]string{
	"ok": "green", "changed": "yellow", "skip": "cyan", "error": "red", "unreachable": "bright red",
	"warn": "bright purple", "deprecate": "purple", "debug": "dark gray", "verbose": "blue",
	"diff_add": "green", "diff_remove": "red", "diff_lines": "cyan",
}

// colorCodes are the parameters of the escape sequence for each colour's name.
var colorCodes = map[string]string{
	"black": "0;30", "bright gray": "0;37", "blue": "0;34", "white": "1;37", "green": "0;32", "bright blue": "1;34",
	"cyan": "0;36", "bright green": "1;32", "red": "0;31", "bright cyan": "1;36", "purple": "0;35", "bright red": "1;31",
	"yellow": "0;33", "bright purple": "1;35", "dark gray": "1;30", "bright yellow": "1;33", "magenta": "0;35",
	"bright magenta": "1;35", "normal": "0",
}

var colorName = regexp.MustCompile(`^(?:color([0-9]+)|rgb([0-5])([0-5])([0-5])|gray([0-9]+))`)

// colorCode gives the escape parameters of a colour, "" for one that is not
// known.
func colorCode(name string) string {
	if code, ok := colorCodes[name]; ok {
		return code
	}
	m := colorName.FindStringSubmatch(name)
	if m == nil {
		return ""
	}
	n := func(s string) int { i, _ := strconv.Atoi(s); return i }
	switch {
	case m[1] != "":
		return fmt.Sprintf("38;5;%d", n(m[1]))
	case m[5] != "":
		return fmt.Sprintf("38;5;%d", 232+n(m[5]))
	}
	return fmt.Sprintf("38;5;%d", 16+36*n(m[2])+6*n(m[3])+n(m[4]))
}

// color colours every line of a text by its own.
func (a *Ansible) color(text, kind string) string {
	if !a.o.Color {
		return text
	}
	name := kindColors[kind]
	if own, ok := a.o.Colors[kind]; ok {
		name = own
	}
	code := colorCode(name)
	if code == "" {
		return text
	}
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = "\x1b[" + code + "m" + line + "\x1b[0m"
	}
	return strings.Join(lines, "\n")
}

// UseColor decides about colour as Ansible does: only on a terminal, never with
// ANSIBLE_NOCOLOR or NO_COLOR, always with ANSIBLE_FORCE_COLOR. getenv is
// os.Getenv outside of tests.
func UseColor(f *os.File, getenv func(string) string) bool {
	if isTrue(getenv("ANSIBLE_FORCE_COLOR")) {
		return true
	}
	if isTrue(getenv("ANSIBLE_NOCOLOR")) || getenv("NO_COLOR") != "" {
		return false
	}
	return f != nil && term.IsTerminal(int(f.Fd())) && getenv("TERM") != "dumb"
}

// TerminalWidth is the width that Ansible prints banners in: one less than the
// terminal's, and at least 79.
func TerminalWidth(f *os.File) int {
	if f == nil {
		return minColumns
	}
	w, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return minColumns
	}
	return max(minColumns, w-1)
}

// isTrue reads a setting as Ansible reads its booleans.
func isTrue(s string) bool {
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "y", "yes", "on", "1", "true", "t", "1.0":
		return true
	}
	return false
}
