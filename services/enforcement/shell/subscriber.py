"""A subscriber of standings: changes of one stream, and renewals that wait for a lease."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CachedStanding:
    """A standing as bytes (serialized once for all gates), and its position in the topic.

    A replica holds 100,000 of them and more. Decoded they would take several times the memory.
    `offset` is None if the standing was loaded from the database and not yet read from the topic.
    """

    license_id: str
    partner_id: str
    version: int
    serialized: bytes
    """As `standing_codec.decode_standing_changed` returns it."""
    partition: int
    offset: int | None


class Subscriber:
    """Collects for one stream: the newest standing of each changed license, and open renewals."""

    def __init__(self, partner_id: str) -> None:
        self.partner_id = partner_id
        self._changes: dict[str, CachedStanding] = {}
        self._renewals: list[tuple[int, int]] = []
        self._woken = asyncio.Event()

    def add_change(self, changed: CachedStanding) -> None:
        """Adds a changed standing; it replaces an older one that was not taken yet."""
        self._changes.pop(changed.license_id, None)
        self._changes[changed.license_id] = changed
        self.wake()

    def add_renewal(self, sequence: int, received_at: int) -> int:
        """Adds a renewal of the gate; returns the number of renewals that wait for a lease."""
        self._renewals.append((sequence, received_at))
        self.wake()
        return len(self._renewals)

    def wake(self) -> None:
        """Ends a `wait`, because there may be something to take."""
        self._woken.set()

    async def wait(self) -> None:
        """Waits until `wake` is called."""
        await self._woken.wait()
        self._woken.clear()

    def take_changes(self) -> list[CachedStanding]:
        """Returns and removes the collected changes."""
        taken, self._changes = list(self._changes.values()), {}
        return taken

    def take_renewals(self) -> Iterable[tuple[int, int]]:
        """Returns and removes the waiting renewals: sequence and time of receipt."""
        taken, self._renewals = self._renewals, []
        return taken
