// Package statements proves that a prepared statement of the cache answers as a new one would.
package statements
