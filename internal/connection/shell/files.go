package shell

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"syscall"
	"time"

	"sunup/internal/connection"
)

// InlinePut is the size up to which a file travels inside a script, in one
// round trip.
const InlinePut = 64 << 10

// cleanupLimit bounds removing a temporary file after a failure.
const cleanupLimit = 5 * time.Second

// Conn is one identity of a pool.
type Conn struct {
	pool *Pool
	as   connection.Become
}

var _ connection.Conn = (*Conn)(nil)

// As returns the identity's Conn.
func (p *Pool) As(b connection.Become) *Conn { return &Conn{pool: p, as: b} }

// Exec runs a command; see connection.Conn.
func (c *Conn) Exec(ctx context.Context, cmd connection.Command) (connection.Output, error) {
	return c.pool.Exec(ctx, c.as, cmd)
}

// Put writes a file; see connection.Conn.
func (c *Conn) Put(ctx context.Context, name string, r io.Reader, size int64, mode fs.FileMode) error {
	if name == "" || strings.Contains(name, "\x00") {
		return fmt.Errorf("write %q: %w", name, fs.ErrInvalid)
	}
	if size >= 0 && size <= InlinePut {
		return c.putInline(ctx, name, r, size, mode)
	}
	return c.putStream(ctx, name, r, size, mode)
}

func (c *Conn) putInline(ctx context.Context, name string, r io.Reader, size int64, mode fs.FileMode) error {
	data, err := io.ReadAll(io.LimitReader(r, size+1))
	if err != nil {
		return fmt.Errorf("write %s: read the content: %w", name, err)
	}
	if int64(len(data)) != size {
		return sizeError(name, int64(len(data)), size)
	}
	script := putHead(name, TempName(name)) +
		"( umask " + mask(mode) + "; " + printContent(data) + " >\"$t\" ) || fail\n" +
		install(mode)
	return c.files(ctx, "write", name, connection.Command{Script: script})
}

// printContent prints data. Much binary content is a third as long in base64 as
// in octal; hosts without base64 get octal after all.
func printContent(data []byte) string {
	format := printfFormat(data)
	if len(format) < 2*len(data)+64 {
		return "printf " + format
	}
	return "if command -v base64 >/dev/null 2>&1; then printf %s '" + base64.StdEncoding.EncodeToString(data) +
		"' | base64 -d; else printf " + format + "; fi"
}

// putStream sends the content as the input of a command. The file is put in
// place by a second command, after we know that all of it was sent: to the
// host a lost connection looks like the end of the input.
func (c *Conn) putStream(ctx context.Context, name string, r io.Reader, size int64, mode fs.FileMode) error {
	temp := TempName(name)
	head := putHead(name, temp)
	count := &counter{r: r}
	err := c.files(ctx, "write", name, connection.Command{Script: head + "( umask " + mask(mode) + "; cat >\"$t\" ) || fail\n", Stdin: count})
	if err == nil && size >= 0 && count.n != size {
		err = sizeError(name, count.n, size)
	}
	if err != nil {
		c.Remove(temp)
		return err
	}
	err = c.files(ctx, "write", name, connection.Command{Script: head + checkSize(count.n) + install(mode)})
	if err != nil && ctx.Err() != nil {
		c.Remove(temp)
	}
	return err
}

// Remove deletes a temporary file of ours, if the host is still there. It has
// its own short time limit since the caller's may be over.
func (c *Conn) Remove(temp string) {
	ctx, cancel := context.WithTimeout(context.Background(), cleanupLimit)
	defer cancel()
	c.Exec(ctx, connection.Command{Script: "rm -f " + Quote(operand(temp))})
}

func sizeError(name string, got, want int64) error {
	return fmt.Errorf("write %s: the content is %d bytes, not %d: %w", name, got, want, io.ErrUnexpectedEOF)
}

// counter counts what was read. It hides Len, so that the input is streamed.
type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// TempName is a name beside the file that nobody else uses. It stays within
// the 255 bytes that file systems allow.
func TempName(name string) string {
	dir, base := path.Split(name)
	if len(base) > 200 {
		base = base[:200]
	}
	return dir + "." + base + ".sunup-" + newMark()[:12]
}

// operand keeps a name from being taken for an option.
func operand(name string) string {
	if strings.HasPrefix(name, "-") {
		return "./" + name
	}
	return name
}

// putHead names the file and its temporary one, and says how to give up.
func putHead(name, temp string) string {
	return "LC_ALL=C; export LC_ALL; p=" + Quote(operand(name)) + " t=" + Quote(operand(temp)) + `
fail() { rm -f "$t"; exit 1; }
if [ -d "$p" ]; then echo "$p: Is a directory" >&2; exit 1; fi
`
}

