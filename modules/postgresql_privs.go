package modules

import (
	"context"
	"slices"
	"strings"

	"sunup/internal/say"
	"sunup/internal/value"
)

var postgresqlPrivsModule = Module{
	Name: "community.postgresql.postgresql_privs", Aliases: []string{"community.general.postgresql_privs"},
	Summary:    say.T("Grants and revokes privileges in PostgreSQL.", "PostgreSQL의 권한을 주거나 거둔다."),
	Notes:      say.T("Works through psql on the host; psycopg2 is not needed. Whether something changed is told by the access lists before and after, in one transaction.", "호스트의 psql로 하므로 psycopg2가 필요 없다. 한 트랜잭션 안에서 앞뒤의 접근 목록을 견주어 바뀌었는지 안다."),
	Idempotent: true,
	Spec: Spec{Params: withPsql(
		Param{Name: "database", Aliases: []string{"db", "login_db"}, Required: true, Doc: say.T("Database.", "데이터베이스.")},
		Param{Name: "state", Default: "present", Choices: []any{"absent", "present"}, Doc: say.T("Grant or revoke.", "권한을 줄지(present) 거둘지(absent).")},
		Param{Name: "privs", Aliases: []string{"priv"}, Doc: say.T("Privileges, with commas.", "쉼표로 이은 권한.")},
		Param{Name: "type", Default: "table", Choices: []any{"table", "sequence", "function", "procedure", "database", "schema", "language", "tablespace", "group", "default_privs", "foreign_data_wrapper", "foreign_server", "type"}, Doc: say.T("Kind of the objects.", "객체의 종류.")},
		Param{Name: "objs", Aliases: []string{"obj"}, Doc: say.T("Objects, with commas; ALL_IN_SCHEMA for all of the schema.", "쉼표로 이은 객체. ALL_IN_SCHEMA는 스키마의 전부.")},
		Param{Name: "schema", Doc: say.T("Schema of the objects; public.", "객체의 스키마. 기본은 public.")},
		Param{Name: "roles", Aliases: []string{"role"}, Required: true, Doc: say.T("Roles, with commas; PUBLIC for all.", "쉼표로 이은 역할. PUBLIC은 모두.")},
		Param{Name: "target_roles", Doc: say.T("Roles whose new objects default_privs is about.", "default_privs가 대상으로 하는, 객체를 만드는 역할.")},
		Param{Name: "session_role", Doc: say.T("Role to take.", "맡을 역할.")},
		Param{Name: "grant_option", Aliases: []string{"admin_option"}, Type: Bool, Doc: say.T("Whether the roles may pass the privileges on.", "역할이 권한을 남에게 줄 수 있는지.")},
		Param{Name: "fail_on_role", Type: Bool, Default: true, Doc: say.T("Fail when a role is missing; else it is passed over.", "역할이 없으면 실패한다. 아니면 건너뛴다.")},
		Param{Name: "usage_on_types", Type: Bool, Default: true, NoEffect: true, Doc: say.T("only objects that are asked for are changed.", "요청한 객체만 바꾼다.")},
		Param{Name: "trust_input", Type: Bool, Default: true, NoEffect: true, Doc: say.T("names are always quoted, so that none can be SQL.", "이름을 늘 따옴표로 감싸므로 SQL이 될 수 없다.")},
	)},
	Returns: []Return{{"queries", "list", "success", say.T("Statements that were run.", "실행한 문장.")}},
	Run:     runPostgresqlPrivs,
}

// privsKind is how a kind of object is named in GRANT and where its access list is.
type privsKind struct {
	word     string // GRANT ... ON word
	all      string // for ALL_IN_SCHEMA
	acl      string // query of name and access list; %s is the schema as text
	inSchema bool
}

