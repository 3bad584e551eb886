package jinja

import (
	"strings"
	"testing"
)

// Hashes that passlib made.
func TestPasswordFits(t *testing.T) {
	for _, hash := range []string{
		"$apr1$abcdefgh$5VEbMkemELfbhC5ck.U.z1", "$1$abcdefgh$IQtUouv7y7Q9dRWkQEPCc.", "pw",
	} {
		if !PasswordFits(hash, "pw") || PasswordFits(hash, "px") {
			t.Errorf("%s", hash)
		}
	}
	for _, scheme := range []string{"apr_md5_crypt", "md5_crypt", "sha256_crypt", "sha512_crypt", "ldap_sha1", "plaintext", "bcrypt"} {
		hash, err := HashPassword(scheme, "비밀")
		if err != nil || !PasswordFits(hash, "비밀") || PasswordFits(hash, "비밀 ") {
			t.Errorf("%s: %s %v", scheme, hash, err)
		}
	}
	if _, err := HashPassword("des_crypt", "x"); err == nil || !strings.Contains(err.Error(), "not supported") {
		t.Errorf("des_crypt: %v", err)
	}
}

func FuzzPasswordFits(f *testing.F) {
	f.Add("$6$rounds=1000$a$b", "x")
	f.Add("$2b$04$abcdefghijklmnopqrstuvabcdefghijklmnopqrstuvwxyz01234", "x")
	f.Fuzz(func(t *testing.T, hash, password string) {
		if strings.Contains(hash, "rounds") && len(hash) > 30 || len(password) > 100 {
			return
		}
		PasswordFits(hash, password)
	})
}
