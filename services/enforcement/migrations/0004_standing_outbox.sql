-- Standings and heartbeats leave the common outbox, so that no other event delays them.
create table standing_outbox (
  id            bigint   generated always as identity primary key,
  shard         smallint not null,
  stream_id     uuid,
  version       int,
  name          text,
  body          bytea,
  parked_reason text,                        -- as in outbox
  parked_at     timestamptz,
  check ((stream_id is null) = (body is not null))
) with (
  autovacuum_vacuum_scale_factor = 0,
  autovacuum_vacuum_threshold = 2000,
  autovacuum_vacuum_cost_delay = 0
);
create index standing_outbox_unparked on standing_outbox (shard, id) where parked_reason is null;
create index standing_outbox_parked on standing_outbox (stream_id, id)
  where parked_reason is not null;

-- As retry_outbox.
create function retry_standing_outbox(ids bigint[]) returns setof bigint
language sql security definer set search_path = public, pg_temp as $$
  with chosen as (select id, stream_id from standing_outbox
                   where id = any(ids) and parked_reason is not null)
  update standing_outbox o set parked_reason = null, parked_at = null
   where o.parked_reason is not null
     and (o.id in (select id from chosen) or o.stream_id in (select stream_id from chosen))
  returning o.id;
$$;

-- A standing that stayed behind in the common outbox could be overtaken by a heartbeat.
with moved as (
  delete from outbox o
   where o.body is not null
      or exists (select 1 from event e where e.stream_id = o.stream_id and e.version = o.version
                  and e.name = 'StandingChanged')
  returning id, shard, stream_id, version, name, body)
insert into standing_outbox (shard, stream_id, version, name, body)
select shard, stream_id, version, name, body from moved order by id;

revoke all on standing_outbox from public;
grant select, insert, delete, update (parked_reason, parked_at) on standing_outbox to {app};
