package reset_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/policy"
	"github.com/gopooled/pooled/tests/internal/realtest"
	"github.com/gopooled/pooled/tests/internal/resettest"
)

// What a new session has may change while a pool is used: an administrator sets the server's variables, or grants a role.
func TestAResetGivesWhatANewSessionHasNow(t *testing.T) {
	realtest.OnMySQLServers(t, func(t *testing.T, s realtest.MySQLServer) {
		dsn := s.Private(t)
		cfg, err := mysql.ParseDSN(dsn)
		require.NoError(t, err)
		cfg.MultiStatements = true
		admin := realtest.Open(t, "mysql", cfg.FormatDSN())
		run := func(texts ...string) {
			for _, text := range texts {
				_, err := admin.ExecContext(t.Context(), text)
				require.NoError(t, err, text)
			}
		}
		run("create table things (id int)", "create user app identified by 'x'", "create role reader, writer", "grant select on "+cfg.DBName+".* to reader",
			"grant insert, select on "+cfg.DBName+".* to writer", "grant create temporary tables on "+cfg.DBName+".* to app")
		app := cfg.Clone()
		app.User, app.Passwd, app.MultiStatements = "app", "x", false
		isMariaDB := s.Name == "MariaDB"

		for _, c := range []struct {
			name   string
			before []string   // before the pool is opened
			during []string   // while it has a connection
			dirty  [][]string // what borrowers do then
			state  string     // as a query
			after  []string
		}{
			{
				name: "variables", before: []string{"set global wait_timeout = 1000"}, during: []string{"set global wait_timeout = 2000, global sql_mode = 'ANSI'"},
				dirty: [][]string{{"set wait_timeout = 77"}, {"set sql_mode = ''"}, {"set @tenant = 7"}},
				state: "select concat_ws(' ', @@wait_timeout, @@sql_mode, @tenant)", after: []string{"set global wait_timeout = default, global sql_mode = default"},
			},
			{
				name: "init_connect", before: []string{"set global init_connect = 'set @tenant = 1, wait_timeout = 1000'"},
				dirty: [][]string{{"set @tenant = 7"}, {"set @other = 7"}, {"set wait_timeout = 77"}, {"set wait_timeout = 77, @tenant = 7"}},
				state: "select concat_ws(' ', @@wait_timeout, @tenant, @other)", after: []string{"set global init_connect = ''"},
			},
			{
				name: "init_connect that is set meanwhile", during: []string{"set global init_connect = 'set @tenant = 1, foreign_key_checks = 0'"},
				dirty: [][]string{{"set @tenant = 7"}, {"set foreign_key_checks = 1"}, {"set wait_timeout = 77"}},
				state: "select concat_ws(' ', @@foreign_key_checks, @@wait_timeout, @tenant)", after: []string{"set global init_connect = ''"},
			},
			{
				name: "roles", before: []string{"grant reader to app", "set default role reader for app"}, during: []string{"grant writer to app", "set default role writer for app"},
				dirty: [][]string{{"set role none"}, {"set role reader"}}, state: "select coalesce(current_role(), '')",
				after: []string{"set default role none for app", "revoke reader from app", "revoke writer from app"},
			},
			{
				name: "all roles", before: []string{"set global activate_all_roles_on_login = on", "grant reader to app"}, during: []string{"grant writer to app"},
				dirty: [][]string{{"set role none"}, {"set role reader"}, {"set role default"}}, state: "select coalesce(current_role(), '')",
				after: []string{"set global activate_all_roles_on_login = off", "revoke reader, writer from app"},
			},
			{
				name: "mandatory roles", before: []string{"set global activate_all_roles_on_login = on, global mandatory_roles = 'reader'"},
				dirty: [][]string{{"set role none"}, {"set role default"}}, state: "select coalesce(current_role(), '')",
				after: []string{"set global activate_all_roles_on_login = off, global mandatory_roles = ''"},
			},
		} {
			if isMariaDB && strings.HasSuffix(c.name, "all roles") || isMariaDB && c.name == "mandatory roles" {
				continue // it has none
			}
			t.Run(c.name, func(t *testing.T) {
				fit := func(texts []string) (fitting []string) {
					for _, text := range texts {
						if role, ok := strings.CutPrefix(text, "set default role "); ok && !isMariaDB {
							text = "alter user app default role " + strings.TrimSuffix(role, " for app")
						}
						fitting = append(fitting, text)
					}
					return fitting
				}
				run(fit(c.before)...)
				defer run(fit(c.after)...)
				db, log := resettest.OpenForReset(t, resettest.Family{Driver: "mysql", DSN: app.FormatDSN()}, nil)
				realtest.Scalar(t, db, "select 1")
				run(fit(c.during)...)
				bare := realtest.Open(t, "mysql", app.FormatDSN())
				want := realtest.Scalar(t, bare, c.state)
				for _, texts := range c.dirty {
					realtest.Borrow(t, db, texts...)
					assert.Equal(t, want, realtest.Scalar(t, db, c.state), "%s\n%s", texts, log)
				}
				assert.Zero(t, resettest.Resets(t, db).AuditFailures, log)
			})
		}
		for modeName, mode := range map[string]policy.ResetMode{"dirty": policy.ResetDirty, "off": policy.ResetOff} {
			t.Run("autocommit, with pool_reset="+modeName, func(t *testing.T) {
				db, _ := resettest.OpenForReset(t, resettest.Family{Driver: "mysql", DSN: dsn}, func(p *pooled.Config) { p.Reset.Mode = mode })
				realtest.Scalar(t, db, "select 1")
				run("set global autocommit = 0")
				defer run("set global autocommit = 1")
				c, ok := pooled.From(db)
				require.True(t, ok)
				require.NoError(t, c.Evict("")) // other sessions are older than the change
				realtest.Borrow(t, db, fmt.Sprintf("insert into %s.things values (1)", cfg.DBName))
				realtest.Borrow(t, db, "commit")
				assert.Equal(t, "0", realtest.Scalar(t, admin, "select count(*) from things"))
			})
		}
	})
}
