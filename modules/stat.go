package modules

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"

	"sunup/internal/say"
	"sunup/internal/value"
)

var statModule = Module{
	Name:    "ansible.builtin.stat",
	Summary: say.T("Tells what is at a path.", "경로에 무엇이 있는지 알려 준다."),
	Spec: Spec{Params: []Param{
		{Name: "path", Aliases: []string{"dest", "name"}, Type: Path, Required: true, Doc: say.T("The path.", "경로이다.")},
		{Name: "follow", Type: Bool, Default: false, Doc: say.T("Follow links.", "링크를 따라간다.")},
		{Name: "get_checksum", Type: Bool, Default: true, Doc: say.T("Return a checksum of a file.", "파일의 체크섬을 돌려준다.")},
		{Name: "checksum_algorithm", Aliases: []string{"checksum", "checksum_algo"}, Default: "sha1", Choices: []any{"md5", "sha1", "sha224", "sha256", "sha384", "sha512"}, Doc: say.T("Kind of checksum.", "체크섬의 종류이다.")},
		{Name: "get_mime", Aliases: []string{"mime", "mime_type", "mime-type"}, Type: Bool, Default: true, Doc: say.T("Return the type of the content, when `file` is there.", "`file`이 있으면 내용의 형식을 돌려준다.")},
		{Name: "get_attributes", Aliases: []string{"attr", "attributes"}, Type: Bool, Default: true, Doc: say.T("Return what lsattr says, when it is there.", "`lsattr`가 있으면 그 결과를 돌려준다.")},
		{Name: "get_md5", Type: Bool, Default: false, Doc: say.T("Return an MD5 too.", "MD5도 돌려준다.")},
	}},
	Idempotent: true,
	Returns:    []Return{{Name: "stat", Type: "dict", When: "success", Doc: say.T("exists, and the rest when something is there.", "exists와, 있으면 나머지 값이다.")}},
	Run:        runStat,
}

func runStat(ctx context.Context, c *Call) (*Result, error) {
	f, fail, err := c.observe(ctx, statScript(c.Args))
	if fail != nil || err != nil {
		return fail, err
	}
	at := f.found("at", f["p"])
	if c.Args.Bool("follow") {
		followed := at.followed()
		followed.Path, followed.To, followed.Real = at.Path, "", ""
		at = followed
	}
	if at.Inode == nil {
		if f.has("hidden") {
			return Fail("Permission denied"), nil
		}
		return OK().Set("stat", value.NewDict("exists", false)), nil
	}
	return OK().Set("stat", statValues(c.Args, f, at)), nil
}

func statScript(a Args) string {
	follow := ""
	if a.Bool("follow") {
		follow = "-L "
	}
	var s strings.Builder
	s.WriteString("p=" + quotePath(a.Str("path")) + `
printf 'p=%s\0' "$p"
O at "$p"
if [ -e "$p" ] || [ -h "$p" ]; then
printf 'more='; S ` + follow + `-c '%b|%o|%t|%T|%x|%y|%z' "$p"
printf '\0'
[ ! -r "$p" ] || printf 'r=1\0'
[ ! -w "$p" ] || printf 'w=1\0'
[ ! -x "$p" ] || printf 'x=1\0'
else
d=${p%/*}; if [ "$d" != "$p" ] && [ -d "$d" ] && [ ! -x "$d" ]; then printf 'hidden=1\0'; fi
fi
`)
	regular := "if [ -f \"$p\" ] && [ -r \"$p\" ]"
	if !a.Bool("follow") {
		regular += " && [ ! -h \"$p\" ]"
	}
	if a.Bool("get_checksum") {
		sum := a.Str("checksum_algorithm") + "sum"
		s.WriteString(regular + "; then printf 'sum='; " + sum + " <\"$p\" || [ \"$?\" != 127 ] || N " + sum + "\nprintf '\\0'; fi\n")
	}
	if a.Bool("get_md5") {
		s.WriteString(regular + "; then printf 'md5='; md5sum <\"$p\"; printf '\\0'; fi\n")
	}
	if a.Bool("get_mime") {
		s.WriteString("if command -v file >/dev/null 2>&1; then printf 'mime='; file --mime-type --mime-encoding \"$p\" 2>/dev/null; printf '\\0'; fi\n")
	}
	if a.Bool("get_attributes") {
		s.WriteString("if command -v lsattr >/dev/null 2>&1; then printf 'attr='; lsattr -vd \"$p\" 2>/dev/null; printf '\\0'; fi\n:\n")
	}
	return s.String()
}

