-- Gives the journal's tables, columns and indexes the names of their field. No row is rewritten.
-- A process of the release before cannot work on the renamed tables: stop all replicas first.

alter table done rename to idempotency;
alter table idempotency rename column at to created_at;
alter index done_pkey rename to idempotency_pkey;

alter table stream rename column doc to state_data;
alter table stream rename column head to latest_hash;

alter table event rename column prev_hash to previous_hash;
alter index event_tail rename to event_change_feed;

-- PostgreSQL 18 names a NOT NULL constraint after its table and column, and keeps that name when
-- either is renamed. Older servers have no such constraints, and nothing happens here.
do $$
declare
  each record;
begin
  for each in
    select c.conrelid::regclass as table_name, c.conname as old_name,
           format('%s_%s_not_null', t.relname, a.attname) as new_name
      from pg_constraint c
      join pg_class t on t.oid = c.conrelid
      join pg_attribute a on a.attrelid = c.conrelid and a.attnum = c.conkey[1]
     where c.contype = 'n'
       and t.oid in ('stream'::regclass, 'event'::regclass, 'idempotency'::regclass)
  loop
    if each.old_name <> each.new_name then
      execute format('alter table %s rename constraint %I to %I',
                     each.table_name, each.old_name, each.new_name);
    end if;
  end loop;
end $$;

-- The function also guards tables other than `event`, so its message names the table.
create or replace function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception 'table % is append-only', tg_table_name using errcode = '42501';
end $$;
