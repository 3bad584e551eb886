package modules

import (
	"cmp"
	"context"
	"encoding/csv"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"sunup/internal/connection"
	"sunup/internal/say"
	"sunup/internal/value"
)

// psqlParams are the arguments of every module of PostgreSQL.
var psqlParams = []Param{
	{Name: "login_user", Aliases: []string{"login"}, Default: "postgres", Doc: say.T("User to log in as.", "로그인할 사용자.")},
	{Name: "login_password", Default: "", Secret: true, Doc: say.T("Password to log in with.", "로그인 비밀번호.")},
	{Name: "login_host", Aliases: []string{"host"}, Default: "", Doc: say.T("Host of the database.", "데이터베이스의 호스트.")},
	{Name: "login_unix_socket", Aliases: []string{"unix_socket"}, Default: "", Doc: say.T("Directory of the socket.", "소켓의 디렉터리.")},
	{Name: "port", Aliases: []string{"login_port"}, Type: Int, Default: 5432, Doc: say.T("Port of the database.", "데이터베이스의 포트.")},
	{Name: "ssl_mode", Default: "prefer", Choices: []any{"allow", "disable", "prefer", "require", "verify-ca", "verify-full"}, Doc: say.T("Whether TLS is used.", "TLS를 쓰는지.")},
	{Name: "ca_cert", Aliases: []string{"ssl_rootcert"}, Doc: say.T("Certificate of the authority.", "인증 기관의 인증서.")},
	{Name: "ssl_cert", Type: Path, Doc: say.T("Certificate to show, on the host.", "보여 줄 인증서(호스트의 파일).")},
	{Name: "ssl_key", Type: Path, Doc: say.T("Key of the certificate, on the host.", "인증서의 키(호스트의 파일).")},
	{Name: "connect_params", Type: Dict, Default: &value.Dict{}, Doc: say.T("Further parameters of libpq (connect_timeout, application_name).", "libpq의 다른 매개변수(connect_timeout, application_name).")},
}

var psqlNote = say.T("Works through psql on the host; psycopg2 is not needed.", "호스트의 psql로 하므로 psycopg2가 필요 없다.")

func withPsql(params ...Param) []Param { return append(params, psqlParams...) }

// psql runs SQL and returns what it printed as CSV.
func (c *Call) psql(ctx context.Context, db, sql string, header bool) (said, *Result, error) {
	a := c.Args
	words := append([]string{"psql", "-X", "-v", "ON_ERROR_STOP=1", "--csv"}, psqlWords(a, db)...)
	if header {
		words = append(words, "-P", "null="+sqlNull)
	} else {
		words = append(words, "-t", "-q")
	}
	env, fail := psqlEnv(a)
	if fail != nil {
		return said{}, fail, nil
	}
	out, err := c.exec(ctx, connection.Command{Script: systemPath + observeTools + needTool("psql") + shellLine(append(words, "-f", "-")...), Stdin: strings.NewReader(sql), Env: env})
	if err != nil {
		return said{}, nil, err
	}
	if out.Code == 127 && strings.Contains(string(out.Stdout), "need=psql") {
		return said{}, c.needs("psql"), nil
	}
	return said{code: out.Code, out: string(out.Stdout), err: string(out.Stderr)}, nil, nil
}

// libpqVariables are the environment variables of libpq's parameters, which
// keep them out of the command line.
var libpqVariables = map[string]string{
	"application_name": "PGAPPNAME", "channel_binding": "PGCHANNELBINDING", "connect_timeout": "PGCONNECT_TIMEOUT", "dbname": "PGDATABASE",
	"gssencmode": "PGGSSENCMODE", "host": "PGHOST", "hostaddr": "PGHOSTADDR", "options": "PGOPTIONS", "passfile": "PGPASSFILE", "password": "PGPASSWORD",
	"port": "PGPORT", "requirepeer": "PGREQUIREPEER", "service": "PGSERVICE", "sslcert": "PGSSLCERT", "sslcompression": "PGSSLCOMPRESSION", "sslcrl": "PGSSLCRL",
	"sslkey": "PGSSLKEY", "sslmode": "PGSSLMODE", "sslrootcert": "PGSSLROOTCERT", "sslsni": "PGSSLSNI", "target_session_attrs": "PGTARGETSESSIONATTRS", "user": "PGUSER",
}

