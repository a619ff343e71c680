"""Finds what is wrong with the hash chain of one stream, and at which version. Pure.

An event's hash covers the previous hash and the event's stream, version, time, name, actor and
payload. That tells more than "the chain is broken". A moved row still has the hash of its original
version. No row follows from an inserted row. A version that no row was written as has been removed.
The hash does not cover an event's traceparent and state, so changes of these are not found; the
state of the newest event is compared with the state row.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from chassis.store.hash_chain import GENESIS_HASH, StoredEvent, chain_hash, event_id_of

MAX_DISPLACEMENT: Final = 1000
"""A moved row's original version is searched within so many versions of its present one."""


class Kind(StrEnum):
    """Kind of a fault. Scripts use these names; `LEGEND` explains them."""

    CHANGED = "CHANGED"
    REPLACED = "REPLACED"
    REORDERED = "REORDERED"
    INSERTED = "INSERTED"
    REMOVED = "REMOVED"
    CUT = "CUT"
    STATE = "STATE"
    OUTBOX = "OUTBOX"
    REWRITTEN = "REWRITTEN"
    UNRECORDED = "UNRECORDED"
    UNPUBLISHED = "UNPUBLISHED"
    FORKED = "FORKED"


LEGEND: Final[Mapping[Kind, str]] = {
    Kind.CHANGED: "the row's content does not match its hash",
    Kind.REPLACED: "the row matches its own hash, but not its neighbours",
    Kind.REORDERED: "the row was written as another version",
    Kind.INSERTED: "the row is not part of the chain",
    Kind.REMOVED: "the row is missing, but later rows exist",
    Kind.CUT: "the row is missing, and no later row exists",
    Kind.STATE: "the state row is missing or does not match the events",
    Kind.OUTBOX: "the outbox points to an event that does not exist",
    Kind.REWRITTEN: "the published event differs from the stored one",
    Kind.UNRECORDED: "the event was published, but is not stored",
    Kind.UNPUBLISHED: "the event was never published and is not in the outbox",
    Kind.FORKED: "the chain does not continue the one in the signed checkpoint",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault at one version of a stream."""

    kind: Kind
    version: int
    detail: str


@dataclass(frozen=True, slots=True)
class StateRow:
    """A stream's row in table `stream`, as far as it repeats the newest event."""

    version: int
    latest_hash: bytes
    state: str


def find_faults(rows: Sequence[StoredEvent], state_row: StateRow | None) -> tuple[Fault, ...]:
    """Returns all faults of a stream, by version; none if its chain is whole.

    `rows` are the stored events in the order of their versions.
    """
    original = {row.version: _original_version(row) for row in rows}
    genuine, inserted = _split_inserted(rows, original, state_row)
    changed = {row.version for row in rows if not original[row.version]} - inserted
    missing = _missing(genuine, changed, state_row)
    faults = [
        *(Fault(Kind.CHANGED, version, LEGEND[Kind.CHANGED]) for version in changed),
        *(Fault(Kind.INSERTED, version, LEGEND[Kind.INSERTED]) for version in inserted),
        *_missing_faults(missing, genuine, changed),
        *_reordered(genuine, inserted, missing),
        *_replaced(genuine, state_row),
        *_wrong_ids(genuine.values()),
        *_state_row_faults(rows, genuine, state_row),
    ]
    return tuple(sorted(faults, key=lambda fault: (fault.version, fault.kind)))


def _original_version(row: StoredEvent) -> int:
    """Returns the version that the row's hash was computed for; 0 if it matches none nearby."""
    near = sorted(
        range(max(1, row.version - MAX_DISPLACEMENT), row.version + MAX_DISPLACEMENT),
        key=lambda version: abs(version - row.version),
    )
    return next((version for version in near if _hash(row, version) == row.hash), 0)


def _hash(row: StoredEvent, version: int) -> bytes:
    return chain_hash(
        row.previous_hash, row.stream_id, version, row.occurred_at, row.name, row.actor, row.payload
    )


def _split_inserted(
    rows: Sequence[StoredEvent], original: Mapping[int, int], state_row: StateRow | None
) -> tuple[dict[int, StoredEvent], set[int]]:
    """Returns the genuine rows by original version, and the present versions of inserted rows."""
    claims: dict[int, list[StoredEvent]] = defaultdict(list)
    for row in rows:
        if original[row.version]:
            claims[original[row.version]].append(row)
    followed = {row.previous_hash for row in rows if original[row.version]} | (
        {state_row.latest_hash} if state_row is not None else set()
    )
    genuine: dict[int, StoredEvent] = {}
    inserted: set[int] = set()
    for version, claiming in claims.items():
        best = max(claiming, key=lambda row: (row.hash in followed, row.version == version))
        genuine[version] = best
        inserted |= {row.version for row in claiming if row is not best}
        if state_row is not None and version > state_row.version and best.version == version:
            inserted.add(version)
    # A row with a wrong hash is a changed row only if its version is vacant and not beyond the
    # newest one. Otherwise the genuine row exists elsewhere, and this one was inserted.
    last = state_row.version if state_row is not None else max(original, default=0)
    inserted |= {
        present
        for present, version in original.items()
        if not version and (present in genuine or present > last)
    }
    return {v: row for v, row in genuine.items() if row.version not in inserted}, inserted


def _missing(
    genuine: Mapping[int, StoredEvent], changed: set[int], state_row: StateRow | None
) -> list[int]:
    last = max([*genuine, *changed, state_row.version if state_row is not None else 0], default=0)
    return [
        version
        for version in range(1, last + 1)
        if version not in genuine and version not in changed
    ]


def _missing_faults(
    missing: Sequence[int], genuine: Mapping[int, StoredEvent], changed: set[int]
) -> Iterator[Fault]:
    last = max([*genuine, *changed], default=0)
    for version in missing:
        kind = Kind.CUT if version > last else Kind.REMOVED
        yield Fault(kind, version, LEGEND[kind])


def _reordered(
    genuine: Mapping[int, StoredEvent], inserted: set[int], missing: Sequence[int]
) -> Iterator[Fault]:
    """Yields rows at another version than their own, unless insertions or removals shifted them."""
    for version, row in genuine.items():
        shift = sum(each < row.version for each in inserted) - sum(
            each < version for each in missing
        )
        if row.version not in {version, version + shift}:
            yield Fault(Kind.REORDERED, row.version, f"the row was written as version {version}")


def _replaced(genuine: Mapping[int, StoredEvent], state_row: StateRow | None) -> Iterator[Fault]:
    """Yields rows that match their own hash but not their neighbours, the state row included."""
    # A version is torn if its previous_hash is not the hash of the row before it.
    torn = {
        version
        for version, row in genuine.items()
        if (before := GENESIS_HASH if version == 1 else _hash_at(genuine, version - 1)) is not None
        and row.previous_hash != before
    }
    if state_row is not None and _hash_at(genuine, state_row.version) not in {
        None,
        state_row.latest_hash,
    }:
        torn.add(state_row.version + 1)
    for version in sorted(torn):
        # Torn on both sides: this row was replaced. Torn only on its far side: the row before was
        # replaced by one with a valid hash of its own.
        replaced = (
            {version}
            if version + 1 in torn
            else ({max(1, version - 1)} if version - 1 not in torn else set())
        )
        for each in replaced:
            yield Fault(Kind.REPLACED, genuine[each].version, LEGEND[Kind.REPLACED])


def _hash_at(genuine: Mapping[int, StoredEvent], version: int) -> bytes | None:
    row = genuine.get(version)
    return row.hash if row is not None else None


def _wrong_ids(rows: Iterable[StoredEvent]) -> Iterator[Fault]:
    for row in rows:
        if row.event_id != event_id_of(row.hash):
            yield Fault(Kind.CHANGED, row.version, "the event id does not match the hash")


def _state_row_faults(
    rows: Sequence[StoredEvent],
    genuine: Mapping[int, StoredEvent],
    state_row: StateRow | None,
) -> Iterator[Fault]:
    if state_row is None:
        yield Fault(Kind.STATE, rows[-1].version if rows else 0, "there is no state row")
        return
    newest = genuine.get(state_row.version)
    if (
        newest is not None
        and newest.hash == state_row.latest_hash
        and newest.state != state_row.state
    ):
        yield Fault(
            Kind.STATE,
            newest.version,
            f"the state row has state {state_row.state}, the newest event {newest.state}",
        )
