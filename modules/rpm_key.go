package modules

import (
	"context"
	"strings"

	"sunup/internal/say"
)

var rpmKeyModule = Module{
	Name:       "ansible.builtin.rpm_key",
	Summary:    say.T("Manages the keys that RPM trusts.", "RPM이 믿는 키를 관리한다."),
	Untried:    true,
	Idempotent: true,
	Spec: Spec{Params: []Param{
		{Name: "state", Default: "present", Choices: []any{"absent", "present"}, Doc: say.T("Whether it should be there.", "키가 있어야 하는지.")},
		{Name: "key", Required: true, Doc: say.T("Address, file on the host, or number of the key.", "주소, 호스트의 파일 또는 키 번호.")},
		{Name: "fingerprint", Doc: say.T("Fingerprint that the key must have.", "키가 지녀야 할 지문.")},
		{Name: "validate_certs", Type: Bool, Default: true, Doc: say.T("Check the certificate of the address.", "주소의 인증서를 확인한다.")},
	}},
	Run: runRPMKey,
}

func runRPMKey(ctx context.Context, c *Call) (*Result, error) {
	a := c.Args
	key := a.Str("key")
	id := strings.TrimPrefix(strings.ToLower(strings.ReplaceAll(key, " ", "")), "0x")
	isID := len(id) >= 8 && strings.Trim(id, "0123456789abcdef") == ""
	if isID && a.Str("state") == "present" {
		return Fail("When importing a key, a valid file must be given"), nil
	}
	script := systemPath + needTool("rpm") + "f=$(mktemp) || exit 1\n"
	switch {
	case isID:
	case strings.Contains(key, "://"):
		script += "curl -fsSL " + option(!a.Bool("validate_certs"), "-k ") + "-o \"$f\" -- " + quoteText(key) + " || { [ $? != 127 ] || N curl; printf '\\0fail=failed to fetch key at %s\\0' " + quoteText(key) + "; exit 0; }\n"
	default:
		script += "cat -- " + quotePath(key) + " >\"$f\" || exit 1\n"
	}
	if !isID {
		script += needTool("gpg") + "printf 'new='; gpg --no-tty --batch --with-colons --with-fingerprint --show-keys \"$f\" 2>/dev/null; printf '\\0'\n"
	}
	f, fail, err := c.observe(ctx, script+"printf 'file=%s\\0have=' \"$f\"; rpm -q gpg-pubkey --qf '%{version}\\n' 2>/dev/null; printf '\\0'\n")
	if fail != nil || err != nil {
		return fail, err
	}
	prints := keyPrints(f["new"])
	if !isID {
		if len(prints) == 0 {
			return Fail("Not a valid key %s", key), nil
		}
		if want := strings.ToUpper(strings.ReplaceAll(a.Str("fingerprint"), " ", "")); want != "" && want != prints[0] {
			return Fail("The specified fingerprint, '%s', does not match any key fingerprints in '%s'", want, key), nil
		}
		id = strings.ToLower(prints[0])
	}
	short := id[len(id)-8:]
	there := contains(strings.Fields(f["have"]), short)
	r := ChangedIf(there != (a.Str("state") == "present"))
	done := "rm -f -- " + quoteText(f["file"])
	step := done
	if r.Changed && !c.Check {
		if step = "rpm --import " + quoteText(f["file"]); there {
			step = "rpm --erase --allmatches gpg-pubkey-" + short
		}
		step = "{ " + step + "; r=$?; " + done + "; [ $r = 0 ]; }"
	}
	if _, fail, err := c.do(ctx, step); fail != nil || err != nil {
		return fail, err
	}
	return r, nil
}