// psqlEnv is how psql should connect.
func psqlEnv(a Args) ([]string, *Result) {
	env := []string{"PGSSLMODE=" + a.Str("ssl_mode"), "PGCLIENTENCODING=UTF8", "PGCONNECT_TIMEOUT=30"}
	for _, o := range [][2]string{{"login_password", "PGPASSWORD"}, {"ca_cert", "PGSSLROOTCERT"}, {"ssl_cert", "PGSSLCERT"}, {"ssl_key", "PGSSLKEY"}} {
		if p := a.Str(o[0]); p != "" {
			env = append(env, o[1]+"="+p)
		}
	}
	for k, v := range a.Dict("connect_params").All() {
		name, ok := libpqVariables[value.Str(k)]
		if !ok {
			return nil, Fail("connect_params: '%s' is not supported; there are %s", value.Str(k), strings.Join(slices.Sorted(maps.Keys(libpqVariables)), ", "))
		}
		env = append(env, name+"="+value.Str(v))
	}
	return env, nil
}

// sqlNull is how psql should print NULL in the rows of a query.
const sqlNull = "\x02"

// psqlWords are the options that tell psql, pg_dump and pg_restore where to
// connect.
func psqlWords(a Args, db string) []string {
	words := []string{"-U", a.Str("login_user"), "-p", strconv.Itoa(a.Int("port")), "-d", db}
	if host := cmp.Or(a.Str("login_unix_socket"), a.Str("login_host")); host != "" {
		words = append(words, "-h", host)
	}
	return words
}

// sqlFailed is the Result for SQL that did not work.
func sqlFailed(what string, s said) *Result {
	return Fail("%s: %s", what, strings.TrimSpace(strings.TrimPrefix(s.message(), "psql:<stdin>:")))
}

// rows asks and reads the answer.
func (c *Call) rows(ctx context.Context, db, sql string) ([][]string, *Result, error) {
	s, fail, err := c.psql(ctx, db, sql, false)
	if fail != nil || err != nil {
		return nil, fail, err
	}
	if s.code == 2 {
		return nil, sqlFailed("unable to connect to database", s), nil
	}
	if s.code != 0 {
		return nil, sqlFailed("Cannot execute SQL '"+sql+"'", s), nil
	}
	rows, err := readCSV(s.out)
	if err != nil {
		return nil, Fail("cannot read what psql printed: %s", err), nil
	}
	return rows, nil, nil
}

func readCSV(text string) ([][]string, error) {
	r := csv.NewReader(strings.NewReader(text))
	r.FieldsPerRecord = -1
	return r.ReadAll()
}

