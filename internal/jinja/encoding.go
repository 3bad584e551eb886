package jinja

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"
)

// encodeText turns text into the bytes of an encoding that Python knows.
func encodeText(s, name string) ([]byte, error) {
	switch canonical(name) {
	case "utf8", "":
		return []byte(s), nil
	case "utf16", "utf16le", "utf16be":
		return encodeUTF16(s, canonical(name)), nil
	}
	e, err := encodingOf(name)
	if err != nil {
		return nil, err
	}
	b, err := e.NewEncoder().Bytes([]byte(s))
	if err != nil {
		return nil, FilterError("'%s' codec can't encode the text", name)
	}
	return b, nil
}

func decodeText(b []byte, name string) (string, error) {
	switch canonical(name) {
	case "utf8", "":
		if !utf8.Valid(b) {
			return "", FilterError("'utf-8' codec can't decode the bytes: they are not text")
		}
		return string(b), nil
	case "utf16", "utf16le", "utf16be":
		return decodeUTF16(b, canonical(name))
	}
	e, err := encodingOf(name)
	if err != nil {
		return "", err
	}
	out, err := e.NewDecoder().Bytes(b)
	if err != nil {
		return "", FilterError("'%s' codec can't decode the bytes", name)
	}
	return string(out), nil
}

func canonical(name string) string {
	return strings.NewReplacer("-", "", "_", "", " ", "").Replace(strings.ToLower(name))
}

func encodingOf(name string) (encoding.Encoding, error) {
	alias := map[string]string{"latin1": "windows-1252", "cp949": "euc-kr", "uhc": "euc-kr", "euckr": "euc-kr", "ascii": "windows-1252"}
	if a, ok := alias[canonical(name)]; ok {
		name = a
	}
	e, err := htmlindex.Get(name)
	if err != nil {
		return nil, FilterError("unknown encoding: %s", name)
	}
	return e, nil
}

func encodeUTF16(s, name string) []byte {
	units := utf16.Encode([]rune(s))
	out := make([]byte, 0, 2*len(units)+2)
	if name == "utf16" {
		out = append(out, 0xff, 0xfe)
	}
	for _, u := range units {
		if name == "utf16be" {
			out = append(out, byte(u>>8), byte(u))
		} else {
			out = append(out, byte(u), byte(u>>8))
		}
	}
	return out
}

func decodeUTF16(b []byte, name string) (string, error) {
	if len(b)%2 != 0 {
		return "", FilterError("'%s' codec can't decode the bytes: truncated data", name)
	}
	big := name == "utf16be"
	if name == "utf16" && len(b) >= 2 {
		switch {
		case b[0] == 0xff && b[1] == 0xfe:
			b = b[2:]
		case b[0] == 0xfe && b[1] == 0xff:
			b, big = b[2:], true
		}
	}
	units := make([]uint16, len(b)/2)
	for i := range units {
		lo, hi := b[2*i], b[2*i+1]
		if big {
			lo, hi = hi, lo
		}
		units[i] = uint16(hi)<<8 | uint16(lo)
	}
	return string(utf16.Decode(units)), nil
}
