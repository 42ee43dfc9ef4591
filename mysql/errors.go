package mysql

import (
	"database/sql/driver"
	"errors"
	"regexp"
	"strconv"

	"github.com/go-sql-driver/mysql"

	"github.com/gopooled/pooled/dialect"
)

// erUnknownStatement is ER_UNKNOWN_STMT_HANDLER, which DEALLOCATE of a statement that is not there gets too.
const erUnknownStatement = 1243

// erOptionPrevents is ER_OPTION_PREVENTS_STATEMENT. Its message is translated, but not the option in it.
const erOptionPrevents = 1290

// prevents finds the options of servers that do not write: --read-only, --super-read-only, --innodb-read-only.
var prevents = regexp.MustCompile(`--(\w+[-_])?read[-_]only\b`)

// numbers says what error numbers mean (reference manuals of MySQL and MariaDB, "Server Error Message Reference"). What is not
// here means nothing that could be relied on.
var numbers = map[uint16]dialect.ErrorClass{
	1021:   dialect.Infrastructure,                                                         // ER_DISK_FULL
	1037:   dialect.Infrastructure,                                                         // ER_OUTOFMEMORY
	1040:   dialect.Infrastructure | dialect.TooManyConnections,                            // ER_CON_COUNT_ERROR
	1041:   dialect.Infrastructure,                                                         // ER_OUT_OF_RESOURCES
	1042:   dialect.Infrastructure,                                                         // ER_BAD_HOST_ERROR
	1043:   dialect.Infrastructure,                                                         // ER_HANDSHAKE_ERROR
	1047:   dialect.Infrastructure,                                                         // ER_UNKNOWN_COM_ERROR: a Galera node that is not ready
	1053:   dialect.Dead | dialect.ShuttingDown | dialect.Crashed | dialect.Infrastructure, // ER_SERVER_SHUTDOWN
	1080:   dialect.Dead | dialect.Infrastructure,                                          // ER_FORCING_CLOSE
	1081:   dialect.Infrastructure,                                                         // ER_IPSOCK_ERROR
	1129:   dialect.Infrastructure | dialect.TooManyConnections,                            // ER_HOST_IS_BLOCKED
	1135:   dialect.Infrastructure | dialect.TooManyConnections,                            // ER_CANT_CREATE_THREAD
	1152:   dialect.Dead | dialect.Infrastructure,                                          // ER_ABORTING_CONNECTION
	1158:   dialect.Infrastructure,                                                         // ER_NET_READ_ERROR
	1159:   dialect.Infrastructure,                                                         // ER_NET_READ_INTERRUPTED
	1160:   dialect.Infrastructure,                                                         // ER_NET_ERROR_ON_WRITE
	1161:   dialect.Infrastructure,                                                         // ER_NET_WRITE_INTERRUPTED
	1184:   dialect.Dead | dialect.Infrastructure,                                          // ER_NEW_ABORTING_CONNECTION
	1927:   dialect.Dead | dialect.ShuttingDown,                                            // MariaDB: ER_CONNECTION_KILLED
	3032:   dialect.Infrastructure,                                                         // ER_SERVER_OFFLINE_MODE
	3168:   dialect.Infrastructure,                                                         // ER_SERVER_ISNT_AVAILABLE
	3169:   dialect.Dead | dialect.ShuttingDown,                                            // ER_SESSION_WAS_KILLED
	erIdle: dialect.Dead | dialect.Application,                                             // ER_CLIENT_INTERACTION_TIMEOUT

	1044:               dialect.Application | dialect.Misconfigured,                        // ER_DBACCESS_DENIED_ERROR
	1045:               dialect.Application | dialect.Misconfigured | dialect.LoginRefused, // ER_ACCESS_DENIED_ERROR
	1049:               dialect.Application | dialect.Misconfigured,                        // ER_BAD_DB_ERROR
	1130:               dialect.Application | dialect.Misconfigured,                        // ER_HOST_NOT_PRIVILEGED
	1203:               dialect.Application | dialect.TooManyConnections,                   // ER_TOO_MANY_USER_CONNECTIONS
	1213:               dialect.Application | dialect.Conflict,                             // ER_LOCK_DEADLOCK
	1226:               dialect.Application | dialect.TooManyConnections,                   // ER_USER_LIMIT_REACHED
	erUnknownStatement: dialect.Application | dialect.StaleStatement,
	1317:               dialect.Application | dialect.Cancelled,         // ER_QUERY_INTERRUPTED
	1461:               dialect.Application | dialect.TooManyStatements, // ER_MAX_PREPARED_STMT_COUNT_REACHED
	1615:               dialect.Application | dialect.StaleStatement,    // ER_NEED_REPREPARE
	1251:               dialect.Application | dialect.Misconfigured,     // ER_NOT_SUPPORTED_AUTH_MODE
	1698:               dialect.Application | dialect.Misconfigured,     // ER_ACCESS_DENIED_NO_PASSWORD_ERROR
	1792:               dialect.Application | dialect.WriteRefused,      // ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION
	1862:               dialect.Application | dialect.Misconfigured,     // ER_MUST_CHANGE_PASSWORD_LOGIN
	3159:               dialect.Application | dialect.Misconfigured,     // ER_SECURE_TRANSPORT_REQUIRED
	1836:               dialect.Application | dialect.WriteRefused,      // ER_READ_ONLY_MODE
}

