package health

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/jmespath/go-jmespath"

	"sunup/internal/say"
	"sunup/internal/value"
	"sunup/internal/yaml"
)

// request is one HTTP request and what its answer must be.
type request struct {
	name, url, method, send string
	headers, form           []pair
	statuses                []span
	body                    *regexp.Regexp
	json, header            []pair
	below                   time.Duration
	verify, follow          bool
	keep                    []pair // names, and where in the answer their text is
}

func newRequest(o options) request {
	q := request{
		url: o.text("url"), method: strings.ToUpper(o.text("method")), send: o.text("send"), headers: o.texts("headers"), form: o.texts("form"),
		body: o.pattern("body"), json: o.texts("json"), header: o.texts("header"), below: o.length("below", 0),
		verify: o.flag("verify", true), follow: o.flag("follow", true),
	}
	if q.statuses, _ = o.given["status"].([]span); q.statuses == nil {
		q.statuses = []span{{200, 299}}
	}
	if q.method == "" {
		q.method = http.MethodGet
		if q.send != "" || len(q.form) > 0 {
			q.method = http.MethodPost
		}
	}
	return q
}

// stepOptions are what a step takes beside those of a request.
var stepOptions = append([]option{{name: "name", shape: text}, {name: "keep", shape: texts}}, httpOptions...)

// steps reads the requests of a path through a site.
func (r *reader) steps(n *yaml.Node, from From) (any, bool) {
	if n.Kind != yaml.Sequence || len(n.Items) == 0 {
		r.wrong(n, "steps", say.T("a list of requests", "비어 있지 않은 요청 목록"))
		return nil, false
	}
	var out []request
	for _, item := range n.Items {
		if r.open(item) {
			continue
		}
		if item.Kind != yaml.Mapping || isNull(item.Get("url")) {
			r.report(item, say.T("a step must be a mapping with url", "단계에는 url이 있는 사전이 와야 합니다"), say.Text{}, say.T("write '- {url: ..., status: 200}'", "'- {url: ..., status: 200}'처럼 쓰세요"))
			return nil, false
		}
		q, ok := r.step(item, from)
		if !ok {
			return nil, false
		}
		out = append(out, q)
	}
	return out, true
}

func (r *reader) step(n *yaml.Node, from From) (request, bool) {
	o := options{from: from, given: map[string]any{}}
	for _, e := range n.Entries {
		opt := find(stepOptions, key(e))
		if opt == nil {
			r.unknownOption("http steps", e, names(stepOptions))
			return request{}, false
		}
		if isNull(e.Value) || r.open(e.Value) {
			continue
		}
		got, ok := r.read(opt, e.Key, e.Value, from)
		if !ok {
			return request{}, false
		}
		o.given[opt.name] = got
	}
	q := newRequest(o)
	q.name, q.keep = o.text("name"), o.texts("keep")
	return q, true
}

// web asks one request, or several in a row with the same cookies.
func web(o options) (asker, string) {
	requests, isPath := o.given["steps"].([]request)
	label := ""
	if !isPath {
		requests = []request{newRequest(o)}
		label = shownURL(requests[0].url)
	} else if len(requests) > 0 {
		label = fmt.Sprintf("%s (%d)", shownURL(requests[0].url), len(requests))
	}
	from := o.from
	return func(ctx context.Context, t *Target, _ *memory) Answer {
		v := &visit{target: t, from: from, kept: map[string]string{}}
		v.jar, _ = cookiejar.New(nil) // without a list of suffixes it cannot fail
		for i, q := range requests {
			if a := v.ask(ctx, q); !a.Passed {
				if isPath {
					a.Reason = say.T("step %s: %s", "단계 %s: %s", cmp.Or(q.name, strconv.Itoa(i+1)), a.Reason)
				}
				return a
			}
		}
		return good()
	}, label
}

// shownURL is an address without a password in it.
func shownURL(s string) string {
	if u, err := url.Parse(s); err == nil && u.User != nil {
		return u.Redacted()
	}
	return s
}

// visit is one pass through the requests: its cookies and what was kept.
type visit struct {
	target *Target
	from   From
	jar    http.CookieJar
	kept   map[string]string
}

