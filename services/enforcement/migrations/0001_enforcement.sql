-- A row a case: which license it is about, and what officers list cases by. The case itself is part of its license's stream.
create table violation (
  violation_id uuid        primary key,
  license_id   uuid        not null,
  state        text        not null,
  opened_at    timestamptz not null
);
create index violation_newest on violation (opened_at desc, violation_id desc);
create index violation_in_state on violation (state, opened_at desc, violation_id desc);
create index violation_of_license on violation (license_id, opened_at desc, violation_id desc);

revoke all on violation from public;
grant select, insert, update on violation to {app};
