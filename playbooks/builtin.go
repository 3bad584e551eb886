package playbooks

import (
	_ "embed" // moved.txt
	"sort"
	"strings"
	"sync"

	"sunup/internal/diag"
	"sunup/internal/say"
)

// builtinModules are the modules of ansible-core 2.14, by short name: what is
// among them and not in the catalogue is not supported yet, rather than unknown.
var builtinModules = setOf(strings.Fields(`
	add_host apt apt_key apt_repository assemble assert async_status blockinfile command copy cron debconf debug
	deb822_repository dnf dpkg_selections expect fail fetch file find gather_facts get_url getent git group group_by
	hostname include import_role import_tasks include_role include_tasks include_vars iptables known_hosts lineinfile
	meta mount_facts package package_facts pause ping pip raw reboot replace rpm_key script service service_facts
	set_fact set_stats setup shell slurp stat subversion systemd systemd_service sysvinit tempfile template unarchive
	uri user validate_argument_spec wait_for wait_for_connection yum yum_repository`)...)

//go:embed moved.txt
var movedText string

// movedModules maps the short name of a module that left ansible-core to the
// full one. moved.py makes the list. It is long, and read when somebody asks.
var movedModules = sync.OnceValue(func() map[string]string {
	m := map[string]string{}
	for line := range strings.Lines(movedText) {
		collection, list, _ := strings.Cut(strings.TrimSpace(line), ": ")
		for _, word := range strings.Fields(list) {
			name, now, renamed := strings.Cut(word, "=")
			if !renamed {
				now = name
			}
			m[name] = collection + "." + now
		}
	}
	return m
})

// structuralNames are the actions that belong to the language.
var structuralNames = sortedKeys(structural)

// moduleNames is for "did you mean" when there is no catalogue.
func moduleNames() []string { return append(sortedKeys(builtinModules), sortedKeys(movedModules())...) }

// lookupNames are the lookups of ansible-core, for with_NAME.
var lookupNames = setOf(strings.Fields(`
	config csvfile dict env file fileglob first_found indexed_items ini inventory_hostnames items lines list nested
	password pipe random_choice sequence subelements template together unvault url varnames vars
	cartesian chef_databag consul_kv credstash cyberarkpassword dig dnstxt etcd flattened hashi_vault hiera k8s
	keyring lastpass mongodb nios nios_next_ip nios_next_network onepassword passwordstore redis_kv shelvefile`)...)

// nearestWith proposes a with_NAME; the names are compared without the prefix,
// which would count as likeness.
func nearestWith(name string) say.Text {
	if near := diag.Nearest(name, sortedKeys(lookupNames)); near != "" {
		return say.T("did you mean '%s'?", "'%s'{을/를} 쓰려던 것인가요?", "with_"+near)
	}
	return say.T("use loop", "loop를 쓰세요")
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

// knownLookup reports whether with_NAME can be meant: one of Ansible's, one of
// a collection, or a plugin beside the playbook or its roles.
func (c *place) knownLookup(name string) bool {
	if lookupNames[shortName(name)] || (strings.Count(name, ".") >= 2 && isDotted(name)) {
		return true
	}
	for _, base := range c.pluginBases() {
		if c.dirNames(base + "/lookup_plugins")[name+".py"] {
			return true
		}
	}
	return false
}
