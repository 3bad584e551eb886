package jinja

import (
	"crypto/md5"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash"
	"strconv"
	"strings"

	"golang.org/x/crypto/blake2b"
	//lint:ignore SA1019 bcrypt of password_hash is made of it, whatever better ciphers there are
	"golang.org/x/crypto/blowfish"
	"golang.org/x/crypto/sha3"

	"sunup/internal/value"
)

var hashFilters = []entry{
	{"md5", "", digest("md5")},
	{"sha1", "", digest("sha1")},
	{"checksum", "", digest("sha1")},
	{"hash", "hashtype", filterHash},
	{"password_hash", "hashtype salt salt_size rounds ident", filterPasswordHash},
	{"to_uuid", "namespace", filterToUUID},
}

var hashes = map[string]func() hash.Hash{
	"md5": md5.New, "sha1": sha1.New, "sha224": sha256.New224, "sha256": sha256.New, "sha384": sha512.New384, "sha512": sha512.New,
	"sha512_224": sha512.New512_224, "sha512_256": sha512.New512_256,
	"sha3_224": sha3.New224, "sha3_256": sha3.New256, "sha3_384": sha3.New384, "sha3_512": sha3.New512,
	"blake2b": func() hash.Hash { h, _ := blake2b.New512(nil); return h },
}

func digestOf(name, s string) string {
	h := hashes[name]()
	h.Write([]byte(s))
	return hex.EncodeToString(h.Sum(nil))
}

func digest(name string) Func {
	return textFilter(func(s string) string { return digestOf(name, s) })
}

func filterHash(c *Call) (any, error) {
	args := c.read()
	s := args.self()
	name := args.text(0, "sha1")
	if args.err != nil {
		return nil, args.err
	}
	name = strings.ReplaceAll(strings.ToLower(name), "-", "_")
	if hashes[name] == nil {
		return nil, FilterError("unsupported hash type %s", name)
	}
	return c.result(digestOf(name, s))
}

// ansibleNamespace is the namespace of to_uuid.
const ansibleNamespace = "361E6D51-FAEC-444A-9079-341386DA8E2E"

func filterToUUID(c *Call) (any, error) {
	s, err := c.self()
	if err != nil {
		return nil, err
	}
	if v, bad := c.arg(0, ansibleNamespace).(int); bad {
		return nil, FilterError("Invalid value '%d' for 'namespace': 'int' object has no attribute 'replace'", v)
	}
	namespace, err := c.text(0, ansibleNamespace)
	if err != nil {
		return nil, err
	}
	id, err := hex.DecodeString(strings.NewReplacer("-", "", "{", "", "}", "", "urn:uuid:", "").Replace(namespace))
	if err != nil || len(id) != 16 {
		return nil, FilterError("Invalid value '%s' for 'namespace': badly formed hexadecimal UUID string", namespace)
	}
	h := sha1.New()
	h.Write(id)
	h.Write([]byte(s))
	u := h.Sum(nil)[:16]
	u[6] = u[6]&0x0f | 0x50
	u[8] = u[8]&0x3f | 0x80
	x := hex.EncodeToString(u)
	return x[:8] + "-" + x[8:12] + "-" + x[12:16] + "-" + x[16:20] + "-" + x[20:], nil
}

const saltAlphabet = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// saltChars are those Ansible draws salts from.
const saltChars = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789./"

func randomSalt(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	for i := range b {
		b[i] = saltChars[int(b[i])%len(saltChars)]
	}
	return string(b)
}

