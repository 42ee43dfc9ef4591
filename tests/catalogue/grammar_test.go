package catalogue_test

// classOfJSON is an operator class of a type that the server has none for: only its equality changes the session.
var classOfJSON = []string{
	"create function same(json, json) returns boolean language plpgsql immutable as $$begin perform public.leak(); return $1::text = $2::text; end$$",
	"create operator === (leftarg = json, rightarg = json, function = same, hashes, merges)",
	"create function hash_of(json) returns int language sql immutable as 'select 1'",
	"create operator class by_hash default for type json using hash as operator 1 ===, function 1 hash_of(json)",
	"create function less(json, json) returns boolean language sql immutable as 'select $1::text < $2::text'",
	"create operator <<< (leftarg = json, rightarg = json, function = less)", "create operator <<== (leftarg = json, rightarg = json, function = less)",
	"create operator >>> (leftarg = json, rightarg = json, function = less)", "create operator >>== (leftarg = json, rightarg = json, function = less)",
	"create function compare(json, json) returns int language sql immutable as 'select case when $1::text < $2::text then -1 when $1::text > $2::text then 1 else 0 end'",
	"create operator class by_order default for type json using btree as operator 1 <<<, operator 2 <<==, operator 3 ===, operator 4 >>==, operator 5 >>>, function 1 compare(json, json)",
	"create table j (a json)", "insert into j values ('1'), ('1'), ('2')", "create view of_j as select distinct a from j",
}

// castOfPoint is a cast that counts only where it is written.
var castOfPoint = []string{
	"create function to_point(text) returns point language plpgsql immutable as $$begin perform public.leak(); return '(1,2)'; end$$",
	"create cast (text as point) with function to_point(text)",
}

// negated are operators of which NOT makes the other one.
var negated = []string{
	"create function is_so(int, int) returns boolean language plpgsql immutable as $$begin return true; end$$",
	"create function is_not(int, int) returns boolean language plpgsql immutable as $$begin perform public.leak(); return false; end$$",
	"create operator ==> (leftarg = int, rightarg = int, function = is_so, negator = ==!)", "create operator ==! (leftarg = int, rightarg = int, function = is_not, negator = ==>)",
}

// usedByGrammar is what the server runs for words that are no names.
var usedByGrammar = []hidden{
	{"DISTINCT", classOfJSON, []string{"select distinct a from j"}},
	{"DISTINCT in a view", classOfJSON, []string{"select * from of_j"}},
	{"DISTINCT in a function", append(classOfJSON[:len(classOfJSON):len(classOfJSON)], "create function f() returns bigint language sql as 'select count(distinct a) from j'"), []string{"select f()"}},
	{"GROUP BY", classOfJSON, []string{"select count(*) from j group by a"}},
	{"UNION", classOfJSON, []string{"select a from j union select '3'"}},
	{"INTERSECT", classOfJSON, []string{"select a from j intersect select '1'"}},
	{"PARTITION BY", classOfJSON, []string{"select count(*) over (partition by a) from j"}},
	{"peers of ORDER BY", classOfJSON, []string{"select rank() over (order by a) from j"}},
	{"arrays", classOfJSON, []string{"select array[a] = array[a] from j"}},
	{"rows", classOfJSON, []string{"select count(*) from (select distinct j from j) x"}},
	{"NOT", negated, []string{"select not (id ==> 1) from t"}},
	{"a cast to a domain", append(castOfPoint[:len(castOfPoint):len(castOfPoint)], "create domain of_point as point"), []string{"select v::of_point from t"}},
	{"a cast to a domain of arrays", append(castOfPoint[:len(castOfPoint):len(castOfPoint)], "create domain of_points as point[]"), []string{"select array[v]::of_points from t"}},
	{"a cast to a row", append(castOfPoint[:len(castOfPoint):len(castOfPoint)], "create type with_point as (a point)"), []string{"select row(v)::with_point from t"}},
	{"a cast to the row of a table", append(castOfPoint[:len(castOfPoint):len(castOfPoint)], "create table with_point (a point)"), []string{"select row(v)::with_point from t"}},
	{"an exclusion", []string{
		"create function meets(polygon, polygon) returns boolean language plpgsql immutable as $$begin perform public.leak(); return false; end$$",
		"create operator &&& (leftarg = polygon, rightarg = polygon, function = meets, commutator = &&&)",
		`create operator class of_areas for type polygon using gist as operator 3 &&&, function 1 gist_poly_consistent(internal, polygon, smallint, oid, internal),
			function 2 gist_box_union(internal, internal), function 3 gist_poly_compress(internal), function 5 gist_box_penalty(internal, internal, internal),
			function 6 gist_box_picksplit(internal, internal), function 7 gist_box_same(box, box, internal), storage box`,
		"create table areas (a polygon, exclude using gist (a of_areas with &&&))", "insert into areas values ('(0,0),(1,1),(1,0)')",
	}, []string{"insert into areas values ('(0,0),(1,1),(1,0)')"}},
}
