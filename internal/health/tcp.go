package health

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
)

func tcp(o options) (asker, string) {
	at := o.endpoint("port")
	at.host = cmp.Or(o.text("host"), at.host)
	from := o.from
	return func(ctx context.Context, t *Target, _ *memory) Answer {
		addr := at.address(t, from)
		conn, err := t.dial(ctx, from, addr)
		if errors.Is(err, errNoWay) {
			return t.knock(ctx, addr)
		}
		if err != nil {
			return failed(err)
		}
		conn.Close()
		return good()
	}, at.String()
}

// ping knocks at a port from the controller; a host that refuses is there.
func ping(o options) (asker, string) {
	at := o.endpoint("port")
	return func(ctx context.Context, t *Target, _ *memory) Answer {
		to := at
		if to.port == 0 {
			to.port = t.Port
		}
		if to.port == 0 {
			to.port = 22
		}
		conn, err := t.dial(ctx, FromController, to.address(t, FromController))
		if err != nil && refused(err) {
			return good()
		}
		if err != nil {
			return failed(err)
		}
		conn.Close()
		return good()
	}, portOrNothing(at)
}

func portOrNothing(e endpoint) string {
	if e.port == 0 {
		return e.host
	}
	return e.String()
}

// knockScript tries to connect with what the host has. The host's own list of
// sockets is looked at first for its own ports: that costs no process.
const knockScript = `L() {
for f in /proc/net/tcp /proc/net/tcp6; do
[ -r "$f" ] || continue
while read -r _ a _ s _; do
[ "$s" = 0A ] && [ "${a##*:}" = "$X" ] || continue
case ${a%%:*} in @SOCKETS@) return 0;; esac
done <"$f"
done
return 1
}
if [ -n "$A" ] && [ -r /proc/net/tcp ]; then L; exit; fi
if command -v bash >/dev/null 2>&1; then
if command -v timeout >/dev/null 2>&1; then timeout "$S" bash -c 'exec 3<>"/dev/tcp/$0/$1"' "$h" "$p" 2>/dev/null && exit 0; exit 1; fi
bash -c 'exec 3<>"/dev/tcp/$0/$1"' "$h" "$p" 2>/dev/null && exit 0; exit 1
fi
if command -v nc >/dev/null 2>&1; then nc -z -w "$S" "$h" "$p" >/dev/null 2>&1 </dev/null && exit 0; exit 1; fi
exit 3`

// knock connects to a port from the host with the host's own means.
func (t *Target) knock(ctx context.Context, addr string) Answer {
	host, portText, err := net.SplitHostPort(addr)
	port, err2 := strconv.Atoi(portText)
	if err != nil || err2 != nil {
		return failed(errNoWay)
	}
	sockets := ownSockets(host)
	script := fmt.Sprintf("h=%s p=%d S=%d X=%04X A=%s\n", quoted(host), port, seconds(ctx), port, quoted(sockets)) +
		strings.Replace(knockScript, "@SOCKETS@", cmp.Or(sockets, "none"), 1)
	out, err := t.run(ctx, script, nil)
	switch {
	case err != nil:
		return failed(err)
	case out.Code == 0:
		return good()
	case out.Code == 3:
		return failed(errNoWay)
	case sockets != "":
		return bad("nothing listens on port %d", "포트 %d에서 대기 중인 프로그램이 없습니다", port)
	}
	return bad("%s cannot be connected to", "%s에 연결할 수 없습니다", addr)
}

// ownSockets are patterns of the listening sockets that a connection to one of
// the host's own loopback addresses reaches, as the kernel prints them; "" for
// other hosts.
func ownSockets(host string) string {
	if host == "localhost" {
		host = "127.0.0.1"
	}
	ip := net.ParseIP(host)
	if ip == nil || !ip.IsLoopback() {
		return ""
	}
	const any4, any6, mapped = "00000000", "00000000000000000000000000000000", "0000000000000000FFFF0000"
	if v4 := ip.To4(); v4 != nil {
		own := fmt.Sprintf("%02X%02X%02X%02X", v4[3], v4[2], v4[1], v4[0])
		return strings.Join([]string{any4, own, any6, mapped + own}, "|")
	}
	return any6 + "|00000000000000000000000001000000"
}
