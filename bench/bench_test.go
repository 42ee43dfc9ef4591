package main

import (
	"context"
	"database/sql"
	"os"
	"strconv"
	"testing"
)

// The same work as in the report, for benchstat:
//
//	go test -run '^$' -bench . -count 10 | tee new.txt
//	benchstat -col /variant new.txt

func BenchmarkNull(b *testing.B) {
	for _, call := range nullCalls {
		b.Run("call="+call.name, func(b *testing.B) {
			eachVariant(b, variants, "null", "", func(b *testing.B, db *sql.DB) {
				for b.Loop() {
					if err := call.do(context.Background(), db); err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
}

func BenchmarkCleanSession(b *testing.B) {
	srv := postgresServer(dsnFrom(b, "POOLED_TEST_POSTGRES"))
	table, drop, err := srv.createTable(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	defer drop()
	for _, call := range cleanCalls(table) {
		b.Run("call="+call.name, func(b *testing.B) {
			eachVariant(b, cleanVariants, "", srv.dsn, func(b *testing.B, db *sql.DB) {
				if err := makeKnown(b.Context(), db, call); err != nil {
					b.Fatal(err)
				}
				for b.Loop() {
					if err := call.do(context.Background(), db); err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
}

func BenchmarkPostgres(b *testing.B) {
	benchmarkLoopback(b, postgresServer(dsnFrom(b, "POOLED_TEST_POSTGRES")))
}

func BenchmarkMariaDB(b *testing.B) {
	benchmarkLoopback(b, mariadbServer(dsnFrom(b, "POOLED_TEST_MARIADB")))
}

func BenchmarkMySQL(b *testing.B) {
	benchmarkLoopback(b, oracleServer(dsnFrom(b, "POOLED_TEST_MYSQL")))
}

func benchmarkLoopback(b *testing.B, srv server) {
	table, drop, err := srv.createTable(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	defer drop()
	for _, workers := range workerCounts {
		b.Run("workers="+strconv.Itoa(workers), func(b *testing.B) {
			eachVariant(b, variants, srv.driver, srv.dsn, func(b *testing.B, db *sql.DB) {
				db.SetMaxIdleConns(workers)
				// One turn of the loop is one query of each worker.
				for b.Loop() {
					if _, err := work(b.Context(), db, load{workers: workers, calls: workers}, selectRow(srv.byKey(table))); err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
}

// eachVariant runs the variants side by side.
func eachVariant(b *testing.B, variants []variant, driverName, dsn string, f func(b *testing.B, db *sql.DB)) {
	for _, v := range variants {
		b.Run("variant="+v.name, func(b *testing.B) {
			db, err := v.open(driverName, dsn)
			if err != nil {
				b.Fatal(err)
			}
			defer db.Close()
			b.ReportAllocs()
			f(b, db)
		})
	}
}

// dsnFrom reads the DSN of a real server.
func dsnFrom(tb testing.TB, env string) string {
	tb.Helper()
	dsn := os.Getenv(env)
	if dsn == "" {
		tb.Fatalf("%s is not set: make test starts servers and sets it, and so does scripts/test-servers.sh run COMMAND", env)
	}
	return dsn
}
