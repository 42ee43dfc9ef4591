package replication_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"net/url"
	"testing"
	"time"

	gomysql "github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/internal/testserver"
	"github.com/gopooled/pooled/mysql"
	"github.com/gopooled/pooled/postgres"
	"github.com/gopooled/pooled/tests/internal/realtest"
)

// replicationTime is how long servers on a busy machine may take for what they do at once.
const replicationTime = 30 * time.Second

// watched is a node with a connection of somebody who looks at it.
type watched struct {
	*testserver.Node
	t       *testing.T
	dialect dialect.Dialect
	server  dialect.Server
	conn    driver.Conn
	db      *sql.DB // of the bare driver
}

// watch dials a node as the user of a DSN.
func watch(t *testing.T, d dialect.Dialect, driverName string, n *testserver.Node, dsn string) *watched {
	t.Helper()
	w := &watched{Node: n, t: t, dialect: d}
	var err error
	w.server, err = d.Open(dsn)
	require.NoError(t, err)
	w.conn, err = w.server.Connector.Connect(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { _ = w.conn.Close() }) // its server may be dead by now
	w.db, err = sql.Open(driverName, n.DSN())
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, w.db.Close()) })
	return w
}

func (w *watched) look() dialect.Sight {
	w.t.Helper()
	s, err := w.server.Replication.Look(w.t.Context(), w.conn)
	require.NoError(w.t, err)
	return s
}

// covers reports whether the node is at or behind a position.
func (w *watched) covers(p dialect.Position) bool {
	w.t.Helper()
	s := w.look()
	return s.Position != nil && s.Position.Covers(p)
}

func (w *watched) eventuallyCovers(p dialect.Position) {
	w.t.Helper()
	require.Eventually(w.t, func() bool { return w.covers(p) }, replicationTime, time.Millisecond)
}

func (w *watched) rows() (n int) {
	w.t.Helper()
	require.NoError(w.t, w.db.QueryRow("select count(*) from t").Scan(&n))
	return n
}

// replicationFamilies are those whose servers replicate.
var replicationFamilies = []struct {
	name, driver string
	dialect      interface {
		dialect.Dialect
		dialect.Cluster
	}
	cluster func(testserver.T, int) *testserver.Cluster
	// ordinary makes a user without any privilege but on the table t, and returns its DSN.
	ordinary func(t *testing.T, primary *testserver.Node, dsn string) string
}{
	{"PostgreSQL", "pgx", postgres.Dialect{}, testserver.PostgresCluster, func(t *testing.T, primary *testserver.Node, dsn string) string {
		t.Helper()
		primary.Exec("do $$ begin create role ordinary login password 'secret'; exception when duplicate_object then end $$")
		u, err := url.Parse(dsn)
		require.NoError(t, err)
		u.User = url.UserPassword("ordinary", "secret")
		return u.String()
	}},
	{"MariaDB", "mysql", mysql.Dialect{}, testserver.MariaDBCluster, ordinaryOfMySQL},
	{"MySQL", "mysql", mysql.Dialect{}, testserver.MySQLCluster, ordinaryOfMySQL},
}

func ordinaryOfMySQL(t *testing.T, primary *testserver.Node, dsn string) string {
	t.Helper()
	primary.Exec("create user if not exists ordinary identified by 'secret'", "grant select, insert, update, delete, create on pooled.* to ordinary")
	return realtest.WithParams(t, dsn, func(c *gomysql.Config) { c.User, c.Passwd = "ordinary", "secret" })
}

