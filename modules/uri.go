package modules

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"mime"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"os"
	"path"
	"sort"
	"strings"
	"time"

	"sunup/internal/connection"
	"sunup/internal/say"
	"sunup/internal/value"
)

var uriModule = Module{
	Name:    "ansible.builtin.uri",
	Summary: say.T("Speaks to a web service from the host.", "호스트에서 웹 서비스와 통신한다."),
	Notes: say.T("Without Python on the host, requests go through the connection or the host's curl. Digest, Kerberos and ciphers are not supported.",
		"호스트에 파이썬이 없어도 되도록, 요청은 연결 자체나 호스트의 curl로 보낸다. Digest, 커버로스, ciphers는 지원하지 않는다."),
	Check: CheckNone,
	Spec: Spec{File: true, Params: append(withDefault(urlParams(), "timeout", 30), []Param{
		{Name: "dest", Type: Path, Doc: say.T("File on the host for the answer.", "답을 저장할 호스트의 파일.")},
		{Name: "body", Type: Raw, Doc: say.T("What to send.", "보낼 본문.")},
		{Name: "body_format", Default: "raw", Choices: []any{"form-urlencoded", "json", "raw", "form-multipart"}, Doc: say.T("How the body is written.", "본문의 형식.")},
		{Name: "src", Type: Path, Doc: say.T("File to send.", "보낼 파일.")},
		{Name: "method", Default: "GET", Doc: say.T("The method.", "메서드.")},
		{Name: "return_content", Type: Bool, Default: false, Doc: say.T("Return the answer as content.", "답을 content로 돌려준다.")},
		{Name: "follow_redirects", Default: "safe", Choices: []any{"all", "no", "none", "safe", "urllib2", "yes"}, Doc: say.T("Which redirects to follow.", "따라갈 넘겨주기.")},
		{Name: "creates", Type: Path, Doc: say.T("Do nothing when this file exists.", "이 파일이 있으면 하지 않는다.")},
		{Name: "removes", Type: Path, Doc: say.T("Do nothing when this file does not exist.", "이 파일이 없으면 하지 않는다.")},
		{Name: "status_code", Type: List, Elements: Int, Default: value.NewList(200), Doc: say.T("Statuses that are a success.", "성공으로 볼 상태 코드.")},
		{Name: "unix_socket", Type: Path, Doc: say.T("Socket on the host to speak through.", "통신할 호스트의 유닉스 소켓.")},
		{Name: "remote_src", Type: Bool, Default: false, Doc: say.T("src is on the host.", "src가 호스트에 있다.")},
		{Name: "ca_path", Type: Path, Doc: say.T("Authorities to trust, on the host.", "믿을 인증 기관(호스트의 파일).")},
	}...), MutuallyExclusive: [][]string{{"body", "src"}}},
	Returns: []Return{
		{Name: "status", Type: "int", When: "always", Doc: say.T("Status of the answer; -1 when there was none.", "답의 상태 코드. 답이 없으면 -1.")},
		{Name: "url", Type: "str", When: "always", Doc: say.T("The last URL.", "마지막 URL.")},
		{Name: "redirected", Type: "bool", When: "always", Doc: say.T("Whether a redirect was followed.", "넘겨졌는지.")},
		{Name: "content", Type: "str", When: "return_content", Doc: say.T("The answer.", "답의 내용.")},
		{Name: "json", Type: "raw", When: "the answer is JSON", Doc: say.T("The answer, read.", "읽은 답.")},
		{Name: "cookies", Type: "dict", When: "success", Doc: say.T("Cookies that were set.", "설정된 쿠키.")},
		{Name: "cookies_string", Type: "str", When: "success", Doc: say.T("The cookies as a header.", "헤더 형식의 쿠키.")},
		{Name: "elapsed", Type: "int", When: "always", Doc: say.T("Seconds that it took.", "걸린 초.")},
		{Name: "path", Type: "str", When: "dest is given", Doc: say.T("The file that was written.", "쓴 파일.")},
	},
	Run: runURI,
}

// withDefault changes the default of one parameter.
func withDefault(params []Param, name string, v any) []Param {
	for i := range params {
		if params[i].Name == name {
			params[i].Default = v
		}
	}
	return params
}

