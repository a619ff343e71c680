"""What is wrong with one stream's chain of events, and with which of them. Pure.

An event's hash covers the hash before, its stream, version, time, name, actor and payload. From that follows more than
"broken": a row that stands elsewhere still has the hash of its old place, an inserted row is nobody's predecessor, and
a number that nobody was written as is missing. Not in the hash, and so not judged, are the trace of an event and the
name of the state after it, but for the newest one's, which the state row repeats.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from chassis.store.hash_chain import StoredEvent, chain_hash, event_id_of

GENESIS: Final = bytes(32)
FARTHEST: Final = 1000
"""How many versions away a row is looked for."""


class Kind(StrEnum):
    """What was done, as far as the traces of it tell."""

    CHANGED = "CHANGED"
    """A row's content is not what its hash was made of."""
    REPLACED = "REPLACED"
    """A row fits itself, but not what follows it."""
    REORDERED = "REORDERED"
    """A row was written as another version."""
    INSERTED = "INSERTED"
    """A row that nothing follows from, in another one's place or behind the newest."""
    REMOVED = "REMOVED"
    """A row is missing among others."""
    CUT = "CUT"
    """The newest rows are missing."""
    STATE = "STATE"
    """The state row is missing or does not belong to its events."""
    OUTBOX = "OUTBOX"
    """A pointer of the outbox has no event."""
    REWRITTEN = "REWRITTEN"
    """Another event was published than is stored."""
    UNRECORDED = "UNRECORDED"
    """An event was published that is not stored."""
    UNPUBLISHED = "UNPUBLISHED"
    """An event is stored that was neither published nor waits to be."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that does not hold, at a version of a stream."""

    kind: Kind
    version: int
    detail: str


@dataclass(frozen=True, slots=True)
class Head:
    """What a stream's state row says of its newest event."""

    version: int
    hash: bytes
    state: str


def faults_of(rows: Sequence[StoredEvent], head: Head | None) -> tuple[Fault, ...]:
    """Everything wrong with a stream, by version; empty when its chain is whole. `rows` as they stand, by version."""
    written = {row.version: _written_as(row) for row in rows}
    genuine, inserted = _told_apart(rows, written, head)
    changed = {row.version for row in rows if not written[row.version]} - inserted
    missing = _missing(genuine, changed, head)
    faults = [
        *(
            Fault(Kind.CHANGED, version, "its content is not what its hash was made of")
            for version in changed
        ),
        *(
            Fault(Kind.INSERTED, version, "it is no part of the chain: nothing follows from it")
            for version in inserted
        ),
        *_gaps(missing, genuine, changed),
        *_displaced(genuine, inserted, missing),
        *_replaced(genuine, head),
        *_misnamed(genuine.values()),
        *_headless(rows, genuine, head),
    ]
    return tuple(sorted(faults, key=lambda fault: (fault.version, fault.kind)))


def _written_as(row: StoredEvent) -> int:
    """The version that the row's hash was made for; 0 when its content has another hash at every place near."""
    near = sorted(
        range(max(1, row.version - FARTHEST), row.version + FARTHEST),
        key=lambda v: abs(v - row.version),
    )
    return next((version for version in near if _hash(row, version) == row.hash), 0)


def _hash(row: StoredEvent, version: int) -> bytes:
    return chain_hash(
        row.previous_hash, row.stream_id, version, row.occurred_at, row.name, row.actor, row.payload
    )


def _told_apart(
    rows: Sequence[StoredEvent], written: Mapping[int, int], head: Head | None
) -> tuple[dict[int, StoredEvent], set[int]]:
    """The rows of the chain by the version they were written as, and the versions where inserted ones stand."""
    claims: dict[int, list[StoredEvent]] = defaultdict(list)
    for row in rows:
        if written[row.version]:
            claims[written[row.version]].append(row)
    followed = {row.previous_hash for row in rows if written[row.version]} | (
        {head.hash} if head is not None else set()
    )
    genuine: dict[int, StoredEvent] = {}
    inserted: set[int] = set()
    for version, claiming in claims.items():
        best = max(claiming, key=lambda row: (row.hash in followed, row.version == version))
        genuine[version] = best
        inserted |= {row.version for row in claiming if row is not best}
        if head is not None and version > head.version and best.version == version:
            inserted.add(version)
    # Garbage in the place of a row that stands elsewhere, or behind the newest, is not that row, changed.
    last = head.version if head is not None else max(written, default=0)
    inserted |= {
        v for v, made_for in written.items() if not made_for and (v in genuine or v > last)
    }
    return {v: row for v, row in genuine.items() if row.version not in inserted}, inserted


def _missing(genuine: Mapping[int, StoredEvent], changed: set[int], head: Head | None) -> list[int]:
    last = max([*genuine, *changed, head.version if head is not None else 0], default=0)
    return [
        version
        for version in range(1, last + 1)
        if version not in genuine and version not in changed
    ]


def _gaps(
    missing: Sequence[int], genuine: Mapping[int, StoredEvent], changed: set[int]
) -> Iterator[Fault]:
    last = max([*genuine, *changed], default=0)
    for version in missing:
        if version > last:
            yield Fault(
                Kind.CUT,
                version,
                "the state row counts it, but it is missing, and nothing stands behind it",
            )
        else:
            yield Fault(Kind.REMOVED, version, "it is missing, though later events stand")


def _displaced(
    genuine: Mapping[int, StoredEvent], inserted: set[int], missing: Sequence[int]
) -> Iterator[Fault]:
    """Rows that stand elsewhere, unless an insertion or a removal before them is why."""
    for version, row in genuine.items():
        moved = sum(each < row.version for each in inserted) - sum(
            each < version for each in missing
        )
        if row.version not in {version, version + moved}:
            yield Fault(Kind.REORDERED, row.version, f"it was written as version {version}")


def _replaced(genuine: Mapping[int, StoredEvent], head: Head | None) -> Iterator[Fault]:
    """Rows that fit themselves but not what stands next to them, the state row included."""
    torn = {
        version
        for version, row in genuine.items()
        if (before := GENESIS if version == 1 else _hash_at(genuine, version - 1)) is not None
        and row.previous_hash != before
    }
    if head is not None and _hash_at(genuine, head.version) not in {None, head.hash}:
        torn.add(head.version + 1)
    for version in sorted(torn):
        # Torn on both sides is the row itself; torn on its far side only is a row made anew with a hash of its own.
        culprits = (
            {version}
            if version + 1 in torn
            else ({max(1, version - 1)} if version - 1 not in torn else set())
        )
        for culprit in culprits:
            detail = "what stands next to it belongs to another event"
            yield Fault(Kind.REPLACED, genuine[culprit].version, detail)


def _hash_at(genuine: Mapping[int, StoredEvent], version: int) -> bytes | None:
    row = genuine.get(version)
    return row.hash if row is not None else None


def _misnamed(rows: Iterable[StoredEvent]) -> Iterator[Fault]:
    for row in rows:
        if row.event_id != event_id_of(row.hash):
            yield Fault(Kind.CHANGED, row.version, "its id is not that of its hash")


def _headless(
    rows: Sequence[StoredEvent], genuine: Mapping[int, StoredEvent], head: Head | None
) -> Iterator[Fault]:
    if head is None:
        yield Fault(
            Kind.STATE, rows[-1].version if rows else 0, "there are events, but no state row"
        )
        return
    newest = genuine.get(head.version)
    if newest is not None and newest.hash == head.hash and newest.state != head.state:
        yield Fault(
            Kind.STATE,
            newest.version,
            f"the state row says {head.state}, the newest event {newest.state}",
        )