func TestPositionOfAPrimaryIsCoveredByAReplicaThatHasEverythingAndByNoOther(t *testing.T) {
	for _, family := range replicationFamilies {
		t.Run(family.name, func(t *testing.T) {
			c := family.cluster(t, 1)
			for _, user := range []string{"all privileges", "ordinary"} {
				dsns := []string{c.Nodes[0].DSN(), c.Nodes[1].DSN()}
				c.Nodes[0].Exec("drop table if exists t", "create table t (a int)")
				if user == "ordinary" {
					dsns = []string{family.ordinary(t, c.Nodes[0], dsns[0]), family.ordinary(t, c.Nodes[0], dsns[1])}
				}
				root := watch(t, family.dialect, family.driver, c.Nodes[0], c.Nodes[0].DSN())
				watch(t, family.dialect, family.driver, c.Nodes[1], c.Nodes[1].DSN()).eventuallyCovers(root.look().Position) // so that table and user are there
				primary := watch(t, family.dialect, family.driver, c.Nodes[0], dsns[0])
				replica := watch(t, family.dialect, family.driver, c.Nodes[1], dsns[1])
				p, r := primary.look(), replica.look()
				assert.Equal(t, dialect.RolePrimary, p.Role)
				assert.Equal(t, dialect.RoleReplica, r.Role)
				assert.Equal(t, p.Cluster, r.Cluster)
				assert.Equal(t, p.Timeline, r.Timeline)
				if family.driver == "pgx" {
					assert.NotEmpty(t, p.Cluster)
					assert.EqualValues(t, 1, p.Timeline)
				}
				for i := range 3 {
					replica.Pause()
					primary.Exec("insert into t values (1)")
					after := primary.look().Position
					assert.False(t, replica.covers(after), "a replica that has not got it")
					assert.NotEmpty(t, replica.look().Position.Behind(after))
					assert.Equal(t, i, replica.rows())
					again, err := family.dialect.Position(after.String())
					require.NoError(t, err)
					assert.True(t, after.Covers(again))
					replica.Resume()
					replica.eventuallyCovers(again)
					assert.Equal(t, i+1, replica.rows(), "what is covered can be read")
				}
			}
		})
	}
}

// What a replica is said to have can be read from it, at the same moment, while the primary is busy.
func TestWhatAReplicaCoversCanBeReadFromItUnderLoad(t *testing.T) {
	for _, family := range replicationFamilies {
		t.Run(family.name, func(t *testing.T) {
			c := family.cluster(t, 1)
			c.Nodes[0].Exec("create table t (a int)", "create table other (a int)")
			primary := watch(t, family.dialect, family.driver, c.Nodes[0], c.Nodes[0].DSN())
			replica := watch(t, family.dialect, family.driver, c.Nodes[1], c.Nodes[1].DSN())
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			busy := make(chan struct{})
			go func() {
				defer close(busy)
				for ctx.Err() == nil {
					_, _ = primary.db.ExecContext(ctx, "insert into other values (1)") // the context ends it
				}
			}()
			for i := range 100 {
				tx, err := primary.db.Begin()
				require.NoError(t, err)
				if i%2 == 0 && family.driver == "pgx" {
					_, err = tx.Exec("set local synchronous_commit = off") // what is committed then is not written at once
					require.NoError(t, err)
				}
				_, err = tx.Exec("insert into t values (1)")
				require.NoError(t, err)
				require.NoError(t, tx.Commit())
				replica.eventuallyCovers(primary.look().Position)
				assert.Equal(t, i+1, replica.rows())
			}
			cancel()
			<-busy
		})
	}
}

// After a burst, whatever its size, a replica arrives where the primary is, without another write: also where a page or a file of PostgreSQL's log
// ends just there.
func TestReplicaOfAPrimaryThatIsIdleCoversItWhereverTheLogEnds(t *testing.T) {
	const page, file, header, longHeader = 8 << 10, 1 << 20, 24, 40
	c := testserver.PostgresCluster(t, 1)
	primary := watch(t, postgres.Dialect{}, "pgx", c.Nodes[0], c.Nodes[0].DSN())
	replica := watch(t, postgres.Dialect{}, "pgx", c.Nodes[1], c.Nodes[1].DSN())
	end := func() (lsn int64) {
		t.Helper()
		require.NoError(t, primary.db.QueryRow("select pg_current_wal_insert_lsn() - '0/0'::pg_lsn").Scan(&lsn))
		return lsn
	}
	message := func(bytes int64) {
		t.Helper()
		_, err := primary.db.Exec("select pg_logical_emit_message(true, '', repeat('x', $1::int))", bytes)
		require.NoError(t, err)
	}
	disturbed := 0
	converge := func() (at int64) {
		t.Helper()
		at = end()
		replica.eventuallyCovers(primary.look().Position)
		if end() != at { // the server writes something every 15 seconds or so
			disturbed++
			require.Less(t, disturbed, 5, "replicas arrive only when something else is written")
			return 0
		}
		return at
	}
	for i := range int64(200) {
		message(i * 41)
		converge()
	}
	// fill writes a record that ends where a page does, or a file.
	fill := func(unit int64) {
		t.Helper()
		const size = 1000
		var other int64 // what is written besides the text
		for before, after := int64(0), int64(1<<62); before/page != after/page; other = after - before - size {
			before = end()
			message(size)
			after = end()
		}
		for left := unit - end()%unit; left > 2*page; left = unit - end()%unit {
			message(min(left-2*page, 50*page) + 8)
		}
		for left := unit - end()%unit; left > page || left <= other; left = unit - end()%unit {
			message(size)
		}
		message(unit - end()%unit - other)
	}
	pages, files := 0, 0
	for attempts := 0; attempts < 60 && (pages < 3 || files < 3); attempts++ {
		if pages < 3 {
			fill(page)
		} else {
			fill(file)
		}
		switch at := converge(); {
		case at > 0 && at%file == longHeader:
			files++
		case at > 0 && at%page == header:
			pages++
		}
	}
	assert.GreaterOrEqual(t, pages, 3, "how often the log ended with a page")
	assert.GreaterOrEqual(t, files, 3, "how often the log ended with a file")
	_, err := primary.db.Exec("select pg_switch_wal()")
	require.NoError(t, err)
	converge()
}

