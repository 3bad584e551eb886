package main

import (
	"bytes"
	"compress/gzip"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// webHost is the name by which targets know the web server that ansible-test
// starts beside them. Names below it stand for sites with faults.
const webHost = "ansible.http.tests"

var webNames = []string{webHost, "sni1." + webHost, "sni2." + webHost, "fail." + webHost, "self-signed." + webHost}

// wantsWeb reports whether a target depends on the web server.
func wantsWeb(dir string) bool {
	text, err := os.ReadFile(filepath.Join(dir, "meta/main.yml"))
	return err == nil && strings.Contains(string(text), "prepare_http_tests")
}

// serveWeb answers at port 80 and 443 of the sandbox until it ends. It is
// called in the sandbox's root.
func serveWeb() error {
	hosts, err := os.OpenFile("/etc/hosts", os.O_APPEND|os.O_WRONLY|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	fmt.Fprintf(hosts, "\n127.0.0.1 %s\n", strings.Join(webNames, " "))
	if err := hosts.Close(); err != nil {
		return err
	}
	ca, err := newAuthority()
	if err != nil {
		return fmt.Errorf("make certificates: %w", err)
	}
	conf, err := ca.serverConfig()
	if err != nil {
		return fmt.Errorf("make certificates: %w", err)
	}
	site := ca.site()
	plain, err := net.Listen("tcp", ":80")
	if err != nil {
		return err
	}
	secure, err := tls.Listen("tcp", ":443", conf)
	if err != nil {
		return err
	}
	// They end with the sandbox, whose first process this is.
	go http.Serve(plain, site)  //nolint:errcheck,gosec
	go http.Serve(secure, site) //nolint:errcheck,gosec
	return nil
}

// authority signs the certificates of one sandbox.
type authority struct {
	key       *ecdsa.PrivateKey
	cert      *x509.Certificate
	pem       []byte
	client    []byte // certificate that the server asks for
	clientKey []byte
	serial    int64
	serverKey *rsa.PrivateKey
}

func newAuthority() (*authority, error) {
	a := &authority{}
	var err error
	if a.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return nil, err
	}
	// RSA, since targets ask by name for cipher suites that need it.
	if a.serverKey, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
		return nil, err
	}
	der, err := a.sign("conformance authority", nil, &a.key.PublicKey, nil)
	if err != nil {
		return nil, err
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		return nil, err
	}
	a.pem = pemOf("CERTIFICATE", der)
	clientKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err = a.sign("client."+webHost, nil, &clientKey.PublicKey, a.cert)
	if err != nil {
		return nil, err
	}
	a.client = pemOf("CERTIFICATE", der)
	key, err := x509.MarshalPKCS8PrivateKey(clientKey)
	a.clientKey = pemOf("PRIVATE KEY", key)
	return a, err
}

func pemOf(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

// sign makes a certificate; one without a parent signs itself.
func (a *authority) sign(name string, names []string, public any, parent *x509.Certificate) ([]byte, error) {
	a.serial++
	c := &x509.Certificate{
		SerialNumber: big.NewInt(a.serial), Subject: pkix.Name{CommonName: name}, DNSNames: names,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment, BasicConstraintsValid: true,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	if public == any(&a.key.PublicKey) {
		c.IsCA, c.KeyUsage, c.ExtKeyUsage = true, x509.KeyUsageCertSign|x509.KeyUsageCRLSign, nil
	}
	if parent == nil {
		parent = c
	}
	signer := any(a.key)
	if parent == c && !c.IsCA {
		signer = a.serverKey
	}
	return x509.CreateCertificate(rand.Reader, c, parent, public, signer)
}

func (a *authority) server(name string, parent *x509.Certificate, names ...string) (*tls.Certificate, error) {
	der, err := a.sign(name, names, &a.serverKey.PublicKey, parent)
	if err != nil {
		return nil, err
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: a.serverKey}, nil
}

func (a *authority) serverConfig() (*tls.Config, error) {
	byName := map[string]*tls.Certificate{}
	for _, one := range []struct{ site, name string }{
		{webHost, webHost}, {"sni1." + webHost, "sni1." + webHost}, {"sni2." + webHost, "sni2." + webHost}, {"fail." + webHost, "wrong." + webHost},
	} {
		c, err := a.server(one.name, a.cert, one.name)
		if err != nil {
			return nil, err
		}
		byName[one.site] = c
	}
	alone, err := a.server("self-signed."+webHost, nil, "self-signed."+webHost)
	if err != nil {
		return nil, err
	}
	byName["self-signed."+webHost] = alone
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	var suites []uint16
	for _, s := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		suites = append(suites, s.ID)
	}
	return &tls.Config{
		GetCertificate: func(h *tls.ClientHelloInfo) (*tls.Certificate, error) {
			if c := byName[h.ServerName]; c != nil {
				return c, nil
			}
			return byName[webHost], nil
		},
		ClientAuth: tls.VerifyClientCertIfGiven, ClientCAs: pool,
		// Lists of ciphers hold for TLS 1.2 only, and targets try them.
		MaxVersion: tls.VersionTLS12, CipherSuites: suites,
	}, nil
}

// site answers in the way of httpbin, as far as targets ask.
func (a *authority) site() http.Handler {
	m := http.NewServeMux()
	text := func(path, kind string, body []byte) {
		m.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			w.Write(body) //nolint:errcheck
		})
	}
	text("/cacert.pem", "application/x-pem-file", a.pem)
	text("/client.pem", "application/x-pem-file", a.client)
	text("/client.key", "application/x-pem-file", a.clientKey)
	m.HandleFunc("/{$}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, "<html><title>HTTP Client Testing Service</title><body>%s</body></html>\n", hostName(r))
	})
	m.HandleFunc("/ssl_client_verify", func(w http.ResponseWriter, r *http.Request) {
		verdict := "NONE"
		if r.TLS != nil && len(r.TLS.VerifiedChains) > 0 {
			verdict = "SUCCESS"
		}
		fmt.Fprintf(w, "%s:%s", hostName(r), verdict)
	})
	for _, path := range []string{"/get", "/post", "/put", "/patch", "/delete", "/anything", "/anything/"} {
		m.HandleFunc(path, echo)
	}
	m.HandleFunc("/headers", func(w http.ResponseWriter, r *http.Request) { answer(w, map[string]any{"headers": headersOf(r)}) })
	m.HandleFunc("/gzip", zipped)
	m.HandleFunc("/cache", cached)
	m.HandleFunc("/status/{code}", func(w http.ResponseWriter, r *http.Request) {
		if code, err := strconv.Atoi(r.PathValue("code")); err == nil {
			w.WriteHeader(code)
		}
	})
	m.HandleFunc("/base64/{text}", func(w http.ResponseWriter, r *http.Request) {
		b, _ := base64.URLEncoding.DecodeString(r.PathValue("text"))
		w.Write(b) //nolint:errcheck
	})
	m.HandleFunc("/redirect/{n}", redirectOn("/redirect/"))
	m.HandleFunc("/relative-redirect/{n}", redirectOn("/relative-redirect/"))
	m.HandleFunc("/redirect-to", func(w http.ResponseWriter, r *http.Request) {
		code, err := strconv.Atoi(r.FormValue("status_code"))
		if err != nil {
			code = http.StatusFound
		}
		w.Header().Set("Location", r.FormValue("url"))
		w.WriteHeader(code)
	})
	m.HandleFunc("/response-headers", func(w http.ResponseWriter, r *http.Request) {
		for k, vs := range r.URL.Query() {
			w.Header()[http.CanonicalHeaderKey(k)] = vs
		}
		answer(w, r.URL.Query())
	})
	m.HandleFunc("/basic-auth/{user}/{password}", basic(http.StatusUnauthorized))
	m.HandleFunc("/hidden-basic-auth/{user}/{password}", basic(http.StatusNotFound))
	m.HandleFunc("/bearer", bearer)
	return m
}

