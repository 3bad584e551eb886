package modules

import (
	"errors"
	"strconv"
	"strings"

	"sunup/internal/value"
)

// attrs are the common file arguments of one call: what owner, group, mode,
// SELinux context and attributes a file should have. Empty means as it is.
type attrs struct {
	owner, group string
	mode         any
	attributes   string
	hasAttr      bool
	se           [4]string // user, role, type, level
	hasSE        bool
}

func attrsOf(a Args) attrs {
	w := attrs{owner: a.Str("owner"), group: a.Str("group"), attributes: a.Str("attributes"), hasAttr: a.Given("attributes")}
	if a.Given("mode") {
		w.mode = a.Raw("mode")
	}
	for i, name := range []string{"seuser", "serole", "setype", "selevel"} {
		w.se[i] = a.Str(name)
		w.hasSE = w.hasSE || w.se[i] != ""
	}
	return w
}

// identities are the numbers that a host has for the names asked for, and what
// else of the host attributes depend on.
type identities struct {
	uid, gid  int    // -1: no such name
	self      [2]int // uid and gid of the identity itself; -1 when not asked for
	umask     uint32
	secontext string // of the file; empty without SELinux
	seDefault string // what the policy says for the file
	flags     string // of lsattr
}

// lookup is the part of an observing script that finds the identities; the
// file is in $p.
func (w attrs) lookup() string {
	var s strings.Builder
	s.WriteString("printf 'umask=%s\\0' \"$(umask)\"\n")
	if w.owner != "" || w.group != "" {
		s.WriteString("printf 'self=%s:%s\\0' \"$(id -u)\" \"$(id -g)\"\n")
	}
	if w.owner != "" && !isNumber(w.owner) {
		s.WriteString("printf 'uid='; id -u " + quoteText(w.owner) + " 2>/dev/null || [ \"$?\" != 127 ] || N id\nprintf '\\0'\n")
	}
	if w.group != "" && !isNumber(w.group) {
		// getent knows more than the file, but is not everywhere.
		s.WriteString("g=" + quoteText(w.group) + `
if command -v getent >/dev/null 2>&1; then printf 'gid='; getent group "$g"; printf '\0'
elif [ -r /etc/group ]; then while IFS= read -r l; do case $l in "$g":*) printf 'gid=%s\0' "$l"; break;; esac; done </etc/group
fi
`)
	}
	s.WriteString("if [ -e /sys/fs/selinux/enforce ]; then printf 'secontext='; stat -c %C \"$p\" 2>/dev/null; printf '\\0'")
	if w.hasSE {
		s.WriteString("; printf 'sedefault='; matchpathcon -n \"$p\" 2>/dev/null; printf '\\0'")
	}
	s.WriteString("; fi\n")
	if w.hasAttr {
		s.WriteString("printf 'flags='; lsattr -d \"$p\" 2>/dev/null || [ \"$?\" != 127 ] || N lsattr\nprintf '\\0'\n")
	}
	return s.String()
}

// identities reads what lookup printed.
func (w attrs) identities(f fields) identities {
	id := identities{uid: -1, gid: -1, self: [2]int{-1, -1}, umask: 0o022, secontext: f.text("secontext"), seDefault: f.text("sedefault")}
	if n, ok := octalMode(f.text("umask")); ok {
		id.umask = n & 0o777
	}
	if id.secontext == "?" {
		id.secontext = ""
	}
	if uid, gid, ok := strings.Cut(f.text("self"), ":"); ok && isNumber(uid) && isNumber(gid) {
		id.self[0], _ = strconv.Atoi(uid)
		id.self[1], _ = strconv.Atoi(gid)
	}
	if isNumber(w.owner) {
		id.uid, _ = strconv.Atoi(w.owner)
	} else {
		id.uid = f.number("uid")
	}
	if isNumber(w.group) {
		id.gid, _ = strconv.Atoi(w.group)
	} else if parts := strings.Split(f.text("gid"), ":"); len(parts) >= 3 {
		if n, err := strconv.Atoi(parts[2]); err == nil {
			id.gid = n
		}
	}
	flags, _, _ := strings.Cut(f.text("flags"), " ")
	id.flags = strings.ReplaceAll(flags, "-", "")
	return id
}

// fresh is what a new file or directory is before any attribute is set; the
// type is one of typeFile and typeDir.
func (id identities) fresh(kind uint32) *inode {
	mode := uint32(0o666)
	if kind == typeDir {
		mode = 0o777
	}
	return &inode{Mode: kind | mode&^id.umask, UID: id.self[0], GID: id.self[1]}
}

func isNumber(s string) bool {
	n, err := strconv.Atoi(s)
	return err == nil && n >= 0
}

// attrChange is what must be done to one file so that it has the attributes
// asked for. The zero attrChange is nothing.
type attrChange struct {
	uid, gid  int // -1: as it is
	mode      uint32
	setMode   bool
	flags     string // argument of chattr
	secontext string
	link      bool // of a link itself, not of what it leads to

	before, after *value.Dict // for diffs, in Ansible's words
}

// needed reports whether there is anything to do.
func (ch attrChange) needed() bool {
	return ch.uid >= 0 || ch.gid >= 0 || ch.setMode || ch.flags != "" || ch.secontext != ""
}

