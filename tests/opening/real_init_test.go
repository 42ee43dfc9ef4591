package opening_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/internal/testserver"
	"github.com/gopooled/pooled/tests/internal/pooltest"
	"github.com/gopooled/pooled/tests/internal/realtest"
)

// Servers quote what they refuse. Each of these inits makes its server quote a secret.
func TestWhatAServerSaysOfPoolInitIsNotShown(t *testing.T) {
	postgres := []string{
		"set app.password = '" + realtest.Secret + "' " + realtest.Secret,
		"set work_mem = '" + realtest.Secret + "'",
		"select '" + realtest.Secret + "'::int",
		"do $$ begin raise exception '" + realtest.Secret + "' using detail = '" + realtest.Secret + "', hint = '" + realtest.Secret + "'; end $$",
	}
	mysql := []string{"nonsense '" + realtest.Secret + "'", "set sql_mode = '" + realtest.Secret + "'", "select * from `" + realtest.Secret + "`"}
	for _, server := range []struct {
		name, dsn string
		inits     []string
	}{
		{"PostgreSQL 15", testserver.Postgres(t), postgres}, {"PostgreSQL 18", testserver.Postgres18(t), postgres},
		{"MariaDB", testserver.MariaDB(t), mysql}, {"MySQL", testserver.MySQL(t), mysql},
	} {
		for _, init := range server.inits {
			t.Run(server.name+", "+init, func(t *testing.T) {
				cfg, err := pooled.ParseDSN(server.dsn)
				require.NoError(t, err)
				var log pooltest.LogBuffer
				spans := tracetest.NewSpanRecorder()
				cfg.Pool.Init, cfg.Pool.MinIdleConns = init, 1
				cfg.Breaker.On, cfg.Breaker.Failures = true, 1
				cfg.Logger = slog.New(slog.NewJSONHandler(&log, nil))
				cfg.Tracing.TracerProvider = sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans))
				db, connector := pooltest.Open(t, cfg)
				_, err = db.Exec("select 1")
				var failed *pooled.InitError
				require.ErrorAs(t, err, &failed)
				require.NotEmpty(t, failed.Code)
				require.ErrorContains(t, failed.Cause, realtest.Secret, "the case must be able to fail")
				require.ErrorIs(t, err, failed.Cause, "it is there for who asks for it")
				require.ErrorContains(t, err, failed.Code)
				require.ErrorIs(t, err, pooled.ErrInit)
				require.ErrorAs(t, connector.Warm(t.Context()), &failed)
				slog.New(slog.NewJSONHandler(&log, nil)).Error("the program's own", "error", err)
				require.NoError(t, db.Close())

				shown := log.String()
				for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
					shown += fmt.Sprintf(verb, err) + fmt.Sprintf(verb, []error{err})
				}
				require.NotEmpty(t, spans.Ended())
				for _, span := range spans.Ended() {
					shown += fmt.Sprint(span.Name(), span.Status().Description, span.Attributes(), span.Events())
				}
				assert.NotContains(t, shown, realtest.Secret)
			})
		}
	}
}

// An init that worked may fail when a reset runs it again.
func TestWhatAServerSaysOfPoolInitIsNotShownAfterAReset(t *testing.T) {
	for _, server := range []struct{ name, dsn, init, dirty, spoil string }{
		{
			"PostgreSQL 15", testserver.PostgresDatabase(t), "select set_config(v, '" + realtest.Secret + "', false) from settings", "set work_mem = '8MB'",
			"update settings set v = 'work_mem'",
		},
		{
			"PostgreSQL 18", testserver.Postgres18Database(t), "select set_config(v, '" + realtest.Secret + "', false) from settings", "set work_mem = '8MB'",
			"update settings set v = 'work_mem'",
		},
		{"MariaDB", several(testserver.MariaDBDatabase(t)), "set sort_buffer_size = 65536; insert into settings values ('" + realtest.Secret + "')", "set sort_buffer_size = 131072", ""},
		{"MySQL", several(testserver.MySQLDatabase(t)), "set sort_buffer_size = 65536; insert into settings values ('" + realtest.Secret + "')", "set sort_buffer_size = 131072", ""},
	} {
		t.Run(server.name, func(t *testing.T) {
			bare, err := pooled.ParseDSN(server.dsn)
			require.NoError(t, err)
			admin := realtest.Open(t, bare.DriverName, server.dsn)
			_, err = admin.Exec("create table settings (v varchar(40) primary key)")
			require.NoError(t, err)
			if server.spoil != "" {
				_, err = admin.Exec("insert into settings values ('app.password')")
				require.NoError(t, err)
			}
			cfg := bare
			var log pooltest.LogBuffer
			cfg.Pool.Init, cfg.Pool.MaxConns = server.init, 1
			cfg.Reset.Timeout = 0
			cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
			db, _ := pooltest.Open(t, cfg)
			conn, err := db.Conn(t.Context())
			require.NoError(t, err)
			_, err = conn.ExecContext(t.Context(), server.dirty)
			require.NoError(t, err)
			if server.spoil != "" {
				_, err = admin.Exec(server.spoil)
				require.NoError(t, err)
			}
			require.NoError(t, conn.Close())
			_, err = db.Exec("select 1") // waits until the reset is over, and dials
			require.ErrorContains(t, err, "pool_init failed")
			assert.NotContains(t, err.Error(), realtest.Secret)
			assert.Contains(t, log.String(), "a session could not be made clean; its connection is closed")
			assert.Contains(t, log.String(), "pool_init failed")
			assert.NotContains(t, log.String(), realtest.Secret)
		})
	}
}

// several lets a DSN of MySQL send several statements at once.
func several(dsn string) string {
	if strings.Contains(dsn[strings.LastIndexByte(dsn, '/'):], "?") {
		return dsn + "&multiStatements=true"
	}
	return dsn + "?multiStatements=true"
}

func TestInitErrorShowsOfItsCauseWhatNoServerHasSaid(t *testing.T) {
	for _, c := range []struct {
		err  pooled.InitError
		want string
	}{
		{pooled.InitError{Endpoint: "db:1", Code: "42601", Cause: fmt.Errorf("near %s", realtest.Secret)}, "pooled: pool_init failed on a new connection to db:1: the server refused it with 42601: "},
		{pooled.InitError{Endpoint: "db:1", Cause: fmt.Errorf("near %s", realtest.Secret)}, "pooled: pool_init failed on a new connection to db:1: *errors.errorString: "},
		{pooled.InitError{Endpoint: "db:1", Cause: fmt.Errorf("%s: %w", realtest.Secret, context.DeadlineExceeded)}, "to db:1: context deadline exceeded: "},
		{pooled.InitError{Endpoint: "db:1", Cause: fmt.Errorf("%s: %w", realtest.Secret, pooltest.ErrReset)}, "to db:1: read: connection reset by peer: "},
	} {
		for _, text := range []string{c.err.Error(), fmt.Sprintf("%#v", &c.err)} {
			assert.Contains(t, text, c.want)
			assert.NotContains(t, text, realtest.Secret)
		}
	}
	encoded, err := json.Marshal(struct{ Err *pooled.InitError }{&pooled.InitError{Cause: jsonError{realtest.Secret}}})
	require.NoError(t, err)
	assert.NotContains(t, string(encoded), realtest.Secret)
}

// jsonError is an error that encoders look into, as PgError is.
type jsonError struct{ Message string }

func (e jsonError) Error() string { return e.Message }
