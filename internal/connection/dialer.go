package connection

import (
	"context"
	"net"
)

// Dialer is a Conn that can also open connections to addresses as its host
// sees them: names are resolved there, and 127.0.0.1 is the host itself.
type Dialer interface {
	// Dial connects from the host; network is "tcp" or "unix". The error is
	// *Unreachable when the host itself was lost.
	Dial(ctx context.Context, network, address string) (net.Conn, error)
}
