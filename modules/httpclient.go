package modules

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"net/url"
	"strconv"
	"strings"
	"time"

	"sunup/internal/cipher"
	"sunup/internal/connection"
	"sunup/internal/say"
	"sunup/internal/value"
)

// urlParams are the arguments that the modules which speak HTTP share.
func urlParams() []Param {
	return []Param{
		{Name: "url", Required: true, Doc: say.T("The URL.", "주소(URL)이다.")},
		{Name: "url_username", Aliases: []string{"user", "username"}, Doc: say.T("User for HTTP authentication.", "HTTP 인증의 사용자.")},
		{Name: "url_password", Aliases: []string{"password"}, Secret: true, Doc: say.T("Password for HTTP authentication.", "HTTP 인증의 비밀번호.")},
		{Name: "force", Aliases: []string{"thirsty"}, Type: Bool, Default: false, Doc: say.T("Do not accept a cached copy.", "캐시된 것을 받지 않는다.")},
		{Name: "force_basic_auth", Type: Bool, Default: false, Doc: say.T("Send the password before it is asked for.", "묻기 전에 비밀번호를 보낸다.")},
		{Name: "http_agent", Default: "ansible-httpget", Doc: say.T("Who we say that we are.", "User-Agent 값.")},
		{Name: "use_proxy", Type: Bool, Default: true, Doc: say.T("Use the proxy of the host's environment.", "호스트 환경의 프록시를 쓴다.")},
		{Name: "validate_certs", Type: Bool, Default: true, Doc: say.T("Check certificates.", "인증서를 확인한다.")},
		{Name: "client_cert", Type: Path, Doc: say.T("Certificate to show, on the host.", "보여 줄 인증서(호스트의 파일).")},
		{Name: "client_key", Type: Path, Doc: say.T("Key of the certificate, on the host.", "인증서의 키(호스트의 파일).")},
		{Name: "use_gssapi", Type: Bool, Default: false, Doc: say.T("Kerberos; not supported.", "커버로스. 지원하지 않는다.")},
		{Name: "timeout", Type: Int, Default: 10, Doc: say.T("Seconds to wait.", "기다릴 초.")},
		{Name: "headers", Type: Dict, Default: &value.Dict{}, Doc: say.T("Further headers.", "더할 헤더.")},
		{Name: "unredirected_headers", Type: List, Elements: Str, Default: value.NewList(), Doc: say.T("Headers that are not sent on after a redirect.", "넘겨진 뒤에는 보내지 않을 헤더.")},
		{Name: "decompress", Type: Bool, Default: true, Doc: say.T("Unpack a gzip body.", "gzip 본문을 푼다.")},
		{Name: "ciphers", Type: List, Elements: Str, Doc: say.T("Cipher suites, by OpenSSL's names.", "암호 방식. OpenSSL의 이름으로 쓴다.")},
		{Name: "use_netrc", Type: Bool, Default: true, Doc: say.T("Take the password from ~/.netrc of the host.", "호스트의 ~/.netrc에서 비밀번호를 얻는다.")},
	}
}

const (
	maxRedirects = 10
	// maxHTTPBody is the largest answer that is held in memory.
	maxHTTPBody = maxContent
)

// webRequest is one request with everything about how it is made.
type webRequest struct {
	method, url string
	header      http.Header
	noForward   []string // headers that end at a redirect
	body        []byte
	user        string
	password    string
	basicFirst  bool
	follow      string // all, safe, none
	timeout     time.Duration
	verify      bool
	decompress  bool
	socket      string // unix socket on the host
	ciphers     []string
	suites      []uint16 // of ciphers
	env         webEnv
}

// webEnv is what the host says about the way to the net.
type webEnv struct {
	proxy       *webProxy // nil: none is used
	cert, key   []byte
	roots       []byte
	netrc       string
	useHostCert bool
}