// sqlName quotes a name, sqlText a text.
func sqlName(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }
func sqlText(s string) string {
	if strings.Contains(s, `\`) {
		return " E'" + strings.NewReplacer(`\`, `\\`, "'", "''").Replace(s) + "'"
	}
	return "'" + strings.ReplaceAll(s, "'", "''") + "'"
}

var postgresqlPingModule = Module{
	Name: "community.postgresql.postgresql_ping", Aliases: []string{"community.general.postgresql_ping"},
	Summary:    say.T("Tells whether a PostgreSQL server answers.", "PostgreSQL 서버가 응답하는지 알아본다."),
	Notes:      psqlNote,
	Idempotent: true,
	Spec: Spec{Params: withPsql(
		Param{Name: "db", Aliases: []string{"login_db"}, Doc: say.T("Database.", "데이터베이스.")},
		Param{Name: "session_role", Doc: say.T("Role to take.", "맡을 역할.")},
		Param{Name: "trust_input", Type: Bool, Default: true, NoEffect: true, Doc: say.T("names are always quoted, so that none can be SQL.", "이름을 늘 따옴표로 감싸므로 SQL이 될 수 없다.")},
	)},
	Returns: []Return{
		{"is_available", "bool", "always", say.T("Whether it answers.", "응답하는지.")},
		{"server_version", "dict", "success", say.T("Its version.", "서버의 버전.")},
		{"conn_err_msg", "str", "always", say.T("Why it does not.", "응답하지 않는 까닭.")},
	},
	Run: func(ctx context.Context, c *Call) (*Result, error) {
		db := c.Args.Str("db")
		if db == "" {
			db = "postgres"
		}
		s, fail, err := c.psql(ctx, db, "SELECT current_setting('server_version_num'), version();", false)
		if fail != nil || err != nil {
			return fail, err
		}
		r := OK().Set("is_available", s.code == 0).Set("conn_err_msg", "").Set("server_version", value.NewDict())
		if s.code != 0 {
			r.Set("conn_err_msg", s.message())
			return r, nil
		}
		if rows, err := readCSV(s.out); err == nil && len(rows) == 1 && len(rows[0]) == 2 {
			n, _ := strconv.Atoi(rows[0][0])
			full := strconv.Itoa(n/10000) + "." + strconv.Itoa(n%10000)
			r.Set("server_version", value.NewDict("major", n/10000, "minor", n%10000, "full", full, "raw", rows[0][1]))
		}
		return r, nil
	},
}

var postgresqlQueryModule = Module{
	Name: "community.postgresql.postgresql_query", Aliases: []string{"community.general.postgresql_query"},
	Summary: say.T("Runs SQL queries.", "SQL 질의를 실행한다."),
	Notes:   say.T("Works through psql on the host. Values have the types that psycopg2 gives them, but for queries of several statements, whose values are text. %s and %(name)s are filled in as quoted text, numbers and NULL.", "호스트의 psql로 한다. 값의 타입은 psycopg2와 같지만, 문장이 여럿인 질의의 값은 글이다. %s와 %(name)s는 따옴표로 감싼 글, 수, NULL로 채운다."),
	Spec: Spec{
		Params: withPsql(
			Param{Name: "query", Type: Raw, Doc: say.T("SQL, or a list of it.", "SQL 또는 그 목록.")},
			Param{Name: "db", Aliases: []string{"login_db"}, Default: "postgres", Doc: say.T("Database.", "데이터베이스.")},
			Param{Name: "positional_args", Type: List, Elements: Raw, Doc: say.T("Values for %s.", "%s에 넣을 값.")},
			Param{Name: "named_args", Type: Dict, Doc: say.T("Values for %(name)s.", "%(name)s에 넣을 값.")},
			Param{Name: "session_role", Doc: say.T("Role to take.", "맡을 역할.")},
			Param{Name: "path_to_script", Type: Path, Doc: say.T("File of SQL on the host.", "호스트에 있는 SQL 파일.")},
			Param{Name: "autocommit", Type: Bool, Default: false, Doc: say.T("Run outside of a transaction.", "트랜잭션 밖에서 실행한다.")},
			Param{Name: "encoding", NoEffect: true, Doc: say.T("UTF-8 is used.", "UTF-8을 쓴다.")},
			Param{Name: "trust_input", Type: Bool, Default: true, NoEffect: true, Doc: say.T("names are always quoted, so that none can be SQL.", "이름을 늘 따옴표로 감싸므로 SQL이 될 수 없다.")},
			Param{Name: "search_path", Type: List, Elements: Str, Doc: say.T("Schemas to look in.", "찾아볼 스키마.")},
			Param{Name: "as_single_query", Type: Bool, NoEffect: true, Doc: say.T("a script is always sent as one.", "스크립트는 늘 한꺼번에 보낸다.")},
		),
		MutuallyExclusive: [][]string{{"positional_args", "named_args"}, {"query", "path_to_script"}},
	},
	Returns: []Return{
		{"query", "str", "always", say.T("The last query.", "마지막 질의.")},
		{"query_result", "list", "success", say.T("Rows of the last query.", "마지막 질의의 행.")},
		{"rowcount", "int", "success", say.T("How many rows.", "행의 수.")},
		{"statusmessage", "str", "success", say.T("What kind of statement it was.", "문장의 종류.")},
	},
	Run: runPostgresqlQuery,
}

func runPostgresqlQuery(ctx context.Context, c *Call) (*Result, error) {
	a := c.Args
	var queries []string
	switch q := a.Raw("query").(type) {
	case *value.List:
		for _, x := range q.Items {
			queries = append(queries, value.Str(x))
		}
	case nil:
	default:
		queries = append(queries, value.Str(q))
	}
	if a.Given("path_to_script") {
		t, fail, err := c.openFile(ctx, a.Str("path_to_script"), attrs{}, ":\n")
		if fail != nil || err != nil {
			return fail, err
		}
		if !t.exists {
			return Fail("Cannot read file '%s' : no such file", a.Str("path_to_script")), nil
		}
		queries = append(queries, t.text())
	}
	var sql strings.Builder
	if role := a.Str("session_role"); role != "" {
		sql.WriteString("SET ROLE " + sqlName(role) + ";\n")
	}
	if p := a.Strings("search_path"); len(p) > 0 {
		var names []string
		for _, s := range p {
			names = append(names, sqlName(s))
		}
		sql.WriteString("SET search_path TO " + strings.Join(names, ", ") + ";\n")
	}
	if !a.Bool("autocommit") {
		sql.WriteString("BEGIN;\n")
	}
	last := ""
	for _, q := range queries {
		last = fillSQL(a, q)
		one := strings.TrimRight(strings.TrimSpace(last), ";")
		sql.WriteString("\\echo '\x01'\n")
		if selects(q) && !strings.Contains(one, ";") { // of several, the others would run twice
			sql.WriteString(one + "\n\\gdesc\n")
		}
		sql.WriteString("\\echo '\x03'\n" + one + ";\n\\echo '\x03'\n\\echo :ROW_COUNT\n")
	}
	sql.WriteString("\\echo '\x01'\n") // the tag of COMMIT follows
	if !a.Bool("autocommit") {
		sql.WriteString(map[bool]string{true: "ROLLBACK;\n", false: "COMMIT;\n"}[c.Check])
	}
	s, fail, err := c.psql(ctx, a.Str("db"), sql.String(), true)
	if fail != nil || err != nil {
		return fail, err
	}
	if s.code != 0 {
		return sqlFailed("Cannot execute SQL '"+last+"'", s).Set("query", last), nil
	}
	return queryResult(strings.Split(s.out, "\x01\n"), queries, last), nil
}

// queryResult reads what psql printed for each query.
func queryResult(parts, queries []string, last string) *Result {
	r := OK()
	all, count, status := &value.List{}, 0, ""
	for i, p := range parts[1:max(1, len(parts)-1)] { // what stands before the first mark is no answer
		q := readAnswer(p, queries[min(i, len(queries)-1)])
		all.Append(q.rows)
		count += q.count
		status = q.status
		r.Changed = r.Changed || q.changes()
	}
	result := any(&value.List{})
	if n := all.Len(); n > 0 {
		result = all.Items[n-1]
	}
	return r.Set("query", last).Set("query_list", value.Strings(queries)).Set("query_result", result).Set("query_all_results", all).Set("rowcount", count).Set("statusmessage", status)
}

// queryAnswer is what one query gave.
type queryAnswer struct {
	rows   any
	count  int
	status string // its command tag, "SELECT 3"
}

// readAnswer reads types, rows and the number of rows, which stand between marks.
func readAnswer(text, query string) queryAnswer {
	types, rest, _ := strings.Cut(text, "\x03\n")
	rows, number, _ := strings.Cut(rest, "\x03\n")
	var a queryAnswer
	a.count, _ = strconv.Atoi(strings.TrimSpace(number))
	if !selects(query) {
		rows, a.status = commandTag(rows)
		a.rows = queryRows(rows, nil, a.status != "")
		return a
	}
	a.rows = queryRows(rows, columnTypes(types), false)
	if l, ok := a.rows.(*value.List); ok {
		a.count = l.Len() // SHOW counts none
	}
	switch word := strings.ToUpper(strings.TrimRight(strings.Fields(query)[0], ";")); word {
	case "SHOW", "EXPLAIN":
		a.status = word
	default: // psql prints the rows in place of the tag
		a.status = "SELECT " + strconv.Itoa(a.count)
	}
	return a
}

// changes reports whether the tag is one of a change, as postgresql_query has
// it: all but SELECT are, and those that count rows when there are any.
func (a queryAnswer) changes() bool {
	words := strings.Fields(a.status)
	switch {
	case len(words) == 0 || words[0] == "SELECT":
		return false
	case contains([]string{"INSERT", "UPDATE", "DELETE"}, words[0]):
		return words[len(words)-1] != "0"
	}
	return true
}

// selects reports whether psql answers a query with rows and no command tag.
func selects(query string) bool {
	words := strings.Fields(query)
	return len(words) > 0 && contains([]string{"SELECT", "SHOW", "EXPLAIN", "WITH", "VALUES", "TABLE"}, strings.ToUpper(strings.TrimRight(words[0], ";")))
}

// commandTag parts the last line, "CREATE TABLE", from the rows before it.
func commandTag(text string) (rows, tag string) {
	text = strings.TrimSuffix(text, "\n")
	i := strings.LastIndexByte(text, '\n')
	return text[:i+1], text[i+1:]
}

// columnTypes reads what psql's \gdesc printed: a line for each column.
func columnTypes(text string) []string {
	rows, err := readCSV(text)
	if err != nil || len(rows) < 2 {
		return nil
	}
	var types []string
	for _, row := range rows[1:] {
		types = append(types, row[len(row)-1])
	}
	return types
}

// queryRows are the rows of one query; a command that gives none is an empty
// dict, as Ansible has it.
func queryRows(text string, types []string, command bool) any {
	rows, err := readCSV(text)
	if command && text == "" {
		return value.NewDict()
	}
	list := &value.List{}
	if err != nil || len(rows) == 0 {
		return list
	}
	for _, row := range rows[1:] {
		d := value.NewDict()
		for i, cell := range row {
			switch {
			case i >= len(rows[0]):
			case cell == sqlNull:
				d.Set(rows[0][i], nil)
			case i < len(types):
				d.Set(rows[0][i], sqlTyped(cell, types[i]))
			default:
				d.Set(rows[0][i], cell)
			}
		}
		list.Append(d)
	}
	return list
}

// fillSQL puts values into a query.
func fillSQL(a Args, q string) string {
	if d := a.Dict("named_args"); d != nil {
		for k, v := range d.All() {
			q = strings.ReplaceAll(q, "%("+value.Str(k)+")s", sqlValue(v))
		}
		return strings.ReplaceAll(q, "%%", "%")
	}
	list := a.List("positional_args")
	if len(list) == 0 {
		return q
	}
	for _, v := range list {
		q = strings.Replace(q, "%s", "\x00"+sqlValue(v), 1)
	}
	return strings.ReplaceAll(strings.ReplaceAll(q, "%%", "%"), "\x00", "")
}

func sqlValue(v any) string {
	switch v := v.(type) {
	case nil:
		return "NULL"
	case int, float64:
		return value.Str(v)
	case bool:
		return strings.ToUpper(value.Str(v))
	case *value.List:
		var items []string
		for _, x := range v.Items {
			items = append(items, sqlValue(x))
		}
		return "ARRAY[" + strings.Join(items, ", ") + "]"
	}
	return sqlText(strings.ReplaceAll(value.Str(v), "\x00", ""))
}

var postgresqlDBModule = Module{
	Name: "community.postgresql.postgresql_db", Aliases: []string{"community.general.postgresql_db"},
	Summary:    say.T("Makes, drops and renames PostgreSQL databases.", "PostgreSQL 데이터베이스를 만들고, 지우고, 이름을 바꾼다."),
	Notes:      say.T("Works through psql on the host. dump and restore run pg_dump and psql with the file on the host.", "호스트의 psql로 한다. dump와 restore는 호스트의 파일로 pg_dump와 psql을 실행한다."),
	Idempotent: true,
	Spec: Spec{Params: withPsql(
		Param{Name: "name", Aliases: []string{"db"}, Required: true, Doc: say.T("Name of the database.", "데이터베이스 이름.")},
		Param{Name: "state", Default: "present", Choices: []any{"absent", "dump", "present", "rename", "restore"}, Doc: say.T("What should be.", "상태.")},
		Param{Name: "owner", Default: "", Doc: say.T("Role that owns it.", "소유할 역할.")},
		Param{Name: "template", Default: "", Doc: say.T("Template.", "템플릿.")},
		Param{Name: "encoding", Default: "", Doc: say.T("Encoding.", "인코딩.")},
		Param{Name: "lc_collate", Default: "", Doc: say.T("Collation.", "정렬 규칙.")},
		Param{Name: "lc_ctype", Default: "", Doc: say.T("Character classes.", "글자 분류.")},
		Param{Name: "conn_limit", Default: "", Doc: say.T("How many connections it may have.", "최대 연결 수.")},
		Param{Name: "tablespace", Type: Path, Default: "", Doc: say.T("Tablespace.", "테이블스페이스.")},
		Param{Name: "target", Type: Path, Default: "", Doc: say.T("File for dump and restore; the new name for rename.", "dump와 restore의 파일, rename의 새 이름.")},
		Param{Name: "target_opts", Default: "", Doc: say.T("More options for dump and restore.", "dump와 restore에 더 줄 옵션.")},
		Param{Name: "dump_extra_args", Doc: say.T("More options for pg_dump.", "pg_dump에 더 줄 옵션.")},
		Param{Name: "maintenance_db", Default: "postgres", Doc: say.T("Database to connect to.", "접속할 데이터베이스.")},
		Param{Name: "force", Type: Bool, Default: false, Doc: say.T("Drop it although somebody is connected.", "접속자가 있어도 지운다.")},
		Param{Name: "session_role", Doc: say.T("Role to take.", "맡을 역할.")},
		Param{Name: "trust_input", Type: Bool, Default: true, NoEffect: true, Doc: say.T("names are always quoted, so that none can be SQL.", "이름을 늘 따옴표로 감싸므로 SQL이 될 수 없다.")},
	)},
	Returns: []Return{
		{"db", "str", "success", say.T("Name of the database.", "데이터베이스 이름.")},
		{"executed_commands", "list", "success", say.T("What was run.", "실행한 것.")},
	},
	Run: runPostgresqlDB,
}

func runPostgresqlDB(ctx context.Context, c *Call) (*Result, error) {
	a := c.Args
	name, main := a.Str("name"), a.Str("maintenance_db")
	rows, fail, err := c.rows(ctx, main, "SELECT datname, pg_get_userbyid(datdba), datconnlimit, pg_encoding_to_char(encoding), datcollate, datctype FROM pg_database WHERE datname IN ("+sqlText(name)+", "+sqlText(a.Str("target"))+");")
	if fail != nil || err != nil {
		return fail, err
	}
	var have, other []string
	for _, row := range rows {
		if len(row) == 6 && row[0] == name {
			have = row
		} else {
			other = row
		}
	}
	r := OK().Set("db", name)
	var sql []string
	switch a.Str("state") {
	case "absent":
		if have != nil {
			if a.Bool("force") {
				sql = append(sql, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = "+sqlText(name)+" AND pid <> pg_backend_pid()")
			}
			sql = append(sql, "DROP DATABASE "+sqlName(name))
		}
	case "rename":
		switch {
		case have == nil && other == nil:
			return Fail("Database %s does not exist", name), nil
		case have != nil && other != nil:
			return Fail("Both the source and the target databases exist"), nil
		case have != nil:
			sql = append(sql, "ALTER DATABASE "+sqlName(name)+" RENAME TO "+sqlName(a.Str("target")))
		}
	case "dump", "restore":
		return c.moveDatabase(ctx, r)
	default:
		sql, fail = databaseSQL(a, name, have)
		if fail != nil {
			return fail, nil
		}
	}
	r.Changed = len(sql) > 0
	r.Set("executed_commands", value.Strings(sql))
	if c.Check || !r.Changed {
		return r, nil
	}
	if _, fail, err := c.rows(ctx, main, strings.Join(sql, ";\n")+";\n"); fail != nil || err != nil {
		return fail, err
	}
	return r, nil
}

func databaseSQL(a Args, name string, have []string) ([]string, *Result) {
	if have == nil {
		s := "CREATE DATABASE " + sqlName(name)
		for _, o := range []struct {
			arg, word string
			name      bool
		}{{"owner", "OWNER", true}, {"template", "TEMPLATE", true}, {"encoding", "ENCODING", false}, {"lc_collate", "LC_COLLATE", false}, {"lc_ctype", "LC_CTYPE", false}, {"tablespace", "TABLESPACE", true}} {
			switch v := a.Str(o.arg); {
			case v == "":
			case o.name:
				s += " " + o.word + " " + sqlName(v)
			default:
				s += " " + o.word + " " + sqlText(v)
			}
		}
		if n, err := strconv.Atoi(a.Str("conn_limit")); err == nil {
			s += " CONNECTION LIMIT " + strconv.Itoa(n)
		}
		return []string{s}, nil
	}
	for _, fixed := range []struct {
		arg  string
		have string
	}{{"encoding", have[3]}, {"lc_collate", have[4]}, {"lc_ctype", have[5]}} {
		if v := a.Str(fixed.arg); v != "" && !strings.EqualFold(strings.ReplaceAll(v, "-", ""), strings.ReplaceAll(fixed.have, "-", "")) {
			return nil, Fail("Changing %s is not supported. Current: %s", fixed.arg, fixed.have)
		}
	}
	var sql []string
	if o := a.Str("owner"); o != "" && o != have[1] {
		sql = append(sql, "ALTER DATABASE "+sqlName(name)+" OWNER TO "+sqlName(o))
	}
	if n, err := strconv.Atoi(a.Str("conn_limit")); err == nil && strconv.Itoa(n) != have[2] {
		sql = append(sql, "ALTER DATABASE "+sqlName(name)+" CONNECTION LIMIT "+strconv.Itoa(n))
	}
	return sql, nil
}

// packers are what a dump goes through, by the end of its name.
var packers = map[string]string{".gz": "gzip", ".bz2": "bzip2", ".xz": "xz"}

// dumpFormats are the forms of dumps that are no SQL, by the end of their name.
var dumpFormats = map[string]string{".tar": "t", ".pgc": "c", ".dir": "d"}

// moveDatabase dumps or restores.
func (c *Call) moveDatabase(ctx context.Context, r *Result) (*Result, error) {
	a := c.Args
	if a.Str("target") == "" {
		return Fail("state=%s needs target", a.Str("state")), nil
	}
	r.Set("executed_commands", value.NewList())
	if c.Check {
		return r, nil
	}
	line := dumpLine(a)
	if a.Str("state") == "restore" {
		line = restoreLine(a)
	}
	env, fail := psqlEnv(a)
	if fail != nil {
		return fail, nil
	}
	out, err := c.exec(ctx, connection.Command{Script: systemPath + observeTools + needTool("psql") + "f=" + quotePath(a.Str("target")) + "\n" + line + "\n", Env: env})
	if err != nil {
		return nil, err
	}
	s := said{code: out.Code, out: string(out.Stdout), err: string(out.Stderr)}
	r = OK().Set("executed_commands", value.NewList(line)).Set("cmd", line).Set("rc", s.code).Set("stderr", s.err)
	r.Changed, r.Msg = true, s.out
	if s.code != 0 {
		r.Failed, r.Changed, r.Msg = true, false, s.message()
	}
	return r, nil
}

// dumpLine dumps beside and renames, so that a dump that was cut is not taken
// for a whole one.
func dumpLine(a Args) string {
	end := path.Ext(a.Str("target"))
	line := "pg_dump " + shellLine(psqlWords(a, a.Str("name"))...) + option(dumpFormats[end] != "", " -F "+dumpFormats[end]) + " " + quoteLine(a.Str("dump_extra_args")) + " " + quoteLine(a.Str("target_opts"))
	line = strings.TrimRight(line, " ")
	switch {
	case dumpFormats[end] == "d":
		return line + ` -f "$f"`
	case packers[end] != "":
		return "umask 077; " + line + ` -f "$f.part" && ` + packers[end] + ` <"$f.part" >"$f.pack" && mv -f "$f.pack" "$f"; r=$?; rm -f "$f.part" "$f.pack"; exit $r`
	}
	return "umask 077; " + line + ` -f "$f.part" && mv -f "$f.part" "$f"; r=$?; rm -f "$f.part"; exit $r`
}

func restoreLine(a Args) string {
	end := path.Ext(a.Str("target"))
	where, opts := shellLine(psqlWords(a, a.Str("name"))...), strings.TrimRight(" "+quoteLine(a.Str("target_opts")), " ")
	switch {
	case dumpFormats[end] != "":
		return "pg_restore " + where + " -F " + dumpFormats[end] + opts + ` "$f"`
	case packers[end] != "":
		return packers[end] + ` -dc <"$f" | psql ` + where + opts
	}
	return "psql " + where + opts + ` -f "$f"`
}

var postgresqlUserModule = Module{
	Name: "community.postgresql.postgresql_user", Aliases: []string{"community.general.postgresql_user"},
	Summary:    say.T("Manages PostgreSQL roles.", "PostgreSQL 역할을 관리한다."),
	Notes:      say.T("Works through psql on the host. A plain password is compared with MD5 and SCRAM hashes that the server lets us see.", "호스트의 psql로 한다. 평문 비밀번호는 서버가 보여 주는 MD5, SCRAM 해시와 견준다."),
	Idempotent: true,
	Spec: Spec{Params: withPsql(
		Param{Name: "name", Aliases: []string{"user"}, Required: true, Doc: say.T("Name of the role.", "역할 이름.")},
		Param{Name: "password", Secret: true, Doc: say.T("Its password, plain or hashed.", "비밀번호(평문 또는 해시).")},
		Param{Name: "state", Default: "present", Choices: []any{"absent", "present"}, Doc: say.T("Whether it should be there.", "역할이 있어야 하는지.")},
		Param{Name: "priv", Doc: say.T("Not done here: use postgresql_query with GRANT.", "여기서는 하지 않는다: GRANT를 postgresql_query로 실행한다.")},
		Param{Name: "db", Aliases: []string{"login_db"}, Default: "postgres", Doc: say.T("Database to connect to.", "접속할 데이터베이스.")},
		Param{Name: "fail_on_user", Aliases: []string{"fail_on_role"}, Type: Bool, Default: true, Doc: say.T("Fail when it cannot be removed.", "지울 수 없으면 실패한다.")},
		Param{Name: "role_attr_flags", Default: "", Doc: say.T("Attributes: CREATEDB,NOSUPERUSER and so on.", "속성: CREATEDB,NOSUPERUSER 등.")},
		Param{Name: "encrypted", Type: Bool, Default: true, NoEffect: true, Doc: say.T("the server always stores a hash.", "서버가 늘 해시로 저장한다.")},
		Param{Name: "expires", Doc: say.T("When the password expires.", "비밀번호가 끝나는 때.")},
		Param{Name: "no_password_changes", Type: Bool, Default: false, Doc: say.T("Leave the password of a role that is there.", "있는 역할의 비밀번호는 바꾸지 않는다.")},
		Param{Name: "conn_limit", Type: Int, Doc: say.T("How many connections it may have.", "최대 연결 수.")},
		Param{Name: "groups", Type: List, Elements: Str, Doc: say.T("Roles that it is a member of.", "소속될 역할.")},
		Param{Name: "comment", Doc: say.T("Comment.", "설명.")},
		Param{Name: "session_role", Doc: say.T("Role to take.", "맡을 역할.")},
		Param{Name: "trust_input", Type: Bool, Default: true, NoEffect: true, Doc: say.T("names are always quoted, so that none can be SQL.", "이름을 늘 따옴표로 감싸므로 SQL이 될 수 없다.")},
	)},
	Returns: []Return{{"queries", "list", "success", say.T("What was run, without passwords.", "실행한 것(비밀번호 제외).")}},
	Run:     runPostgresqlUser,
}
