package modules

import (
	"context"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"sunup/internal/connection"
)

// How the file modules look at a host: one script prints everything that the
// module may want to know as fields "name=value", each ended by a NUL byte,
// because a path may hold anything else. The functions below are put before
// the script:
//
//	N tool        says that a tool is not there, and ends
//	S args        stat, with its absence told
//	O name path   the inode at path, where a link leads, and the inode there
//	H name path   SHA-1 of the file path
//	B path...     a batch of inodes, as W prints them
//	W dir         everything under dir, not following links
const observeTools = `N() { printf '\0need=%s\0' "$1"; exit 127; }
F='%f|%u|%g|%s|%i|%d|%h|%X|%Y|%Z|%U|%G'
S() { stat "$@"; r=$?; [ "$r" != 127 ] || N stat; return 0; }
O() {
if [ -h "$2" ]; then
printf '%s.inode=' "$1"; S -c "$F" "$2"
printf '\0%s.to=' "$1"; readlink "$2" || [ "$?" != 127 ] || N readlink
printf '\0%s.real=' "$1"; readlink -f "$2"
if [ -e "$2" ]; then printf '\0%s.target=' "$1"; S -L -c "$F" "$2"; fi
printf '\0'
elif [ -e "$2" ]; then printf '%s.inode=' "$1"; S -c "$F" "$2"; printf '\0'
fi
}
H() { if [ -f "$2" ] && [ -r "$2" ]; then printf '%s=' "$1"; sha1sum <"$2" || [ "$?" != 127 ] || N sha1sum; printf '\0'; fi; }
`

const walkTools = `B() { printf 'batch=%s\0' "$#"; printf '%s\0' "$@"; S -c "$F" "$@"; printf '\0'; }
W() (
d=${1%/}
set --
for x in "$d"/* "$d"/.[!.]* "$d"/..?*; do
if [ -e "$x" ] || [ -h "$x" ]; then
set -- "$@" "$x"
if [ "$#" = 200 ]; then B "$@"; set --; fi
fi
done
if [ "$#" != 0 ]; then B "$@"; fi
for x in "$d"/* "$d"/.[!.]* "$d"/..?*; do
if [ -d "$x" ] && [ ! -h "$x" ]; then W "$x"; fi
done
)
`

// walkLinks adds L to walkTools: it prints what the links below a directory lead
// to, as W prints a tree, and goes into the directories among it. One that it is
// inside of already is not entered again.
const walkLinks = `n='
'
w=$n
L() (
d=${1%/}
case $w in *"$n$d$n"*) exit 0;; esac
w=$w$d$n
for x in "$d"/* "$d"/.[!.]* "$d"/..?*; do
if [ -h "$x" ]; then
if [ -e "$x" ]; then
y=$(readlink -f "$x"; echo .)
y=${y%"$n".}
B "$y"
if [ -d "$y" ]; then W "$y"; L "$y"; fi
fi
elif [ -d "$x" ]; then L "$x"; fi
done
)
`

// fields are what an observing script printed.
type fields map[string]string

// text returns a field without the newline that the tool put at its end.
func (f fields) text(name string) string { return strings.TrimSuffix(f[name], "\n") }

// has reports whether the script printed the field.
func (f fields) has(name string) bool { _, ok := f[name]; return ok }

// number returns a field as a number, or -1.
func (f fields) number(name string) int {
	n, err := strconv.Atoi(strings.TrimSpace(f[name]))
	if err != nil {
		return -1
	}
	return n
}

