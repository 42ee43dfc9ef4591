// Package sizing proves that pool_max_conns=auto takes what the server has room for, and follows when that changes.
package sizing
