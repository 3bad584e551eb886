package modules

import (
	"context"
	"crypto/md5"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"net/url"
	"os"
	"path"
	"strings"
	"time"

	"sunup/internal/connection"
	"sunup/internal/say"
)

var getURLModule = Module{
	Name:    "ansible.builtin.get_url",
	Summary: say.T("Downloads a file to the host.", "호스트로 파일을 내려받는다."),
	Notes:   uriModule.Notes,
	Spec: Spec{File: true, Params: append(urlParams(), []Param{
		{Name: "dest", Type: Path, Required: true, Doc: say.T("The file, or its directory.", "저장할 파일이나 디렉터리.")},
		{Name: "backup", Type: Bool, Default: false, Doc: say.T("Keep the old file under a name with the time.", "이전 파일을 시각이 붙은 이름으로 남긴다.")},
		{Name: "checksum", Default: "", Doc: say.T("algorithm:digest, or algorithm:URL of a checksum file.", "알고리즘:값, 또는 알고리즘:체크섬 파일의 URL.")},
		{Name: "tmp_dest", Type: Path, Doc: say.T("Directory for the unfinished file.", "받는 동안 쓸 디렉터리.")},
	}...)},
	Idempotent: true,
	Returns: []Return{
		{Name: "dest", Type: "str", When: "success", Doc: say.T("The file.", "저장된 파일.")},
		{Name: "url", Type: "str", When: "always", Doc: say.T("The URL.", "주소(URL)이다.")},
		{Name: "status_code", Type: "int", When: "always", Doc: say.T("Status of the answer.", "답의 상태 코드.")},
		{Name: "checksum_src", Type: "str", When: "success", Doc: say.T("SHA-1 of what was downloaded.", "받은 파일의 SHA-1 값.")},
		{Name: "checksum_dest", Type: "str", When: "success", Doc: say.T("SHA-1 of the file before.", "이전 파일의 SHA-1 값.")},
		{Name: "md5sum", Type: "str", When: "success", Doc: say.T("MD5 of the file.", "파일의 MD5 값.")},
		{Name: "backup_file", Type: "str", When: "changed and if backup=yes", Doc: say.T("The name of the backup.", "백업의 이름.")},
		{Name: "elapsed", Type: "int", When: "always", Doc: say.T("Seconds that it took.", "걸린 초.")},
	},
	Run: runGetURL,
}

// download is one run of get_url.
type download struct {
	*Call
	q         webRequest
	attrs     attrs
	id        identities
	dest      found // as the task says it
	at        found // the file itself
	f         fields
	algorithm string
	digest    string
	seconds   int
}

func runGetURL(ctx context.Context, c *Call) (*Result, error) {
	a := c.Args
	d := &download{Call: c, attrs: attrsOf(a)}
	algorithm, digest, ok := strings.Cut(a.Str("checksum"), ":")
	if a.Str("checksum") != "" {
		if !ok {
			return d.fail("The checksum parameter has to be in format <algorithm>:<checksum>"), nil
		}
		if newHash(algorithm) == nil {
			return d.fail("there is no checksum algorithm %s; use md5, sha1, sha224, sha256, sha384 or sha512", algorithm), nil
		}
		d.algorithm, d.digest = algorithm, digest
	}
	f, fail, err := c.observe(ctx, d.script())
	if fail != nil || err != nil {
		return fail, err
	}
	d.f, d.id, d.dest = f, d.attrs.identities(f), f.found("at", f["p"])
	d.at = d.dest
	env, err := readWebEnv(a, f)
	if err != nil {
		return d.fail("%s", err), nil
	}
	if d.q, err = webRequestOf(a, env); err != nil {
		return d.fail("Request failed: <urlopen error %s>", err), nil
	}
	if r := d.refuse(); r != nil {
		return r, nil
	}
	if fail, err := d.resolveDigest(ctx); fail != nil || err != nil {
		return fail, err
	}
	return d.run(ctx)
}

