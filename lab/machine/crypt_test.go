package machine

import "testing"

// TestVerify uses hashes that openssl passwd made.
func TestVerify(t *testing.T) {
	for hash, password := range map[string]string{
		"$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5":                                                               "Hello world!",
		"$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1":                    "Hello world!",
		"$6$rounds=10000$saltstringsaltst$OW1/O6BYHV6BcXZu8QVeXbDWra3Oeqh0sbHbbMCVNSnCM/UrjmM0Dp8vOuZeHBy/YTBmSK6H9qs/y3RnOaw5v.": "Hello world!",
		Hash("secret", "eve"): "secret",
	} {
		if !Verify(hash, password) {
			t.Errorf("%s does not verify", hash)
		}
		if Verify(hash, password+"x") {
			t.Errorf("%s verifies a wrong password", hash)
		}
	}
	for _, hash := range []string{"", "!", "*", "$", "$6$", "$6$rounds=x$a$b", "!" + Hash("x", "y")} {
		if Verify(hash, "x") || Verify(hash, "") {
			t.Errorf("%q verifies", hash)
		}
	}
}
