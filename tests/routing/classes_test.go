package routing_test

import (
	"database/sql"
	"database/sql/driver"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/internal/testserver"
)

// learntSessions returns what the dialect knows about a server, once it has read what it needs of its catalogue for some texts.
func learntSessions(t *testing.T, driverName, dsn string, cases []routingCase) dialect.Sessions {
	t.Helper()
	d, err := dialect.ForDriver(driverName)
	require.NoError(t, err)
	server, err := d.Open(dsn)
	require.NoError(t, err)
	conn, err := server.Connector.Connect(t.Context())
	require.NoError(t, err)
	defer func() { assert.NoError(t, conn.Close()) }()
	if server.Dialled != nil {
		_, err := server.Dialled(t.Context(), conn)
		require.NoError(t, err)
	}
	var texts []string
	for i := range cases {
		texts = append(texts, cases[i].text)
	}
	require.NoError(t, server.Sessions.Learn(t.Context(), conn, texts, false))
	return server.Sessions
}

func testRoutingClasses(t *testing.T, sessions dialect.Sessions, cases []routingCase) {
	t.Helper()
	require.GreaterOrEqual(t, len(cases), 150)
	for i := range cases {
		c := &cases[i]
		s := sessions.Statement(c.text)
		assert.Equal(t, c.why, s.Why, "%s: %s, effects %s, sees %s", c.text, s.Class, s.Effects, s.Sees)
		assert.Equal(t, c.where() == dialect.RoleReplica, s.Replicable(), "%s: %s, effects %s, sees %s", c.text, s.Class, s.Effects, s.Sees)
	}
}

// testRoutingCasesRun runs the rows, each with a connection of its own, so that the matrix does not hold what no server takes. What
// may go to a replica is run where the server lets nothing be written.
func testRoutingCasesRun(t *testing.T, driverName, dsn, readOnly string, version int, cases []routingCase) {
	t.Helper()
	db, err := sql.Open(driverName, dsn)
	require.NoError(t, err)
	defer db.Close()
	for i := range cases {
		if c := &cases[i]; c.noRun == "" && c.since <= version {
			assert.NoError(t, runRoutingCase(t, db, readOnly, c), c.text)
		}
	}
}

func runRoutingCase(t *testing.T, db *sql.DB, readOnly string, c *routingCase) error {
	t.Helper()
	conn, err := db.Conn(t.Context())
	require.NoError(t, err)
	defer func() {
		assert.Equal(t, driver.ErrBadConn, conn.Raw(func(any) error { return driver.ErrBadConn }), "it is not used again")
	}()
	if c.where() == dialect.RoleReplica {
		if _, err := conn.ExecContext(t.Context(), readOnly); err != nil {
			return err
		}
	}
	rows, err := conn.QueryContext(t.Context(), c.text)
	if err != nil {
		return err
	}
	return drain(rows)
}

func drain(rows *sql.Rows) error {
	for rows.Next() {
	}
	return errors.Join(rows.Err(), rows.Close())
}

// execOver runs a text over the bare driver.
func execOver(t *testing.T, driverName, dsn, text string) {
	t.Helper()
	db, err := sql.Open(driverName, dsn)
	require.NoError(t, err)
	defer db.Close()
	_, err = db.ExecContext(t.Context(), text)
	require.NoError(t, err)
}

func TestPostgresRoutingClasses(t *testing.T) {
	for _, server := range []struct {
		name    string
		version int
		dsn     func(testing.TB) string
	}{
		{"15", 15, testserver.PostgresDatabase}, {"18", 18, testserver.Postgres18Database},
	} {
		t.Run(server.name, func(t *testing.T) {
			dsn := server.dsn(t)
			execOver(t, "pgx", dsn, postgresRoutingSchema)
			var known []routingCase
			for _, c := range postgresRoutingCases {
				if c.since <= server.version {
					known = append(known, c)
				}
			}
			testRoutingClasses(t, learntSessions(t, "pgx", dsn, known), known)
			testRoutingCasesRun(t, "pgx", dsn, "set default_transaction_read_only = on", server.version, known)
		})
	}
}

func TestMySQLRoutingClasses(t *testing.T) {
	for f, database := range map[*family]func(testing.TB) string{mariaDBFamily: testserver.MariaDBDatabase, mysqlFamily: testserver.MySQLDatabase} {
		t.Run(f.name, func(t *testing.T) {
			dsn := database(t)
			execOver(t, "mysql", multiStatements(t, dsn), f.schema)
			testRoutingClasses(t, learntSessions(t, "mysql", dsn, f.cases), f.cases)
			testRoutingCasesRun(t, "mysql", dsn, "set session transaction read only", 0, f.cases)
		})
	}
}

func TestStatementsThatNameSomethingAreNotForReplicasBeforeTheCatalogueIsRead(t *testing.T) {
	for driverName, cases := range map[string][]routingCase{"pgx": postgresRoutingCases, "mysql": mysqlRoutingCases} {
		d, err := dialect.ForDriver(driverName)
		require.NoError(t, err)
		server, err := d.Open(map[string]string{"pgx": "postgres://localhost/x", "mysql": "tcp(localhost)/x"}[driverName])
		require.NoError(t, err)
		for _, c := range cases {
			s := server.Sessions.Statement(c.text)
			if !s.Provisional && s.Replicable() { // the text says all: it names nothing that a catalogue knows
				assert.Empty(t, c.why, c.text)
				assert.NotRegexp(t, `(?i)\(|\b(from|join|table|call)\b`, c.text)
				continue
			}
			assert.False(t, s.Replicable(), c.text)
			assert.NotEmpty(t, s.Why, c.text)
		}
	}
}
