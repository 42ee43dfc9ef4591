package pooled_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"time"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/internal/faultdriver"
	"github.com/gopooled/pooled/middleware"
	"github.com/gopooled/pooled/policy"
	"github.com/gopooled/pooled/routing"
)

// The one-word change: "pooled" where "pgx" was. The DSN keeps its form; parameters of pooled's own start with pool_.
func Example() {
	db, err := sql.Open("pooled", "postgres://app:secret@localhost/shop?pool_max_conns=20&pool_acquire_timeout=2s")
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()

	connector, _ := pooled.From(db)
	server := connector.Stats().Endpoints[0]
	fmt.Println(server.Endpoint, server.MaxConns, server.Open)
	// Output: localhost:5432 20 0
}

// Settings that a service wants together have one word. What is set afterwards counts more.
func Example_profile() {
	cfg := pooled.NewConfig()
	cfg.UseProfile(pooled.ProfileService)
	cfg.Pool.AcquireTimeout = 5 * time.Second
	cfg.DriverName, cfg.DSN = "pgx", "postgres://localhost/shop"
	fmt.Println(policy.FormatDSN(cfg))
	// Output: postgres://localhost/shop?pool_profile=service&pool_acquire_timeout=5s
}

// One *sql.DB for a cluster: reads go to replicas, where a session sees what it has written.
func Example_replicas() {
	db, err := sql.Open("pooled", "postgres://app:secret@db1/shop?pool_replicas=db2:5432,db3:5432")
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()

	connector, _ := pooled.From(db)
	for _, server := range connector.Stats().Endpoints {
		fmt.Println(server.Endpoint)
	}
	// Output:
	// db1:5432
	// db2:5432
	// db3:5432
}

// Each request is a session, and a cookie carries it to the next one.
func Example_cookie() {
	mux := http.NewServeMux()
	server := func() error {
		return http.ListenAndServe(":8080", routing.Handler(mux, routing.HandlerOptions{Cookie: "pool"}))
	}
	_ = server
}

// A bad DSN fails at once, with the cure, and without the password.
func Example_badDSN() {
	_, err := sql.Open("pooled", "postgres://app:secret@localhost/shop?pool_max_con=20")
	fmt.Println(err)
	// Output: pooled: pool_max_con is not a key: did you mean pool_max_conns?
}

// In Go, settings are fields and middlewares are values.
func ExampleNewConnector() {
	cfg, err := pooled.ParseDSN("postgres://app:secret@localhost/shop")
	if err != nil {
		log.Fatal(err)
	}
	cfg.Pool.MaxConns = 20
	cfg.Pool.AcquireTimeout = 2 * time.Second
	connector, err := pooled.NewConnector(cfg, audit(slog.Default()))
	if err != nil {
		log.Fatal(err)
	}
	db := sql.OpenDB(connector)
	defer db.Close()

	fmt.Println(cfg)
	// Output: postgres://app:xxxxx@localhost/shop?pool_max_conns=20&pool_acquire_timeout=2s
}

// An acquire timeout tells the state of the pool, as text and as fields.
func ExampleAcquireTimeoutError() {
	db := demo(func(cfg *pooled.Config) {
		cfg.Pool.MaxConns = 1
		cfg.Pool.AcquireTimeout = 10 * time.Millisecond
	})
	defer db.Close()
	tx, err := db.Begin() // holds the only connection
	if err != nil {
		log.Fatal(err)
	}
	defer tx.Rollback()

	_, err = db.Exec("update t set a = 1")
	var timeout *pooled.AcquireTimeoutError
	if errors.As(err, &timeout) {
		fmt.Printf("%d of %d in use, timeout %s\n", timeout.InUse, timeout.MaxConns, timeout.Timeout)
		fmt.Printf("%d of them held by the goroutine that waits, in a transaction: %t\n", len(timeout.Own), timeout.Own[0].InTx)
	}
	fmt.Println(errors.Is(err, pooled.ErrAcquireTimeout))
	// Output:
	// 1 of 1 in use, timeout 10ms
	// 1 of them held by the goroutine that waits, in a transaction: true
	// true
}

// With pool_shed=on, callers who cannot be served know at once.
func Example_overload() {
	db, err := sql.Open("pooled", "postgres://app:secret@localhost/shop?pool_max_conns=20&pool_shed=on")
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()

	connector, _ := pooled.From(db)
	fmt.Println(connector.Pressure())
	// Output: 0
}

