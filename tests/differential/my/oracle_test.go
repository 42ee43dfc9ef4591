package my_test

import (
	"regexp"
	"strings"

	"github.com/pingcap/tidb/pkg/parser/ast"

	"github.com/gopooled/pooled/dialect"
)

// demands are what a parser's tree shows, and Parse must not say less than.
type demands struct {
	notRead bool
	effects dialect.Effects
	undo    map[named]bool
	targets map[string]bool // of writes
	tables  map[string]bool // anywhere in queries
	routine bool            // it creates a routine, whose body does nothing now
}

// named is an effect with the name that undoes it.
type named struct {
	effect dialect.Effects
	name   string
}

// ofTree collects the demands of statements.
func ofTree(statements []ast.StmtNode) *demands {
	d := &demands{undo: map[named]bool{}, targets: map[string]bool{}, tables: map[string]bool{}}
	for _, s := range statements {
		s.Accept(d)
	}
	return d
}

// Leave is half of ast.Visitor.
func (d *demands) Leave(n ast.Node) (ast.Node, bool) { return n, true }

// Enter is the other half: it sees every node, and skips those in which nothing runs.
func (d *demands) Enter(n ast.Node) (ast.Node, bool) {
	switch n := n.(type) {
	case *ast.ColumnDef, *ast.Constraint, *ast.PartitionOptions, *ast.IndexPartSpecification:
		return n, true
	case *ast.ProcedureInfo:
		d.notRead, d.routine = true, true
		return n, true
	case ast.StmtNode:
		d.statement(n)
	case *ast.FuncCallExpr:
		d.call(n)
	case *ast.VariableExpr:
		d.notRead = true
		if !n.IsSystem && n.Value != nil {
			d.named(dialect.UserVariable, n.Name)
		}
	case *ast.SelectIntoOption:
		d.notRead = true
	case *ast.TableName:
		if n.Name.L != "" { // TiDB takes an empty name
			d.tables[n.Name.L] = true
		}
	}
	return n, false
}

// named demands an effect with its name.
func (d *demands) named(e dialect.Effects, name string) {
	d.effects |= e
	d.undo[named{e, strings.ToLower(name)}] = true
}

// statement adds what the kind of a statement demands.
func (d *demands) statement(n ast.StmtNode) {
	switch n := n.(type) {
	case *ast.SelectStmt:
		d.notRead = d.notRead || n.SelectStmtOpts != nil && n.CalcFoundRows ||
			n.LockInfo != nil && n.LockInfo.LockType != ast.SelectLockNone || n.SelectIntoOpt != nil
	case *ast.SetOprStmt, *ast.ExplainStmt, *ast.ExplainForStmt, *ast.HelpStmt:
	case *ast.ShowStmt:
		d.notRead = d.notRead || n.Tp == ast.ShowWarnings || n.Tp == ast.ShowErrors || n.CountWarningsOrErrors
	default:
		d.notRead = true
		d.changing(n)
	}
}

// changing adds what a statement that is no query demands.
func (d *demands) changing(n ast.StmtNode) {
	switch n := n.(type) {
	case *ast.InsertStmt:
		d.effects |= dialect.Sequence
		d.target(n.Table)
	case *ast.UpdateStmt:
		d.target(n.TableRefs)
	case *ast.DeleteStmt:
		d.target(n.TableRefs)
		if n.Tables != nil {
			for _, t := range n.Tables.Tables {
				d.targets[t.Name.L] = true
			}
		}
	case *ast.LoadDataStmt:
		d.effects |= dialect.Sequence
		d.targets[n.Table.Name.L] = true
		for _, c := range n.ColumnsAndUserVars {
			if c.UserVar != nil {
				d.named(dialect.UserVariable, c.UserVar.Name)
			}
		}
	case *ast.SetStmt:
		for _, v := range n.Variables {
			d.set(v)
		}
	case *ast.SetRoleStmt:
		d.effects |= dialect.Role
	case *ast.SetResourceGroupStmt, *ast.BinlogStmt:
		d.effects |= dialect.Permanent
	case *ast.BeginStmt:
		d.effects |= dialect.OpenTx
	case *ast.CommitStmt:
		if n.CompletionType == ast.CompletionTypeChain {
			d.effects |= dialect.OpenTx
		}
	case *ast.UseStmt:
		d.named(dialect.Database, n.DBName)
	case *ast.PrepareStmt:
		d.named(dialect.SQLPrepare, n.Name)
	case *ast.LockTablesStmt:
		d.effects |= dialect.TableLock
	case *ast.FlushStmt:
		if n.ReadLock {
			d.effects |= dialect.TableLock
		}
	case *ast.CreateTableStmt:
		if n.TemporaryKeyword == ast.TemporaryLocal {
			d.named(dialect.TempTable, quotedName(n.Table))
		}
		if n.Select != nil {
			d.effects |= dialect.Sequence
		}
	case *ast.AlterTableStmt:
		for _, spec := range n.Specs {
			if spec.Tp == ast.AlterTableRenameTable {
				d.named(dialect.TempTable, quotedName(spec.NewTable))
			}
		}
	case *ast.RenameTableStmt:
		for _, t := range n.TableToTables {
			d.named(dialect.TempTable, quotedName(t.NewTable))
		}
	case *ast.ExecuteStmt, *ast.CallStmt:
		d.effects |= dialect.UnknownEffect
	}
}

