package connection

import (
	"context"
	"errors"
	"net"
)

// Dialer is implemented by a Conn that can open network connections from the
// host, such as SSH's direct-tcpip: names are resolved and routes taken there.
// The network is "tcp" or "unix". A host that forbids it answers with an error
// for which errors.Is ErrNoDial is true; callers then do without.
type Dialer interface {
	Dial(ctx context.Context, network, addr string) (net.Conn, error)
}

// ErrNoDial says that the host, or the way to it, does not open network
// connections for us.
var ErrNoDial = errors.New("the host does not open connections for us")
