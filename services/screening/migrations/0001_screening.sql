-- Streams of applications and streams of lists share the table; `kind` separates them.
alter table stream
  add column kind       text not null check (kind in ('screening', 'list')),
  add column partner_id text check ((kind = 'screening') = (partner_id is not null));

-- The source files of list versions, byte for byte, by their SHA-256.
create table list_source (
  digest    bytea primary key check (digest = sha256(content)),
  list_code text  not null,
  content   bytea not null
);
-- Not compressed again: the files are compressed already.
alter table list_source alter column content set storage external;
create trigger list_source_is_immutable before update or delete on list_source
  for each row execute function refuse_change();
create trigger list_source_is_not_emptied before truncate on list_source
  for each statement execute function refuse_change();
alter table list_source enable always trigger list_source_is_immutable;
alter table list_source enable always trigger list_source_is_not_emptied;

revoke all on list_source from public;
grant select, insert on list_source to {app};