// Batch work gets what people do not need.
func ExampleWithClass() {
	db, err := sql.Open("pooled", "postgres://app:secret@localhost/shop?pool_max_conns=20&pool_classes=web:8,batch:1")
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()

	report := func(ctx context.Context) error {
		ctx = pooled.WithClass(ctx, "batch")
		_, err := db.ExecContext(ctx, "refresh materialized view sales")
		return err
	}
	_ = report
}

// An HTTP service tells its clients when to come back.
func ExampleOverloadedError() {
	db := demo(func(cfg *pooled.Config) {
		cfg.Pool.MaxConns = 1
		cfg.Queue.MaxWaiters = policy.NoWaiters
	})
	defer db.Close()
	shop := func(w http.ResponseWriter, r *http.Request) {
		_, err := db.ExecContext(r.Context(), "update t set a = 1")
		var overloaded *pooled.OverloadedError
		if errors.As(err, &overloaded) {
			w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(overloaded.RetryAfter.Seconds()))))
			http.Error(w, "busy", http.StatusServiceUnavailable)
			return
		}
	}
	tx, err := db.Begin() // holds the only connection
	if err != nil {
		log.Fatal(err)
	}
	defer tx.Rollback()

	answer := httptest.NewRecorder()
	shop(answer, httptest.NewRequest(http.MethodPost, "/", nil))
	fmt.Println(answer.Code, answer.Header().Get("Retry-After"))
	// Output: 503 1
}

// Held tells who holds the connections, at any moment.
func ExampleConnector_Held() {
	db := demo(func(cfg *pooled.Config) { cfg.Leak.Sample = 1 })
	defer db.Close()
	rows, err := db.Query("select * from users where email = 'jack@example.com'")
	if err != nil {
		log.Fatal(err)
	}
	defer rows.Close()

	connector, _ := pooled.From(db)
	for _, c := range connector.Held() {
		fmt.Printf("connection %d: %s %q by %s\n", c.ID, c.Op, c.Text, c.Frames()[0].Function)
	}
	// Output: connection 1: query "select * from users where email = ?" by github.com/gopooled/pooled_test.ExampleConnector_Held
}

// Handler shows the same on a page.
func ExampleConnector_Handler() {
	db, err := sql.Open("pooled", os.Getenv("DATABASE_URL"))
	if err != nil {
		log.Fatal(err)
	}
	connector, ok := pooled.From(db)
	if !ok {
		log.Fatal("this *sql.DB was not opened with pooled")
	}
	http.Handle("/debug/pool", connector.Handler())
	log.Fatal(http.ListenAndServe("localhost:6060", nil))
}

// Whoever is on call may replace connections by a button on the page.
func ExampleConnector_Handler_actions() {
	db, err := sql.Open("pooled", os.Getenv("DATABASE_URL"))
	if err != nil {
		log.Fatal(err)
	}
	isOnCall := func(r *http.Request) bool { return r.TLS != nil && len(r.TLS.VerifiedChains) > 0 }
	connector, ok := pooled.From(db)
	if !ok {
		log.Fatal("no pool")
	}
	options := pooled.HandlerOptions{
		Authorize: func(r *http.Request, action string) bool {
			return action == "evict" && isOnCall(r) // your own login
		},
	}
	http.Handle("/debug/pool", connector.Handler(options))
	log.Fatal(http.ListenAndServe("localhost:6060", nil))
}

// audit is a middleware as a user would write it: an audit log of all statements.
func audit(log *slog.Logger) pooled.Middleware {
	return pooled.Middleware{
		Name: "audit",
		Call: func(next middleware.CallFunc) middleware.CallFunc {
			return func(ctx context.Context, call *middleware.Call) error {
				err := next(ctx, call)
				if err != driver.ErrSkip { // not done yet: it comes again as prepare and exec
					log.InfoContext(ctx, call.Op.String(), "text", call.Text, "args", len(call.Args), "ok", err == nil)
				}
				return err
			}
		},
	}
}

// A middleware of one's own: an audit log.
func Example_audit() {
	db := demo(nil, audit(plainLogger()))
	defer db.Close()

	tx, err := db.Begin()
	if err != nil {
		log.Fatal(err)
	}
	if _, err := tx.Exec("update account set balance = balance - ? where id = ?", 10, 7); err != nil {
		log.Fatal(err)
	}
	if err := tx.Commit(); err != nil {
		log.Fatal(err)
	}
	// Output:
	// level=INFO msg=begin text="" args=0 ok=true
	// level=INFO msg=exec text="update account set balance = balance - ? where id = ?" args=2 ok=true
	// level=INFO msg=commit text="" args=0 ok=true
}

