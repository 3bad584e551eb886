// Package machine is the kernel and init of a simulated host: processes,
// signals, pipes, users, services, clock, ports. It starts no real process and
// opens no real file.
//
// # Words
//
//   - Machine: one host between power on and power off.
//   - Proc: one simulated process, run by one goroutine.
//   - Program: the code behind an executable file, in Go.
//   - Desc: an open file description, shared by the processes that inherited it.
//   - Service: a unit of the simulated systemd, with delays and faults.
//   - Fault: how a host or service misbehaves.
package machine
