package modules

import (
	"context"
	"strings"

	"sunup/internal/jinja"
	"sunup/internal/say"
)

var htpasswdModule = Module{
	Name:       "community.general.htpasswd",
	Summary:    say.T("Manages users of a password file for basic authentication.", "기본 인증에 쓰는 비밀번호 파일의 사용자를 관리한다."),
	Notes:      say.T("Hashes are made here: apr_md5_crypt, md5_crypt, sha256_crypt, sha512_crypt, bcrypt, ldap_sha1 and plaintext. A change of owner or mode alone is told as a change, too.", "해시는 여기서 만든다: apr_md5_crypt, md5_crypt, sha256_crypt, sha512_crypt, bcrypt, ldap_sha1, plaintext. 소유자나 권한만 바뀌어도 변경으로 알린다."),
	Idempotent: true,
	Spec: Spec{File: true, Params: []Param{
		{Name: "path", Aliases: []string{"dest", "destfile"}, Type: Path, Required: true, Doc: say.T("The file.", "대상 파일.")},
		{Name: "name", Aliases: []string{"username"}, Required: true, Doc: say.T("The user.", "사용자.")},
		{Name: "password", Secret: true, Doc: say.T("The user's password.", "비밀번호.")},
		{Name: "crypt_scheme", Default: "apr_md5_crypt", Doc: say.T("How the password is hashed.", "비밀번호의 해시 방식.")},
		{Name: "state", Default: "present", Choices: []any{"present", "absent"}, Doc: say.T("Whether the user should be there.", "사용자가 있어야 하는지.")},
		{Name: "create", Type: Bool, Default: true, Doc: say.T("Make the file when it is not there.", "파일이 없으면 만든다.")},
	}},
	Run: runHtpasswd,
}

func runHtpasswd(ctx context.Context, c *Call) (*Result, error) {
	a := c.Args
	name, absent := a.Str("name"), a.Str("state") == "absent"
	switch {
	case strings.ContainsAny(name, ":\n"):
		return Fail("a user's name cannot hold a colon or an end of line: '%s'", name), nil
	case !absent && !a.Given("password"):
		return Fail("password is required to add a user"), nil
	case strings.Contains(a.Str("password"), "\n"):
		return Fail("a password cannot hold an end of line"), nil
	}
	t, fail, err := c.openFile(ctx, a.Str("path"), attrsOf(a), ":\n")
	if fail != nil || err != nil {
		return fail, err
	}
	users := htpasswdUsers(t.text())
	line, there := users.at(name)
	r, content := OK(), t.text()
	switch {
	case absent && !t.exists:
		r.Warnings = []string{a.Str("path") + " does not exist"}
		fallthrough
	case absent && !there:
		r.Msg = name + " not present"
		return r, nil
	case absent:
		content = append(users[:line:line], users[line+1:]...).text()
		r.Msg = "Remove " + name
	case !t.exists && !a.Bool("create"):
		return Fail("Destination %s does not exist", a.Str("path")), nil
	case there && jinja.PasswordFits(strings.TrimPrefix(users[line], name+":"), a.Str("password")):
		r.Msg = name + " already present"
	default:
		hash, err := jinja.HashPassword(a.Str("crypt_scheme"), a.Str("password"))
		if err != nil {
			return Fail("%s", err), nil
		}
		content = users.set(name, hash).text()
		r.Msg = "Add/update " + name
	}
	if !t.exists {
		r.Msg = "Created " + a.Str("path") + " and added " + name
		if c.Check {
			r.Msg = "Create " + a.Str("path")
		}
	}
	r.Changed, _, fail, err = c.keepFile(ctx, t, content, kept{unsafe: a.Bool("unsafe_writes")})
	return first(fail, r), err
}

// htpasswdFile are the lines of such a file; empty ones are left out.
type htpasswdFile []string

func htpasswdUsers(text string) htpasswdFile {
	var out htpasswdFile
	for _, l := range lines(text) {
		if strings.TrimSpace(l) != "" {
			out = append(out, l)
		}
	}
	return out
}

// at is the place of a user's line.
func (f htpasswdFile) at(name string) (int, bool) {
	for i, l := range f {
		if strings.HasPrefix(l, name+":") {
			return i, true
		}
	}
	return 0, false
}

func (f htpasswdFile) set(name, hash string) htpasswdFile {
	if i, ok := f.at(name); ok {
		f[i] = name + ":" + hash
		return f
	}
	return append(f, name+":"+hash)
}

func (f htpasswdFile) text() string {
	if len(f) == 0 {
		return ""
	}
	return strings.Join(f, "\n") + "\n"
}
