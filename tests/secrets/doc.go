// Package secrets proves that a password, a token or a way to dial can change while a pool is used, and that this costs no call.
package secrets
