// Package breaker proves when the circuit breaker opens, and that it closes by itself.
package breaker
