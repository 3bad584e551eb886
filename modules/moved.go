package modules

// moved are modules that once belonged to Ansible itself, by collection: their
// short names still lead there.
var moved = map[string][]string{
	"ansible.posix.":        {"authorized_key", "firewalld", "mount", "synchronize", "sysctl"},
	"community.crypto.":     {"get_certificate", "openssl_privatekey"},
	"community.general.":    {"alternatives", "apk", "archive", "git_config", "haproxy", "htpasswd", "ini_file", "locale_gen", "modprobe", "pam_limits", "timezone", "ufw", "xml"},
	"community.postgresql.": {"postgresql_db", "postgresql_ping", "postgresql_privs", "postgresql_query", "postgresql_user"},
}

// movedTo leads from such a short name to the full one.
var movedTo = func() map[string]string {
	m := map[string]string{}
	for collection, names := range moved {
		for _, name := range names {
			m[name] = collection + name
		}
	}
	return m
}()

// builtinOrMoved finds a module by its short name.
func builtinOrMoved(short string) *Module {
	if m := byName[builtin+short]; m != nil {
		return m
	}
	return byName[movedTo[short]]
}
