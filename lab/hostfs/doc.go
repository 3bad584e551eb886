// Package hostfs keeps the file tree of a simulated host in memory, with POSIX
// owners, modes, times, links and full disks. It never opens a real file.
//
// # Words
//
//   - Tree: the files of one host.
//   - Node: a file, directory, link or device. A node made by Base is shared by
//     every tree and never written: a tree that changes it takes its own copy
//     first, so a thousand hosts share one /usr/bin.
//   - Mount: a region of the tree with a size of its own; writing beyond it
//     fails with ENOSPC.
//   - Cred: who asks. User 0 may do everything, as on a real host.
//   - Handle: an open file.
package hostfs
