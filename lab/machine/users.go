package machine

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"sunup/lab/hostfs"
)

// User is a line of /etc/passwd.
type User struct {
	Name        string
	UID, GID    int
	Gecos       string
	Home, Shell string
}

// Group is a line of /etc/group.
type Group struct {
	Name    string
	GID     int
	Members []string
}

// lines reads a file of colon-separated fields; the tree's files are the one
// truth about users, so that useradd and a copied passwd both count.
func (m *Machine) lines(file string, fields int) [][]string {
	data, err := m.FS.ReadFile(hostfs.Root, file)
	if err != nil {
		return nil
	}
	var out [][]string
	for line := range strings.Lines(string(data)) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), ":")
		if len(f) >= fields && f[0] != "" {
			out = append(out, f)
		}
	}
	return out
}

// Users lists /etc/passwd.
func (m *Machine) Users() []User {
	var out []User
	for _, f := range m.lines("/etc/passwd", 7) {
		uid, err1 := strconv.Atoi(f[2])
		gid, err2 := strconv.Atoi(f[3])
		if err1 == nil && err2 == nil {
			out = append(out, User{f[0], uid, gid, f[4], f[5], f[6]})
		}
	}
	return out
}

// Groups lists /etc/group.
func (m *Machine) Groups() []Group {
	var out []Group
	for _, f := range m.lines("/etc/group", 4) {
		gid, err := strconv.Atoi(f[2])
		if err != nil {
			continue
		}
		g := Group{Name: f[0], GID: gid}
		if f[3] != "" {
			g.Members = strings.Split(f[3], ",")
		}
		out = append(out, g)
	}
	return out
}

// User finds a user by name.
func (m *Machine) User(name string) (User, bool) {
	for _, u := range m.Users() {
		if u.Name == name {
			return u, true
		}
	}
	return User{}, false
}

// UserID finds a user by number.
func (m *Machine) UserID(uid int) (User, bool) {
	for _, u := range m.Users() {
		if u.UID == uid {
			return u, true
		}
	}
	return User{}, false
}

// Group finds a group by name.
func (m *Machine) Group(name string) (Group, bool) {
	for _, g := range m.Groups() {
		if g.Name == name {
			return g, true
		}
	}
	return Group{}, false
}

// UserName gives the name of a user number, or the number.
func (m *Machine) UserName(uid int) string {
	if u, ok := m.UserID(uid); ok {
		return u.Name
	}
	return strconv.Itoa(uid)
}

// GroupName gives the name of a group number, or the number.
func (m *Machine) GroupName(gid int) string {
	for _, g := range m.Groups() {
		if g.GID == gid {
			return g.Name
		}
	}
	return strconv.Itoa(gid)
}

// Cred gives the identity of a user with all its groups.
func (m *Machine) Cred(u User) hostfs.Cred {
	c := hostfs.Cred{UID: u.UID, GID: u.GID, Groups: []int{u.GID}}
	for _, g := range m.Groups() {
		if g.GID != u.GID && slices.Contains(g.Members, u.Name) {
			c.Groups = append(c.Groups, g.GID)
		}
	}
	return c
}

// Hash makes the password field of /etc/shadow from a clear password. The
// scheme is cheap on purpose: hosts are many and their secrets are not real.
func Hash(password, salt string) string {
	sum := sha256.Sum256([]byte(salt + "$" + password))
	return "$lab$" + salt + "$" + hex.EncodeToString(sum[:16])
}

// CheckPassword compares a password with /etc/shadow.
func (m *Machine) CheckPassword(user, password string) bool {
	for _, f := range m.lines("/etc/shadow", 2) {
		if f[0] == user {
			return Verify(f[1], password)
		}
	}
	return false
}

// Verify compares a password with a hash of ours or of crypt(3).
func Verify(hash, password string) bool {
	parts := strings.Split(hash, "$")
	if len(parts) < 4 {
		return false
	}
	var want string
	switch parts[1] {
	case "lab":
		want = Hash(password, parts[2])
	case "5", "6":
		want = shaCrypt(password, hash)
	default:
		return false
	}
	return subtle.ConstantTimeCompare([]byte(want), []byte(hash)) == 1
}

// SudoRule is what sudoers says about a user.
type SudoRule struct {
	Allowed, NoPassword bool
}

// Sudo reads /etc/sudoers and /etc/sudoers.d; the last matching line wins. It
// understands lines of the form "who ALL=(ALL:ALL) NOPASSWD: ALL".
func (m *Machine) Sudo(u User) SudoRule {
	if u.UID == 0 {
		return SudoRule{true, true}
	}
	cred := m.Cred(u)
	files := []string{"/etc/sudoers"}
	if list, err := m.FS.ReadDir(hostfs.Root, "/etc/sudoers.d"); err == nil {
		for _, i := range list {
			if !strings.ContainsAny(i.Base, ".~") {
				files = append(files, "/etc/sudoers.d/"+i.Base)
			}
		}
	}
	var rule SudoRule
	for _, file := range files {
		data, _ := m.FS.ReadFile(hostfs.Root, file)
		for line := range strings.Lines(string(data)) {
			who, rest, ok := strings.Cut(strings.TrimSpace(line), " ")
			if !ok || !m.sudoMatches(who, u, cred) || !strings.Contains(rest, "=") {
				continue
			}
			rule = SudoRule{true, strings.Contains(rest, "NOPASSWD:")}
		}
	}
	return rule
}

func (m *Machine) sudoMatches(who string, u User, cred hostfs.Cred) bool {
	if name, ok := strings.CutPrefix(who, "%"); ok {
		g, found := m.Group(name)
		return found && cred.In(g.GID)
	}
	return who == u.Name || who == "ALL" || who == fmt.Sprintf("#%d", u.UID)
}
