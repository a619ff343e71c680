"""Folds all streams again from their events: `python -m services.NAME rebuild`.

A row with a lower number than this release's is rewritten in the new shape (see Stream.schema), and
a row with the same number is compared. A row with a higher number is left alone. Runs beside the
service: a row that the service changes meanwhile keeps the service's change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

import asyncpg
import msgspec

from chassis.store.state_rows import StateRows, events_of
from chassis.store.statements import rewrite_statement
from chassis.store.stream import Stream

FIRST: Final = UUID(int=0)
_PAGE: Final = 100


@dataclass(slots=True)
class RebuildReport:
    """The numbers of rows, by how they were found, and what differs."""

    equal: int = 0
    """Rows with this release's number that are as the events fold."""
    rewritten: int = 0
    newer: int = 0
    """Rows of a later release, which were left alone."""
    changed: int = 0
    """Rows that the service changed meanwhile. It wrote them in this release's shape."""
    differences: list[str] = field(default_factory=list)
    """A line for each row that is not as its events fold, with the names of the fields only."""

    @property
    def streams(self) -> int:
        """Number of streams that were looked at."""
        return self.equal + self.rewritten + self.newer + self.changed + len(self.differences)


async def rebuild(
    connection: asyncpg.Connection,
    streams: Sequence[Stream[Any, Any]],
    after: UUID,
    tell: Callable[[str], None],
) -> RebuildReport:
    """Rebuilds the rows behind the id `after`, in the order of their ids; returns what it found.

    `connection` is one of the owner role. `streams` are the service's kinds. `tell` gets a line for
    each page and for each difference; a line of a page has the last id, with which a run that was
    stopped continues. Raises asyncpg's errors.
    """
    report, kinds = RebuildReport(), [_Kind(stream) for stream in streams]
    total = await connection.fetchval("select count(*) from stream where id > $1", after)
    while rows := await connection.fetch(
        "select * from stream where id > $1 order by id limit $2", after, _PAGE
    ):
        events = await events_of(rows, connection.fetch)
        for row in rows:
            kind, before = _kind_of(row, kinds), len(report.differences)
            if kind is None or row["schema"] > kind.stream.schema:
                report.newer += 1
            else:
                await kind.rebuild(connection, row, events[row["id"]], report)
            for line in report.differences[before:]:
                tell(line)
        after = rows[-1]["id"]
        tell(f"{report.streams} of {total} streams, the last {after}")
    return report


def _kind_of(row: Any, kinds: Sequence[_Kind]) -> _Kind | None:
    """Returns the row's kind, None for one of a later release.

    Column `kind` names the kind in the database of a service with several.
    """
    for each in kinds:
        if row.get("kind", each.stream.kind) == each.stream.kind:
            return each
    return None


class _Kind:
    """Rebuilds the rows of one kind of stream."""

    def __init__(self, stream: Stream[Any, Any]) -> None:
        self.stream = stream
        self._state_rows = StateRows(stream)
        self._decode = msgspec.msgpack.Decoder(stream.state_type).decode
        self._rewrite = rewrite_statement(stream)

    async def rebuild(
        self,
        connection: asyncpg.Connection,
        row: Any,
        events: Sequence[tuple[str, bytes]],
        report: RebuildReport,
    ) -> None:
        """Compares or rewrites one row and counts it in the report."""
        try:
            state = self._state_rows.fold(events)
        except Exception as error:  # noqa: BLE001 - one stream must not end the rebuild of the others
            report.differences.append(f"{row['id']}: cannot be folded ({type(error).__name__})")
            return
        if row["schema"] < self.stream.schema:
            written = await connection.fetchval(
                self._rewrite, row["id"], row["version"], *self._columns(state)
            )
            report.rewritten += written is not None
            report.changed += written is None
            return
        different = list(self._differences(row, state))
        if different:
            report.differences.append(f"{row['id']}: {', '.join(different)}")
        report.equal += not different

    def _columns(self, state: Any) -> tuple[object, ...]:
        rows = self.stream.project(state)
        projection = self.stream.projection
        projected: Any = ()
        if projection is not None:
            projected = zip(*rows, strict=True) if rows else [()] * len(projection.columns)
        return (
            self._state_rows.encode(state),
            self.stream.state_name(state),
            self.stream.due_at(state),
            *self.stream.index(state),
            *(list(column) for column in projected),
        )

    def _differences(self, row: Any, state: Any) -> Iterator[str]:
        """Yields the names of the fields and columns that differ. Values are personal data."""
        try:
            stored = self._decode(row["state_data"])
        except msgspec.DecodeError:
            yield "the state cannot be decoded"
            return
        for name in self.stream.state_type.__dataclass_fields__:
            if getattr(stored, name) != getattr(state, name):
                yield f"field {name}"
        expected = {
            "state": self.stream.state_name(state),
            "due_at": self.stream.due_at(state),
            **dict(zip(self.stream.columns, self.stream.index(state), strict=True)),
        }
        for name, value in expected.items():
            if row[name] != value:
                yield f"column {name}"
