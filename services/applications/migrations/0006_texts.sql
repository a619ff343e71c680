-- The texts that decisions rest on, byte for byte: policy files, reference data files and versions
-- of the code of conduct. Events name them by digest. retired_at is null while replicas start with
-- the text.
create table stored_text (
  digest     bytea       primary key check (digest = sha256(content)),
  kind       text        not null,
  version    text        not null,
  file_name  text        not null,
  content    bytea       not null,
  stored_at  timestamptz not null,
  retired_at timestamptz
);

revoke all on stored_text from public;
grant select, insert on stored_text to {app};
grant update (retired_at) on stored_text to {app};
