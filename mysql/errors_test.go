package mysql

import (
	"context"
	"crypto/x509"
	"database/sql/driver"
	"fmt"
	"io"
	"net"
	"syscall"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/assert"

	"github.com/gopooled/pooled/dialect"
)

func TestErrorsOfTheServerAreWhatTheirNumberSays(t *testing.T) {
	const (
		app   = dialect.Application
		infra = dialect.Infrastructure
		dead  = dialect.Dead
		down  = dialect.ShuttingDown
		many  = dialect.TooManyConnections
	)
	tests := []struct {
		numbers []uint16
		want    dialect.ErrorClass
	}{
		{[]uint16{1046, 1048, 1050, 1051, 1052, 1054, 1062, 1064, 1075, 1146, 1205, 1290, 1406, 1452, 1644, 3024, 4025}, app},
		{[]uint16{1021, 1037, 1041, 1042, 1043, 1081, 1158, 1159, 1160, 1161, 3032, 3168}, infra},
		{[]uint16{1040, 1129, 1135}, infra | many},
		{[]uint16{1047}, infra},
		{[]uint16{1053}, infra | dead | down | dialect.Crashed},
		{[]uint16{1080, 1152, 1184}, infra | dead},
		{[]uint16{1927, 3169}, dead | down},
		{[]uint16{4031}, dead | app},
		{[]uint16{1044, 1049, 1130, 1698}, app | dialect.Misconfigured},
		{[]uint16{1045}, app | dialect.Misconfigured | dialect.LoginRefused},
		{[]uint16{1203, 1226}, app | many},
		{[]uint16{1243, 1615}, app | dialect.StaleStatement},
		{[]uint16{1317}, app | dialect.Cancelled},
		{[]uint16{1461}, app | dialect.TooManyStatements},
		{[]uint16{1213}, app | dialect.Conflict},
		{[]uint16{1792, 1836}, app | dialect.WriteRefused},
		{[]uint16{1, 1076, 9999}, 0},
	}
	for _, tc := range tests {
		for _, number := range tc.numbers {
			err := fmt.Errorf("wrapped: %w", &mysql.MySQLError{Number: number})
			assert.Equal(t, tc.want.String(), Dialect{}.Classify(err).String(), "%d", number)
		}
	}
}

func TestAnOptionThatPreventsAStatementRefusesWritesIfItIsReadOnly(t *testing.T) {
	refused := dialect.Application | dialect.WriteRefused
	for message, want := range map[string]dialect.ErrorClass{
		"The MariaDB server is running with the --read-only option so it cannot execute this statement":                refused,
		"The MySQL server is running with the --super-read-only option so it cannot execute this statement":            refused,
		"The MySQL server is running with the --read_only option so it cannot execute this statement":                  refused,
		"Der MySQL-Server läuft mit der Option --read-only und kann diese Anweisung deswegen nicht ausführen":          refused,
		"The MySQL server is running with the --secure-file-priv option so it cannot execute this statement":           dialect.Application,
		"The MySQL server is running with the LOCK_WRITE_GROWTH option so it cannot execute this statement":            dialect.Application,
		"The MariaDB server is running with the --skip-grant-tables option so it cannot execute this statement":        dialect.Application,
		"The MariaDB server is running with the --read-onlyish option so it cannot execute this statement (read-only)": dialect.Application,
	} {
		assert.Equal(t, want.String(), Dialect{}.Classify(&mysql.MySQLError{Number: 1290, Message: message}).String(), message)
	}
}

func TestOtherErrorsAreWhatTheyComeFrom(t *testing.T) {
	tests := []struct {
		err  error
		want dialect.ErrorClass
	}{
		{nil, 0},
		{mysql.ErrInvalidConn, dialect.Infrastructure | dialect.Dead},
		{mysql.ErrPktSync, dialect.Dead},
		{mysql.ErrNoTLS, dialect.Misconfigured | dialect.NotExecuted},
		{&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, dialect.Infrastructure | dialect.NotExecuted},
		{&net.OpError{Op: "remote error", Err: x509.UnknownAuthorityError{}}, dialect.Misconfigured | dialect.NotExecuted},
		{io.EOF, dialect.Infrastructure | dialect.Dead},
		{context.Canceled, 0},
		{driver.ErrSkip, 0},
		{driver.ErrBadConn, 0},
	}
	for _, tc := range tests {
		assert.Equal(t, tc.want.String(), Dialect{}.Classify(tc.err).String(), "%v", tc.err)
	}
	assert.True(t, dialect.Died(Dialect{}, driver.ErrBadConn))
}
