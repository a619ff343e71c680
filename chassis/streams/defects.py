"""Tells a defect of this release from a bad record.

A bad record fails alone. A defect fails on every record of its type, and parking all of them would
only hide it. So the same error on three streams in a row counts as a defect, and so does an SQL
error of class 42, which means that the code and the database's schema do not fit.
"""

from __future__ import annotations

import asyncio
from traceback import extract_tb
from typing import Final
from uuid import UUID

import asyncpg

_STREAMS: Final = 3
_SCHEMA_CLASS: Final = "42"


class Defects:
    """Failures by event type, since the last success of that type."""

    def __init__(self) -> None:
        self._failures: dict[str, tuple[str, set[UUID]]] = {}
        self._reasons: dict[str, str] = {}
        self._none_left = asyncio.Event()
        self._none_left.set()

    @property
    def reason(self) -> str | None:
        """Returns why consumption is stopped, or None."""
        return next(iter(self._reasons.values()), None)

    async def wait_until_none(self) -> None:
        """Returns at once, or as soon as no defect is left."""
        await self._none_left.wait()

    def is_defect(self, event_type: str, stream_id: UUID, error: Exception) -> bool:
        """Notes a failure; returns whether it shows a defect."""
        place = _place_of(error)
        known, streams = self._failures.get(event_type, (place, set()))
        streams = {*streams, stream_id} if known == place else {stream_id}
        self._failures[event_type] = place, streams
        if len(streams) < _STREAMS and not _is_schema_error(error):
            return False
        self._reasons[event_type] = (
            f"every {event_type} fails with {type(error).__name__}; consumption is stopped"
        )
        self._none_left.clear()
        return True

    def note_success(self, event_type: str) -> None:
        """Notes that an event of this type was handled."""
        self._failures.pop(event_type, None)
        if self._reasons.pop(event_type, None) is not None and not self._reasons:
            self._none_left.set()


def _place_of(error: Exception) -> str:
    """Returns the exception's type and the line that raised it."""
    frames = extract_tb(error.__traceback__)
    place = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__qualname__} {place}"


def _is_schema_error(error: Exception) -> bool:
    return isinstance(error, asyncpg.PostgresError) and (error.sqlstate or "")[:2] == _SCHEMA_CLASS
