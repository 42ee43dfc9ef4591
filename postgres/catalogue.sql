-- One row for each fact about the database that decides what a statement may do besides what its text shows: (kind, name, text).
-- Objects below OID 16384 came with the server.
select 'builtin' as kind, p.proname::text as name, '' as text
  from pg_catalog.pg_proc p where p.oid < 16384 and p.provolatile <> 'v'
union
select 'volatile builtin', p.proname, ''
  from pg_catalog.pg_proc p where p.oid < 16384 and p.provolatile = 'v'
union all
select 'trusted function', p.proname, coalesce(e.extname, '')
  from pg_catalog.pg_proc p join pg_catalog.pg_language l on l.oid = p.prolang
  left join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass and d.objid = p.oid and d.deptype = 'e'
  left join pg_catalog.pg_extension e on e.oid = d.refobjid
  where p.oid >= 16384 and l.lanname in ('c', 'internal') and p.provolatile <> 'v'
union all
select 'foreign function', p.proname, coalesce(e.extname, '')
  from pg_catalog.pg_proc p join pg_catalog.pg_language l on l.oid = p.prolang
  left join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass and d.objid = p.oid and d.deptype = 'e'
  left join pg_catalog.pg_extension e on e.oid = d.refobjid
  where p.oid >= 16384 and (l.lanname in ('c', 'internal') and p.provolatile = 'v' or l.lanname not in ('c', 'internal', 'sql', 'plpgsql'))
union all
select case l.lanname when 'sql' then 'sql function' else 'function' end, p.proname, coalesce(pg_catalog.pg_get_function_sqlbody(p.oid), p.prosrc) || ' ' || coalesce(pg_catalog.pg_get_expr(p.proargdefaults, 0), '')
    -- What it sets is as before afterwards, but for what a setting does when it is set: those of this list do nothing.
    || case when exists (select from pg_catalog.unnest(p.proconfig) c where pg_catalog.lower(pg_catalog.split_part(c, '=', 1)) not in
      ('search_path', 'work_mem', 'maintenance_work_mem', 'statement_timeout', 'lock_timeout', 'timezone', 'datestyle', 'intervalstyle', 'client_min_messages',
       'row_security', 'jit', 'extra_float_digits', 'check_function_bodies', 'enable_seqscan', 'enable_indexscan', 'enable_nestloop', 'enable_hashjoin',
       'enable_mergejoin', 'random_page_cost', 'plan_cache_mode', 'xmloption', 'bytea_output')) then ' set' else '' end
  from pg_catalog.pg_proc p join pg_catalog.pg_language l on l.oid = p.prolang
  where p.oid >= 16384 and l.lanname in ('sql', 'plpgsql')
union all
select 'view', c.relname, pg_catalog.pg_get_viewdef(c.oid)
  from pg_catalog.pg_class c where c.oid >= 16384 and c.relkind in ('v', 'm')
union all
select 'policy', c.relname, coalesce(pg_catalog.pg_get_expr(p.polqual, p.polrelid), '') || ' ' || coalesce(pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid), '')
  from pg_catalog.pg_policy p join pg_catalog.pg_class c on c.oid = p.polrelid
union all
select 'table', c.relname, ''
  from pg_catalog.pg_class c where c.oid >= 16384 and c.relkind in ('r', 'p', 'f', 'm') and c.relpersistence <> 't'
union all
-- What a replica does not have, or has otherwise.
select case c.relkind when 'S' then 'sequence' when 'f' then 'foreign table' else 'unlogged' end, c.relname, ''
  from pg_catalog.pg_class c
  where c.oid >= 16384 and (c.relkind in ('S', 'f') and c.relpersistence <> 't' or c.relkind in ('r', 'p', 'm') and c.relpersistence = 'u')
union all
select 'rule', c.relname, ''
  from pg_catalog.pg_rewrite r join pg_catalog.pg_class c on c.oid = r.ev_class
  where c.oid >= 16384 and (r.rulename <> '_RETURN' or c.relkind = 'v')
union all
select 'trigger', c.relname, p.proname
  from pg_catalog.pg_trigger t join pg_catalog.pg_class c on c.oid = t.tgrelid join pg_catalog.pg_proc p on p.oid = t.tgfoid
  where not t.tgisinternal and t.tgenabled <> 'D'
