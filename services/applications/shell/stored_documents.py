"""Keeps license documents as they were signed: each is signed once, and reads return its bytes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from chassis.store.journal import Journal
from chassis.store.stream import EventTable
from services.applications.core.events import Event, LicenseIssued
from services.applications.core.model import Application, License
from services.applications.shell.license_documents import LicenseSigner

FIRST_REVISION: Final = 1
_COLUMNS: Final = (
    ("license_id", "uuid"),
    ("revision", "int"),
    ("application_id", "uuid"),
    ("key_id", "text"),
    ("document", "text"),
    ("signed_at", "timestamptz"),
)
_NEWEST: Final = (
    "select document, revision from license_document where license_id = $1"
    " order by revision desc limit 1"
)
_KEEP: Final = (
    "insert into license_document"
    " (license_id, revision, application_id, key_id, document, signed_at)"
    " values ($1, $2, $3, $4, $5, $6) on conflict do nothing"
)


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """A signed document. `revision` counts the documents of a license, from 1."""

    document: str
    revision: int


def document_table(signer: LicenseSigner) -> EventTable[Application, Event]:
    """Returns the table that gets the signed document of each license with its LicenseIssued."""

    def rows(
        event: Event, state: Application, event_hash: bytes, at: datetime
    ) -> Sequence[tuple[object, ...]]:
        if not isinstance(event, LicenseIssued) or state.license is None:
            return ()
        return (_row(signer, state.license, event_hash, at),)

    return EventTable("license_document", _COLUMNS, rows)


class StoredDocuments:
    """The documents of table `license_document`."""

    def __init__(
        self,
        journal: Journal[Application, Event],
        signer: LicenseSigner,
        clock: Callable[[], datetime],
    ) -> None:
        self._journal, self._signer, self._clock = journal, signer, clock

    async def newest(self, license_: License) -> StoredDocument:
        """Returns the newest document of a license.

        A license of an earlier release has none: its document is signed now, once. Two replicas
        that do so at the same time return the same document. Raises RpcError STORAGE_UNAVAILABLE.
        """
        found = await self._find(license_.license_id)
        if found is None:
            await self._sign(license_)
            found = await self._find(license_.license_id)
        assert found is not None, "the document was stored above, and is never removed meanwhile"
        return found

    async def _find(self, license_id: UUID) -> StoredDocument | None:
        rows = await self._journal.fetch(_NEWEST, license_id)
        return StoredDocument(*rows[0].values()) if rows else None

    async def _sign(self, license_: License) -> None:
        history = await self._journal.history(license_.application_id)
        issued = next(each for each in history if each.name == "LicenseIssued")
        await self._journal.fetch(_KEEP, *_row(self._signer, license_, issued.hash, self._clock()))


def _row(
    signer: LicenseSigner, license_: License, event_hash: bytes, at: datetime
) -> tuple[object, ...]:
    return (
        license_.license_id,
        FIRST_REVISION,
        license_.application_id,
        signer.key_id,
        signer.sign(license_, event_hash),
        at,
    )