// webAnswer is the last response of a request.
type webAnswer struct {
	status     int  // 200 for a file that is there
	file       bool // a file of the host, which has no status of its own
	reason     string
	url        string
	redirected bool
	header     http.Header
	body       io.ReadCloser
	elapsed    time.Duration
	// err says why there is no response; status is then -1.
	err error
}

// webScript observes what requests from this host depend on.
func webScript(a Args) string {
	s := `for v in http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY; do eval "printf '%s=%s\\0' \"\$v\" \"\${$v-}\""; done
`
	file := func(name, word string) string {
		return "f=" + word + "\nif [ -r \"$f\" ] && [ -f \"$f\" ]; then printf '" + name + "='; head -c 1048576 \"$f\" | base64; printf '\\0'; fi\n"
	}
	for _, name := range []string{"client_cert", "client_key"} {
		if a.Given(name) {
			s += file(name, quotePath(a.Str(name)))
		}
	}
	if a.Bool("use_netrc") && !a.Given("url_username") {
		s += file("netrc", `"${HOME-}/.netrc"`)
	}
	return s
}

func readWebEnv(a Args, f fields) (webEnv, error) {
	first := func(names ...string) string {
		for _, n := range names {
			if f[n] != "" {
				return f[n]
			}
		}
		return ""
	}
	var e webEnv
	if a.Bool("use_proxy") {
		e.proxy = &webProxy{first("http_proxy", "HTTP_PROXY"), first("https_proxy", "HTTPS_PROXY"), first("no_proxy", "NO_PROXY")}
	}
	for name, into := range map[string]*[]byte{"client_cert": &e.cert, "client_key": &e.key} {
		if !f.has(name) {
			if a.Given(name) {
				return e, fmt.Errorf("cannot read the %s %s on the host", strings.ReplaceAll(name, "_", " "), a.Str(name))
			}
			continue
		}
		b, err := f.content(name)
		if err != nil {
			return e, err
		}
		*into = b
	}
	if len(e.key) == 0 {
		e.key = e.cert
	}
	netrc, err := f.content("netrc")
	e.netrc = string(netrc)
	return e, err
}

// webRequestOf reads the shared arguments.
func webRequestOf(a Args, env webEnv) (webRequest, error) {
	q := webRequest{method: "GET", url: a.Str("url"), header: http.Header{}, noForward: a.Strings("unredirected_headers"),
		user: a.Str("url_username"), password: a.Str("url_password"), basicFirst: a.Bool("force_basic_auth"),
		follow: "urllib2", timeout: time.Duration(a.Int("timeout")) * time.Second, verify: a.Bool("validate_certs"), decompress: a.Bool("decompress"), env: env}
	switch {
	case a.Bool("use_gssapi"):
		return q, errors.New("use_gssapi is not supported; use a password or a client certificate")
	case len(a.List("ciphers")) > 0:
		var err error
		q.ciphers = a.Strings("ciphers")
		if q.suites, err = cipher.Suites(q.ciphers); err != nil {
			return q, err
		}
	}
	u, err := url.Parse(q.url)
	if err == nil && u.Scheme == "file" && u.Path != "" {
		return q, nil
	}
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return q, fmt.Errorf("unknown url type: %s", q.url)
	}
	if u.User != nil {
		if q.user == "" {
			q.user = u.User.Username()
			q.password, _ = u.User.Password()
		}
		u.User = nil
		q.url = u.String()
	}
	if q.user == "" {
		q.user, q.password = netrcLogin(env.netrc, u.Hostname())
		q.basicFirst = q.basicFirst || q.user != ""
	}
	q.header.Set("User-Agent", a.Str("http_agent"))
	if q.decompress {
		q.header.Set("Accept-Encoding", "gzip")
	} else {
		q.header.Set("Accept-Encoding", "identity")
	}
	if a.Bool("force") {
		q.header.Set("Cache-Control", "no-cache")
	}
	for k, v := range a.Dict("headers").All() {
		q.header.Set(value.Str(k), value.Str(v))
	}
	return q, nil
}

