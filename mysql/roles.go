package mysql

import (
	"context"
	"database/sql/driver"
	"errors"
)

// SET ROLE DEFAULT is not what a new session has where activate_all_roles_on_login is on, and MariaDB has no such words. So the server is asked
// afterwards whether the roles are those of a new session: an administrator may have granted others meanwhile.

// roles are those of a session and, as only MariaDB tells, the one that a new session begins with.
type roles struct{ active, initial string }

// rolesSQL asks for roles.
func (f *baseline) rolesSQL() string {
	if f.isMariaDB() {
		return "current_role(), (select min(role_name) from information_schema.applicable_roles where is_default = 'YES')"
	}
	if _, ok := f.globals["activate_all_roles_on_login"]; ok {
		return "current_role(), ''"
	}
	return "'', ''" // MySQL 5 has none
}

// setRoles gives a session the roles of a new one.
func (f *baseline) setRoles() string {
	switch {
	case !f.isMariaDB() && f.globals["activate_all_roles_on_login"] == "ON":
		return "set role all"
	case !f.isMariaDB():
		return "set role default"
	case f.roles.active == "":
		return "set role none"
	default:
		return "set role " + quoteName(f.roles.active)
	}
}

// hasRoles reports whether a session has the roles of a new one.
func (f *baseline) hasRoles(ctx context.Context, conn driver.Conn) (bool, error) {
	row, err := one(ctx, conn, "select "+f.rolesSQL()+" limit 1")
	return err == nil && len(row) == 2 && roles{row[0], row[1]} == f.roles, err
}

// takeRoles gives a session the roles of a new one, if it has others.
func (s *sessions) takeRoles(ctx context.Context, conn driver.Conn) error {
	if f := s.baseline.Load(); f != nil {
		ok, err := f.hasRoles(ctx, conn)
		if err == nil && !ok {
			err = exec(ctx, conn, f.setRoles())
		}
		return err
	}
	b := s.began.Load()
	if b == nil || !b.hasRole {
		return nil
	}
	ok, err := b.isItsRole(ctx, conn)
	if err == nil && !ok {
		if err = exec(ctx, conn, b.setRole()); err == nil {
			ok, err = b.isItsRole(ctx, conn)
		}
	}
	if err == nil && !ok {
		err = errOtherRoles
	}
	return err
}

var errOtherRoles = errors.New("pooled: the session has other roles than it had when it was dialled")

// isItsRole reports whether a session has the role that it had when it was dialled.
func (b *began) isItsRole(ctx context.Context, conn driver.Conn) (bool, error) {
	row, err := one(ctx, conn, "select coalesce(current_role(), '') limit 1")
	return len(row) == 1 && row[0] == b.role, err
}
