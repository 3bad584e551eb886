package lookup

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"sunup/internal/cipher"
	"sunup/internal/value"
)

// fetchURL is the lookup url: the lines of what is at the addresses.
func fetchURL(r *request) ([]any, error) {
	words, err := r.words()
	if err != nil {
		return nil, err
	}
	client, err := r.client()
	if err != nil {
		return nil, err
	}
	defer client.CloseIdleConnections()
	var out []any
	for _, w := range words {
		body, err := r.get(client, w)
		if err != nil {
			return nil, urlFailed(w, err)
		}
		if !r.flag("split_lines", true) {
			out = append(out, body)
			continue
		}
		for _, line := range strings.Split(strings.TrimSuffix(body, "\n"), "\n") {
			out = append(out, strings.TrimSuffix(line, "\r"))
		}
	}
	return out, nil
}

// statusError is an answer that is an error.
type statusError struct{ status string }

func (e statusError) Error() string {
	code, reason, _ := strings.Cut(e.status, " ")
	return "HTTP Error " + code + ": " + reason
}

// urlFailed says what Ansible says of a failed request.
func urlFailed(address string, err error) error {
	var status statusError
	var certificate *tls.CertificateVerificationError
	var inner *url.Error
	if errors.As(err, &inner) {
		err = inner.Err
	}
	switch {
	case errors.As(err, &status):
		return fmt.Errorf("Received HTTP error for %s : %s", address, status)
	case errors.As(err, &certificate):
		return fmt.Errorf("Error validating the server's certificate for %s: %w", address, err)
	}
	return fmt.Errorf("Failed lookup url for %s : <urlopen error %w>", address, err)
}

// urlVariables are the variables that set options of the lookup.
var urlVariables = map[string]string{
	"force": "force", "timeout": "timeout", "http_agent": "agent", "follow_redirects": "follow_redirects", "use_gssapi": "use_gssapi",
	"unix_socket": "unix_socket", "ca_path": "ca_path", "unredirected_headers": "unredir_headers", "ciphers": "ciphers",
}

// urlOption is a named argument, else the variable or the environment's value for it.
func (r *request) urlOption(name string) (any, bool, error) {
	if v, ok := r.opts.Get(name); ok && v != nil {
		return v, true, nil
	}
	suffix, ok := urlVariables[name]
	if !ok {
		return nil, false, nil
	}
	if v, ok, err := r.variable("ansible_lookup_url_" + suffix); ok || err != nil {
		return v, ok, err
	}
	if v := r.set.o.Getenv("ANSIBLE_LOOKUP_URL_" + strings.ToUpper(suffix)); v != "" {
		return v, true, nil
	}
	return nil, false, nil
}

// client makes requests as the options say.
func (r *request) client() (*http.Client, error) {
	conf := &tls.Config{InsecureSkipVerify: !r.flag("validate_certs", true)} //nolint:gosec // only when the playbook says so
	if v, ok, err := r.urlOption("ciphers"); err != nil {
		return nil, err
	} else if ok {
		if conf.CipherSuites, err = cipher.Suites(texts(v)); err != nil {
			return nil, err
		}
	}
	if v, ok, err := r.urlOption("ca_path"); err != nil {
		return nil, err
	} else if ok {
		pem, err := os.ReadFile(value.Str(v))
		if err != nil {
			return nil, fmt.Errorf("read ca_path: %w", err)
		}
		conf.RootCAs = x509.NewCertPool()
		conf.RootCAs.AppendCertsFromPEM(pem)
	}
	patience := 10.0
	if v, ok, err := r.urlOption("timeout"); err != nil {
		return nil, err
	} else if ok {
		if patience, err = strconv.ParseFloat(value.Str(v), 64); err != nil {
			return nil, fmt.Errorf("timeout: %s is no number", value.Str(v))
		}
	}
	t := &http.Transport{TLSClientConfig: conf}
	if r.flag("use_proxy", true) {
		t.Proxy = http.ProxyFromEnvironment
	}
	if v, ok, err := r.urlOption("unix_socket"); err != nil {
		return nil, err
	} else if ok {
		t.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", value.Str(v))
		}
	}
	client := &http.Client{Transport: t, Timeout: time.Duration(patience * float64(time.Second))}
	if v, ok, err := r.urlOption("follow_redirects"); err != nil {
		return nil, err
	} else if ok && (value.Str(v) == "none" || value.Str(v) == "no") {
		client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	}
	return client, nil
}

// texts are the items of a list, or of a text with commas.
func texts(v any) []string {
	if l, ok := v.(*value.List); ok {
		var out []string
		for _, it := range l.Items {
			out = append(out, value.Str(it))
		}
		return out
	}
	return strings.FieldsFunc(value.Str(v), func(c rune) bool { return c == ',' || c == ' ' })
}

func (r *request) get(client *http.Client, address string) (string, error) {
	if path, ok := strings.CutPrefix(address, "file://"); ok {
		text, err := r.set.o.Read(path)
		return string(text), err
	}
	req, err := http.NewRequestWithContext(r.ctx, http.MethodGet, address, nil)
	if err != nil {
		return "", err
	}
	if err := r.address(req); err != nil {
		return "", err
	}
	resp, err := client.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 400 {
		return "", statusError{resp.Status}
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxFetched))
	return string(body), err
}

// address sets what the request says of itself and of who asks.
func (r *request) address(req *http.Request) error {
	agent, ok, err := r.urlOption("http_agent")
	if err != nil {
		return err
	}
	if !ok {
		agent = "ansible-httpget"
	}
	req.Header.Set("User-Agent", value.Str(agent))
	if force, _, err := r.urlOption("force"); err != nil {
		return err
	} else if value.Truth(force) {
		req.Header.Set("Cache-Control", "no-cache")
	}
	if headers, ok := r.opts.At("headers").(*value.Dict); ok {
		for k, v := range headers.All() {
			req.Header.Set(value.Str(k), value.Str(v))
		}
	}
	user, password := r.text("username", ""), r.text("password", "")
	if user == "" && r.flag("use_netrc", true) {
		user, password = r.netrc(req.URL.Hostname())
	}
	if user != "" {
		req.SetBasicAuth(user, password)
	}
	return nil
}

// netrc is the login that the user keeps for a machine.
func (r *request) netrc(machine string) (user, password string) {
	path := r.set.o.Getenv("NETRC")
	if path == "" {
		path = filepath.Join(r.set.o.Getenv("HOME"), ".netrc")
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return "", ""
	}
	words, mine := strings.Fields(string(text)), false
	for i := 0; i < len(words); i++ {
		next := ""
		if i+1 < len(words) {
			next = words[i+1]
		}
		switch words[i] {
		case "machine":
			mine = next == machine && user == ""
			i++
		case "default":
			mine = user == ""
		case "login":
			if mine {
				user = next
			}
			i++
		case "password":
			if mine {
				password = next
			}
			i++
		}
	}
	return user, password
}
