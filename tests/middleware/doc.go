// Package middleware proves what middlewares may do, and that none of them loses a connection or a permit.
package middleware
