// Package my tells what a statement text does to MySQL 5.7 to 9 and MariaDB 10 and 11: to their data, and to the session that runs it.
//
//	s := my.Parse("SET NAMES utf8mb4")
//	// s.Class is dialect.SessionControl, s.Effects is dialect.Setting, s.Undo names the four variables
//
// It is no SQL parser: it takes a text apart into words and looks for what could leave a trace. That a statement is a read, or that
// it leaves its session clean, has to be proved word by word; what it has not heard of is unknown.
//
// One text can mean several things: a server may run or skip what stands in executable comments, take a backslash or a double
// quote in one way or the other. Parse reads it in every way that can matter and reports the union.
//
// What the names in a text stand for is not seen: a trigger may do anything, a view may call a function that sets a variable, and a
// column of MariaDB may take its default from a sequence. Targets and Names say what there is to look up.
//
// It takes for granted that the character set of the client agrees with ASCII byte by byte, as utf8mb4 and latin1 do, and gbk,
// sjis and big5 do not; and that MariaDB's sql_mode is not ORACLE, in which sequences and package functions are called without
// parentheses.
package my

import (
	"strings"
	"sync"

	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/dialect/statement"
)

// Statement is what a text can be seen to do.
type Statement struct {
	Class   dialect.Class
	Effects dialect.Effects

	// Why is the first reason why it is not a read without effects, for people; empty for such a read.
	Why string

	// Unproved is the first reason for [dialect.UnknownEffect] or [dialect.Permanent], for people, but for what it calls; empty without them.
	Unproved string

	// Ambiguous says that its quotes can be read in several ways, so that its names may be somebody's data.
	Ambiguous bool

	// Hints are what its comments ask for, if the text is read as most servers do.
	Hints statement.Hints

	// Undo is what has to be undone by name, in the order seen, each once.
	Undo []Undo

	// Targets are the tables that INSERT, REPLACE, UPDATE, DELETE and LOAD write, or may write: their triggers run in this session.
	// They are lower-case and without qualifier. Where one statement names several tables, all of them are here.
	Targets []string

	// Names are the other identifiers that may be a table, a view or a column, lower-case, each once: the session may have a
	// temporary table of that name.
	Names []string

	// Calls are the stored routines that it calls, each once. They may do anything, so each makes it unknown; Unclear says that there is more that
	// does, so that it would be unknown even to who knows what they do.
	Calls   []Call
	Unclear bool

	// Databases are those of the tables and views that the body of a program names, in lower case, each once: see [Source]. Of a text they are not
	// told.
	Databases []string

	// Implicit says that it decides whether transactions begin by themselves: it sets autocommit, or what COMMIT does besides.
	Implicit bool

	// Defines says that CREATE, ALTER, DROP or RENAME is in it: what the server's catalogue says may change. Remakes says that this may be a view, a
	// routine, a trigger or a table's default that calls, or a name for such: statements that come later may do what nothing known now tells.
	Defines, Remakes bool

	// Definition says what names mean something else after it.
	Definition Definition

	// Plain says that it is one statement, in every reading, that can neither begin nor end a transaction, and writes no file: see
	// [dialect.Statement].
	Plain bool
}

// Undo is an effect that can be undone by the name of what has it: one of Setting, UserVariable, TempTable, SQLPrepare, Cursor and
// Database; or it is a TableLock by LOCK INSTANCE, whose name is "instance", or an OpenTx by XA, whose name is "xa".
//
// Its name is, for a Setting, the variable in lower case; "transaction" stands for all that SET TRANSACTION sets. For a UserVariable
// it is the lower-case name without @ and quotes; for a TempTable the name as DROP TEMPORARY TABLE takes it, with its qualifier and in
// backticks; for a SQLPrepare the lower-case name of the statement; for a Cursor the name that HANDLER ... CLOSE takes, for a Database
// the one that was chosen, both without quotes.
type Undo = dialect.Undo

// maxText is the length in bytes of the longest text that is looked at.
const maxText = 64 << 10

// Parse classifies a text of one or several statements.
func Parse(text string) Statement {
	if len(text) > maxText {
		return unknown("longer than what is read")
	}
	if strings.IndexByte(text, 0) >= 0 {
		return unknown("has a zero byte")
	}
	p := parsers.Get().(*parser)
	defer parsers.Put(p)
	p.reset(text)
	if !p.readAllWays() {
		return unknown(p.near())
	}
	return p.result()
}

// unknown is what Parse says of a text that it cannot take apart.
func unknown(why string) Statement {
	return Statement{Class: dialect.Unknown, Effects: dialect.UnknownEffect, Unclear: true, Why: why, Unproved: why}
}

var parsers = sync.Pool{New: func() any { return new(parser) }}
