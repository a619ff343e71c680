"""What enforcement does when applications tells something."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from chassis.consumer import Envelope
from chassis.journal import Journal, Key
from chassis.telemetry import annotate
from services.enforcement.core.conduct import LicenseConduct
from services.enforcement.core.decide import decide
from services.enforcement.core.events import Event
from services.enforcement.shell import codec


def utc_now() -> datetime:
    """The wall clock."""
    return datetime.now(UTC)


class Hearing:
    """Handlers of facts."""

    def __init__(self, journal: Journal[LicenseConduct, Event], clock: Callable[[], datetime] = utc_now) -> None:
        self._journal, self._clock = journal, clock

    async def applications(self, envelope: Envelope) -> None:
        """A license was issued: it gets a standing, and every gate of its partner hears of it."""
        if envelope.type != "LicenseIssued":
            return
        command = codec.license_issued(envelope.payload)
        annotate({"application.id": str(command.application_id), "license.id": str(command.license_id)})
        await self._journal.execute(
            command.license_id,
            Key.of_event(envelope.event_id, envelope.type),
            "service/applications",
            lambda conduct: decide(conduct, command, self._clock()),
        )
