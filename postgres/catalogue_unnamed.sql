-- What the server runs although no text names it: (kind, name, function, types, target). Types are identifiers of types that did not come with the
-- server, to which it belongs; one without belongs to none, and any text may have it run.
select 'event trigger', e.evtname::text, p.proname::text, '', ''
  from pg_catalog.pg_event_trigger e join pg_catalog.pg_proc p on p.oid = e.evtfoid where e.evtenabled <> 'D' and e.evtevent <> 'login'
union all
-- Grammar compares and sorts by the operators of such classes: DISTINCT, GROUP BY. Of others the target is what else may have them run: NOT makes an operator
-- its negator, and planning its commutator.
select case when exists (select from pg_catalog.pg_amop a join pg_catalog.pg_am m on m.oid = a.amopmethod where a.amopopr = o.oid and m.amname in ('btree', 'hash'))
    then 'operator of a class' else 'operator' end,
    o.oprname, p.proname, (select coalesce(pg_catalog.string_agg(pg_catalog.quote_ident(t.typname), ' '), '') from pg_catalog.pg_type t
    where t.oid >= 16384 and t.oid in (o.oprleft, o.oprright)),
    (select coalesce(pg_catalog.string_agg(n.oprname, ' '), '') from pg_catalog.pg_operator n where n.oid in (o.oprcom, o.oprnegate))
  from pg_catalog.pg_operator o join pg_catalog.pg_proc p on p.oid = o.oprcode where o.oid >= 16384
union all
select case k.castcontext when 'e' then 'explicit cast' else 'cast' end, pg_catalog.format_type(k.castsource, null) || ' as ' || pg_catalog.format_type(k.casttarget, null), p.proname,
    (select coalesce(pg_catalog.string_agg(pg_catalog.quote_ident(t.typname), ' '), '') from pg_catalog.pg_type t where t.oid >= 16384 and t.oid in (k.castsource, k.casttarget)),
    (select pg_catalog.concat_ws(' ', t.typname, e.typname, pg_catalog.format_type(t.oid, null)) from pg_catalog.pg_type t left join pg_catalog.pg_type e on e.oid = t.typelem where t.oid = k.casttarget)
  from pg_catalog.pg_cast k join pg_catalog.pg_proc p on p.oid = k.castfunc where k.oid >= 16384
union all
select distinct 'operator class', p.proname, p.proname, (select coalesce(pg_catalog.string_agg(pg_catalog.quote_ident(t.typname), ' '), '') from pg_catalog.pg_type t
    where t.oid >= 16384 and t.oid in (a.amproclefttype, a.amprocrighttype)), ''
  from pg_catalog.pg_amproc a join pg_catalog.pg_proc p on p.oid = a.amproc where a.oid >= 16384
