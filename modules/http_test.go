package modules_test

import (
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sunup/internal/connection"
	"sunup/internal/value"
	"sunup/modules"
	"sunup/modules/modtest"
)

// dialingHost is a connection that opens others, as SSH does.
type dialingHost struct {
	connection.Conn
	dials int
}

func (d *dialingHost) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	d.dials++
	return (&net.Dialer{}).DialContext(ctx, network, addr)
}

// refusingHost is one whose host forbids that.
type refusingHost struct{ connection.Conn }

func (refusingHost) Dial(context.Context, string, string) (net.Conn, error) {
	return nil, fmt.Errorf("open direct-tcpip: %w", connection.ErrNoDial)
}

const large = 3 << 20

func webServer() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/json", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		http.SetCookie(w, &http.Cookie{Name: "session", Value: "abc"})
		http.SetCookie(w, &http.Cookie{Name: "zone", Value: "1"})
		fmt.Fprint(w, `{"b": [1, 2.5, null], "a": "서울"}`)
	})
	mux.HandleFunc("/text", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=euc-kr")
		w.Write([]byte("\xbc\xad\xbf\xef"))
	})
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(map[string]any{"method": r.Method, "body": string(body), "type": r.Header.Get("Content-Type"),
			"agent": r.UserAgent(), "x": r.Header.Get("X-Test"), "authorization": r.Header.Get("Authorization"), "length": r.ContentLength})
	})
	mux.HandleFunc("/form", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if err := r.ParseMultipartForm(1 << 20); err != nil {
			http.Error(w, err.Error(), 400)
			return
		}
		out := map[string]any{}
		for k, v := range r.MultipartForm.Value {
			out[k] = v[0]
		}
		for k, v := range r.MultipartForm.File {
			f, _ := v[0].Open()
			b, _ := io.ReadAll(f)
			out[k] = v[0].Filename + ":" + v[0].Header.Get("Content-Type") + ":" + string(b)
		}
		json.NewEncoder(w).Encode(out)
	})
	mux.HandleFunc("/moved", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/echo", http.StatusFound) })
	mux.HandleFunc("/kept", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/echo", http.StatusTemporaryRedirect)
	})
	mux.HandleFunc("/circle", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/circle", http.StatusFound) })
	mux.HandleFunc("/fails", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "broken", 500) })
	mux.HandleFunc("/login", func(w http.ResponseWriter, r *http.Request) {
		if u, p, ok := r.BasicAuth(); !ok || u != "kra" || p != "s3cret$\"" {
			w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
			http.Error(w, "who?", http.StatusUnauthorized)
			return
		}
		fmt.Fprint(w, "welcome")
	})
	mux.HandleFunc("/packed", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		fmt.Fprint(z, "unpacked")
		z.Close()
	})
	mux.HandleFunc("/file.bin", func(w http.ResponseWriter, _ *http.Request) { w.Write(largeFile()) })
	mux.HandleFunc("/small.txt", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "small\n") })
	mux.HandleFunc("/named", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Disposition", `attachment; filename="../../evil.txt"`)
		fmt.Fprint(w, "named\n")
	})
	mux.HandleFunc("/SUMS", func(w http.ResponseWriter, _ *http.Request) {
		s := sha256.Sum256([]byte("small\n"))
		fmt.Fprintf(w, "00 other\n%s  ./small.txt\n", hex.EncodeToString(s[:]))
	})
	mux.HandleFunc("/short", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		fmt.Fprint(w, "short")
	})
	return mux
}

func largeFile() []byte {
	b := make([]byte, large)
	for i := range b {
		b[i] = byte(i * 7 >> 3)
	}
	return b
}

// ways are how requests leave a host.
func ways(t *testing.T, tmp string) map[string]connection.Conn {
	sh := &modtest.Sh{Shell: []string{"/bin/sh", "-c"}, Dir: tmp, Env: append(os.Environ(), "HOME="+tmp)}
	w := map[string]connection.Conn{"dial": &dialingHost{Conn: sh}}
	if _, err := exec.LookPath("curl"); err == nil {
		w["curl"] = sh
		w["refused"] = refusingHost{sh}
	}
	return w
}

