package modules

import (
	"context"

	"sunup/internal/say"
	"sunup/internal/value"
)

var gatherFactsModule = Module{
	Name:       "ansible.builtin.gather_facts",
	Summary:    say.T("Gathers facts as a play does at its start.", "플레이가 시작할 때처럼 팩트를 모은다."),
	Idempotent: true,
	Spec: Spec{Params: append([]Param{
		{Name: "parallel", Type: Bool, Doc: say.T("No effect: one script gathers everything.", "효과 없음: 스크립트 하나가 모두 모은다.")},
	}, setupModule.Spec.Params...)},
	Returns: setupModule.Returns,
	Run:     runGatherFacts,
}

func runGatherFacts(ctx context.Context, c *Call) (*Result, error) { return runSetup(ctx, c) }

var getentModule = Module{
	Name:       "ansible.builtin.getent",
	Summary:    say.T("Reads a database of the host: passwd, group, hosts, services.", "호스트의 데이터베이스(passwd, group, hosts, services)를 읽는다."),
	Idempotent: true,
	Spec: Spec{Params: []Param{
		{Name: "database", Required: true, Doc: say.T("Name of the database.", "데이터베이스 이름.")},
		{Name: "key", Doc: say.T("Entry to look for; all when not given.", "찾을 항목. 없으면 전부.")},
		{Name: "service", Doc: say.T("Source to use instead of all.", "모든 곳 대신 쓸 출처.")},
		{Name: "split", Doc: say.T("Character between fields.", "필드 사이의 글자.")},
		{Name: "fail_key", Type: Bool, Default: true, Doc: say.T("Fail when the entry is not there.", "항목이 없으면 실패한다.")},
	}},
	Returns: []Return{{"ansible_facts", "dict", "always", say.T("getent_DATABASE with the entries.", "항목을 담은 getent_데이터베이스.")}},
	Run:     runGetent,
}

func runGetent(ctx context.Context, c *Call) (*Result, error) {
	a := c.Args
	database := a.Str("database")
	words := []string{database}
	if a.Given("key") {
		words = append(words, a.Str("key"))
	}
	if a.Given("service") {
		words = append(words, "-s", a.Str("service"))
	}
	f, fail, err := c.observe(ctx, "command -v getent >/dev/null 2>&1 || N getent\nprintf 'out='; getent "+quoteWords(words)+" 2>/dev/null; printf '\\0rc=%s\\0' \"$?\"\n")
	if fail != nil || err != nil {
		return fail, err
	}
	tree := &value.Dict{}
	facts := value.NewDict("getent_"+database, tree)
	const noKey = "One or more supplied key could not be found in the database."
	switch f.text("rc") {
	case "0":
		readDatabase(tree, f["out"], separator(a, database))
		return &Result{Facts: facts}, nil
	case "2":
		if !a.Bool("fail_key") {
			tree.Set(a.Str("key"), nil)
			return &Result{Facts: facts, Msg: noKey}, nil
		}
		return Fail(noKey), nil
	case "1":
		return Fail("Missing arguments, or database unknown."), nil
	case "3":
		return Fail("Enumeration not supported on this database."), nil
	}
	return Fail("Unexpected failure!"), nil
}

// separator is what stands between the fields of a database; "" means blanks.
func separator(a Args, database string) string {
	if a.Given("split") {
		return a.Str("split")
	}
	switch database {
	case "passwd", "shadow", "group", "gshadow":
		return ":"
	}
	return ""
}

// readDatabase puts each line under its first field; a key that occurs again
// holds a list of all its lines.
func readDatabase(tree *value.Dict, text, sep string) {
	seen := map[string]int{}
	for _, line := range lines(text) {
		record := splitRecord(line, sep)
		if len(record) == 0 {
			continue
		}
		key, rest := record[0], value.Strings(record[1:])
		switch seen[key] {
		case 0:
			tree.Set(key, rest)
		case 1:
			tree.Set(key, value.NewList(tree.At(key), rest))
		default:
			tree.At(key).(*value.List).Append(rest)
		}
		seen[key]++
	}
}
