// Package routing holds routing against real clusters: what clients see while replicas lag and the primary changes, and where the statements of
// ORMs and migration tools run. It is a module of its own, so that what its tests need reaches no user's go.mod.
package routing
