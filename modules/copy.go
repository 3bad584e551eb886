package modules

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"sunup/internal/say"
	"sunup/internal/value"
)

var copyModule = Module{
	Name:    "ansible.builtin.copy",
	Summary: say.T("Copies files from the controller, or on the host, to a place on the host.", "파일을 제어 노드에서, 또는 호스트 안에서, 호스트의 정해진 위치로 복사한다."),
	Spec: Spec{File: true, Params: []Param{
		{Name: "src", Type: Path, Doc: say.T("File or directory to copy; a directory with a trailing slash copies what is in it.", "복사할 파일이나 디렉터리이다. 빗금으로 끝나는 디렉터리는 그 안의 것만 복사한다.")},
		{Name: "content", Type: Raw, Doc: say.T("Text to write instead of src; a dict or list is written as JSON.", "src 대신 쓸 내용이다. 사전과 목록은 JSON으로 쓴다.")},
		{Name: "dest", Type: Path, Doc: say.T("Where to copy to on the host.", "호스트에서 복사될 위치이다.")},
		{Name: "backup", Type: Bool, Default: false, Doc: say.T("Keep the old file under a name with the time.", "이전 파일을 시각이 붙은 이름으로 남긴다.")},
		{Name: "force", Type: Bool, Default: true, Doc: say.T("Replace a file that differs; otherwise only copy when nothing is there.", "다른 파일이 있으면 바꾼다. 아니면 없을 때만 복사한다.")},
		{Name: "mode", Type: Raw, Doc: say.T("Permissions; preserve takes those of the source.", "권한이다. preserve는 원본의 권한을 쓴다.")},
		{Name: "directory_mode", Type: Raw, Doc: say.T("Permissions of directories that are made.", "새로 만드는 디렉터리의 권한이다.")},
		{Name: "remote_src", Type: Bool, Default: false, Doc: say.T("src is on the host.", "src가 호스트에 있다.")},
		{Name: "follow", Type: Bool, Default: false, Doc: say.T("Write to what a link at dest leads to.", "dest가 링크이면 그 대상에 쓴다.")},
		{Name: "local_follow", Type: Bool, Default: true, Doc: say.T("Follow links in the source tree.", "원본 트리의 링크를 따라간다.")},
		{Name: "checksum", Doc: say.T("Expected SHA-1 of the source.", "기대하는 원본의 SHA-1 값이다.")},
		{Name: "validate", Doc: say.T("Command that must accept the new file (%s) before it is put in place.", "새 파일(%s)을 놓기 전에 통과해야 하는 명령이다.")},
		{Name: "decrypt", Type: Bool, Default: true, Doc: say.T("Decrypt a vaulted source.", "볼트로 암호화된 원본을 푼다.")},
	}},
	Idempotent: true,
	Returns: []Return{
		{Name: "dest", Type: "str", When: "success", Doc: say.T("Where it was copied to.", "복사된 위치이다.")},
		{Name: "src", Type: "str", When: "changed", Doc: say.T("The source.", "원본이다.")},
		{Name: "checksum", Type: "str", When: "success", Doc: say.T("SHA-1 of the file.", "파일의 SHA-1 값이다.")},
		{Name: "md5sum", Type: "str", When: "changed", Doc: say.T("MD5 of the file.", "파일의 MD5 값이다.")},
		{Name: "backup_file", Type: "str", When: "changed and if backup=yes", Doc: say.T("The name of the backup.", "백업의 이름이다.")},
	},
	Run: runCopy,
}

func runCopy(ctx context.Context, c *Call) (*Result, error) {
	a := c.Args
	src, dest := a.Str("src"), a.Str("dest")
	switch {
	case src == "" && !a.Given("content"):
		return Fail("src (or content) is required"), nil
	case dest == "":
		return Fail("dest is required"), nil
	case src != "" && a.Given("content"):
		return Fail("src and content are mutually exclusive"), nil
	case a.Given("content") && strings.HasSuffix(dest, "/"):
		return Fail("can not use content with a dir as dest"), nil
	case a.Given("content"):
		return copyContent(ctx, c)
	case a.Bool("remote_src"):
		return copyRemote(ctx, c)
	}
	file, err := c.Controller.Find("files", src)
	if err != nil {
		return Fail("%s", err), nil
	}
	if info, err := os.Stat(file); err == nil && info.IsDir() {
		return copyTree(ctx, c, strings.TrimRight(file, "/"), strings.HasSuffix(src, "/"))
	}
	return copyFile(ctx, c, file)
}

