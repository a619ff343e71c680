"""The objects that the gRPC servicers and the event handlers of enforcement share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from chassis.rpc.authentication import Principal
from chassis.rpc.mutation import Mutations
from chassis.rpc.page_tokens import PageTokens
from chassis.store.journal import Journal
from services.enforcement.core.commands import Command, Officer
from services.enforcement.core.decide import decide
from services.enforcement.core.errors import Refusal
from services.enforcement.core.events import Event
from services.enforcement.core.model import LicenseConduct
from services.enforcement.core.visibility import refuse_conflict
from services.enforcement.shell.standing_cache import StandingCache


def utc_now() -> datetime:
    """Returns the time of the wall clock."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Dependencies:
    """Everything that `__main__` builds once and hands to the servicers and event handlers."""

    journal: Journal[LicenseConduct, Event]
    standing_cache: StandingCache
    page_tokens: PageTokens
    clock: Callable[[], datetime] = utc_now

    def mutations(self) -> Mutations[LicenseConduct, Event, Command]:
        """Returns the runner of this service's mutating RPCs.

        No officer acts on a license of the partner that he belongs to. Other rights depend on the
        command, so the decider itself checks them.
        """
        return Mutations(self.journal, decide, self.clock, _refuse_conflict)


def _refuse_conflict(conduct: LicenseConduct | None, principal: Principal) -> Refusal | None:
    # The partner of a license that is not registered yet is empty, so that nobody belongs to it.
    return refuse_conflict(conduct.partner_id if conduct is not None else None, principal)


def officer_of(principal: Principal) -> Officer:
    """Returns the calling officer as the core's value. Its id is that of the person."""
    return Officer(principal.person_id, principal.tier, principal.partner_id)