func filterPasswordHash(c *Call) (any, error) {
	args := c.read()
	password := args.self()
	kind := args.text(0, "sha512")
	salt, size, rounds := "", -1, 0
	if c.arg(1, nil) != nil {
		salt = args.anyText(1, "")
	}
	if c.arg(2, nil) != nil {
		size = args.int(2, -1)
	}
	if c.arg(3, nil) != nil {
		rounds = args.int(3, 0)
	}
	if args.err != nil {
		return nil, args.err
	}
	kind = strings.TrimSuffix(kind, "_crypt")
	p := passwordKinds[kind]
	if p == nil {
		return nil, FilterError("crypt.crypt does not support '%s' algorithm", kind)
	}
	if salt == "" {
		if size < 0 || size > p.saltSize {
			size = p.saltSize
		}
		salt = randomSalt(size)
	}
	if strings.Trim(salt, saltAlphabet) != "" {
		return nil, FilterError("invalid characters in salt")
	}
	if len(salt) > p.saltSize {
		return nil, FilterError("Could not hash the secret.. salt too large (%s_crypt requires <= %d chars)", kind, p.saltSize)
	}
	if rounds == 0 {
		rounds = p.rounds
	}
	if rounds > p.maxRounds {
		return nil, FilterError("the number of rounds is larger than %d", p.maxRounds)
	}
	if err := c.rt.stepN(10_000 + rounds); err != nil {
		return nil, err
	}
	return p.make(password, salt, rounds, value.Str(c.arg(4, "")))
}

type passwordKind struct {
	saltSize  int
	maxRounds int
	rounds    int // the default, that of passlib
	make      func(password, salt string, rounds int, ident string) (any, error)
}

var passwordKinds = map[string]*passwordKind{
	"md5": {8, 0, 0, func(password, salt string, _ int, _ string) (any, error) {
		return md5Crypt(password, salt, "$1$"), nil
	}},
	"sha256": {16, 10_000_000, 535_000, func(password, salt string, rounds int, _ string) (any, error) {
		return shaCrypt(password, salt, rounds, sha256.New, "$5$", sha256Order), nil
	}},
	"sha512": {16, 10_000_000, 656_000, func(password, salt string, rounds int, _ string) (any, error) {
		return shaCrypt(password, salt, rounds, sha512.New, "$6$", sha512Order), nil
	}},
	"bcrypt":   {22, 16, 12, bcryptHash},
	"blowfish": {22, 16, 12, bcryptHash},
}

// bcryptEncoding is base64 in bcrypt's own order of characters.
var bcryptEncoding = base64.NewEncoding("./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789").WithPadding(base64.NoPadding)

// bcryptHash is written out here because the library draws its own salt, while
// a playbook gives one to be idempotent.
func bcryptHash(password, salt string, cost int, ident string) (any, error) {
	if len(salt) != 22 {
		return nil, FilterError("Could not hash the secret.. salt too small (bcrypt requires exactly 22 chars)")
	}
	if cost < 4 {
		return nil, FilterError("the number of rounds is smaller than 4")
	}
	if ident == "" || ident == "None" {
		ident = "2b"
	}
	seed, err := bcryptEncoding.DecodeString(salt)
	if err != nil {
		return nil, FilterError("invalid characters in salt")
	}
	key := append([]byte(password), 0)
	key = key[:min(len(key), 72)]
	c, err := blowfish.NewSaltedCipher(key, seed)
	if err != nil {
		return nil, FilterError("%s", err)
	}
	for range 1 << cost {
		blowfish.ExpandKey(key, c)
		blowfish.ExpandKey(seed, c)
	}
	text := []byte("OrpheanBeholderScryDoubt")
	for i := 0; i < len(text); i += 8 {
		for range 64 {
			c.Encrypt(text[i:i+8], text[i:i+8])
		}
	}
	return fmt.Sprintf("$%s$%02d$%s%s", ident, cost, bcryptEncoding.EncodeToString(seed), bcryptEncoding.EncodeToString(text[:23])), nil
}

// cryptBase64 writes three bytes as four characters, least significant first.
func cryptBase64(out []byte, b2, b1, b0 byte, n int) []byte {
	w := uint(b2)<<16 | uint(b1)<<8 | uint(b0)
	for range n {
		out = append(out, saltAlphabet[w&63])
		w >>= 6
	}
	return out
}

// The orders in which crypt takes the bytes of a digest, three at a time; -1
// is a missing byte.
var sha256Order = [][3]int{
	{0, 10, 20}, {21, 1, 11}, {12, 22, 2}, {3, 13, 23}, {24, 4, 14}, {15, 25, 5}, {6, 16, 26}, {27, 7, 17}, {18, 28, 8}, {9, 19, 29}, {-1, 31, 30},
}

