package modules

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"path"
	"path/filepath"
	"strings"
	"time"

	"sunup/internal/connection"
	"sunup/internal/say"
	"sunup/internal/value"
)

var unarchiveModule = Module{
	Name:    "ansible.builtin.unarchive",
	Summary: say.T("Unpacks an archive on the host.", "호스트에 압축 파일을 푼다."),
	Notes: say.T("Files are compared by their content; the times and modes of files that are the same stay as they are.",
		"파일은 내용으로 견준다. 내용이 같은 파일의 시각과 권한은 그대로 둔다."),
	Spec: Spec{File: true, Params: []Param{
		{Name: "src", Type: Path, Required: true, Doc: say.T("The archive; with remote_src, on the host or a URL.", "압축 파일. remote_src이면 호스트의 파일이나 URL.")},
		{Name: "dest", Type: Path, Required: true, Doc: say.T("Directory to unpack into.", "풀 디렉터리.")},
		{Name: "remote_src", Type: Bool, Default: false, Doc: say.T("src is on the host.", "src가 호스트에 있다.")},
		{Name: "copy", Type: Bool, Default: true, Doc: say.T("The opposite of remote_src, of old.", "remote_src의 반대(옛 이름).")},
		{Name: "creates", Type: Path, Doc: say.T("Do nothing when this file exists.", "이 파일이 있으면 하지 않는다.")},
		{Name: "list_files", Type: Bool, Default: false, Doc: say.T("Return the names in the archive.", "압축 파일 안의 이름을 돌려준다.")},
		{Name: "keep_newer", Type: Bool, Default: false, Doc: say.T("Keep files that are newer.", "더 새로운 파일은 남긴다.")},
		{Name: "exclude", Type: List, Elements: Str, Default: value.NewList(), Doc: say.T("What not to unpack.", "풀지 않을 것.")},
		{Name: "include", Type: List, Elements: Str, Default: value.NewList(), Doc: say.T("What to unpack.", "풀 것.")},
		{Name: "extra_opts", Type: List, Elements: Str, Default: value.NewList(), Doc: say.T("Further options of tar or unzip.", "tar나 unzip의 추가 옵션.")},
		{Name: "validate_certs", Type: Bool, Default: true, Doc: say.T("Check certificates of a URL.", "URL의 인증서를 확인한다.")},
		{Name: "io_buffer_size", Type: Int, Default: 65536, Doc: say.T("Not used.", "쓰지 않는다.")},
		{Name: "decrypt", Type: Bool, Default: true, Doc: say.T("Decrypt a vaulted archive.", "암호화된 압축 파일을 푼다.")},
	}, MutuallyExclusive: [][]string{{"include", "exclude"}}},
	Idempotent: true,
	Returns: []Return{
		{Name: "dest", Type: "str", When: "always", Doc: say.T("The directory.", "푼 디렉터리.")},
		{Name: "src", Type: "str", When: "always", Doc: say.T("The archive.", "압축 파일.")},
		{Name: "handler", Type: "str", When: "always", Doc: say.T("Kind of archive.", "압축 파일의 종류.")},
		{Name: "files", Type: "list", When: "list_files", Doc: say.T("Names in the archive.", "압축 파일 안의 이름.")},
	},
	Run: runUnarchive,
}

// archiveKind is how a kind of archive is known and unpacked.
type archiveKind struct {
	handler, magic string
	offset         int
	option         string // of tar; empty for zip
}

var archiveKinds = []archiveKind{
	{"ZipArchive", "PK\x03\x04", 0, ""},
	{"ZipArchive", "PK\x05\x06", 0, ""},
	{"TgzArchive", "\x1f\x8b", 0, "-z"},
	{"TarBzipArchive", "BZh", 0, "-j"},
	{"TarXzArchive", "\xfd7zXZ\x00", 0, "-J"},
	{"TarZstdArchive", "\x28\xb5\x2f\xfd", 0, "--zstd"},
	{"TarArchive", "ustar", 257, " "},
}

func kindOfArchive(head []byte) (archiveKind, bool) {
	for _, k := range archiveKinds {
		if len(head) >= k.offset && bytes.HasPrefix(head[k.offset:], []byte(k.magic)) {
			return k, true
		}
	}
	return archiveKind{}, false
}

// unpacking is one run of unarchive.
type unpacking struct {
	*Call
	attrs  attrs
	id     identities
	remote bool
	dest   string
	src    string // on the host
	kind   archiveKind
}

func runUnarchive(ctx context.Context, c *Call) (*Result, error) {
	a := c.Args
	u := &unpacking{Call: c, attrs: attrsOf(a), remote: a.Bool("remote_src"), src: a.Str("src")}
	if a.Given("copy") {
		if a.Given("remote_src") {
			return Fail("parameters are mutually exclusive: ('copy', 'remote_src')"), nil
		}
		u.remote = !a.Bool("copy")
	}
	f, fail, err := c.observe(ctx, u.script())
	if fail != nil || err != nil {
		return fail, err
	}
	u.dest, u.id = f["p"], u.attrs.identities(f)
	switch {
	case f.has("creates"):
		return &Result{Skipped: true, Msg: "skipped, since " + a.Str("creates") + " exists"}, nil
	case !f.has("dir"):
		return Fail("dest '%s' must be an existing dir", u.dest), nil
	}
	head, remove, fail, err := u.fetchSource(ctx, f)
	if fail != nil || err != nil {
		return fail, err
	}
	kind, ok := kindOfArchive(head)
	if !ok {
		return Fail("Failed to find handler for \"%s\". It is none of zip, tar, tar.gz, tar.bz2, tar.xz and tar.zst.", a.Str("src")), nil
	}
	u.kind = kind
	return u.unpack(ctx, remove)
}