var privsKinds = map[string]privsKind{
	"table":                {"TABLE", "ALL TABLES", "SELECT relname, relacl FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname = %s AND relkind IN ('r', 'v', 'm', 'p', 'f')", true},
	"sequence":             {"SEQUENCE", "ALL SEQUENCES", "SELECT relname, relacl FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname = %s AND relkind = 'S'", true},
	"function":             {"FUNCTION", "ALL FUNCTIONS", "SELECT p.oid::text, proacl FROM pg_proc p JOIN pg_namespace n ON n.oid = pronamespace WHERE nspname = %s", true},
	"procedure":            {"PROCEDURE", "ALL PROCEDURES", "SELECT p.oid::text, proacl FROM pg_proc p JOIN pg_namespace n ON n.oid = pronamespace WHERE nspname = %s", true},
	"type":                 {"TYPE", "", "SELECT typname, typacl FROM pg_type t JOIN pg_namespace n ON n.oid = typnamespace WHERE nspname = %s", true},
	"database":             {"DATABASE", "", "SELECT datname, datacl FROM pg_database", false},
	"schema":               {"SCHEMA", "", "SELECT nspname, nspacl FROM pg_namespace", false},
	"language":             {"LANGUAGE", "", "SELECT lanname, lanacl FROM pg_language", false},
	"tablespace":           {"TABLESPACE", "", "SELECT spcname, spcacl FROM pg_tablespace", false},
	"foreign_data_wrapper": {"FOREIGN DATA WRAPPER", "", "SELECT fdwname, fdwacl FROM pg_foreign_data_wrapper", false},
	"foreign_server":       {"FOREIGN SERVER", "", "SELECT srvname, srvacl FROM pg_foreign_server", false},
	"default_privs":        {"", "", "SELECT oid::text, defaclacl FROM pg_default_acl", false},
	"group":                {"", "", "SELECT roleid::text || ' ' || member::text, CASE WHEN admin_option THEN '{admin}'::text[] ELSE '{}'::text[] END FROM pg_auth_members", false},
}

// privsWork is one call, checked.
type privsWork struct {
	kind        string
	privs       []string
	objs, roles []string
	schema      string
	targets     []string
	grant       bool
	option      any // of grant_option: nil, true or false
}

func commas(s string) []string {
	var list []string
	for _, x := range strings.Split(s, ",") {
		if x = strings.TrimSpace(x); x != "" {
			list = append(list, x)
		}
	}
	return list
}

func newPrivsWork(a Args) (privsWork, *Result) {
	w := privsWork{kind: a.Str("type"), grant: a.Str("state") == "present", roles: commas(a.Str("roles")), targets: commas(a.Str("target_roles")), schema: a.Str("schema")}
	if w.schema == "" {
		w.schema = "public"
	}
	for _, p := range commas(a.Str("privs")) {
		p = strings.ToUpper(p)
		if strings.Trim(p, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_ ") != "" {
			return w, Fail("Invalid privileges specified: %s", p)
		}
		w.privs = append(w.privs, p)
	}
	if a.Given("grant_option") {
		w.option = a.Bool("grant_option")
	}
	w.objs = privsObjects(a, w.kind)
	switch {
	case w.kind == "group" && len(w.privs) > 0:
		return w, Fail("Argument \"privs\" not allowed for type \"group\".")
	case w.kind == "group":
		w.objs = commas(a.Str("objs"))
	case len(w.privs) == 0:
		return w, Fail("Argument \"privs\" is required for type \"%s\".", w.kind)
	}
	if len(w.objs) == 0 {
		return w, Fail("Argument \"objs\" is required for type \"%s\".", w.kind)
	}
	return w, nil
}

// privsObjects reads objs; the arguments of a function are written with colons.
func privsObjects(a Args, kind string) []string {
	text := a.Str("objs")
	switch {
	case text == "" && kind == "database":
		return []string{a.Str("database")}
	case kind == "default_privs" && (text == "" || text == "ALL_DEFAULT"):
		return []string{"TABLES", "SEQUENCES", "TYPES", "FUNCTIONS"}
	case kind == "function" || kind == "procedure":
		var list []string
		for _, o := range commas(text) {
			list = append(list, strings.ReplaceAll(o, ":", ","))
		}
		return list
	}
	return commas(text)
}

// sqlRole is a role in GRANT.
func sqlRole(name string) string {
	if strings.EqualFold(name, "PUBLIC") {
		return "PUBLIC"
	}
	return sqlName(name)
}

// on is what GRANT and REVOKE name after ON.
func (w privsWork) on() string {
	k := privsKinds[w.kind]
	if k.inSchema && len(w.objs) == 1 && strings.EqualFold(w.objs[0], "ALL_IN_SCHEMA") && k.all != "" {
		return k.all + " IN SCHEMA " + sqlName(w.schema)
	}
	var names []string
	for _, o := range w.objs {
		names = append(names, w.object(o, k.inSchema))
	}
	return k.word + " " + strings.Join(names, ", ")
}

func (w privsWork) object(name string, inSchema bool) string {
	args := ""
	if at := strings.IndexByte(name, '('); at > 0 && (w.kind == "function" || w.kind == "procedure") {
		// What is between the parentheses are names of types.
		name, args = name[:at], strings.Map(typeLetters, name[at:])
	}
	if inSchema {
		return sqlName(w.schema) + "." + sqlName(name) + args
	}
	return sqlName(name) + args
}

// typeLetters keeps what names of types and kinds of objects are made of.
func typeLetters(r rune) rune {
	if r == '_' || r == ',' || r == ' ' || r == '.' || strings.ContainsRune("()[]", r) || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
		return r
	}
	return -1
}

