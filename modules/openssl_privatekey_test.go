package modules_test

import (
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"sunup/modules/modtest"
)

// OpenSSL reads what we write, and we read it again: a second run makes
// nothing.
func TestPrivateKeys(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("needs openssl to read keys with")
	}
	dir := t.TempDir()
	for name, args := range map[string]map[string]any{
		"rsa":             {"size": 2048},
		"rsa pkcs8":       {"size": 1024, "format": "pkcs8"},
		"rsa passphrase":  {"size": 1024, "passphrase": "비밀 'x'", "cipher": "auto"},
		"ecc":             {"type": "ECC", "curve": "secp256r1"},
		"ecc pkcs8":       {"type": "ECC", "curve": "secp521r1", "format": "pkcs8"},
		"Ed25519":         {"type": "Ed25519"},
		"X25519":          {"type": "X25519", "format": "auto"},
		"content, hidden": {"type": "Ed25519", "return_content": true},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(dir, name)
			args["path"] = file
			r := ours(t, "community.crypto.openssl_privatekey", args, &modtest.Sh{})
			require.Equal(t, true, r["changed"], "%v", r)
			info, err := os.Stat(file)
			require.NoError(t, err)
			require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
			pass, _ := args["passphrase"].(string)
			out, err := exec.Command(openssl, "pkey", "-in", file, "-passin", "pass:"+pass, "-noout", "-check").CombinedOutput()
			if args["type"] != "Ed25519" && args["type"] != "X25519" {
				require.NoError(t, err, "%s", out)
			}
			again := ours(t, "community.crypto.openssl_privatekey", args, &modtest.Sh{})
			require.Equal(t, false, again["changed"], "%v", again)
			require.Equal(t, r["fingerprint"], again["fingerprint"])
		})
	}
}

// The certificate of a TLS server is fetched by the host's openssl, and checked
// against the authority when one is named.
func TestGetCertificate(t *testing.T) {
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Skip("needs openssl on the host")
	}
	s := httptest.NewTLSServer(nil)
	defer s.Close()
	u, err := url.Parse(s.URL)
	require.NoError(t, err)
	port, err := strconv.Atoi(u.Port())
	require.NoError(t, err)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	args := map[string]any{"host": "127.0.0.1", "port": port, "ca_cert": ca}
	r := ours(t, "community.crypto.get_certificate", args, &modtest.Sh{})
	require.Equal(t, "ca_cert file does not exist", r["msg"])
	delete(args, "ca_cert")
	r = ours(t, "community.crypto.get_certificate", args, &modtest.Sh{})
	require.Equal(t, false, r["expired"], "%v", r)
	require.Equal(t, map[string]any{"O": "Acme Co"}, r["subject"])
	require.NoError(t, os.WriteFile(ca, []byte(r["cert"].(string)), 0o600))
	args["ca_cert"] = ca
	args["server_name"] = "example.com"
	r = ours(t, "community.crypto.get_certificate", args, &modtest.Sh{})
	require.NotEqual(t, true, r["failed"], "%v", r)
	args["server_name"] = "other.example"
	r = ours(t, "community.crypto.get_certificate", args, &modtest.Sh{})
	require.Equal(t, true, r["failed"])
	require.Contains(t, r["msg"], "not other.example")
	theirs := theirs(t, "community.crypto.get_certificate", map[string]any{"host": "127.0.0.1", "port": port})
	delete(args, "ca_cert")
	delete(args, "server_name")
	mine, _ := asJSON(t, ours(t, "community.crypto.get_certificate", args, &modtest.Sh{})).(map[string]any)
	for _, k := range []string{"cert", "expired", "subject", "issuer", "not_after", "not_before", "serial_number", "signature_algorithm", "version"} {
		require.Equal(t, theirs[k], mine[k], k)
	}
	require.Len(t, mine["extensions"], len(theirs["extensions"].([]any)))
}
