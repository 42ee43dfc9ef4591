-- What relations are called by the names in $1, and what the server runs when they are read or written to:
-- (name, kind, persistence, view, rules, triggers, when, defaults, types, evaluated, policies, children, parents, cascades, related, deferred).
-- Types are also functions that read and write the relation. Triggers, types, children, parents, cascades and related are identifiers, the others are sources.
select c.relname::text, c.relkind::text, c.relpersistence::text,
    coalesce(case when c.relkind in ('v', 'm') then pg_catalog.pg_get_viewdef(c.oid) end, ''),
    coalesce(case when c.relhasrules and exists (select from pg_catalog.pg_rewrite r where r.ev_class = c.oid and r.rulename <> '_RETURN') then 'rule' end, ''),
    coalesce(case when c.relhastriggers then (select pg_catalog.string_agg(pg_catalog.quote_ident(p.proname), ' ') from pg_catalog.pg_trigger t
      join pg_catalog.pg_proc p on p.oid = t.tgfoid where t.tgrelid = c.oid and not t.tgisinternal and t.tgenabled <> 'D') end, ''),
    coalesce(case when c.relhastriggers then (select pg_catalog.string_agg(pg_catalog.pg_get_triggerdef(t.oid), ' ') from pg_catalog.pg_trigger t
      where t.tgrelid = c.oid and t.tgqual is not null and t.tgenabled <> 'D') end, ''),
    coalesce((select pg_catalog.string_agg(case when a.attidentity <> '' then 'nextval' else pg_catalog.pg_get_expr(d.adbin, d.adrelid) end, ' ') from pg_catalog.pg_attribute a
      left join pg_catalog.pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum where a.attrelid = c.oid and (d.adbin is not null or a.attidentity <> '')), ''),
    pg_catalog.concat_ws(' ', (select pg_catalog.string_agg(pg_catalog.quote_ident(t.typname), ' ') from pg_catalog.pg_attribute a
        join pg_catalog.pg_type t on t.oid = a.atttypid where a.attrelid = c.oid and a.attnum > 0 and a.atttypid >= 16384),
      (select pg_catalog.string_agg(pg_catalog.quote_ident(p.proname), ' ') from pg_catalog.pg_am m join pg_catalog.pg_proc p on p.oid = m.amhandler
        where m.oid >= 16384 and (m.oid = c.relam or c.relhasindex and m.oid in (select x.relam from pg_catalog.pg_index i join pg_catalog.pg_class x on x.oid = i.indexrelid where i.indrelid = c.oid))),
      case when c.relkind = 'f' then (select pg_catalog.quote_ident(p.proname) from pg_catalog.pg_foreign_table f join pg_catalog.pg_foreign_server s on s.oid = f.ftserver
        join pg_catalog.pg_foreign_data_wrapper w on w.oid = s.srvfdw join pg_catalog.pg_proc p on p.oid = w.fdwhandler where f.ftrelid = c.oid) end),
    pg_catalog.concat_ws(' ',
      case when c.relchecks > 0 or c.relhasindex then (select pg_catalog.string_agg(pg_catalog.pg_get_constraintdef(k.oid), ' ') from pg_catalog.pg_constraint k where k.conrelid = c.oid and k.contype in ('c', 'x')) end,
      (select pg_catalog.string_agg(pg_catalog.concat_ws(' ', pg_catalog.pg_get_expr(i.indexprs, i.indrelid), pg_catalog.pg_get_expr(i.indpred, i.indrelid)), ' ')
        from pg_catalog.pg_index i where i.indrelid = c.oid and (i.indexprs is not null or i.indpred is not null)),
      case when c.relkind = 'p' then (select pg_catalog.pg_get_expr(p.partexprs, p.partrelid) from pg_catalog.pg_partitioned_table p where p.partrelid = c.oid) end,
      (select pg_catalog.string_agg(pg_catalog.pg_get_expr(s.stxexprs, s.stxrelid), ' ') from pg_catalog.pg_statistic_ext s where s.stxrelid = c.oid)),
    coalesce((select pg_catalog.string_agg(pg_catalog.concat_ws(' ', pg_catalog.pg_get_expr(p.polqual, p.polrelid), pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid)), ' ')
      from pg_catalog.pg_policy p where p.polrelid = c.oid), ''),
    coalesce(case when c.relhassubclass then (select pg_catalog.string_agg(pg_catalog.quote_ident(o.relname), ' ') from pg_catalog.pg_inherits i
      join pg_catalog.pg_class o on o.oid = i.inhrelid where i.inhparent = c.oid) end, ''),
    coalesce((select pg_catalog.string_agg(pg_catalog.quote_ident(o.relname), ' ') from pg_catalog.pg_inherits i
      join pg_catalog.pg_class o on o.oid = i.inhparent where i.inhrelid = c.oid), ''),
    coalesce(case when c.relhastriggers then (select pg_catalog.string_agg(pg_catalog.quote_ident(o.relname), ' ') from pg_catalog.pg_constraint k
      join pg_catalog.pg_class o on o.oid = k.conrelid where k.confrelid = c.oid and k.contype = 'f' and (k.confdeltype in ('c', 'n', 'd') or k.confupdtype in ('c', 'n', 'd'))) end, ''),
    coalesce(case when c.relhastriggers then (select pg_catalog.string_agg(pg_catalog.quote_ident(o.relname), ' ') from pg_catalog.pg_constraint k
      join pg_catalog.pg_class o on o.oid = k.conrelid where k.confrelid = c.oid and k.contype = 'f') end, '')
    || ' ' || coalesce(case when c.relhastriggers then (select pg_catalog.string_agg(pg_catalog.quote_ident(o.relname), ' ') from pg_catalog.pg_constraint k
      join pg_catalog.pg_class o on o.oid = k.confrelid where k.conrelid = c.oid and k.contype = 'f') end, ''),
    -- A foreign key's check runs nothing of users. That of another constraint evaluates the expressions of its index.
    c.relhastriggers and exists (select from pg_catalog.pg_trigger t where t.tgrelid = c.oid and t.tgdeferrable and t.tgenabled <> 'D'
      and (not t.tgisinternal or t.tgfoid = 'pg_catalog.unique_key_recheck'::pg_catalog.regproc))
  from pg_catalog.pg_class c where c.relname = any($1) and c.oid >= 16384 and c.relkind in ('r', 'p', 'f', 'm', 'v', 'S') and c.relpersistence <> 't'
