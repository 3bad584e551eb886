package shell

import (
	"fmt"
	"strings"

	"sunup/internal/connection"
)

// User is the account an identity means, for messages and as argument.
func user(b connection.Become) string {
	if b.User == "" {
		return "root"
	}
	return b.User
}

// Shown is the command that starts the shell of an identity, for people: without
// the prompt that a password is waited for by. It is empty for the login user.
func Shown(b connection.Become) string {
	if b.Method == "" {
		return ""
	}
	b.Password = ""
	line, err := commandLine(b, "/bin/sh", "")
	if err != nil {
		return ""
	}
	return line
}

// commandLine is what the login shell is given so that inner runs as the
// identity: for the login user inner itself. The password is no part of it; key
// is what the method prints when it wants it.
func commandLine(b connection.Become, inner, key string) (string, error) {
	switch b.Method {
	case "":
		return inner, nil
	case "sudo":
		return join(exe(b), sudoFlags(b, key), "-u", Quote(user(b)), inner), nil
	case "su":
		return join(exe(b), b.Flags, Quote(user(b)), "-c", quoted(inner)), nil
	case "doas":
		flags := b.Flags
		if flags == "" && b.Password == "" {
			flags = "-n"
		}
		return join(exe(b), flags, "-u", Quote(user(b)), inner), nil
	}
	return "", fmt.Errorf("become method %q is not supported; use sudo, su or doas", b.Method)
}

func exe(b connection.Become) string {
	if b.Exe != "" {
		return b.Exe // may hold arguments, as Ansible allows
	}
	return b.Method
}

// sudoFlags are Ansible's defaults. With a password -n has to go, since it
// forbids asking, and our own prompt is added.
func sudoFlags(b connection.Become, key string) string {
	flags := b.Flags
	if flags == "" {
		flags = "-H -S -n"
	}
	if b.Password == "" {
		return flags
	}
	var kept []string
	asksStdin := false
	for _, f := range strings.Fields(flags) {
		if f == "-n" || f == "--non-interactive" {
			continue
		}
		if strings.HasPrefix(f, "-") && !strings.HasPrefix(f, "--") {
			if f = "-" + strings.ReplaceAll(f[1:], "n", ""); f == "-" {
				continue
			}
		}
		asksStdin = asksStdin || f == "--stdin" || !strings.HasPrefix(f, "--") && strings.Contains(f, "S")
		kept = append(kept, f)
	}
	if !asksStdin {
		kept = append(kept, "-S")
	}
	return strings.Join(kept, " ") + " -p " + Quote(key)
}

func join(words ...string) string {
	var kept []string
	for _, w := range words {
		if w != "" {
			kept = append(kept, w)
		}
	}
	return strings.Join(kept, " ")
}

// wantsTerminal says that the method reads passwords from a terminal only.
func wantsTerminal(b connection.Become) bool { return b.Method == "doas" && b.Password != "" }

// wantsTerminalToo says that a method gave up for want of a terminal, as sudo
// does under requiretty.
func wantsTerminalToo(f *connection.BecomeFailed) bool {
	for _, words := range []string{"must have a tty", "must be run from a terminal", "a tty is required"} {
		if strings.Contains(f.Detail, words) {
			return true
		}
	}
	return false
}

// asks says that text, what was printed so far, ends in a prompt for the
// password. Sudo prints our key; su and doas print what their language says,
// which in all we know ends with a colon.
func asks(b connection.Become, text, key string) bool {
	if b.Method == "sudo" {
		return strings.Contains(text, key)
	}
	line := strings.TrimRight(text[strings.LastIndexByte(text, '\n')+1:], " ")
	return strings.HasSuffix(line, ":") || strings.HasSuffix(line, "：")
}

func namesPassword(text string) bool {
	for _, word := range []string{"assword", "암호", "비밀번호", "パスワード", "密码"} {
		if strings.Contains(text, word) {
			return true
		}
	}
	return false
}

// refusal reads what a method printed before it gave up.
func refusal(b connection.Become, code int, text, key string, answered bool) *connection.BecomeFailed {
	detail := strings.TrimSpace(strings.ReplaceAll(text, key, ""))
	f := &connection.BecomeFailed{Method: b.Method, User: user(b), Detail: detail}
	has := func(words ...string) bool {
		for _, w := range words {
			if strings.Contains(strings.ToLower(text), w) {
				return true
			}
		}
		return false
	}
	switch {
	case has("not in the sudoers", "is not allowed", "may not run", "not permitted", "unknown user", "does not exist", "no passwd entry", "must have a tty", "permission denied"):
		f.Reason = "not allowed"
	case code == 127 || has("command not found", ": not found", "no such file"):
		f.Reason = "not installed"
	case answered:
		f.Reason = "password refused"
	case has("password is required", "terminal is required", "authentication required", "a tty is required", "askpass"),
		b.Password == "" && (strings.Contains(text, key) || has("password:", "authentication failure", "암호")):
		f.Reason = "password required"
	default:
		f.Reason = "not allowed"
	}
	return f
}
