"""What was done to a chain is found, and named by the version where it was done."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.store.hash_chain import GENESIS_HASH, StoredEvent, chain_hash, event_id_of
from operations.audit.chain_faults import Kind, StateRow, find_faults

STREAM = UUID(int=7)
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def row(version: int, prev: bytes, payload: bytes, stream_id: UUID = STREAM) -> StoredEvent:
    """A row as the journal writes it."""
    at, name, actor = NOON + timedelta(minutes=version), "Added", "officer/licensing-1"
    hashed = chain_hash(prev, stream_id, version, at, name, actor, payload)
    return StoredEvent(
        stream_id, version, event_id_of(hashed), name, actor, at, "OPEN", payload, "", prev, hashed
    )


def chain(length: int) -> list[StoredEvent]:
    rows: list[StoredEvent] = []
    for version in range(1, length + 1):
        rows.append(
            row(version, rows[-1].hash if rows else GENESIS_HASH, f"payload {version}".encode())
        )
    return rows


def state_row_of(rows: list[StoredEvent]) -> StateRow:
    return StateRow(rows[-1].version, rows[-1].hash, rows[-1].state)


def found(rows: list[StoredEvent], state_row: StateRow | None) -> list[tuple[Kind, int]]:
    ordered = sorted(rows, key=lambda each: each.version)
    return [(fault.kind, fault.version) for fault in find_faults(ordered, state_row)]


@given(st.integers(1, 30))
def test_a_whole_chain_has_no_fault(length: int) -> None:
    rows = chain(length)

    assert found(rows, state_row_of(rows)) == []


@pytest.mark.parametrize("version", [1, 3, 5])
@pytest.mark.parametrize(
    "change",
    [
        {"payload": b"another"},
        {"name": "Removed"},
        {"actor": "officer/licensing-2"},
        {"occurred_at": NOON},
        {"hash": bytes(32)},
        {"event_id": UUID(int=9)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_changed_row_is_named(version: int, change: dict[str, object]) -> None:
    rows = chain(5)
    rows[version - 1] = replace(rows[version - 1], **change)

    assert found(rows, state_row_of(chain(5))) == [(Kind.CHANGED, version)]


@pytest.mark.parametrize("version", [1, 3, 5])
def test_a_row_made_anew_with_a_hash_of_its_own_is_named(version: int) -> None:
    rows = chain(5)
    rows[version - 1] = row(version, rows[version - 1].previous_hash, b"another")

    assert found(rows, state_row_of(chain(5))) == [(Kind.REPLACED, version)]


@pytest.mark.parametrize("version", [1, 3, 5])
def test_a_row_made_anew_that_follows_nothing_is_named(version: int) -> None:
    rows = chain(5)
    rows[version - 1] = row(version, b"\1" * 32, b"another")

    assert found(rows, state_row_of(chain(5))) == [(Kind.REPLACED, version)]


@pytest.mark.parametrize("version", [1, 3])
def test_a_removed_row_is_named(version: int) -> None:
    rows = chain(5)
    del rows[version - 1]

    assert found(rows, state_row_of(chain(5))) == [(Kind.REMOVED, version)]


def test_a_removed_row_is_named_when_the_rows_behind_it_close_the_gap() -> None:
    rows = chain(5)
    closed = [*rows[:2], *(replace(each, version=each.version - 1) for each in rows[3:])]

    assert found(closed, state_row_of(rows)) == [(Kind.REMOVED, 3)]


def test_a_cut_tail_is_named_version_by_version() -> None:
    assert found(chain(3), state_row_of(chain(5))) == [(Kind.CUT, 4), (Kind.CUT, 5)]
    assert found([], state_row_of(chain(2))) == [(Kind.CUT, 1), (Kind.CUT, 2)]


def test_rows_that_changed_places_are_named() -> None:
    rows = chain(5)
    rows[1], rows[2] = replace(rows[2], version=2), replace(rows[1], version=3)

    assert found(rows, state_row_of(chain(5))) == [(Kind.REORDERED, 2), (Kind.REORDERED, 3)]


def test_a_row_that_was_moved_behind_the_newest_is_named() -> None:
    rows = chain(5)
    rows[4] = replace(rows[4], version=8)

    assert (Kind.REORDERED, 8) in found(rows, state_row_of(chain(5)))


@pytest.mark.parametrize("garbage", [False, True])
def test_a_row_inserted_among_others_is_named_and_those_it_pushed_back_are_not(
    garbage: bool,
) -> None:
    rows = chain(5)
    forged = row(3, rows[1].hash, b"forged")
    if garbage:
        forged = replace(forged, actor="officer/licensing-2")
    pushed = [*rows[:2], forged, *(replace(each, version=each.version + 1) for each in rows[2:])]

    assert found(pushed, state_row_of(rows)) == [(Kind.INSERTED, 3)]


def test_a_row_behind_the_newest_is_named() -> None:
    rows = chain(5)

    forged = row(6, rows[-1].hash, b"forged")

    assert found([*rows, forged], state_row_of(rows)) == [(Kind.INSERTED, 6)]
    assert found([*rows, replace(forged, hash=bytes(32))], state_row_of(rows)) == [
        (Kind.INSERTED, 6)
    ]


def test_a_row_of_another_stream_is_named() -> None:
    rows = chain(3)
    other = row(3, rows[1].hash, b"payload 3", UUID(int=8))
    rows[2] = replace(other, stream_id=STREAM)

    assert found(rows, state_row_of(chain(3))) == [(Kind.CHANGED, 3)]


def test_events_without_a_state_row_and_a_state_row_that_says_otherwise_are_named() -> None:
    rows = chain(3)

    assert found(rows, None) == [(Kind.STATE, 3)]
    assert found(rows, replace(state_row_of(rows), state="CLOSED")) == [(Kind.STATE, 3)]
    assert found(rows, replace(state_row_of(rows), latest_hash=bytes(32))) == [(Kind.REPLACED, 3)]


@st.composite
def tampered(draw: st.DrawFn) -> tuple[list[StoredEvent], StateRow]:
    """A chain with one to three samples done to it, none of which leaves it as it was."""
    length = draw(st.integers(2, 8))
    rows = chain(length)
    state_row = state_row_of(rows)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(rows) - 1))
        match draw(st.sampled_from(["change", "replace", "remove", "insert"])):
            case "change":
                rows[at] = replace(rows[at], payload=draw(st.binary(min_size=1, max_size=4)))
            case "replace":
                rows[at] = row(
                    rows[at].version,
                    rows[at].previous_hash,
                    draw(st.binary(min_size=1, max_size=4)),
                )
            case "remove" if len(rows) > 1:
                del rows[at]
            case _:
                rows.insert(
                    at,
                    row(
                        at + 1,
                        rows[at - 1].hash if at else GENESIS_HASH,
                        draw(st.binary(max_size=4)),
                    ),
                )
                rows = [replace(each, version=number) for number, each in enumerate(rows, 1)]
    return rows, state_row


@given(tampered())
def test_nothing_that_is_done_to_a_chain_stays_unseen(
    given_: tuple[list[StoredEvent], StateRow],
) -> None:
    rows, state_row = given_
    if [each.hash for each in rows] == [
        each.hash for each in chain(state_row.version)
    ] and rows == chain(state_row.version):
        return

    assert found(rows, state_row) != []