// statements are the GRANTs and REVOKEs.
func (w privsWork) statements() []string {
	var roles []string
	for _, r := range w.roles {
		roles = append(roles, sqlRole(r))
	}
	to := strings.Join(roles, ", ")
	if w.kind == "group" {
		var names []string
		for _, o := range w.objs {
			names = append(names, sqlName(o))
		}
		return w.grantOrRevoke("", strings.Join(names, ", "), "", to, "ADMIN")
	}
	privs := strings.Join(w.privs, ", ")
	if w.kind != "default_privs" {
		return w.grantOrRevoke("", privs, " ON "+w.on(), to, "GRANT")
	}
	head := "ALTER DEFAULT PRIVILEGES"
	if len(w.targets) > 0 {
		var names []string
		for _, r := range w.targets {
			names = append(names, sqlName(r))
		}
		head += " FOR ROLE " + strings.Join(names, ", ")
	}
	var list []string
	for _, kind := range w.objs {
		at := head
		if !strings.EqualFold(kind, "SCHEMAS") {
			at += " IN SCHEMA " + sqlName(w.schema)
		}
		list = append(list, w.grantOrRevoke(at+" ", privs, " ON "+strings.Map(typeLetters, strings.ToUpper(kind)), to, "GRANT")...)
	}
	return list
}

func (w privsWork) grantOrRevoke(head, what, on, roles, option string) []string {
	if !w.grant {
		if w.option == true {
			return []string{head + "REVOKE " + option + " OPTION FOR " + what + on + " FROM " + roles}
		}
		return []string{head + "REVOKE " + what + on + " FROM " + roles}
	}
	list := []string{head + "GRANT " + what + on + " TO " + roles}
	switch w.option {
	case true:
		list[0] += " WITH " + option + " OPTION"
	case false:
		list = append(list, head+"REVOKE "+option+" OPTION FOR "+what+on+" FROM "+roles)
	}
	return list
}

// look asks for the access lists, each in a fixed order.
func (w privsWork) look() string {
	query := strings.ReplaceAll(privsKinds[w.kind].acl, "%s", sqlText(w.schema))
	return "SELECT name, array(SELECT x::text FROM unnest(acl) x ORDER BY 1) FROM (" + query + ") q (name, acl) ORDER BY 1, 2;\n"
}

func runPostgresqlPrivs(ctx context.Context, c *Call) (*Result, error) {
	a := c.Args
	w, fail := newPrivsWork(a)
	if fail != nil {
		return fail, nil
	}
	missing, fail, err := c.missingRoles(ctx, a.Str("database"), w.roles)
	if fail != nil || err != nil {
		return fail, err
	}
	for _, r := range missing {
		if a.Bool("fail_on_role") {
			return Fail("role \"%s\" does not exist", r), nil
		}
		c.Controller.Warn("Role '" + r + "' does not exist, pass it")
		w.roles = slices.DeleteFunc(w.roles, func(x string) bool { return x == r })
	}
	if len(w.roles) == 0 {
		return OK().Set("queries", value.NewList()), nil
	}
	return c.changePrivs(ctx, w)
}

func (c *Call) missingRoles(ctx context.Context, db string, roles []string) ([]string, *Result, error) {
	rows, fail, err := c.rows(ctx, db, "SELECT rolname FROM pg_roles;")
	if fail != nil || err != nil {
		return nil, fail, err
	}
	var missing []string
	for _, r := range roles {
		if !strings.EqualFold(r, "PUBLIC") && !slices.ContainsFunc(rows, func(row []string) bool { return row[0] == r }) {
			missing = append(missing, r)
		}
	}
	return missing, nil, nil
}

// changePrivs compares the access lists around the statements; in check mode
// all is rolled back.
func (c *Call) changePrivs(ctx context.Context, w privsWork) (*Result, error) {
	var sql strings.Builder
	if role := c.Args.Str("session_role"); role != "" {
		sql.WriteString("SET ROLE " + sqlName(role) + ";\n")
	}
	sql.WriteString("BEGIN;\n" + w.look() + "\\echo '\x01'\n")
	queries := value.NewList()
	for _, s := range w.statements() {
		sql.WriteString(s + ";\n")
		queries.Items = append(queries.Items, s+";")
	}
	sql.WriteString(w.look())
	sql.WriteString(map[bool]string{true: "ROLLBACK;\n", false: "COMMIT;\n"}[c.Check])
	s, fail, err := c.psql(ctx, c.Args.Str("database"), sql.String(), false)
	if fail != nil || err != nil {
		return fail, err
	}
	if s.code != 0 {
		return sqlFailed("Cannot change privileges", s), nil
	}
	before, after, _ := strings.Cut(s.out, "\x01\n")
	return ChangedIf(before != after).Set("queries", queries), nil
}
