-- The journal: one row of state per stream, its events for ever, the outbox, and the keys of all that was done.
-- {app} is the role that the service runs as; it may add events and read them, never change or remove them.

create table stream (
  id         uuid        primary key,
  version    int         not null check (version > 0),
  doc        bytea       not null,
  head       bytea       not null,           -- hash of the newest event
  state      text        not null,
  due_at     timestamptz,                    -- when a timer has something to do
  traceparent text       not null,           -- of the step that caused the newest event
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
  state       text        not null,          -- of the stream after this event
  payload     bytea       not null,
  traceparent text        not null,
  prev_hash   bytea       not null,
  hash        bytea       not null,
  position    bigint      generated always as identity,
  xid         xid8        not null default pg_current_xact_id(),
  primary key (stream_id, version)
);
-- The tail reads in the order (xid, position) and never past a transaction that may still commit.
create index event_tail on event (xid, position);

create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception 'events are append-only' using errcode = '42501';
end $$;
create trigger event_is_immutable before update or delete on event for each row execute function refuse_change();
create trigger event_is_not_emptied before truncate on event for each statement execute function refuse_change();
alter table event enable always trigger event_is_immutable;
alter table event enable always trigger event_is_not_emptied;

-- What was asked for or heard already: the request's or event's id, what it was, and the answer it got.
create table done (
  id       uuid        primary key,
  method   text        not null,
  digest   bytea       not null,
  response bytea       not null,
  at       timestamptz not null default now()
);

-- Pointers to events that Kafka has not acknowledged, or a ready body that has no event (a tick).
create table outbox (
  id        bigint   generated always as identity primary key,
  shard     smallint not null,
  stream_id uuid,
  version   int,
  name      text,
  body      bytea,
  check ((stream_id is null) = (body is not null))
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0);
create index outbox_shard on outbox (shard, id);

revoke all on stream, event, done, outbox from public;
grant select, insert, update on stream to {app};
grant select, insert on event to {app};
grant select, insert on done to {app};
grant select, insert, delete on outbox to {app};
grant usage on all sequences in schema public to {app};
