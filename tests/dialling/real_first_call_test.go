package dialling_test

import (
	"context"
	"encoding/binary"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/tests/internal/pooltest"
	"github.com/gopooled/pooled/tests/internal/realtest"
)

// Who calls a pool first waits for the connection and his own statement: what is to be known of the server is asked behind him.

// wire writes down what is sent to a server on connections that were dialled through it.
type wire struct {
	mu    sync.Mutex
	conns []*wireConn
}

type wireConn struct {
	net.Conn
	wire *wire
	sent []byte
}

func (w *wire) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	c := &wireConn{Conn: conn, wire: w}
	w.conns = append(w.conns, c)
	return c, nil
}

func (c *wireConn) Write(b []byte) (int, error) {
	c.wire.mu.Lock()
	c.sent = append(c.sent, b...)
	c.wire.mu.Unlock()
	return c.Conn.Write(b)
}

// texts lists the statements that were sent or prepared on all connections.
func (w *wire) texts(driver string) (all []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.conns {
		if driver == "pgx" {
			all = append(all, postgresTexts(c.sent)...)
		} else {
			all = append(all, mysqlTexts(c.sent)...)
		}
	}
	return all
}

// postgresTexts reads the messages of a client, of which the first has no type.
func postgresTexts(sent []byte) (texts []string) {
	for first := true; len(sent) > 5; first = false {
		kind := byte(0)
		if !first {
			kind, sent = sent[0], sent[1:]
		}
		n := binary.BigEndian.Uint32(sent)
		body := string(sent[4:n])
		sent = sent[n:]
		switch kind {
		case 'Q':
			texts = append(texts, strings.TrimRight(body, "\x00"))
		case 'P': // the statement's name, and its text
			texts = append(texts, strings.Split(body, "\x00")[1])
		}
	}
	return texts
}

// mysqlTexts reads the packets of a client, of which those of the login are answers.
func mysqlTexts(sent []byte) (texts []string) {
	for len(sent) > 4 {
		n, sequence := int(sent[0])|int(sent[1])<<8|int(sent[2])<<16, sent[3]
		body := sent[4 : 4+n]
		sent = sent[4+n:]
		if sequence == 0 && (body[0] == 3 || body[0] == 22) { // COM_QUERY, COM_STMT_PREPARE
			texts = append(texts, string(body[1:]))
		}
	}
	return texts
}

// wired returns a DSN by which a driver dials through a wire.
func wired(t *testing.T, driver, dsn string) (string, *wire) {
	t.Helper()
	w := &wire{}
	if driver == "pgx" {
		cfg, err := pgx.ParseConfig(dsn)
		require.NoError(t, err)
		cfg.DialFunc = w.dial
		name := stdlib.RegisterConnConfig(cfg)
		t.Cleanup(func() { stdlib.UnregisterConnConfig(name) })
		return name, w
	}
	cfg, err := mysql.ParseDSN(dsn)
	require.NoError(t, err)
	network := strings.ReplaceAll(strings.ToLower(t.Name()), "/", "_")
	network = strings.Map(func(r rune) rune {
		if r == ' ' || r == '(' || r == ')' || r == '*' {
			return '_'
		}
		return r
	}, network)
	mysql.RegisterDialContext(network, func(ctx context.Context, address string) (net.Conn, error) { return w.dial(ctx, "tcp", address) })
	t.Cleanup(func() { mysql.DeregisterDialContext(network) })
	cfg.Net = network
	return cfg.FormatDSN(), w
}

func TestOfTheFirstCallOfAPoolNothingIsSentButItsStatement(t *testing.T) {
	for _, s := range realtest.TxServers {
		for name, call := range map[string]struct {
			text  string
			asked bool // behind it
		}{
			"what needs no catalogue": {"select 1", false}, "what needs it": {"select count(*) from things", true}, "a write": {"delete from things where id = 0", true},
			"a definition": {"create table made (id int)", true},
		} {
			t.Run(s.Name+"/"+name, func(t *testing.T) {
				dsn := s.DSN(t)
				_, err := realtest.Open(t, s.Driver, dsn).ExecContext(t.Context(), "create table things (id int)")
				require.NoError(t, err)
				cfg := pooled.NewConfig()
				var w *wire
				cfg.DriverName = s.Driver
				cfg.DSN, w = wired(t, s.Driver, dsn)
				cfg.Pool.MaxConns = 1
				db, connector := pooltest.Open(t, cfg)
				conn, err := db.Conn(t.Context())
				require.NoError(t, err)
				require.NoError(t, realtest.ReadAll(conn.QueryContext(t.Context(), call.text)))
				sent := w.texts(s.Driver)
				if s.Driver == "mysql" {
					require.NotEmpty(t, sent)
					assert.True(t, strings.HasPrefix(sent[0], "select connection_id()"), sent)
					sent = sent[1:]
				}
				assert.Equal(t, []string{call.text}, sent)
				require.NoError(t, conn.Close())
				require.NoError(t, db.PingContext(t.Context())) // when the one connection is back
				sent = w.texts(s.Driver)
				isAsked := slices.ContainsFunc(sent, func(text string) bool {
					return strings.Contains(text, "pg_catalog.pg_settings") || strings.Contains(text, "show session variables")
				})
				assert.Equal(t, call.asked, isAsked, sent)
				assert.EqualValues(t, 1, connector.Stats().Endpoints[0].Dials)
			})
		}
	}
}
