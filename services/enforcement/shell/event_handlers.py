"""Handlers of the events that the applications and screening services publish."""

from __future__ import annotations

from chassis.streams.envelope import Envelope
from chassis.telemetry.tracing import annotate
from services.enforcement.core.decide import decide
from services.enforcement.shell import codec
from services.enforcement.shell.dependencies import Dependencies


class EventHandlers:
    """Handlers by the service that published the event."""

    def __init__(self, dependencies: Dependencies) -> None:
        self._journal, self._clock = dependencies.journal, dependencies.clock

    async def applications(self, envelope: Envelope) -> None:
        """Registers an issued license, which gives it an ACTIVE standing."""
        if envelope.type != "LicenseIssued":
            return
        command = codec.license_issued(envelope.payload)
        annotate(
            {"application.id": str(command.application_id), "license.id": str(command.license_id)}
        )
        await self._journal.execute(
            command.license_id,
            envelope.key,
            "service/applications",
            lambda conduct: decide(conduct, command, self._clock()),
        )

    async def screening(self, envelope: Envelope) -> None:
        """Suspends the license of a listed party, or follows the verdict on a hit.

        If the license is not registered yet, it will be registered as suspended.
        """
        command = codec.list_match(envelope.type, envelope.payload)
        if command is None:
            return
        annotate({"license.id": str(command.license_id)})
        await self._journal.execute(
            command.license_id,
            envelope.key,
            "service/screening",
            lambda conduct: decide(conduct, command, self._clock()),
        )
