package local

import (
	"context"
	"net"

	"sunup/internal/connection"
)

var _ connection.Dialer = (*conn)(nil)

// Dial connects from the controller, which is the host.
func (c *conn) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	return (&net.Dialer{}).DialContext(ctx, network, addr)
}

// Reset ends the shells; the next use starts new ones.
func (c *conn) Reset() error { return c.link.Reset() }
