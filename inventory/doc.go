// Package inventory knows the hosts, the groups they are in, and the variables
// that both carry, by Ansible's rules.
//
//   - Source: what -i names: a file (INI, YAML, JSON or TOML), a program that
//     prints JSON, a directory of those, or a list of names with a comma.
//   - Host, Group: as in Ansible. Every group but "all" is below another one;
//     a host in no group is in "ungrouped".
//   - Implicit localhost: the machine we run on, there for who names it, and in
//     no group.
//   - Pattern: an expression that selects hosts: web*:&seoul:!web[0].
//   - Layer: variables of one origin at one level of precedence.
//
// An Inventory is read once and then shared by many goroutines. Tasks can add
// hosts and groups while it runs (add_host, group_by): see AddHost.
package inventory