// netrcLogin finds the login of a machine in a .netrc file.
func netrcLogin(netrc, host string) (user, password string) {
	words := strings.Fields(netrc)
	mine := false
	for i := 0; i+1 < len(words); i++ {
		switch words[i] {
		case "machine":
			if user != "" && mine {
				return user, password
			}
			mine = words[i+1] == host
			i++
		case "default":
			if user != "" && mine {
				return user, password
			}
			mine = true
		case "login":
			if mine {
				user = words[i+1]
			}
			i++
		case "password":
			if mine {
				password = words[i+1]
			}
			i++
		}
	}
	return user, password
}

// send makes the request from the host's place in the network: through a
// connection that it opens for us, or by its own curl. The error is not nil
// only when the host was lost.
func (c *Call) send(ctx context.Context, q webRequest) (webAnswer, error) {
	if strings.HasPrefix(q.url, "file:") {
		return c.openHostFile(ctx, q)
	}
	started := time.Now()
	ctx, cancel := context.WithCancel(ctx)
	trip, done := c.tripper(q)
	defer done()
	a, err := q.walk(ctx, trip)
	var unknown x509.UnknownAuthorityError
	if errors.As(a.err, &unknown) && q.verify && !q.env.useHostCert {
		// The host may trust an authority that the controller does not know.
		if roots := c.hostRoots(ctx); len(roots) > 0 {
			q.env.roots, q.env.useHostCert = roots, true
			again, doneAgain := c.tripper(q)
			defer doneAgain()
			a, err = q.walk(ctx, again)
		}
	}
	a.elapsed = time.Since(started)
	if a.body == nil {
		cancel()
		return a, err
	}
	a.body = &closing{a.body, cancel}
	return a, err
}

// closing ends a request's context together with its body.
type closing struct {
	io.ReadCloser
	cancel context.CancelFunc
}

func (c *closing) Close() error {
	err := c.ReadCloser.Close()
	c.cancel()
	return err
}

const rootsScript = `for f in /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/cert.pem /etc/ssl/ca-bundle.pem; do
if [ -r "$f" ]; then printf 'roots='; base64 <"$f"; printf '\0'; break; fi
done
`

func (c *Call) hostRoots(ctx context.Context) []byte {
	f, fail, err := c.observe(ctx, rootsScript)
	if fail != nil || err != nil {
		return nil
	}
	b, err := f.content("roots")
	if err != nil {
		return nil
	}
	return b
}

// tripper is how requests get to the net. Answers are read before done is
// called only when they are small; a body that is still open keeps its own
// connection.
func (c *Call) tripper(q webRequest) (http.RoundTripper, func()) {
	byCurl := &curlTripper{call: c, q: q}
	d, ok := c.Conn.(connection.Dialer)
	if !ok {
		return byCurl, func() {}
	}
	t := &http.Transport{
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			if q.socket != "" {
				network, addr = "unix", q.socket
			}
			ctx, cancel := context.WithTimeout(ctx, q.patience())
			defer cancel()
			conn, err := d.Dial(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			return &impatient{Conn: conn, limit: q.patience()}, nil
		},
		TLSClientConfig:        q.tls(),
		DisableCompression:     true,
		DisableKeepAlives:      true,
		TLSHandshakeTimeout:    q.patience(),
		ResponseHeaderTimeout:  q.patience(),
		MaxResponseHeaderBytes: 1 << 20,
	}
	if q.env.proxy != nil {
		t.Proxy = func(r *http.Request) (*url.URL, error) { return q.env.proxy.of(r.URL) }
	}
	return &dialTripper{t, byCurl}, t.CloseIdleConnections
}

// dialTripper falls back to the host's curl when the host does not let us open
// connections.
type dialTripper struct {
	dial *http.Transport
	curl *curlTripper
}