func (d *download) script() string {
	s := webScript(d.Args) + "p=" + quotePath(d.Args.Str("dest")) + `
case $p in */) printf 'slash=1\0'; p=${p%/};; esac
` + parentScript + "O at \"$p\"\nH sum \"$p\"\n" + d.attrs.lookup()
	if d.algorithm != "" {
		s += "if [ -f \"$p\" ]; then printf 'digest='; " + d.algorithm + "sum <\"$p\" || [ \"$?\" != 127 ] || N " + d.algorithm + "sum\nprintf '\\0'; fi\n"
	}
	if d.Args.Given("tmp_dest") {
		s += "t=" + quotePath(d.Args.Str("tmp_dest")) + "\nif [ -d \"$t\" ]; then printf 'tmp=dir\\0'; elif [ -e \"$t\" ]; then printf 'tmp=file\\0'; fi\n"
	}
	return s
}

// fail is a failure with the values that every result of get_url has.
func (d *download) fail(format string, args ...any) *Result {
	return Fail(format, args...).Set("url", d.Args.Str("url")).Set("dest", d.Args.Str("dest")).Set("elapsed", d.seconds)
}

func (d *download) refuse() *Result {
	if !d.Args.Given("tmp_dest") || d.f["tmp"] == "dir" {
		return nil
	}
	if d.f["tmp"] == "file" {
		return d.fail("%s is a file but should be a directory.", d.Args.Str("tmp_dest"))
	}
	return d.fail("%s directory does not exist.", d.Args.Str("tmp_dest"))
}

// resolveDigest reads the digest from a checksum file when it is a URL.
func (d *download) resolveDigest(ctx context.Context) (*Result, error) {
	if d.digest == "" {
		return nil, nil
	}
	if u, err := url.Parse(d.digest); err == nil && (u.Scheme == "http" || u.Scheme == "https" || u.Scheme == "file") {
		q := d.q
		q.url = d.digest
		answer, err := d.send(ctx, q)
		if err != nil {
			return nil, err
		}
		if answer.status != 200 {
			return d.requestFailed(answer), nil
		}
		body, err := answer.read()
		if err != nil {
			return d.fail("%s", err), nil
		}
		name := urlFile(d.q.url)
		digest, ok := findDigest(string(body), name)
		if !ok {
			return Fail("Unable to find a checksum for file '%s' in '%s'", name, d.digest), nil
		}
		d.digest = digest
	}
	d.digest = strings.ToLower(strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return -1
	}, d.digest))
	if d.digest == "" || strings.Trim(d.digest, "0123456789abcdef") != "" {
		return d.fail("The checksum format is invalid"), nil
	}
	return nil, nil
}

// findDigest looks for the digest of a file in the text of a checksum file; a
// text that is one word is the digest itself.
func findDigest(text, name string) (string, bool) {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	if len(lines) == 1 && len(strings.Fields(lines[0])) == 1 {
		return lines[0], true
	}
	for _, l := range lines {
		digest, file, ok := strings.Cut(strings.TrimRight(l, "\r"), " ")
		if !ok {
			continue
		}
		if strings.HasPrefix(file, " ") || strings.HasPrefix(file, "*") {
			file = file[1:]
		}
		if strings.TrimLeft(file, "./") == name {
			return digest, true
		}
	}
	return "", false
}

// urlFile is the last part of a URL's path.
func urlFile(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || path.Base(u.Path) == "/" || path.Base(u.Path) == "." || strings.HasSuffix(u.Path, "/") {
		return "index.html"
	}
	return path.Base(u.Path)
}

func (d *download) requestFailed(a webAnswer) *Result {
	if a.body != nil {
		a.body.Close()
	}
	d.seconds = int(a.elapsed / time.Second)
	if a.status == -1 {
		return d.fail("%s", a.message())
	}
	return d.fail("Request failed").Set("status_code", a.status).Set("response", a.message())
}

