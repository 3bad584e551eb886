package modules

import (
	"context"
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"

	"sunup/internal/say"
	"sunup/internal/value"
)

var opensslPrivatekeyModule = Module{
	Name:       "community.crypto.openssl_privatekey",
	Summary:    say.T("Makes private keys.", "개인 키를 만든다."),
	Notes:      say.T("The key is made here and sent, never in a command line; the host needs no OpenSSL. RSA, ECC on secp224r1, secp256r1, secp384r1 and secp521r1, Ed25519 and X25519; a passphrase goes with keys in PKCS#1 form.", "키는 여기서 만들어 보내며 명령줄에 서지 않는다. 호스트에 OpenSSL이 필요 없다. RSA, ECC(secp224r1, secp256r1, secp384r1, secp521r1), Ed25519, X25519를 만들며 암호는 PKCS#1 형식에만 쓴다."),
	Idempotent: true,
	Spec: Spec{
		File: true,
		Params: []Param{
			{Name: "path", Type: Path, Required: true, Doc: say.T("The key's file.", "키 파일.")},
			{Name: "state", Default: "present", Choices: []any{"absent", "present"}, Doc: say.T("Whether it should be there.", "키가 있어야 하는지.")},
			{Name: "size", Type: Int, Default: 4096, Doc: say.T("Bits of an RSA key.", "RSA 키의 비트 수.")},
			{Name: "type", Default: "RSA", Choices: []any{"DSA", "ECC", "Ed25519", "Ed448", "RSA", "X25519", "X448"}, Doc: say.T("Kind of key.", "키의 종류.")},
			{Name: "curve", Choices: []any{"secp224r1", "secp256k1", "secp256r1", "secp384r1", "secp521r1", "secp192r1", "brainpoolP256r1", "brainpoolP384r1", "brainpoolP512r1", "sect163k1", "sect163r2", "sect233k1", "sect233r1", "sect283k1", "sect283r1", "sect409k1", "sect409r1", "sect571k1", "sect571r1"}, Doc: say.T("Curve of an ECC key.", "ECC 키의 곡선.")},
			{Name: "passphrase", Secret: true, Doc: say.T("Passphrase of the key.", "키의 암호.")},
			{Name: "cipher", Doc: say.T("How it is encrypted: auto.", "암호화 방식: auto.")},
			{Name: "format", Default: "auto_ignore", Choices: []any{"pkcs1", "pkcs8", "raw", "auto", "auto_ignore"}, Doc: say.T("Form of the file; auto is PKCS#1 for RSA and ECC, PKCS#8 else.", "파일 형식. auto는 RSA와 ECC에 PKCS#1, 나머지에 PKCS#8.")},
			{Name: "format_mismatch", Default: "regenerate", Choices: []any{"regenerate", "convert"}, Doc: say.T("What is done with a key in another form.", "형식이 다른 키를 어떻게 할지.")},
			{Name: "regenerate", Default: "full_idempotence", Choices: []any{"never", "fail", "partial_idempotence", "full_idempotence", "always"}, Doc: say.T("When a key that is there is made anew.", "있는 키를 새로 만들 때.")},
			{Name: "force", Type: Bool, Default: false, Doc: say.T("Always make a new key.", "늘 새 키를 만든다.")},
			{Name: "backup", Type: Bool, Default: false, Doc: say.T("Keep the old file under a name with the time.", "이전 파일을 시각이 붙은 이름으로 남긴다.")},
			{Name: "return_content", Type: Bool, Default: false, Doc: say.T("Return the key; the result is then hidden from all output.", "키를 돌려준다. 그때 결과는 출력에서 숨긴다.")},
			{Name: "select_crypto_backend", Default: "auto", Choices: []any{"auto", "cryptography"}, NoEffect: true, Doc: say.T("nothing of Python is used.", "Python을 쓰지 않는다.")},
		},
		RequiredTogether: [][]string{{"cipher", "passphrase"}},
		RequiredIf:       []RequiredIf{{Param: "type", Value: "ECC", Needs: []string{"curve"}}},
	},
	Returns: []Return{
		{"filename", "str", "success", say.T("The key's file.", "키 파일.")},
		{"type", "str", "success", say.T("Kind of key.", "키의 종류.")},
		{"size", "int", "success", say.T("Bits asked for.", "요청한 비트 수.")},
		{"curve", "str", "type is ECC", say.T("The curve.", "곡선.")},
		{"fingerprint", "dict", "success", say.T("Hashes of the public key.", "공개 키의 해시.")},
		{"privatekey", "str", "return_content", say.T("The key.", "키.")},
		{"backup_file", "str", "backup", say.T("The name of the backup.", "백업의 이름.")},
	},
	Run: runOpensslPrivatekey,
}

