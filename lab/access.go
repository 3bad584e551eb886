package lab

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
	"gopkg.in/yaml.v3"

	"sunup/lab/scenario"
)

// The files that WriteAccess makes.
const (
	InventoryFile  = "inventory.yml"
	KeyFile        = "id_ed25519"
	KnownHostsFile = "known_hosts"
)

// WriteAccess writes into dir what is needed to reach the fleet: an inventory,
// the client's key and a known_hosts file.
func (f *Fleet) WriteAccess(dir string) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return fmt.Errorf("find %s: %w", dir, err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make %s: %w", dir, err)
	}
	key, err := f.privateKey()
	if err != nil {
		return err
	}
	inventory, err := f.Inventory(dir)
	if err != nil {
		return err
	}
	files := []struct {
		name string
		data []byte
		mode os.FileMode
	}{
		{KeyFile, key, 0o600},
		{KeyFile + ".pub", ssh.MarshalAuthorizedKey(f.key.PublicKey()), 0o644},
		{KnownHostsFile, f.KnownHosts(), 0o644},
		{InventoryFile, inventory, 0o644},
	}
	for _, file := range files {
		name := filepath.Join(dir, file.name)
		// A key that an earlier fleet left may be read-only.
		os.Remove(name)
		if err := os.WriteFile(name, file.data, file.mode); err != nil {
			return fmt.Errorf("write access: %w", err)
		}
	}
	return nil
}

// privateKey is the client's key in OpenSSH's format.
func (f *Fleet) privateKey() ([]byte, error) {
	sum := sha256.Sum256([]byte("lab host key client " + f.Scenario.Seed))
	block, err := ssh.MarshalPrivateKey(ed25519.NewKeyFromSeed(sum[:]), "sunup lab")
	if err != nil {
		return nil, fmt.Errorf("write the client's key: %w", err)
	}
	return pem.EncodeToMemory(block), nil
}

// KnownHosts is the content of a known_hosts file for the fleet.
func (f *Fleet) KnownHosts() []byte {
	var b bytes.Buffer
	for _, h := range f.hosts {
		fmt.Fprintln(&b, knownhosts.Line([]string{h.Addr()}, h.server.PublicKey()))
	}
	return b.Bytes()
}

// inventoryGroup is a group of an Ansible inventory in YAML.
type inventoryGroup struct {
	Hosts    map[string]map[string]any  `yaml:"hosts,omitempty"`
	Vars     map[string]any             `yaml:"vars,omitempty"`
	Children map[string]*inventoryGroup `yaml:"children,omitempty"`
}

// Inventory is the content of an Ansible inventory for the fleet, with the
// files of WriteAccess in dir.
func (f *Fleet) Inventory(dir string) ([]byte, error) {
	all := &inventoryGroup{Hosts: map[string]map[string]any{}, Vars: map[string]any{}, Children: map[string]*inventoryGroup{}}
	all.Vars["ansible_user"] = f.Scenario.Login
	all.Vars["ansible_ssh_private_key_file"] = filepath.Join(dir, KeyFile)
	all.Vars["ansible_ssh_common_args"] = "-o UserKnownHostsFile=" + quoteArg(filepath.Join(dir, KnownHostsFile)) + " -o StrictHostKeyChecking=yes -o IdentitiesOnly=yes"
	for k, v := range f.Scenario.Vars {
		all.Vars[k] = v
	}
	for _, h := range f.hosts {
		all.Hosts[h.Name()] = f.hostVars(h)
	}
	for _, g := range f.Scenario.Groups {
		group := &inventoryGroup{Hosts: map[string]map[string]any{}}
		for _, name := range g.Hosts {
			group.Hosts[name] = nil
		}
		if len(g.Vars) > 0 {
			group.Vars = map[string]any{}
			for k, v := range g.Vars {
				group.Vars[k] = v
			}
		}
		all.Children[g.Name] = group
	}
	out, err := yaml.Marshal(map[string]*inventoryGroup{"all": all})
	if err != nil {
		return nil, fmt.Errorf("write inventory: %w", err)
	}
	return append([]byte("# Written by sunup lab; the ports change with every start.\n"), out...), nil
}

func quoteArg(s string) string {
	if strings.ContainsAny(s, " '\"\\") {
		return "'" + strings.ReplaceAll(s, "'", `'"'"'`) + "'"
	}
	return s
}

func (f *Fleet) hostVars(h *Host) map[string]any {
	ip, port, _ := net.SplitHostPort(h.Addr())
	n, _ := net.LookupPort("tcp", port)
	vars := map[string]any{"ansible_host": ip, "ansible_port": n}
	for k, v := range h.spec.Vars {
		vars[k] = v
	}
	i := slices.IndexFunc(h.spec.Users, func(u scenario.User) bool { return u.Name == f.Scenario.Login })
	if i < 0 {
		return vars
	}
	u := h.spec.Users[i]
	password := u.Password
	if h.spec.OtherPassword {
		password = "not-" + password
	}
	if u.Password != "" && (!u.Key || h.spec.OtherPassword) {
		vars["ansible_password"] = password
	}
	if u.Sudo == "password" {
		vars["ansible_become_password"] = password
	}
	return vars
}
