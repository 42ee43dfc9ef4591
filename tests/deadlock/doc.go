// Package deadlock proves that goroutines which hold a connection and want another do not wait for each other for ever.
package deadlock
