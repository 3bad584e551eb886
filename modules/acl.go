package modules

import (
	"context"
	"strings"

	"sunup/internal/say"
	"sunup/internal/value"
)

var aclModule = Module{
	Name:       "ansible.posix.acl",
	Summary:    say.T("Sets and reads access control lists of files.", "파일의 접근 제어 목록(ACL)을 정하고 읽는다."),
	Idempotent: true,
	Spec: Spec{Params: []Param{
		{Name: "path", Aliases: []string{"name"}, Type: Path, Required: true, Doc: say.T("The file.", "대상 파일.")},
		{Name: "state", Default: "query", Choices: []any{"absent", "present", "query"}, Doc: say.T("Whether the entry should be there; query reads only.", "항목이 있어야 하는지. query는 읽기만 한다.")},
		{Name: "entry", Doc: say.T("The entry in one text, \"user:joe:rw\"; etype, entity and permissions say the same.", "한 글로 쓴 항목(\"user:joe:rw\"). etype, entity, permissions와 같은 뜻이다.")},
		{Name: "etype", Choices: []any{"group", "mask", "other", "user"}, Doc: say.T("Whom the entry is for.", "항목의 대상 종류.")},
		{Name: "entity", Default: "", Doc: say.T("Name of the user or group.", "사용자나 그룹의 이름.")},
		{Name: "permissions", Doc: say.T("Any of r, w, x and X.", "r, w, x, X의 조합.")},
		{Name: "default", Type: Bool, Default: false, Doc: say.T("The entry is for what is made in the directory.", "디렉터리 안에 새로 생길 것을 위한 항목이다.")},
		{Name: "follow", Type: Bool, Default: true, Doc: say.T("Follow links.", "링크를 따라간다.")},
		{Name: "recursive", Aliases: []string{"recurse"}, Type: Bool, Default: false, Doc: say.T("With everything below.", "그 아래 모두에.")},
		{Name: "recalculate_mask", Default: "default", Choices: []any{"default", "mask", "no_mask"}, Doc: say.T("Whether the mask is worked out anew.", "마스크를 다시 계산하는지.")},
		{Name: "use_nfsv4_acls", Type: Bool, Default: false, Doc: say.T("Write the entry as NFSv4 does.", "NFSv4 형식으로 쓴다.")},
	}},
	Returns: []Return{{"acl", "list", "success", say.T("The list afterwards.", "이후의 목록.")}},
	Run:     runACL,
}

// aclEntry is one line of an access control list.
type aclEntry struct {
	kind, entity, permissions string
	isDefault, nfsv4          bool
}

// String is the entry as setfacl reads it.
func (e aclEntry) String() string {
	if e.nfsv4 {
		return strings.Join([]string{e.kind, e.entity, e.permissions, "allow"}, ":")
	}
	if e.permissions != "" {
		return e.kind + ":" + e.entity + ":" + e.permissions
	}
	return e.kind + ":" + e.entity
}

// readACLEntry reads an entry in one text: [d[efault]:]type:entity[:permissions].
func readACLEntry(text string) aclEntry {
	parts := strings.Split(text, ":")
	var e aclEntry
	if strings.HasPrefix(strings.ToLower(text), "d") {
		e.isDefault = true
		parts = parts[1:]
	}
	for len(parts) < 3 {
		parts = append(parts, "")
	}
	for _, kind := range []string{"user", "group", "mask", "other"} {
		if strings.HasPrefix(strings.ToLower(parts[0]), kind[:1]) {
			e.kind = kind
		}
	}
	e.entity, e.permissions = parts[1], parts[2]
	return e
}

