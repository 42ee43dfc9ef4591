package main

import "context"

// mariadbServer promises to save a round trip: go-sql-driver/mysql prepares a query with arguments each time, pooled keeps it
// prepared.
func mariadbServer(dsn string) server {
	return server{
		title: "MariaDB", driver: "mysql", dsn: dsn, placeholder: "?",
		least: map[int]float64{1: 1.5},
	}
}

// mariadb compares the variants over go-sql-driver/mysql.
func mariadb(ctx context.Context, dsn string, e effort) (section, error) {
	return loopback(ctx, mariadbServer(dsn), e)
}