// sum returns the hash at the start of what a sha1sum-like tool printed.
func (f fields) sum(name string) string {
	hash, _, _ := strings.Cut(f[name], " ")
	return strings.TrimPrefix(strings.TrimSpace(hash), `\`)
}

// content decodes a field that went through base64.
func (f fields) content(name string) ([]byte, error) {
	b, err := base64.StdEncoding.DecodeString(f[name])
	if err != nil {
		return nil, fmt.Errorf("decode %s as sent by the host: %w", name, err)
	}
	return b, nil
}

// batchesField keeps what W printed; no script can print a field without a
// name.
const batchesField = ""

func readFields(out []byte) fields {
	f := fields{}
	parts := strings.Split(string(out), "\x00")
	var batches strings.Builder
	for i := 0; i < len(parts); i++ {
		name, text, ok := strings.Cut(parts[i], "=")
		if !ok {
			continue
		}
		if name != "batch" {
			f[name] = text
			continue
		}
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 || i+1+n >= len(parts) {
			continue
		}
		for _, p := range parts[i : i+n+2] {
			batches.WriteString(p + "\x00")
		}
		i += n + 1
	}
	f[batchesField] = batches.String()
	return f
}

// batches are the files that W listed, in its order. When a file went away
// between listing and stat, lines can no longer be matched with names: then
// those of its batch have no inode.
func (f fields) batches() []found {
	var out []found
	parts := strings.Split(f[batchesField], "\x00")
	for i := 0; i < len(parts); {
		_, count, ok := strings.Cut(parts[i], "=")
		n, err := strconv.Atoi(count)
		if !ok || err != nil || i+1+n >= len(parts) {
			break
		}
		lines := strings.Split(strings.TrimSuffix(parts[i+1+n], "\n"), "\n")
		for j, name := range parts[i+1 : i+1+n] {
			at := found{Path: name}
			if j < len(lines) && len(lines) == n {
				if in, ok := readInode(lines[j]); ok {
					at.Inode = &in
				}
			}
			out = append(out, at)
		}
		i += n + 2
	}
	return out
}

// observe runs a script with the observing functions before it and reads its
// fields. A tool that is not there, or a script that failed, is a failed
// Result.
func (c *Call) observe(ctx context.Context, script string) (fields, *Result, error) {
	out, err := c.exec(ctx, connection.Command{Script: observeTools + script})
	if err != nil {
		return nil, nil, err
	}
	f := readFields(out.Stdout)
	if tool, ok := f["need"]; ok {
		return nil, c.needs(tool), nil
	}
	if msg, ok := f["fail"]; ok {
		fail := Fail("%s", strings.TrimSuffix(msg+scriptError(out.Stderr), ": "))
		if at := f["at"]; at != "" {
			fail.Set("path", at)
		}
		return f, fail, nil
	}
	if out.Code != 0 {
		return f, Fail("the command for %s ended with %d: %s", c.hostName(), out.Code, strings.TrimSpace(string(out.Stderr))), nil
	}
	if out.Dropped > 0 {
		return f, Fail("%s answered with more than can be held: %d bytes were dropped", c.hostName(), out.Dropped), nil
	}
	return f, nil, nil
}

// exec runs a command under the C locale, so that tools speak one language.
func (c *Call) exec(ctx context.Context, cmd connection.Command) (connection.Output, error) {
	cmd.Script = "LC_ALL=C\nexport LC_ALL\n" + cmd.Script
	return c.Conn.Exec(ctx, cmd)
}

// needs is the Result for a tool that the host lacks.
func (c *Call) needs(tool string) *Result { return Fail("needs `%s` on %s", tool, c.hostName()) }

func (c *Call) hostName() string {
	if c.Controller == nil {
		return "the host"
	}
	return c.Controller.Host()
}

// scriptError shortens what a tool said on stderr to what a person needs.
func scriptError(stderr []byte) string {
	lines := strings.Split(strings.TrimSpace(string(stderr)), "\n")
	if len(lines) > 3 {
		lines = lines[:3]
	}
	return strings.Join(lines, "; ")
}

// inode is one stat of a file.
type inode struct {
	Mode         uint32 // with the file type
	UID, GID     int
	Size         int64
	Ino, Dev     uint64
	Links        int
	Atime, Mtime int64
	Ctime        int64
	Owner, Group string
}

// readInode reads a line in the format of observeTools.
func readInode(line string) (inode, bool) {
	p := strings.SplitN(strings.TrimSuffix(line, "\n"), "|", 12)
	if len(p) != 12 {
		return inode{}, false
	}
	mode, err := strconv.ParseUint(p[0], 16, 32)
	if err != nil {
		return inode{}, false
	}
	n := func(i int) int64 {
		v, _ := strconv.ParseInt(p[i], 10, 64)
		return v
	}
	in := inode{Mode: uint32(mode), UID: int(n(1)), GID: int(n(2)), Size: n(3), Ino: uint64(n(4)), Dev: uint64(n(5)),
		Links: int(n(6)), Atime: n(7), Mtime: n(8), Ctime: n(9), Owner: p[10], Group: p[11]}
	// stat prints UNKNOWN where Ansible has the number.
	if in.Owner == "UNKNOWN" || in.Owner == "" {
		in.Owner = strconv.Itoa(in.UID)
	}
	if in.Group == "UNKNOWN" || in.Group == "" {
		in.Group = strconv.Itoa(in.GID)
	}
	return in, true
}

func (n inode) isDir() bool  { return n.Mode&typeMask == typeDir }
func (n inode) isLink() bool { return n.Mode&typeMask == typeLink }
func (n inode) isFile() bool { return n.Mode&typeMask == typeFile }

// found is what is at a path: nothing (Inode nil), an inode, or a link with
// where it leads.
type found struct {
	Path   string
	Inode  *inode
	Target *inode // what a link leads to; nil when that is not there
	To     string // what a link says
	Real   string // the path after all links
}

// found reads what O printed under a name.
func (f fields) found(name, path string) found {
	at := found{Path: path, To: f.text(name + ".to"), Real: f.text(name + ".real")}
	if in, ok := readInode(f[name+".inode"]); ok {
		at.Inode = &in
	}
	if in, ok := readInode(f[name+".target"]); ok {
		at.Target = &in
	}
	return at
}

// followed is the found path with its links resolved.
func (at found) followed() found {
	if at.Inode == nil || !at.Inode.isLink() {
		return at
	}
	return found{Path: at.Real, Inode: at.Target}
}

// exists reports whether something is there after following links.
func (at found) exists() bool { return at.followed().Inode != nil }

// isDir reports whether a directory is there after following links.
func (at found) isDir() bool { in := at.followed().Inode; return in != nil && in.isDir() }

// isLink reports whether the path itself is a link.
func (at found) isLink() bool { return at.Inode != nil && at.Inode.isLink() }

// state is Ansible's word for what is there.
func (at found) state() string {
	switch {
	case at.Inode == nil:
		return "absent"
	case at.Inode.isLink():
		return "link"
	case at.Inode.isDir():
		return "directory"
	case at.Inode.Links > 1:
		return "hard"
	}
	return "file"
}

// describe sets the values that every result naming an existing file carries.
func (at found) describe(r *Result, secontext string) {
	if at.Inode == nil || !at.exists() {
		return
	}
	r.Set("uid", at.Inode.UID).Set("gid", at.Inode.GID).Set("owner", at.Inode.Owner).Set("group", at.Inode.Group)
	r.Set("mode", printMode(at.Inode.Mode)).Set("state", at.state()).Set("size", int(at.Inode.Size))
	if secontext != "" {
		r.Set("secontext", secontext)
	}
}

// quoteText makes one shell word of any text.
func quoteText(s string) string {
	if s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:@+,-") == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// quotePath makes one shell word of a path argument as Ansible reads it: ~ and
// $NAME are those of the identity on the host. A path that begins with a dash
// can not be taken for an option.
func quotePath(p string) string {
	if strings.HasPrefix(p, "-") {
		p = "./" + p
	}
	head := ""
	if strings.HasPrefix(p, "~") {
		user, _, _ := strings.Cut(p[1:], "/")
		if strings.Trim(user, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") == "" {
			head, p = "~"+user, strings.TrimPrefix(p[1:], user)
		}
	}
	// A quoted slash would end the shell's tilde expansion.
	if head != "" && strings.HasPrefix(p, "/") {
		head, p = head+"/", p[1:]
	}
	if p == "" && head != "" {
		return head
	}
	if p == "" {
		return "''"
	}
	return head + quoteWithVariables(p)
}

// quoteWithVariables quotes text but for $NAME and ${NAME}, which stand for
// the host's variables when they are set.
func quoteWithVariables(s string) string {
	var out strings.Builder
	for s != "" {
		i := strings.IndexByte(s, '$')
		if i < 0 {
			break
		}
		name, written := variableAt(s[i:])
		if name == "" {
			out.WriteString(quoteText(s[:i+1]))
			s = s[i+1:]
			continue
		}
		if i > 0 {
			out.WriteString(quoteText(s[:i]))
		}
		out.WriteString(`"${` + name + `-` + strings.NewReplacer("$", `\$`, "}", `\}`).Replace(written) + `}"`)
		s = s[i+len(written):]
	}
	if s != "" {
		out.WriteString(quoteText(s))
	}
	return out.String()
}

// variableAt reads a variable at the start of s, "" when there is none.
func variableAt(s string) (name, written string) {
	body, braced := s[1:], false
	if strings.HasPrefix(body, "{") {
		body, braced = body[1:], true
	}
	n := 0
	for n < len(body) && (body[n] == '_' || body[n] >= 'a' && body[n] <= 'z' || body[n] >= 'A' && body[n] <= 'Z' || n > 0 && body[n] >= '0' && body[n] <= '9') {
		n++
	}
	if n == 0 || (braced && (n == len(body) || body[n] != '}')) {
		return "", ""
	}
	if braced {
		return body[:n], s[:n+3]
	}
	return body[:n], s[:n+1]
}
