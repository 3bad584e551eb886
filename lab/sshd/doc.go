// Package sshd serves one simulated machine by the real SSH protocol: logins by
// key, password and keyboard-interactive, commands, shells, SFTP and forwarded
// connections, and the ways in which a network misbehaves.
package sshd