// fill puts what was kept where ${name} stands.
func (v *visit) fill(s string) string {
	for name, text := range v.kept {
		s = strings.ReplaceAll(s, "${"+name+"}", text)
	}
	return s
}

func (v *visit) ask(ctx context.Context, q request) Answer {
	req, err := v.request(ctx, q)
	if err != nil {
		return never("%s", "%s", firstLine(err.Error()))
	}
	trip, done := v.tripper(q)
	defer done()
	client := &http.Client{Transport: trip, Jar: v.jar}
	if !q.follow {
		client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	}
	began := time.Now()
	resp, err := client.Do(req)
	if err != nil {
		var outer *url.Error
		if errors.As(err, &outer) {
			err = outer.Err
		}
		if said := err.Error(); strings.Contains(said, "malformed HTTP") || strings.Contains(said, "readLoopPeekFail") {
			// What spoke before it was asked is told in words of the library's own.
			return bad("the answer is no HTTP", "HTTP 응답이 아닙니다")
		}
		return failed(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxReply))
	took := time.Since(began)
	if err != nil {
		return failed(err)
	}
	if own := resp.Header.Get(timeHeader); own != "" { // as the host's curl measured it
		if s, err := strconv.ParseFloat(own, 64); err == nil {
			took = time.Duration(s * float64(time.Second))
		}
	}
	if a := q.judge(resp, body, took); !a.Passed {
		return a
	}
	return v.remember(q, body)
}

func (v *visit) request(ctx context.Context, q request) (*http.Request, error) {
	at := v.fill(q.url)
	if strings.HasPrefix(at, ":") { // :8080/health is the host itself
		host := "127.0.0.1"
		if v.from == FromController {
			host = v.target.address()
		}
		if strings.Contains(host, ":") {
			host = "[" + host + "]"
		}
		at = "http://" + host + at
	}
	body, kind := v.fill(q.send), ""
	if len(q.form) > 0 {
		f := url.Values{}
		for _, p := range q.form {
			f.Set(p.key, v.fill(p.value))
		}
		body, kind = f.Encode(), "application/x-www-form-urlencoded"
	} else if body != "" && json.Valid([]byte(body)) {
		kind = "application/json"
	}
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, q.method, at, reader)
	if err != nil {
		return nil, err
	}
	if (req.URL.Scheme != "http" && req.URL.Scheme != "https") || req.URL.Host == "" {
		return nil, fmt.Errorf("'%s' is no http address", at)
	}
	req.Header.Set("User-Agent", "sunup")
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	for _, p := range q.headers {
		req.Header.Set(p.key, v.fill(p.value))
		if strings.EqualFold(p.key, "Host") {
			req.Host = v.fill(p.value)
		}
	}
	return req, nil
}

// tripper is how a request gets there.
func (v *visit) tripper(q request) (http.RoundTripper, func()) {
	t := &http.Transport{
		DialContext: func(ctx context.Context, _, addr string) (net.Conn, error) {
			return v.target.dial(ctx, v.from, addr)
		},
		TLSClientConfig:        &tls.Config{InsecureSkipVerify: !q.verify}, //nolint:gosec // only when the probe says so
		DisableKeepAlives:      true,
		MaxResponseHeaderBytes: 1 << 20,
	}
	if v.from == FromController {
		return t, t.CloseIdleConnections
	}
	return &hostTripper{dial: t, curl: curl{v.target, q.verify}}, t.CloseIdleConnections
}

// hostTripper asks through the connection, or with the host's curl where the
// host does not let us.
type hostTripper struct {
	dial *http.Transport
	curl curl
}

func (t *hostTripper) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := t.dial.RoundTrip(r)
	if err == nil || !errors.Is(err, errNoWay) {
		return resp, err
	}
	return t.curl.RoundTrip(r)
}

// curl sends a request with the host's curl.
type curl struct {
	target *Target
	verify bool
}

// timeHeader carries the seconds that curl measured on the host.
const timeHeader = "X-Sunup-Seconds"

