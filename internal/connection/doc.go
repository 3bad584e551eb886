// Package connection reaches one managed host: it runs commands there and moves
// files, and knows nothing of playbooks.
//
// # Words
//
//   - Conn: one host as one identity (a user). What modules hold.
//
//   - Link: one host, connected once for the whole run, from which a Conn for
//     any identity is taken.
//
//   - Become: how to turn into another user (sudo, su).
//
//   - Resident shell: one shell per identity, started once, to which scripts are
//     sent one after the other, so that a command costs one round trip.
//
//   - Stats: what a link has cost in commands, round trips, handshakes and bytes.
//
// Package ssh makes links to hosts, local the one to the controller; both keep
// the contract that conntest holds them to, and run their commands by package
// shell. Record and Faulty wrap any link.
//
// A host that cannot be reached is an *Unreachable error; a command that ends
// badly is an Output, not an error.
package connection
