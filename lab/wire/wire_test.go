package wire_test

import (
	"bytes"
	"io"
	"net"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"sunup/lab/wire"
)

// echo is a server that counts what it gets and sends it back.
func echo(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { defer c.Close(); io.Copy(c, c) }()
		}
	}()
	return l.Addr().String()
}

func dial(t *testing.T, w *wire.Wire) net.Conn {
	c, err := net.Dial("tcp", net.JoinHostPort(w.Host, strconv.Itoa(w.Port)))
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	return c
}

func TestWire(t *testing.T) {
	w, err := wire.Listen(echo(t), wire.Fault{})
	require.NoError(t, err)
	defer w.Close()
	sent := bytes.Repeat([]byte("0123456789"), 10000)

	c := dial(t, w)
	go c.Write(sent)
	got := make([]byte, len(sent))
	_, err = io.ReadFull(c, got)
	require.NoError(t, err)
	require.Equal(t, sent, got)

	w.Cut()
	_, err = c.Read(got)
	require.Error(t, err)

	w.SetFault(wire.Fault{CutAfter: 12345})
	c = dial(t, w)
	c.Write(sent)
	all, _ := io.ReadAll(c)
	require.LessOrEqual(t, len(all), 12345)

	w.SetFault(wire.Fault{Refuse: true})
	c = dial(t, w)
	_, err = c.Read(got)
	require.Error(t, err)
	require.Equal(t, 3, w.Accepted())
}
