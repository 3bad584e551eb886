package modules

import (
	"context"
	"crypto/hmac"
	"crypto/md5"
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strconv"
	"strings"

	"sunup/internal/value"
)

// roleFlags are the columns for attributes of roles.
var roleFlags = map[string]int{"SUPERUSER": 1, "CREATEROLE": 2, "CREATEUSER": 2, "CREATEDB": 3, "INHERIT": 4, "LOGIN": 5, "REPLICATION": 6, "BYPASSRLS": 7}

func runPostgresqlUser(ctx context.Context, c *Call) (*Result, error) {
	a := c.Args
	name, db := a.Str("name"), a.Str("db")
	if a.Given("priv") {
		return Fail("priv is not done by postgresql_user here: run GRANT with postgresql_query"), nil
	}
	ask := "SELECT rolname, rolsuper, rolcreaterole, rolcreatedb, rolinherit, rolcanlogin, rolreplication, rolbypassrls, rolconnlimit, rolvaliduntil, coalesce(shobj_description(oid, 'pg_authid'), '') FROM pg_roles WHERE rolname = " + sqlText(name) + ";\n"
	if len(a.Strings("groups")) > 0 {
		ask += "SELECT 'in', g.rolname FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid JOIN pg_roles u ON u.oid = m.member WHERE u.rolname = " + sqlText(name) + ";\n"
	}
	if a.Given("password") {
		// Only superusers may look, and others may set it all the same.
		ask += "SELECT 'hash', rolpassword FROM pg_authid WHERE rolname = " + sqlText(name) + " AND has_table_privilege('pg_authid', 'select');\n"
	}
	rows, fail, err := c.rows(ctx, db, ask)
	if fail != nil && a.Given("password") && strings.Contains(fail.Msg, "pg_authid") {
		ask, _, _ = strings.Cut(ask, "SELECT 'hash'")
		rows, fail, err = c.rows(ctx, db, ask)
	}
	if fail != nil || err != nil {
		return fail, err
	}
	var role []string
	hash := ""
	member := map[string]bool{}
	for _, row := range rows {
		switch {
		case len(row) == 11:
			role = row
		case len(row) == 2 && row[0] == "hash":
			hash = row[1]
		case len(row) == 2:
			member[row[1]] = true
		}
	}
	sql, shown := roleSQL(a, name, role, hash, member)
	r := ChangedIf(len(sql) > 0).Set("user", name).Set("queries", value.Strings(shown))
	if a.Str("state") == "absent" && role != nil {
		r.Set("user_removed", true)
	}
	if c.Check || !r.Changed {
		return r, nil
	}
	if _, fail, err := c.rows(ctx, db, strings.Join(sql, ";\n")+";\n"); fail != nil || err != nil {
		if fail != nil {
			fail.NoLog = a.Given("password")
			if a.Str("state") == "absent" && !a.Bool("fail_on_user") {
				return OK().Set("user", name).Set("user_removed", false), nil
			}
		}
		return fail, err
	}
	return r, nil
}

// roleSQL is what must be run, and the same without the password.
func roleSQL(a Args, name string, role []string, hash string, member map[string]bool) (sql, shown []string) {
	add := func(s string) { sql, shown = append(sql, s), append(shown, s) }
	if a.Str("state") == "absent" {
		if role != nil {
			add("DROP USER " + sqlName(name))
		}
		return sql, shown
	}
	var with []string
	for _, flag := range strings.Split(strings.ToUpper(a.Str("role_attr_flags")), ",") {
		flag = strings.TrimSpace(flag)
		base, off := strings.CutPrefix(flag, "NO")
		if col, ok := roleFlags[base]; ok && (role == nil || (role[col] == "t") == off) {
			with = append(with, strings.Replace(flag, "CREATEUSER", "CREATEROLE", 1))
		}
	}
	if a.Given("conn_limit") && (role == nil || role[8] != strconv.Itoa(a.Int("conn_limit"))) {
		with = append(with, "CONNECTION LIMIT "+strconv.Itoa(a.Int("conn_limit")))
	}
	if a.Given("expires") && (role == nil || !sameMoment(role[9], a.Str("expires"))) {
		with = append(with, "VALID UNTIL "+sqlText(a.Str("expires")))
	}
	secret := ""
	if a.Given("password") && (role == nil || !a.Bool("no_password_changes") && !passwordFits(hash, name, a.Str("password"))) {
		secret = " PASSWORD " + sqlText(a.Str("password"))
		if a.Str("password") == "" {
			secret = " PASSWORD NULL"
		}
	}
	if role == nil || len(with) > 0 || secret != "" {
		verb := "ALTER USER "
		if role == nil {
			verb = "CREATE USER "
		}
		head := verb + sqlName(name)
		if len(with) > 0 || secret != "" {
			head += " WITH"
		}
		tail := ""
		if len(with) > 0 {
			tail = " " + strings.Join(with, " ")
		}
		sql = append(sql, head+secret+tail)
		if secret != "" {
			secret = " PASSWORD '********'"
		}
		shown = append(shown, head+secret+tail)
	}
	for _, g := range a.Strings("groups") {
		if !member[g] {
			add("GRANT " + sqlName(g) + " TO " + sqlName(name))
		}
	}
	if a.Given("comment") && (role == nil || role[10] != a.Str("comment")) {
		add("COMMENT ON ROLE " + sqlName(name) + " IS " + sqlText(a.Str("comment")))
	}
	return sql, shown
}

// sameMoment compares times as far as both are written the same way.
func sameMoment(have, want string) bool {
	have, want = strings.TrimSpace(have), strings.TrimSpace(want)
	return have == want || strings.HasPrefix(have, want+" ") || strings.HasPrefix(have, want+"+") || strings.EqualFold(have, want)
}

// passwordFits reports whether a stored hash is that of the password.
func passwordFits(hash, user, password string) bool {
	switch {
	case hash == "" || hash == password:
		return hash == password
	case strings.HasPrefix(hash, "md5"):
		sum := md5.Sum([]byte(password + user))
		return hash == "md5"+hex.EncodeToString(sum[:])
	}
	rest, ok := strings.CutPrefix(hash, "SCRAM-SHA-256$")
	if !ok {
		return false
	}
	params, keys, _ := strings.Cut(rest, "$")
	rounds, salt64, _ := strings.Cut(params, ":")
	stored, _, _ := strings.Cut(keys, ":")
	n, err := strconv.Atoi(rounds)
	salt, err2 := base64.StdEncoding.DecodeString(salt64)
	if err != nil || err2 != nil || n < 1 || n > 1_000_000 {
		return false
	}
	salted, err := pbkdf2.Key(sha256.New, password, salt, n, sha256.Size)
	if err != nil {
		return false
	}
	mac := hmac.New(sha256.New, salted)
	mac.Write([]byte("Client Key"))
	sum := sha256.Sum256(mac.Sum(nil))
	return base64.StdEncoding.EncodeToString(sum[:]) == stored
}