// Reads clean up on their way, and write that to the log, but nothing hurries to send it to the replicas.
func TestReadsOnThePrimaryDoNotMoveItsPosition(t *testing.T) {
	c := testserver.PostgresCluster(t, 1)
	primary := watch(t, postgres.Dialect{}, "pgx", c.Nodes[0], c.Nodes[0].DSN())
	c.Nodes[0].Exec("create table pruned (n int) with (fillfactor = 50)", "insert into pruned select generate_series(1, 1000)", "update pruned set n = n + 1")
	written := func() (lsn int64) {
		t.Helper()
		require.NoError(t, primary.db.QueryRow("select pg_current_wal_insert_lsn() - '0/0'::pg_lsn").Scan(&lsn))
		return lsn
	}
	before, at := primary.look().Position, written()
	var n int
	require.NoError(t, primary.db.QueryRow("select count(*) from pruned").Scan(&n))
	require.Equal(t, 1000, n)
	require.Greater(t, written(), at, "nothing was cleaned up")
	assert.Equal(t, before, primary.look().Position)
	_, err := primary.db.Exec("insert into pruned values (0)")
	require.NoError(t, err)
	after := primary.look().Position
	assert.True(t, after.Covers(before) && !before.Covers(after), "a commit does")
}

func TestWhatWasLostInAFailoverIsCoveredByNobody(t *testing.T) {
	for _, family := range replicationFamilies {
		t.Run(family.name, func(t *testing.T) {
			c := family.cluster(t, 2)
			first, second, third := c.Nodes[0], c.Nodes[1], c.Nodes[2]
			at := func(n *testserver.Node) *watched { return watch(t, family.dialect, family.driver, n, n.DSN()) }
			first.Exec("create table t (a int)")
			before := at(first)
			shared := before.look()
			at(second).eventuallyCovers(shared.Position)
			at(third).eventuallyCovers(shared.Position)
			second.Kill()
			third.Kill()
			first.Exec("insert into t values (1)")
			lost := before.look()
			assert.True(t, lost.Position.Covers(shared.Position))
			first.Kill()
			second.Start()
			third.Start()
			second.Promote()
			third.Follow(second)

			primary, replica := at(second), at(third)
			assert.Equal(t, dialect.RolePrimary, primary.look().Role)
			assert.Equal(t, dialect.RoleReplica, replica.look().Role)
			for i := range 20 {
				second.Exec("insert into t values (2)")
				now := primary.look()
				assert.Equal(t, shared.Cluster, now.Cluster)
				replica.eventuallyCovers(now.Position)
				assert.Equal(t, i+1, replica.rows())
				assert.False(t, now.Position.Covers(lost.Position))
				assert.False(t, replica.covers(lost.Position))
				assert.False(t, lost.Position.Covers(now.Position))
			}
			first.Start() // on its own again
			returned := at(first).look()
			assert.Equal(t, dialect.RolePrimary, returned.Role)
			assert.False(t, returned.Position.Covers(primary.look().Position))
			assert.True(t, returned.Position.Covers(lost.Position))
			if family.driver == "pgx" {
				assert.Greater(t, primary.look().Timeline, returned.Timeline, "who was promoted later")
				assert.Equal(t, primary.look().Timeline, replica.look().Timeline)
			}
			first.Rejoin(second)
			at(first).eventuallyCovers(primary.look().Position)
			assert.Equal(t, dialect.RoleReplica, at(first).look().Role)
		})
	}
}

