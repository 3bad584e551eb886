package modules

import (
	"context"
	"strings"

	"sunup/internal/say"
)

var aptKeyModule = Module{
	Name:       "ansible.builtin.apt_key",
	Summary:    say.T("Manages the keys that APT trusts.", "APT가 믿는 키를 관리한다."),
	Notes:      say.T("Uses gpg on a keyring; without keyring, apt-key where it still exists, else /etc/apt/trusted.gpg.d.", "gpg로 키링을 다룬다. keyring이 없으면 apt-key가 남아 있을 때 그것을, 아니면 /etc/apt/trusted.gpg.d를 쓴다."),
	Idempotent: true,
	Spec: Spec{
		Params: []Param{
			{Name: "id", Doc: say.T("Number of the key.", "키 번호.")},
			{Name: "url", Doc: say.T("Address to fetch the key from.", "키를 받을 주소.")},
			{Name: "data", Doc: say.T("The key itself.", "키 자체.")},
			{Name: "file", Type: Path, Doc: say.T("File on the host that holds the key.", "키가 든 호스트의 파일.")},
			{Name: "keyring", Type: Path, Doc: say.T("Keyring below /etc/apt/trusted.gpg.d.", "/etc/apt/trusted.gpg.d 아래의 키링.")},
			{Name: "validate_certs", Type: Bool, Default: true, Doc: say.T("Check the certificate of the address.", "주소의 인증서를 확인한다.")},
			{Name: "keyserver", Doc: say.T("Key server to fetch it from.", "키를 받을 키 서버.")},
			{Name: "state", Default: "present", Choices: []any{"absent", "present"}, Doc: say.T("Whether it should be there.", "키가 있어야 하는지.")},
		},
		MutuallyExclusive: [][]string{{"data", "file", "keyserver", "url"}},
	},
	Returns: []Return{
		{"key_id", "str", "success", say.T("Number of the key.", "키 번호.")},
		{"fp", "str", "success", say.T("Fingerprint of the key.", "키의 지문.")},
	},
	Run: runAptKey,
}

// aptKeyTools says which keys a ring holds (L), and works on it by gpg (R).
const aptKeyTools = `h=$(mktemp -d) || exit 1
trap 'rm -rf "$h"' EXIT
command -v gpg >/dev/null 2>&1 || N gpg
g() { gpg --homedir "$h" --no-tty --batch --no-auto-check-trustdb "$@"; }
# apt reads plain rings only, not the keyboxes that gpg makes: keys are changed
# in a box beside, and the ring is written from it.
K() { g --no-default-keyring --keyring "$h/box" "$@"; }
R() {
[ ! -s "$ring" ] || K --import "$ring" 2>/dev/null || cp "$ring" "$h/box" || return
K "$@" || return
case $ring in *.asc) K --armor --export >"$ring.sunup" 2>/dev/null ;; *) K --export >"$ring.sunup" 2>/dev/null ;; esac && chmod 644 "$ring.sunup" && mv "$ring.sunup" "$ring"
}
if [ -n "$ring" ]; then :
elif command -v apt-key >/dev/null 2>&1; then R() { APT_KEY_DONT_WARN_ON_DANGEROUS_USAGE=1 apt-key adv --no-tty --batch "$@"; }
else ring=/etc/apt/trusted.gpg.d/sunup.gpg; fi
L() { for r in ${ring:-/etc/apt/trusted.gpg /etc/apt/trusted.gpg.d/*.gpg /etc/apt/trusted.gpg.d/*.asc}; do [ ! -f "$r" ] || g --show-keys --with-colons --with-fingerprint "$r" 2>/dev/null || g --no-default-keyring --keyring "$r" --list-keys --with-colons 2>/dev/null; done; }
`

