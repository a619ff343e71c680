-- A license document as it was signed, once. It names the license holder: erasing an application
-- deletes its rows, as the owner of the table.
create table license_document (
  license_id     uuid        not null,
  revision       int         not null check (revision > 0),
  application_id uuid        not null,
  key_id         text        not null,
  document       text        not null,
  signed_at      timestamptz not null,
  primary key (license_id, revision)
);
create index license_document_of_application on license_document (application_id);

-- The public keys that documents verify with. A key is never removed while documents need it.
create table signing_key (
  key_id     text        primary key,
  public_key bytea       not null check (octet_length(public_key) = 32),
  valid_from timestamptz not null,
  retired_at timestamptz
);

revoke all on license_document, signing_key from public;
grant select, insert on license_document, signing_key to {app};
grant update (retired_at) on signing_key to {app};
