package main

import "context"

// postgresServer promises to cost next to nothing where bare is set up well.
func postgresServer(dsn string) server {
	return server{
		title: "PostgreSQL", driver: "pgx", dsn: dsn, placeholder: "$1",
		least: map[int]float64{1: 0.97, 8: 0.97, 32: 0.97},
	}
}

// postgres compares the variants over pgx.
func postgres(ctx context.Context, dsn string, e effort) (section, error) {
	return loopback(ctx, postgresServer(dsn), e)
}