// statValues are Ansible's keys for one inode.
func statValues(a Args, f fields, at found) *value.Dict {
	in := at.Inode
	d := value.NewDict("exists", true, "path", at.Path)
	inodeValues(d, *in)
	more := strings.Split(strings.TrimSpace(f["more"]), "|")
	times := append(more[min(4, len(more)):], "", "", "")
	for i, name := range []string{"atime", "mtime", "ctime"} {
		d.Set(name, withFraction([]int64{in.Atime, in.Mtime, in.Ctime}[i], times[i]))
	}
	if len(more) >= 4 {
		blocks, _ := strconv.Atoi(more[0])
		size, _ := strconv.Atoi(more[1])
		major, _ := strconv.ParseUint(more[2], 16, 32)
		minor, _ := strconv.ParseUint(more[3], 16, 32)
		d.Set("blocks", blocks)
		d.Set("block_size", size)
		d.Set("device_type", int(major<<8|minor))
	}
	d.Set("readable", f.has("r"))
	d.Set("writeable", f.has("w"))
	d.Set("executable", f.has("x"))
	if in.isLink() {
		d.Set("lnk_source", at.Real)
		d.Set("lnk_target", at.To)
	}
	if in.Owner != strconv.Itoa(in.UID) {
		d.Set("pw_name", in.Owner)
	}
	if in.Group != strconv.Itoa(in.GID) {
		d.Set("gr_name", in.Group)
	}
	if f.has("md5") {
		d.Set("md5", f.sum("md5"))
	}
	if f.has("sum") {
		d.Set("checksum", f.sum("sum"))
	}
	statExtras(d, a, f)
	return d
}

// inodeValues are the keys that stat and find share.
func inodeValues(d *value.Dict, in inode) {
	d.Set("mode", fmt.Sprintf("%04o", in.Mode&permBits))
	kind := in.Mode & typeMask
	d.Set("isdir", kind == typeDir)
	d.Set("ischr", kind == typeChar)
	d.Set("isblk", kind == typeBlock)
	d.Set("isreg", kind == typeFile)
	d.Set("isfifo", kind == typeFifo)
	d.Set("islnk", kind == typeLink)
	d.Set("issock", kind == typeSocket)
	d.Set("uid", in.UID)
	d.Set("gid", in.GID)
	d.Set("size", int(in.Size))
	d.Set("inode", int(in.Ino))
	d.Set("dev", int(in.Dev))
	d.Set("nlink", in.Links)
	d.Set("atime", float64(in.Atime))
	d.Set("mtime", float64(in.Mtime))
	d.Set("ctime", float64(in.Ctime))
	for i, name := range []string{"xoth", "woth", "roth", "xgrp", "wgrp", "rgrp", "xusr", "wusr", "rusr"} {
		d.Set(name, in.Mode>>i&1 == 1)
	}
	d.Set("isuid", in.Mode&0o4000 != 0)
	d.Set("isgid", in.Mode&0o2000 != 0)
}

// withFraction adds the fraction of a second that a printed time has.
func withFraction(sec int64, printed string) float64 {
	_, after, ok := strings.Cut(printed, ".")
	n := 0
	for n < len(after) && after[n] >= '0' && after[n] <= '9' {
		n++
	}
	if !ok || n == 0 {
		return float64(sec)
	}
	frac, err := strconv.ParseFloat("0."+after[:n], 64)
	if err != nil || math.IsNaN(frac) {
		return float64(sec)
	}
	return float64(sec) + frac
}

func statExtras(d *value.Dict, a Args, f fields) {
	if a.Bool("get_mime") {
		mime, charset := "unknown", "unknown"
		if i := strings.LastIndexByte(f["mime"], ':'); i >= 0 {
			if m, cs, ok := strings.Cut(f["mime"][i+1:], ";"); ok {
				mime = strings.TrimSpace(m)
				_, cs, _ = strings.Cut(cs, "=")
				charset = strings.TrimSpace(cs)
			}
		}
		d.Set("mimetype", mime)
		d.Set("charset", charset)
	}
	if a.Bool("get_attributes") {
		d.Set("version", nil)
		d.Set("attributes", &value.List{})
		d.Set("attr_flags", "")
		if cols := strings.Fields(f["attr"]); len(cols) >= 2 {
			flags := strings.ReplaceAll(cols[1], "-", "")
			d.Set("version", cols[0])
			d.Set("attr_flags", flags)
			d.Set("attributes", attributeNames(flags))
		}
	}
}

// attributeNames are the words for the letters of lsattr.
func attributeNames(flags string) *value.List {
	names := map[rune]string{'A': "noatime", 'a': "append", 'c': "compressed", 'C': "nocow", 'd': "nodump", 'D': "dirsync",
		'e': "extents", 'E': "encrypted", 'h': "blocksize", 'i': "immutable", 'I': "indexed", 'j': "journalled", 'N': "inline",
		's': "zero", 'S': "synchronous", 't': "notail", 'T': "blockroot", 'u': "undelete", 'X': "compressedraw", 'Z': "compresseddirty"}
	l := &value.List{}
	for _, r := range flags {
		if n, ok := names[r]; ok {
			l.Append(n)
		}
	}
	return l
}
