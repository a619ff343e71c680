-- Prepares the journal for two releases side by side and for one bad record on a stream.
-- {app} is the role that the service runs as.

-- Number of the state's shape (see Stream.schema). 0: written before shapes had numbers, so that the
-- row is folded again from its events when it is next read.
alter table stream add column schema int not null default 0;

-- The fence: the newest version of each source stream that this service has handled. An event with
-- this version or an older one is a duplicate.
create table handled (
  source     text        not null,           -- publishing service, for instance /applications
  stream_id  uuid        not null,
  version    int         not null check (version > 0),
  updated_at timestamptz not null default now(),
  primary key (source, stream_id)
);

create function refuse_older_version() returns trigger language plpgsql as $$
begin
  raise exception 'version % of a source stream was handled before', old.version
    using errcode = 'serialization_failure';
end $$;
create trigger handled_never_falls before update on handled
  for each row when (new.version <= old.version) execute function refuse_older_version();

-- Consumed events that cannot be handled yet, and behind each all later events of its stream.
create table parked (
  id            bigint      generated always as identity primary key,
  topic         text        not null,
  partition     int         not null,
  record_offset bigint      not null,
  source        text        not null,
  stream_id     uuid        not null,
  version       int         not null,
  event_id      uuid        not null,
  type          text        not null,        -- short name of the event, for instance LicenseIssued
  key           bytea,
  payload       bytea       not null,
  headers       bytea       not null,        -- MessagePack: list of name and value
  reason        text        not null,        -- BEHIND: only an earlier event of the stream stops it
  error         text        not null default '',
  attempts      int         not null default 0,
  parked_at     timestamptz not null default now(),
  retry_at      timestamptz,                 -- when it is tried next; null: when an operator says so
  unique (source, stream_id, version)
);
create index parked_retry on parked (retry_at) where retry_at is not null;

-- Parked events that an operator gave up, with the reason.
create table dropped (
  like parked,
  dropped_at  timestamptz not null default now(),
  dropped_by  text        not null,
  drop_reason text        not null
);

-- Operators may only read tables. These functions are all that they may change, and only roles that
-- may connect to the database can call them.
create function retry_parked(ids bigint[]) returns setof bigint
language sql security definer set search_path = public, pg_temp as $$
  update parked p set retry_at = now()
    from (select distinct on (source, stream_id) id from parked
           where (source, stream_id) in (select source, stream_id from parked where id = any(ids))
           order by source, stream_id, version) first
   where p.id = first.id returning p.id;
$$;
create function drop_parked(parked_id bigint, who text, why text) returns setof bigint
language sql security definer set search_path = public, pg_temp as $$
  with gone as (delete from parked where id = parked_id returning *)
  insert into dropped select gone.*, now(), who, why from gone returning id;
$$;

-- A record that cannot be sent stays in the outbox with a reason, and behind it (BEHIND) the later
-- records of its stream. The relay leaves out these rows, and not their shard.
alter table outbox add column parked_reason text, add column parked_at timestamptz;
create index outbox_parked on outbox (stream_id, id) where parked_reason is not null;
create index outbox_unparked on outbox (shard, id) where parked_reason is null;
drop index outbox_shard;

-- Frees records and the later ones of their streams, for operators. The relay then sends them.
create function retry_outbox(ids bigint[]) returns setof bigint
language sql security definer set search_path = public, pg_temp as $$
  with chosen as (select id, stream_id from outbox
                   where id = any(ids) and parked_reason is not null)
  update outbox o set parked_reason = null, parked_at = null
   where o.parked_reason is not null
     and (o.id in (select id from chosen) or o.stream_id in (select stream_id from chosen))
  returning o.id;
$$;

revoke all on handled, parked, dropped from public;
grant select, insert, update on handled to {app};
grant select, insert, update, delete on parked to {app};
grant update (parked_reason, parked_at) on outbox to {app};
-- Readiness compares it with the newest migration of the code.
grant select on alembic_version to {app};
grant usage on all sequences in schema public to {app};