func (d *download) run(ctx context.Context) (*Result, error) {
	isDir := d.dest.isDir()
	force := d.Args.Bool("force")
	if !isDir && d.dest.exists() {
		if d.digest != "" && !force && d.f.sum("digest") == d.digest {
			return d.keep(ctx)
		}
		if !force && d.digest == "" {
			d.q.header.Set("If-Modified-Since", time.Unix(d.dest.followed().Inode.Mtime, 0).UTC().Format(http.TimeFormat))
		}
	}
	if d.Check {
		d.q.method = http.MethodHead
	}
	answer, err := d.send(ctx, d.q)
	if err != nil {
		return nil, err
	}
	d.seconds = int(answer.elapsed / time.Second)
	switch {
	case answer.status == 304:
		answer.body.Close()
		r := OK().Set("url", d.Args.Str("url")).Set("dest", d.dest.Path).Set("status_code", 304).Set("elapsed", d.seconds)
		r.Msg = answer.message()
		d.dest.describe(r, d.id.secontext)
		return r, nil
	case answer.status != 200:
		return d.requestFailed(answer), nil
	}
	defer answer.body.Close()
	if isDir {
		name := attachmentName(answer.header)
		if name == "" {
			name = urlFile(answer.url)
		}
		if fail, err := d.inDirectory(ctx, name); fail != nil || err != nil {
			return fail, err
		}
	}
	return d.save(ctx, answer)
}

// inDirectory looks at the file that the answer named.
func (d *download) inDirectory(ctx context.Context, name string) (*Result, error) {
	p := path.Join(d.dest.Path, name)
	f, fail, err := d.observe(ctx, "p="+quoteText(dashless(p))+"\n"+parentScript+"O at \"$p\"\nH sum \"$p\"\n"+d.attrs.lookup())
	if fail != nil || err != nil {
		return fail, err
	}
	d.f, d.at = f, f.found("at", p)
	return nil, nil
}

// keep sets the attributes of a file that is the one wanted.
func (d *download) keep(ctx context.Context) (*Result, error) {
	change, fail := d.attrs.compare(d.at, d.id)
	if fail != nil {
		return fail, nil
	}
	at := d.at
	if change.needed() && !d.Check {
		var err error
		if at, fail, err = d.changeAttrs(ctx, at, change); fail != nil || err != nil {
			return fail, err
		}
	}
	r := ChangedIf(change.needed()).Set("dest", d.at.Path).Set("url", d.Args.Str("url")).Set("elapsed", 0).
		Set("checksum_src", nil).Set("checksum_dest", nil)
	if r.Msg = "file already exists"; r.Changed {
		r.Msg += " but file attributes changed"
	}
	at.describe(r, d.id.secontext)
	return r, nil
}

// received is a body on its way to the host, with what it is known by.
type received struct {
	content blob
	digest  string // in the algorithm of the task
	done    func()
}

func (d *download) save(ctx context.Context, answer webAnswer) (*Result, error) {
	at := d.at
	if at.isLink() && at.exists() {
		at = at.followed()
	}
	switch {
	case at.Inode == nil && !d.f.has("dir"):
		return d.fail("Destination %s does not exist", path.Dir(at.Path)), nil
	case !d.f.has("writable") && d.f.has("dir") && !at.exists():
		return d.fail("Destination %s is not writable", path.Dir(at.Path)), nil
	}
	r := (&Result{Msg: answer.message()}).Set("url", d.Args.Str("url")).Set("dest", at.Path).Set("elapsed", d.seconds).Set("status_code", answer.statusCode())
	old := d.f.sum("sum")
	r.Set("checksum_dest", nil)
	if at.exists() {
		r.Set("checksum_dest", old)
	}
	if d.Check {
		r.Changed = true
		at.describe(r, d.id.secontext)
		return r, nil
	}
	got, fail, err := d.receive(answer)
	if fail != nil || err != nil {
		return fail, err
	}
	defer got.done()
	r.Set("checksum_src", got.content.sha1).Set("size", int(got.content.size))
	if d.digest != "" && got.digest != "" && got.digest != d.digest {
		return d.fail("The checksum for %s did not match %s; it was %s.", at.Path, d.digest, got.digest).
			Set("dest", at.Path).Set("checksum_src", got.content.sha1), nil
	}
	if got.content.md5 != "" {
		r.Set("md5sum", got.content.md5)
	}
	return d.place(ctx, r, at, old, got)
}