// A user who may not see the timeline that a standby receives learns it from the control file, which is written at restartpoints.
func TestOrdinaryUserSeesTheTimelineAfterARestartpoint(t *testing.T) {
	c := testserver.PostgresCluster(t, 2)
	first, second, third := c.Nodes[0], c.Nodes[1], c.Nodes[2]
	first.Exec("create table t (a int)")
	dsn := replicationFamilies[0].ordinary(t, first, third.DSN())
	replica := watch(t, postgres.Dialect{}, "pgx", third, third.DSN())
	replica.eventuallyCovers(watch(t, postgres.Dialect{}, "pgx", first, first.DSN()).look().Position)
	watch(t, postgres.Dialect{}, "pgx", second, second.DSN()).eventuallyCovers(replica.look().Position)
	first.Kill()
	second.Promote()
	third.Follow(second)
	second.Exec("insert into t values (1)", "checkpoint")
	now := watch(t, postgres.Dialect{}, "pgx", second, second.DSN()).look().Position
	replica.eventuallyCovers(now)
	third.Exec("checkpoint")
	ordinary := watch(t, postgres.Dialect{}, "pgx", third, dsn)
	assert.True(t, ordinary.covers(now), "%v", ordinary.look().Position)
}

func TestLookDoesWithoutWhatTheUserMayNotDo(t *testing.T) {
	c := testserver.PostgresCluster(t, 1)
	first, second := c.Nodes[0], c.Nodes[1]
	user := func(n *testserver.Node) string { return replicationFamilies[0].ordinary(t, first, n.DSN()) }
	dsn := user(second)
	primary := watch(t, postgres.Dialect{}, "pgx", first, user(first))
	first.Exec("create table t (a int)", "revoke execute on function pg_control_system(), pg_control_checkpoint(), pg_control_recovery() from public")
	root := watch(t, postgres.Dialect{}, "pgx", second, second.DSN())
	primary.look()                         // reads the catalogue, which cleans its pages: that is logged, and not sent to anybody
	first.Exec("insert into t values (1)") // before something is committed
	root.eventuallyCovers(primary.look().Position)
	replica := watch(t, postgres.Dialect{}, "pgx", second, dsn)
	for range 2 {
		p, r := primary.look(), replica.look()
		assert.Equal(t, dialect.RolePrimary, p.Role)
		assert.Empty(t, p.Cluster)
		assert.EqualValues(t, 1, p.Timeline)
		assert.Equal(t, dialect.RoleReplica, r.Role)
		assert.Zero(t, r.Timeline)
		assert.False(t, r.Position.Covers(p.Position), "the timeline is not known")
	}
	first.Exec("grant pg_monitor to ordinary", "insert into t values (1)")
	root.eventuallyCovers(watch(t, postgres.Dialect{}, "pgx", first, first.DSN()).look().Position)
	again := watch(t, postgres.Dialect{}, "pgx", second, dsn)
	again.eventuallyCovers(primary.look().Position)
	first.Exec("revoke execute on function pg_current_wal_insert_lsn() from public", "insert into t values (1)")
	unable := watch(t, postgres.Dialect{}, "pgx", first, user(first))
	for range 2 {
		assert.Equal(t, dialect.Sight{Role: dialect.RolePrimary}, unable.look())
	}
}

func TestReplicaOfMySQLWithoutReadOnlyIsAReplicaNevertheless(t *testing.T) {
	realtest.OnMySQLServers(t, func(t *testing.T, s realtest.MySQLServer) {
		c := s.Cluster(t, 1)
		first, second := c.Nodes[0], c.Nodes[1]
		first.Exec("create table t (a int)")
		dsn := ordinaryOfMySQL(t, first, second.DSN())
		root := watch(t, mysql.Dialect{}, "mysql", second, second.DSN())
		root.eventuallyCovers(watch(t, mysql.Dialect{}, "mysql", first, first.DSN()).look().Position)
		ordinary := watch(t, mysql.Dialect{}, "mysql", second, dsn)
		assert.Equal(t, dialect.RoleReplica, ordinary.look().Role)
		second.Exec("set global read_only = 0")
		whileReplicating := dialect.RoleReplica
		if s.Name == "MySQL" {
			whileReplicating = dialect.RolePrimary // which tells that to nobody who has not REPLICATION CLIENT
		}
		assert.Equal(t, whileReplicating, ordinary.look().Role)
		assert.Equal(t, dialect.RoleReplica, root.look().Role)
		second.Exec("stop replica")
		assert.Equal(t, dialect.RoleReplica, root.look().Role, "it does so again when it is told to")
		assert.Equal(t, dialect.RolePrimary, ordinary.look().Role, "who may not see more")
		second.Exec("reset replica all")
		assert.Equal(t, dialect.RolePrimary, root.look().Role)
		second.Exec("set global read_only = 1")
		assert.Equal(t, dialect.RoleReplica, root.look().Role)
	})
}

