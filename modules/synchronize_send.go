package modules

import (
	"archive/tar"
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/user"
	"path"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"sunup/internal/connection"
)

// localEntry is a file of the controller; ok is false for what cannot be
// copied: sockets, devices, pipes.
func localEntry(info fs.FileInfo, at string) (e syncEntry, ok bool) {
	e = syncEntry{size: info.Size(), mtime: info.ModTime().Unix(), mode: uint32(info.Mode().Perm()), path: at}
	for _, bit := range []struct {
		mode fs.FileMode
		bits uint32
	}{{fs.ModeSetuid, 0o4000}, {fs.ModeSetgid, 0o2000}, {fs.ModeSticky, 0o1000}} {
		if info.Mode()&bit.mode != 0 {
			e.mode |= bit.bits
		}
	}
	if st, isUnix := info.Sys().(*syscall.Stat_t); isUnix {
		e.owner, e.group = strconv.Itoa(int(st.Uid)), strconv.Itoa(int(st.Gid))
		if u, err := user.LookupId(e.owner); err == nil {
			e.owner = u.Username
		}
		if g, err := user.LookupGroupId(e.group); err == nil {
			e.group = g.Name
		}
	}
	switch {
	case info.Mode().IsRegular():
		e.kind = 'f'
	case info.IsDir():
		e.kind = 'd'
	case info.Mode()&fs.ModeSymlink != 0:
		link, err := os.Readlink(at)
		e.kind, e.link = 'L', link
		return e, err == nil
	default:
		return e, false
	}
	return e, true
}

// receiveScript unpacks into a directory beside the tree and moves what came
// into place, file by file: each is the old or the new one at any moment.
const receiveScript = `umask 077
S=$u/.sunup-$n
mkdir -p "$u" && mkdir "$S" || { printf '\0fail=cannot write beside %s\0' "$p"; exit 0; }
trap 'rm -rf "$S"' EXIT
tar -xf - -C "$S" || { printf '\0fail=tar could not unpack\0'; exit 0; }
M() {
if [ -d "$1" ] && [ ! -h "$1" ]; then
if [ ! -d "$2" ] || [ -h "$2" ]; then rm -rf "$2"; mkdir "$2" && chmod 755 "$2" || return 1; fi
for x in "$1"/* "$1"/.[!.]* "$1"/..?*; do
if [ -e "$x" ] || [ -h "$x" ]; then ( M "$x" "$2/${x##*/}" ) || return 1; fi
done
else
if [ -d "$2" ] && [ ! -h "$2" ]; then rm -rf "$2"; fi
mv -f "$1" "$2"
fi
}
if [ -e "$S/t" ] || [ -h "$S/t" ]; then M "$S/t" "$p" || { printf '\0fail=cannot move files into place\0'; exit 0; }; fi
`

// send brings what differs to the host.
func (s *syncRun) send(ctx context.Context, send, set, gone []string) (*Result, error) {
	script := systemPath + observeTools + needTool("tar") + "p=" + quoteText(s.to) + " u=" + quoteText(path.Dir(s.to)) + " n=" + randomName() + "\n" + receiveScript
	script += s.attributes(append(append([]string(nil), send...), set...))
	for i := len(gone) - 1; i >= 0; i-- {
		script += "rm -rf -- " + quoteText(s.hostPath(gone[i])) + " || exit 1\n"
	}
	r, w := io.Pipe()
	go func() { w.CloseWithError(s.pack(w, send)) }()
	out, err := s.exec(ctx, connection.Command{Script: script, Stdin: r})
	r.Close() // ends the packing when the host did not read it all
	if err != nil {
		return nil, err
	}
	f := readFields(out.Stdout)
	switch {
	case f.has("need"):
		return s.needs(f["need"]), nil
	case f.has("fail"):
		return Fail("%s: %s", f["fail"], scriptError(out.Stderr)), nil
	case out.Code != 0:
		return Fail("the command for %s ended with %d: %s", s.hostName(), out.Code, scriptError(out.Stderr)), nil
	}
	return nil, nil
}

func (s *syncRun) hostPath(rel string) string {
	if rel == "." {
		return s.to
	}
	return path.Join(s.to, rel)
}

// attributes sets owner, permissions and time of what came, what is in a
// directory before it.
func (s *syncRun) attributes(rels []string) string {
	var b strings.Builder
	for i := len(rels) - 1; i >= 0; i-- {
		e, at := s.src[rels[i]], quoteText(s.hostPath(rels[i]))
		if s.owner && e.owner != "" {
			fmt.Fprintf(&b, "chown -h %s %s 2>/dev/null || :\n", quoteText(e.owner), at)
		}
		if s.group && e.group != "" {
			fmt.Fprintf(&b, "chgrp -h %s %s 2>/dev/null || :\n", quoteText(e.group), at)
		}
		if e.kind == 'L' {
			continue
		}
		mode := e.mode
		if !s.perms {
			mode = map[byte]uint32{'d': 0o755, 'f': 0o644}[e.kind]
		}
		fmt.Fprintf(&b, "chmod %04o %s || exit 1\n", mode, at)
		if s.times && e.kind == 'f' {
			fmt.Fprintf(&b, "touch -d @%d %s || exit 1\n", e.mtime, at)
		}
	}
	return b.String()
}