func (t *dialTripper) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := t.dial.RoundTrip(r)
	if err == nil || !errors.Is(err, connection.ErrNoDial) {
		return resp, err
	}
	again := r.Clone(r.Context())
	if r.GetBody != nil {
		if again.Body, err = r.GetBody(); err != nil {
			return nil, err
		}
	}
	return t.curl.RoundTrip(again)
}

// patience is how long the other side may be silent; the whole may take longer,
// as with Python.
func (q webRequest) patience() time.Duration { return max(q.timeout, time.Second) }

// impatient is a connection that ends when nothing comes for too long.
// Deadlines are not used: connections through SSH have none.
type impatient struct {
	net.Conn
	limit time.Duration
}

func (c *impatient) Read(p []byte) (int, error) {
	timer := time.AfterFunc(c.limit, func() { c.Conn.Close() })
	n, err := c.Conn.Read(p)
	if !timer.Stop() && err != nil {
		err = context.DeadlineExceeded
	}
	return n, err
}

func (q webRequest) tls() *tls.Config {
	conf := &tls.Config{InsecureSkipVerify: !q.verify, CipherSuites: q.suites} //nolint:gosec // only when the task says so
	if len(q.env.cert) > 0 {
		if pair, err := tls.X509KeyPair(q.env.cert, q.env.key); err == nil {
			conf.Certificates = []tls.Certificate{pair}
		}
	}
	if len(q.env.roots) > 0 {
		conf.RootCAs = x509.NewCertPool()
		conf.RootCAs.AppendCertsFromPEM(q.env.roots)
	}
	return conf
}

// walk follows redirects and answers a challenge.
func (q webRequest) walk(ctx context.Context, trip http.RoundTripper) (webAnswer, error) {
	first, method, body, header := q.url, q.method, q.body, q.header.Clone()
	at, asked := q.url, q.basicFirst
	kept := false // the password is not sent on
	origin := hostOf(at)
	for hops := 0; ; hops++ {
		req, err := http.NewRequestWithContext(ctx, method, at, bytes.NewReader(body))
		if err != nil {
			return webAnswer{status: -1, url: at, err: err}, nil
		}
		req.ContentLength = int64(len(body))
		if body == nil {
			req.Body, req.GetBody = nil, nil
		}
		req.Header = header.Clone()
		if h := header.Get("Host"); h != "" {
			req.Host = h
		}
		if q.user != "" && asked && !kept && hostOf(at) == origin {
			req.SetBasicAuth(q.user, q.password)
		}
		resp, err := trip.RoundTrip(req)
		if err != nil {
			if connection.IsUnreachable(err) {
				return webAnswer{}, err
			}
			return webAnswer{status: -1, url: at, redirected: at != first, err: err}, nil
		}
		if resp.StatusCode == 401 && q.user != "" && !asked && !kept {
			resp.Body.Close()
			asked = true
			continue
		}
		next := q.redirect(resp, method)
		if next == "" {
			return q.answer(resp, at, first), nil
		}
		resp.Body.Close()
		if hops == maxRedirects {
			return webAnswer{status: -1, url: at, err: errors.New("the server redirects without end")}, nil
		}
		method, body = afterRedirect(resp.StatusCode, method, body, header)
		for _, h := range q.noForward {
			header.Del(h)
			kept = kept || strings.EqualFold(h, "Authorization")
		}
		if hostOf(next) != hostOf(at) {
			header.Del("Authorization")
			header.Del("Cookie")
			header.Del("Host")
		}
		at = next
	}
}

func hostOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

// redirect is where a response leads, "" when it is the last one.
func (q webRequest) redirect(resp *http.Response, method string) string {
	switch resp.StatusCode {
	case 301, 302, 303, 307, 308:
	default:
		return ""
	}
	safe := method == http.MethodGet || method == http.MethodHead
	if q.follow == "none" || (q.follow != "all" && !safe) {
		return ""
	}
	to, err := resp.Location()
	if err != nil || (to.Scheme != "http" && to.Scheme != "https") {
		return ""
	}
	return to.String()
}

