package playbooks

import (
	"path/filepath"
	"slices"
	"strings"

	"sunup/internal/say"
	"sunup/internal/yaml"
)

// groupPrefix marks a name in module_defaults that means a group of modules.
const groupPrefix = "group/"

// legacyGroups are the groups of ansible.builtin: names from before collections,
// each with the groups of collections that took its place.
var legacyGroups = map[string][]string{
	"acme":   {"community.crypto.acme"},
	"aws":    {"amazon.aws.aws", "community.aws.aws"},
	"azure":  {"azure.azcollection.azure"},
	"cpm":    {"wti.remote.cpm"},
	"docker": {"community.general.docker", "community.docker.docker"},
	"gcp":    {"google.cloud.gcp"},
	"k8s":    {"community.kubernetes.k8s", "community.general.k8s", "community.kubevirt.k8s", "community.okd.k8s", "kubernetes.core.k8s"},
	"os":     {"openstack.cloud.os"},
	"ovirt":  {"ovirt.ovirt.ovirt", "community.general.ovirt"},
	"vmware": {"community.vmware.vmware"},
}

// maxGroups bounds groups that are made of groups.
const maxGroups = 100

// actionGroup lists the full names of a group's modules: what meta/runtime.yml
// of its collection says, and the groups that it extends. Found is false when
// nobody knows the group.
func (c *place) actionGroup(name string) (modules []string, found bool) {
	name = strings.TrimPrefix(name, groupPrefix)
	seen := map[string]bool{}
	var add func(name string)
	add = func(name string) {
		if seen[name] || len(seen) >= maxGroups {
			return
		}
		seen[name] = true
		for _, instead := range legacyGroups[strings.TrimPrefix(name, "ansible.builtin.")] {
			found = true
			add(instead)
		}
		ns, coll, group, ok := collectionName(name)
		if !ok {
			return
		}
		for _, dir := range c.collectionDirs(ns, coll) {
			listed := c.parse(filepath.Join(dir, "meta", "runtime.yml")).root.Get("action_groups").Get(group)
			if listed == nil {
				continue
			}
			found = true
			prefix := ns + "." + coll + "."
			for _, item := range listed.Items {
				if item.Kind == yaml.Scalar {
					modules = append(modules, inCollection(prefix, scalarText(item)))
					continue
				}
				if extended := item.Get("metadata").Get("extend_group"); extended != nil {
					for _, other := range append(slices.Clone(extended.Items), extended) {
						if other.Kind == yaml.Scalar {
							add(inCollection(prefix, scalarText(other)))
						}
					}
				}
			}
			return
		}
	}
	add(name)
	return modules, found
}

// inCollection is the full name of what a collection names.
func inCollection(prefix, name string) string {
	if strings.Count(name, ".") >= 2 {
		return name
	}
	return prefix + name
}

// defaultsOfGroup remembers which modules a group in module_defaults means.
func (c *place) defaultsOfGroup(sc *Scope, key *yaml.Node, name string) {
	modules, found := c.actionGroup(name)
	if !found {
		c.report(warning(key, "unknown-group", say.T("there is no group of modules '%s'", "'%s'{이라/라}는 모듈 그룹이 없습니다", strings.TrimPrefix(name, groupPrefix)),
			say.T("its defaults are for no module", "이 기본값을 받을 모듈이 없습니다"),
			say.T("install the collection; a group stands as group/NAMESPACE.COLLECTION.GROUP", "컬렉션을 설치하세요. 그룹은 group/이름공간.컬렉션.그룹 꼴로 씁니다")))
		return
	}
	if sc.ActionGroups == nil {
		sc.ActionGroups = map[string][]string{}
	}
	sc.ActionGroups[name] = modules
}
