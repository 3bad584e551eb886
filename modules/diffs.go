package modules

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"sunup/internal/value"
)

// maxDiff is the size up to which contents are shown in a diff: Ansible's
// MAX_FILE_SIZE_FOR_DIFF.
const maxDiff = 104448

// contentDiff is the diff of a whole file. Binary and very large contents are
// named, not shown.
func contentDiff(before, after []byte, beforeHeader, afterHeader string) Diff {
	d := Diff{BeforeHeader: beforeHeader, AfterHeader: afterHeader}
	var hidden []string
	d.Before, hidden = shownContent(before, "destination", hidden)
	d.After, hidden = shownContent(after, "source", hidden)
	if len(hidden) > 0 {
		return Diff{Prepared: strings.Join(hidden, "")}
	}
	return d
}

func shownContent(b []byte, side string, hidden []string) (string, []string) {
	switch {
	case bytes.IndexByte(b, 0) >= 0:
		return "", append(hidden, "diff skipped: "+side+" file appears to be binary\n")
	case len(b) > maxDiff:
		return "", append(hidden, "diff skipped: "+side+" file size is greater than 104448\n")
	}
	return text(b), hidden
}

// text turns bytes of a host into text; what is not UTF-8 is shown by the
// replacement character.
func text(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	return strings.ToValidUTF8(string(b), "\ufffd")
}

// valuesDiff is the diff of two sets of named values, as Ansible prints it.
func valuesDiff(before, after *value.Dict, beforeHeader, afterHeader string) Diff {
	return Diff{Before: printValues(before), After: printValues(after), BeforeHeader: beforeHeader, AfterHeader: afterHeader}
}

// difference sets the diff of values; file returns it whether or not it is to
// be shown.
func (r *Result) difference(shown bool, before, after *value.Dict) {
	r.Set("diff", value.NewDict("before", before, "after", after))
	if shown {
		r.Diffs = []Diff{valuesDiff(before, after, "", "")}
	}
}

func printValues(d *value.Dict) string {
	if d == nil {
		return ""
	}
	s, err := value.EncodeJSON(d, value.JSONOptions{Indent: "    ", Pretty: true, SortKeys: true, ASCII: true})
	if err != nil {
		return value.Str(d)
	}
	return s + "\n"
}
