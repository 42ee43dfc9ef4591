// Package life proves how a pool ends and begins again: Close, Drain, several DBs of one connector, panics in the background.
package life
