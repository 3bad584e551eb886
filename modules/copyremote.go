package modules

import (
	"context"
	"path"
	"strings"

	"sunup/internal/value"
)

// copyRemote copies within the host.
func copyRemote(ctx context.Context, c *Call) (*Result, error) {
	d := copyDelivery(c)
	src := c.Args.Str("src")
	d.src, d.base, d.checksum = src, path.Base(src), c.Args.Str("checksum")
	d.dirMode = c.Args.Raw("directory_mode")
	if strings.HasSuffix(src, "/") {
		d.base = ""
	}
	f, fail, err := c.observe(ctx, "s="+quotePath(src)+`
printf 's=%s\0' "$s"
O src "${s%/}"
H srcsum "$s"
[ ! -r "$s" ] || printf 'readable=1\0'
if [ -f "$s" ] && m=$(md5sum <"$s" 2>/dev/null); then printf 'md5=%s\0' "${m%% *}"; fi
`+d.script(c))
	if fail != nil || err != nil {
		return fail, err
	}
	source := f.found("src", f["s"])
	switch {
	case !source.exists():
		return Fail("Source %s not found", src), nil
	case !f.has("readable"):
		return Fail("Source %s not readable", src), nil
	case source.isDir():
		return c.copyRemoteTree(ctx, d, f)
	case !f.has("srcsum"):
		return Fail("Cannot copy invalid source '%s': not a file", src), nil
	}
	return c.copyRemoteFile(ctx, d, f, source)
}

func (c *Call) copyRemoteFile(ctx context.Context, d delivery, f fields, source found) (*Result, error) {
	sum := f.sum("srcsum")
	if d.checksum != "" && d.checksum != sum {
		return Fail("Copied file does not match the expected checksum. Transfer failed.").
			Set("checksum", sum).Set("expected_checksum", d.checksum), nil
	}
	d.preserve(source.followed().Inode.Mode & permBits)
	d.content = blob{remote: f["s"], size: source.followed().Inode.Size, sha1: sum}
	d.src, d.header = f["s"], f["s"]
	at, id := f.found("at", f["p"]), d.attrs.identities(f)
	if at.exists() && !d.force {
		r := OK().Set("dest", at.Path).Set("src", d.src)
		r.Msg = "file already exists"
		at.describe(r, id.secontext)
		return r, nil
	}
	r, err := c.deliverTo(ctx, d, f, at, id)
	if r == nil || r.Failed {
		return r, err
	}
	r.Set("src", d.src).Set("checksum", sum)
	if f.has("md5") {
		r.Set("md5sum", f["md5"])
	}
	r.Values.Delete("path")
	if c.Check {
		if d.follow && at.exists() {
			at = at.followed()
		}
		r.Set("dest", at.Path)
		at.describe(r, id.secontext)
	}
	return r, err
}

// remoteTreeScript copies (or with K=1, only compares) the tree $1 to $2 and
// prints what differs. Files are replaced by renaming; a file is the same when
// its bytes are.
const remoteTreeScript = `C() (
for x in "$1"/* "$1"/.[!.]* "$1"/..?*; do
if [ ! -e "$x" ] && [ ! -h "$x" ]; then continue; fi
y=$2/${x##*/}
if [ -h "$x" ] && { [ "$L" = 0 ] || [ ! -e "$x" ]; }; then
t=$(readlink "$x"; echo .)
if [ -h "$y" ] && [ "$(readlink "$y"; echo .)" = "$t" ]; then continue; fi
printf 'differs=%s\0' "$y"
[ "$K" = 1 ] || { rm -f "$y" && cp -P "$x" "$y"; } || E "failed to copy: $x to $y" cp
elif [ -d "$x" ]; then
if [ ! -d "$y" ]; then
printf 'differs=%s\0' "$y"
[ "$K" = 1 ] || mkdir "$y" && [ "$K" = 1 ] || chmod "$(stat -c %a "$x")" "$y" || E "failed to copy: $x to $y" mkdir
fi
C "$x" "$y" || exit 1
elif [ -f "$x" ]; then
if [ -f "$y" ] && cmp -s "$x" "$y"; then continue; fi
printf 'differs=%s\0' "$y"
if [ "$K" != 1 ]; then
T=$2/$U
cp -p "$x" "$T" && mv -f "$T" "$y" || E "failed to copy: $x to $y" cp
T=
fi
fi
done
)
`

func (c *Call) copyRemoteTree(ctx context.Context, d delivery, f fields) (*Result, error) {
	id := d.attrs.identities(f)
	contentsOnly := strings.HasSuffix(d.src, "/")
	w := attrs{owner: d.attrs.owner, group: d.attrs.group}
	var s strings.Builder
	s.WriteString(applyTools + walkTools + remoteTreeScript)
	s.WriteString("U=.sunup-" + randomName() + "\nK=" + flag(c.Check) + "\nL=" + flag(c.Args.Bool("local_follow")) + "\n")
	s.WriteString("s=" + quotePath(d.src) + "\ns=${s%/}\np=" + quotePath(d.dest) + "\np=${p%/}\n")
	if !contentsOnly {
		s.WriteString("p=$p/${s##*/}\n")
	}
	s.WriteString(`printf 'dest=%s\0' "$p"
if [ ! -d "$p" ]; then printf 'differs=%s\0' "$p"; [ "$K" = 1 ] || mkdir -p "$p" || E "could not make $p" mkdir; fi
C "$s" "$p" || exit 1
if [ -d "$p" ]; then O at "$p"; `)
	if w.owner != "" || w.group != "" {
		s.WriteString("W \"$p\"; ")
	}
	s.WriteString("fi\n")
	out, fail, err := c.observe(ctx, s.String())
	if fail != nil || err != nil {
		return fail, err
	}
	at := out.found("at", out["dest"])
	r := ChangedIf(out.has("differs")).Set("dest", strings.TrimSuffix(out["dest"], "/")).Set("src", d.src)
	if c.Diff && r.Changed {
		r.Diffs = append(r.Diffs, valuesDiff(value.NewDict("path", out["dest"]), value.NewDict("path", out["dest"], "state", "copied"), "", ""))
	}
	own, fail, err := c.ownTree(ctx, w, at, out.batches(), id)
	if fail != nil || err != nil {
		return fail, err
	}
	r.Changed = r.Changed || own
	at.describe(r, id.secontext)
	return r, nil
}

func flag(b bool) string {
	if b {
		return "1"
	}
	return "0"
}

// ownTree applies attributes to everything that was listed and the top.
func (c *Call) ownTree(ctx context.Context, w attrs, top found, under []found, id identities) (bool, *Result, error) {
	var s strings.Builder
	s.WriteString(applyTools)
	changed := false
	for _, at := range append([]found{top}, under...) {
		change, fail := w.compare(at, id)
		if fail != nil {
			return false, fail, nil
		}
		if change.needed() {
			changed = true
			s.WriteString(change.script(quoteText(dashless(at.Path))))
		}
	}
	if !changed || c.Check {
		return changed, nil, nil
	}
	_, fail, err := c.observe(ctx, s.String())
	return changed, fail, err
}