func TestServersWithoutReplicasArePrimaries(t *testing.T) {
	dsns := map[string]string{"15": testserver.Postgres(t), "18": testserver.Postgres18(t)}
	for _, bouncer := range realtest.PgBouncers {
		dsns["PgBouncer "+bouncer.Name] = bouncer.DSN(t) + "&default_query_exec_mode=simple_protocol"
	}
	for name, dsn := range dsns {
		server, err := postgres.Dialect{}.Open(dsn)
		require.NoError(t, err)
		conn, err := server.Connector.Connect(t.Context())
		require.NoError(t, err)
		s, err := server.Replication.Look(t.Context(), conn)
		require.NoError(t, err, name)
		assert.Equal(t, dialect.RolePrimary, s.Role, name)
		assert.NotEmpty(t, s.Cluster, name)
		assert.EqualValues(t, 1, s.Timeline, name)
		assert.True(t, s.Position.Covers(s.Position), name)
		require.NoError(t, conn.Close())
	}
}

func TestMySQLWithoutABinaryLogHasNoPosition(t *testing.T) {
	realtest.OnMySQLServers(t, func(t *testing.T, s realtest.MySQLServer) {
		d := mysql.Dialect{}
		server, err := d.Open(s.Database(t))
		require.NoError(t, err)
		conn, err := server.Connector.Connect(t.Context())
		require.NoError(t, err)
		defer conn.Close()
		sight, err := server.Replication.Look(t.Context(), conn)
		require.NoError(t, err)
		assert.Equal(t, dialect.Sight{Role: dialect.RolePrimary}, sight)
	})
}

func TestLookEndsWithItsContext(t *testing.T) {
	for _, family := range replicationFamilies {
		t.Run(family.name, func(t *testing.T) {
			c := family.cluster(t, 0)
			w := watch(t, family.dialect, family.driver, c.Nodes[0], c.Nodes[0].DSN())
			c.Nodes[0].Stop()
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			_, err := w.server.Replication.Look(ctx, w.conn)
			require.ErrorIs(t, err, context.DeadlineExceeded)
			c.Nodes[0].Continue()
			c.Nodes[0].Kill()
			other := watch(t, family.dialect, family.driver, c.Nodes[0], startedAgain(c.Nodes[0]))
			c.Nodes[0].Kill()
			_, err = other.server.Replication.Look(t.Context(), other.conn)
			require.Error(t, err)
		})
	}
}

func startedAgain(n *testserver.Node) string {
	n.Start()
	return n.DSN()
}

// A write on a replica is refused as such to everybody, and to those with privileges on a connection that only reads.
func TestReplicaRefusesWrites(t *testing.T) {
	for _, family := range replicationFamilies {
		t.Run(family.name, func(t *testing.T) {
			c := family.cluster(t, 1)
			c.Nodes[0].Exec("create table t (a int)")
			ordinary := family.ordinary(t, c.Nodes[0], c.Nodes[1].DSN())
			p := watch(t, family.dialect, family.driver, c.Nodes[0], c.Nodes[0].DSN()).look().Position
			watch(t, family.dialect, family.driver, c.Nodes[1], c.Nodes[1].DSN()).eventuallyCovers(p)
			for _, dsn := range []string{ordinary, c.Nodes[1].DSN()} {
				server, err := family.dialect.Open(dsn)
				require.NoError(t, err)
				for _, ctx := range []context.Context{t.Context(), dialect.ReadOnly(t.Context())} {
					if dsn != ordinary && !dialect.WantsReadOnly(ctx) {
						continue // MariaDB lets it write, and MySQL without super_read_only
					}
					d := &realtest.Dialled{T: t, Dialect: family.dialect, Server: server}
					d.Conn, err = server.Connector.Connect(ctx)
					require.NoError(t, err)
					realtest.Learn(t, d)
					d.Refuses("insert into t values (1)")
					d.Refuses("create table u (a int)")
					require.NoError(t, d.Used("begin", "select 1"))
					require.NoError(t, d.Conn.Close())
				}
			}
		})
	}
}
