package page_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/internal/faultdriver"
	"github.com/gopooled/pooled/policy"
	"github.com/gopooled/pooled/tests/internal/pooltest"
	"github.com/gopooled/pooled/tests/page/shop"
)

// A stage is a service with a pool over servers in memory, in virtual time, for what the page shows of it.

// stageDriver is the name of the driver of its servers, and of their dialect.
const stageDriver = "fault driver on a stage"

func init() { dialect.Register(stageDriver, stageDialect{}) }

// stageServers are the servers by their addresses. Each test has its own.
var stageServers sync.Map

// stageServer is a server that plays its part.
type stageServer struct {
	*faultdriver.Driver
	mu    sync.Mutex // guards what follows
	sight dialect.Sight
	err   error
	takes time.Duration // a statement, on average
}

func (s *stageServer) set(change func(s *stageServer)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(s)
}

// answerIn has statements take so long, on average.
func (s *stageServer) answerIn(d time.Duration) { s.set(func(s *stageServer) { s.takes = d }) }

// fail has dials, statements and monitors fail, and ends no connection by itself; nil: no more.
func (s *stageServer) fail(err error) { s.set(func(s *stageServer) { s.err = err }) }

// outcome is that of a dial or a statement.
func (s *stageServer) outcome(_ context.Context, call faultdriver.Call) faultdriver.Outcome {
	s.mu.Lock()
	err, takes := s.err, s.takes
	s.mu.Unlock()
	if err != nil {
		return faultdriver.Outcome{Err: err}
	}
	switch call.Op {
	case faultdriver.Connect:
		time.Sleep(8 * time.Millisecond)
	case faultdriver.Exec, faultdriver.Query:
		time.Sleep(min(time.Duration(rand.ExpFloat64()*float64(takes)), 8*takes))
	default:
		time.Sleep(time.Millisecond)
	}
	return faultdriver.Outcome{}
}

// Look answers a monitor.
func (s *stageServer) Look(context.Context, driver.Conn) (dialect.Sight, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sight := s.sight
	if sight.Position == nil { // it writes or replicates without a break
		sight.Position = stagePosition(time.Now().UnixMilli())
	}
	return sight, s.err
}

// stagePosition is a position in the history of a cluster: when it was reached, in milliseconds.
type stagePosition int64

func (p stagePosition) Covers(q dialect.Position) bool { return p >= q.(stagePosition) }
func (p stagePosition) Behind(q dialect.Position) string {
	return fmt.Sprintf("%d transactions", q.(stagePosition)-p)
}
func (p stagePosition) String() string { return strconv.FormatInt(int64(p), 10) }

// stageDialect opens DSNs such as db1:5432,db2:5432/shop.
type stageDialect struct{ dialect.Generic }

var _ dialect.Cluster = stageDialect{}

func (stageDialect) Open(dsn string) (dialect.Server, error) {
	address, database, _ := strings.Cut(dsn, "/")
	address, _, _ = strings.Cut(address, ",")
	found, ok := stageServers.Load(address)
	if !ok {
		return dialect.Server{}, errors.New("there is no server " + address)
	}
	s := found.(*stageServer)
	socket := &pooltest.SocketDriver{Fault: s.Driver}
	return dialect.Server{Connector: s.Driver, Dial: socket.Dial, Address: address, Database: database, Sessions: stageSessions{}, Replication: s}, nil
}

func (stageDialect) Hosts(dsn string) ([]string, error) {
	hosts, _, _ := strings.Cut(dsn, "/")
	return strings.Split(hosts, ","), nil
}

func (stageDialect) At(dsn, address string) (string, error) {
	_, database, _ := strings.Cut(dsn, "/")
	return address + "/" + database, nil
}

func (stageDialect) Position(text string) (dialect.Position, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	return stagePosition(n), err
}

func (stageDialect) Classify(err error) dialect.ErrorClass {
	if _, ok := errors.AsType[*net.OpError](err); ok {
		return dialect.Dead | dialect.Infrastructure
	}
	return 0
}

// stageSessions take what begins with select for a read, and nothing for a change of the session.
type stageSessions struct{}