// mask is the umask under which the temporary file is made: the one that gives a
// new file its mode at once, if a umask can; else nobody but us may read it yet.
func mask(mode fs.FileMode) string {
	if mode == 0 || mode&^0o666 != 0 {
		return "077"
	}
	return fmt.Sprintf("%04o", 0o777&^uint32(mode))
}

// checkSize makes sure that all that was sent is there.
func checkSize(size int64) string {
	return `n=$(wc -c <"$t") || fail
if [ "$n" -ne ` + strconv.FormatInt(size, 10) + ` ]; then echo "$t: short write: No space left on device?" >&2; fail; fi
`
}

// install is the script that puts $t in the place of $p. An old file gives its
// mode and, as far as the identity may, its owner; a new one gets mode, or what
// the umask says when mode is 0. Each program that is not needed saves the host a
// process.
func install(mode fs.FileMode) string {
	set := "" // the umask did it
	if mode == 0 {
		set = "chmod =rw \"$t\" || fail"
	} else if mode&^0o666 != 0 {
		set = "chmod " + Octal(mode) + " \"$t\" || fail"
	}
	if set == "" {
		set = ":"
	}
	return `if [ -f "$p" ] && { m=$(stat -c '%a %u:%g' "$p" "$t" 2>/dev/null) || m=$(stat -f '%Lp %u:%g' "$p" "$t" 2>/dev/null); }; then
set -- $m
[ "$2" = "$4" ] || chown "$2" "$t" 2>/dev/null
[ "$1 $2" = "$3 $4" ] || chmod "$1" "$t" || fail
else ` + set + `
fi
sync "$t" 2>/dev/null
mv -f "$t" "$p" || fail
`
}

// Octal writes a mode as chmod wants it, setuid, setgid and sticky included.
func Octal(mode fs.FileMode) string {
	bits := uint32(mode.Perm())
	for flag, bit := range map[fs.FileMode]uint32{fs.ModeSetuid: 0o4000, fs.ModeSetgid: 0o2000, fs.ModeSticky: 0o1000} {
		if mode&flag != 0 {
			bits |= bit
		}
	}
	return fmt.Sprintf("%04o", bits)
}

// Get reads a file; see connection.Conn.
func (c *Conn) Get(ctx context.Context, name string, w io.Writer) error {
	if name == "" || strings.Contains(name, "\x00") {
		return fmt.Errorf("read %q: %w", name, fs.ErrInvalid)
	}
	var writeErr error
	errOut := &capture{max: 4 << 10}
	cmd := connection.Command{Script: "LC_ALL=C; export LC_ALL; exec cat " + Quote(operand(name))}
	code, err := c.pool.Run(ctx, c.as, cmd, func(p []byte) {
		if writeErr == nil {
			_, writeErr = w.Write(p)
		}
	}, errOut.write)
	if err == nil && writeErr != nil {
		return fmt.Errorf("read %s: keep what was read: %w", name, writeErr)
	}
	return fileError("read", name, code, string(errOut.buf), err)
}

func (c *Conn) files(ctx context.Context, verb, name string, cmd connection.Command) error {
	out, err := c.Exec(ctx, cmd)
	return fileError(verb, name, out.Code, string(out.Stderr), err)
}

// fileError makes an error of what the host's tools said.
func fileError(verb, name string, code int, stderr string, err error) error {
	if err != nil {
		var u *connection.Unreachable
		if errors.As(err, &u) && u.Phase == connection.PhaseCommand {
			u.Phase = connection.PhaseTransfer
		}
		return err
	}
	if code == 0 {
		return nil
	}
	detail := strings.TrimSpace(stderr)
	for _, known := range []struct {
		text string
		err  error
	}{
		{"No space left", syscall.ENOSPC},
		{"I/O error", syscall.ENOSPC}, // dash's printf says no more than that
		{"Disk quota exceeded", syscall.EDQUOT},
		{"Read-only file system", syscall.EROFS},
		{"Permission denied", fs.ErrPermission},
		{"Operation not permitted", fs.ErrPermission},
		{"Is a directory", syscall.EISDIR},
		{"Not a directory", fs.ErrNotExist},
		{"No such file", fs.ErrNotExist},
		{"nonexistent", fs.ErrNotExist}, // dash: Directory nonexistent
	} {
		if strings.Contains(detail, known.text) {
			return fmt.Errorf("%s %s: %w (%s)", verb, name, known.err, detail)
		}
	}
	return fmt.Errorf("%s %s: exit code %d: %s", verb, name, code, detail)
}
