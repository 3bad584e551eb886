package modules

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"

	"sunup/internal/connection"
)

const (
	// maxInline is the largest content that travels inside a script: a script
	// is one exchange, Put is several.
	maxInline = 64 << 10
	// maxBatch is the size of a script above which no further file is added.
	maxBatch = 4 * maxInline
	// maxContent is the largest file that is read into memory for editing.
	maxContent = 64 << 20
	// maxAnswer is the largest content that is read inside an observation:
	// base64 of it stays below the default of Command.MaxOutput.
	maxAnswer = 8 << 20
)

var maxAnswerText = strconv.Itoa(maxAnswer)

// blob is content to be written: small ones in memory, large ones opened when
// they are sent.
type blob struct {
	bytes []byte // nil when open is set
	open  func() (io.ReadCloser, error)
	// remote is a file of the host itself.
	remote string
	size   int64
	sha1   string
	md5    string
}

func bytesBlob(b []byte) blob {
	sum := sha1.Sum(b)
	return blob{bytes: b, size: int64(len(b)), sha1: hex.EncodeToString(sum[:]), md5: md5Hex(b)}
}

func (b blob) inline() bool { return b.remote != "" || b.open == nil && len(b.bytes) <= maxInline }

func (b blob) reader() (io.ReadCloser, error) {
	if b.open != nil {
		return b.open()
	}
	return io.NopCloser(bytes.NewReader(b.bytes)), nil
}

// rewrite replaces the content of one file of a host, whole or not at all: it
// is written beside, given its mode and owner, validated, synced and renamed.
type rewrite struct {
	at       found // what is there; a link is replaced, so follow it before
	content  blob
	attrs    attrs
	id       identities
	makeDirs bool
	backup   bool
	validate string
	// unsafe allows writing in place when renaming is refused.
	unsafe bool
}

// rewritten is what a rewrite left.
type rewritten struct {
	at         found
	backupFile string
}

// invalid says that the validate command refused the new content.
type invalid struct {
	rc       int
	out, err string
}

// write carries out a rewrite. The failed Result says why it could not be
// done; inv is set when that was the validate command.
func (c *Call) write(ctx context.Context, w rewrite) (done rewritten, inv *invalid, fail *Result, err error) {
	temp := path.Join(path.Dir(w.at.Path), ".sunup-"+randomName())
	script, fail := w.script(temp)
	if fail != nil {
		return done, nil, fail, nil
	}
	if !w.content.inline() {
		if fail, err := c.sendBeside(ctx, w, temp); fail != nil || err != nil {
			return done, nil, fail, err
		}
	}
	f, fail, err := c.observe(ctx, applyTools+script)
	if err != nil {
		return done, nil, nil, err
	}
	if f.has("rc") {
		return done, &invalid{rc: f.number("rc"), out: f["out"], err: f["err"]}, nil, nil
	}
	if fail != nil {
		return done, nil, fail.Set("path", w.at.Path), nil
	}
	return rewritten{at: f.found("new", w.at.Path), backupFile: f.text("backup")}, nil, nil, nil
}

const mkdirScript = "[ -d \"$d\" ] || mkdir -p \"$d\" || E 'cannot make the directory' mkdir\n"

// script writes small content to the file temp (large content is there
// already), and finishes it. Several such scripts may follow each other.
func (w rewrite) script(temp string) (string, *Result) {
	finish, fail := w.finishScript()
	if fail != nil {
		return "", fail
	}
	var s strings.Builder
	s.WriteString("p=" + quoteText(dashless(w.at.Path)) + "\nd=" + quoteText(dashless(path.Dir(w.at.Path))) + "\n")
	if w.makeDirs && w.content.inline() {
		s.WriteString(mkdirScript)
	}
	s.WriteString("umask 077\nT=" + quoteText(dashless(temp)) + "\n")
	if w.content.inline() {
		s.WriteString(w.content.script())
	}
	s.WriteString("h=$(sha1sum <\"$T\") || E 'cannot read back' sha1sum\n[ \"${h%% *}\" = " + w.content.sha1 +
		" ] || E 'Copied file does not match the expected checksum. Transfer failed.' sha1sum\n")
	return s.String() + finish, nil
}

// writeAll carries out many small rewrites, none with a backup or a validate
// command, in few exchanges.
func (c *Call) writeAll(ctx context.Context, list []rewrite) (*Result, error) {
	var s strings.Builder
	for i, w := range list {
		script, fail := w.script(path.Join(path.Dir(w.at.Path), ".sunup-"+randomName()))
		if fail != nil {
			return fail, nil
		}
		s.WriteString(script)
		if s.Len() < maxBatch && i+1 < len(list) {
			continue
		}
		if _, fail, err := c.observe(ctx, applyTools+s.String()); fail != nil || err != nil {
			return fail, err
		}
		s.Reset()
	}
	return nil, nil
}