// pack writes what is sent as a tar file, under t.
func (s *syncRun) pack(to io.Writer, rels []string) error {
	w := tar.NewWriter(to)
	for _, rel := range rels {
		e := s.src[rel]
		h := &tar.Header{Name: path.Join("t", rel), Mode: 0o600, ModTime: time.Unix(e.mtime, 0), Typeflag: tar.TypeReg, Size: e.size, Format: tar.FormatGNU}
		switch e.kind {
		case 'd':
			h.Typeflag, h.Size, h.Mode, h.Name = tar.TypeDir, 0, 0o700, h.Name+"/"
		case 'L':
			h.Typeflag, h.Size, h.Linkname = tar.TypeSymlink, 0, e.link
		}
		if err := w.WriteHeader(h); err != nil {
			return err
		}
		if e.kind == 'f' {
			if err := packFile(w, e); err != nil {
				return err
			}
		}
	}
	return w.Close()
}

func packFile(w *tar.Writer, e syncEntry) error {
	f, err := os.Open(e.path)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := io.CopyN(w, f, e.size); err != nil {
		return fmt.Errorf("%s became shorter while it was read: %w", e.path, err)
	}
	return nil
}

// onHost has the host's rsync work between two of its own directories.
func (s *syncRun) onHost(ctx context.Context) (*Result, error) {
	a := s.Args
	words := []string{"rsync", "--delay-updates", "-F"}
	for _, o := range []struct {
		on   bool
		word string
	}{{s.Check, "--dry-run"}, {a.Bool("delete"), "--delete-after"}, {a.Bool("existing_only"), "--existing"}, {a.Bool("checksum"), "--checksum"}, {a.Bool("copy_links"), "--copy-links"},
		{true, "--recursive"}, {a.Bool("archive"), "-D"}, {s.links, "--links"}, {s.perms, "--perms"}, {s.times, "--times"}, {s.owner, "--owner"}, {s.group, "--group"}} {
		if o.on {
			words = append(words, o.word)
		}
	}
	words = append(append(words, a.Strings("rsync_opts")...), "--out-format=<<CHANGED>>%i %n%L")
	line := shellLine(words...) + " " + quotePath(a.Str("src")) + " " + quotePath(a.Str("dest"))
	out, fail, err := s.hear(ctx, needTool("rsync")+line, "")
	if fail != nil || err != nil {
		return fail, err
	}
	if out.code != 0 {
		return Fail("%s", out.err).Set("rc", out.code).Set("cmd", line), nil
	}
	var told []string
	for _, l := range lines(strings.ReplaceAll(out.out, "<<CHANGED>>", "")) {
		if l != "" {
			told = append(told, l)
		}
	}
	s.from, s.to = a.Str("src"), a.Str("dest")
	r := s.result(told).Set("cmd", line)
	r.Changed = strings.Contains(out.out, "<<CHANGED>>")
	return r, nil
}

// excludePattern is a pattern of rsync's --exclude.
type excludePattern struct {
	re      *regexp.Regexp
	dirOnly bool
}

// newExclude reads a pattern: one that begins with / is for the whole path, one
// with / in it for its end, another for the name; * and ? stop at /, ** does
// not, and / at the end means directories.
func newExclude(pattern string) *excludePattern {
	pattern = strings.ToValidUTF8(pattern, "?")
	p := &excludePattern{dirOnly: strings.HasSuffix(pattern, "/")}
	pattern = strings.TrimSuffix(pattern, "/")
	head := "(?:^|/)"
	if strings.HasPrefix(pattern, "/") {
		head, pattern = "^", pattern[1:]
	}
	var b strings.Builder
	b.WriteString(`(?s)` + head)
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; {
		case strings.HasPrefix(pattern[i:], "**"):
			b.WriteString(".*")
			i++
		case c == '*':
			b.WriteString("[^/]*")
		case c == '?':
			b.WriteString("[^/]")
		default:
			b.WriteString(regexp.QuoteMeta(pattern[i : i+1]))
		}
	}
	p.re = regexp.MustCompile(b.String() + "$")
	return p
}

func (p *excludePattern) matches(rel string, dir bool) bool {
	return (dir || !p.dirOnly) && p.re.MatchString(rel)
}