func runAptKey(ctx context.Context, c *Call) (*Result, error) {
	a := c.Args
	id := strings.ToUpper(strings.ReplaceAll(a.Str("id"), " ", ""))
	id = strings.TrimPrefix(id, "0X")
	if strings.Trim(id, "0123456789ABCDEF") != "" || id != "" && len(id) < 8 {
		return Fail("Invalid key_id: %s", a.Str("id")), nil
	}
	data, fail, err := c.keyData(ctx)
	if fail != nil || err != nil {
		return fail, err
	}
	begin := systemPath + "ring=" + option(a.Given("keyring"), quotePath(a.Str("keyring"))) + "\n" + aptKeyTools
	look := begin + "printf 'have='; L; printf '\\0'\n"
	if data != "" {
		look += "printf 'new='; printf '%s\\n' " + quoteText(data) + " | g --show-keys --with-colons --with-fingerprint 2>/dev/null; printf '\\0'\n"
	} else if a.Given("file") {
		look += "printf 'new='; g --show-keys --with-colons --with-fingerprint " + quotePath(a.Str("file")) + " 2>/dev/null; printf '\\0'\n"
	}
	f, fail, err := c.observe(ctx, look+":\n")
	if fail != nil || err != nil {
		return fail, err
	}
	if id == "" {
		if prints := keyPrints(f["new"]); len(prints) > 0 {
			id = prints[0]
		}
	}
	if id == "" {
		return Fail("No key_id: it was not given, and none could be read from what was"), nil
	}
	there := false
	for _, p := range keyPrints(f["have"]) {
		there = there || strings.HasSuffix(p, id)
	}
	r := ChangedIf(there != (a.Str("state") == "present")).Set("id", a.Raw("id")).Set("key_id", id[max(0, len(id)-16):]).Set("short_id", id[max(0, len(id)-8):]).Set("fp", id)
	if !r.Changed || c.Check {
		return r, nil
	}
	script := begin
	switch {
	case a.Str("state") == "absent":
		script += "R --delete-keys --yes " + id + "\n"
	case data != "":
		script += "printf '%s\\n' " + quoteText(data) + " | R --import\n"
	case a.Given("file"):
		script += "R --import " + quotePath(a.Str("file")) + "\n"
	case a.Given("keyserver"):
		script += "R --keyserver " + quoteText(a.Str("keyserver")) + " --recv-keys " + id + "\n"
	default:
		return Fail("the key is not there, and none of data, file, keyserver and url says where to get it"), nil
	}
	s, fail, err := c.hear(ctx, script, "")
	if fail != nil || err != nil {
		return fail, err
	}
	if s.code != 0 {
		return programFailed("gpg", s).Set("key_id", id), nil
	}
	return r, nil
}

// keyData is the key as text, from the task or an address.
func (c *Call) keyData(ctx context.Context) (string, *Result, error) {
	a := c.Args
	if !a.Given("url") || a.Str("state") == "absent" && a.Given("id") {
		return a.Str("data"), nil, nil
	}
	// A key need not be armored, and text cannot hold the other kind.
	s, fail, err := c.hear(ctx, "f=$(mktemp) || exit 1\ntrap 'rm -f \"$f\"' EXIT\nif command -v curl >/dev/null 2>&1; then curl -fsSL "+option(!a.Bool("validate_certs"), "-k ")+"-o \"$f\" -- "+quoteText(a.Str("url"))+" || exit 22\n"+
		"else command -v wget >/dev/null 2>&1 || N curl; wget -q "+option(!a.Bool("validate_certs"), "--no-check-certificate ")+"-O \"$f\" -- "+quoteText(a.Str("url"))+" || exit 22; fi\n"+
		"if grep -q 'BEGIN PGP' \"$f\"; then cat \"$f\"; else command -v gpg >/dev/null 2>&1 || N gpg; gpg --enarmor <\"$f\" 2>/dev/null | sed 's/PGP ARMORED FILE/PGP PUBLIC KEY BLOCK/'; fi\n", "")
	if fail == nil && err == nil && s.code != 0 {
		fail = Fail("Failed to download key at %s: %s", a.Str("url"), s.message())
	}
	return s.out, fail, err
}

// keyPrints are the fingerprints in gpg's table.
func keyPrints(table string) []string {
	var out []string
	for _, l := range lines(table) {
		if cols := strings.Split(l, ":"); cols[0] == "fpr" && len(cols) > 9 {
			out = append(out, cols[9])
		}
	}
	return out
}