func copyContent(ctx context.Context, c *Call) (*Result, error) {
	text, err := contentText(c.Args.Raw("content"))
	if err != nil {
		return Fail("could not write content: %v", err), nil
	}
	d := copyDelivery(c)
	d.content, d.fromContent, d.header = bytesBlob([]byte(text)), true, "dynamically generated"
	return c.deliver(ctx, d)
}

// contentText is what a content argument writes: text as it is, anything else
// as JSON.
func contentText(v any) (string, error) {
	switch v := v.(type) {
	case string:
		return v, nil
	case value.Unsafe:
		return string(v), nil
	case *value.Dict, *value.List:
		return value.EncodeJSON(v, value.JSONOptions{ASCII: true})
	}
	return value.Str(v), nil
}

func copyFile(ctx context.Context, c *Call, file string) (*Result, error) {
	d := copyDelivery(c)
	content, mode, err := openSource(c, file, c.Args.Bool("decrypt"))
	if err != nil {
		return unreadableSource(file, err), nil
	}
	d.content, d.src, d.header, d.base = content, file, file, filepath.Base(file)
	d.dirMode, d.checksum = c.Args.Raw("directory_mode"), c.Args.Str("checksum")
	d.preserve(mode)
	return c.deliver(ctx, d)
}

// unreadableSource says why a file of the controller cannot be sent. Of a file
// that cannot be decrypted the reason is enough, as for Ansible.
func unreadableSource(file string, err error) *Result {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		return Fail("could not find src=%s, %v", file, err)
	}
	return Fail("%v", err)
}

// openSource reads or hashes a file of the controller. A vaulted one is
// decrypted in memory; others are read again when they are sent.
func openSource(c *Call, file string, decrypt bool) (blob, uint32, error) {
	info, err := os.Stat(file)
	if err != nil {
		return blob{}, 0, err
	}
	mode := unixMode(info.Mode())
	f, err := os.Open(file)
	if err != nil {
		return blob{}, 0, err
	}
	defer f.Close()
	head := make([]byte, maxInline+1)
	n, err := io.ReadFull(f, head)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return blob{}, 0, err
	}
	head = head[:n]
	if decrypt && bytes.HasPrefix(head, []byte("$ANSIBLE_VAULT;")) {
		plain, err := c.Controller.Read(file)
		return bytesBlob(plain), mode, err
	}
	if n <= maxInline {
		return bytesBlob(head), mode, nil
	}
	s, m := sha1.New(), md5.New()
	both := io.MultiWriter(s, m)
	both.Write(head) //nolint:errcheck // a hash does not fail
	rest, err := io.Copy(both, f)
	if err != nil {
		return blob{}, 0, err
	}
	open := func() (io.ReadCloser, error) { return os.Open(file) }
	return blob{open: open, size: int64(n) + rest, sha1: hex.EncodeToString(s.Sum(nil)), md5: hex.EncodeToString(m.Sum(nil))}, mode, nil
}

// unixMode is the permission bits of a file of the controller.
func unixMode(m os.FileMode) uint32 {
	bits := uint32(m.Perm())
	if m&os.ModeSetuid != 0 {
		bits |= 0o4000
	}
	if m&os.ModeSetgid != 0 {
		bits |= 0o2000
	}
	if m&os.ModeSticky != 0 {
		bits |= 0o1000
	}
	return bits
}

// delivery is content from the controller with the place it should have on the
// host.
type delivery struct {
	content     blob
	src         string // of the controller; empty for content
	header      string // names the content in diffs
	base        string // the name inside a directory
	fromContent bool
	dest        string // as the task says it

	attrs    attrs
	dirMode  any
	backup   bool
	force    bool
	follow   bool
	unsafe   bool
	validate string
	checksum string
}

// copyDelivery reads the arguments that copy and template share.
func copyDelivery(c *Call) delivery {
	d := deliveryOf(c)
	d.force = c.Args.Bool("force")
	return d
}

// deliveryOf reads the arguments of everything that delivers a file.
func deliveryOf(c *Call) delivery {
	a := c.Args
	return delivery{dest: a.Str("dest"), attrs: attrsOf(a), backup: a.Bool("backup"), force: true,
		follow: a.Bool("follow"), validate: a.Str("validate"), unsafe: a.Bool("unsafe_writes")}
}