func (stageSessions) Declare(dialect.Declared) {}
func (stageSessions) Statement(text string) *dialect.Statement {
	if strings.HasPrefix(text, "select") {
		return &dialect.Statement{Class: dialect.Read, Plain: true, Atomic: true}
	}
	return &dialect.Statement{Class: dialect.Write, Why: "no select", Plain: true, Atomic: true}
}
func (stageSessions) Baseline(context.Context, driver.Conn, bool) (bool, error)          { return false, nil }
func (stageSessions) Proxied(context.Context, driver.Conn) (bool, error)                 { return false, nil }
func (stageSessions) Stale() bool                                                        { return false }
func (stageSessions) Unsettled() bool                                                    { return false }
func (stageSessions) Known() bool                                                        { return true }
func (stageSessions) Age()                                                               {}
func (stageSessions) Outdate(bool)                                                       {}
func (stageSessions) Define(string) bool                                                 { return false }
func (stageSessions) Defined(string)                                                     {}
func (stageSessions) Changes() uint64                                                    { return 0 }
func (stageSessions) ChangedSince(uint64, string) bool                                   { return false }
func (stageSessions) Learn(context.Context, driver.Conn, []string, bool) error           { return nil }
func (stageSessions) Reset(context.Context, driver.Conn, *dialect.Changes, string) error { return nil }
func (stageSessions) Leftovers(context.Context, driver.Conn) (map[string]string, error) {
	return nil, nil
}

// stage is the service.
type stage struct {
	*testing.T
	db        *sql.DB
	orders    shop.Orders
	connector *pooled.Connector
	servers   []*stageServer // the first is the primary
	callers   sync.WaitGroup
	ctx       context.Context // of its callers
}

// newStage opens a pool named shop of a primary and replicas, at seven minutes to three in the morning. Its time is that of a synctest bubble.
func newStage(t *testing.T, replicas int, settings string) *stage {
	t.Helper()
	time.Sleep(2*time.Hour + 53*time.Minute + 11*time.Second)
	s := &stage{T: t}
	var addresses []string
	for i := range replicas + 1 {
		server := &stageServer{Driver: faultdriver.New(pooltest.Modern, faultdriver.EveryStmt), takes: 20 * time.Millisecond, sight: dialect.Sight{Role: dialect.RoleReplica, Cluster: "shop"}}
		if i == 0 {
			server.sight.Role = dialect.RolePrimary
		}
		for _, op := range []faultdriver.Op{faultdriver.Connect, faultdriver.Exec, faultdriver.Query, faultdriver.Begin, faultdriver.Ping} {
			server.Hook(op, server.outcome)
		}
		address := fmt.Sprintf("db%d.internal:5432", i+1)
		stageServers.Store(address, server)
		addresses = append(addresses, address)
		s.servers = append(s.servers, server)
	}
	cfg, err := pooled.ParseDSN("host=unused pool_name=shop pool_max_conns=20 pool_acquire_timeout=2s " + settings)
	require.NoError(t, err)
	cfg.DriverName, cfg.DSN = stageDriver, strings.Join(addresses, ",")+"/shop"
	if replicas > 0 {
		cfg.Routing.Mode = policy.RouteSplit
	}
	cfg.Logger = discarded
	s.connector, err = pooled.NewConnector(cfg)
	require.NoError(t, err)
	s.db = sql.OpenDB(s.connector)
	s.orders = shop.Orders{DB: s.db}
	ctx, cancel := context.WithCancel(context.Background())
	s.ctx = ctx
	t.Cleanup(func() {
		cancel()
		s.callers.Wait()
		require.NoError(t, s.db.Close())
	})
	return s
}

// load has callers come at a rate, each with a function of the service, until the test ends. What it returns is their own affair.
func (s *stage) load(perSecond float64, call func(context.Context) error) {
	s.callers.Go(func() {
		for s.ctx.Err() == nil {
			pause := time.Duration(rand.ExpFloat64() / perSecond * float64(time.Second))
			select {
			case <-s.ctx.Done():
				return
			case <-time.After(pause):
				s.callers.Go(func() { _ = call(s.ctx) })
			}
		}
	})
}

// export forgets the rows of an export until the test ends.
func (s *stage) export() {
	s.callers.Go(func() {
		rows, err := s.orders.Export(context.Background())
		if assert.NoError(s, err) {
			s.Cleanup(func() { assert.NoError(s, rows.Close()) })
		}
	})
}

// charge waits inside a transaction until the test ends.
func (s *stage) charge() {
	s.callers.Go(func() { assert.Error(s, shop.Payments{DB: s.db}.Charge(s.ctx, s.ctx.Done())) })
}
