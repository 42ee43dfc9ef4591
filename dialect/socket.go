package dialect

import (
	"errors"
	"net"
	"sync/atomic"
	"syscall"
)

// Socket is the network connection under a real connection, for those who do not use it: it can be closed at any time, which ends
// the session on the server, and it counts what moves on it, as rows are read without a call that pooled could see.
type Socket struct {
	net.Conn
	moves   atomic.Uint64
	writes  atomic.Uint64
	reading atomic.Int32
}

var _ syscall.Conn = (*Socket)(nil) // go-sql-driver/mysql looks for it to see whether an idle connection is alive

// NewSocket makes a Socket of what a dialect dialled.
func NewSocket(c net.Conn) *Socket { return &Socket{Conn: c} }

// Moves changes whenever bytes have come or gone.
func (s *Socket) Moves() uint64 { return s.moves.Load() }

// Writes changes whenever bytes have gone.
func (s *Socket) Writes() uint64 { return s.writes.Load() }

// Reading reports whether somebody waits for bytes to come.
func (s *Socket) Reading() bool { return s.reading.Load() > 0 }

// Read counts as a move.
func (s *Socket) Read(b []byte) (int, error) {
	s.reading.Add(1)
	defer s.reading.Add(-1)
	n, err := s.Conn.Read(b)
	s.moves.Add(1)
	return n, err
}

// Write counts as a move.
func (s *Socket) Write(b []byte) (int, error) {
	n, err := s.Conn.Write(b)
	s.moves.Add(1)
	if n > 0 {
		s.writes.Add(1)
	}
	return n, err
}

// SyscallConn returns that of the network connection, if it has one, such as a TCP or Unix connection.
func (s *Socket) SyscallConn() (syscall.RawConn, error) {
	if c, ok := s.Conn.(syscall.Conn); ok {
		return c.SyscallConn()
	}
	return nil, errors.ErrUnsupported
}
