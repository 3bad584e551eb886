package rack

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/crypto/ssh/knownhosts"
	"gopkg.in/yaml.v3"
)

// The files of a rack's directory.
const (
	InventoryFile  = "inventory.yml"
	KeyFile        = "id_ed25519"
	KnownHostsFile = "known_hosts"
)

func (r *Rack) file(name string) string { return filepath.Join(r.dir, name) }

// Inventory is the file with which sunup and ansible reach all hosts as root;
// groups are named after the images.
func (r *Rack) Inventory() string { return r.file(InventoryFile) }

// writeAccess writes what is needed to reach the hosts.
func (r *Rack) writeAccess() error {
	private, err := r.key.privateFile()
	if err != nil {
		return fmt.Errorf("write the key of the rack: %w", err)
	}
	inventory, err := r.inventory()
	if err != nil {
		return fmt.Errorf("write the inventory of the rack: %w", err)
	}
	var known bytes.Buffer
	for _, h := range r.hosts {
		fmt.Fprintln(&known, knownhosts.Line([]string{h.Addr()}, h.hostKey.public))
	}
	for _, f := range []ownFile{
		{KeyFile, private, 0o600, os.Geteuid()},
		{KeyFile + ".pub", r.key.publicLine(), 0o644, os.Geteuid()},
		{KnownHostsFile, known.String(), 0o644, os.Geteuid()},
		{InventoryFile, string(inventory), 0o644, os.Geteuid()},
	} {
		if err := f.write(r.dir); err != nil {
			return fmt.Errorf("write %s of the rack: %w", f.name, err)
		}
	}
	return nil
}

type group struct {
	Hosts    map[string]map[string]any `yaml:"hosts,omitempty"`
	Vars     map[string]any            `yaml:"vars,omitempty"`
	Children map[string]*group         `yaml:"children,omitempty"`
}

func (r *Rack) inventory() ([]byte, error) {
	all := &group{Vars: map[string]any{
		"ansible_user":                 "root",
		"ansible_ssh_private_key_file": r.file(KeyFile),
		"ansible_ssh_common_args":      "-o UserKnownHostsFile=" + quote(r.file(KnownHostsFile)) + " -o StrictHostKeyChecking=yes -o IdentitiesOnly=yes -F none",
	}, Children: map[string]*group{}}
	for _, h := range r.hosts {
		g := all.Children[string(h.Image)]
		if g == nil {
			g = &group{Hosts: map[string]map[string]any{}}
			all.Children[string(h.Image)] = g
		}
		g.Hosts[h.Name] = map[string]any{"ansible_host": h.Addr()}
		if h.Image == PythonImage {
			g.Hosts[h.Name]["ansible_python_interpreter"] = "/usr/bin/python3"
		}
	}
	return yaml.Marshal(map[string]*group{"all": all})
}

// hostsFile is the /etc/hosts of a host: all of the rack know each other.
func (r *Rack) hostsFile(self *Host) string {
	var b strings.Builder
	fmt.Fprintf(&b, "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n%s\tgateway\n", r.Gateway())
	for _, h := range r.hosts {
		if h != self {
			fmt.Fprintf(&b, "%s\t%s\n", h.Addr(), h.Name)
		}
	}
	fmt.Fprintf(&b, "%s\t%s\n", self.Addr(), self.Name)
	return b.String()
}