// place puts what was received in its place, unless it is there already.
func (d *download) place(ctx context.Context, r *Result, at found, old string, got received) (*Result, error) {
	if at.exists() && old == got.content.sha1 {
		change, fail := d.attrs.compare(at, d.id)
		if fail != nil {
			return fail, nil
		}
		if r.Changed = change.needed(); r.Changed {
			var err error
			if at, fail, err = d.changeAttrs(ctx, at, change); fail != nil || err != nil {
				return fail, err
			}
		}
		at.describe(r, d.id.secontext)
		return r, nil
	}
	done, _, fail, err := d.write(ctx, rewrite{at: at, content: got.content, attrs: d.attrs, id: d.id, backup: d.Args.Bool("backup"), unsafe: d.Args.Bool("unsafe_writes")})
	if fail != nil || err != nil {
		return fail, err
	}
	r.Changed = true
	if done.backupFile != "" {
		r.Set("backup_file", done.backupFile)
	}
	done.at.describe(r, d.id.secontext)
	return r, nil
}

// receive takes the body: one that the host holds already stays there, others
// go through a file of the controller.
func (d *download) receive(answer webAnswer) (received, *Result, error) {
	if b := onHost(answer.body); b != nil && (d.algorithm == "" || d.algorithm == "sha1") {
		got := received{content: blob{remote: b.file(), size: b.size, sha1: b.sum}, done: func() {}}
		if d.algorithm == "sha1" {
			got.digest = b.sum
		}
		return got, nil, nil
	}
	temp, err := os.CreateTemp("", "sunup-download-")
	if err != nil {
		return received{}, nil, fmt.Errorf("make a temporary file: %w", err)
	}
	done := func() {
		temp.Close()
		os.Remove(temp.Name())
	}
	s, m := sha1.New(), md5.New()
	to := io.MultiWriter(temp, s, m)
	var own hash.Hash
	if d.algorithm != "" {
		own = newHash(d.algorithm)
		to = io.MultiWriter(to, own)
	}
	n, err := io.Copy(to, answer.body)
	if err != nil {
		done()
		if connection.IsUnreachable(err) {
			return received{}, nil, err
		}
		if errors.Is(err, io.ErrUnexpectedEOF) {
			err = errors.New("the connection ended before the whole file had come")
		}
		return received{}, d.fail("failed to create temporary content file: %s", plainError(err)), nil
	}
	got := received{done: done, content: blob{size: n, sha1: hex.EncodeToString(s.Sum(nil)), md5: hex.EncodeToString(m.Sum(nil)),
		open: func() (io.ReadCloser, error) { return os.Open(temp.Name()) }}}
	if own != nil {
		got.digest = hex.EncodeToString(own.Sum(nil))
	}
	if n <= maxInline {
		b, err := os.ReadFile(temp.Name())
		if err != nil {
			done()
			return received{}, nil, fmt.Errorf("read back the download: %w", err)
		}
		got.content = bytesBlob(b)
	}
	return got, nil, nil
}

// onHost finds a body that is a file of the host, nil when it is not.
func onHost(body io.ReadCloser) *hostBody {
	if c, ok := body.(*closing); ok {
		body = c.ReadCloser
	}
	b, _ := body.(*hostBody)
	return b
}
