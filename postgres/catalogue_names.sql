-- What functions and types are called by the names in $1, and what the server runs for them: (kind, name, source, uses, extension, schema, volatile, settings).
-- Uses are identifiers. Only functions that did not come with the server have a schema here, are called volatile in a column of their own, and have
-- settings of their own, as name=value, one a line.
-- Objects below OID 16384 came with the server. The source of a function has a character of its own before its defaults, which come with it.
select distinct case p.provolatile when 'v' then 'volatile builtin' else 'builtin' end, p.proname::text, '', '', '', '', false, ''
  from pg_catalog.pg_proc p where p.proname = any($1) and p.oid < 16384
union all
select case when l.lanname = 'sql' then 'sql function' when l.lanname = 'plpgsql' then 'function' when p.provolatile = 'v' then 'volatile foreign function' else 'foreign function' end,
    p.proname,
    coalesce(pg_catalog.pg_get_function_sqlbody(p.oid), p.prosrc) || e'\n\x01\n' || coalesce(pg_catalog.pg_get_expr(p.proargdefaults, 0), ''),
    pg_catalog.concat_ws(' ',
      (select pg_catalog.string_agg(pg_catalog.quote_ident(t.typname), ' ') from pg_catalog.pg_type t
        where t.oid >= 16384 and t.oid = any(array[p.prorettype] || p.proargtypes::pg_catalog.oid[] || p.proallargtypes)),
      (select pg_catalog.string_agg(pg_catalog.quote_ident(f.proname), ' ') from pg_catalog.pg_aggregate a
        join pg_catalog.pg_proc f on f.oid in (a.aggtransfn, a.aggfinalfn, a.aggcombinefn, a.aggmtransfn, a.aggminvtransfn, a.aggmfinalfn, a.aggserialfn, a.aggdeserialfn)
        where p.prokind = 'a' and a.aggfnoid = p.oid),
      (select pg_catalog.quote_ident(s.proname) from pg_catalog.pg_proc s where s.oid = p.prosupport and s.oid >= 16384)),
    case when l.lanname in ('c', 'internal') then coalesce((select e.extname::text from pg_catalog.pg_depend d join pg_catalog.pg_extension e on e.oid = d.refobjid
      where d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass and d.objid = p.oid and d.deptype = 'e'), l.lanname || ' ' || p.prosrc) else '' end,
    (select n.nspname::text from pg_catalog.pg_namespace n where n.oid = p.pronamespace), p.provolatile = 'v', coalesce(pg_catalog.array_to_string(p.proconfig, E'\n'), '')
  from pg_catalog.pg_proc p join pg_catalog.pg_language l on l.oid = p.prolang where p.proname = any($1) and p.oid >= 16384
union all
select 'type', t.typname,
    pg_catalog.concat_ws(' ', t.typdefault, (select pg_catalog.string_agg(pg_catalog.pg_get_constraintdef(k.oid), ' ') from pg_catalog.pg_constraint k where k.contypid = t.oid)),
    pg_catalog.concat_ws(' ',
      (select pg_catalog.string_agg(pg_catalog.quote_ident(u.typname), ' ') from pg_catalog.pg_type u where u.oid >= 16384 and u.oid in (t.typbasetype, t.typelem)),
      (select pg_catalog.string_agg(pg_catalog.quote_ident(f.proname), ' ') from pg_catalog.pg_proc f
        where f.oid >= 16384 and f.oid in (t.typinput, t.typoutput, t.typreceive, t.typsend, t.typmodin, t.typmodout, t.typanalyze, t.typsubscript)),
      (select pg_catalog.concat_ws(' ', pg_catalog.quote_ident(s.typname), pg_catalog.quote_ident(c.proname), pg_catalog.quote_ident(d.proname))
        from pg_catalog.pg_range r join pg_catalog.pg_type s on s.oid = r.rngsubtype left join pg_catalog.pg_proc c on c.oid = r.rngcanonical
        left join pg_catalog.pg_proc d on d.oid = r.rngsubdiff where t.typtype = 'r' and r.rngtypid = t.oid),
      case when t.typtype = 'm' then (select pg_catalog.string_agg(pg_catalog.quote_ident(u.typname), ' ') from pg_catalog.pg_range r
        join pg_catalog.pg_type u on u.oid = r.rngtypid where r.rngmultitypid = t.oid) end,
      (select pg_catalog.string_agg(pg_catalog.quote_ident(u.typname), ' ') from pg_catalog.pg_attribute a
        join pg_catalog.pg_type u on u.oid = a.atttypid where a.attrelid = t.typrelid and a.attnum > 0 and u.oid >= 16384)),
    '', '', false, ''
  from pg_catalog.pg_type t where t.typname = any($1) and t.oid >= 16384
union all
-- The server's own types that a type is made of, by all their names: a cast to it casts to them.
select 'bases', t.typname, coalesce((select pg_catalog.string_agg(pg_catalog.concat_ws(' ', b.typname, e.typname, pg_catalog.format_type(b.oid, null)), ' ')
    from pg_catalog.pg_type b left join pg_catalog.pg_type e on e.oid = b.typelem
    where b.oid < 16384 and (b.oid = t.typbasetype or b.oid in (select a.atttypid from pg_catalog.pg_attribute a where a.attrelid = t.typrelid and a.attnum > 0))), ''),
    '', '', '', false, ''
  from pg_catalog.pg_type t where t.typname = any($1) and t.oid >= 16384 and t.typtype in ('d', 'c')
