package vault

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var (
	pw1 = Identity{ID: DefaultID, Secret: NewSecret([]byte("secret1"))}
	pw2 = Identity{ID: "prod", Secret: NewSecret([]byte("한글 비밀"))}
)

func read(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(t, err)
	return b
}

func kindOf(t *testing.T, err error) Kind {
	t.Helper()
	var e *Error
	require.True(t, errors.As(err, &e), "%v", err)
	return e.Kind
}

// v11.txt and v12.txt were made by ansible-vault.
func TestDecryptsWhatAnsibleVaultMade(t *testing.T) {
	secrets := NewSecrets(pw1, pw2)
	for file, id := range map[string]string{"v11.txt": "default", "v12.txt": "prod"} {
		plain, used, err := secrets.Decrypt(read(t, file))
		require.NoError(t, err)
		assert.Equal(t, string(read(t, "plain")), string(plain))
		assert.Equal(t, id, used)
	}
}

func TestAnsibleVaultDecryptsWhatWeMade(t *testing.T) {
	program, err := exec.LookPath("ansible-vault")
	if err != nil {
		t.Skip("ansible-vault is not installed")
	}
	dir := t.TempDir()
	text, err := Encrypt([]byte("안녕\n"), pw2)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "x"), text, 0o600))
	out, err := exec.Command(program, "view", "--vault-id", "prod@testdata/pw2", filepath.Join(dir, "x")).Output()
	require.NoError(t, err)
	assert.Equal(t, "안녕\n", string(out))
}

func TestRoundTripsEveryLength(t *testing.T) {
	for n := range 34 {
		plain := bytes.Repeat([]byte("x"), n)
		text, err := EncryptSalted(plain, pw1, []byte("salt"))
		require.NoError(t, err)
		back, _, err := NewSecrets(pw1).Decrypt(text)
		require.NoError(t, err)
		assert.Equal(t, string(plain), string(back))
	}
}

func TestRekeyChangesThePasswordAndTheID(t *testing.T) {
	text, err := Rekey(read(t, "v11.txt"), NewSecrets(pw1), pw2)
	require.NoError(t, err)
	h, err := ParseHeader(text)
	require.NoError(t, err)
	assert.Equal(t, Header{"1.2", "AES256", "prod"}, h)
	_, _, err = NewSecrets(pw1).Decrypt(text)
	assert.Equal(t, WrongSecret, kindOf(t, err))
}

func TestWhatGoesWrong(t *testing.T) {
	v12 := read(t, "v12.txt")
	damaged := bytes.Replace(v12, []byte("\n3"), []byte("\nx"), 1)
	cases := []struct {
		name    string
		secrets *Secrets
		text    []byte
		want    Kind
	}{
		{"no secret", nil, v12, NoSecret},
		{"ids must match", &Secrets{Identities: []Identity{pw1}, MatchIDs: true}, v12, NoSecret},
		{"wrong secret", NewSecrets(pw1), v12, WrongSecret},
		{"plain text", NewSecrets(pw1), []byte("a: 1"), NotEncrypted},
		{"damaged", NewSecrets(pw2), damaged, Corrupt},
		{"cut off", NewSecrets(pw2), v12[:120], Corrupt},
		{"only a header", NewSecrets(pw2), []byte("$ANSIBLE_VAULT;1.1;AES256"), Corrupt},
		{"old cipher", NewSecrets(pw2), []byte("$ANSIBLE_VAULT;1.0;AES\n00"), Corrupt},
	}
	for _, c := range cases {
		_, _, err := c.secrets.Decrypt(c.text)
		require.Error(t, err, c.name)
		assert.Equal(t, c.want, kindOf(t, err), c.name)
	}
}

func TestSecretPrintsStars(t *testing.T) {
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%x", "%q", "%d"} {
		assert.NotContains(t, fmt.Sprintf(format, pw1), "secret1")
		assert.NotContains(t, fmt.Sprintf(format, pw1.Secret), "secret1")
	}
	b, err := json.Marshal(pw1)
	require.NoError(t, err)
	assert.NotContains(t, string(b), "secret1")
}

func TestSources(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), mode))
	}
	write("plain", " top secret \n", 0o600)
	write("empty", "\n", 0o600)
	write("program", "#!/bin/sh\necho \"  args:$*\"\n", 0o700)
	write("keys-client.sh", "#!/bin/sh\n[ \"$2\" = gone ] && exit 2\necho \"for $2\"\n", 0o700)
	write("fails", "#!/bin/sh\nexit 1\n", 0o700)
	s := Sources{BaseDir: dir, Ask: func(id string) (Secret, error) { return NewSecret([]byte("asked " + id)), nil }}
	for in, want := range map[string]Identity{
		"plain":                 {"default", NewSecret([]byte("top secret"))},
		"dev@plain":             {"dev", NewSecret([]byte("top secret"))},
		"dev@program":           {"dev", NewSecret([]byte("  args:"))},
		"dev@keys-client.sh":    {"dev", NewSecret([]byte("for dev"))},
		"dev@prompt":            {"dev", NewSecret([]byte("asked dev"))},
		"prompt_ask_vault_pass": {"default", NewSecret([]byte("asked default"))},
	} {
		got, err := s.Open(context.Background(), in)
		require.NoError(t, err, in)
		assert.Equal(t, want.ID, got.ID, in)
		assert.Equal(t, string(want.Secret.Reveal()), string(got.Secret.Reveal()), in)
	}
	for _, in := range []string{"none", "empty", "fails", "gone@keys-client.sh", "."} {
		_, err := s.Open(context.Background(), in)
		require.Error(t, err, in)
		assert.Equal(t, BadSource, kindOf(t, err), in)
	}
	_, err := Sources{}.Open(context.Background(), "prompt")
	assert.Equal(t, BadSource, kindOf(t, err))
}

func FuzzDecrypt(f *testing.F) {
	f.Add([]byte("$ANSIBLE_VAULT;1.2;AES256;x\n333330613061"))
	text, _ := EncryptSalted([]byte("x"), pw1, []byte("s"))
	f.Add(text)
	secrets := NewSecrets(pw1)
	f.Fuzz(func(t *testing.T, text []byte) { _, _, _ = secrets.Decrypt(text) })
}
