"""The public keys that license documents verify with: the present one and all former ones."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from chassis.store.journal import Journal
from services.applications.core.events import Event
from services.applications.core.model import Application
from services.applications.shell.license_documents import LicenseSigner

# One statement: between two, another replica could see both keys in use, or none.
_REGISTER: Final = """
with retired as (
  update signing_key set retired_at = now() where key_id <> $1 and retired_at is null)
insert into signing_key (key_id, public_key, valid_from) values ($1, $2, now())
on conflict (key_id) do update set retired_at = null
"""
_ALL: Final = (
    "select key_id, public_key, valid_from, retired_at from signing_key"
    " order by retired_at desc nulls first, valid_from desc, key_id"
)


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A public key. `valid_from` is None until it is registered, `retired_at` while it signs."""

    key_id: str
    public_key: bytes
    valid_from: datetime | None
    retired_at: datetime | None


class SigningKeys:
    """The keys of table `signing_key`."""

    def __init__(self, journal: Journal[Application, Event], signer: LicenseSigner) -> None:
        self._journal, self._signer = journal, signer

    async def register(self) -> None:
        """Stores the key that this replica signs with; the others count as retired from now on.

        While replicas are replaced, two keys sign for some minutes. Both stay published. Raises
        RpcError STORAGE_UNAVAILABLE.
        """
        await self._journal.fetch(_REGISTER, self._signer.key_id, self._signer.public_key)

    async def published(self) -> list[SigningKey]:
        """Returns all keys, those in use first. Raises RpcError STORAGE_UNAVAILABLE."""
        found = [SigningKey(*row.values()) for row in await self._journal.fetch(_ALL)]
        own = self._signer
        if own.key_id not in {each.key_id for each in found}:
            found.insert(0, SigningKey(own.key_id, own.public_key, None, None))
        return found
