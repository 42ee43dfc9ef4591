package main

import (
	"context"
	"database/sql"
	"database/sql/driver"

	"github.com/XSAM/otelsql"
	"github.com/ngrok/sqlmw"

	"github.com/gopooled/pooled"
	_ "github.com/gopooled/pooled/mysql"
	"github.com/gopooled/pooled/policy"
	_ "github.com/gopooled/pooled/postgres"
)

// variant is one way to open a database through a real driver.
type variant struct {
	name string
	open func(driverName, dsn string) (*sql.DB, error)
}

// variants are what is compared, each with its defaults. The first is what the others are compared with.
var variants = []variant{
	{"bare", sql.Open},
	{"pooled", openPooled},
	{"otelsql", openOtelsql},
	{"sqlmw", openSqlmw},
}

// openAll opens a database through each of the variants. closeAll is never nil.
func openAll(variants []variant, driverName, dsn string) (dbs []*sql.DB, closeAll func(), err error) {
	closeAll = func() {
		for _, db := range dbs {
			_ = db.Close()
		}
	}
	for _, v := range variants {
		db, err := v.open(driverName, dsn)
		if err != nil {
			return dbs, closeAll, err
		}
		dbs = append(dbs, db)
	}
	return dbs, closeAll, nil
}

// openPooled opens the DSN as a program does that changed the one word.
func openPooled(driverName, dsn string) (*sql.DB, error) {
	cfg := policy.NewConfig()
	cfg.DriverName, cfg.DSN = driverName, dsn
	return sql.Open("pooled", policy.FormatDSN(cfg))
}

// openChanged opens pooled with settings of its own.
func openChanged(change func(*pooled.Config)) func(driverName, dsn string) (*sql.DB, error) {
	return func(driverName, dsn string) (*sql.DB, error) {
		cfg := pooled.NewConfig()
		cfg.DriverName, cfg.DSN = driverName, dsn
		change(&cfg)
		connector, err := pooled.NewConnector(cfg)
		if err != nil {
			return nil, err
		}
		return sql.OpenDB(connector), nil
	}
}

// openOtelsql has no OpenTelemetry SDK installed, so its spans and metrics go nowhere.
func openOtelsql(driverName, dsn string) (*sql.DB, error) { return otelsql.Open(driverName, dsn) }

// openSqlmw uses an interceptor that passes everything on.
func openSqlmw(driverName, dsn string) (*sql.DB, error) {
	db, err := sql.Open(driverName, dsn) // database/sql gives a driver away only through a DB
	if err != nil {
		return nil, err
	}
	defer db.Close()
	return sql.OpenDB(dsnConnector{sqlmw.Driver(db.Driver(), sqlmw.NullInterceptor{}), dsn}), nil
}

// dsnConnector is for a driver that has no connectors of its own, as sqlmw's.
type dsnConnector struct {
	driver driver.Driver
	dsn    string
}

func (c dsnConnector) Connect(context.Context) (driver.Conn, error) { return c.driver.Open(c.dsn) }
func (c dsnConnector) Driver() driver.Driver                        { return c.driver }