// ellipticCurves are the curves that can be made here.
var ellipticCurves = map[string]elliptic.Curve{"secp224r1": elliptic.P224(), "secp256r1": elliptic.P256(), "secp384r1": elliptic.P384(), "secp521r1": elliptic.P521()}

// heldKey is a private key as it stands in a file.
type heldKey struct {
	key    crypto.Signer
	dh     *ecdh.PrivateKey // X25519, which signs nothing
	format string           // pkcs1, pkcs8 or raw
}

func runOpensslPrivatekey(ctx context.Context, c *Call) (*Result, error) {
	a := c.Args
	if fail := refuseKey(a); fail != nil {
		return fail, nil
	}
	w := attrsOf(a)
	if w.mode == nil {
		w.mode = "0600"
	}
	t, fail, err := c.openFile(ctx, a.Str("path"), w, ":\n")
	if fail != nil || err != nil {
		return fail, err
	}
	r := OK().Set("filename", t.at.Path).Set("size", a.Int("size")).Set("type", a.Str("type"))
	if a.Str("type") == "ECC" {
		r.Set("curve", a.Str("curve"))
	}
	if a.Str("state") == "absent" {
		return c.removeKey(ctx, r, t)
	}
	var old *heldKey
	if t.exists {
		old, err = readKey(t.content, a.Str("passphrase"))
	}
	make, convert, fail := keyPlan(a, t.exists, old, err)
	if fail != nil {
		return fail, nil
	}
	content, held := string(t.content), old
	switch {
	case make:
		held, err = newKey(a)
	case convert:
		held = &heldKey{key: old.key, dh: old.dh}
	}
	if err == nil && (make || convert) {
		content, err = held.text(a)
	}
	if err != nil && (make || convert) {
		return Fail("cannot make the key: %s", err), nil
	}
	var backup string
	r.Changed, backup, fail, err = c.keepFile(ctx, t, content, kept{backup: a.Bool("backup") && t.exists, unsafe: a.Bool("unsafe_writes")})
	if fail != nil || err != nil {
		return fail, err
	}
	if a.Bool("backup") && t.exists && r.Changed && !c.Check && content != string(t.content) {
		r.Set("backup_file", backup)
	}
	if c.Diff {
		r.Diffs = []Diff{valuesDiff(old.describe(), held.describe(), t.at.Path, t.at.Path)}
	}
	// What would be made in check mode is thrown away: its numbers mean nothing.
	r.Set("fingerprint", nil)
	if der := held.public(); der != nil && !(c.Check && make) {
		r.Set("fingerprint", fingerprints(der))
	}
	if a.Bool("return_content") && !(c.Check && make) {
		r.Set("privatekey", content)
		r.NoLog = true
	}
	return r, nil
}

// refuseKey says what cannot be made here.
func refuseKey(a Args) *Result {
	format := a.Str("format")
	switch {
	case a.Str("state") == "absent":
	case a.Str("type") == "DSA", a.Str("type") == "Ed448", a.Str("type") == "X448":
		return Fail("keys of type %s are not supported here: RSA, ECC, Ed25519 and X25519 are; or run openssl on the host", a.Str("type"))
	case a.Str("type") == "ECC" && ellipticCurves[a.Str("curve")] == nil:
		return Fail("the curve %s is not supported here: secp224r1, secp256r1, secp384r1 and secp521r1 are; or run openssl on the host", a.Str("curve"))
	case a.Given("passphrase") && (format == "pkcs8" || format == "raw" || a.Str("type") == "Ed25519" || a.Str("type") == "X25519"):
		return Fail("a passphrase is supported here for RSA and ECC keys in PKCS#1 form only")
	case a.Given("cipher") && a.Str("cipher") != "auto":
		return Fail("Cipher must be 'auto'")
	case a.Str("type") == "RSA" && a.Int("size") < 1024:
		return Fail("an RSA key of %d bits is not supported here: 1024 is the least", a.Int("size"))
	case format == "raw" && a.Str("type") != "Ed25519" && a.Str("type") != "X25519", format == "pkcs1" && a.Str("type") != "RSA" && a.Str("type") != "ECC":
		return Fail("keys of type %s have no form %s", a.Str("type"), format)
	}
	return nil
}

