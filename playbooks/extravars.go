package playbooks

import "sunup/internal/value"

// ParseKeyValue reads "key=value key2='two words'", as in --extra-vars.
func ParseKeyValue(text string) (*value.Dict, error) { return parseKeyValue(text, false) }

// Title is the task's name as it is listed: behind its role's, and the module
// where no name was given.
func (t *Task) Title() string {
	title := t.Name
	if title == "" {
		title = t.Action
	}
	if role := t.InnermostRole(); role != nil {
		return role.Name + " : " + title
	}
	return title
}
