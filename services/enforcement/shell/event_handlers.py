"""Handlers of the events that the applications and screening services publish."""

from __future__ import annotations

from chassis.rpc.errors import CommonReason, RpcError, unavailable
from chassis.streams.envelope import Envelope
from chassis.telemetry.tracing import annotate
from services.enforcement.core.decide import decide
from services.enforcement.core.errors import Reason
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

        Raises `RpcError` NOT_READY, so that the record is read again, if the license is not yet
        registered.
        """
        decoded = codec.list_match(envelope.type, envelope.payload)
        if decoded is None:
            return
        license_id, command = decoded
        annotate({"license.id": str(license_id)})
        try:
            await self._journal.execute(
                license_id,
                envelope.key,
                "service/screening",
                lambda conduct: decide(conduct, command, self._clock()),
            )
        except RpcError as error:
            if error.reason != Reason.NOT_FOUND:
                raise
            # Screening knows the license, so it was issued, and its LicenseIssued is still to come
            # on the other topic. Without this retry the license would be registered as ACTIVE.
            raise unavailable(
                CommonReason.NOT_READY, "the license is not registered yet", 0.5
            ) from error
