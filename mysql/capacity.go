package mysql

import (
	"context"
	"database/sql/driver"
	"errors"
	"strconv"
)

// capacity is [dialect.Server].Capacity. The session's max_user_connections is the limit of its account, or else that of all accounts.
func capacity(ctx context.Context, conn driver.Conn) (int, error) {
	row, err := one(ctx, conn, "select @@global.max_connections, @@session.max_user_connections")
	if err != nil {
		return 0, err
	}
	if len(row) != 2 {
		return 0, errors.New("pooled: the server has answered with something else than two figures")
	}
	room, err := strconv.Atoi(row[0])
	if err != nil {
		return 0, err
	}
	ofUser, err := strconv.Atoi(row[1])
	if err != nil {
		return 0, err
	}
	if ofUser > 0 {
		room = min(room, ofUser)
	}
	return room, nil
}
