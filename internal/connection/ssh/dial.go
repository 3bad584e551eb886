package ssh

import (
	"context"
	"errors"
	"fmt"
	"net"

	"golang.org/x/crypto/ssh"

	"sunup/internal/connection"
)

var _ connection.Dialer = (*conn)(nil)

// Dial connects from the host, through a channel of the one connection. What
// the server's configuration forbids (AllowTcpForwarding no) is ErrNoDial.
func (c *conn) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	w, _, err := c.link.connected(ctx)
	if err != nil {
		return nil, err
	}
	far, err := w.client().DialContext(ctx, network, addr)
	if err == nil {
		return far, nil
	}
	var refused *ssh.OpenChannelError
	if errors.As(err, &refused) {
		if refused.Reason == ssh.Prohibited || refused.Reason == ssh.UnknownChannelType {
			return nil, fmt.Errorf("%w: %s", connection.ErrNoDial, refused.Message)
		}
		return nil, fmt.Errorf("connect to %s from the host: %s", addr, refused.Message)
	}
	select {
	case <-w.over:
		return nil, &connection.Unreachable{Host: w.host.address(), Phase: connection.PhaseSession, Err: err}
	default:
		return nil, fmt.Errorf("connect to %s from the host: %w", addr, err)
	}
}

// Reset drops the link's connection; the next use connects anew.
func (c *conn) Reset() error { return c.link.Reset() }