// stages prints when its wraps begin and end.
func stages(name string) pooled.Middleware {
	return pooled.Middleware{
		Name: name,
		Connect: func(next middleware.ConnectFunc) middleware.ConnectFunc {
			return func(ctx context.Context, d *middleware.Dial) (driver.Conn, error) {
				fmt.Println("      ", name, "connect")
				defer fmt.Println("      ", name, "connected")
				return next(ctx, d)
			}
		},
		Acquire: func(next middleware.AcquireFunc) middleware.AcquireFunc {
			return func(ctx context.Context, a *middleware.Acquisition) error {
				fmt.Println("   ", name, "acquire")
				defer fmt.Println("   ", name, "acquired")
				return next(ctx, a)
			}
		},
		Call: func(next middleware.CallFunc) middleware.CallFunc {
			return func(ctx context.Context, c *middleware.Call) error {
				fmt.Println(name, c.Op)
				defer fmt.Println(name, c.Op, "done")
				return next(ctx, c)
			}
		},
		Release: func(next middleware.ReleaseFunc) middleware.ReleaseFunc {
			return func(r *middleware.Release) {
				fmt.Println(name, "release")
				next(r)
			}
		},
	}
}

// The order of the stages, and of the middlewares in each: those of pool_use come first, and the first is the outermost.
func ExampleRegisterMiddleware() {
	pooled.RegisterMiddleware("outer", func(pooled.Config) (pooled.Middleware, error) { return stages("outer"), nil })

	db := demo(func(cfg *pooled.Config) { cfg.Use = []string{"outer"} }, stages("inner")) // pool_use=outer in a DSN
	defer db.Close()
	if _, err := db.Exec("update t set a = 1"); err != nil {
		log.Fatal(err)
	}
	// Output:
	// outer exec
	// inner exec
	//     outer acquire
	//     inner acquire
	//        outer connect
	//        inner connect
	//        inner connected
	//        outer connected
	//     inner acquired
	//     outer acquired
	// inner exec done
	// outer exec done
	// outer release
	// inner release
}

// demo opens a pooled DB on a driver in memory, so that the examples need no server.
func demo(change func(*pooled.Config), middlewares ...pooled.Middleware) *sql.DB {
	cfg := pooled.NewConfig()
	cfg.Connector = faultdriver.New(faultdriver.EveryConn, faultdriver.EveryStmt)
	if change != nil {
		change(&cfg)
	}
	connector, err := pooled.NewConnector(cfg, middlewares...)
	if err != nil {
		log.Fatal(err)
	}
	return sql.OpenDB(connector)
}

// plainLogger logs to the standard output without the time.
func plainLogger() *slog.Logger {
	return slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		},
	}))
}

// Tokens of a cloud expire, and each dial needs one that has not.
func ExampleCredentials() {
	authToken := func(_ context.Context, endpoint, user string) (string, error) { // the cloud's own function
		return "token for " + user + " at " + endpoint, nil
	}

	cfg, err := pooled.ParseDSN("postgres://app@localhost/shop?sslmode=verify-full")
	if err != nil {
		log.Fatal(err)
	}
	cfg.Credentials = func(ctx context.Context, endpoint string) (pooled.Credentials, error) {
		token, err := authToken(ctx, endpoint, "app")
		return pooled.Credentials{Password: token, Expires: time.Now().Add(15 * time.Minute)}, err
	}

	told, _ := cfg.Credentials(context.Background(), "localhost:5432")
	told.Expires = time.Time{}
	fmt.Println(told)
	// Output: Credentials of ""
}

// Network connections go through a tunnel, and are reclaimed and cancelled as others.
func ExampleRegisterDialer() {
	tunnel := &net.Dialer{} // or *ssh.Client, *cloudsqlconn.Dialer, ...

	cfg, err := pooled.ParseDSN("postgres://app:secret@db.internal/shop")
	if err != nil {
		log.Fatal(err)
	}
	cfg.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		return tunnel.DialContext(ctx, network, address)
	}

	pooled.RegisterDialer("tunnel", cfg.Dial) // for DSNs: pool_dialer=tunnel
}
