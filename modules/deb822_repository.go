package modules

import (
	"context"
	"regexp"
	"strings"

	"sunup/internal/say"
	"sunup/internal/value"
)

// deb822Fields are the arguments that are fields of the file, in its order.
var deb822Fields = []Param{
	{Name: "allow_downgrade_to_insecure", Type: Bool, Doc: say.T("Allow it to lose its signature.", "서명을 잃어도 된다.")},
	{Name: "allow_insecure", Type: Bool, Doc: say.T("Allow it without a signature.", "서명이 없어도 된다.")},
	{Name: "allow_weak", Type: Bool, Doc: say.T("Allow weak signatures.", "약한 서명도 된다.")},
	{Name: "architectures", Type: List, Elements: Str, Doc: say.T("Architectures.", "아키텍처.")},
	{Name: "by_hash", Type: Bool, Doc: say.T("Fetch by hash.", "해시로 받는다.")},
	{Name: "check_date", Type: Bool, Doc: say.T("Check the date of lists.", "목록의 날짜를 확인한다.")},
	{Name: "check_valid_until", Type: Bool, Doc: say.T("Check how long lists are valid.", "목록의 유효 기간을 확인한다.")},
	{Name: "components", Type: List, Elements: Str, Doc: say.T("Components.", "구성 요소.")},
	{Name: "date_max_future", Type: Int, Doc: say.T("Seconds that a date may be ahead.", "날짜가 앞서도 되는 초.")},
	{Name: "enabled", Type: Bool, Doc: say.T("Whether it is used.", "쓰는지.")},
	{Name: "inrelease_path", Doc: say.T("Path of InRelease.", "InRelease의 경로.")},
	{Name: "languages", Type: List, Elements: Str, Doc: say.T("Languages.", "언어.")},
	{Name: "name", Required: true, Doc: say.T("Name of the repository.", "저장소 이름.")},
	{Name: "pdiffs", Type: Bool, Doc: say.T("Use pdiffs.", "pdiff를 쓴다.")},
	{Name: "signed_by", Doc: say.T("Path of a key, its fingerprint, or the key itself.", "키의 경로, 지문 또는 키 자체.")},
	{Name: "suites", Type: List, Elements: Str, Doc: say.T("Suites.", "배포판.")},
	{Name: "targets", Type: List, Elements: Str, Doc: say.T("Targets.", "대상.")},
	{Name: "trusted", Type: Bool, Doc: say.T("Trust it always.", "언제나 믿는다.")},
	{Name: "types", Type: List, Elements: Str, Default: value.NewList("deb"), Choices: []any{"deb", "deb-src"}, Doc: say.T("deb, deb-src or both.", "deb, deb-src 또는 둘 다.")},
	{Name: "uris", Type: List, Elements: Str, Doc: say.T("Addresses.", "주소.")},
}

var deb822RepositoryModule = Module{
	Name:       "ansible.builtin.deb822_repository",
	Summary:    say.T("Adds and removes APT repositories in deb822 format.", "deb822 형식의 APT 저장소를 더하고 뺀다."),
	Notes:      say.T("signed_by that is an address must be fetched by another task.", "주소로 준 signed_by는 다른 작업으로 먼저 받아야 한다."),
	Idempotent: true,
	Spec: Spec{Params: append([]Param{
		{Name: "state", Default: "present", Choices: []any{"absent", "present"}, Doc: say.T("Whether it should be there.", "저장소가 있어야 하는지.")},
		{Name: "mode", Type: Raw, Default: "0644", Doc: say.T("Mode of the file.", "파일의 권한.")},
	}, deb822Fields...)},
	Returns: []Return{
		{"repo", "str", "always", say.T("The file's text.", "파일의 내용.")},
		{"dest", "str", "always", say.T("The file.", "파일.")},
		{"key_filename", "str", "always", say.T("The key's file.", "키 파일.")},
	},
	Run: runDeb822Repository,
}

var (
	blankOrLine = regexp.MustCompile(`[_\s]+`)
	noSlug      = regexp.MustCompile(`[^a-z0-9-]+`)
)

// deb822Name is the field for an argument.
func deb822Name(name string) string {
	switch name {
	case "name":
		return "X-Repolib-Name"
	case "uris":
		return "URIs"
	}
	words := strings.Split(name, "_")
	for i, w := range words {
		words[i] = strings.ToUpper(w[:1]) + w[1:]
	}
	return strings.Join(words, "-")
}

func runDeb822Repository(ctx context.Context, c *Call) (*Result, error) {
	a := c.Args
	slug := noSlug.ReplaceAllString(blankOrLine.ReplaceAllString(strings.ToLower(a.Str("name")), "-"), "")
	dest := "/etc/apt/sources.list.d/" + slug + ".sources"
	key := a.Str("signed_by")
	if strings.Contains(key, "://") {
		return Fail("signed_by is an address: fetch the key with get_url first, and name its file here"), nil
	}
	t, fail, err := c.openFile(ctx, dest, attrs{mode: a.Raw("mode")}, ":\n")
	if fail != nil || err != nil {
		return fail, err
	}
	r := OK().Set("dest", dest).Set("repo", nil).Set("key_filename", nil)
	if a.Str("state") == "absent" {
		r.Changed = t.exists
		if !t.exists || c.Check {
			t.at.describe(r, t.id.secontext)
			return r, nil
		}
		if fail, err := c.removeFile(ctx, dest); fail != nil || err != nil {
			return fail, err
		}
		return r, nil
	}
	var out strings.Builder
	for _, p := range deb822Fields {
		if a.Raw(p.Name) == nil {
			continue
		}
		text := value.Str(a.Raw(p.Name))
		switch p.Type {
		case Bool:
			text = map[bool]string{true: "yes", false: "no"}[a.Bool(p.Name)]
		case List:
			text = strings.Join(a.Strings(p.Name), " ")
		}
		if strings.Contains(text, "\n") {
			lines := strings.Split(strings.TrimSpace(text), "\n")
			for i, l := range lines {
				if lines[i] = "    " + strings.TrimSpace(l); strings.TrimSpace(l) == "" {
					lines[i] = "    ."
				}
			}
			text = "\n" + strings.Join(lines, "\n")
			out.WriteString(deb822Name(p.Name) + ":" + text + "\n")
			continue
		}
		out.WriteString(deb822Name(p.Name) + ": " + text + "\n")
	}
	if strings.HasPrefix(key, "/") {
		r.Set("key_filename", key)
	}
	r.Set("repo", out.String())
	c.fileDiff(r, t, out.String())
	r.Changed, _, fail, err = c.keepFile(ctx, t, out.String(), kept{})
	if fail != nil || err != nil {
		return fail, err
	}
	t.at.describe(r, t.id.secontext)
	return r, nil
}
