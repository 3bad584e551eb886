package modules

import (
	"context"
	"strings"

	"sunup/internal/say"
	"sunup/internal/value"
)

// yumRepoFields are the arguments that are options of the repository's file.
var yumRepoFields = []Param{
	{Name: "async", Type: Bool, Doc: say.T("Download in parallel.", "동시에 내려받는다.")},
	{Name: "bandwidth", Doc: say.T("Bandwidth that may be used.", "쓸 수 있는 대역폭.")},
	{Name: "baseurl", Type: List, Elements: Str, Doc: say.T("Addresses of the repository.", "저장소 주소.")},
	{Name: "cost", Doc: say.T("Cost of the repository.", "저장소의 비용.")},
	{Name: "deltarpm_metadata_percentage", Doc: say.T("When delta lists are worth it.", "델타 목록을 쓸 기준.")},
	{Name: "deltarpm_percentage", Doc: say.T("When delta packages are worth it.", "델타 패키지를 쓸 기준.")},
	{Name: "enabled", Type: Bool, Doc: say.T("Whether it is used.", "쓰는지.")},
	{Name: "enablegroups", Type: Bool, Doc: say.T("Whether its groups are used.", "그룹을 쓰는지.")},
	{Name: "exclude", Type: List, Elements: Str, Doc: say.T("Packages to leave alone.", "건드리지 않을 패키지.")},
	{Name: "failovermethod", Choices: []any{"roundrobin", "priority"}, Doc: say.T("Which address comes next.", "다음 주소를 고르는 방법.")},
	{Name: "gpgcakey", Doc: say.T("Address of the authority's key.", "인증 기관 키의 주소.")},
	{Name: "gpgcheck", Type: Bool, Doc: say.T("Check signatures of packages.", "패키지의 서명을 확인한다.")},
	{Name: "gpgkey", Type: List, Elements: Str, Doc: say.T("Addresses of keys.", "키의 주소.")},
	{Name: "http_caching", Choices: []any{"all", "packages", "none"}, Doc: say.T("What proxies may keep.", "프록시가 보관해도 되는 것.")},
	{Name: "include", Doc: say.T("Address of further configuration.", "더 읽을 설정의 주소.")},
	{Name: "includepkgs", Type: List, Elements: Str, Doc: say.T("Only these packages.", "이 패키지만.")},
	{Name: "ip_resolve", Choices: []any{"4", "6", "IPv4", "IPv6", "whatever"}, Doc: say.T("4 or 6.", "4 또는 6.")},
	{Name: "keepalive", Type: Bool, Doc: say.T("Keep connections.", "연결을 유지한다.")},
	{Name: "keepcache", Choices: []any{"0", "1"}, Doc: say.T("Keep packages after installing.", "설치한 뒤에도 패키지를 둔다.")},
	{Name: "metadata_expire", Doc: say.T("How long lists are kept.", "목록을 두는 기간.")},
	{Name: "metadata_expire_filter", Choices: []any{"never", "read-only:past", "read-only:present", "read-only:future"}, Doc: say.T("Which commands may use old lists.", "오래된 목록을 써도 되는 명령.")},
	{Name: "metalink", Doc: say.T("Address of a metalink.", "metalink의 주소.")},
	{Name: "mirrorlist", Doc: say.T("Address of a list of mirrors.", "미러 목록의 주소.")},
	{Name: "mirrorlist_expire", Doc: say.T("How long the list of mirrors is kept.", "미러 목록을 두는 기간.")},
	{Name: "module_hotfixes", Type: Bool, Doc: say.T("Packages outrank modules.", "패키지가 모듈보다 앞선다.")},
	{Name: "name", Doc: say.T("What the repository is called.", "저장소의 설명.")},
	{Name: "password", Secret: true, Doc: say.T("Password for the repository.", "저장소의 비밀번호.")},
	{Name: "priority", Doc: say.T("Priority.", "우선순위.")},
	{Name: "protect", Type: Bool, Doc: say.T("Protect from other repositories.", "다른 저장소로부터 보호한다.")},
	{Name: "proxy", Doc: say.T("Proxy.", "프록시.")},
	{Name: "proxy_password", Secret: true, Doc: say.T("Password for the proxy.", "프록시의 비밀번호.")},
	{Name: "proxy_username", Doc: say.T("User for the proxy.", "프록시의 사용자.")},
	{Name: "repo_gpgcheck", Type: Bool, Doc: say.T("Check the signature of the lists.", "목록의 서명을 확인한다.")},
	{Name: "retries", Doc: say.T("How often to try.", "시도하는 횟수.")},
	{Name: "s3_enabled", Type: Bool, Doc: say.T("The repository is in S3.", "저장소가 S3에 있다.")},
	{Name: "skip_if_unavailable", Type: Bool, Doc: say.T("Go on without it.", "없어도 계속한다.")},
	{Name: "ssl_check_cert_permissions", Type: Bool, Doc: say.T("Check who may read the certificates.", "인증서의 권한을 확인한다.")},
	{Name: "sslcacert", Aliases: []string{"ca_cert"}, Doc: say.T("Certificates of authorities.", "인증 기관의 인증서.")},
	{Name: "sslclientcert", Aliases: []string{"client_cert"}, Doc: say.T("Certificate to show.", "보일 인증서.")},
	{Name: "sslclientkey", Aliases: []string{"client_key"}, Doc: say.T("Its key.", "그 키.")},
	{Name: "sslverify", Aliases: []string{"validate_certs"}, Type: Bool, Doc: say.T("Check certificates.", "인증서를 확인한다.")},
	{Name: "throttle", Doc: say.T("Speed limit.", "속도 제한.")},
	{Name: "timeout", Doc: say.T("Seconds to wait.", "기다리는 초.")},
	{Name: "ui_repoid_vars", Doc: say.T("Variables to show in the name.", "이름에 보일 변수.")},
	{Name: "username", Doc: say.T("User for the repository.", "저장소의 사용자.")},
}

