"""What enforcement does when applications and screening tell something."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from chassis.rpc.errors import CommonReason, RefusalLike, unavailable
from chassis.store.idempotency import IdempotencyKey
from chassis.store.journal import Journal
from chassis.streams.envelope import Envelope
from chassis.telemetry.tracing import annotate
from services.enforcement.core.decide import decide
from services.enforcement.core.events import Event
from services.enforcement.core.evolve import LicenseConduct
from services.enforcement.shell import codec


def utc_now() -> datetime:
    """The wall clock."""
    return datetime.now(UTC)


class EventHandlers:
    """Handlers of facts."""

    def __init__(
        self, journal: Journal[LicenseConduct, Event], clock: Callable[[], datetime] = utc_now
    ) -> None:
        self._journal, self._clock = journal, clock

    async def applications(self, envelope: Envelope) -> None:
        """A license was issued: it gets a standing, and every gate of its partner hears of it."""
        if envelope.type != "LicenseIssued":
            return
        command = codec.license_issued(envelope.payload)
        annotate(
            {"application.id": str(command.application_id), "license.id": str(command.license_id)}
        )
        await self._journal.execute(
            command.license_id,
            IdempotencyKey.of_event(envelope.event_id, envelope.type),
            "service/applications",
            lambda conduct: decide(conduct, command, self._clock()),
        )

    async def screening(self, envelope: Envelope) -> None:
        """A list names a party of a license, which stops it, or does not name it after all. Raises Refused to wait."""
        news = codec.list_news(envelope.type, envelope.payload)
        if news is None:
            return
        license_id, command = news
        annotate({"license.id": str(license_id)})

        def judge(conduct: LicenseConduct | None) -> tuple[Event, ...] | RefusalLike:
            if conduct is None:
                # Screening heard of the license, so it was issued: it is on its way to us on the other topic. It must
                # not begin its life unstopped, so this waits for it.
                raise unavailable(CommonReason.NOT_READY, "the license is not registered yet", 0.5)
            return decide(conduct, command, self._clock())

        await self._journal.execute(
            license_id,
            IdempotencyKey.of_event(envelope.event_id, envelope.type),
            "service/screening",
            judge,
        )