// applications are the numbers that tell of a statement alone, and of nothing else.
var applications = [][2]uint16{
	{1046, 1046}, {1048, 1048}, {1050, 1052}, {1054, 1075}, {1146, 1146}, // names, columns, syntax, duplicate keys, tables
	{1115, 1115}, {1193, 1193}, {1227, 1233}, {1238, 1238}, {1273, 1273}, // variables, character sets, collations, privileges
	{1205, 1205},                                       // lock wait timeout
	{3024, 3024},                                       // took too long
	{erOptionPrevents, erOptionPrevents}, {3118, 3118}, // account locked
	{1690, 1690}, {3819, 3819}, {4025, 4025}, // out of range, check constraints
	{1364, 1366}, {1406, 1406}, {1451, 1452}, {1644, 1644}, // values, foreign keys, SIGNAL
}

// Classify sorts errors: those of the server by number, the others by where they come from.
func (Dialect) Classify(err error) dialect.ErrorClass {
	var my *mysql.MySQLError
	switch {
	case errors.As(err, &my):
		return classify(my)
	case errors.Is(err, mysql.ErrInvalidConn): // the socket has failed, and the driver has logged why
		return dialect.Dead | dialect.Infrastructure
	case errors.Is(err, mysql.ErrPktSync), errors.Is(err, mysql.ErrPktSyncMul), errors.Is(err, mysql.ErrMalformPkt):
		return dialect.Dead
	case errors.Is(err, mysql.ErrNoTLS), errors.Is(err, mysql.ErrOldPassword), errors.Is(err, mysql.ErrCleartextPassword),
		errors.Is(err, mysql.ErrNativePassword), errors.Is(err, mysql.ErrUnknownPlugin), errors.Is(err, mysql.ErrOldProtocol):
		return dialect.Misconfigured | dialect.NotExecuted
	default:
		return dialect.ClassifyNetwork(err)
	}
}

// erIdle is ER_CLIENT_INTERACTION_TIMEOUT, of MySQL since 8.0.24. MariaDB, and MySQL before, close the socket without a word.
const erIdle = 4031

// endedIdle is [dialect.Server].EndedIdle. MySQL says so when no command has come for wait_timeout, and then ends the session: the driver finds the packet out
// of turn, and closes its connection. A routine can signal the same number, perhaps after it has committed something, but in its turn.
func endedIdle(conn driver.Conn, err error) bool {
	var my *mysql.MySQLError
	v, validates := conn.(driver.Validator)
	return validates && !v.IsValid() && errors.As(err, &my) && my.Number == erIdle
}

// Code returns the number of the error.
func (Dialect) Code(err error) string {
	var my *mysql.MySQLError
	if errors.As(err, &my) {
		return strconv.Itoa(int(my.Number))
	}
	return ""
}

func classify(my *mysql.MySQLError) dialect.ErrorClass {
	if my.Number == erOptionPrevents && prevents.MatchString(my.Message) {
		return dialect.Application | dialect.WriteRefused
	}
	if class, ok := numbers[my.Number]; ok {
		return class
	}
	for _, r := range applications {
		if r[0] <= my.Number && my.Number <= r[1] {
			return dialect.Application
		}
	}
	return 0
}
