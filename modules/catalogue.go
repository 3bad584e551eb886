package modules

import (
	"sort"
	"strings"
)

// all is every module, by name.
var all = []*Module{
	&aclModule,
	&addHostModule,
	&alternativesModule,
	&apkModule,
	&aptKeyModule,
	&aptModule,
	&aptRepositoryModule,
	&archiveModule,
	&assembleModule,
	&assertModule,
	&asyncStatusModule,
	&atModule,
	&authorizedKeyModule,
	&blockinfileModule,
	&commandModule,
	&copyModule,
	&cronModule,
	&deb822RepositoryModule,
	&debconfModule,
	&debugModule,
	&dnfModule,
	&dpkgSelectionsModule,
	&expectModule,
	&failModule,
	&fetchModule,
	&fileModule,
	&findModule,
	&firewalldModule,
	&gatherFactsModule,
	&getCertificateModule,
	&getURLModule,
	&getentModule,
	&gitConfigModule,
	&gitModule,
	&groupByModule,
	&groupModule,
	&haproxyModule,
	&healthModule,
	&hostnameModule,
	&htpasswdModule,
	&importPlaybookModule,
	&importRoleModule,
	&importTasksModule,
	&includeModule,
	&includeRoleModule,
	&includeTasksModule,
	&includeVarsModule,
	&iniFileModule,
	&iptablesModule,
	&knownHostsModule,
	&lineinfileModule,
	&localeGenModule,
	&metaModule,
	&modprobeModule,
	&mountFactsModule,
	&mountModule,
	&nginxUpstreamModule,
	&opensslPrivatekeyModule,
	&packageFactsModule,
	&packageModule,
	&pamLimitsModule,
	&patchModule,
	&pauseModule,
	&pingModule,
	&pipModule,
	&postgresqlDBModule,
	&postgresqlPingModule,
	&postgresqlPrivsModule,
	&postgresqlQueryModule,
	&postgresqlUserModule,
	&rawModule,
	&rebootModule,
	&replaceModule,
	&rpmKeyModule,
	&scriptModule,
	&sebooleanModule,
	&selinuxModule,
	&serviceFactsModule,
	&serviceModule,
	&setFactModule,
	&setStatsModule,
	&setupModule,
	&shellModule,
	&slurpModule,
	&statModule,
	&subversionModule,
	&sudoersModule,
	&synchronizeModule,
	&sysctlModule,
	&systemdModule,
	&sysvinitModule,
	&tempfileModule,
	&templateModule,
	&timezoneModule,
	&ufwModule,
	&unarchiveModule,
	&uriModule,
	&userModule,
	&validateArgumentSpecModule,
	&waitForConnectionModule,
	&waitForModule,
	&x509CertificateInfoModule,
	&xmlModule,
	&yumModule,
	&yumRepositoryModule,
}

// builtin is the prefix of Ansible's own modules, own that of ours.
const (
	builtin = "ansible.builtin."
	own     = "sunup.builtin."
)

// byName finds a module by each of its full names.
var byName = index(all)

func index(list []*Module) map[string]*Module {
	m := make(map[string]*Module, 2*len(list))
	for _, mod := range list {
		m[mod.Name] = mod
		for _, alias := range mod.Aliases {
			m[alias] = mod
		}
	}
	return m
}

// Lookup finds a module by the name that a task uses: full, short (looked up
// in the given collections, then among Ansible's built-in ones, then among our
// own), or with the old prefix ansible.legacy. It returns nil when there is none.
func Lookup(name string, collections []string) *Module {
	if short, ok := strings.CutPrefix(name, "ansible.legacy."); ok {
		return builtinOrMoved(short)
	}
	if short, ok := strings.CutPrefix(name, builtin); ok {
		return builtinOrMoved(short)
	}
	if strings.Contains(name, ".") {
		return byName[name]
	}
	for _, c := range collections {
		if m := byName[c+"."+name]; m != nil {
			return m
		}
	}
	if m := builtinOrMoved(name); m != nil {
		return m
	}
	return byName[own+name]
}

// Names returns the full names of all modules, sorted.
func Names() []string {
	names := make([]string, 0, len(byName))
	for name := range byName {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// ShortName is the name without "ansible.builtin." or "sunup.builtin.".
func (m *Module) ShortName() string {
	return strings.TrimPrefix(strings.TrimPrefix(m.Name, builtin), own)
}

// HasName reports whether name, as written in module_defaults, means the
// module: its full name, an alias, or the last part of one of them.
func (m *Module) HasName(name string) bool {
	for _, own := range append([]string{m.Name}, m.Aliases...) {
		short := own[strings.LastIndexByte(own, '.')+1:]
		if name == own || name == short || name == "ansible.legacy."+short {
			return true
		}
	}
	return false
}