// sendBeside puts large content beside the file, after looking whether there
// is room for it: a full disk is better told before than met half-way.
func (c *Call) sendBeside(ctx context.Context, w rewrite, temp string) (*Result, error) {
	dir := path.Dir(w.at.Path)
	script := applyTools + "d=" + quoteText(dashless(dir)) + "\n"
	if w.makeDirs {
		script += mkdirScript
	}
	script += "printf 'pwd=%s\\0' \"$PWD\"\nprintf 'room='; df -Pk \"$d\" || [ \"$?\" != 127 ] || N df\nprintf '\\0'\n"
	f, fail, err := c.observe(ctx, script)
	if fail != nil || err != nil {
		return fail, err
	}
	if room, ok := freeBytes(f["room"]); ok && room < w.content.size {
		return Fail("not enough room on %s: %s needs %s, and %s has %s free",
			c.hostName(), w.at.Path, printSize(w.content.size), dir, printSize(room)), nil
	}
	r, err := w.content.reader()
	if err != nil {
		return nil, fmt.Errorf("open the content of %s: %w", w.at.Path, err)
	}
	defer r.Close()
	// Transfers need not begin in the directory that scripts do.
	if !path.IsAbs(temp) {
		temp = path.Join(f["pwd"], temp)
	}
	err = c.Conn.Put(ctx, temp, r, w.content.size, 0o600)
	switch {
	case err == nil:
		return nil, nil
	case connection.IsUnreachable(err) || ctx.Err() != nil:
		return nil, err
	}
	return Fail("cannot write beside %s: %v", w.at.Path, err), nil
}

// freeBytes reads the available column of df -Pk.
func freeBytes(df string) (int64, bool) {
	lines := strings.Split(strings.TrimSpace(df), "\n")
	cols := strings.Fields(lines[len(lines)-1])
	if len(lines) < 2 || len(cols) < 6 {
		return 0, false
	}
	kb, err := strconv.ParseInt(cols[3], 10, 64)
	return kb << 10, err == nil
}

func printSize(n int64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	}
	return fmt.Sprintf("%d KiB", (n+1023)>>10)
}

// script writes the content to $T without Put.
func (b blob) script() string {
	if b.remote != "" {
		return "cat " + quoteText(dashless(b.remote)) + " >\"$T\" || E 'failed to copy' cat\n"
	}
	return inlineScript(b.bytes)
}

// inlineScript writes content that is part of the script to $T.
func inlineScript(content []byte) string {
	if len(content) == 0 {
		return ": >\"$T\" || E 'cannot write beside the file' :\n"
	}
	var s strings.Builder
	s.WriteString("base64 -d >\"$T\" <<'END' || E 'cannot write beside the file' base64\n")
	text := base64.StdEncoding.EncodeToString(content)
	for len(text) > 76 {
		s.WriteString(text[:76])
		s.WriteByte('\n')
		text = text[76:]
	}
	s.WriteString(text + "\nEND\n")
	return s.String()
}

// finishScript gives $T its attributes, validates it and renames it to $p.
func (w rewrite) finishScript() (string, *Result) {
	var s strings.Builder
	attrs, fail := w.finalAttrs()
	if fail != nil {
		return "", fail
	}
	s.WriteString(attrs)
	validate, fail := validateScript(w.validate)
	if fail != nil {
		return "", fail
	}
	s.WriteString(validate)
	if w.backup && w.at.exists() {
		s.WriteString(backupScript)
	}
	// A sync that does not know files syncs everything, which is as good.
	s.WriteString("sync \"$T\" 2>/dev/null\n")
	if w.unsafe {
		s.WriteString("mv -f \"$T\" \"$p\" 2>/dev/null || { cat \"$T\" >\"$p\" && rm -f \"$T\"; } || E 'cannot replace the file' mv\n")
	} else {
		s.WriteString("mv -f \"$T\" \"$p\" || E 'cannot replace the file' mv\n")
	}
	if w.id.secontext != "" {
		s.WriteString("chcon " + quoteText(w.id.secontext) + " \"$p\" 2>/dev/null\n")
	} else {
		s.WriteString("[ ! -e /sys/fs/selinux/enforce ] || restorecon \"$p\" 2>/dev/null\n")
	}
	change, _ := newFileChange(w)
	if change.flags != "" {
		s.WriteString("T=\n" + attrChange{uid: -1, gid: -1, flags: change.flags}.script(`"$p"`))
	}
	s.WriteString("O new \"$p\"\n")
	return s.String(), nil
}

