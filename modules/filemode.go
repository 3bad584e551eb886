package modules

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"

	"sunup/internal/value"
)

// The permission bits of a mode, and the file types above them.
const (
	permBits = 0o7777
	execBits = 0o111

	typeMask   = 0o170000
	typeSocket = 0o140000
	typeLink   = 0o120000
	typeFile   = 0o100000
	typeBlock  = 0o060000
	typeDir    = 0o040000
	typeChar   = 0o020000
	typeFifo   = 0o010000
)

// modeError says that a mode argument cannot be read.
type modeError struct{ msg, details string }

func (e *modeError) Error() string { return e.msg }

// readMode computes the permission bits that a mode argument asks for: a
// number, octal text, or symbolic text relative to the mode that is there.
func readMode(arg any, have uint32, umask uint32) (uint32, error) {
	switch arg := arg.(type) {
	case int:
		if arg < 0 || arg > permBits {
			return 0, &modeError{"Invalid mode supplied, only permission info is allowed", strconv.Itoa(arg)}
		}
		return uint32(arg), nil
	case value.Unsafe:
		return readMode(string(arg), have, umask)
	case string:
		return readModeText(arg, have, umask)
	}
	return 0, &modeError{"mode must be in octal or symbolic form", fmt.Sprintf("bad mode: %s", value.Str(arg))}
}

func readModeText(text string, have, umask uint32) (uint32, error) {
	mode, ok := octalMode(text)
	if !ok {
		var err error
		if mode, err = symbolicMode(text, have, umask); err != nil {
			return 0, err
		}
	}
	if mode > permBits {
		return 0, &modeError{"Invalid mode supplied, only permission info is allowed", strconv.Itoa(int(mode))}
	}
	return mode, nil
}

// octalMode reads octal text as Python's int(text, 8) does; a mode that is far
// too long comes back as one that is refused.
func octalMode(text string) (uint32, bool) {
	n, ok := value.ParseInt(text, 8)
	if !ok {
		return 0, false
	}
	small, isInt := n.(int)
	if _, isBig := n.(*big.Int); isBig || !isInt || small < 0 || small > permBits {
		return permBits + 1, true
	}
	return uint32(small), true
}

// symbolicMode applies symbolic text ("u=rw,g+X,o-t") to the mode that is
// there; have includes the file type, which X looks at.
func symbolicMode(text string, have, umask uint32) (uint32, error) {
	mode := have & permBits
	for _, part := range strings.Split(text, ",") {
		who := part
		if i := strings.IndexAny(part, "+=-"); i >= 0 {
			who = part[:i]
		}
		rest := part[len(who):]
		bare := who == ""
		if who == "" || who == "a" {
			who = "ugo"
		}
		if strings.Trim(who, "ugo") != "" {
			return 0, &modeError{"mode must be in octal or symbolic form", "bad symbolic permission for mode: " + part}
		}
		mask := uint32(permBits)
		if bare {
			mask &^= umask & 0o777
		}
		for rest != "" {
			op := rest[0]
			perms := rest[1:]
			if i := strings.IndexAny(perms, "+=-"); i >= 0 {
				perms = perms[:i]
			}
			rest = rest[1+len(perms):]
			if strings.Trim(perms, "rwxXstugo") != "" {
				return 0, &modeError{"mode must be in octal or symbolic form", "bad symbolic permission for mode: " + part}
			}
			for _, u := range who {
				mode = applyMode(mode, u, op, permsFor(u, perms, have, mask))
			}
		}
	}
	return mode, nil
}

// shiftOf is how far the bits of a class stand from those of others.
func shiftOf(class rune) uint {
	return map[rune]uint{'u': 6, 'g': 3, 'o': 0}[class]
}

// permsFor collects the bits that the letters mean for one class. The umask
// (in mask) withholds r, w and x only.
func permsFor(class rune, letters string, have, mask uint32) uint32 {
	shift := shiftOf(class)
	var bits uint32
	for _, l := range letters {
		switch l {
		case 'r':
			bits |= 4 << shift & mask
		case 'w':
			bits |= 2 << shift & mask
		case 'x':
			bits |= 1 << shift & mask
		case 'X':
			if have&typeMask == typeDir || have&execBits != 0 {
				bits |= 1 << shift
			}
		case 's':
			if class != 'o' {
				bits |= 0o1000 << (shift / 3)
			}
		case 't':
			if class == 'o' {
				bits |= 0o1000
			}
		case 'u', 'g', 'o':
			bits |= have >> shiftOf(l) & 7 << shift
		}
	}
	return bits
}

func applyMode(mode uint32, class rune, op byte, bits uint32) uint32 {
	switch op {
	case '+':
		return mode | bits
	case '-':
		return mode &^ bits
	}
	shift := shiftOf(class)
	own := uint32(7<<shift | 0o1000<<(shift/3))
	return mode&^own | bits
}

// printMode writes permission bits as Ansible's file modules return them.
func printMode(mode uint32) string { return fmt.Sprintf("0%03o", mode&permBits) }
