package sqlite_test

import (
	"context"
	"database/sql"
	"fmt"
	"log"
	"os"
	"path/filepath"

	_ "github.com/gopooled/pooled/examples/sqlite"
)

// A pool of SQLite connections: what one borrower sets and makes is gone for the next.
func Example() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	db, err := sql.Open("pooled", filepath.Join(dir, "shop.db")+"?_pragma=journal_mode(wal)&pool_driver=sqlite&pool_max_conns=1")
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()

	for _, name := range []string{"first", "second"} {
		conn, err := db.Conn(ctx)
		if err != nil {
			log.Fatal(err)
		}
		var readOnly, tables int
		if err := conn.QueryRowContext(ctx, "select query_only, (select count(*) from sqlite_temp_schema) from pragma_query_only").Scan(&readOnly, &tables); err != nil {
			log.Fatal(err)
		}
		fmt.Printf("the %s borrower finds query_only=%d and %d temporary tables\n", name, readOnly, tables)
		if _, err := conn.ExecContext(ctx, "create temp table cart (item); pragma query_only = on; begin"); err != nil {
			log.Fatal(err)
		}
		if err := conn.Close(); err != nil {
			log.Fatal(err)
		}
	}
	// Output:
	// the first borrower finds query_only=0 and 0 temporary tables
	// the second borrower finds query_only=0 and 0 temporary tables
}
