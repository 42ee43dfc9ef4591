package main

import "context"

// mysqlServer promises to save a round trip: go-sql-driver/mysql prepares a query with arguments each time, pooled keeps it
// prepared.
func mysqlServer(title, dsn string, least float64) server {
	return server{title: title, driver: "mysql", dsn: dsn, placeholder: "?", least: map[int]float64{1: least}}
}

func mariadbServer(dsn string) server { return mysqlServer("MariaDB", dsn, 1.5) }

func oracleServer(dsn string) server { return mysqlServer("MySQL", dsn, 2) }

// mariadb compares the variants over go-sql-driver/mysql.
func mariadb(ctx context.Context, dsn string, e effort) (section, error) {
	return loopback(ctx, mariadbServer(dsn), e)
}

// oracle is mariadb on Oracle's MySQL.
func oracle(ctx context.Context, dsn string, e effort) (section, error) {
	return loopback(ctx, oracleServer(dsn), e)
}
