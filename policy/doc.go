// Package policy is pooled's settings as data: a [Config] with one struct for each policy, their defaults, their checks, and
// their keys in a DSN.
//
// The smallest use changes one setting of a DSN that was read from the environment:
//
//	cfg, err := policy.ParseDSN(os.Getenv("DATABASE_URL"))
//	if err != nil {
//		return err
//	}
//	cfg.Pool.MaxConns = 20
//	connector, err := pooled.NewConnector(cfg)
//
// # DSN
//
// A DSN is the real driver's own, with pooled's settings added as keys that start with pool_. [ParseDSN] cuts these out and
// leaves every other byte as it was:
//
//	postgres://user:password@host:5432/db?pool_max_conns=20          pgx; also postgresql://
//	host=localhost dbname=db pool_max_conns=20                       pgx
//	registeredConnConfig0?pool_max_conns=20                          pgx; a name of its stdlib.RegisterConnConfig
//	mysql://user:password@tcp(host:3306)/db?pool_max_conns=20        mysql
//	user:password@tcp(host:3306)/db?pool_max_conns=20                mysql
//	sqlite:file.db?pool_max_conns=20                                 NAME:rest, a driver that database/sql knows as NAME
//	clickhouse://host/db?pool_max_conns=20                           NAME://rest, the same; NAME:// is part of the DSN
//	file.db?pool_driver=sqlite&pool_max_conns=20                     any driver, with any DSN
//
// They are told apart in this order: pool_driver, wherever the form has its pool_ keys; a scheme://; a registered name; a PostgreSQL keyword
// (or a pool_ key) and a '=' at the beginning; the native MySQL form; NAME: of a registered driver. [Keys] lists the keys.
//
// # Secrets
//
// [FormatDSN] and the DSN field hold passwords. Everything else that this package says does not: a Config that is printed,
// logged, or encoded as JSON shows xxxxx in place of each secret, and of whatever might be a part of one; an error names a
// pool_ key and at most its value. This holds for the Config itself; a struct that keeps one in an unexported field needs a
// String method of its own, since package fmt cannot call the Config's there.
//
// What this package is not: it decides nothing at run time, opens nothing, and does not check what only the real driver
// can: a bad native DSN is reported by the driver.
package policy
