"""The next release of the aggregate of samples: a new event type, and a new field of the state."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from chassis.store.journal import Journal
from tests.chassis.sample_aggregate import Added, SampleStream, new_key


@dataclass(frozen=True, slots=True)
class Noted:
    """The event type that the next release introduces."""

    sample_id: UUID
    note: str


@dataclass(frozen=True, slots=True)
class NextSample:
    """The state of the next release: it keeps notes."""

    id: UUID
    version: int
    total: int = 0
    nickname: str | None = None
    until: datetime | None = None
    fired: int = 0
    notes: tuple[str, ...] = ()


class NextStream(SampleStream):
    """Samples of the next release."""

    state_type: Any = NextSample
    schema = 2

    def evolve(self, state: Any, event: Any) -> Any:
        notes = state.notes if state is not None else ()
        if isinstance(event, Noted):
            event, notes = Added(event.sample_id, 0), (*notes, event.note)
        old = super().evolve(state, event)
        return NextSample(old.id, old.version, old.total, old.nickname, old.until, old.fired, notes)

    def encode_event(self, event: Any) -> tuple[str, bytes]:
        if isinstance(event, Noted):
            return "Noted", f"{event.sample_id} {event.note}".encode()
        return super().encode_event(event)

    def decode_event(self, name: str, payload: bytes) -> Any:
        if name == "Noted":
            raw, _, note = payload.decode().partition(" ")
            return Noted(UUID(raw), note)
        return super().decode_event(name, payload)


NextJournal = Journal[NextSample, Any]


async def note(journal: NextJournal, sample: UUID, text: str) -> None:
    await journal.execute(
        sample, new_key(), "officer/licensing-1", lambda _: (Noted(sample, text),)
    )


async def row_of(owner: asyncpg.Connection, sample: UUID) -> asyncpg.Record:
    row = await owner.fetchrow("select * from stream where id = $1", sample)
    assert row is not None
    return row


async def write_shape(
    owner: asyncpg.Connection, sample: UUID, schema: int, state: object | None = None
) -> None:
    """Gives the row another number, as another release would, and other bytes if given."""
    await owner.execute("update stream set schema = $2 where id = $1", sample, schema)
    if state is not None:
        await owner.execute(
            "update stream set state_data = $2 where id = $1", sample, msgspec.msgpack.encode(state)
        )
