package playbooks

import "sunup/internal/value"

// ParseKeyValue reads "key=value key2='two words'", as in --extra-vars.
func ParseKeyValue(text string) (*value.Dict, error) { return parseKeyValue(text, false) }
