// Package scenario reads the description of a fleet of simulated hosts.
//
// # Words
//
//   - Scenario: a whole fleet: groups of hosts, their users, services, files and
//     faults.
//   - Host: one host with everything that the scenario says about it, after
//     defaults, groups and its own entry were laid over each other in this order.
//   - Fault: how a host or a service misbehaves.
//
// The file is documented in lab/README.md. Reading is strict: what is not known
// is a problem with its place in the file.
package scenario
