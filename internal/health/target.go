package health

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"syscall"
	"time"

	"sunup/internal/connection"
	"sunup/internal/connection/shell"
)

// Target is one host as probes see it.
type Target struct {
	Name string // in the inventory
	// Address is where the controller finds the host.
	Address string
	// Port is where a ping from the controller knocks; 0 is 22.
	Port int
	// Conn is the host itself; nil when only the controller asks.
	Conn connection.Conn
	// Dial connects from the controller; nil is net.Dialer.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
	// Now is the controller's clock, for time_offset and certificates; nil is
	// time.Now.
	Now func() time.Time
}

func (t *Target) now() time.Time {
	if t.Now != nil {
		return t.Now()
	}
	return time.Now()
}

// errNoWay says that the host lets us do this neither through its connection
// nor with a tool of its own.
var errNoWay = errors.New("no way")

// endpoint is a port somewhere; an empty host is the target itself.
type endpoint struct {
	host string
	port int
}

// address is the endpoint as the asking side calls it.
func (e endpoint) address(t *Target, from From) string {
	host := e.host
	if host == "" {
		if host = "127.0.0.1"; from == FromController {
			host = t.address()
		}
	}
	return net.JoinHostPort(host, strconv.Itoa(e.port))
}

func (t *Target) address() string {
	if t.Address != "" {
		return t.Address
	}
	return t.Name
}

func (e endpoint) String() string {
	if e.host == "" {
		return strconv.Itoa(e.port)
	}
	return net.JoinHostPort(e.host, strconv.Itoa(e.port))
}

// dial connects from one side. errNoWay says that this side cannot be made to.
func (t *Target) dial(ctx context.Context, from From, addr string) (net.Conn, error) {
	if from == FromController {
		if t.Dial != nil {
			return t.Dial(ctx, "tcp", addr)
		}
		return (&net.Dialer{}).DialContext(ctx, "tcp", addr)
	}
	d, ok := t.Conn.(connection.Dialer)
	if !ok {
		return nil, errNoWay
	}
	conn, err := d.Dial(ctx, "tcp", addr)
	if errors.Is(err, connection.ErrNoDial) {
		return nil, errNoWay
	}
	return conn, err
}

// bounded closes conn when ctx ends: connections through SSH have no
// deadlines.
func bounded(ctx context.Context, conn net.Conn) (stop func()) {
	end := context.AfterFunc(ctx, func() { conn.Close() })
	return func() { end(); conn.Close() }
}

// maxReply bounds what is read from anywhere.
const maxReply = 1 << 20

// question is what is sent to a port, and how the end of the answer is known.
type question struct {
	send   []byte
	enough func([]byte) bool
	// ends says that the other side closes the connection when it has answered;
	// else a tool of the host reads only the first piece that comes.
	ends bool
}

// exchange sends a question to a port and returns what comes back: the first of
// it that is enough, or all till the other side closes.
func (t *Target) exchange(ctx context.Context, from From, addr string, q question) ([]byte, error) {
	conn, err := t.dial(ctx, from, addr)
	if errors.Is(err, errNoWay) {
		return t.exchangeByTool(ctx, addr, q)
	}
	if err != nil {
		return nil, err
	}
	defer bounded(ctx, conn)()
	if len(q.send) > 0 {
		if _, err := conn.Write(q.send); err != nil {
			return nil, fmt.Errorf("send: %w", err)
		}
	}
	var reply []byte
	buf := make([]byte, 4096)
	for len(reply) < maxReply && !q.enough(reply) {
		n, err := conn.Read(buf)
		reply = append(reply, buf[:n]...)
		if err != nil && !q.enough(reply) {
			if errors.Is(err, io.EOF) && len(reply) > 0 {
				return reply, nil
			}
			return reply, fmt.Errorf("read: %w", err)
		}
	}
	return reply, nil
}