union all
select 'check', c.relname, pg_catalog.pg_get_triggerdef(t.oid)
  from pg_catalog.pg_trigger t join pg_catalog.pg_class c on c.oid = t.tgrelid
  where t.tgqual is not null and t.tgenabled <> 'D'
union all
select 'default', c.relname, case when a.attidentity <> '' then 'nextval' else pg_catalog.pg_get_expr(d.adbin, d.adrelid) end
  from pg_catalog.pg_attribute a join pg_catalog.pg_class c on c.oid = a.attrelid
  left join pg_catalog.pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
  where c.oid >= 16384 and (a.attidentity <> '' or d.adbin is not null)
union all
select 'check', c.relname, pg_catalog.pg_get_constraintdef(k.oid)
  from pg_catalog.pg_constraint k join pg_catalog.pg_class c on c.oid = k.conrelid where c.oid >= 16384 and k.contype = 'c'
union all
-- Whoever reads or writes name may read or write text as well.
select 'part', parent.relname, child.relname
  from pg_catalog.pg_inherits i join pg_catalog.pg_class parent on parent.oid = i.inhparent join pg_catalog.pg_class child on child.oid = i.inhrelid
union all
-- Whoever writes to name may write to text as well.
select 'cascade', parent.relname, child.relname
  from pg_catalog.pg_constraint k join pg_catalog.pg_class parent on parent.oid = k.confrelid join pg_catalog.pg_class child on child.oid = k.conrelid
  where k.contype = 'f' and (k.confdeltype in ('c', 'n', 'd') or k.confupdtype in ('c', 'n', 'd'))
union all
select 'hidden', '', pg_catalog.pg_get_constraintdef(k.oid)
  from pg_catalog.pg_constraint k where k.oid >= 16384 and k.contypid <> 0
union all
select 'hidden', '', p.proname
  from pg_catalog.pg_operator o join pg_catalog.pg_proc p on p.oid = o.oprcode where o.oid >= 16384
union all
select 'hidden', '', p.proname
  from pg_catalog.pg_cast k join pg_catalog.pg_proc p on p.oid = k.castfunc where k.oid >= 16384
union all
select 'hidden', '', p.proname
  from pg_catalog.pg_type t join pg_catalog.pg_proc p on p.oid in (t.typinput, t.typoutput, t.typreceive, t.typsend, t.typmodin, t.typmodout) where t.oid >= 16384 and p.oid >= 16384
union all
select 'hidden', '', p.proname
  from pg_catalog.pg_aggregate a join pg_catalog.pg_proc p on p.oid in (a.aggtransfn, a.aggfinalfn, a.aggcombinefn, a.aggmtransfn, a.aggminvtransfn, a.aggmfinalfn)
  where p.oid >= 16384
union all
select 'hidden', '', p.proname
  from pg_catalog.pg_range r join pg_catalog.pg_proc p on p.oid in (r.rngcanonical, r.rngsubdiff) where p.oid >= 16384
union all
select 'hidden', '', t.typdefault from pg_catalog.pg_type t where t.oid >= 16384 and t.typdefault is not null
union all
select 'hidden', '', p.proname
  from pg_catalog.pg_amproc a join pg_catalog.pg_proc p on p.oid = a.amproc where a.oid >= 16384
union all
select 'check', c.relname, coalesce(pg_catalog.pg_get_expr(i.indexprs, i.indrelid), '') || ' ' || coalesce(pg_catalog.pg_get_expr(i.indpred, i.indrelid), '')
  from pg_catalog.pg_index i join pg_catalog.pg_class c on c.oid = i.indrelid where c.oid >= 16384 and (i.indexprs is not null or i.indpred is not null)
union all
select 'check', c.relname, pg_catalog.pg_get_expr(p.partexprs, p.partrelid)
  from pg_catalog.pg_partitioned_table p join pg_catalog.pg_class c on c.oid = p.partrelid where p.partexprs is not null
union all
select 'event trigger', e.evtname, p.proname
  from pg_catalog.pg_event_trigger e join pg_catalog.pg_proc p on p.oid = e.evtfoid where e.evtenabled <> 'D' and e.evtevent <> 'login'
