package rack

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// registryPort is where hosts find the registry on the gateway.
const registryPort = "3142"

// RegistryURL is the HTTP proxy through which hosts reach Debian's registry;
// their apt uses it already.
func (r *Rack) RegistryURL() string { return "http://" + net.JoinHostPort(r.Gateway(), registryPort) }

// serveRegistry starts a caching proxy for Debian's package registry.
func serveRegistry(gateway string) (*http.Server, error) {
	cache, err := cacheDir()
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", net.JoinHostPort(gateway, registryPort))
	if err != nil {
		return nil, fmt.Errorf("serve the registry: %w", err)
	}
	s := &http.Server{Handler: &registry{dir: filepath.Join(cache, "packages")}, ReadHeaderTimeout: time.Minute}
	go s.Serve(l) //nolint:errcheck // ends with Close
	return s, nil
}

// registry forwards GET requests to Debian's mirrors. What never changes under
// its name (packages, indexes by hash) is kept.
type registry struct{ dir string }

func (g *registry) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	if !q.URL.IsAbs() || q.URL.Scheme != "http" || !allowedMirror(q.URL.Hostname()) || q.Method != http.MethodGet && q.Method != http.MethodHead {
		http.Error(w, "only Debian's registry is reached through here", http.StatusForbidden)
		return
	}
	if !lasting(q.URL.Path) || q.Method != http.MethodGet {
		g.pass(w, q)
		return
	}
	name, err := g.keep(q)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	if name == "" {
		g.pass(w, q)
		return
	}
	http.ServeFile(w, q, name)
}

func allowedMirror(host string) bool {
	return host == "debian.org" || strings.HasSuffix(host, ".debian.org") || strings.Contains(mirror(), "//"+host+"/")
}

func lasting(path string) bool {
	return strings.HasSuffix(path, ".deb") || strings.Contains(path, "/by-hash/")
}

// request is the mirror's side of a request.
func (g *registry) request(q *http.Request) (*http.Response, error) {
	out, err := http.NewRequestWithContext(q.Context(), q.Method, q.URL.String(), nil)
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"If-Modified-Since", "If-None-Match", "Range", "If-Range"} {
		if v := q.Header.Get(name); v != "" && !lasting(q.URL.Path) {
			out.Header.Set(name, v)
		}
	}
	return http.DefaultTransport.RoundTrip(out)
}

func (g *registry) pass(w http.ResponseWriter, q *http.Request) {
	resp, err := g.request(q)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer resp.Body.Close()
	for k, v := range resp.Header {
		w.Header()[k] = v
	}
	w.WriteHeader(resp.StatusCode)
	io.Copy(w, resp.Body) //nolint:errcheck // the host asks again
}

// keep returns the kept file of a request, which it fetches first when it is
// not there; "" when the mirror has no such file.
func (g *registry) keep(q *http.Request) (string, error) {
	sum := sha256.Sum256([]byte(q.URL.String()))
	name := filepath.Join(g.dir, hex.EncodeToString(sum[:])+".deb")
	if _, err := os.Stat(name); err == nil {
		return name, nil
	}
	resp, err := g.request(q)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return "", nil
	}
	return name, store(name, resp)
}

// store writes an answer beside and renames it when it is whole.
func store(name string, resp *http.Response) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(name), "part-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	n, err := io.Copy(f, resp.Body)
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil && resp.ContentLength >= 0 && n != resp.ContentLength {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}
