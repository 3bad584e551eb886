package ssh

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"
	xknownhosts "golang.org/x/crypto/ssh/knownhosts"

	"sunup/internal/connection"
)

// hostKeyRefused says why a host's key was not accepted, and what to do.
type hostKeyRefused struct {
	text, hint string
}

func (e *hostKeyRefused) Error() string { return e.text }

// keyFiles reads known_hosts files once for all hosts of a process, and again
// when they changed.
type keyFiles struct {
	mu     sync.Mutex
	cached map[string]cachedKeys
}

type cachedKeys struct {
	stamp string
	db    *knownhosts.HostKeyDB
}

var knownKeys = &keyFiles{cached: map[string]cachedKeys{}}

// open returns the keys of those files that are there.
func (k *keyFiles) open(names []string) (*knownhosts.HostKeyDB, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	var there []string
	var stamp strings.Builder
	for _, name := range names {
		st, err := os.Stat(name)
		if err != nil || !st.Mode().IsRegular() {
			continue // not there, or /dev/null
		}
		there = append(there, name)
		fmt.Fprintf(&stamp, "%s %d %d\n", name, st.Size(), st.ModTime().UnixNano())
	}
	key := strings.Join(there, "\n")
	if c, ok := k.cached[key]; ok && c.stamp == stamp.String() {
		return c.db, nil
	}
	db, err := knownhosts.NewDB(there...)
	if err != nil {
		return nil, err
	}
	if len(k.cached) > 64 {
		clear(k.cached)
	}
	k.cached[key] = cachedKeys{stamp.String(), db}
	return db, nil
}

// add records a new key in a file with one write, so that a reader never sees
// half a line.
func (k *keyFiles) add(name, address string, hash bool, key ssh.PublicKey) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(name, os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	host := knownhosts.Normalize(address)
	if hash {
		host = xknownhosts.HashHostname(host)
	}
	line := host + " " + strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key))) + "\n"
	if st, err := f.Stat(); err == nil && st.Size() > 0 {
		var last [1]byte
		if _, err := f.ReadAt(last[:], st.Size()-1); err == nil && last[0] != '\n' {
			line = "\n" + line
		}
	}
	if _, err := f.WriteString(line); err != nil {
		return err
	}
	return f.Close()
}

// hostKeys checks one hop's key.
type hostKeys struct {
	hop  *settings
	db   *knownhosts.HostKeyDB
	fail error // why the key was refused; set by check
}

func newHostKeys(hop *settings) (*hostKeys, error) {
	h := &hostKeys{hop: hop}
	if hop.policy == connection.KeysOff {
		return h, nil
	}
	db, err := knownKeys.open(hop.knownHosts)
	if err != nil {
		return nil, &hostKeyRefused{"read known hosts: " + err.Error(), "mend or remove the line that is named"}
	}
	h.db = db
	return h, nil
}

// algorithms asks first for keys that we know the host by, so that a host with
// several keys shows one of those.
func (h *hostKeys) algorithms() []string {
	all := ssh.SupportedAlgorithms().HostKeys
	if h.db == nil {
		return nil
	}
	known := h.db.HostKeyAlgorithms(h.hop.keyAddress())
	for _, a := range all {
		if !slices.Contains(known, a) {
			known = append(known, a)
		}
	}
	return known
}

// check is the ssh.HostKeyCallback.
func (h *hostKeys) check(_ string, _ net.Addr, key ssh.PublicKey) error {
	if h.hop.policy == connection.KeysOff {
		return nil
	}
	address := h.hop.keyAddress()
	err := h.db.HostKeyCallback()(address, &net.TCPAddr{IP: net.IPv4zero, Port: h.hop.port}, key)
	h.fail = h.judge(err, address, key)
	return h.fail
}

func (h *hostKeys) judge(err error, address string, key ssh.PublicKey) error {
	if err == nil {
		return nil
	}
	var mismatch *xknownhosts.KeyError
	var revoked *xknownhosts.RevokedError
	switch {
	case errors.As(err, &revoked):
		return &hostKeyRefused{
			fmt.Sprintf("the host key of %s, %s, is revoked (%s:%d)", address, fingerprint(key), revoked.Revoked.Filename, revoked.Revoked.Line),
			"do not connect before somebody has found out why the host still uses this key",
		}
	case !errors.As(err, &mismatch):
		return &hostKeyRefused{fmt.Sprintf("check the host key of %s: %v", address, err), ""}
	case len(mismatch.Want) > 0:
		return changed(address, key, mismatch.Want)
	case h.hop.policy == connection.KeysAcceptNew:
		return h.accept(address, key)
	}
	return &hostKeyRefused{
		fmt.Sprintf("the host key of %s, %s, is not known", address, fingerprint(key)),
		fmt.Sprintf("compare the fingerprint with the host's console (ssh-keygen -lf /etc/ssh/ssh_host_*_key.pub), then add it: %s >> %s; or let new keys be recorded with accept-new",
			keyscan(address), cmp.Or(append(slices.Clone(h.hop.knownHosts), "~/.ssh/known_hosts")...)),
	}
}

func keyscan(address string) string {
	host, port, _ := net.SplitHostPort(address)
	if port == "22" {
		return "ssh-keyscan -H " + host
	}
	return "ssh-keyscan -H -p " + port + " " + host
}

func changed(address string, key ssh.PublicKey, known []xknownhosts.KnownKey) error {
	var places, files []string
	for _, k := range known {
		places = append(places, fmt.Sprintf("%s (%s:%d)", fingerprint(k.Key), k.Filename, k.Line))
		if !slices.Contains(files, k.Filename) {
			files = append(files, k.Filename)
		}
	}
	remove := fmt.Sprintf("ssh-keygen -R '%s' -f %s", knownhosts.Normalize(address), files[0])
	return &hostKeyRefused{
		fmt.Sprintf("the host key of %s has CHANGED: it is now %s, but known is %s", address, fingerprint(key), strings.Join(places, " and ")),
		"somebody may stand between; if the host was installed anew, compare the fingerprint with its console, then remove the old key: " + remove,
	}
}

func fingerprint(key ssh.PublicKey) string {
	return key.Type() + " " + ssh.FingerprintSHA256(key)
}

func (h *hostKeys) accept(address string, key ssh.PublicKey) error {
	if len(h.hop.knownHosts) == 0 {
		return nil
	}
	if err := knownKeys.add(h.hop.knownHosts[0], address, h.hop.hashHosts, key); err != nil {
		return &hostKeyRefused{
			fmt.Sprintf("record the new host key of %s: %v", address, err),
			"make the file writable, or name another one",
		}
	}
	return nil
}