// keyPlan decides whether a key is made, or only written in another form.
func keyPlan(a Args, exists bool, old *heldKey, unreadable error) (make, convert bool, fail *Result) {
	when := a.Str("regenerate")
	switch {
	case !exists, a.Bool("force"), when == "always":
		return true, false, nil
	case when == "never":
		return false, false, nil
	case unreadable != nil && when != "full_idempotence":
		return false, false, Fail("Unable to read the key: %s. Will not proceed.", unreadable)
	case unreadable != nil:
		return true, false, nil
	case !old.fits(a) && when == "fail":
		return false, false, Fail("Key has wrong type and/or size. Will not proceed. To force regeneration, call the module with `generate` set to `partial_idempotence`, `full_idempotence` or `always`, or with `force=true`.")
	case !old.fits(a):
		return true, false, nil
	}
	if f := a.Str("format"); f != "auto_ignore" && old.format != keyFormat(f, a.Str("type")) {
		switch {
		case a.Str("format_mismatch") == "convert":
			return false, true, nil
		case when == "fail":
			return false, false, Fail("Key has wrong format. Will not proceed. To force regeneration, call the module with `generate` set to `partial_idempotence`, `full_idempotence` or `always`, or with `force=true`.")
		}
		return true, false, nil
	}
	return false, false, nil
}

// keyFormat is the form that a format asks for.
func keyFormat(format, kind string) string {
	if format != "auto" && format != "auto_ignore" {
		return format
	}
	if kind == "RSA" || kind == "ECC" {
		return "pkcs1"
	}
	return "pkcs8"
}

// fits reports whether the key is of the kind and size asked for.
func (h *heldKey) fits(a Args) bool {
	if h.dh != nil {
		return a.Str("type") == "X25519"
	}
	switch k := h.key.(type) {
	case *rsa.PrivateKey:
		return a.Str("type") == "RSA" && k.N.BitLen() == a.Int("size")
	case *ecdsa.PrivateKey:
		return a.Str("type") == "ECC" && curveNames[k.Curve.Params().Name] == a.Str("curve")
	case ed25519.PrivateKey:
		return a.Str("type") == "Ed25519"
	}
	return false
}

func newKey(a Args) (*heldKey, error) {
	h := &heldKey{}
	var err error
	switch a.Str("type") {
	case "RSA":
		h.key, err = rsa.GenerateKey(rand.Reader, a.Int("size"))
	case "ECC":
		h.key, err = ecdsa.GenerateKey(ellipticCurves[a.Str("curve")], rand.Reader)
	case "Ed25519":
		_, h.key, err = ed25519.GenerateKey(rand.Reader)
	default:
		h.dh, err = ecdh.X25519().GenerateKey(rand.Reader)
	}
	return h, err
}

// any is the key in the type that crypto/x509 takes.
func (h *heldKey) any() any {
	if h.dh != nil {
		return h.dh
	}
	return h.key
}

