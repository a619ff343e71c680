-- The index version that an application was last screened against: those that are behind are found by it.
alter table stream add column list_version text;
create index stream_monitored on stream (id) where kind = 'screening' and state in ('SCREENED', 'LICENSED');

-- Progress of comparisons with a list change in which no hit was new. Losing a row costs time, no result.
create table coverage (
  application_id uuid primary key,
  list_version   text not null
);

-- One row for each hit: officers list hits by it, and a cleared pair of party and entry is found by it. The
-- hit itself is part of its application's stream.
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