func runURI(ctx context.Context, c *Call) (*Result, error) {
	a := c.Args
	method := strings.ToUpper(a.Str("method"))
	if method == "" || strings.Trim(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		return Fail("Parameter 'method' needs to be a single word in uppercase, like GET or POST."), nil
	}
	f, fail, err := c.observe(ctx, uriScript(a))
	if fail != nil || err != nil {
		return fail, err
	}
	if r := uriSkipped(a, f); r != nil {
		return r, nil
	}
	env, err := readWebEnv(a, f)
	if err != nil {
		return Fail("%s", err), nil
	}
	if a.Given("ca_path") {
		if env.roots, err = f.content("ca"); err != nil || len(env.roots) == 0 {
			return Fail("cannot read ca_path %s on the host", a.Str("ca_path")), nil
		}
		env.useHostCert = true
	}
	q, err := webRequestOf(a, env)
	if err != nil {
		return Fail("Status code was -1 and not %s: Request failed: <urlopen error %s>", value.Repr(value.NewList(a.List("status_code")...)), err).
			Set("status", -1).Set("url", a.Str("url")).Set("redirected", false).Set("elapsed", 0), nil
	}
	q.method, q.socket = method, a.Str("unix_socket")
	q.follow = map[string]string{"all": "all", "yes": "all", "no": "none", "none": "none"}[a.Str("follow_redirects")]
	if fail, err := c.uriBody(ctx, &q); fail != nil || err != nil {
		return fail, err
	}
	dest := f.found("dest", f["dest"])
	if in := dest.followed().Inode; in != nil && in.isFile() && !a.Bool("force") {
		q.header.Set("If-Modified-Since", time.Unix(in.Mtime, 0).UTC().Format(http.TimeFormat))
	}
	answer, err := c.send(ctx, q)
	if err != nil {
		return nil, err
	}
	return c.uriResult(ctx, q, answer, f, dest)
}

func uriScript(a Args) string {
	var s strings.Builder
	s.WriteString(webScript(a))
	for _, name := range []string{"creates", "removes"} {
		if a.Given(name) {
			s.WriteString("if [ -e " + quotePath(a.Str(name)) + " ]; then printf '" + name + "=1\\0'; fi\n")
		}
	}
	if a.Given("ca_path") {
		s.WriteString("f=" + quotePath(a.Str("ca_path")) + `
if [ -d "$f" ]; then printf 'ca='; cat "$f"/*.pem "$f"/*.crt 2>/dev/null | base64; printf '\0'
elif [ -r "$f" ]; then printf 'ca='; base64 <"$f"; printf '\0'; fi
`)
	}
	if a.Given("dest") {
		s.WriteString("p=" + quotePath(a.Str("dest")) + "\nprintf 'dest=%s\\0' \"$p\"\nO dest \"${p%/}\"\n" + attrsOf(a).lookup())
	}
	return s.String()
}

func uriSkipped(a Args, f fields) *Result {
	switch {
	case a.Given("creates") && f.has("creates"):
		return OK().Set("stdout", "skipped, since '"+a.Str("creates")+"' exists")
	case a.Given("removes") && !f.has("removes"):
		return OK().Set("stdout", "skipped, since '"+a.Str("removes")+"' does not exist")
	}
	return nil
}

// uriBody writes the body of the request.
func (c *Call) uriBody(ctx context.Context, q *webRequest) (*Result, error) {
	a := c.Args
	if src := a.Str("src"); src != "" {
		return c.uriSource(ctx, q, src)
	}
	kind := ""
	body := a.Raw("body")
	switch a.Str("body_format") {
	case "json":
		kind = "application/json"
		text, isText := plainText(body)
		if !isText {
			var err error
			if text, err = value.EncodeJSON(body, value.JSONOptions{ASCII: true}); err != nil {
				return Fail("cannot write the body as JSON: %v", err), nil
			}
		}
		q.body = []byte(text)
	case "form-urlencoded":
		kind = "application/x-www-form-urlencoded"
		text, err := formEncoded(body)
		if err != nil {
			return Fail("failed to parse body as form_urlencoded: %s", err).Set("elapsed", 0), nil
		}
		q.body = []byte(text)
	case "form-multipart":
		var err error
		if kind, q.body, err = c.multipartBody(ctx, body); err != nil {
			if connection.IsUnreachable(err) {
				return nil, err
			}
			return Fail("failed to parse body as form-multipart: %s", err), nil
		}
		q.header.Set("Content-Type", kind)
	default:
		if body == nil {
			return nil, nil
		}
		text, isText := plainText(body)
		if !isText {
			text = value.Str(body)
		}
		q.body = []byte(text)
		// Python's library adds this one of its own.
		kind = "application/x-www-form-urlencoded"
	}
	if kind != "" && q.header.Get("Content-Type") == "" {
		q.header.Set("Content-Type", kind)
	}
	return nil, nil
}