func (ch *attrChange) note(name string, before, after any) {
	ch.before.Set(name, before)
	ch.after.Set(name, after)
}

// compare finds what differs between a file and what is asked for. A failed
// Result says why that cannot be had.
func (w attrs) compare(at found, id identities) (attrChange, *Result) {
	ch := attrChange{uid: -1, gid: -1, before: &value.Dict{}, after: &value.Dict{}}
	if at.Inode == nil {
		return ch, nil
	}
	ch.link = at.isLink()
	if fail := w.compareContext(&ch, id, at.Path); fail != nil {
		return ch, fail
	}
	if fail := w.compareOwner(&ch, at, id); fail != nil {
		return ch, fail
	}
	if fail := w.compareMode(&ch, at, id); fail != nil {
		return ch, fail
	}
	w.compareFlags(&ch, id)
	return ch, nil
}

func (w attrs) compareContext(ch *attrChange, id identities, path string) *Result {
	if !w.hasSE || id.secontext == "" {
		return nil
	}
	have := strings.SplitN(id.secontext, ":", 4)
	want := append([]string(nil), have...)
	standard := strings.SplitN(id.seDefault, ":", 4)
	for i, s := range w.se {
		switch {
		case s == "" || i >= len(want):
		case s != "_default":
			want[i] = s
		case i < len(standard):
			want[i] = standard[i]
		}
	}
	if text := strings.Join(want, ":"); text != id.secontext {
		ch.note("secontext", value.Strings(have), value.Strings(want))
		ch.secontext = text
	}
	return nil
}

func (w attrs) compareOwner(ch *attrChange, at found, id identities) *Result {
	if w.owner != "" {
		if id.uid < 0 {
			return Fail("chown failed: failed to look up user %s", w.owner).Set("path", at.Path)
		}
		if id.uid != at.Inode.UID {
			ch.uid = id.uid
			ch.note("owner", at.Inode.UID, id.uid)
		}
	}
	if w.group != "" {
		if id.gid < 0 {
			return Fail("chgrp failed: failed to look up group %s", w.group).Set("path", at.Path)
		}
		if id.gid != at.Inode.GID {
			ch.gid = id.gid
			ch.note("group", at.Inode.GID, id.gid)
		}
	}
	return nil
}

func (w attrs) compareMode(ch *attrChange, at found, id identities) *Result {
	if w.mode == nil {
		return nil
	}
	mode, err := readMode(w.mode, at.Inode.Mode, id.umask)
	if err != nil {
		return modeFailure(err, at.Path)
	}
	// A link's own mode cannot be changed on Linux.
	if ch.link {
		return nil
	}
	have := at.Inode.Mode & permBits
	if mode != have {
		ch.note("mode", printMode(have), printMode(mode))
		ch.mode, ch.setMode = mode, true
	} else if (ch.uid >= 0 || ch.gid >= 0) && mode&0o6000 != 0 {
		// A change of owner takes set-uid and set-gid away.
		ch.mode, ch.setMode = mode, true
	}
	return nil
}

func modeFailure(err error, path string) *Result {
	r := Fail("%s", err.Error()).Set("path", path)
	var bad *modeError
	if errors.As(err, &bad) {
		r.Set("details", bad.details)
	}
	return r
}

func (w attrs) compareFlags(ch *attrChange, id identities) {
	if !w.hasAttr {
		return
	}
	op, flags := "=", w.attributes
	if strings.HasPrefix(flags, "-") || strings.HasPrefix(flags, "+") {
		op, flags = flags[:1], flags[1:]
	}
	if id.flags == flags && op != "-" {
		return
	}
	ch.flags = op + flags
	ch.note("attributes", id.flags, op+flags)
}

// script changes the file that the shell word names. It ends the script with
// the field "fail" when something is refused.
func (ch attrChange) script(word string) string {
	var s strings.Builder
	owner := ""
	if ch.uid >= 0 {
		owner = strconv.Itoa(ch.uid)
	}
	if ch.gid >= 0 {
		owner += ":" + strconv.Itoa(ch.gid)
	}
	if ch.secontext != "" {
		s.WriteString("chcon -h " + quoteText(ch.secontext) + " " + word + " || E 'set selinux context failed' chcon\n")
	}
	if owner != "" {
		tool, option := "chown failed", ""
		if ch.uid < 0 {
			tool = "chgrp failed"
		}
		if ch.link {
			option = "-h "
		}
		s.WriteString("chown " + option + owner + " " + word + " || E '" + tool + "' chown\n")
	}
	if ch.setMode {
		s.WriteString("chmod " + printMode(ch.mode) + " " + word + " || E 'chmod failed' chmod\n")
	}
	if ch.flags != "" {
		s.WriteString("chattr " + quoteText(ch.flags) + " " + word + " || E 'chattr failed' chattr\n")
	}
	return s.String()
}

// applyTools are put before every script that changes something: E ends it
// with a reason, or with the tool that is not there; T names what to take away
// before that.
const applyTools = `T=
E() { r=$?; [ -z "$T" ] || rm -f "$T"; if [ "$r" = 127 ]; then N "$2"; fi; printf '\0at=%s\0fail=%s: \0' "${p-}" "$1"; exit 1; }
`