func (c curl) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.GetBody != nil {
		b, err := r.GetBody()
		if err != nil {
			return nil, err
		}
		if body, err = io.ReadAll(b); err != nil {
			return nil, err
		}
	}
	data := ""
	if body != nil {
		data = " --data-binary @-"
	}
	// The settings go in by a here-document: an argument could be seen by others.
	script := `command -v curl >/dev/null 2>&1 || exit 99
curl -q -sS -i -K /dev/fd/3` + data + ` -w '\n%{time_total}' 3<<'END-OF-CURL'
` + c.config(r) + `END-OF-CURL
`
	out, err := c.target.run(r.Context(), script, body)
	switch {
	case err != nil:
		return nil, err
	case out.Code == 99:
		return nil, errNoCurl
	case out.Code == 0:
		return readAnswer(r, out.Stdout)
	case out.Code == 6:
		return nil, &net.DNSError{Err: "not found", Name: r.URL.Hostname(), IsNotFound: true}
	}
	return nil, errors.New(cmp.Or(strings.TrimPrefix(firstLine(string(out.Stderr)), "curl: "), "curl ended with "+strconv.Itoa(out.Code)))
}

var errNoCurl = errors.New("needs curl on the host, or from: controller")

// config is the request in the language of curl's configuration.
func (c curl) config(r *http.Request) string {
	var conf strings.Builder
	quote := strings.NewReplacer("\\", "\\\\", "\"", "\\\"", "\n", "\\n", "\r", "\\r", "\t", "\\t")
	set := func(name, v string) { conf.WriteString(name + " = \"" + quote.Replace(v) + "\"\n") }
	set("url", r.URL.String())
	set("request", r.Method)
	if r.Method == http.MethodHead {
		conf.WriteString("head\n")
	}
	for k, vs := range r.Header {
		for _, v := range vs {
			set("header", k+": "+v)
		}
	}
	if r.Host != "" && r.Host != r.URL.Host {
		set("header", "Host: "+r.Host)
	}
	set("header", "Expect:")
	set("max-time", strconv.Itoa(seconds(r.Context())))
	set("noproxy", "*")
	if !c.verify {
		conf.WriteString("insecure\n")
	}
	return conf.String()
}

// readAnswer reads what curl -i printed, with the time at its end. Heads of
// interim answers come first and are passed over.
func readAnswer(r *http.Request, out []byte) (*http.Response, error) {
	cut := bytes.LastIndexByte(out, '\n')
	if cut < 0 {
		return nil, io.ErrUnexpectedEOF
	}
	seconds := strings.TrimSpace(string(out[cut+1:]))
	rest := out[:cut]
	for {
		head, body, ok := cutHead(rest)
		if !ok {
			return nil, errors.New("the answer is no HTTP")
		}
		lines := strings.Split(strings.ReplaceAll(string(head), "\r\n", "\n"), "\n")
		words := strings.SplitN(lines[0], " ", 3)
		if len(words) < 2 {
			return nil, errors.New("the answer is no HTTP")
		}
		code, err := strconv.Atoi(words[1])
		if err != nil {
			return nil, errors.New("the answer is no HTTP")
		}
		if code >= 100 && code < 200 {
			rest = body
			continue
		}
		resp := &http.Response{StatusCode: code, Status: strings.Join(words[1:], " "), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{}, Request: r, Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body))}
		for _, line := range lines[1:] {
			if name, v, ok := strings.Cut(line, ":"); ok {
				resp.Header.Add(strings.TrimSpace(name), strings.TrimSpace(v))
			}
		}
		resp.Header.Set(timeHeader, seconds)
		return resp, nil
	}
}

func cutHead(b []byte) (head, body []byte, ok bool) {
	if !bytes.HasPrefix(b, []byte("HTTP/")) {
		return nil, nil, false
	}
	for _, end := range []string{"\r\n\r\n", "\n\n"} {
		if head, body, ok = bytes.Cut(b, []byte(end)); ok {
			return head, body, true
		}
	}
	return bytes.TrimRight(b, "\r\n"), nil, true
}

