alter table stream
  add column partner_id   text        not null,
  add column submitted_at timestamptz not null,
  add column license_id   uuid        unique,
  add column licensed_at  timestamptz;

-- A partner's own, newest first; of one state or of all.
create index stream_of_partner on stream (partner_id, submitted_at desc, id desc);
create index stream_of_partner_in_state on stream (partner_id, state, submitted_at desc, id desc);
create index stream_licensed on stream (partner_id, licensed_at desc, id desc) where license_id is not null;

-- The officers' queue, oldest first. The states are spelled out, or the planner would not trust the index.
create index stream_waiting on stream (state, submitted_at, id)
  where state in ('UNDER_REVIEW', 'INTENT_TO_DENY', 'PENDING_COUNTERSIGN');
