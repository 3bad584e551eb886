package modules

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/htmlindex"
)

func isUTF8(encoding string) bool {
	switch strings.ToLower(strings.ReplaceAll(encoding, "_", "-")) {
	case "", "utf-8", "utf8":
		return true
	}
	return false
}

// encodeText writes text in an encoding; a character that it lacks is an
// error, as it would be lost.
func encodeText(text, encoding string) ([]byte, error) {
	if isUTF8(encoding) {
		return []byte(text), nil
	}
	e, err := htmlindex.Get(pythonEncoding(encoding))
	if err != nil {
		return nil, fmt.Errorf("unknown encoding: %s", encoding)
	}
	b, err := e.NewEncoder().Bytes([]byte(text))
	if err != nil {
		return nil, fmt.Errorf("the text has a character that %s does not: %w", encoding, err)
	}
	return b, nil
}

// decodeText reads text in an encoding.
func decodeText(b []byte, encoding string) (string, error) {
	if isUTF8(encoding) {
		if !utf8.Valid(b) {
			return "", fmt.Errorf("'utf-8' codec can't decode the file")
		}
		return string(b), nil
	}
	e, err := htmlindex.Get(pythonEncoding(encoding))
	if err != nil {
		return "", fmt.Errorf("unknown encoding: %s", encoding)
	}
	out, err := e.NewDecoder().Bytes(b)
	if err != nil {
		return "", fmt.Errorf("'%s' codec can't decode the file: %w", encoding, err)
	}
	return string(out), nil
}

// pythonEncoding gives the standard's name for a few of Python's.
func pythonEncoding(name string) string {
	name = strings.ToLower(strings.ReplaceAll(name, "_", "-"))
	switch name {
	case "cp949", "uhc", "ms949":
		return "euc-kr"
	case "latin-1", "latin1", "iso8859-1", "8859":
		return "iso-8859-1"
	case "cp932", "ms932":
		return "shift_jis"
	case "cp936":
		return "gbk"
	case "utf16", "utf-16":
		return "utf-16"
	}
	return strings.Replace(name, "cp125", "windows-125", 1)
}