// preserve replaces the mode "preserve" by that of the source.
func (d *delivery) preserve(mode uint32) {
	if m, ok := d.attrs.mode.(string); ok && m == "preserve" {
		d.attrs.mode = int(mode)
	}
}

// script observes the destination: $p is the file, $d its directory.
func (d delivery) script(c *Call) string {
	var s strings.Builder
	s.WriteString("p=" + quotePath(d.dest) + "\nb=" + quoteText(d.base) + `
case $p in
*/) p=$p$b;;
*) if [ -d "$p" ]; then printf 'isdir=1\0'; p=${p%/}/$b; fi;;
esac
` + parentScript + "O at \"$p\"\n")
	if d.force {
		s.WriteString("H sum \"$p\"\n")
	}
	s.WriteString(d.attrs.lookup())
	if c.Diff {
		s.WriteString(readContent(maxDiff))
	}
	return s.String()
}

// parentScript finds the directory of $p.
const parentScript = `case $p in */*) d=${p%/*}; [ -n "$d" ] || d=/;; *) d=.;; esac
printf 'p=%s\0d=%s\0' "$p" "$d"
if [ -d "$d" ]; then printf 'dir=1\0'; if [ -w "$d" ]; then printf 'writable=1\0'; fi; fi
`

// deliver makes the destination have the content and the attributes.
func (c *Call) deliver(ctx context.Context, d delivery) (*Result, error) {
	f, fail, err := c.observe(ctx, d.script(c))
	if fail != nil || err != nil {
		return fail, err
	}
	if d.fromContent && f.has("isdir") {
		return Fail("can not use content with a dir as dest"), nil
	}
	return c.deliverTo(ctx, d, f, f.found("at", f["p"]), d.attrs.identities(f))
}

// deliverTo compares what was found with a delivery and applies it.
func (c *Call) deliverTo(ctx context.Context, d delivery, f fields, at found, id identities) (*Result, error) {
	link := at.isLink()
	if link && d.follow && at.exists() {
		at = at.followed()
		link = false
	}
	if at.exists() && !d.force {
		return OK().Set("dest", at.Path).Set("src", d.src), nil
	}
	if at.exists() && at.isDir() {
		return Fail("cannot replace the directory %s by a file", at.Path).Set("dest", at.Path), nil
	}
	if !link && f.sum("sum") == d.content.sha1 && at.exists() {
		return c.settle(ctx, d, at, id)
	}
	r, err := c.replace(ctx, d, f, at, id)
	if r != nil && r.Failed && d.content.remote == "" && !r.Values.Has("checksum") {
		r.Set("checksum", d.content.sha1)
	}
	return r, err
}

// settle sets the attributes of a file whose content is right.
func (c *Call) settle(ctx context.Context, d delivery, at found, id identities) (*Result, error) {
	change, fail := d.attrs.compare(at, id)
	if fail != nil {
		return fail, nil
	}
	r := ChangedIf(change.needed())
	r.Set("dest", at.Path).Set("path", at.Path).Set("checksum", d.content.sha1)
	if c.Diff {
		r.Diffs = append(r.Diffs, attrDiff(at.Path, change))
	}
	if change.needed() && !c.Check {
		after, fail, err := c.changeAttrs(ctx, at, change)
		if fail != nil || err != nil {
			return fail, err
		}
		at = after
	}
	at.describe(r, id.secontext)
	return r, nil
}

// attrDiff is the diff of attributes alone, with the path that Ansible adds.
func attrDiff(path string, change attrChange) Diff {
	before, after := value.NewDict("path", path), value.NewDict("path", path)
	before.Update(change.before)
	after.Update(change.after)
	return valuesDiff(before, after, "", "")
}

// changeAttrs applies a change and looks at the file again.
func (c *Call) changeAttrs(ctx context.Context, at found, change attrChange) (found, *Result, error) {
	f, fail, err := c.observe(ctx, applyTools+"p="+quoteText(dashless(at.Path))+"\n"+change.script(`"$p"`)+"O new \"$p\"\n")
	if fail != nil {
		fail.Set("path", at.Path)
	}
	if fail != nil || err != nil {
		return at, fail, err
	}
	return f.found("new", at.Path), nil, nil
}

