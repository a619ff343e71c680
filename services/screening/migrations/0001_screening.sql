-- Two kinds of streams share the table: screenings of an application, and a list. `kind` tells them apart.
alter table stream
  add column kind       text not null check (kind in ('screening', 'list')),
  add column partner_id text check ((kind = 'screening') = (partner_id is not null));

-- The files that list versions were read from, byte for byte, found by their SHA-256.
create table list_source (
  digest    bytea primary key check (digest = sha256(content)),
  list_code text  not null,
  content   bytea not null
);
-- The publisher's files come compressed.
alter table list_source alter column content set storage external;
create trigger list_source_is_immutable before update or delete on list_source
  for each row execute function refuse_change();
create trigger list_source_is_not_emptied before truncate on list_source
  for each statement execute function refuse_change();
alter table list_source enable always trigger list_source_is_immutable;
alter table list_source enable always trigger list_source_is_not_emptied;

revoke all on list_source from public;
grant select, insert on list_source to {app};
