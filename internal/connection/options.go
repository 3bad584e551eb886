package connection

import "time"

// HostKeyPolicy says what to do with a host key.
type HostKeyPolicy string

// The policies. A changed key is refused by all but KeysOff.
const (
	KeysStrict    HostKeyPolicy = "strict"     // an unknown key is refused
	KeysAcceptNew HostKeyPolicy = "accept-new" // an unknown key is recorded
	KeysOff       HostKeyPolicy = "off"        // nothing is checked; only when asked for
)

// Options say how to reach one host; they come from inventory variables,
// configuration and flags, already resolved.
type Options struct {
	// Name is the inventory name, for messages.
	Name string
	// Address and Port to dial; Port 0 means the SSH configuration's, then 22.
	Address string
	Port    int
	User    string

	Password       Secret   // also answers keyboard-interactive
	PrivateKeys    []string // files, tried in order, before the agent's and ~/.ssh defaults
	Passphrase     Secret
	NoAgent        bool
	KnownHosts     []string // files; empty means ~/.ssh/known_hosts and /etc/ssh/ssh_known_hosts
	HostKeys       HostKeyPolicy
	SSHConfig      []string // files; nil means ~/.ssh/config and /etc/ssh/ssh_config; empty non-nil means none
	SSHArgs        []string // -o Name=value, -J jump, -i key ... from ansible_ssh_common_args / _extra_args
	ProxyJump      string
	ConnectTimeout time.Duration // 0 means 10 s
	CommandTimeout time.Duration // default for Command.Timeout; 0 means none
	KeepAlive      time.Duration // 0 means 15 s; a host silent for 3 of them is lost

	// Shell is the path of the host's POSIX shell; empty means /bin/sh.
	Shell string
	// Encoding of what commands print: "" or "utf-8", "cp949", "euc-kr".
	Encoding string
	// TempDir for our files on the host; empty means ~/.ansible/tmp as Ansible.
	TempDir string
	// Dir is where commands of the local connection begin, and what relative
	// paths are relative to; empty means where this program was started.
	Dir string
	// NoResident sends every command on a channel of its own.
	NoResident bool
}
