// Package servers proves that the servers which tests use are what internal/testserver says.
package servers
