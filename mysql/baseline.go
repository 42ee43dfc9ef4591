package mysql

import (
	"context"
	"database/sql/driver"
	"errors"
	"strconv"
	"sync"

	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/internal/statement/my"
)

// baseline is what a session has that nobody has used, with what the DSN, the server's init_connect and pool_init have set.
type baseline struct {
	database  string // empty: none
	roles     roles
	variables map[string]string // of the session, by name in lower case, as SHOW tells
	globals   map[string]string // what a new session would begin with
	login     dialect.Effects   // of init_connect, which some users are spared, and of the DSN
	unchanged string            // a condition that holds as long as init_connect is what it was
	written   sync.Map          // of variable by name: how its value is written
}

// errNoAnswer is what a server's silence is turned into.
var errNoAnswer = errors.New("pooled: the server did not tell what a new session has")

// Baseline takes down all variables. Statements await nothing of it: the dial has told.
func (s *sessions) Baseline(ctx context.Context, conn driver.Conn, _ bool) (proxied bool, err error) {
	f := &baseline{}
	if f.variables, err = pairs(ctx, conn, "show session variables"); err != nil {
		return false, err
	}
	if f.globals, err = pairs(ctx, conn, "show global variables"); err != nil {
		return false, err
	}
	if _, ok := conn.(readOnlyConn); ok { // others may be dialled that are not
		for _, name := range accessModes {
			if global, ok := f.globals[name]; ok {
				f.variables[name] = global
			}
		}
	}
	row, err := one(ctx, conn, "select database(), sha2(@@global.init_connect, 256), "+f.rolesSQL()+" limit 1")
	if err != nil {
		return false, err
	}
	if len(row) != 4 || len(f.variables) == 0 || len(f.globals) == 0 {
		return false, errNoAnswer // sql_select_limit=0
	}
	f.database, f.roles = row[0], roles{row[2], row[3]}
	f.unchanged = "sha2(@@global.init_connect, 256) <=> " + quoteText(row[1])
	f.login = s.login | my.Parse(f.globals["init_connect"]).Effects
	if f.variables["autocommit"] == "OFF" { // what was asked may have begun a transaction
		if err := exec(ctx, conn, rollback); err != nil {
			return false, err
		}
	}
	s.baseline.Store(f)
	s.note(f.began()) // of what others have done to the session after it was dialled, too
	return false, nil
}

// began is what texts are judged by.
func (f *baseline) began() began {
	b := began{
		told: true, autoIsNull: f.variables["sql_auto_is_null"] == "ON", isMariaDB: f.isMariaDB(),
		collation: f.variables["collation_connection"], results: f.variables["character_set_results"], role: f.roles.active, hasRole: true,
	}
	if charset := f.variables["character_set_client"]; hidesBytes[charset] {
		b.hides = charset
	}
	b.statements, _ = strconv.ParseInt(f.globals["max_prepared_stmt_count"], 10, 64) // 0: not known
	return b
}

// Proxied reports false: no proxy is known that hands the sessions of MySQL to several clients and can be told from the server.
func (s *sessions) Proxied(context.Context, driver.Conn) (bool, error) { return false, nil }

func (f *baseline) isMariaDB() bool { return isMariaDB(f.globals["version"]) }