// exchangeByTool does the same with bash or nc of the host.
func (t *Target) exchangeByTool(ctx context.Context, addr string, q question) ([]byte, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	reader := "dd bs=65536 count=1 2>/dev/null"
	if q.ends { // one that does not end is read for two seconds
		reader = "timeout 2 cat"
	}
	script := fmt.Sprintf(`h=%s p=%s S=%d
if command -v bash >/dev/null 2>&1 && command -v timeout >/dev/null 2>&1; then
timeout "$S" bash -c 'exec 3<>"/dev/tcp/$0/$1" || exit 7; cat >&3; READER <&3 | od -An -v -tx1; exit 0' "$h" "$p" 2>/dev/null
elif command -v nc >/dev/null 2>&1; then nc -w "$S" "$h" "$p" 2>/dev/null | NCREADER | od -An -v -tx1
else exit 3; fi`, quoted(host), port, seconds(ctx))
	out, err := t.run(ctx, strings.NewReplacer("NCREADER", strings.TrimPrefix(reader, "timeout 2 "), "READER", reader).Replace(script), q.send)
	switch {
	case err != nil:
		return nil, err
	case out.Code == 3:
		return nil, errNoWay
	case out.Code == 7:
		return nil, syscall.ECONNREFUSED
	}
	reply, err := hex.DecodeString(strings.Join(strings.Fields(string(out.Stdout)), ""))
	if err == nil && len(reply) == 0 {
		err = io.ErrUnexpectedEOF
	}
	return reply, err
}

// seconds is what ctx leaves, for tools that count in seconds.
func seconds(ctx context.Context) int {
	end, ok := ctx.Deadline()
	if !ok {
		return int(DefaultTimeout / time.Second)
	}
	return max(int(time.Until(end)/time.Second), 1)
}

// run carries out a script on the host, in one language for all its tools.
func (t *Target) run(ctx context.Context, script string, stdin []byte) (connection.Output, error) {
	if t.Conn == nil {
		return connection.Output{}, errNoWay
	}
	cmd := connection.Command{Script: "LC_ALL=C\nexport LC_ALL\n" + script, MaxOutput: 2 * maxReply}
	if stdin != nil {
		cmd.Stdin = bytes.NewReader(stdin)
	}
	return t.Conn.Exec(ctx, cmd)
}

// plain carries out a command of the person, in the host's own language.
func (t *Target) plain(ctx context.Context, cmd string) (connection.Output, error) {
	return t.Conn.Exec(ctx, connection.Command{Script: cmd, MaxOutput: maxReply})
}

func quoted(s string) string { return shell.Quote(s) }

// failed turns an error into an answer.
func failed(err error) Answer {
	var become *connection.BecomeFailed
	var dns *net.DNSError
	switch {
	case errors.Is(err, errNoWay):
		return never("the host can open no connection for us: it needs bash or nc, or ask with from: controller",
			"호스트에서 접속을 열 방법이 없습니다. bash나 nc를 설치하거나 from: controller로 확인하십시오")
	case errors.As(err, &become):
		return Answer{Reason: bad("%s", "%s", become.Error()).Reason, Final: true}
	case connection.IsUnreachable(err):
		a := bad("the host cannot be reached: %s", "호스트에 접속할 수 없습니다: %s", firstLine(err.Error()))
		a.Err = err
		return a
	case refused(err):
		return bad("connection refused", "연결이 거부되었습니다")
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return bad("the other side closed the connection without an answer", "상대가 응답 없이 연결을 닫았습니다")
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return bad("no answer", "응답이 없습니다")
	case errors.As(err, &dns) && dns.IsNotFound:
		return bad("the name '%s' is not known", "이름 '%s'{을/를} 찾을 수 없습니다", dns.Name)
	}
	return bad("%s", "%s", firstLine(err.Error()))
}

// refused reports whether nobody listens; a host that connects for us only says
// so in words.
func refused(err error) bool {
	return errors.Is(err, syscall.ECONNREFUSED) || strings.HasSuffix(strings.ToLower(err.Error()), "connection refused")
}

// maxWords bounds what a reason quotes from a host.
const maxWords = 200

// firstLine is the first line of a text that is not empty, shortened.
func firstLine(s string) string {
	for line := range strings.Lines(s) {
		if line = strings.TrimSpace(line); line != "" {
			return excerpt(line)
		}
	}
	return ""
}

func excerpt(s string) string {
	r := []rune(strings.Map(printable, s))
	if len(r) > maxWords {
		return string(r[:maxWords]) + "…"
	}
	return string(r)
}

// printable keeps control characters of hosts off the terminal.
func printable(r rune) rune {
	if r < ' ' || r == 0x7f {
		return ' '
	}
	return r
}
