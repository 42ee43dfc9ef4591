// Package pooltest makes pools over the scriptable driver of internal/faultdriver, and callers for them. All of it can be used in a bubble of
// testing/synctest.
package pooltest