func (c *Call) replace(ctx context.Context, d delivery, f fields, at found, id identities) (*Result, error) {
	if !c.Diff {
		return c.apply(ctx, d, f, at, id)
	}
	diff, err := d.diff(f, at)
	if err != nil {
		return nil, err
	}
	r, err := c.apply(ctx, d, f, at, id)
	if r != nil {
		r.Diffs = append(r.Diffs, diff)
	}
	return r, err
}

func (c *Call) apply(ctx context.Context, d delivery, f fields, at found, id identities) (*Result, error) {
	r := ChangedIf(true)
	if c.Check && d.content.remote == "" {
		return r, nil
	}
	if d.checksum != "" && d.checksum != d.content.sha1 {
		return Fail("Copied file does not match the expected checksum. Transfer failed.").
			Set("checksum", d.content.sha1).Set("expected_checksum", d.checksum), nil
	}
	makeDirs := strings.HasSuffix(d.dest, "/")
	parent := path.Dir(at.Path)
	switch {
	case at.Inode != nil || f.has("dir") && f["d"] != parent:
	case !f.has("dir") && !makeDirs:
		return Fail("Destination directory %s does not exist", parent), nil
	}
	if f.has("dir") && f["d"] == parent && !f.has("writable") && !d.unsafe {
		return Fail("Destination %s not writable", parent), nil
	}
	if c.Check {
		return r, nil
	}
	if makeDirs && !f.has("dir") {
		if fail, err := c.makeDirs(ctx, parent, d, id); fail != nil || err != nil {
			return fail, err
		}
	}
	done, inv, fail, err := c.write(ctx, rewrite{at: at, content: d.content, attrs: d.attrs, id: id, backup: d.backup, validate: d.validate, unsafe: d.unsafe})
	if fail != nil || err != nil {
		return fail, err
	}
	if inv != nil {
		return setOutput(Fail("failed to validate").Set("exit_status", inv.rc), inv.out, inv.err), nil
	}
	r.Set("dest", at.Path).Set("checksum", d.content.sha1)
	if d.src != "" {
		r.Set("src", d.src)
	}
	if d.content.md5 != "" {
		r.Set("md5sum", d.content.md5)
	}
	if done.backupFile != "" {
		r.Set("backup_file", done.backupFile)
	}
	done.at.describe(r, id.secontext)
	return r, nil
}

// makeDirs makes the missing directories above a file, each with the
// directory mode and the owner.
func (c *Call) makeDirs(ctx context.Context, dir string, d delivery, id identities) (*Result, error) {
	w := d.attrs
	w.mode, w.hasAttr, w.hasSE = d.dirMode, false, false
	change, fail := w.compare(found{Path: dir, Inode: id.fresh(typeDir)}, id)
	if fail != nil {
		return fail, nil
	}
	_, fail, err := c.observe(ctx, applyTools+makeDirsScript(change)+"M "+quoteText(dashless(dir))+"\n")
	return fail, err
}

// makeDirsScript defines M, which makes a directory and those above it, and
// gives each new one its attributes.
func makeDirsScript(change attrChange) string {
	return `M() {
[ -d "$1" ] && return
case $1 in /|.|'') return;; */*) ( M "${1%/*}" ) || exit 1;; esac
mkdir "$1" || [ -d "$1" ] || E "There was an issue creating $1 as requested" mkdir
` + change.script(`"$1"`) + "}\n"
}

func (d delivery) diff(f fields, at found) (Diff, error) {
	var before []byte
	if f.has("content") {
		b, err := f.content("content")
		if err != nil {
			return Diff{}, err
		}
		before = b
	} else if in := at.followed().Inode; in != nil && in.Size > maxDiff {
		return Diff{Prepared: fmt.Sprintf("diff skipped: destination file size is greater than %d\n", maxDiff)}, nil
	}
	if d.content.size > maxDiff {
		return Diff{Prepared: fmt.Sprintf("diff skipped: source file size is greater than %d\n", maxDiff)}, nil
	}
	if d.content.remote != "" {
		return Diff{Prepared: fmt.Sprintf("%s is replaced by %s\n", at.Path, d.content.remote)}, nil
	}
	r, err := d.content.reader()
	if err != nil {
		return Diff{}, fmt.Errorf("open %s: %w", d.src, err)
	}
	defer r.Close()
	after, err := io.ReadAll(io.LimitReader(r, maxDiff))
	if err != nil {
		return Diff{}, fmt.Errorf("read %s: %w", d.src, err)
	}
	header := ""
	if at.exists() {
		header = f["p"]
	}
	return contentDiff(before, after, header, d.header), nil
}