// afterRedirect is the method and body of the next request: all but 307 and 308
// turn into a GET without a body, as in browsers and Python.
func afterRedirect(status int, method string, body []byte, header http.Header) (string, []byte) {
	if status == 307 || status == 308 {
		return method, body
	}
	for _, h := range []string{"Content-Type", "Content-Length", "Transfer-Encoding"} {
		header.Del(h)
	}
	switch {
	case method == http.MethodHead:
	case status == 302, status == 303, status == 301 && method == http.MethodPost:
		method = http.MethodGet
	}
	return method, nil
}

func (q webRequest) answer(resp *http.Response, at, first string) webAnswer {
	a := webAnswer{status: resp.StatusCode, url: at, redirected: at != first, header: resp.Header, body: resp.Body,
		reason: strings.TrimSpace(strings.TrimPrefix(resp.Status, strconv.Itoa(resp.StatusCode)))}
	if q.decompress && strings.EqualFold(resp.Header.Get("Content-Encoding"), "gzip") && q.method != http.MethodHead {
		if z, err := gzip.NewReader(resp.Body); err == nil {
			a.body = &unzipped{z, resp.Body}
		}
	}
	return a
}

// unzipped is a gzip body that closes what it reads from.
type unzipped struct {
	*gzip.Reader
	under io.Closer
}

func (u *unzipped) Close() error { return u.under.Close() }

// message is Ansible's msg for an answer.
func (a webAnswer) message() string {
	switch {
	case a.err != nil:
		return "Request failed: " + plainError(a.err)
	case a.status == 304 || a.status >= 400 || a.status < 200 || (a.status >= 300 && a.header.Get("Location") != ""):
		return fmt.Sprintf("HTTP Error %d: %s", a.status, a.reason)
	}
	size := a.header.Get("Content-Length")
	if size == "" {
		size = "unknown"
	}
	return "OK (" + size + " bytes)"
}

// plainError drops what a request error repeats about the request.
func plainError(err error) string {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return "timed out"
	}
	if why := certificateFault(err); why != "" {
		return "<urlopen error [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: " + why + ">"
	}
	return err.Error()
}

// certificateFault says what Python says of a certificate that is refused, "" of
// any other error.
func certificateFault(err error) string {
	var host x509.HostnameError
	var unknown x509.UnknownAuthorityError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &host):
		return fmt.Sprintf("Hostname mismatch, certificate is not valid for '%s'.", host.Host)
	case errors.As(err, &unknown):
		if c := unknown.Cert; c != nil && c.CheckSignatureFrom(c) == nil || c != nil && c.Issuer.String() == c.Subject.String() {
			return "self-signed certificate"
		}
		return "unable to get local issuer certificate"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "certificate has expired"
	}
	return ""
}

// read takes the whole body; a connection that ends early is an error.
func (a webAnswer) read() ([]byte, error) {
	if a.body == nil {
		return nil, nil
	}
	defer a.body.Close()
	b, err := io.ReadAll(io.LimitReader(a.body, maxHTTPBody+1))
	if err != nil {
		return nil, fmt.Errorf("read the answer of %s: %w", a.url, err)
	}
	if len(b) > maxHTTPBody {
		return nil, fmt.Errorf("the answer of %s is larger than %s", a.url, printSize(maxHTTPBody))
	}
	return b, nil
}

// curlTripper makes requests by the curl of the host: for connections that
// cannot open others. Everything of the request travels by a config on a file
// descriptor, never by the command line, where others could read it.
type curlTripper struct {
	call *Call
	q    webRequest
}

