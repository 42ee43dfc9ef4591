// Package overload proves who is served, and in which order, when there are more callers than connections: classes, tenants, refusals.
package overload