// quotedName writes a table's name with its qualifier in backticks.
func quotedName(t *ast.TableName) string {
	quote := func(s string) string { return "`" + strings.ReplaceAll(s, "`", "``") + "`" }
	if t.Schema.O != "" {
		return quote(t.Schema.O) + "." + quote(t.Name.O)
	}
	return quote(t.Name.O)
}

// set adds what an assignment of SET demands.
func (d *demands) set(v *ast.VariableAssignment) {
	name := strings.ToLower(v.Name)
	switch {
	case v.Name == ast.SetNames || v.Name == ast.SetCharset:
		for _, name := range []string{"character_set_client", "character_set_connection", "character_set_results", "collation_connection"} {
			d.named(dialect.Setting, name)
		}
	case !v.IsSystem:
		d.named(dialect.UserVariable, name)
	case v.IsGlobal, strings.HasPrefix(name, "persist_only."), strings.HasPrefix(name, "persist."): // scopes that TiDB misses
	case strings.HasPrefix(name, "tx_isolation") || strings.HasPrefix(name, "tx_read"):
		d.effects |= dialect.Setting // by SET TRANSACTION, or by name
	default:
		d.named(dialect.Setting, name)
		switch name {
		case "autocommit":
			d.effects |= dialect.OpenTx
		case "insert_id":
			d.effects |= dialect.Permanent
		}
	}
}

// target adds the tables of a join, without those in its queries.
func (d *demands) target(refs *ast.TableRefsClause) {
	if refs == nil {
		return
	}
	var walk func(n ast.ResultSetNode)
	walk = func(n ast.ResultSetNode) {
		switch n := n.(type) {
		case *ast.Join:
			walk(n.Left)
			if n.Right != nil {
				walk(n.Right)
			}
		case *ast.TableSource:
			walk(n.Source)
		case *ast.TableName:
			d.targets[n.Name.L] = true
		}
	}
	walk(refs.TableRefs)
}

// call adds what the call of a function demands: UnknownEffect if its name is not one of MySQL's manual.
func (d *demands) call(n *ast.FuncCallExpr) {
	name := n.FnName.L
	switch {
	case n.Schema.L != "":
		d.effects |= dialect.UnknownEffect
	case name == "get_lock", name == "release_lock", name == "release_all_locks":
		d.notRead, d.effects = true, d.effects|dialect.AdvisoryLock
	case name == "nextval", name == "setval", name == "lastval":
		d.notRead, d.effects = true, d.effects|dialect.Sequence
	case name == "last_insert_id":
		d.notRead = true
		if len(n.Args) > 0 {
			d.effects |= dialect.Sequence
		}
	case name == "row_count", name == "found_rows", name == "is_free_lock", name == "is_used_lock", name == "load_file":
		d.notRead = true
	case !harmless.MatchString(name):
		d.effects |= dialect.UnknownEffect
	}
}

// harmless matches functions of MySQL's and MariaDB's manuals that do nothing but compute. It is written apart from Parse's table,
// in the order of the manual's chapters.
var harmless = regexp.MustCompile(`^(` + strings.Join(strings.Fields(`
if ifnull nullif isnull coalesce greatest least interval case strcmp grouping any_value default default_func values name_const
abs acos asin atan2? ceil ceiling conv cos cot crc32 degrees exp floor ln log log10 log2 mod pi pow power radians rand round sign sin
sqrt tan truncate
adddate addtime convert_tz curdate current_date current_time current_timestamp curtime date date_add date_format date_sub datediff
day dayname dayofmonth dayofweek dayofyear extract from_days from_unixtime get_format hour last_day localtime localtimestamp makedate
maketime microsecond minute month monthname now period_add period_diff quarter sec_to_time second str_to_date subdate subtime sysdate
time time_format time_to_sec timediff timestamp timestampadd timestampdiff to_days to_seconds unix_timestamp utc_date utc_time
utc_timestamp week weekday weekofyear year yearweek .*literal
ascii bin bit_length char char_func char_length character_length concat concat_ws elt export_set field find_in_set format from_base64
hex insert insert_func instr lcase left length locate lower lpad ltrim make_set mid oct octet_length ord position quote repeat
replace reverse right rpad rtrim soundex space substr substring substring_index to_base64 trim ucase unhex upper weight_string
regexp_like regexp_instr regexp_replace regexp_substr cast convert extractvalue updatexml bit_count
aes_decrypt aes_encrypt compress md5 random_bytes sha1? sha2 statement_digest statement_digest_text uncompress uncompressed_length
validate_password_strength password
benchmark charset coercibility collation connection_id current_role current_user database icu_version roles_graphml schema session_user
system_user user version
bin_to_uuid inet_aton inet_ntoa inet6_aton inet6_ntoa is_ipv4 is_ipv4_compat is_ipv4_mapped is_ipv6 is_uuid sleep uuid uuid_short
uuid_to_bin uuid_v4 uuid_v7 format_bytes format_pico_time ps_current_thread_id ps_thread_id gtid_subset gtid_subtract
json_[a-z_]+ st_[a-z_]+ mbr[a-z]+ point linestring polygon multipoint multilinestring multipolygon geometrycollection geomcollection
to_vector string_to_vector from_vector vector_to_string vector_dim distance vector_distance vec_distance vec_distance_cosine
vec_distance_euclidean vec_fromtext vec_totext
column_[a-z]+ natural_sort_key sformat kdf master_pos_wait source_pos_wait wait_for_executed_gtid_set
avg bit_and bit_or bit_xor count group_concat max min std stddev stddev_pop stddev_samp sum var_pop var_samp variance
cume_dist dense_rank first_value lag last_value lead nth_value ntile percent_rank rank row_number`), "|") + `)$`)
