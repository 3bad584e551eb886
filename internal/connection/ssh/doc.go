// Package ssh is the connection to a host over SSH.
//
// # Words
//
//   - Settings: how to reach one host, put together from Options, ssh arguments
//     and the OpenSSH configuration, in this order.
//   - Hop: one SSH server on the way, the host itself being the last. Each hop
//     has settings of its own.
//   - Wire: the connection of now: the chain of hops, logged in. A link has at
//     most one; when it is lost the next command makes a new one.
//   - Pacer: keeps the number of logins under way toward one address below what
//     sshd takes (MaxStartups).
//
// Shells, commands and small files are those of package shell; bigger files go
// by SFTP.
package ssh
