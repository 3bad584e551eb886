// Package lab runs fleets of simulated hosts in this process, to try playbooks
// on: no root, no containers, no sshd. Each host is reached by real SSH on
// 127.0.0.1 and behaves as a machine of its own, with files, users, processes,
// services and faults from a scenario file. Nothing on a host can touch the
// user's machine: its shell, tools and file tree exist only in memory.
//
// # Words
//
//   - Fleet: the running hosts of one scenario.
//   - Host: one of them.
//   - Access: the inventory, key and known_hosts with which the fleet is reached.
//   - Scenario: see package lab/scenario and lab/README.md.
//
// From the ground up: hostfs (files), machine (processes, services, users),
// shell and tools (what runs), image (the tree that hosts start from), sshd (how
// they are reached), scenario (how they are described).
package lab
