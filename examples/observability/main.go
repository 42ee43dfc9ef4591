// Observability puts a small shop under load, with a Prometheus that scrapes it, and shows the panels of the dashboard with all that a pool can
// have to tell: waits, resets, leaks, errors, a replica that dies again and again, and a breaker that cuts it off.
//
//	go run ./examples/observability            # until Ctrl-C; then open the address that it prints
//	go run ./examples/observability -for 5m
//
// It runs a PostgreSQL with a replica and a Prometheus of its own, in a temporary directory, on free ports of the loopback interface. Where they
// are not installed:
//
//	scripts/test-servers.sh install pg15 prometheus
package main

import (
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"time"

	"github.com/gopooled/pooled"
	_ "github.com/gopooled/pooled/postgres"
)

// settings are those of a small pool, so that it is soon in trouble, and impatient, so that nobody has to wait for a minute to see something.
const settings = "&pool_max_conns=8&pool_shed=on&pool_queue_target=50ms&pool_queue_interval=150ms&pool_min_idle_conns=2&pool_classes=people:4,cleaning:1&pool_acquire_timeout=300ms&pool_max_conn_lifetime=5s" +
	"&pool_leak=1s&pool_leak_sample=1&pool_leak_reclaim=orphaned" +
	"&pool_breaker=on&pool_breaker_failures=2&pool_breaker_cooldown=1s&pool_breaker_max_cooldown=2s&pool_connect_timeout=1s"

func main() {
	listen := flag.String("listen", "127.0.0.1:8080", "the `address` of the page")
	length := flag.Duration("for", 0, "how long the shop works; 0 = until Ctrl-C")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *listen, *length, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "observability:", err)
		stop()
		os.Exit(1)
	}
}

// run lets the shop work until ctx ends, or for as long as it should.
func run(ctx context.Context, listen string, length time.Duration, out io.Writer) (err error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", listen)
	if err != nil {
		return fmt.Errorf("%w: -listen takes another address", err)
	}
	defer listener.Close()
	servers, err := startServers()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, servers.stop()) }()

	meters, metrics, err := newMeters()
	if err != nil {
		return err
	}
	cfg, err := pooled.ParseDSN(servers.dsn() + settings)
	if err != nil {
		return err
	}
	cfg.Tracing.MeterProvider = meters // or none, where the program has set OpenTelemetry's global one
	cfg.Logger = slog.New(slog.DiscardHandler)
	connector, err := pooled.NewConnector(cfg)
	if err != nil {
		return err
	}
	db := sql.OpenDB(connector)
	defer db.Close()
	shop, err := openShop(ctx, db)
	if err != nil {
		return err
	}
	defer shop.close()

	prometheus, err := startPrometheus(ctx, listener.Addr().String())
	if err != nil {
		return err
	}
	defer prometheus.stop()
	site := http.NewServeMux()
	site.Handle("/metrics", metrics)
	site.Handle("/pool", connector.Handler())
	if err := addPage(site, prometheus); err != nil {
		return err
	}
	introduce(out, listener.Addr().String(), prometheus)
	if length > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, length)
		defer cancel()
	}
	return serve(listener, site, func() { shop.work(ctx, servers) })
}

// serve answers requests while the shop works.
func serve(listener net.Listener, site http.Handler, work func()) error {
	server := &http.Server{Handler: site, ReadHeaderTimeout: 10 * time.Second}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	work()
	_ = server.Close() // Serve tells what went wrong
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// introduce tells where to look.
func introduce(out io.Writer, address string, p *prometheus) {
	fmt.Fprintf(out, "A shop is under load, on a PostgreSQL with a replica that is killed every %s. Ctrl-C ends it.\n\n", incidentEvery)
	if p.running() {
		fmt.Fprintf(out, "  the dashboard's panels     http://%s/\n", address)
		fmt.Fprintf(out, "  Prometheus, with alerts    %s/alerts\n", p.url)
	}
	fmt.Fprintf(out, "  what Prometheus scrapes    http://%s/metrics\n", address)
	fmt.Fprintf(out, "  who holds connections      http://%s/pool\n", address)
	if !p.running() {
		fmt.Fprintf(out, "\nThere is no Prometheus, and so there are no panels. To install it: %s\n", installHint)
	}
}

const installHint = "scripts/test-servers.sh install pg15 prometheus"