func (u *unpacking) script() string {
	a := u.Args
	s := "p=" + quotePath(a.Str("dest")) + "\nprintf 'p=%s\\0' \"$p\"\nif [ -d \"$p\" ]; then printf 'dir=1\\0'; fi\n" + u.attrs.lookup()
	if a.Given("creates") {
		s += "if [ -e " + quotePath(a.Str("creates")) + " ]; then printf 'creates=1\\0'; fi\n"
	}
	if u.remote && !strings.Contains(u.src, "://") {
		s += "s=" + quotePath(u.src) + `
printf 's=%s\0' "$s"
if [ -e "$s" ]; then printf 'exists=1\0'; fi
if [ -f "$s" ] && [ -r "$s" ]; then printf 'head='; head -c 512 "$s" | base64; printf '\0'; fi
`
	}
	return s
}

// fetchSource makes the archive be on the host, and returns how it begins and
// whether it is ours to remove.
func (u *unpacking) fetchSource(ctx context.Context, f fields) (head []byte, remove bool, fail *Result, err error) {
	switch {
	case u.remote && strings.Contains(u.src, "://"):
		content, fail, err := u.fetchURL(ctx)
		if fail != nil || err != nil {
			return nil, false, fail, err
		}
		return u.put(ctx, content)
	case u.remote && !f.has("exists"):
		return nil, false, Fail("Source '%s' does not exist", u.src), nil
	case u.remote && !f.has("head"):
		return nil, false, Fail("Source '%s' not readable", u.src), nil
	case u.remote:
		u.src = f["s"]
		head, err := f.content("head")
		if err == nil && len(head) == 0 {
			fail = Fail("Invalid archive '%s', the file is 0 bytes", u.src)
		}
		return head, false, fail, err
	}
	file, err := u.Controller.Find("files", u.src)
	if err != nil {
		return nil, false, Fail("%s", err), nil
	}
	content, _, err := openSource(u.Call, file, u.Args.Bool("decrypt"))
	if err != nil {
		return nil, false, Fail("could not find src=%s, %v", filepath.Base(file), err), nil
	}
	return u.put(ctx, content)
}

func (u *unpacking) fetchURL(ctx context.Context) (blob, *Result, error) {
	q := webRequest{method: "GET", url: u.src, header: map[string][]string{"User-Agent": {"ansible-httpget"}}, follow: "all",
		timeout: 30 * time.Second, verify: u.Args.Bool("validate_certs")}
	answer, err := u.send(ctx, q)
	if err != nil {
		return blob{}, nil, err
	}
	body, err := answer.read()
	if err != nil || answer.status != 200 {
		msg := answer.message()
		if err != nil {
			msg = err.Error()
		}
		return blob{}, Fail("Failure downloading %s, %s", u.src, msg), nil
	}
	return bytesBlob(body), nil, nil
}

// put sends the archive to the host's temporary directory.
func (u *unpacking) put(ctx context.Context, content blob) ([]byte, bool, *Result, error) {
	r, err := content.reader()
	if err != nil {
		return nil, false, nil, fmt.Errorf("open the archive: %w", err)
	}
	defer r.Close()
	head := make([]byte, 512)
	n, err := io.ReadFull(r, head)
	if n == 0 {
		return nil, false, Fail("Invalid archive '%s', the file is 0 bytes", u.src), nil
	}
	if err != nil && err != io.ErrUnexpectedEOF {
		return nil, false, nil, fmt.Errorf("read the archive: %w", err)
	}
	temp := "/tmp/.sunup-" + randomName()
	err = u.Conn.Put(ctx, temp, io.MultiReader(bytes.NewReader(head[:n]), r), content.size, 0o600)
	switch {
	case err == nil:
		u.src = temp
		return head[:n], true, nil, nil
	case connection.IsUnreachable(err) || ctx.Err() != nil:
		return nil, false, nil, err
	}
	return nil, false, Fail("Source '%s' failed to transfer: %v", u.Args.Str("src"), err), nil
}

