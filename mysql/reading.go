package mysql

import (
	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/dialect/statement"
)

// A prepared statement keeps the database, the character set, the sql_mode and much else of the session that prepared it. This file says which
// statements change what later ones would keep.

// rereads says what a statement does to the reading of later texts.
func rereads(s *dialect.Statement) {
	for _, u := range s.Undo {
		if u.Effect == dialect.Setting && !indifferent[u.Name] {
			s.Rereads = true
		}
	}
	if s.Effects.Has(dialect.Database) {
		s.Rereads = s.Rereads || len(s.Undo) > 1
		if len(s.Undo) > 0 { // the name can be told
			s.Database = s.Undo[0].Name
		} else {
			s.Rereads = true
		}
	}
}

// indifferent are the variables that a prepared statement does not keep: they say how it is run, not what it means.
var indifferent = statement.WordsOf(`transaction transaction_isolation tx_isolation transaction_read_only tx_read_only autocommit completion_type
	foreign_key_checks unique_checks wait_timeout interactive_timeout net_read_timeout net_write_timeout lock_wait_timeout innodb_lock_wait_timeout
	max_execution_time max_statement_time sql_log_bin timestamp insert_id last_insert_id identity`)

// share is the part of max_prepared_stmt_count that the caches of one pool may hold: the server counts those of all programs.
const share = 4

// statementShare is how many statements that is. As long as nobody has asked the server, it is taken to have its default of 16382.
func (s *sessions) statementShare() int64 {
	most := int64(16382)
	if b := s.began.Load(); b != nil && b.statements > 0 {
		most = b.statements
	}
	return max(most/share, 1)
}
