// Package cancel proves what the end of a context ends: the statement on the server, the transaction, and nothing that was acknowledged.
package cancel
