package main

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"strings"
	"time"

	"github.com/gopooled/pooled"
)

// server is where the service has its data, and what can be asked besides: how many connections there are in the server's own eyes.
type server interface {
	DSN() string
	Sockets(ctx context.Context) (int, error)
	Close()
}

func open(ctx context.Context, dsn string) (server, error) {
	if dsn == "" {
		return startPretend()
	}
	if !strings.HasPrefix(dsn, "postgres://") && !strings.HasPrefix(dsn, "postgresql://") {
		return nil, errors.New("-dsn must be a URL that begins with postgres://")
	}
	// The name tells the connections of this run from all others.
	s := realServer{dsn: with(dsn, "application_name=leak-"+rand.Text())}
	cfg, err := pooled.ParseDSN(s.dsn) // in cfg.DSN there is no parameter left that only pooled knows
	if err != nil {
		return nil, err
	}
	s.other, err = sql.Open(cfg.DriverName, cfg.DSN)
	if err != nil {
		return nil, err
	}
	s.other.SetMaxOpenConns(1)
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if err := s.other.PingContext(ctx); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// realServer is a PostgreSQL. It is asked on a connection that does not belong to the service's pool.
type realServer struct {
	dsn   string
	other *sql.DB
}

func (s realServer) DSN() string { return s.dsn }

func (s realServer) Sockets(ctx context.Context) (n int, err error) {
	err = s.other.QueryRowContext(ctx, `select count(*) from pg_stat_activity
		where application_name = current_setting('application_name') and pid <> pg_backend_pid()`).Scan(&n)
	return n, err
}

func (s realServer) Close() { s.other.Close() }
