package my

import (
	"strings"

	"github.com/gopooled/pooled/dialect"
)

// function is a built-in function. The zero value is a harmless one.
type function struct {
	tight   bool // it is this function only if the parenthesis follows at once
	rank    rank
	effects dialect.Effects

	// settingEffects are those of the function with an argument, in the place of effects.
	settingEffects dialect.Effects
}

// effect says what the call at position i does.
func (f *function) effect(p *parser, s []token, i int) {
	effects := f.effects
	if f.settingEffects != 0 && !isMark(s, i+2, ')') {
		effects = f.settingEffects
	}
	if f.rank > nothing {
		if effects&dialect.Unprovable != 0 {
			p.costs("uses a sequence (" + p.shown(&s[i]) + ")") // no other function has such effects
		}
		p.is(f.rank, effects)
	}
}

// functions returns the built-in functions. What is not among them may be anybody's, and may set anything.
//
// Many are known to one of the servers only, and on another one somebody may have written one of that name. Those of MySQL 8, whose
// stand-ins compute what it computes, are taken for built-in all the same. MariaDB's imitations of Oracle, as NVL and TO_CHAR, are
// not, and neither are the functions that MySQL 8 has given up, as DISTANCE and ENCRYPT: people write their own.
func functions() map[string]*function {
	all := map[string]*function{}
	harmless, tight := &function{}, &function{tight: true}
	for _, name := range strings.Fields(harmlessFunctions) {
		all[name] = harmless
	}
	for _, name := range strings.Fields(tightFunctions) {
		all[name] = tight
	}
	pinned := &function{rank: write}
	for _, name := range strings.Fields(primaryFunctions) {
		all[name] = pinned
	}
	userLock := &function{rank: write, effects: dialect.AdvisoryLock}
	all["get_lock"], all["release_lock"], all["release_all_locks"] = userLock, userLock, userLock
	all["last_insert_id"] = &function{rank: write, settingEffects: dialect.Sequence}
	// Of sequences, which only MariaDB has. Users of MySQL write functions of these names.
	all["nextval"] = &function{rank: write, effects: sequenceValue | dialect.UnknownEffect}
	all["setval"] = &function{rank: write, effects: dialect.Sequence | dialect.UnknownEffect}
	all["lastval"] = all["setval"]
	return all
}

// HarmlessFunctions lists the built-in functions that leave nothing and of which the name, in lower case, fits.
func HarmlessFunctions(fits func(name string) bool) (names []string) {
	for name, w := range words {
		if f := w.function; f != nil && f.effects == 0 && fits(name) {
			names = append(names, name)
		}
	}
	return names
}

// primaryFunctions leave nothing, but answer for the session or for the server they are called on, or read its files.
const primaryFunctions = `
row_count found_rows connection_id ps_thread_id is_free_lock is_used_lock load_file master_pos_wait source_pos_wait master_gtid_wait
wait_for_executed_gtid_set wait_until_sql_thread_after_gtids ps_current_thread_id binlog_gtid_pos`

// tightFunctions are built-in only if the parenthesis follows at once, to one of the servers at least.
const tightFunctions = `
adddate bit_and bit_or bit_xor cast count curdate curtime date_add date_format date_sub extract first_value group_concat
json_arrayagg json_objectagg lag lead max median mid min now nth_value ntile percentile_cont percentile_disc percent_rank cume_dist
dense_rank last_value position rank row_number session_user st_collect std stddev stddev_pop stddev_samp subdate substr substring
sum sysdate system_user trim variance var_pop var_samp`

