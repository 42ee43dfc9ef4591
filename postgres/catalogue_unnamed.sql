-- What the server runs although no text names it: (kind, name, function, types, target). Types are identifiers of types that did not come with the
-- server, to which it belongs; one without belongs to none, and any text may have it run.
with recursive leads (origin, oid) as (select oid, oprcom from pg_catalog.pg_operator union all select oid, oprnegate from pg_catalog.pg_operator),
origins (oid, origin) as (select oid, oid from pg_catalog.pg_operator where oid >= 16384 or oprrest::pg_catalog.oid >= 16384 or oprjoin::pg_catalog.oid >= 16384
  union select r.oid, l.origin from origins r join leads l on l.oid = r.origin)
select 'event trigger', e.evtname::text, p.proname::text, '', ''
  from pg_catalog.pg_event_trigger e join pg_catalog.pg_proc p on p.oid = e.evtfoid where e.evtenabled <> 'D' and e.evtevent <> 'login'
union all
-- Grammar compares and sorts by the operators of such classes: DISTINCT, GROUP BY. Of others the target is what else may have them run: NOT makes an operator
-- its negator, and planning its commutator, one after the other. Planning also estimates what they let through.
select case when exists (select from pg_catalog.pg_amop a join pg_catalog.pg_am m on m.oid = a.amopmethod where a.amopopr = o.oid and m.amname in ('btree', 'hash'))
    then 'operator of a class' else 'operator' end,
    o.oprname, p.proname, (select coalesce(pg_catalog.string_agg(pg_catalog.quote_ident(t.typname), ' '), '') from pg_catalog.pg_type t
    where t.oid >= 16384 and t.oid in (o.oprleft, o.oprright)),
    s.symbols
  from (select r.oid, pg_catalog.string_agg(distinct n.oprname, ' ') from origins r join pg_catalog.pg_operator n on n.oid = r.origin group by r.oid) s (oid, symbols)
  join pg_catalog.pg_operator o on o.oid = s.oid cross join lateral pg_catalog.unnest(array[o.oprcode, o.oprrest, o.oprjoin]::pg_catalog.oid[]) with ordinality f (oid, n)
  join pg_catalog.pg_proc p on p.oid = f.oid where p.oid >= 16384 or o.oid >= 16384 and f.n = 1
union all
select case k.castcontext when 'e' then 'explicit cast' else 'cast' end, pg_catalog.format_type(k.castsource, null) || ' as ' || pg_catalog.format_type(k.casttarget, null), p.proname,
    (select coalesce(pg_catalog.string_agg(pg_catalog.quote_ident(t.typname), ' '), '') from pg_catalog.pg_type t where t.oid >= 16384 and t.oid in (k.castsource, k.casttarget)),
    (select pg_catalog.concat_ws(' ', t.typname, e.typname, pg_catalog.format_type(t.oid, null)) from pg_catalog.pg_type t left join pg_catalog.pg_type e on e.oid = t.typelem where t.oid = k.casttarget)
  from pg_catalog.pg_cast k join pg_catalog.pg_proc p on p.oid = k.castfunc where k.oid >= 16384
union all
select distinct 'operator class', p.proname, p.proname, (select coalesce(pg_catalog.string_agg(pg_catalog.quote_ident(t.typname), ' '), '') from pg_catalog.pg_type t
    where t.oid >= 16384 and t.oid in (a.amproclefttype, a.amprocrighttype)), ''
  from pg_catalog.pg_amproc a join pg_catalog.pg_proc p on p.oid = a.amproc where a.oid >= 16384
union all
-- Text is converted for the client at any time, and taken to words wherever one of the functions of the target is.
select 'conversion', c.conname, p.proname, '', '' from pg_catalog.pg_conversion c join pg_catalog.pg_proc p on p.oid = c.conproc where c.condefault and p.oid >= 16384
union all
select k.kind, w.name, p.proname, '', k.target
  from (select prsname, array[prsstart, prstoken, prsend, prsheadline, prslextype]::pg_catalog.oid[] from pg_catalog.pg_ts_parser
    union all select tmplname, array[tmplinit, tmpllexize]::pg_catalog.oid[] from pg_catalog.pg_ts_template) w (name, functions)
  join pg_catalog.pg_proc p on p.oid = any(w.functions) and p.oid >= 16384,
  (values ('text search by', 'to_tsvector json_to_tsvector jsonb_to_tsvector to_tsquery plainto_tsquery phraseto_tsquery websearch_to_tsquery ts_headline ts_lexize
    ts_parse ts_token_type ts_debug tsvector_update_trigger tsvector_update_trigger_column'), ('operator', '@@')) k (kind, target)