// command is the line that unpacks $s into $x.
func (u *unpacking) command() string {
	a := u.Args
	var opts, names, not []string
	for _, o := range a.Strings("extra_opts") {
		opts = append(opts, quoteText(o))
	}
	for _, n := range a.Strings("include") {
		names = append(names, quoteText(n))
	}
	for _, n := range a.Strings("exclude") {
		not = append(not, strings.TrimSuffix(n, "/"))
	}
	if u.kind.option == "" {
		line := "unzip -o -q " + strings.Join(opts, " ") + " \"$s\" " + strings.Join(names, " ")
		for i, n := range not {
			if i == 0 {
				line += " -x"
			}
			line += " " + quoteText(n)
		}
		return line + " -d \"$x\""
	}
	whole := "tar -x " + u.kind.option + " -f \"$s\" -C \"$x\" " + strings.Join(append(opts, names...), " ")
	if len(not) == 0 {
		return whole
	}
	var without, unwanted []string
	for _, n := range not {
		without = append(without, quoteText("--exclude="+n))
		unwanted = append(unwanted, quoteText(n))
	}
	// Some tars of BusyBox know no --exclude. They unpack everything, and what is
	// not wanted is removed before anything is moved into place; as with --exclude
	// a pattern may match at any depth.
	return "if tar --help 2>&1 | grep -q -e --exclude; then " + whole + " " + strings.Join(without, " ") +
		"; else " + whole + " && for n in " + strings.Join(unwanted, " ") +
		`; do find "$x" -mindepth 1 \( -path "$x/$n" -o -path "$x/*/$n" \) -prune -exec rm -rf {} \; || exit 1; done; fi`
}

// unpack unpacks beside, and moves what differs into place: a host that is lost
// in between has whole files.
func (u *unpacking) unpack(ctx context.Context, remove bool) (*Result, error) {
	tool := "tar"
	if u.kind.option == "" {
		tool = "unzip"
	}
	var s strings.Builder
	s.WriteString(applyTools + walkTools + strings.Replace(remoteTreeScript, "if [ -f \"$y\" ] && cmp", "if [ \"$Q\" = 1 ] && [ \"$y\" -nt \"$x\" ]; then continue; fi\nif [ -f \"$y\" ] && cmp", 1))
	fmt.Fprintf(&s, "U=.sunup-%s\nK=%s\nL=0\nQ=%s\ns=%s\np=%s\n", randomName(), flag(u.Check), flag(u.Args.Bool("keep_newer")), quoteText(dashless(u.src)), quoteText(dashless(strings.TrimRight(u.dest, "/"))))
	s.WriteString("x=$p/.sunup-" + randomName() + "\n")
	if u.Check {
		s.WriteString("x=${TMPDIR:-/tmp}/.sunup-" + randomName() + "\n")
	}
	s.WriteString("D() { rm -rf \"$x\"; ")
	if remove {
		s.WriteString("rm -f \"$s\"; ")
	}
	s.WriteString("}\n(umask 077; mkdir \"$x\") || { D; E 'cannot make a directory' mkdir; }\n")
	s.WriteString("o=$(" + u.command() + " 2>&1)\nr=$?\nif [ \"$r\" = 127 ]; then D; N " + tool + "; fi\nprintf 'rc=%s\\0out=%s\\0' \"$r\" \"$o\"\n")
	s.WriteString("if [ \"$r\" != 0 ]; then D; exit 0; fi\nprintf 'x=%s\\0' \"$x\"\nW \"$x\"\nC \"$x\" \"$p\" || { D; exit 1; }\nD\nO dest \"$p\"\n")
	f, fail, err := u.observe(ctx, s.String())
	if fail != nil || err != nil {
		return fail, err
	}
	r := ChangedIf(f.has("differs")).Set("handler", u.kind.handler).Set("dest", u.dest).Set("src", u.Args.Str("src"))
	if f.text("rc") != "0" {
		r.Failed, r.Changed = true, false
		r.Msg = fmt.Sprintf("failed to unpack %s to %s", u.Args.Str("src"), u.dest)
		return r.Set("extract_results", value.NewDict("rc", f.number("rc"), "out", "", "err", f["out"])), nil
	}
	if r.Changed && !u.Check {
		r.Set("extract_results", value.NewDict("rc", 0, "out", f["out"], "err", ""))
	}
	return u.settle(ctx, r, f)
}

// settle sets the attributes of everything that came from the archive.
func (u *unpacking) settle(ctx context.Context, r *Result, f fields) (*Result, error) {
	names := &value.List{}
	var placed []found
	var s strings.Builder
	s.WriteString(walkTools)
	for _, at := range f.batches() {
		rel := strings.TrimPrefix(at.Path, f["x"]+"/")
		name := rel
		if at.Inode != nil && at.Inode.isDir() {
			name += "/"
		}
		names.Append(name)
		s.WriteString("B " + quoteText(dashless(path.Join(u.dest, rel))) + "\n")
	}
	if u.Args.Bool("list_files") {
		r.Set("files", names)
	}
	at := f.found("dest", u.dest)
	at.describe(r, u.id.secontext)
	w := u.attrs
	if u.Check || names.Len() == 0 || (w.owner == "" && w.group == "" && w.mode == nil && !w.hasAttr && !w.hasSE) {
		return r, nil
	}
	g, fail, err := u.observe(ctx, s.String())
	if fail != nil || err != nil {
		return fail, err
	}
	placed = g.batches()
	changed, fail, err := u.ownTree(ctx, w, found{Path: u.dest}, placed, u.id)
	if fail != nil || err != nil {
		return fail, err
	}
	r.Changed = r.Changed || changed
	return r, nil
}
