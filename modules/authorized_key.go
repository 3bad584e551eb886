package modules

import (
	"context"
	"path"
	"regexp"
	"sort"
	"strconv"
	"strings"

	"sunup/internal/say"
)

var authorizedKeyModule = Module{
	Name:       "ansible.posix.authorized_key",
	Summary:    say.T("Manages the SSH keys that may log in to an account.", "계정에 로그인할 수 있는 SSH 키를 관리한다."),
	Notes:      say.T("A key that is an address is fetched on the host by curl or wget.", "주소로 준 키는 호스트의 curl이나 wget으로 받는다."),
	Idempotent: true,
	Spec: Spec{Params: []Param{
		{Name: "user", Required: true, Doc: say.T("The account.", "계정.")},
		{Name: "key", Required: true, Doc: say.T("Public keys, one per line, or an address.", "공개 키(한 줄에 하나) 또는 주소.")},
		{Name: "path", Type: Path, Doc: say.T("Another file than ~/.ssh/authorized_keys.", "~/.ssh/authorized_keys 대신 쓸 파일.")},
		{Name: "manage_dir", Type: Bool, Default: true, Doc: say.T("Make the directory and set its owner and mode.", "디렉터리를 만들고 소유자와 권한을 정한다.")},
		{Name: "state", Default: "present", Choices: []any{"absent", "present"}, Doc: say.T("Whether the keys should be there.", "키가 있어야 하는지.")},
		{Name: "key_options", Doc: say.T("Options before the keys.", "키 앞에 둘 옵션.")},
		{Name: "exclusive", Type: Bool, Default: false, Doc: say.T("All other keys go away.", "다른 키는 모두 없앤다.")},
		{Name: "comment", Doc: say.T("Comment instead of the keys' own.", "키의 설명 대신 쓸 설명.")},
		{Name: "validate_certs", Type: Bool, Default: true, Doc: say.T("Check the certificate of an address.", "주소의 인증서를 확인한다.")},
		{Name: "follow", Type: Bool, Default: false, Doc: say.T("Follow a link of the file.", "파일의 링크를 따라간다.")},
	}},
	Returns: []Return{
		{"keyfile", "str", "success", say.T("The file.", "파일.")},
		{"user", "str", "success", say.T("The account.", "계정.")},
	},
	Run: runAuthorizedKey,
}

var sshKeyType = regexp.MustCompile(`^((sk-|webauthn-sk-)?(ecdsa-sha2-nistp(256|384|521)|ssh-ed25519|ssh-rsa|ssh-dss|ssh-xmss)(-cert-v01)?(@openssh\.com)?|rsa-sha2-(256|512)(-cert-v01@openssh\.com)?)$`)

// sshKey is one line of an authorized_keys file; kind is empty for lines that
// are no keys.
type sshKey struct {
	line, kind, key, comment string
	options                  []string
}

func readSSHKey(line string) sshKey {
	k := sshKey{line: line}
	words := keyWords(strings.TrimRight(line, "\r\n"))
	if len(words) > 0 && strings.HasPrefix(words[0], "#") {
		return k
	}
	for i, w := range words {
		if sshKeyType.MatchString(w) && i+1 < len(words) {
			k.kind, k.key, k.comment = w, words[i+1], strings.Join(words[i+2:], " ")
			k.options = keyOptions(strings.Join(words[:i], " "))
			break
		}
	}
	return k
}

// keyWords splits at blanks that are not between quotes.
func keyWords(s string) []string {
	var words []string
	var word strings.Builder
	quoted := false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && i+1 < len(s) && s[i+1] == '"':
			word.WriteString(`\"`)
			i++
		case c == '"':
			quoted = !quoted
			word.WriteByte(c)
		case (c == ' ' || c == '\t') && !quoted:
			if word.Len() > 0 {
				words = append(words, word.String())
			}
			word.Reset()
		default:
			word.WriteByte(c)
		}
	}
	if word.Len() > 0 {
		words = append(words, word.String())
	}
	return words
}

// keyOptions splits options at commas that are not between quotes.
func keyOptions(s string) []string {
	var out []string
	quoted, from := false, 0
	for i := 0; i <= len(s); i++ {
		switch {
		case i == len(s) || s[i] == ',' && !quoted:
			if o := strings.TrimSpace(s[from:i]); o != "" {
				out = append(out, o)
			}
			from = i + 1
		case s[i] == '"' && (i == 0 || s[i-1] != '\\'):
			quoted = !quoted
		}
	}
	return out
}

func (k sshKey) String() string {
	if k.kind == "" {
		return k.line
	}
	head := strings.Join(k.options, ",")
	if head != "" {
		head += " "
	}
	return head + k.kind + " " + k.key + " " + k.comment + "\n"
}

func (k sshKey) same(o sshKey) bool {
	sorted := func(list []string) string {
		list = append([]string(nil), list...)
		sort.Strings(list)
		return strings.Join(list, ",")
	}
	return k.kind == o.kind && k.comment == o.comment && sorted(k.options) == sorted(o.options)
}

const lookHome = `if command -v getent >/dev/null 2>&1; then x=$(getent passwd "$u")
else while IFS= read -r l; do case $l in "$u":*) x=$l; break;; esac; done </etc/passwd; fi
[ -n "$x" ] || { printf '\0fail=Failed to lookup user %s: no such user\0' "$u"; exit 0; }
printf 'passwd=%s\0' "$x"
h=${x%:*}; h=${h##*:}
[ -n "$p" ] || p=$h/.ssh/authorized_keys
`

const lookKeyFile = `[ "$follow" != 1 ] || [ ! -h "$p" ] || p=$(readlink -f "$p")
[ ! -d "${p%/*}" ] || { printf 'dir='; stat -c '%u:%g:%a' "${p%/*}"; printf '\0'; }
`

