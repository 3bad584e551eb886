package shell

import (
	"errors"
	"fmt"
	"strings"

	"sunup/internal/connection"
)

const (
	// inlineStdin is how much input travels inside the command's line, and
	// twice that how long it may become by quoting: well under a window of SSH
	// (2 MiB), and bash, which reads byte by byte, has it in some 20 ms.
	inlineStdin = 64 << 10
	// argumentLimit is what we dare to pass as one argument; Linux refuses
	// 128 KiB.
	argumentLimit = 96 << 10
)

var errNUL = errors.New("the script, its input directory or its environment holds a NUL byte, which no shell can take")

// body is the text that runs in the subshell of one command: change of
// directory, environment, then the script itself.
func body(cmd connection.Command, shellPath string) (string, error) {
	var b strings.Builder
	if err := prelude(&b, cmd); err != nil {
		return "", err
	}
	exe := cmd.Executable
	if exe == "" && readsOwnID(cmd.Script) {
		exe = shellPath
	}
	switch {
	case exe == "":
		fmt.Fprintf(&b, "eval %s", quoted(cmd.Script))
	case len(cmd.Script) <= argumentLimit:
		fmt.Fprintf(&b, "exec %s -c %s", Quote(exe), quoted(cmd.Script))
	default:
		// Too long for an argument: through a file that is gone afterwards.
		fmt.Fprintf(&b, "_f=$(mktemp) || exit 126; trap 'rm -f \"$_f\"' 0; printf %%s %s >\"$_f\" || exit 126; %s \"$_f\"",
			quoted(cmd.Script), Quote(exe))
	}
	return b.String(), nil
}

func prelude(b *strings.Builder, cmd connection.Command) error {
	if strings.Contains(cmd.Script, "\x00") || strings.Contains(cmd.Dir, "\x00") || strings.Contains(cmd.Executable, "\x00") {
		return errNUL
	}
	if cmd.Dir != "" {
		dir := cmd.Dir
		if strings.HasPrefix(dir, "-") {
			dir = "./" + dir
		}
		fmt.Fprintf(b, "cd %s || exit 126; ", Quote(dir))
	}
	for _, e := range cmd.Env {
		name, value, ok := strings.Cut(e, "=")
		if !ok || !validName(name) {
			return fmt.Errorf("environment %q: a name is letters, digits and _, followed by =", name)
		}
		if strings.Contains(value, "\x00") {
			return errNUL
		}
		fmt.Fprintf(b, "export %s=%s; ", name, quoted(value))
	}
	return nil
}

// quoted is Quote that always uses quotes, for text that a shell could take for
// an assignment or an option.
func quoted(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// readsOwnID says that the script looks at $$ or $PPID, which in a subshell are
// those of the session: such a script gets a shell of its own.
func readsOwnID(script string) bool {
	return strings.Contains(script, "$$") || strings.Contains(script, "PPID")
}

// residentLine is the line for a session that stays: the command runs beside
// the shell, so that the shell can end it.
func residentLine(mark, body string, input []byte) string {
	var b strings.Builder
	b.Grow(len(body) + 2*len(input) + 160)
	b.WriteString("wait $W 2>/dev/null; { ")
	if len(input) > 0 {
		fmt.Fprintf(&b, "printf %s 2>/dev/null | ( %s\n); ", printfFormat(input), body)
	} else {
		fmt.Fprintf(&b, "( %s\n) </dev/null; ", body)
	}
	fmt.Fprintf(&b, "printf '%s %%s\\n' $?; printf '%s\\n' >&2; } & W=$!\n", mark, mark)
	return b.String()
}

// streamLine is the line for a session that serves one command with much input:
// after the first mark the session's own input is the command's. What the
// command does not read must never be taken for commands, and the process has to
// stay, for its family is found by it: hence the cat.
func streamLine(begin, mark, body string) string {
	return fmt.Sprintf("printf '%s %%s\\n' $$; ( %s\n); printf '%s %%s\\n' $?; printf '%s\\n' >&2; exec cat >/dev/null\n", begin, body, mark, mark)
}

// bootstrap defines sunup_end SIGNAL PID: it signals everything that began in
// the session of process PID since PID did, and all its descendants, but spares
// PID, what is above it, and this shell. Called again for the same PID it also
// remembers whom it signalled, since by then the family may have fallen apart.
// Names begin with sunup_ because a script sees them.
const bootstrap = `sunup_stat() { read -r sunup_l <"/proc/$1/stat" || return 1; set -- ${sunup_l##*") "}; sunup_p=$2 sunup_s=$4; shift 19; sunup_t=$1; }
sunup_end() {
if [ "$2" != "$sunup_of" ]; then
sunup_of=$2 sunup_no=" $$ $2 " sunup_kin=" $2 " sunup_sid=
if sunup_stat "$2" 2>/dev/null; then
sunup_sid=$sunup_s sunup_t0=$sunup_t sunup_q=$sunup_p
while [ "${sunup_q:-0}" -gt 1 ] && sunup_stat "$sunup_q" 2>/dev/null; do sunup_no="$sunup_no$sunup_q " sunup_q=$sunup_p; done
fi
fi
if [ -n "$sunup_sid" ]; then sunup_scan; else sunup_list $(ps -axo pid=,ppid= 2>/dev/null); fi
for sunup_d in $sunup_kin; do
case "$sunup_no" in *" $sunup_d "*) ;; *) kill -"$1" "$sunup_d" 2>/dev/null;; esac
done
}
sunup_scan() {
sunup_n=0
while [ $sunup_n -lt 3 ]; do
sunup_n=$((sunup_n+1)) sunup_old=$sunup_kin
for sunup_d in /proc/[0-9]*; do
sunup_d=${sunup_d#/proc/}
case "$sunup_no$sunup_kin" in *" $sunup_d "*) continue;; esac
sunup_stat "$sunup_d" 2>/dev/null || continue
case "$sunup_kin" in
*" $sunup_p "*) ;;
*) [ "$sunup_s" = "$sunup_sid" ] && [ "$sunup_t" -ge "$sunup_t0" ] || continue;;
esac
sunup_kin="$sunup_kin$sunup_d "
done
[ "$sunup_kin" = "$sunup_old" ] && break
done
}
sunup_list() {
while [ $# -gt 1 ]; do
case "$sunup_kin" in *" $1 "*) ;; *" $2 "*) sunup_kin="$sunup_kin$1 ";; esac
shift 2
done
}
`
