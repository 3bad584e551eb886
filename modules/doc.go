// Package modules is the module library: one file per module, each with its
// arguments declared as data and one function that observes, compares and
// applies.
//
// # Words
//
//   - Module: one entry of the Catalogue, by its full name.
//   - Param: one declared argument; Args: the arguments of one call, validated.
//   - Call: everything one run of a module may use.
//   - Result: what it found and did, in Ansible's return values.
//   - Controller: what a module may ask of the side that runs the playbook.
//
// A module that cannot do what was asked returns a failed Result with a message
// for the person; it returns a Go error only when the host was lost or our own
// work broke. In check mode it stops before it changes anything and reports
// what it would have changed.
package modules
