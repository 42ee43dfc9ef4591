package my

import "strings"

// info is what is known of a word.
type info struct {
	name     string    // in lower case
	keyword  bool      // to every server, so that no function can be called by it without quotes
	reserved bool      // to every server, so that nothing can have it for a name without quotes
	matters  bool      // it can make more of a query than a read
	function *function // nil if it is no built-in function
}

// lookup returns what is known of a word in whatever case, nil if nothing.
func lookup(s string) *info {
	var lower [maxWord]byte
	if len(s) > maxWord {
		return nil
	}
	for i := range len(s) {
		c := s[i]
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		lower[i] = c
	}
	return words[string(lower[:len(s)])]
}

// maxWord is at least the length of the longest word that is known.
const maxWord = 40

// words are the words that are known.
var words = func() map[string]*info {
	all := make(map[string]*info, 1200)
	word := func(name string) *info {
		if all[name] == nil {
			all[name] = &info{name: name}
		}
		return all[name]
	}
	for _, name := range strings.Fields(reservedWords) {
		w := word(name)
		w.keyword, w.reserved = true, true
	}
	for _, name := range strings.Fields(keywordsBeforeParentheses) {
		word(name).keyword = true
	}
	for _, name := range strings.Fields(otherWords) {
		word(name)
	}
	for _, name := range strings.Fields(wordsThatMatter) {
		word(name).matters = true
	}
	for name, f := range functions() {
		word(name).function = f
	}
	return all
}()

// reservedWords are reserved in all of MySQL 5.7 to 9 and MariaDB 10 and 11.
const reservedWords = `
accessible add all alter analyze and as asc asensitive before between bigint binary blob both by call cascade case change char
character check collate column condition constraint continue convert create cross current_date current_time current_timestamp
current_user cursor databases day_hour day_microsecond day_minute day_second dec decimal declare default delayed delete
desc describe deterministic distinct distinctrow div double drop dual each else elseif enclosed escaped exists exit explain false
fetch float float4 float8 for force foreign from fulltext grant group having high_priority hour_microsecond hour_minute
hour_second if ignore in index infile inner inout insensitive insert int int1 int2 int3 int4 int8 integer interval into is iterate
join key keys kill leading leave left like limit linear lines load localtime localtimestamp lock long longblob longtext loop
low_priority match maxvalue mediumblob mediumint mediumtext middleint minute_microsecond minute_second mod modifies natural not
no_write_to_binlog null numeric on optimize optionally or order out outer outfile partition precision primary procedure
purge range read reads read_write real references regexp release rename repeat replace require resignal restrict return revoke
right rlike schemas second_microsecond select sensitive separator set show signal smallint spatial specific sql
sqlexception sqlstate sqlwarning sql_big_result sql_calc_found_rows sql_small_result ssl starting straight_join table terminated
then tinyblob tinyint tinytext to trailing trigger true undo union unique unlock unsigned update usage use using utc_date utc_time
utc_timestamp values varbinary varchar varcharacter varying when where while with write xor year_month zerofill`

// keywordsBeforeParentheses are not reserved, but can stand before a parenthesis, and are taken for the name of a function by no
// server. (MariaDB takes many a keyword for one, as COLUMNS and ESCAPE.)
const keywordsBeforeParentheses = `
any bit bool boolean datetime enum national nchar nvarchar offset row rows signed some
sql_buffer_result sql_no_cache text value`

// wordsThatMatter can make more of a query than a read.
const wordsThatMatter = `
delete dumpfile for from insert into lock outfile procedure replace share sql_calc_found_rows table update`

// otherWords are the other words that statements are told by.
const otherWords = `
until intersect except window new aggregate algorithm authors autocommit backup begin binlog cache chain channel charset checksum client_statistics clone close
collation comment commit concurrent contains contributors count cpu data deallocate definer directory do dumpfile end engine execute
engines errors event events export extended first flush follows format full function get global grants group_replication handler
help host identified import indexes index_statistics install instance invoker language last library local logfile logs master member
mutex names next no nulls of offline online only open over package parse_tree partitions password persist persist_only plugin
plugins precedes prepare previous privileges processlist profile profiles query recover recursive relaylog repair replica replicas
replication reset resource restart role rollback routine savepoint schedule security sequence server session share shutdown slave
slaves start statement status stop storage tables tablespace temporary thread_statistics transaction triggers truncate uninstall
user user_statistics user_variables variables view warnings work xa xml json binary catalog catalogs explain spatial undo found database schema option columns fields quick returning soname`