// newFileChange compares the attributes asked for with those that the new file would
// have of itself.
func newFileChange(w rewrite) (attrChange, *Result) {
	at := w.at.followed()
	if at.Inode == nil {
		at.Path = w.at.Path
		at.Inode = w.id.fresh(typeFile)
	}
	return w.attrs.compare(at, w.id)
}

// finalAttrs sets owner and mode of $T: those asked for, else those of the file
// that it replaces, else those of any new file.
func (w rewrite) finalAttrs() (string, *Result) {
	change, fail := newFileChange(w)
	if fail != nil {
		return "", fail
	}
	var s strings.Builder
	mode := 0o666 &^ w.id.umask
	if old := w.at.followed().Inode; old != nil {
		mode = old.Mode & permBits
		// Only root may give a file away; others keep what they can.
		fmt.Fprintf(&s, "chown %d:%d \"$T\" 2>/dev/null || chown :%d \"$T\" 2>/dev/null || :\n", old.UID, old.GID, old.GID)
	}
	if change.setMode {
		mode = change.mode
	}
	change.mode, change.setMode, change.flags = mode, true, ""
	s.WriteString(change.script(`"$T"`))
	return s.String(), nil
}

const backupScript = `b=$p.$$.$(date +%Y-%m-%d@%H:%M:%S)~ || E 'could not name the backup' date
cp -p "$p" "$b" || E "Could not make backup of $p to $b" cp
printf 'backup=%s\0' "$b"
`

// validateScript runs the validate command on $T; when it refuses, the script
// ends with what it said.
func validateScript(command string) (string, *Result) {
	if command == "" {
		return "", nil
	}
	if !strings.Contains(command, "%s") {
		return "", Fail("validate must contain %%s: %s", command)
	}
	words, err := splitWords(command)
	if err != nil {
		return "", Fail("cannot read the validate command: %v", err)
	}
	var line []string
	for _, w := range words {
		parts := strings.Split(w, "%s")
		for i, p := range parts {
			if parts[i] = ""; p != "" {
				parts[i] = quoteText(strings.ReplaceAll(p, "%%", "%"))
			}
		}
		line = append(line, strings.Join(parts, `"$T"`))
	}
	return "o=$(" + strings.Join(line, " ") + " 2>\"$T.e\")\nr=$?\n" +
		`if [ "$r" != 0 ]; then printf 'rc=%s\0out=%s\0err=' "$r" "$o"; cat "$T.e"; printf '\0'; rm -f "$T" "$T.e"; exit 1; fi
rm -f "$T.e"
`, nil
}

// dashless keeps a relative path from being taken for an option.
func dashless(p string) string {
	if strings.HasPrefix(p, "-") {
		return "./" + p
	}
	return p
}

// randomName is a name that nobody can have prepared in a shared directory.
func randomName() string {
	var b [8]byte
	rand.Read(b[:]) //nolint:errcheck // never fails since Go 1.24
	return hex.EncodeToString(b[:])
}

// readContent is the part of an observing script that sends the file in $p,
// when it is not too large for one answer.
func readContent(limit int) string {
	return "if [ -f \"$p\" ] && [ -r \"$p\" ]; then n=$(wc -c <\"$p\"); if [ \"$n\" -le " + strconv.Itoa(limit) +
		" ]; then printf 'content='; base64 <\"$p\" || [ \"$?\" != 127 ] || N base64; printf '\\0'; fi; fi\n"
}

// contentOf returns the content that readContent sent, or fetches it when it
// was too large for that.
func (c *Call) contentOf(ctx context.Context, f fields, at found) ([]byte, *Result, error) {
	if f.has("content") {
		b, err := f.content("content")
		return b, nil, err
	}
	in := at.followed().Inode
	if in == nil {
		return nil, nil, nil
	}
	if in.Size > maxContent {
		return nil, Fail("%s is too large to be edited: %s", at.Path, printSize(in.Size)), nil
	}
	var buf bytes.Buffer
	err := c.Conn.Get(ctx, at.Path, &limitWriter{w: &buf, left: maxContent})
	switch {
	case err == nil:
		return buf.Bytes(), nil, nil
	case connection.IsUnreachable(err) || ctx.Err() != nil:
		return nil, nil, err
	}
	return nil, Fail("Unable to read the contents of %s: %v", at.Path, err), nil
}

// limitWriter refuses what is more than it has room for.
type limitWriter struct {
	w    io.Writer
	left int64
}

func (l *limitWriter) Write(p []byte) (int, error) {
	if int64(len(p)) > l.left {
		return 0, fmt.Errorf("the file grew above the limit while it was read")
	}
	l.left -= int64(len(p))
	return l.w.Write(p)
}