func plainText(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case value.Unsafe:
		return string(v), true
	}
	return "", false
}

func (c *Call) uriSource(ctx context.Context, q *webRequest, src string) (*Result, error) {
	if c.Args.Bool("remote_src") {
		_, b, fail, err := c.readFile(ctx, src, maxContent)
		if fail != nil {
			fail = Fail("Unable to open source file %s", src).Set("elapsed", 0)
		}
		q.body = b
		return fail, err
	}
	file, err := c.Controller.Find("files", src)
	if err != nil {
		return Fail("%s", err), nil
	}
	if q.body, err = c.Controller.Read(file); err != nil {
		return Fail("Unable to open source file %s", src).Set("elapsed", 0), nil
	}
	return nil, nil
}

// formEncoded writes a dict, or a list of pairs, as a form.
func formEncoded(body any) (string, error) {
	if text, ok := plainText(body); ok {
		return text, nil
	}
	var pairs [][2]any
	switch b := body.(type) {
	case *value.Dict:
		for k, v := range b.All() {
			pairs = append(pairs, [2]any{k, v})
		}
	case *value.List:
		for _, e := range b.Items {
			pair, ok := e.(*value.List)
			if !ok || pair.Len() != 2 {
				return "", fmt.Errorf("each item must be a pair")
			}
			pairs = append(pairs, [2]any{pair.Items[0], pair.Items[1]})
		}
	case nil:
		return "", nil
	default:
		return "", fmt.Errorf("cannot form-urlencode body, expect list or dict")
	}
	var parts []string
	for _, p := range pairs {
		values := []any{p[1]}
		if l, ok := p[1].(*value.List); ok {
			values = l.Items
		}
		for _, v := range values {
			if v != nil {
				parts = append(parts, url.QueryEscape(value.Str(p[0]))+"="+url.QueryEscape(value.Str(v)))
			}
		}
	}
	return strings.Join(parts, "&"), nil
}

// multipartBody writes fields and files as a form with parts.
func (c *Call) multipartBody(ctx context.Context, body any) (string, []byte, error) {
	d, ok := body.(*value.Dict)
	if !ok {
		return "", nil, fmt.Errorf("body must be mapping, cannot be type %s", value.TypeName(body))
	}
	var out bytes.Buffer
	w := multipart.NewWriter(&out)
	for k, v := range d.All() {
		if err := c.addPart(ctx, w, value.Str(k), v); err != nil {
			return "", nil, err
		}
	}
	if err := w.Close(); err != nil {
		return "", nil, err
	}
	return w.FormDataContentType(), out.Bytes(), nil
}

func (c *Call) addPart(ctx context.Context, w *multipart.Writer, name string, v any) error {
	p, ok := v.(*value.Dict)
	if !ok {
		return w.WriteField(name, value.Str(v))
	}
	filename, kind := value.Str(orBlank(p.At("filename"))), value.Str(orBlank(p.At("mime_type")))
	content := []byte(value.Str(orBlank(p.At("content"))))
	if filename == "" && len(content) == 0 {
		return fmt.Errorf("at least one of filename or content must be provided")
	}
	if filename != "" && len(content) == 0 {
		var err error
		if content, err = c.partContent(ctx, filename); err != nil {
			return err
		}
	}
	if kind == "" {
		if kind = mime.TypeByExtension(path.Ext(filename)); kind == "" {
			kind = "application/octet-stream"
		}
	}
	disposition := map[string]string{"name": name}
	if filename != "" {
		disposition["filename"] = path.Base(filename)
	}
	h := textproto.MIMEHeader{}
	h.Set("Content-Disposition", mime.FormatMediaType("form-data", disposition))
	h.Set("Content-Type", kind)
	part, err := w.CreatePart(h)
	if err != nil {
		return err
	}
	_, err = part.Write(content)
	return err
}

func orBlank(v any) any {
	if v == nil {
		return ""
	}
	return v
}

func (c *Call) partContent(ctx context.Context, filename string) ([]byte, error) {
	if c.Args.Bool("remote_src") {
		_, b, fail, err := c.readFile(ctx, filename, maxContent)
		if fail != nil {
			return nil, fmt.Errorf("%s", fail.Msg)
		}
		return b, err
	}
	file, err := c.Controller.Find("files", filename)
	if err != nil {
		return nil, err
	}
	return os.ReadFile(file)
}