func (t *curlTripper) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		body = b
	}
	cmd := connection.Command{Script: observeTools + t.script(r, body)}
	if body != nil {
		cmd.Stdin = bytes.NewReader(body)
	}
	out, err := t.call.exec(r.Context(), cmd)
	if err != nil {
		return nil, err
	}
	f := readFields(out.Stdout)
	if f.has("need") {
		return nil, fmt.Errorf("needs `%s` on %s", f["need"], t.call.hostName())
	}
	if rc := f.text("rc"); rc != "0" {
		return nil, curlError(rc, f.text("error"))
	}
	return t.response(r, f)
}

// curlLimit is the size above which a body stays in a file of the host until it
// is read.
const curlLimit = 1 << 20

func (t *curlTripper) script(r *http.Request, body []byte) string {
	conf := t.config(r, body)
	data := ""
	if body != nil {
		data = " --data-binary @-"
	}
	dir := ".sunup-" + randomName()
	return `t=${TMPDIR:-/tmp}/` + dir + `
(umask 077; mkdir "$t") || exit 1
printf 'dir=%s\0' "$t"
trap 'rm -rf "$t"' HUP TERM INT
curl -q -sS -K /dev/fd/3 -D "$t/head" -o "$t/body"` + data + ` 2>"$t/error" 3<<'END-OF-CURL'
` + conf + `END-OF-CURL
r=$?
if [ "$r" = 127 ]; then rm -rf "$t"; N curl; fi
printf 'rc=%s\0error=' "$r"; cat "$t/error"
printf '\0head='; base64 <"$t/head"; printf '\0'
[ -e "$t/body" ] || : >"$t/body"
n=$(wc -c <"$t/body"); printf 'size=%s\0' "$n"
if [ "$n" -le ` + strconv.Itoa(curlLimit) + ` ]; then printf 'body='; base64 <"$t/body"; printf '\0'; rm -rf "$t"
else H sum "$t/body"; fi
[ "$r" = 0 ] || rm -rf "$t"
`
}

// config is the request in the language of curl's configuration.
func (t *curlTripper) config(r *http.Request, body []byte) string {
	var conf strings.Builder
	set := func(name, v string) {
		conf.WriteString(name + " = \"" + strings.NewReplacer("\\", "\\\\", "\"", "\\\"", "\n", "\\n", "\r", "\\r", "\t", "\\t").Replace(v) + "\"\n")
	}
	set("url", r.URL.String())
	set("request", r.Method)
	if r.Method == http.MethodHead {
		conf.WriteString("head\n")
	}
	for k, vs := range r.Header {
		for _, v := range vs {
			if v == "" {
				set("header", k+";")
			} else {
				set("header", k+": "+v)
			}
		}
	}
	if r.Host != "" && r.Host != r.URL.Host {
		set("header", "Host: "+r.Host)
	}
	set("header", "Expect:")
	patience := strconv.Itoa(int(t.q.patience() / time.Second))
	set("connect-timeout", patience)
	set("speed-time", patience)
	set("speed-limit", "1")
	if len(t.q.ciphers) > 0 {
		set("ciphers", strings.Join(t.q.ciphers, ":"))
	}
	if !t.q.verify {
		conf.WriteString("insecure\n")
	}
	if t.q.env.proxy == nil {
		set("noproxy", "*")
	}
	if t.q.socket != "" {
		set("unix-socket", t.q.socket)
	}
	if a := t.call.Args; a.Given("client_cert") {
		set("cert", a.Str("client_cert"))
		if a.Given("client_key") {
			set("key", a.Str("client_key"))
		}
	}
	if body != nil && len(r.Header["Content-Type"]) == 0 {
		set("header", "Content-Type:")
	}
	return conf.String()
}

// curlError is what Python would say about a failed connection, where curl's
// codes tell.
func curlError(rc, text string) error {
	switch rc {
	case "6":
		return errors.New("<urlopen error [Errno -2] Name or service not known>")
	case "7":
		return errors.New("<urlopen error [Errno 111] Connection refused>")
	case "28":
		return context.DeadlineExceeded
	}
	if text == "" {
		text = "curl ended with " + rc
	}
	return errors.New(text)
}

