package ssh

import (
	"bufio"
	"context"
	"io"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"sunup/internal/connection"
	"sunup/internal/connection/sshdtest"
)

func TestDialGoesThroughTheHost(t *testing.T) {
	if err := sshdtest.Available(); err != nil {
		t.Skip("left out: ", err)
	}
	echo, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer echo.Close()
	go func() {
		for {
			c, err := echo.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(c, c); c.Close() }()
		}
	}()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()

	open := func(extra ...string) connection.Dialer {
		s := sshdtest.Run(t, sshdtest.Config{Extra: extra})
		link := New(s.Options("host"), Environment{Home: t.TempDir()})
		t.Cleanup(func() { link.Close() })
		return link.As(connection.Become{}).(connection.Dialer)
	}
	d := open()
	c, err := d.Dial(ctx, "tcp", echo.Addr().String())
	require.NoError(t, err)
	_, err = io.WriteString(c, "한글\n")
	require.NoError(t, err)
	line, err := bufio.NewReader(c).ReadString('\n')
	require.NoError(t, err)
	assert.Equal(t, "한글\n", line)
	require.NoError(t, c.Close())

	_, err = d.Dial(ctx, "tcp", "127.0.0.1:1")
	require.Error(t, err)
	assert.NotErrorIs(t, err, connection.ErrNoDial, "nobody listens there: that is an answer")

	_, err = open("AllowTcpForwarding no").Dial(ctx, "tcp", echo.Addr().String())
	assert.ErrorIs(t, err, connection.ErrNoDial)
}
