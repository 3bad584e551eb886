package modules

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"sunup/internal/value"
)

func TestSplitWords(t *testing.T) {
	for text, want := range map[string][]string{
		"":                      nil,
		"  a  b\tc\nd ":         {"a", "b", "c", "d"},
		`a 'b "c' "d 'e"`:       {"a", `b "c`, "d 'e"},
		`a\ b "c\"d\\e\f" ''`:   {"a b", `c"d\e\f`, ""},
		`x'y'z"w"`:              {"xyzw"},
		"발매기 '1 호'":             {"발매기", "1 호"},
		`-- -n '-' "$HOME" ~/x`: {"--", "-n", "-", "$HOME", "~/x"},
	} {
		if got, err := splitWords(text); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %q %v", text, got, err)
		}
	}
	for text, want := range map[string]string{"'a": "No closing quotation", `"a`: "No closing quotation", `a\`: "No escaped character", `"a\`: "No escaped character"} {
		if _, err := splitWords(text); err == nil || err.Error() != want {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestSplitLines(t *testing.T) {
	for text, want := range map[string][]string{
		"": {}, "a": {"a"}, "a\n": {"a"}, "a\n\nb": {"a", "", "b"}, "a\r\nb\rc\vd\fe\u2028f\u0085g": {"a", "b", "c", "d", "e", "f", "g"}, "\n": {""},
	} {
		if got := splitLines(text); value.Repr(got) != value.Repr(value.Strings(want)) {
			t.Errorf("%q: %s", text, value.Repr(got))
		}
	}
}

func TestDurationText(t *testing.T) {
	for d, want := range map[time.Duration]string{
		4445 * time.Microsecond: "0:00:00.004445", 90 * time.Second: "0:01:30", 25 * time.Hour: "1 day, 1:00:00", 49*time.Hour + time.Millisecond: "2 days, 1:00:00.001000",
		-time.Second: "0:00:00", 10 * time.Hour: "10:00:00",
	} {
		if got := durationText(d); got != want {
			t.Errorf("%v: %s, expected %s", d, got, want)
		}
	}
}

func TestWildcard(t *testing.T) {
	for _, c := range []struct {
		pattern, s string
		want       bool
	}{
		{"*", "", true}, {"a*c", "abbc", true}, {"a*c", "abbcd", false}, {"a?c", "abc", true}, {"[a-c]x", "bx", true}, {"[!a-c]x", "bx", false}, {"[]]", "]", true},
		{"a[", "a[", true}, {"*a*b*", "xxaxxbxx", true}, {"", "", true}, {"", "a", false}, {"**", "a", true}, {"ansible_*_mb", "ansible_memfree_mb", true},
	} {
		if got := wildcard(c.pattern, c.s); got != c.want {
			t.Errorf("%q %q: %v", c.pattern, c.s, got)
		}
	}
}

// Hosts of which we have only the files.
func TestDistributions(t *testing.T) {
	for _, c := range []struct{ note, files, want string }{
		{"Ubuntu", "etc.os-release=NAME=\"Ubuntu\"\nVERSION_ID=\"22.04\"\nVERSION=\"22.04.3 LTS (Jammy Jellyfish)\"\nVERSION_CODENAME=jammy\nID=ubuntu\nID_LIKE=debian\n\x00etc.debian_version=bookworm/sid\n", "Ubuntu 22.04 22 jammy Debian"},
		{"Rocky", "etc.os-release=NAME=\"Rocky Linux\"\nVERSION=\"9.3 (Blue Onyx)\"\nID=\"rocky\"\nVERSION_ID=\"9.3\"\nPRETTY_NAME=\"Rocky Linux 9.3 (Blue Onyx)\"\n\x00etc.redhat-release=Rocky Linux release 9.3 (Blue Onyx)\n", "Rocky 9.3 9 Blue Onyx RedHat"},
		{"CentOS 7", "etc.os-release=NAME=\"CentOS Linux\"\nVERSION=\"7 (Core)\"\nID=\"centos\"\nVERSION_ID=\"7\"\nPRETTY_NAME=\"CentOS Linux 7 (Core)\"\n\x00etc.centos-release=CentOS Linux release 7.9.2009 (Core)\n", "CentOS 7.9.2009 7 Core RedHat"},
		{"CentOS 6, older than os-release", "etc.centos-release=CentOS release 6.10 (Final)\n", "CentOS 6.10 6 Final RedHat"},
		{"Alpine", "etc.os-release=NAME=\"Alpine Linux\"\nID=alpine\nVERSION_ID=3.19.1\nPRETTY_NAME=\"Alpine Linux v3.19\"\n\x00etc.alpine-release=3.19.1\n", "Alpine 3.19.1 3 NA Alpine"},
		{"Leap", "etc.os-release=NAME=\"openSUSE Leap\"\nVERSION=\"15.5\"\nID=\"opensuse-leap\"\nID_LIKE=\"suse opensuse\"\nVERSION_ID=\"15.5\"\n", "openSUSE Leap 15.5 15 5 Suse"},
		{"unknown but like Debian", "etc.os-release=NAME=\"Gooroom\"\nID=gooroom\nID_LIKE=debian\nVERSION_ID=\"3.0\"\n", "Gooroom 3.0 3 NA Debian"},
		{"nothing", "", "OtherLinux NA NA NA OtherLinux"},
	} {
		facts := &value.Dict{}
		readDistribution(readFactFields(factMark+c.files+"\x00"), facts)
		var got []string
		for _, k := range []string{"distribution", "distribution_version", "distribution_major_version", "distribution_release", "os_family"} {
			got = append(got, value.Str(facts.At(k)))
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: %s, expected %s", c.note, strings.Join(got, " "), c.want)
		}
	}
}

func FuzzSplitWords(f *testing.F) {
	f.Add(`a 'b c' "d\"e" \f`)
	f.Fuzz(func(t *testing.T, s string) {
		words, err := splitWords(s)
		if err != nil {
			return
		}
		quoted := make([]string, len(words))
		for i, w := range words {
			quoted[i] = pythonQuote(w)
		}
		again, err := splitWords(strings.Join(quoted, " "))
		if err != nil || strings.Join(again, "\x01") != strings.Join(words, "\x01") {
			t.Errorf("%q became %q: %v", words, again, err)
		}
	})
}

// Whatever a host answers, facts come out and nothing breaks.
func FuzzFacts(f *testing.F) {
	f.Add("A=b\x00" + factMark + "uname.s=Linux\x00cpuinfo=processor: 0\ncpu cores: 0\nsiblings: 3\x00mounts=/dev/sda / ext4 rw 0 0\n\x00ip4=1: lo    inet 127.0.0.1/8 scope host lo\\ valid_lft\n\x00")
	f.Add(factMark + "date=1700000000 12 +0900 KST\x00lvm.vgs=a,1,2,3,4,5,6\n\x00part.sda.sda1=1 2\x00disk.sda=1\x00local.x={\"a\":1}\x00")
	f.Fuzz(func(t *testing.T, out string) {
		fields := readFactFields(out)
		facts := &value.Dict{}
		for _, set := range factSets {
			set.read(fields, facts)
		}
		if _, err := value.EncodeJSON(prefixed(facts, nil, nil), value.JSONOptions{}); err != nil {
			t.Error(err)
		}
	})
}

func FuzzWildcard(f *testing.F) {
	f.Add("[a-", "x")
	f.Add("*[!]*]?", "abc]")
	f.Fuzz(func(_ *testing.T, pattern, s string) { wildcard(pattern, s) })
}

func FuzzReadUnit(f *testing.F) {
	f.Add("Id=x\nExecStart={ a\n b }\nX={ y\n")
	f.Fuzz(func(_ *testing.T, s string) {
		readUnit(s)
		readAccount(s)
		readGroups(s)
		readINI(s)
		countSockets(s, "0016", map[string]bool{"01": true}, socketAddresses(s), nil)
	})
}
