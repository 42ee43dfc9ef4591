package sqlite

import "github.com/gopooled/pooled/dialect/statement"

// functions are SQLite's own, and those of the extensions that the driver has built in, which read nothing but their arguments. A test compares them with those that the
// driver knows. Others are of the program, which may do in them what it likes; but it cannot reach the connection that calls them.
var functions = statement.WordsOf(`
	abs acos acosh asin asinh atan atan2 atanh avg bm25 ceil ceiling char coalesce concat concat_ws cos cosh count cume_dist current_date current_time
	current_timestamp date datetime degrees dense_rank exp first_value floor format fts5 fts5_get_locale fts5_insttoken fts5_locale fts5_source_id
	geopoly_area geopoly_bbox geopoly_blob geopoly_ccw geopoly_contains_point geopoly_debug geopoly_group_bbox geopoly_json geopoly_overlap geopoly_regular
	geopoly_svg geopoly_within geopoly_xform glob group_concat hex highlight if ifnull iif instr json json_array json_array_insert json_array_length
	json_error_position json_extract json_group_array json_group_object json_insert json_object json_patch json_pretty json_quote json_remove json_replace
	json_set json_type json_valid jsonb jsonb_array jsonb_array_insert jsonb_extract jsonb_group_array jsonb_group_object jsonb_insert jsonb_object jsonb_patch
	jsonb_remove jsonb_replace jsonb_set julianday lag last_value lead length like likelihood likely ln log log10 log2 lower ltrim match max min mod nth_value
	ntile nullif octet_length percent_rank pi pow power printf quote radians random randomblob rank replace round row_number rtrim rtreecheck rtreedepth
	rtreenode sign sin sinh snippet soundex sqlite_compileoption_get sqlite_compileoption_used sqlite_offset sqlite_source_id sqlite_version sqrt strftime
	string_agg substr substring subtype sum tan tanh time timediff total trim trunc typeof unhex unicode unistr unistr_quote unixepoch unlikely upper zeroblob
	json_each json_tree jsonb_each jsonb_tree`)

// parenthesized are keywords that may stand before a parenthesis.
var parenthesized = statement.WordsOf(`
	all and any as between by case cast check collate distinct else except exists filter from glob group having in intersect is isnull join key like limit
	match materialized not notnull null offset on or order over partition raise range regexp returning rows select table then union using values when where
	window with recursive end cross inner left natural outer full right escape groups set into default do conflict`)

// ofSession are the functions that tell what the connection has done.
var ofSession = statement.WordsOf("last_insert_rowid changes total_changes")
