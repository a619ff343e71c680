-- The version of all lists that an application was last screened against, so that who was left behind is found.
alter table stream add column list_version text;
create index stream_monitored on stream (id) where kind = 'screening' and state in ('SCREENED', 'LICENSED');

-- A mark of work done, no fact: compared with what these lists changed, without anything new. Losing it costs time only.
create table coverage (
  application_id uuid primary key,
  list_version   text not null
);

-- A row a hit: what officers list hits by, and by which a pair that was judged is known again. The hit itself is part of
-- its application's stream.
create table hit (
  hit_id         uuid        primary key,
  application_id uuid        not null,
  party_content  text        not null,
  entry_content  text        not null,
  state          text        not null,
  is_judged      boolean     not null,
  found_at       timestamptz not null
);
create index hit_newest on hit (found_at desc, hit_id desc);
create index hit_in_state on hit (state, found_at desc, hit_id desc);
create index hit_of_application on hit (application_id, found_at desc, hit_id desc);
create index hit_false on hit (party_content, entry_content) where state = 'FALSE_POSITIVE';
create index hit_undecided on hit (party_content, entry_content) where state in ('OPEN', 'CLEARING_PROPOSED');

revoke all on coverage, hit from public;
grant select, insert, update on coverage, hit to {app};