var yumRepositoryModule = Module{
	Name:       "ansible.builtin.yum_repository",
	Summary:    say.T("Adds and removes repositories of yum and dnf.", "yum과 dnf의 저장소를 더하고 뺀다."),
	Untried:    true,
	Idempotent: true,
	Spec: Spec{File: true, Params: append([]Param{
		{Name: "repoid", NoEffect: true, Doc: say.T("name is used.", "name을 쓴다.")},
		{Name: "description", Doc: say.T("What the repository is called.", "저장소의 설명.")},
		{Name: "file", Doc: say.T("File, without .repo; the name when not given.", "파일(.repo 제외). 없으면 name.")},
		{Name: "reposdir", Type: Path, Default: "/etc/yum.repos.d", Doc: say.T("Directory of the file.", "파일의 디렉터리.")},
		{Name: "state", Default: "present", Choices: []any{"present", "absent"}, Doc: say.T("Whether it should be there.", "저장소가 있어야 하는지.")},
	}, yumRepoParams()...)},
	Returns: []Return{
		{"repo", "str", "success", say.T("Name of the repository.", "저장소 이름.")},
		{"state", "str", "success", say.T("State asked for.", "요청한 상태.")},
	},
	Run: runYumRepository,
}

// yumRepoParams are the fields as arguments: the name is needed.
func yumRepoParams() []Param {
	params := append([]Param(nil), yumRepoFields...)
	for i := range params {
		if params[i].Name == "name" {
			params[i].Required = true
		}
	}
	return params
}

func runYumRepository(ctx context.Context, c *Call) (*Result, error) {
	a := c.Args
	name, present := a.Str("name"), a.Str("state") == "present"
	switch {
	case present && !a.Given("description"):
		return Fail("Parameter 'name' is required."), nil
	case present && !a.Given("baseurl") && !a.Given("metalink") && !a.Given("mirrorlist"):
		return Fail("Parameter 'baseurl', 'metalink' or 'mirrorlist' is required."), nil
	}
	file := name
	if a.Given("file") {
		file = a.Str("file")
	}
	t, fail, err := c.openFile(ctx, strings.TrimRight(a.Str("reposdir"), "/")+"/"+file+".repo", attrsOf(a), ":\n")
	if fail != nil || err != nil {
		return fail, err
	}
	text := replaceRepo(t.text(), name, yumRepoText(a, name), present)
	r := OK().Set("repo", name).Set("state", a.Str("state"))
	c.fileDiff(r, t, text)
	switch {
	case !t.exists && !present:
		return r, nil
	case strings.TrimSpace(text) == "":
		if r.Changed = true; c.Check {
			return r, nil
		}
		if fail, err := c.removeFile(ctx, t.at.Path); fail != nil || err != nil {
			return fail, err
		}
		return r, nil
	}
	r.Changed, _, fail, err = c.keepFile(ctx, t, text, kept{})
	if fail != nil || err != nil {
		return fail, err
	}
	return r, nil
}

// yumRepoText is the section of the repository, its options sorted.
func yumRepoText(a Args, name string) string {
	var out strings.Builder
	out.WriteString("[" + name + "]\n")
	for _, p := range yumRepoFields {
		arg := p.Name
		if arg == "name" {
			arg = "description"
		}
		if a.Raw(arg) == nil {
			continue
		}
		text := value.Str(a.Raw(arg))
		switch p.Type {
		case Bool:
			text = map[bool]string{true: "1", false: "0"}[a.Bool(arg)]
		case List:
			sep := "\n\t"
			if arg == "exclude" || arg == "includepkgs" {
				sep = " "
			}
			text = strings.Join(a.Strings(arg), sep)
		}
		out.WriteString(p.Name + " = " + text + "\n")
	}
	return out.String() + "\n"
}

// replaceRepo puts the section into the file, or takes it out.
func replaceRepo(text, name, section string, present bool) string {
	var out strings.Builder
	inside, placed := false, false
	for _, l := range fileLines(text) {
		if strings.HasPrefix(l, "[") {
			if inside = strings.TrimSpace(l) == "["+name+"]"; inside && present && !placed {
				out.WriteString(section)
				placed = true
			}
		}
		if !inside {
			out.WriteString(l)
		}
	}
	if present && !placed {
		if s := out.String(); s != "" && !strings.HasSuffix(s, "\n") {
			out.WriteByte('\n')
		}
		out.WriteString(section)
	}
	return out.String()
}
