-- Creates the journal: one state row per stream, all events, the outbox, the idempotency keys.
-- {app} is the role that the service runs as. It may add and read events, never change them.
-- journal_rename.sql, which is applied next, gives some tables and columns their present names.

create table stream (
  id         uuid        primary key,
  version    int         not null check (version > 0),
  doc        bytea       not null,           -- now state_data: the state as MessagePack
  head       bytea       not null,           -- now latest_hash: hash of the newest event
  state      text        not null,           -- lifecycle state, for instance SCREENING
  due_at     timestamptz,                    -- when the stream's timer fires; null without a timer
  traceparent text       not null,           -- W3C trace context of the newest event's command
  created_at timestamptz not null,
  updated_at timestamptz not null
);
create index stream_due on stream (due_at) where due_at is not null;

create table event (
  stream_id   uuid        not null,
  version     int         not null,
  event_id    uuid        not null unique,
  name        text        not null,
  actor       text        not null,
  occurred_at timestamptz not null,
  state       text        not null,          -- lifecycle state of the stream after this event
  payload     bytea       not null,
  traceparent text        not null,
  prev_hash   bytea       not null,          -- now previous_hash
  hash        bytea       not null,
  position    bigint      generated always as identity,
  xid         xid8        not null default pg_current_xact_id(),
  primary key (stream_id, version)
);
-- Now event_change_feed: the change feed reads in the order (xid, position), and stops below the
-- oldest transaction that may still commit.
create index event_tail on event (xid, position);

create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception 'events are append-only' using errcode = '42501';
end $$;
create trigger event_is_immutable before update or delete on event
  for each row execute function refuse_change();
create trigger event_is_not_emptied before truncate on event
  for each statement execute function refuse_change();
-- Without `enable always`, a session with session_replication_role = replica skips the triggers.
alter table event enable always trigger event_is_immutable;
alter table event enable always trigger event_is_not_emptied;

-- Now idempotency: one row per request, consumed event or fired timer, with the answer it got.
create table done (
  id       uuid        primary key,
  method   text        not null,
  digest   bytea       not null,
  response bytea       not null,
  at       timestamptz not null default now()  -- now created_at
);

-- Pointers to events that Kafka has not acknowledged, or a complete body without an event, such as
-- a heartbeat. Every row is deleted within seconds, so dead rows are vacuumed early and unthrottled.
create table outbox (
  id        bigint   generated always as identity primary key,
  shard     smallint not null,
  stream_id uuid,
  version   int,
  name      text,
  body      bytea,
  check ((stream_id is null) = (body is not null))
) with (
  autovacuum_vacuum_scale_factor = 0,
  autovacuum_vacuum_threshold = 2000,
  autovacuum_vacuum_cost_delay = 0
);
create index outbox_shard on outbox (shard, id);

revoke all on stream, event, done, outbox from public;
grant select, insert, update on stream to {app};
grant select, insert on event to {app};
grant select, insert on done to {app};
grant select, insert, delete on outbox to {app};
grant usage on all sequences in schema public to {app};
