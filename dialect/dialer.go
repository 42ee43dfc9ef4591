package dialect

import (
	"context"
	"net"
)

// DialFunc makes a network connection, as [net.Dialer.DialContext] does.
type DialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// dialerKey marks the context of a dial, or of [Cancel].Statement, which may dial.
type dialerKey struct{}

// WithDialer asks a dial to make its network connections so. The function is given the address as the DSN has it, and a name in it as a name, as it may be known at the
// other end of a tunnel alone. Only a server with [Server].DialThrough does what is asked.
func WithDialer(ctx context.Context, dial DialFunc) context.Context {
	return context.WithValue(ctx, dialerKey{}, dial)
}

// DialerOf tells how a dial is asked to make its network connections; nil: as the real driver does.
func DialerOf(ctx context.Context) DialFunc {
	dial, _ := ctx.Value(dialerKey{}).(DialFunc)
	return dial
}