// hostName is the host of a request, without its port.
func hostName(r *http.Request) string {
	if name, _, err := net.SplitHostPort(r.Host); err == nil {
		return name
	}
	return r.Host
}

func answer(w http.ResponseWriter, v any) {
	if w.Header().Get("Content-Type") == "" {
		w.Header().Set("Content-Type", "application/json")
	}
	text, _ := json.Marshal(v)  // on one line: targets read it by lines
	w.Write(append(text, '\n')) //nolint:errcheck
}

func headersOf(r *http.Request) map[string]string {
	out := map[string]string{"Host": r.Host}
	for k, vs := range r.Header {
		out[k] = strings.Join(vs, ",")
	}
	return out
}

// echo tells what was asked.
func echo(w http.ResponseWriter, r *http.Request) {
	if wanted, fixed := strings.CutPrefix(r.URL.Path, "/"); fixed && !strings.HasPrefix(wanted, "anything") && !strings.EqualFold(wanted, r.Method) &&
		!(wanted == "get" && r.Method == http.MethodHead) {
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	said := map[string]any{
		"args": single(r.URL.Query()), "headers": headersOf(r), "origin": "127.0.0.1", "url": scheme + "://" + r.Host + r.URL.RequestURI(),
	}
	if r.URL.Path == "/get" {
		answer(w, said)
		return
	}
	body, _ := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	form := url.Values{}
	data := string(body)
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		form, _ = url.ParseQuery(data)
		data = ""
	}
	var parsed any
	_ = json.Unmarshal(body, &parsed)
	said["form"], said["data"], said["json"], said["method"], said["files"] = single(form), data, parsed, r.Method, map[string]string{}
	answer(w, said)
}

// single is a value where there is one, else a list.
func single(q url.Values) map[string]any {
	out := map[string]any{}
	for k, vs := range q {
		if out[k] = vs; len(vs) == 1 {
			out[k] = vs[0]
		}
	}
	return out
}

func zipped(w http.ResponseWriter, r *http.Request) {
	text, _ := json.Marshal(map[string]any{"gzipped": true, "headers": headersOf(r), "method": r.Method})
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	z.Write(text) //nolint:errcheck
	z.Close()
	w.Header().Set("Content-Encoding", "gzip")
	w.Header().Set("Content-Type", "application/json")
	w.Write(b.Bytes()) //nolint:errcheck
}

// cached has not changed for whoever has it.
func cached(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("If-Modified-Since") != "" || r.Header.Get("If-None-Match") != "" {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	r.URL.Path = "/get"
	echo(w, r)
}

func redirectOn(path string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(r.PathValue("n"))
		to := path + strconv.Itoa(n-1)
		if n <= 1 {
			to = "/get"
		}
		w.Header().Set("Location", to)
		w.WriteHeader(http.StatusFound)
	}
}

func basic(refused int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		if user != r.PathValue("user") || password != r.PathValue("password") {
			if refused == http.StatusUnauthorized {
				w.Header().Set("WWW-Authenticate", `Basic realm="Fake Realm"`)
			}
			w.WriteHeader(refused)
			return
		}
		answer(w, map[string]any{"authenticated": true, "user": user})
	}
}

func bearer(w http.ResponseWriter, r *http.Request) {
	token := r.Header.Get("Authorization")
	if token == "" {
		w.Header().Set("WWW-Authenticate", "Bearer")
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	if _, rest, ok := strings.Cut(token, " "); ok {
		token = rest
	}
	answer(w, map[string]any{"authenticated": true, "token": token})
}
