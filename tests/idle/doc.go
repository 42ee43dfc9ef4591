// Package idle proves what becomes of connections that nobody uses: kept, pinged, warmed, replaced, closed.
package idle
