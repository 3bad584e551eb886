package lab

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strings"

	"sunup/lab/machine"
)

// serveHTTP answers the requests of one connection as the services of m do,
// till the connection or the fleet ends.
func serveHTTP(ctx context.Context, conn net.Conn, m *machine.Machine, port int) {
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	defer conn.Close()
	in := bufio.NewReader(conn)
	for {
		r, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		io.Copy(io.Discard, r.Body)
		answer, err := m.Get("localhost", port, r.URL.RequestURI())
		if err != nil {
			return
		}
		body := answer.Body
		resp := &http.Response{StatusCode: answer.Status, ProtoMajor: 1, ProtoMinor: 1, Request: r, Header: http.Header{"Content-Type": {answer.Type}},
			ContentLength: int64(len(body)), Body: io.NopCloser(strings.NewReader(body)), Close: r.Close}
		if resp.Write(conn) != nil || r.Close {
			return
		}
	}
}
