package mysql

import (
	"context"
	"database/sql/driver"
	"errors"
	"strings"

	"github.com/go-sql-driver/mysql"

	"github.com/gopooled/pooled/dialect"
)

// replication implements [dialect.Replication]. It is the same for all servers.
type replication struct{}

var _ dialect.Replication = (*replication)(nil)

// placesSQL asks both families in one text: each reads what the comments of its own hold, and takes those of the other for comments. MariaDB reads
// none of MySQL's from version 50700 on. SHOW VARIABLES would cut long values.
const placesSQL = `select @@version as version, @@global.read_only as read_only, @@global.log_bin as log_bin` +
	` /*M!100002 , @@global.gtid_binlog_pos as gtid_binlog_pos, @@global.gtid_current_pos as gtid_current_pos, @@global.gtid_slave_pos as gtid_slave_pos */` +
	` /*!50708 , @@global.super_read_only as super_read_only, @@global.gtid_mode as gtid_mode, @@global.gtid_executed as gtid_executed */`

// Look takes one round trip for a server with read_only, and a second one for others, which are replicas nevertheless if they have been told to
// replicate. So two servers that replicate from each other are both replicas, unless one of them is not told so to this user.
func (r *replication) Look(ctx context.Context, conn driver.Conn) (dialect.Sight, error) {
	var places map[string]string
	err := eachNamed(ctx, conn, placesSQL, func(row map[string]string) { places = row })
	if err != nil {
		return dialect.Sight{}, err
	}
	isMariaDB := strings.Contains(places["version"], "MariaDB")
	replica := isOn(places["read_only"]) || isOn(places["super_read_only"])
	missing := ""
	if !replica {
		if replica, missing, err = replicates(ctx, conn, isMariaDB); err != nil {
			return dialect.Sight{}, err
		}
	}
	s := dialect.Sight{Role: dialect.RolePrimary, Missing: missing}
	if replica {
		s.Role = dialect.RoleReplica
	}
	switch {
	case !isMariaDB && isOn(places["gtid_mode"]):
		s.Position, err = positionOf(parseSet(places["gtid_executed"]))
	case isMariaDB && replica: // the binary log may be ahead of what can be read
		s.Position, err = positionOf(parseList(places["gtid_slave_pos"]))
	case isMariaDB && isOn(places["log_bin"]): // without it, what is committed gets no GTID
		s.Position, err = primaryPosition(places["gtid_binlog_pos"], places["gtid_current_pos"])
	}
	return s, err
}

// primaryPosition joins what MariaDB has logged, which lacks what it replicated before it was a primary if log_slave_updates was off, with what it
// calls current, which lacks what it logged for another server id.
func primaryPosition(logged, current string) (dialect.Position, error) {
	l, err := parseList(logged)
	if err != nil {
		return nil, err
	}
	c, err := parseList(current)
	if err != nil {
		return nil, err
	}
	return positionOf(l.join(c), nil)
}

// positionOf is nil for a server that has no transaction yet: all servers, also those of other clusters, would cover that.
func positionOf[P interface {
	dialect.Position
	empty() bool
}](p P, err error) (dialect.Position, error) {
	if err != nil || p.empty() {
		return nil, err
	}
	return p, nil
}

// isOn reads a variable. That of read_only is more than a switch in MariaDB 12.
func isOn(value string) bool {
	return value != "" && value != "0" && !strings.HasPrefix(strings.ToUpper(value), "OFF")
}

const (
	erSyntax        = 1064 // ER_PARSE_ERROR
	erNoPrivilege   = 1227 // ER_SPECIFIC_ACCESS_DENIED_ERROR
	groupChannels   = "group_replication_"
	mariaStatusSQL  = "show all slaves status"
	mariaRunningSQL = "show global status like 'slaves_running'"
	statusSQL       = "show replica status"
	oldStatusSQL    = "show slave status" // before MySQL 8.0.22
)

// The privileges that the questions for replication need.
const (
	mariaPrivilege = "REPLICA MONITOR"
	mysqlPrivilege = "REPLICATION CLIENT"
)

// replicates reports whether a server has been told to replicate from another one, even if it does not do so at the moment. Without the privilege
// that it needs, which is missing then, a replica that has no read_only is known in MariaDB only while it replicates, and not in MySQL.
func replicates(ctx context.Context, conn driver.Conn, isMariaDB bool) (found bool, missing string, err error) {
	look := func(row map[string]string) {
		// The members of a group have channels to each other, and the writable one is the primary.
		if row["master_host"]+row["source_host"] != "" && !strings.HasPrefix(row["channel_name"], groupChannels) {
			found = true
		}
	}
	if isMariaDB {
		err = eachNamed(ctx, conn, mariaStatusSQL, look)
		if isNumber(err, erNoPrivilege) {
			missing = mariaPrivilege
			err = each(ctx, conn, mariaRunningSQL, func(row []driver.Value) { found = value(row[1]) != "0" })
		}
		return found, missing, err
	}
	err = eachNamed(ctx, conn, statusSQL, look)
	if isNumber(err, erSyntax) {
		err = eachNamed(ctx, conn, oldStatusSQL, look)
	}
	if isNumber(err, erNoPrivilege) {
		missing, err = mysqlPrivilege, nil
	}
	return found, missing, err
}

// isServers reports whether an error is the server's answer.
func isServers(err error) bool { return errors.As(err, new(*mysql.MySQLError)) }

func isNumber(err error, number uint16) bool {
	var my *mysql.MySQLError
	return errors.As(err, &my) && my.Number == number
}

// eachNamed runs a query and calls f for each row, with its values by the names of their columns in lower case.
func eachNamed(ctx context.Context, conn driver.Conn, query string, f func(row map[string]string)) error {
	return eachOf(ctx, conn, query, func(columns []string, row []driver.Value) {
		named := map[string]string{}
		for i, name := range columns {
			named[strings.ToLower(name)] = value(row[i])
		}
		f(named)
	})
}