// harmlessFunctions leave no trace in their session, and can be computed anywhere.
const harmlessFunctions = `
abs acos addtime aes_decrypt aes_encrypt any_value ascii asin atan atan2 avg benchmark bin bin_to_uuid bit_count bit_length ceil
ceiling char char_length character_length charset coalesce coercibility collation column_add column_check column_create
column_delete column_exists column_get column_json column_list compress concat concat_ws conv convert convert_tz cos cot crc32
crc32c current_date current_role current_time current_timestamp current_user database date datediff day dayname dayofmonth
dayofweek dayofyear default degrees elt exp export_set extractvalue field find_in_set floor format format_bytes format_pico_time
from_base64 from_days from_unixtime from_vector geohash geomcollection geometrycollection get_format greatest grouping
gtid_subset gtid_subtract hex hour icu_version if ifnull inet6_aton inet6_ntoa inet_aton inet_ntoa insert instr interval is_ipv4
is_ipv4_compat is_ipv4_mapped is_ipv6 is_uuid isnull json_array json_array_append json_array_insert json_array_intersect
json_compact json_contains json_contains_path json_depth json_detailed json_duality_object json_equals json_exists json_extract
json_insert json_key_value json_keys json_length json_loose json_merge json_merge_patch json_merge_preserve json_normalize
json_object json_object_filter_keys json_object_to_array json_overlaps json_pretty json_query json_quote json_remove
json_replace json_schema_valid json_schema_validation_report json_search json_set json_storage_free json_storage_size json_table
json_type json_unquote json_unwrap json_valid json_value kdf last_day lcase least left length linestring ln localtime
localtimestamp locate log log10 log2 lower lpad ltrim make_set makedate maketime mbrcontains mbrcoveredby mbrcovers mbrdisjoint
mbrequal mbrequals mbrintersects mbroverlaps mbrtouches mbrwithin md5 microsecond minute mod month monthname multilinestring
multipoint multipolygon name_const natural_sort_key nullif oct octet_length ord password period_add period_diff pi point polygon
pow power quarter quote radians rand random_bytes regexp_instr regexp_like regexp_replace regexp_substr repeat
replace reverse right round rpad rtrim schema sec_to_time second sformat sha sha1 sha2 sign sin sleep soundex space sqrt st_area
st_asbinary st_asgeojson st_astext st_aswkb st_aswkt st_boundary st_buffer st_buffer_strategy st_centroid st_contains
st_convexhull st_crosses st_difference st_dimension st_disjoint st_distance st_distance_sphere st_endpoint st_envelope st_equals
st_exteriorring st_frechetdistance st_geohash st_geomcollfromtext st_geomcollfromtxt st_geomcollfromwkb
st_geometrycollectionfromtext st_geometrycollectionfromwkb st_geometryfromtext st_geometryfromwkb st_geometryn st_geometrytype
st_geomfromgeojson st_geomfromtext st_geomfromwkb st_hausdorffdistance st_interiorringn st_intersection st_intersects
st_isclosed st_isempty st_isring st_issimple st_isvalid st_latfromgeohash st_latitude st_length st_linefromtext st_linefromwkb
st_lineinterpolatepoint st_lineinterpolatepoints st_linestringfromtext st_linestringfromwkb st_longfromgeohash st_longitude
st_makeenvelope st_mlinefromtext st_mlinefromwkb st_mpointfromtext st_mpointfromwkb st_mpolyfromtext st_mpolyfromwkb
st_multilinestringfromtext st_multilinestringfromwkb st_multipointfromtext st_multipointfromwkb st_multipolygonfromtext
st_multipolygonfromwkb st_numgeometries st_numinteriorring st_numinteriorrings st_numpoints st_overlaps st_pointatdistance
st_pointfromgeohash st_pointfromtext st_pointfromwkb st_pointn st_pointonsurface st_polyfromtext st_polyfromwkb
st_polygonfromtext st_polygonfromwkb st_relate st_simplify st_srid st_startpoint st_swapxy st_symdifference st_touches
st_transform st_union st_validate st_within st_x st_y statement_digest statement_digest_text str_to_date strcmp string_to_vector
substring_index subtime tan time time_format time_to_sec timediff timestamp timestampadd timestampdiff to_base64 to_days
to_seconds to_vector truncate ucase uncompress uncompressed_length unhex unix_timestamp updatexml upper user utc_date utc_time
utc_timestamp uuid uuid_short uuid_to_bin uuid_v4 uuid_v7 validate_password_strength values vec_distance vec_distance_cosine
vec_distance_euclidean vec_fromtext vec_totext vector_dim vector_distance vector_to_string version week weekday weekofyear
weight_string year yearweek`
