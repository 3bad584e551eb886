package runner

import "sunup/playbooks"

// roleOf returns the key of the role whose tasks a block holds as a whole, or
// "" for any other block and for a role that may run twice.
func roleOf(b *playbooks.Block) string {
	if b.Parent == nil || b.Parent.Kind != playbooks.RoleScope || b.Parent.Role.AllowDuplicates {
		return ""
	}
	return b.Parent.Role.Key
}

// roleKeyOf returns the key of the role that a scope is in, or "".
func roleKeyOf(s *playbooks.Scope) string {
	for ; s != nil; s = s.Parent {
		if s.Kind == playbooks.RoleScope {
			return s.Role.Key
		}
	}
	return ""
}
