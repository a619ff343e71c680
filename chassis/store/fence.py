"""The fence of consumed events: the newest version of each source stream that was handled.

An event with that version or an older one is a duplicate and changes nothing, so an event that
comes late cannot undo what a newer one has done. Later events of a stream wait while an earlier one
is parked. Table `handled` has one row for each source stream.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from chassis.store.idempotency import IdempotencyKey

# The first three columns of `handled`, and the time of the change.
HANDLED: Final = """
  insert into handled (source, stream_id, version, updated_at) select {values} from {rows}
  on conflict (source, stream_id)
  do update set version = excluded.version, updated_at = excluded.updated_at"""


class ParkedBehindError(Exception):
    """An earlier event of the same source stream is parked, so this one must wait behind it."""


@dataclass(frozen=True, slots=True)
class EventKey:
    """Key of an event that was consumed from another service.

    `source`, `stream_id` and `version` are those of the publisher's stream. An event must change
    one stream of the consuming service only: a command on a second stream with the same key would
    be skipped.
    """

    event_id: UUID
    name: str
    source: str
    stream_id: UUID
    version: int

    def read_arguments(self) -> tuple[object, ...]:
        """Returns the parameters of READ_EVENT after the first."""
        # A release before this one remembered each event by its id.
        earlier = IdempotencyKey.of_event(self.event_id, self.name)
        return self.source, self.stream_id, self.version, earlier.id

    def write_arguments(self, response: bytes, at: datetime) -> tuple[object, ...]:
        """Returns the parameters by which a WRITE moves the fence. An event has no response."""
        return self.source, self.stream_id, self.version, at

    def is_duplicate(self, row: Any) -> bool:
        """Returns whether the event, or a later one of its stream, was handled before.

        `row` is the answer of READ_EVENT. Raises ParkedBehindError if the event must wait.
        """
        if row["handled"] is not None and row["handled"] >= self.version:
            return True
        if row["is_known"]:
            return True
        if row["is_behind"]:
            raise ParkedBehindError(f"{self.source} {self.stream_id} version {self.version}")
        return False
