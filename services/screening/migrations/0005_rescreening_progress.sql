-- The table records which applications are compared with the active lists, and says so now.
-- A process of the release before cannot work on the renamed table: stop all replicas first.
alter table coverage rename to rescreening_progress;
alter index coverage_pkey rename to rescreening_progress_pkey;

-- PostgreSQL 18 names a NOT NULL constraint after its table, and keeps that name when the table is
-- renamed. Older servers have no such constraints, and nothing happens here.
do $$
declare
  each record;
begin
  for each in
    select conname as old_name, replace(conname, 'coverage_', 'rescreening_progress_') as new_name
      from pg_constraint
     where contype = 'n' and conrelid = 'rescreening_progress'::regclass
       and conname like 'coverage\_%'
  loop
    execute format('alter table rescreening_progress rename constraint %I to %I',
                   each.old_name, each.new_name);
  end loop;
end $$;