func callModule(t *testing.T, name string, conn connection.Conn, check bool, args map[string]any) map[string]any {
	t.Helper()
	r, err := runModule(name, conn, check, args, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	out, _ := value.ToGo(modtest.Flat(r)).(map[string]any)
	return out
}

func callModuleErr(name string, conn connection.Conn, args map[string]any) (*modules.Result, error) {
	return runModule(name, conn, false, args, "")
}

// runModule validates the arguments and runs a module.
func runModule(name string, conn connection.Conn, check bool, args map[string]any, controller string) (*modules.Result, error) {
	m := modules.Lookup(name, nil)
	given, _ := value.FromGo(args).(*value.Dict)
	a, err := m.Spec.Validate(m.ShortName(), given)
	if err != nil {
		return nil, err
	}
	return m.Run(context.Background(), &modules.Call{Args: a, Conn: conn, Check: check, Controller: &modtest.Controller{Dir: controller}})
}

type webCase struct {
	name string
	path string
	args map[string]any
	want map[string]any
}

var webCases = []webCase{
	{"json", "/json", nil, map[string]any{"status": 200, "json": map[string]any{"b": []any{1, 2.5, nil}, "a": "서울"}, "cookies": map[string]any{"session": "abc", "zone": "1"}, "cookies_string": "session=abc; zone=1", "redirected": false, "content_type": "application/json; charset=utf-8"}},
	{"charset", "/text", map[string]any{"return_content": true}, map[string]any{"content": "서울", "status": 200}},
	{"post json", "/echo", map[string]any{"method": "POST", "body_format": "json", "body": map[string]any{"a": 1}, "headers": map[string]any{"X-Test": "한 \"x\""}},
		map[string]any{"json": map[string]any{"method": "POST", "body": `{"a": 1}`, "type": "application/json", "agent": "ansible-httpget", "x": "한 \"x\"", "authorization": "", "length": 8}}},
	{"post form", "/echo", map[string]any{"method": "POST", "body_format": "form-urlencoded", "body": map[string]any{"a": "1 &", "b": []any{"x", "y"}}},
		map[string]any{"json": map[string]any{"method": "POST", "body": "a=1+%26&b=x&b=y", "type": "application/x-www-form-urlencoded", "agent": "ansible-httpget", "x": "", "authorization": "", "length": 15}}},
	{"multipart", "/form", map[string]any{"method": "POST", "body_format": "form-multipart", "body": map[string]any{"a": "1", "f": map[string]any{"filename": "n.txt", "content": "text", "mime_type": "text/plain"}}},
		map[string]any{"json": map[string]any{"a": "1", "f": "n.txt:text/plain:text"}}},
	{"redirected", "/moved", nil, map[string]any{"redirected": true, "status": 200}},
	{"post is not redirected", "/moved", map[string]any{"method": "POST", "body": "x", "status_code": []any{302}}, map[string]any{"redirected": false, "status": 302}},
	{"post becomes get", "/moved", map[string]any{"method": "POST", "body": "x", "follow_redirects": "all"}, map[string]any{"redirected": true, "json": map[string]any{"method": "GET", "body": "", "type": "", "agent": "ansible-httpget", "x": "", "authorization": "", "length": 0}}},
	{"no redirect", "/moved", map[string]any{"follow_redirects": "none"}, map[string]any{"failed": true, "status": 302}},
	{"circle", "/circle", nil, map[string]any{"failed": true, "status": -1}},
	{"failure", "/fails", map[string]any{"return_content": true}, map[string]any{"failed": true, "status": 500, "content": "broken\n", "msg": "Status code was 500 and not [200]: HTTP Error 500: Internal Server Error"}},
	{"failure expected", "/fails", map[string]any{"status_code": []any{200, 500}}, map[string]any{"status": 500}},
	{"login", "/login", map[string]any{"url_username": "kra", "url_password": "s3cret$\"", "return_content": true}, map[string]any{"content": "welcome"}},
	{"login at once", "/login", map[string]any{"user": "kra", "password": "s3cret$\"", "return_content": true, "force_basic_auth": true}, map[string]any{"content": "welcome"}},
	{"login refused", "/login", map[string]any{"user": "kra", "password": "x"}, map[string]any{"failed": true, "status": 401}},
	{"packed", "/packed", map[string]any{"return_content": true}, map[string]any{"content": "unpacked"}},
	{"ends early", "/short", map[string]any{"return_content": true}, map[string]any{"failed": true, "status": -1}},
	{"head", "/json", map[string]any{"method": "HEAD"}, map[string]any{"status": 200}},
}

func TestURI(t *testing.T) {
	server := httptest.NewServer(webServer())
	defer server.Close()
	tmp := t.TempDir()
	for way, conn := range ways(t, tmp) {
		for _, c := range webCases {
			t.Run(way+"/"+c.name, func(t *testing.T) {
				args := map[string]any{"url": server.URL + c.path}
				for k, v := range c.args {
					args[k] = v
				}
				got := callModule(t, "uri", conn, false, args)
				for k, want := range c.want {
					if d := cmp.Diff(want, got[k]); d != "" {
						t.Errorf("%s: - want + got\n%s\nof %v", k, d, got)
					}
				}
				if c.want["failed"] == nil && got["failed"] == true {
					t.Errorf("failed: %v", got)
				}
			})
		}
	}
	if left, _ := filepath.Glob(filepath.Join(os.TempDir(), ".sunup-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestURIOverTLS(t *testing.T) {
	server := httptest.NewTLSServer(webServer())
	defer server.Close()
	for way, conn := range ways(t, t.TempDir()) {
		t.Run(way, func(t *testing.T) {
			refused := callModule(t, "uri", conn, false, map[string]any{"url": server.URL + "/json"})
			if refused["failed"] != true || refused["status"] != -1 {
				t.Errorf("an unknown authority is trusted: %v", refused)
			}
			if got := callModule(t, "uri", conn, false, map[string]any{"url": server.URL + "/json", "validate_certs": false}); got["status"] != 200 {
				t.Errorf("not reached: %v", got)
			}
		})
	}
}

func TestURIWithoutServer(t *testing.T) {
	for way, conn := range ways(t, t.TempDir()) {
		t.Run(way, func(t *testing.T) {
			got := callModule(t, "uri", conn, false, map[string]any{"url": "http://127.0.0.1:1/x"})
			if msg, _ := got["msg"].(string); got["failed"] != true || got["status"] != -1 || !strings.Contains(msg, "efused") {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestURISavesAndSkips(t *testing.T) {
	server := httptest.NewServer(webServer())
	defer server.Close()
	for way, conn := range ways(t, t.TempDir()) {
		t.Run(way, func(t *testing.T) {
			dir := t.TempDir()
			file := filepath.Join(dir, "answer")
			args := map[string]any{"url": server.URL + "/small.txt", "dest": file, "mode": "0600"}
			got := callModule(t, "uri", conn, false, args)
			if b, _ := os.ReadFile(file); string(b) != "small\n" || got["changed"] != true || got["path"] != file || got["mode"] != "0600" {
				t.Errorf("%q, %v", b, got)
			}
			args["creates"] = file
			if got := callModule(t, "uri", conn, false, args); got["stdout"] != "skipped, since '"+file+"' exists" {
				t.Errorf("not skipped: %v", got)
			}
		})
	}
}

func TestGetURL(t *testing.T) {
	server := httptest.NewServer(webServer())
	defer server.Close()
	for way, conn := range ways(t, t.TempDir()) {
		t.Run(way, func(t *testing.T) {
			dir := t.TempDir()
			file := filepath.Join(dir, "large")
			args := map[string]any{"url": server.URL + "/file.bin", "dest": file, "mode": "0640"}
			if got := callModule(t, "get_url", conn, true, args); got["changed"] != true || got["failed"] == true {
				t.Errorf("check mode: %v", got)
			}
			got := callModule(t, "get_url", conn, false, args)
			if b, _ := os.ReadFile(file); string(b) != string(largeFile()) || got["changed"] != true || got["mode"] != "0640" || got["status_code"] != 200 {
				t.Errorf("%d bytes, %v", len(b), got)
			}
			if again := callModule(t, "get_url", conn, false, args); again["changed"] != false {
				t.Errorf("again: %v", again)
			}
			got = callModule(t, "get_url", conn, false, map[string]any{"url": server.URL + "/named", "dest": dir})
			if got["dest"] != filepath.Join(dir, "evil.txt") {
				t.Errorf("named by the server: %v", got)
			}
			small := map[string]any{"url": server.URL + "/small.txt", "dest": dir + "/s", "checksum": "sha256:" + server.URL + "/SUMS"}
			if got := callModule(t, "get_url", conn, false, small); got["changed"] != true || got["failed"] == true {
				t.Errorf("by checksum file: %v", got)
			}
			if got := callModule(t, "get_url", conn, false, small); got["changed"] != false || got["msg"] != "file already exists" {
				t.Errorf("by checksum file again: %v", got)
			}
			got = callModule(t, "get_url", conn, false, map[string]any{"url": server.URL + "/small.txt", "dest": dir + "/w", "checksum": "md5:00"})
			if _, err := os.Stat(dir + "/w"); got["failed"] != true || err == nil {
				t.Errorf("a wrong checksum is taken: %v", got)
			}
			got = callModule(t, "get_url", conn, false, map[string]any{"url": server.URL + "/short", "dest": dir + "/x"})
			if _, err := os.Stat(dir + "/x"); got["failed"] != true || err == nil {
				t.Errorf("half a file is taken: %v", got)
			}
			if got := callModule(t, "get_url", conn, false, map[string]any{"url": server.URL + "/fails", "dest": dir + "/x"}); got["failed"] != true || got["status_code"] != 500 || got["msg"] != "Request failed" {
				t.Errorf("a failure: %v", got)
			}
			left, _ := filepath.Glob(filepath.Join(dir, ".*"))
			if len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}