// uriResult makes the return values of an answer, and writes it to dest.
func (c *Call) uriResult(ctx context.Context, q webRequest, answer webAnswer, f fields, dest found) (*Result, error) {
	a := c.Args
	r := OK()
	good := false
	for _, s := range a.List("status_code") {
		good = good || s == answer.status
	}
	body, readErr := answer.read()
	if readErr != nil {
		if connection.IsUnreachable(readErr) {
			return nil, readErr
		}
		answer.err, answer.status, good = readErr, -1, false
	}
	headerValues(r, answer.header)
	cookieValues(r, answer.header)
	r.Set("url", answer.url).Set("status", answer.status).Set("redirected", answer.redirected).Set("elapsed", int(answer.elapsed/time.Second))
	if l := answer.header.Get("Location"); l != "" {
		r.Set("location", absoluteLocation(answer.url, l))
	}
	text, parsed := answerText(answer, body)
	if parsed != nil {
		r.Set("json", parsed.v)
	}
	if a.Bool("return_content") {
		r.Set("content", text)
	}
	r.Msg = answer.message()
	if !good {
		r.Failed = true
		r.Msg = fmt.Sprintf("Status code was %d and not %s: %s", answer.status, value.Repr(value.NewList(a.List("status_code")...)), r.Msg)
		return r, nil
	}
	if a.Given("dest") && answer.status != 304 {
		return c.uriSave(ctx, r, answer, body, f, dest)
	}
	if a.Given("dest") {
		r.Set("path", dest.Path)
	}
	return r, nil
}

// uriSave writes the answer to a file of the host.
func (c *Call) uriSave(ctx context.Context, r *Result, answer webAnswer, body []byte, f fields, dest found) (*Result, error) {
	a := c.Args
	at := dest
	if dest.isDir() {
		name := attachmentName(answer.header)
		if name == "" {
			name = "index.html"
		}
		at = found{Path: path.Join(dest.Path, name)}
	}
	w := attrsOf(a)
	done, _, fail, err := c.write(ctx, rewrite{at: at.followed(), content: bytesBlob(body), attrs: w, id: w.identities(f), unsafe: a.Bool("unsafe_writes")})
	if fail != nil || err != nil {
		return fail, err
	}
	r.Changed = true
	r.Set("path", at.Path)
	done.at.describe(r, "")
	return r, nil
}

// attachmentName is the name that an answer gives its file, without any
// directory.
func attachmentName(h http.Header) string {
	_, params, err := mime.ParseMediaType(h.Get("Content-Disposition"))
	if err != nil {
		return ""
	}
	name := path.Base(path.Clean("/" + strings.ReplaceAll(params["filename"], "\\", "/")))
	if name == "/" || name == "." {
		return ""
	}
	return name
}

// headerValues sets each header as a value of its own.
func headerValues(r *Result, h http.Header) {
	names := make([]string, 0, len(h))
	for k := range h {
		names = append(names, k)
	}
	sort.Strings(names)
	for _, k := range names {
		r.Set(strings.ToLower(strings.ReplaceAll(k, "-", "_")), strings.Join(h[k], ", "))
	}
}

func cookieValues(r *Result, h http.Header) {
	cookies := &value.Dict{}
	var texts []string
	for _, ck := range (&http.Response{Header: h}).Cookies() {
		cookies.Set(ck.Name, ck.Value)
		texts = append(texts, ck.Name+"="+ck.Value)
	}
	r.Set("cookies", cookies).Set("cookies_string", strings.Join(texts, "; "))
}

func absoluteLocation(at, location string) string {
	base, err := url.Parse(at)
	if err != nil {
		return location
	}
	to, err := base.Parse(location)
	if err != nil {
		return location
	}
	return to.String()
}

// parsedJSON is read JSON, which may be null.
type parsedJSON struct{ v any }

// answerText decodes a body by its charset, and reads JSON.
func answerText(a webAnswer, body []byte) (string, *parsedJSON) {
	kind, params, err := mime.ParseMediaType(a.header.Get("Content-Type"))
	if err != nil {
		kind, params = "application/octet-stream", nil
	}
	out := text(body)
	if cs := params["charset"]; cs != "" {
		if s, err := decodeText(body, cs); err == nil {
			out = s
		}
	}
	_, sub, _ := strings.Cut(kind, "/")
	if _, suffix, ok := strings.Cut(sub, "+"); ok {
		sub = suffix
	}
	if sub != "json" && sub != "javascript" || !json.Valid([]byte(out)) {
		return out, nil
	}
	v, err := value.ParseJSON([]byte(out))
	if err != nil {
		return out, nil
	}
	return out, &parsedJSON{v}
}
