// Package faultdriver is a database driver in memory for tests: its connections have exactly the optional interfaces that a
// test asks for, do what the test's script says, and write down every call they get.
//
//	d := faultdriver.New(faultdriver.ConnCaps{Queryer: faultdriver.Context}, faultdriver.StmtCaps{})
//	d.Next(faultdriver.Query, faultdriver.Outcome{Err: driver.ErrBadConn}) // the first query fails
//	db := sql.OpenDB(d)
//	_ = db.QueryRow("select ?", 1).Scan(&text, &args)
//	d.Calls() // connect#1, #1.query "select ?" [$1 int64(1)], ...
//
// Without a script every call succeeds, and a query returns one row that echoes its text and arguments. A caller's
// mistakes, such as two calls on one connection at once, are written down as violations, which tests assert to be empty.
//
// It has no clock and starts no goroutine, so it works in a testing/synctest bubble. What it is not: a database. What a server must
// do is tested against servers.
package faultdriver

//go:generate go run ./gen
