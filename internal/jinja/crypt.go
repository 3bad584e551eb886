package jinja

import (
	"crypto/sha1"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
)

// HashPassword hashes a password by one of passlib's schemes: apr_md5_crypt,
// md5_crypt, sha256_crypt, sha512_crypt, bcrypt, ldap_sha1, plaintext. The salt
// is a random one.
func HashPassword(scheme, password string) (string, error) {
	switch scheme {
	case "plaintext":
		return password, nil
	case "ldap_sha1":
		sum := sha1.Sum([]byte(password))
		return "{SHA}" + base64.StdEncoding.EncodeToString(sum[:]), nil
	case "apr_md5_crypt":
		return md5Crypt(password, randomSalt(8), "$apr1$"), nil
	}
	p := passwordKinds[strings.TrimSuffix(scheme, "_crypt")]
	if p == nil {
		return "", fmt.Errorf("the scheme %s is not supported: apr_md5_crypt, md5_crypt, sha256_crypt, sha512_crypt, bcrypt, ldap_sha1 and plaintext are", scheme)
	}
	hash, err := p.make(password, randomSalt(p.saltSize), p.rounds, "")
	s, _ := hash.(string)
	return s, err
}

// PasswordFits reports whether a hash, by any of those schemes, is that of the
// password. What is no hash is the password itself.
func PasswordFits(hash, password string) bool {
	same := func(a string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(hash)) == 1 }
	parts := strings.Split(hash, "$")
	switch {
	case strings.HasPrefix(hash, "{SHA}"):
		h, _ := HashPassword("ldap_sha1", password) //nolint:errcheck // this scheme always works
		return same(h)
	case len(parts) == 4 && (parts[1] == "apr1" || parts[1] == "1"):
		return same(md5Crypt(password, parts[2], "$"+parts[1]+"$"))
	case len(parts) == 4 && strings.HasPrefix(parts[1], "2") && len(parts[3]) == 53:
		cost, err := strconv.Atoi(parts[2])
		if err != nil || cost > passwordKinds["bcrypt"].maxRounds {
			return false
		}
		h, err := bcryptHash(password, parts[3][:22], cost, parts[1])
		return err == nil && same(h.(string))
	case len(parts) >= 4 && (parts[1] == "5" || parts[1] == "6"):
		kind := passwordKinds[map[string]string{"5": "sha256", "6": "sha512"}[parts[1]]]
		rounds, salt := 5000, parts[2]
		if text, ok := strings.CutPrefix(salt, "rounds="); ok && len(parts) == 5 {
			n, err := strconv.Atoi(text)
			if err != nil || n < 1 || n > kind.maxRounds {
				return false
			}
			rounds, salt = n, parts[3]
		}
		h, err := kind.make(password, salt, rounds, "")
		return err == nil && same(h.(string))
	}
	return hash != "" && same(password)
}