func (t *curlTripper) response(r *http.Request, f fields) (*http.Response, error) {
	head, err := f.content("head")
	if err != nil {
		return nil, err
	}
	resp, err := readHead(head)
	if err != nil {
		return nil, err
	}
	resp.Request = r
	if f.has("body") {
		b, err := f.content("body")
		if err != nil {
			return nil, err
		}
		resp.Body = io.NopCloser(bytes.NewReader(b))
		return resp, nil
	}
	resp.Body = &hostBody{call: t.call, ctx: r.Context(), dir: f["dir"], size: int64(f.number("size")), sum: f.sum("sum")}
	return resp, nil
}

// readHead reads the last head that curl wrote: those of proxies and interim
// answers come before it.
func readHead(b []byte) (*http.Response, error) {
	text := strings.ReplaceAll(string(b), "\r\n", "\n")
	heads := strings.Split(strings.TrimRight(text, "\n"), "\n\n")
	status, rest, _ := strings.Cut(heads[len(heads)-1], "\n")
	parts := strings.SplitN(status, " ", 3)
	if len(parts) < 2 || !strings.HasPrefix(parts[0], "HTTP/") {
		return nil, fmt.Errorf("the answer does not begin as HTTP: %q", status)
	}
	code, err := strconv.Atoi(parts[1])
	if err != nil {
		return nil, fmt.Errorf("the answer has no status: %q", status)
	}
	resp := &http.Response{StatusCode: code, Status: strings.Join(parts[1:], " "), Header: http.Header{}}
	for _, line := range strings.Split(rest, "\n") {
		if k, v, ok := strings.Cut(line, ":"); ok {
			resp.Header.Add(textproto.TrimString(k), textproto.TrimString(v))
		}
	}
	return resp, nil
}

// hostBody is a large body that curl left in a file of the host. It is fetched
// when it is read; a module that wants it on the host takes the file as it is.
type hostBody struct {
	call *Call
	ctx  context.Context //nolint:containedctx // an io.Reader has no other place for it
	dir  string
	size int64
	sum  string
	pipe *io.PipeReader
	done chan struct{} // closed when the transfer has ended
}

func (b *hostBody) file() string { return b.dir + "/body" }

func (b *hostBody) Read(p []byte) (int, error) {
	if b.pipe == nil {
		r, w := io.Pipe()
		b.pipe, b.done = r, make(chan struct{})
		go func() {
			defer close(b.done)
			w.CloseWithError(b.call.Conn.Get(b.ctx, b.file(), w))
		}()
	}
	return b.pipe.Read(p)
}

// Close ends the transfer, which sees it at the next write, waits for that, and
// takes the file away.
func (b *hostBody) Close() error {
	if b.pipe != nil {
		b.pipe.Close()
		<-b.done
	}
	_, err := b.call.Conn.Exec(context.WithoutCancel(b.ctx), connection.Command{Script: "rm -rf " + quoteText(b.dir), Timeout: 30 * time.Second})
	return err
}

// webProxy is the proxy setting of a host's environment.
type webProxy struct{ http, https, except string }

// of is the proxy for a URL, nil for none.
func (p *webProxy) of(u *url.URL) (*url.URL, error) {
	text := p.http
	if u.Scheme == "https" {
		text = p.https
	}
	if text == "" || p.excepts(u.Hostname()) {
		return nil, nil
	}
	if !strings.Contains(text, "://") {
		text = "http://" + text
	}
	proxy, err := url.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("read the proxy of the host: %w", err)
	}
	return proxy, nil
}

func (p *webProxy) excepts(host string) bool {
	for _, e := range strings.FieldsFunc(p.except, func(r rune) bool { return r == ',' || r == ' ' }) {
		e = strings.TrimPrefix(strings.TrimPrefix(e, "*"), ".")
		if e == "" || host == e || strings.HasSuffix(host, "."+e) {
			return true
		}
	}
	return false
}