// aclWish is the entry that the arguments name, or what is wrong with them.
func aclWish(a Args) (aclEntry, *Result) {
	state, entry := a.Str("state"), a.Str("entry")
	plain := aclEntry{kind: a.Str("etype"), entity: a.Str("entity"), permissions: a.Str("permissions"), isDefault: a.Bool("default"), nfsv4: a.Bool("use_nfsv4_acls")}
	colons := strings.Count(entry, ":")
	switch {
	case state == "query" && a.Bool("recursive"):
		return plain, Fail("'recursive' MUST NOT be set when 'state=query'.")
	case state == "query" && a.Str("recalculate_mask") != "default":
		return plain, Fail("'recalculate_mask' MUST NOT be set to 'mask' or 'no_mask' when 'state=query'.")
	case entry == "" && state == "absent" && plain.permissions != "":
		return plain, Fail("'permissions' MUST NOT be set when 'state=absent'.")
	case entry == "" && state == "absent" && plain.entity == "":
		return plain, Fail("'entity' MUST be set when 'state=absent'.")
	case entry == "" && state != "query" && plain.kind == "":
		return plain, Fail("'etype' MUST be set when 'state=%s'.", state)
	case entry == "":
		return plain, nil
	case plain.kind != "" || plain.entity != "" || plain.permissions != "":
		return plain, Fail("'entry' MUST NOT be set when 'entity', 'etype' or 'permissions' are set.")
	case state == "present" && colons != 2 && colons != 3:
		return plain, Fail("'entry' MUST have 3 or 4 sections divided by ':' when 'state=present'.")
	case state == "absent" && colons != 1 && colons != 2:
		return plain, Fail("'entry' MUST have 2 or 3 sections divided by ':' when 'state=absent'.")
	case state == "query":
		return plain, Fail("'entry' MUST NOT be set when 'state=query'.")
	}
	e := readACLEntry(entry)
	e.isDefault = e.isDefault || plain.isDefault
	e.nfsv4 = plain.nfsv4
	if e.kind == "" {
		return e, Fail("the type of the entry '%s' is not one of user, group, mask, other", entry)
	}
	return e, nil
}

func runACL(ctx context.Context, c *Call) (*Result, error) {
	a := c.Args
	wish, fail := aclWish(a)
	if fail != nil {
		return fail, nil
	}
	common := option(a.Bool("recursive"), " --recursive") + option(!a.Bool("follow"), " --physical")
	dflt := option(wish.isDefault, " -d")
	read := watched("get", "getfacl"+dflt+" --omit-header --absolute-names"+common+` "$p"`)
	head := systemPath + needTool("setfacl", "getfacl") + "p=" + quotePath(a.Str("path")) + "\n"
	mask := map[string]string{"mask": " --mask", "no_mask": " --no-mask"}[a.Str("recalculate_mask")]
	set, msg := "", "current acl"
	switch a.Str("state") {
	case "present":
		set, msg = "-m "+quoteText(wish.String()), wish.String()+" is present"
	case "absent":
		wish.permissions, wish.nfsv4 = "", false
		set, msg = "-x "+quoteText(wish.String()), wish.String()+" is absent"
	}
	look := head + "[ -e \"$p\" ] || { printf 'gone=1\\0'; exit 0; }\n"
	if set != "" {
		look += watched("test", "setfacl --test"+dflt+" "+set+common+mask+` "$p"`)
	}
	f, fail, err := c.observe(ctx, look+read)
	if fail != nil || err != nil {
		return fail, err
	}
	if f.has("gone") {
		return Fail("Path not found or not accessible."), nil
	}
	if f.has("test.rc") && f.watched("test").code != 0 {
		return runFailed("setfacl --test "+set, f.watched("test")), nil
	}
	changed := aclDiffers(f.watched("test").out)
	if changed && !c.Check {
		if f, fail, err = c.observe(ctx, head+watched("set", "setfacl"+dflt+" "+set+common+mask+` "$p"`)+read); fail != nil || err != nil {
			return fail, err
		}
		if s := f.watched("set"); s.code != 0 {
			return runFailed("setfacl "+set, s), nil
		}
	}
	if s := f.watched("get"); s.code != 0 {
		return runFailed("getfacl", s), nil
	}
	r := ChangedIf(changed).Set("acl", aclLines(f.watched("get").out))
	r.Msg = msg
	return r, nil
}

// aclDiffers reads what setfacl --test printed: it ends in "*,*" where nothing
// would change.
func aclDiffers(out string) bool {
	for _, l := range lines(out) {
		if !strings.HasPrefix(l, "#") && !strings.HasSuffix(strings.TrimSpace(l), "*,*") {
			return true
		}
	}
	return false
}

// aclLines are the entries that getfacl printed.
func aclLines(out string) *value.List {
	list := &value.List{}
	for _, l := range strings.Split(strings.TrimRight(out, "\n"), "\n") {
		if !strings.HasPrefix(l, "#") && (l != "" || list.Len() > 0) {
			list.Append(strings.TrimSpace(l))
		}
	}
	return list
}

// runFailed is the Result for a program that ended badly, in the form that
// Ansible's modules give it.
func runFailed(cmd string, s said) *Result {
	r := Fail("%s", strings.TrimRight(s.err, " \n"))
	return setOutput(r, s.out, s.err).Set("rc", s.code).Set("cmd", cmd)
}
