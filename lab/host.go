package lab

import (
	"fmt"
	"io/fs"
	"path"

	"sunup/lab/hostfs"
	"sunup/lab/machine"
	"sunup/lab/scenario"
	"sunup/lab/sshd"
)

// Host is one host of a fleet. Its methods may be called from any goroutine.
type Host struct {
	spec   scenario.Host
	m      *machine.Machine
	server *sshd.Server
}

// Name is the name in the inventory.
func (h *Host) Name() string { return h.spec.Name }

// Addr is where its SSH server listens: 127.0.0.1:port.
func (h *Host) Addr() string { return h.server.Addr() }

// Machine is the simulated machine, for what Host does not offer.
func (h *Host) Machine() *machine.Machine { return h.m }

// Server is the SSH server of the host.
func (h *Host) Server() *sshd.Server { return h.server }

// ReadFile reads a file of the host as root.
func (h *Host) ReadFile(p string) ([]byte, error) {
	data, err := h.m.FS.ReadFile(hostfs.Root, p)
	if err != nil {
		return nil, fmt.Errorf("read %s of %s: %w", p, h.Name(), err)
	}
	return data, nil
}

// WriteFile writes a file of the host as root, with the directories above it.
func (h *Host) WriteFile(p string, data []byte, mode fs.FileMode) error {
	err := h.m.FS.MkdirAll(hostfs.Root, path.Dir(p), 0o755)
	if err == nil {
		err = h.m.FS.WriteFile(hostfs.Root, p, data, mode)
	}
	if err != nil {
		return fmt.Errorf("write %s of %s: %w", p, h.Name(), err)
	}
	return nil
}

// Stat tells about a file of the host.
func (h *Host) Stat(p string) (hostfs.Info, error) { return h.m.FS.Stat(hostfs.Root, p) }

// Service finds a service; nil when there is none.
func (h *Host) Service(name string) *machine.Service { return h.m.Services().Get(name) }

// Journal returns the host's journal, oldest first.
func (h *Host) Journal() []machine.Entry { return h.m.Journal() }

// Commands returns every command that ran, oldest first: command lines that
// came over SSH, and programs that were started.
func (h *Host) Commands() []machine.Record { return h.m.Records() }

// SetFault changes how the host's network misbehaves, from now on.
func (h *Host) SetFault(f sshd.Fault) error { return h.server.SetFault(f) }

// Drop cuts every connection of the host, without a word.
func (h *Host) Drop() { h.server.DropAll() }

// Reboot restarts the host.
func (h *Host) Reboot() { h.m.Reboot(0) }

// FillDisk leaves free bytes on the disk that holds p; a negative number lifts
// the limit.
func (h *Host) FillDisk(p string, free int64) error { return h.m.FS.SetLimit(p, free) }
