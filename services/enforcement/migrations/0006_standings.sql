-- The newest standing of each license. After the license has ended, its row has no standing.
create table if not exists standing (
  license_id      uuid        primary key,
  version         int         not null,      -- of the event in the license's stream
  payload         bytea,                     -- StandingChanged; null after it was removed
  not_after       timestamptz,               -- end of the license; null until a replica has read it
  removed_version int                        -- Standing.version that was removed
);
create index if not exists standing_kept on standing (license_id) where payload is not null;
create index if not exists standing_without_end on standing (license_id) where not_after is null;
create index if not exists standing_end on standing (not_after) where payload is not null;

-- With each event, whichever release writes it. Only a newer event replaces a row.
create or replace function keep_standing() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  insert into standing (license_id, version, payload)
  values (new.stream_id, new.version, new.payload)
  on conflict (license_id) do update set version = excluded.version, payload = excluded.payload
   where standing.version < excluded.version;
  return null;
end $$;
drop trigger if exists event_keeps_standing on event;
create trigger event_keeps_standing after insert on event
  for each row when (new.name = 'StandingChanged') execute function keep_standing();
-- Without `enable always`, a session with session_replication_role = replica skips the trigger.
alter table event enable always trigger event_keeps_standing;

-- Removes the standings of licenses that ended longer than `retention` ago; returns their ids.
-- `versions` are those of the rows that were read: a row that was written meanwhile is kept.
create or replace function remove_standings(
  ids uuid[], versions int[], removed int[], retention interval
) returns setof uuid
language sql security definer set search_path = public, pg_temp as $$
  with chosen as (
    select s.license_id, r.removed
      from unnest(ids, versions, removed) as r(id, version, removed)
      join standing s on s.license_id = r.id and s.version = r.version
     where s.payload is not null and s.not_after < now() - retention
     order by s.license_id for update of s skip locked)
  update standing s set payload = null, removed_version = c.removed
    from chosen c where s.license_id = c.license_id
  returning s.license_id;
$$;

revoke all on standing from public;
revoke all on function remove_standings(uuid[], int[], int[], interval) from public;
grant select, update (not_after) on standing to {app};
grant execute on function remove_standings(uuid[], int[], int[], interval) to {app};