var sha512Order = [][3]int{
	{0, 21, 42}, {22, 43, 1}, {44, 2, 23}, {3, 24, 45}, {25, 46, 4}, {47, 5, 26}, {6, 27, 48}, {28, 49, 7}, {50, 8, 29}, {9, 30, 51},
	{31, 52, 10}, {53, 11, 32}, {12, 33, 54}, {34, 55, 13}, {56, 14, 35}, {15, 36, 57}, {37, 58, 16}, {59, 17, 38}, {18, 39, 60},
	{40, 61, 19}, {62, 20, 41}, {-1, -1, 63},
}

// shaCrypt is crypt(3) with SHA-256 or SHA-512. Its own default of 5000 rounds
// is not written into the result.
func shaCrypt(password, salt string, rounds int, newHash func() hash.Hash, prefix string, order [][3]int) string {
	n := max(rounds, 1000)
	if len(salt) > 16 {
		salt = salt[:16]
	}
	key, seed := []byte(password), []byte(salt)
	sum := func(parts ...[]byte) []byte {
		h := newHash()
		for _, p := range parts {
			h.Write(p)
		}
		return h.Sum(nil)
	}
	repeat := func(b []byte, size int) []byte {
		out := make([]byte, 0, size)
		for len(out) < size {
			out = append(out, b[:min(len(b), size-len(out))]...)
		}
		return out
	}
	b := sum(key, seed, key)
	parts := [][]byte{key, seed, repeat(b, len(key))}
	for i := len(key); i > 0; i >>= 1 {
		if i&1 != 0 {
			parts = append(parts, b)
		} else {
			parts = append(parts, key)
		}
	}
	a := sum(parts...)
	p := repeat(sum(repeat(key, len(key)*len(key))), len(key))
	s := repeat(sum(repeat(seed, len(seed)*(16+int(a[0])))), len(seed))
	for i := range n {
		var round [][]byte
		if i&1 != 0 {
			round = append(round, p)
		} else {
			round = append(round, a)
		}
		if i%3 != 0 {
			round = append(round, s)
		}
		if i%7 != 0 {
			round = append(round, p)
		}
		if i&1 != 0 {
			round = append(round, a)
		} else {
			round = append(round, p)
		}
		a = sum(round...)
	}
	out := []byte(prefix)
	if n != 5000 {
		out = append(out, "rounds="+strconv.Itoa(n)+"$"...)
	}
	out = append(append(out, seed...), '$')
	at := func(i int) byte {
		if i < 0 {
			return 0
		}
		return a[i]
	}
	for _, o := range order {
		width := 4
		if o[0] < 0 {
			width = 3
		}
		if o[1] < 0 {
			width = 2
		}
		out = cryptBase64(out, at(o[0]), at(o[1]), at(o[2]), width)
	}
	return string(out)
}

// md5Crypt is crypt(3) with MD5; Apache has the same under another sign.
func md5Crypt(password, salt, magic string) string {
	if len(salt) > 8 {
		salt = salt[:8]
	}
	key, seed := []byte(password), []byte(salt)
	alt := md5.New()
	alt.Write(key)
	alt.Write(seed)
	alt.Write(key)
	b := alt.Sum(nil)
	h := md5.New()
	h.Write(key)
	h.Write([]byte(magic))
	h.Write(seed)
	for i := len(key); i > 0; i -= 16 {
		h.Write(b[:min(16, i)])
	}
	for i := len(key); i > 0; i >>= 1 {
		if i&1 != 0 {
			h.Write([]byte{0})
		} else if len(key) > 0 {
			h.Write(key[:1])
		}
	}
	a := h.Sum(nil)
	for i := range 1000 {
		r := md5.New()
		if i&1 != 0 {
			r.Write(key)
		} else {
			r.Write(a)
		}
		if i%3 != 0 {
			r.Write(seed)
		}
		if i%7 != 0 {
			r.Write(key)
		}
		if i&1 != 0 {
			r.Write(a)
		} else {
			r.Write(key)
		}
		a = r.Sum(nil)
	}
	out := []byte(magic + salt + "$")
	for _, o := range [][3]int{{0, 6, 12}, {1, 7, 13}, {2, 8, 14}, {3, 9, 15}, {4, 10, 5}} {
		out = cryptBase64(out, a[o[0]], a[o[1]], a[o[2]], 4)
	}
	return string(cryptBase64(out, 0, 0, a[11], 2))
}
