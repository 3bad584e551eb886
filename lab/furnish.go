package lab

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/crypto/ssh"

	"sunup/lab/hostfs"
	"sunup/lab/machine"
	"sunup/lab/scenario"
)

func machineID(seed string) string {
	sum := sha256.Sum256([]byte("machine id " + seed))
	return hex.EncodeToString(sum[:16])
}

func mountOf(d scenario.Disk) hostfs.Mount {
	device := "/dev/vdb1"
	if d.Dir == "/" {
		device = "/dev/vda1"
	}
	m := hostfs.Mount{Dir: d.Dir, Device: device, Type: "ext4", Options: "rw,relatime", Size: d.Size, ReadOnly: d.ReadOnly}
	if d.ReadOnly {
		m.Options = "ro,relatime"
	}
	return m
}

// addUser writes the lines of passwd, shadow, group and sudoers, the home and
// the authorized key.
func addUser(m *machine.Machine, u scenario.User, key ssh.PublicKey) error {
	t := m.FS
	add := func(file, line string) error { return t.AppendFile(hostfs.Root, file, []byte(line+"\n"), 0o644) }
	hash := "!"
	if u.Password != "" {
		hash = machine.Hash(u.Password, u.Name)
	}
	if _, exists := m.User(u.Name); !exists {
		if err := add("/etc/passwd", fmt.Sprintf("%s:x:%d:%d:%s:%s:%s", u.Name, u.UID, u.UID, u.Name, u.Home, u.Shell)); err != nil {
			return err
		}
		if _, taken := m.Group(u.Name); !taken {
			if err := add("/etc/group", fmt.Sprintf("%s:x:%d:", u.Name, u.UID)); err != nil {
				return err
			}
		}
		if err := add("/etc/shadow", u.Name+":"+hash+":19700:0:99999:7:::"); err != nil {
			return err
		}
	} else if u.Password != "" {
		if err := setPassword(m, u.Name, hash); err != nil {
			return err
		}
	}
	for _, g := range u.Groups {
		if err := join(m, u.Name, g); err != nil {
			return err
		}
	}
	if err := makeHome(m, u, key); err != nil {
		return err
	}
	switch u.Sudo {
	case "nopasswd":
		return t.WriteFile(hostfs.Root, "/etc/sudoers.d/"+u.Name, []byte(u.Name+" ALL=(ALL:ALL) NOPASSWD: ALL\n"), 0o440)
	case "password":
		return t.WriteFile(hostfs.Root, "/etc/sudoers.d/"+u.Name, []byte(u.Name+" ALL=(ALL:ALL) ALL\n"), 0o440)
	}
	return nil
}

func setPassword(m *machine.Machine, name, hash string) error {
	return editLine(m, "/etc/shadow", name, func(f []string) { f[1] = hash })
}

// join makes a user a member of a group, which is made when missing.
func join(m *machine.Machine, user, group string) error {
	if _, ok := m.Group(group); !ok {
		gid := 2000
		for _, g := range m.Groups() {
			if g.GID >= gid && g.GID < 60000 {
				gid = g.GID + 1
			}
		}
		if err := m.FS.AppendFile(hostfs.Root, "/etc/group", []byte(group+":x:"+strconv.Itoa(gid)+":\n"), 0o644); err != nil {
			return err
		}
	}
	return editLine(m, "/etc/group", group, func(f []string) {
		members := strings.FieldsFunc(f[3], func(r rune) bool { return r == ',' })
		if !slices.Contains(members, user) {
			f[3] = strings.Join(append(members, user), ",")
		}
	})
}

// editLine changes the line of a file of colon-separated fields that begins
// with name.
func editLine(m *machine.Machine, file, name string, edit func(fields []string)) error {
	data, err := m.FS.ReadFile(hostfs.Root, file)
	if err != nil {
		return err
	}
	lines := strings.Split(string(data), "\n")
	for i, l := range lines {
		if f := strings.Split(l, ":"); f[0] == name && len(f) > 3 {
			edit(f)
			lines[i] = strings.Join(f, ":")
		}
	}
	return m.FS.WriteFile(hostfs.Root, file, []byte(strings.Join(lines, "\n")), 0o644)
}

func makeHome(m *machine.Machine, u scenario.User, key ssh.PublicKey) error {
	t := m.FS
	if err := t.MkdirAll(hostfs.Root, u.Home, 0o755); err != nil {
		return err
	}
	if err := t.Chown(hostfs.Root, u.Home, u.UID, u.UID, true); err != nil || !u.Key {
		return err
	}
	dir := path.Join(u.Home, ".ssh")
	file := path.Join(dir, "authorized_keys")
	if err := t.MkdirAll(hostfs.Root, dir, 0o700); err != nil {
		return err
	}
	if err := t.WriteFile(hostfs.Root, file, ssh.MarshalAuthorizedKey(key), 0o600); err != nil {
		return err
	}
	for _, p := range []string{dir, file} {
		if err := t.Chown(hostfs.Root, p, u.UID, u.UID, true); err != nil {
			return err
		}
	}
	return nil
}

// addUnit writes a unit file, the link that enables it, and a stub of the
// program.
func addUnit(m *machine.Machine, s machine.ServiceSpec) error {
	if s.Exec == "" {
		s.Exec = "/usr/sbin/" + s.Name
	}
	unit := "/lib/systemd/system/" + s.Name + ".service"
	if err := m.FS.WriteFile(hostfs.Root, unit, []byte(s.UnitText()), 0o644); err != nil {
		return err
	}
	if s.Enabled {
		if err := m.FS.Symlink(hostfs.Root, unit, "/etc/systemd/system/multi-user.target.wants/"+s.Name+".service"); err != nil {
			return err
		}
	}
	if s.Log != "" {
		return m.FS.MkdirAll(hostfs.Root, path.Dir(s.Log), 0o755)
	}
	return nil
}

func addFile(m *machine.Machine, f scenario.File) error {
	t := m.FS
	if err := t.MkdirAll(hostfs.Root, path.Dir(f.Path), 0o755); err != nil {
		return err
	}
	switch {
	case f.Link != "":
		return t.Symlink(hostfs.Root, f.Link, f.Path)
	case f.Dir:
		if err := t.MkdirAll(hostfs.Root, f.Path, 0o755); err != nil {
			return err
		}
	case f.Size > 0:
		if err := t.WriteFile(hostfs.Root, f.Path, make([]byte, f.Size), 0o644); err != nil {
			return err
		}
	default:
		if err := t.WriteFile(hostfs.Root, f.Path, []byte(f.Content), 0o644); err != nil {
			return err
		}
	}
	uid, gid, err := owner(m, f)
	if err != nil {
		return err
	}
	if err := t.Chown(hostfs.Root, f.Path, uid, gid, true); err != nil {
		return err
	}
	return t.Chmod(hostfs.Root, f.Path, hostfs.FromUnix(f.Mode)&^fs.ModeType)
}

func owner(m *machine.Machine, f scenario.File) (uid, gid int, err error) {
	if f.Owner != "" {
		u, ok := m.User(f.Owner)
		if !ok {
			return 0, 0, fmt.Errorf("no user %q", f.Owner)
		}
		uid = u.UID
	}
	if f.Group != "" {
		g, ok := m.Group(f.Group)
		if !ok {
			return 0, 0, fmt.Errorf("no group %q", f.Group)
		}
		gid = g.GID
	}
	return uid, gid, nil
}
