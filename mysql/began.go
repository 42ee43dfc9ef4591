package mysql

import (
	"cmp"
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/go-sql-driver/mysql"

	"github.com/gopooled/pooled/dialect"
)

// began is what connections have told of their sessions when they were dialled and pool_init had run: what texts are judged by before Baseline has told
// the rest. It never changes.
type began struct {
	told       bool   // false: none could
	hides      string // a character set that hidesBytes, if a session has begun with one
	autoIsNull bool   // sql_auto_is_null is on in some
	isMariaDB  bool
	statements int64 // max_prepared_stmt_count; 0: not known

	// What the last of them has, for those who read the catalogue before Baseline has told.
	collation string // collation_connection
	results   string // character_set_results
	role      string
	hasRole   bool // role is known
}

// beganWith is what is asked of each session: see [began]. The servers of MySQL before 8.0 have no roles.
const (
	beganWith        = "@@character_set_client, @@sql_auto_is_null, @@version, @@max_prepared_stmt_count, @@collation_connection, @@character_set_results"
	beganWithRole    = beganWith + ", coalesce(current_role(), ''), 1"
	beganWithoutRole = beganWith + ", '', 0"
)

// dialled asks a connection for its number, and whether transactions begin by themselves: the DSN, init_connect, pool_init and the server's own
// settings may have switched autocommit off, or have COMMIT begin the next transaction. In the same round trip it asks for what texts are judged by.
func (s *sessions) dialled(ctx context.Context, conn driver.Conn) (told dialect.Dialled, err error) {
	for _, which := range []string{
		"@@autocommit and @@completion_type = 'NO_CHAIN', " + thisServer + ", " + beganWithRole,
		"@@autocommit and @@completion_type = 'NO_CHAIN', " + thisServer + ", " + beganWithoutRole,
		"@@autocommit and @@completion_type = 'NO_CHAIN', " + thisServer,
		"@@autocommit and @@completion_type = 'NO_CHAIN', ''", // what is not known counts as another server
		"@@autocommit, ''", // servers that do not know the other
		"false, ''",        // could not be found out
	} {
		var row []string
		row, err = one(ctx, conn, "select connection_id(), "+which+" limit 1")
		if err == nil && len(row) >= 3 {
			if _, err := strconv.ParseUint(row[0], 10, 64); err != nil {
				return told, fmt.Errorf("pooled: %q is not the number of a connection", row[0])
			}
			s.note(beginning(row[3:]))
			return dialect.Dialled{Session: session(row[0], row[2]), Implicit: row[1] != "1"}, nil
		}
		if !errors.As(err, new(*mysql.MySQLError)) {
			break
		}
	}
	return told, err
}

// beginning reads what beganWith has asked for; nothing: the server could not tell.
func beginning(row []string) began {
	if len(row) != 8 {
		return began{}
	}
	b := began{
		told: true, autoIsNull: row[1] != "0", isMariaDB: isMariaDB(row[2]),
		collation: row[4], results: row[5], role: row[6], hasRole: row[7] == "1",
	}
	if hidesBytes[row[0]] {
		b.hides = row[0]
	}
	b.statements, _ = strconv.ParseInt(row[3], 10, 64) // 0: not known
	return b
}

// note adds what a session begins with to what is known of earlier ones, which are still there.
func (s *sessions) note(b began) {
	for {
		before, now := s.began.Load(), b
		if before != nil && before.told {
			if !b.told {
				return
			}
			now.hides, now.autoIsNull = cmp.Or(b.hides, before.hides), b.autoIsNull || before.autoIsNull
		}
		if before != nil && *before == now {
			return
		}
		if s.began.CompareAndSwap(before, &now) {
			if before == nil || before.told != now.told || before.hides != now.hides || before.autoIsNull != now.autoIsNull {
				s.Rejudge()
			}
			return
		}
	}
}

// mayHide names the character set whose characters may hide a quote or a backslash; empty: there is none.
func (b *began) mayHide() string {
	if !b.told {
		return "a set that is not known"
	}
	return b.hides
}

// setRole is the SET that gives a session its role.
func (b *began) setRole() string {
	switch {
	case !b.isMariaDB: // it is told as it is written
		return "set role " + b.role
	case b.role == "":
		return "set role none"
	default:
		return "set role " + quoteName(b.role)
	}
}

func isMariaDB(version string) bool { return strings.Contains(version, "MariaDB") }
