package pooltest

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/internal/endpoint"
	sessions "github.com/gopooled/pooled/internal/session"
)

// SourceOf is what the sessions of a connector have in common.
func SourceOf(t *testing.T, connector *pooled.Connector) *sessions.Source {
	t.Helper()
	conn, err := connector.Connect(t.Context())
	require.NoError(t, err)
	require.NoError(t, conn.Close())
	return conn.(*sessions.Session).Source()
}

// EndpointOf is the endpoint of a connector's first server.
func EndpointOf(t *testing.T, connector *pooled.Connector) *endpoint.Endpoint {
	t.Helper()
	return SourceOf(t, connector).Endpoints()[0]
}

// ReclaimUnused takes every connection away that is held and not busy at this moment. The leak middleware would do so now and then.
func ReclaimUnused(source *sessions.Source) {
	for _, e := range source.Endpoints() {
		for _, h := range e.Holdings() {
			source.Reclaim(h)
		}
	}
}
