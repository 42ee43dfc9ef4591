// Package stress proves that nothing is lost, and nothing runs twice, while callers give up, servers end connections and unused ones are
// taken away, all at once.
package stress
