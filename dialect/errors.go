package dialect

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"strings"
)

// ErrorClass is a set of what is known about an error. The zero value claims nothing.
type ErrorClass uint16

// The facts about an error that a dialect can know.
const (
	// Dead: the connection cannot be used again.
	Dead ErrorClass = 1 << iota
	// Infrastructure: the server, or the way to it, is in trouble, and will be for others too. A circuit breaker counts it.
	Infrastructure
	// Application: the server is well, and has refused what it was asked to do.
	Application
	// ShuttingDown: the server ends its connections, or this one: one such error alone does not tell which.
	ShuttingDown
	// Crashed: the server has ended all of its connections. Not set without ShuttingDown.
	Crashed
	// TooManyConnections: the server, or the account, has as many connections as it may have.
	TooManyConnections
	// NotExecuted: the error alone shows that no statement was executed, as it tells of a dial, or of a driver that has sent nothing. What a server
	// answers to a statement never shows that, but with what is known of the statement: see [Statement].Atomic.
	NotExecuted
	// Misconfigured: dialling again will fail again, as long as nobody changes a password, a name, a certificate or a grant.
	Misconfigured
	// Cancelled: the server has ended the statement because it was asked to.
	Cancelled
	// StaleStatement: a prepared statement is no longer valid on this connection. The server has executed nothing of the statement that was
	// called, if that was a plain one (see [Statement].Plain).
	StaleStatement
	// TooManyStatements: the server holds as many prepared statements as it is allowed to, and did not prepare this one.
	TooManyStatements
	// WriteRefused: the server does not write, because it is a replica or because the session is read-only. What the statement did before may stay.
	WriteRefused
	// Conflict: the server has undone what the statement did because another session, or a replica's catching up, stood against it. It may
	// well succeed if it runs again.
	Conflict
	// LoginRefused: the server does not take the user or the password. Another one may do.
	LoginRefused
)

// ErrOutcomeUnknown stands in for driver.ErrBadConn of a real driver that may have sent the statement: database/sql would run it again, although
// the server may have executed it.
var ErrOutcomeUnknown = errors.New("pooled: the connection was lost during the call, and the server may have executed it")

// InitError is the error of init in [Sessions].Reset. Servers quote what they refuse, so the text of Err is not to be shown.
type InitError struct{ Err error }

// Error does not show Err.
func (*InitError) Error() string { return "pooled: pool_init failed" }

// Unwrap returns Err.
func (e *InitError) Unwrap() error { return e.Err }

// Has reports whether all of x is in the set.
func (c ErrorClass) Has(x ErrorClass) bool { return c&x == x }

var classNames = []string{
	"dead", "infrastructure", "application", "shutting down", "crashed", "too many connections", "not executed", "misconfigured",
	"cancelled", "stale statement", "too many statements", "write refused", "conflict", "login refused",
}

// String lists the facts.
func (c ErrorClass) String() string {
	var all []string
	for i, name := range classNames {
		if c&(1<<i) != 0 {
			all = append(all, name)
		}
	}
	if all == nil {
		return "unknown"
	}
	return strings.Join(all, ", ")
}

// Died reports whether an error of the real driver says that its connection cannot be used again.
func Died(d Dialect, err error) bool {
	return errors.Is(err, driver.ErrBadConn) || d.Classify(err).Has(Dead)
}

// ClassifyNetwork knows the errors that no server has sent: those of sockets, of TLS, and of contexts. It is for dialects, after they
// have looked for an error of the server.
func ClassifyNetwork(err error) ErrorClass {
	switch {
	case err == nil, errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded): // says nothing about the server
		return 0
	case untrusted(err):
		return Misconfigured | NotExecuted
	case errors.Is(err, ErrCredentials): // whatever it was that failed, the server has not seen it
		return NotExecuted
	}
	var op *net.OpError
	var dns *net.DNSError
	switch {
	case errors.As(err, &dns):
		return Infrastructure | NotExecuted // a name that is not known may be known in a moment: servers move
	case errors.As(err, &op):
		if op.Op == "dial" {
			return Infrastructure | NotExecuted
		}
		return Infrastructure | Dead
	case err == ErrOutcomeUnknown, errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed):
		return Infrastructure | Dead
	default:
		return 0
	}
}

// untrusted reports whether client and server disagree about TLS.
func untrusted(err error) bool {
	var verification *tls.CertificateVerificationError
	var authority x509.UnknownAuthorityError
	var hostname x509.HostnameError
	var invalid x509.CertificateInvalidError
	var header tls.RecordHeaderError
	var alert tls.AlertError
	return errors.As(err, &verification) || errors.As(err, &authority) || errors.As(err, &hostname) || errors.As(err, &invalid) ||
		errors.As(err, &header) || errors.As(err, &alert)
}