// judge compares the answer with what is asked for.
func (q request) judge(resp *http.Response, body []byte, took time.Duration) Answer {
	if !q.hasStatus(resp.StatusCode) {
		return bad("status %d, not %s", "상태 코드가 %[2]s{이/가} 아니라 %[1]d입니다", resp.StatusCode, q.wantStatus())
	}
	for _, p := range q.header {
		if got := strings.Join(resp.Header.Values(p.key), ", "); p.pattern != nil && !p.pattern.MatchString(got) {
			return bad("header %s is '%s', which does not match '%s'", "헤더 %s 값 '%s'{이/가} '%s'{와/과} 맞지 않습니다", p.key, excerpt(got), plain(p.pattern))
		}
	}
	if q.body != nil && !q.body.Match(body) {
		return bad("the answer does not match '%s': %s", "응답이 '%s'{와/과} 맞지 않습니다: %s", plain(q.body), firstLine(string(body)))
	}
	if a := q.judgeJSON(body); !a.Passed {
		return a
	}
	if q.below > 0 && took > q.below {
		return bad("it took %s, more than %s", "응답에 %s 걸려 %s{을/를} 넘었습니다", short(took), short(q.below))
	}
	return good()
}

// plain is a pattern as it was written.
func plain(re *regexp.Regexp) string { return strings.TrimPrefix(re.String(), "(?m)") }

func (q request) hasStatus(code int) bool {
	for _, s := range q.statuses {
		if s.from <= code && code <= s.to {
			return true
		}
	}
	return false
}

func (q request) wantStatus() string {
	var out []string
	for _, s := range q.statuses {
		if s.from == s.to {
			out = append(out, strconv.Itoa(s.from))
			continue
		}
		out = append(out, fmt.Sprintf("%d-%d", s.from, s.to))
	}
	return strings.Join(out, ", ")
}

func (q request) judgeJSON(body []byte) Answer {
	if len(q.json) == 0 {
		return good()
	}
	var data any
	if err := json.Unmarshal(body, &data); err != nil {
		return bad("the answer is no JSON: %s", "응답이 JSON이 아닙니다: %s", firstLine(string(body)))
	}
	for _, p := range q.json {
		got, err := jmespath.Search(p.key, data)
		if err != nil {
			return bad("JSON path %s: %s", "JSON 경로 %s: %s", p.key, err)
		}
		if shown, want := textOf(got), textOf(p.data); shown != want {
			return bad("%s is %s, not %s", "%s 값이 %[3]s{이/가} 아니라 %[2]s입니다", p.key, excerpt(shown), excerpt(want))
		}
	}
	return good()
}

// textOf is a JSON value as one text: numbers of YAML and of JSON compare equal.
func textOf(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case string:
		return v
	case value.Unsafe:
		return string(v)
	case bool:
		return strconv.FormatBool(v)
	case int:
		return strconv.Itoa(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case *value.List, *value.Dict:
		b, err := json.Marshal(v)
		if err != nil {
			return ""
		}
		var plain any
		if json.Unmarshal(b, &plain) != nil {
			return string(b)
		}
		return textOf(plain)
	}
	b, _ := json.Marshal(v)
	return string(b)
}

// validPath reports whether a JSON path can be read.
func validPath(path string) bool {
	_, err := jmespath.Compile(path)
	return err == nil
}

// remember keeps what later steps need: by JSON path, or by a regular
// expression between slashes whose first group it is.
func (v *visit) remember(q request, body []byte) Answer {
	for _, p := range q.keep {
		text, ok := extract(p.value, body)
		if !ok {
			return bad("%s is not in the answer (%s)", "응답에 %s{이/가} 없습니다 (%s)", p.key, p.value)
		}
		v.kept[p.key] = text
	}
	return good()
}

func extract(where string, body []byte) (string, bool) {
	if len(where) > 1 && strings.HasPrefix(where, "/") && strings.HasSuffix(where, "/") {
		re, err := regexp.Compile(where[1 : len(where)-1])
		if err != nil {
			return "", false
		}
		m := re.FindSubmatch(body)
		if m == nil {
			return "", false
		}
		return string(m[min(1, len(m)-1)]), true
	}
	var data any
	if json.Unmarshal(body, &data) != nil {
		return "", false
	}
	got, err := jmespath.Search(where, data)
	if err != nil || got == nil {
		return "", false
	}
	return textOf(got), true
}
