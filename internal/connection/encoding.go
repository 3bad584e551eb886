package connection

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/korean"
)

// Decoder turns what a host prints into UTF-8, chunk by chunk. A character cut
// by the end of a chunk is kept for the next one. Bytes that mean nothing in
// the encoding are shown as \xNN, so that nothing is lost and nothing fails.
//
// The zero value passes UTF-8 on as it is.
type Decoder struct {
	twoByte *encoding.Decoder
	lead    byte
	held    bool
}

// NewDecoder returns the decoder for Options.Encoding.
func NewDecoder(name string) (*Decoder, error) {
	switch strings.ToLower(strings.NewReplacer("-", "", "_", "").Replace(name)) {
	case "", "utf8":
		return &Decoder{}, nil
	case "cp949", "euckr", "uhc", "ms949", "windows949":
		// Go's EUC-KR is the WHATWG one, which is CP949: one table serves both.
		return &Decoder{twoByte: korean.EUCKR.NewDecoder()}, nil
	}
	return nil, fmt.Errorf("encoding %q is not known; use utf-8, cp949 or euc-kr", name)
}

// Append decodes src onto dst. Final says that nothing comes after src.
func (d *Decoder) Append(dst, src []byte, final bool) []byte {
	if d == nil || d.twoByte == nil {
		return append(dst, src...)
	}
	for _, b := range src {
		dst = d.next(dst, b)
	}
	if final && d.held {
		dst, d.held = escape(dst, d.lead), false
	}
	return dst
}

func (d *Decoder) next(dst []byte, b byte) []byte {
	switch {
	case d.held:
		d.held = false
		var out [utf8.UTFMax]byte
		n, _, err := d.twoByte.Transformer.Transform(out[:], []byte{d.lead, b}, true)
		if r, _ := utf8.DecodeRune(out[:n]); err == nil && r != utf8.RuneError && utf8.RuneCount(out[:n]) == 1 {
			return append(dst, out[:n]...)
		}
		// Only the first byte is at fault: the second may begin a character.
		return d.next(escape(dst, d.lead), b)
	case b < utf8.RuneSelf:
		return append(dst, b)
	case b == 0x80 || b == 0xFF:
		return escape(dst, b)
	}
	d.lead, d.held = b, true
	return dst
}

// Decode converts a whole output.
func (d *Decoder) Decode(src []byte) []byte {
	if d == nil || d.twoByte == nil {
		return src
	}
	return d.Append(make([]byte, 0, len(src)+len(src)/2), src, true)
}

// Text shows bytes to a person: UTF-8 as it is, anything else as \xNN.
func Text(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	out := make([]byte, 0, len(b)+16)
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		if r == utf8.RuneError && n == 1 {
			out = escape(out, b[0])
		} else {
			out = append(out, b[:n]...)
		}
		b = b[n:]
	}
	return string(out)
}

func escape(dst []byte, b byte) []byte { return fmt.Appendf(dst, `\x%02x`, b) }