func runAuthorizedKey(ctx context.Context, c *Call) (*Result, error) {
	a := c.Args
	p := "''"
	if a.Given("path") {
		p = quotePath(a.Str("path"))
	}
	begin := systemPath + "follow=" + option(a.Bool("follow"), "1") + "\nu=" + quoteText(a.Str("user")) + "\np=" + p + "\nx=\n" + lookHome + lookKeyFile
	keys := a.Str("key")
	if strings.HasPrefix(keys, "http") {
		var fail *Result
		var err error
		if keys, fail, err = c.fetchText(ctx, keys, a.Bool("validate_certs")); fail != nil || err != nil {
			return fail, err
		}
	}
	f, fail, err := c.observe(ctx, begin+parentScript+"O at \"$p\"\n"+attrs{}.lookup()+readContent(maxAnswer))
	if fail != nil || err != nil {
		return fail, err
	}
	account := readAccount(strings.TrimSpace(f["passwd"]))
	t := &textFile{fields: f, at: f.found("at", f["p"])}
	t.exists = t.at.exists()
	if t.content, fail, err = c.contentOf(ctx, f, t.at); fail != nil || err != nil {
		return fail, err
	}
	lines, changed, fail := c.authorize(t.text(), keys)
	if fail != nil {
		return fail, nil
	}
	r := ChangedIf(changed)
	for _, name := range []string{"user", "path", "manage_dir", "state", "key_options", "exclusive", "comment", "key", "follow", "validate_certs"} {
		r.Set(name, a.Raw(name))
	}
	r.Set("keyfile", t.at.Path)
	c.fileDiff(r, t, lines)
	if !changed || c.Check {
		if a.Given("path") {
			t.at.describe(r, t.id.secontext)
		}
		return r, nil
	}
	return c.writeKeys(ctx, r, t, account, lines)
}

// writeKeys writes the file as the account's own.
func (c *Call) writeKeys(ctx context.Context, r *Result, t *textFile, account account, lines string) (*Result, error) {
	owner := strconv.Itoa(account.uid) + ":" + strconv.Itoa(account.gid)
	if c.Args.Bool("manage_dir") {
		d := quoteText(path.Dir(t.at.Path))
		_, fail, err := c.do(ctx, "if [ ! -d "+d+" ]; then mkdir -p -m 0700 "+d+" && chown "+owner+" "+d+"; fi")
		if fail != nil || err != nil {
			return fail, err
		}
	}
	t.attrs = attrs{mode: "0600"}
	t.id = t.attrs.identities(t.fields)
	if _, _, fail, err := c.keepFile(ctx, t, lines, kept{}); fail != nil || err != nil {
		return fail, err
	}
	f, fail, err := c.observe(ctx, "p="+quoteText(t.at.Path)+"\nchown "+owner+" \"$p\" || E 'cannot give the file to the account' chown\nO at \"$p\"\n")
	if fail != nil || err != nil {
		return fail, err
	}
	if c.Args.Given("path") {
		f.found("at", t.at.Path).describe(r, t.id.secontext)
	}
	return r, nil
}

// fetchText gets a text from an address, on the host.
func (c *Call) fetchText(ctx context.Context, url string, certs bool) (string, *Result, error) {
	s, fail, err := c.hear(ctx, "if command -v curl >/dev/null 2>&1; then curl -fsSL "+option(!certs, "-k ")+"-- "+quoteText(url)+
		"; else command -v wget >/dev/null 2>&1 || N curl; wget -q "+option(!certs, "--no-check-certificate ")+"-O - -- "+quoteText(url)+"; fi\n", "")
	if fail == nil && err == nil && s.code != 0 {
		fail = Fail("Error getting key from: %s: %s", url, s.message())
	}
	return s.out, fail, err
}

// authorize returns the file with the keys in it, or without them.
func (c *Call) authorize(text, wanted string) (string, bool, *Result) {
	a := c.Args
	var have []sshKey
	for _, l := range fileLines(text) {
		if !strings.HasSuffix(l, "\n") {
			l += "\n"
		}
		have = append(have, readSSHKey(l))
	}
	changed := false
	keep := map[string]bool{}
	for _, l := range strings.Split(strings.ReplaceAll(wanted, "\r\n", "\n"), "\n") {
		if strings.TrimSpace(l) == "" || strings.HasPrefix(l, "#") {
			continue
		}
		k := readSSHKey(l)
		if k.kind == "" {
			return "", false, Fail("invalid key specified: %s", l)
		}
		if a.Given("key_options") {
			k.options = keyOptions(a.Str("key_options"))
		}
		if a.Given("comment") {
			k.comment = a.Str("comment")
		}
		keep[k.key] = true
		var did bool
		if have, did = placeKey(have, k, a.Str("state") == "present"); did {
			changed = true
		}
	}
	var out strings.Builder
	for _, k := range have {
		if a.Bool("exclusive") && a.Str("state") == "present" && !keep[k.key] {
			changed = true
			continue
		}
		out.WriteString(k.String())
	}
	return out.String(), changed, nil
}

// placeKey makes the key be the last of its kind, or not be there.
func placeKey(have []sshKey, k sshKey, present bool) ([]sshKey, bool) {
	var out []sshKey
	found := false
	for _, h := range have {
		if h.kind == "" || h.key != k.key {
			out = append(out, h)
			continue
		}
		if present && h.same(k) && !found {
			found = true
			out = append(out, h)
		}
	}
	if present && !found {
		out = append(out, k)
	}
	return out, len(out) != len(have) || present && !found
}
