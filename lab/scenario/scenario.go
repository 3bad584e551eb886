package scenario

import (
	"maps"
	"slices"
	"time"

	"sunup/lab/machine"
	"sunup/lab/sshd"
)

// Scenario is a fleet as described.
type Scenario struct {
	Name string
	// Seed makes keys, boot ids and inode times the same in every run.
	Seed string
	// TimeScale divides every delay on the hosts.
	TimeScale float64
	// Listen is the address that the hosts' SSH servers listen on.
	Listen string
	// Login is the user of the inventory.
	Login string
	// Vars are variables of the inventory's group all.
	Vars map[string]string
	// Groups in the order of the file.
	Groups []Group
	// Hosts in the order of their groups; each once.
	Hosts []Host
}

// Group is a group of the inventory.
type Group struct {
	Name  string
	Hosts []string
	Vars  map[string]string
}

// User is an account of a host.
type User struct {
	Name     string
	UID      int
	Groups   []string
	Home     string
	Shell    string
	Password string
	// Key lets the fleet's client key in.
	Key bool
	// Sudo is "none", "password" or "nopasswd".
	Sudo string
}

// File is something put into a host's tree.
type File struct {
	Path         string
	Content      string
	Dir          bool
	Link         string
	Mode         uint32
	Owner, Group string
	Size         int64 // of zeros, in place of Content
	ModeGiven    bool
}

// Disk is a mount with a limit.
type Disk struct {
	Dir        string
	Size, Free int64 // Free below 0 means what Size leaves
	ReadOnly   bool
}

// Host is one host, complete.
type Host struct {
	Name     string
	Hostname string
	Vars     map[string]string
	Users    []User
	Services []machine.ServiceSpec
	Files    []File
	Disks    []Disk
	CPUs     int
	Memory   int64
	Clock    time.Duration
	Reboot   time.Duration
	Kernel   string
	Timezone string
	Fault    sshd.Fault
	// OtherPassword makes the inventory's password wrong.
	OtherPassword bool
}

// clone copies what laying over changes.
func (h Host) clone() Host {
	h.Vars = maps.Clone(h.Vars)
	h.Users = slices.Clone(h.Users)
	h.Services = slices.Clone(h.Services)
	h.Files = slices.Clone(h.Files)
	h.Disks = slices.Clone(h.Disks)
	return h
}

func (h *Host) user(name string) *User {
	for i := range h.Users {
		if h.Users[i].Name == name {
			return &h.Users[i]
		}
	}
	uid := 1000
	for _, u := range h.Users {
		uid = max(uid, u.UID+1)
	}
	h.Users = append(h.Users, User{Name: name, UID: uid, Home: "/home/" + name, Shell: "/bin/bash", Sudo: "none"})
	return &h.Users[len(h.Users)-1]
}

func (h *Host) service(name string) *machine.ServiceSpec {
	for i := range h.Services {
		if h.Services[i].Name == name {
			return &h.Services[i]
		}
	}
	h.Services = append(h.Services, machine.ServiceSpec{Name: name})
	return &h.Services[len(h.Services)-1]
}

func (h *Host) file(path string) *File {
	for i := range h.Files {
		if h.Files[i].Path == path {
			return &h.Files[i]
		}
	}
	h.Files = append(h.Files, File{Path: path, Mode: 0o644, Owner: "root", Group: "root"})
	return &h.Files[len(h.Files)-1]
}

func (h *Host) disk(dir string) *Disk {
	for i := range h.Disks {
		if h.Disks[i].Dir == dir {
			return &h.Disks[i]
		}
	}
	h.Disks = append(h.Disks, Disk{Dir: dir, Size: 20 << 30, Free: -1})
	return &h.Disks[len(h.Disks)-1]
}