// text is the file in the form asked for.
func (h *heldKey) text(a Args) (string, error) {
	form := keyFormat(a.Str("format"), a.Str("type"))
	block := &pem.Block{}
	var err error
	switch k := h.any().(type) {
	case *rsa.PrivateKey:
		block.Type, block.Bytes = "RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(k)
	case *ecdsa.PrivateKey:
		block.Type = "EC PRIVATE KEY"
		block.Bytes, err = x509.MarshalECPrivateKey(k)
	case ed25519.PrivateKey:
		block.Bytes = k.Seed()
	case *ecdh.PrivateKey:
		block.Bytes = k.Bytes()
	}
	switch form {
	case "raw":
		return string(block.Bytes), nil
	case "pkcs8":
		block.Type = "PRIVATE KEY"
		block.Bytes, err = x509.MarshalPKCS8PrivateKey(h.any())
	}
	if err == nil && a.Str("passphrase") != "" {
		//lint:ignore SA1019 the old PEM encryption is the form that Ansible writes and reads
		block, err = x509.EncryptPEMBlock(rand.Reader, block.Type, block.Bytes, []byte(a.Str("passphrase")), x509.PEMCipherAES256)
	}
	if err != nil {
		return "", err
	}
	return string(pem.EncodeToMemory(block)), nil
}

// readKey reads a key of a file.
func readKey(content []byte, passphrase string) (*heldKey, error) {
	block, _ := pem.Decode(content)
	if block == nil {
		if len(content) == 32 {
			return &heldKey{key: ed25519.NewKeyFromSeed(content), format: "raw"}, nil
		}
		return nil, errors.New("it is no key in PEM")
	}
	//lint:ignore SA1019 the old PEM encryption is the form that Ansible writes and reads
	encrypted := x509.IsEncryptedPEMBlock(block)
	der := block.Bytes
	switch {
	case block.Type == "ENCRYPTED PRIVATE KEY":
		return nil, errors.New("encrypted keys in PKCS#8 form cannot be read here")
	case encrypted && passphrase == "":
		return nil, errors.New("it has a passphrase, and none was given")
	case !encrypted && passphrase != "":
		return nil, errors.New("it has no passphrase, and one was given")
	case encrypted:
		var err error
		//lint:ignore SA1019 the old PEM encryption is the form that Ansible writes and reads
		if der, err = x509.DecryptPEMBlock(block, []byte(passphrase)); err != nil {
			return nil, errors.New("the passphrase is another one")
		}
	}
	switch block.Type {
	case "RSA PRIVATE KEY":
		k, err := x509.ParsePKCS1PrivateKey(der)
		return &heldKey{key: k, format: "pkcs1"}, err
	case "EC PRIVATE KEY":
		k, err := x509.ParseECPrivateKey(der)
		return &heldKey{key: k, format: "pkcs1"}, err
	}
	k, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, err
	}
	h := &heldKey{format: "pkcs8"}
	if h.dh, _ = k.(*ecdh.PrivateKey); h.dh == nil {
		if h.key, _ = k.(crypto.Signer); h.key == nil {
			return nil, fmt.Errorf("keys of type %T cannot be read here", k)
		}
	}
	return h, nil
}

// public is the public key, nil without one.
func (h *heldKey) public() []byte {
	var der []byte
	switch {
	case h == nil:
	case h.dh != nil:
		der, _ = x509.MarshalPKIXPublicKey(h.dh.PublicKey())
	case h.key != nil:
		der, _ = x509.MarshalPKIXPublicKey(h.key.Public())
	}
	return der
}

// describe is what may be shown of a key in a diff.
func (h *heldKey) describe() *value.Dict {
	der := h.public()
	if der == nil {
		return value.NewDict()
	}
	kind, data := "X25519", value.NewDict()
	if h.key != nil {
		kind, data = publicKeyData(h.key.Public())
	}
	return value.NewDict("can_parse_key", true, "key_is_consistent", nil, "public_data", data, "public_key", pemText("PUBLIC KEY", der),
		"public_key_fingerprints", value.NewDict("sha256", fingerprints(der).At("sha256")), "type", kind)
}

func (c *Call) removeKey(ctx context.Context, r *Result, t *textFile) (*Result, error) {
	r.Set("fingerprint", nil)
	if r.Changed = t.exists; !t.exists || c.Check {
		return r, nil
	}
	if c.Args.Bool("backup") {
		f, fail, err := c.observe(ctx, "E() { printf '\\0fail=%s\\0' \"$1\"; exit 0; }\np="+quoteText(t.at.Path)+"\n"+backupScript)
		if fail != nil || err != nil {
			return fail, err
		}
		r.Set("backup_file", f.text("backup"))
	}
	fail, err := c.removeFile(ctx, t.at.Path)
	return first(fail, r), err
}
