"""Keeps the texts that decisions rest on, by digest: policy, reference data, code of conduct.

A text is stored before an event names its digest, and is never changed or removed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from chassis.store.journal import Journal
from services.applications.core.events import Event
from services.applications.core.model import Application
from services.applications.shell.data_files import SourceText, TextKind

# One statement: between two, an auditor could see two texts of a kind in use, or none.
_STORE: Final = """
with given as (
  select * from unnest($1::bytea[], $2::text[], $3::text[], $4::text[], $5::bytea[])
    as g (digest, kind, version, file_name, content)),
retired as (
  update stored_text t set retired_at = now() from given g
   where t.kind = g.kind and t.digest <> g.digest and t.retired_at is null)
insert into stored_text (digest, kind, version, file_name, content, stored_at)
select digest, kind, version, file_name, content, now() from given
on conflict (digest) do update set retired_at = null where stored_text.retired_at is not null
"""


_CODES: Final = (
    "select digest, content from stored_text"
    " where digest = any($1::bytea[]) and kind = 'CODE_OF_CONDUCT'"
)


class StoredTexts:
    """The texts of table `stored_text`, and those that this replica works with."""

    def __init__(self, journal: Journal[Application, Event], in_use: Sequence[SourceText]) -> None:
        self._journal, self._in_use = journal, tuple(in_use)
        self._is_stored = False
        self._codes = {
            each.digest: each.content.decode()
            for each in self._in_use
            if each.kind is TextKind.CODE_OF_CONDUCT
        }

    @property
    def codes(self) -> Mapping[bytes, str]:
        """The code of conduct in force, and those that `load_codes` has read, by digest."""
        return self._codes

    async def load_codes(self, *applications: Application) -> None:
        """Reads the texts that these applications must sign, so that `codes` has them.

        A text that no release has kept stays unknown. Raises RpcError STORAGE_UNAVAILABLE.
        """
        wanted = {each.code_digest for each in applications if each.code_digest}
        if missing := wanted - self._codes.keys():
            for row in await self._journal.fetch(_CODES, list(missing)):
                self._codes[row["digest"]] = row["content"].decode()

    async def ensure_stored(self) -> None:
        """Stores the texts that this replica works with, if it has not done so since its start.

        Every decision that names a digest waits for this. The texts count as in use from now on,
        and the others of their kinds as retired. While replicas are replaced, two may be in use.
        Raises RpcError STORAGE_UNAVAILABLE.
        """
        if self._is_stored:
            return
        rows = [
            (each.digest, each.kind.value, each.version, each.file_name, each.content)
            for each in self._in_use
        ]
        await self._journal.fetch(_STORE, *map(list, zip(*rows, strict=True)))
        self._is_stored = True
