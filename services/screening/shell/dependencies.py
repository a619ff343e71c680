"""The objects that the gRPC servicers of screening share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from chassis.rpc.authentication import Principal
from chassis.rpc.errors import rpc_error
from chassis.rpc.mutation import Mutations
from chassis.rpc.page_tokens import PageTokens
from chassis.store.journal import Journal
from chassis.store.stream import StoredStream
from chassis.telemetry.tracing import annotate
from services.screening.core import decide
from services.screening.core.cases.hit_rules import HitRules
from services.screening.core.commands import Command, Officer
from services.screening.core.events import Event
from services.screening.core.evolve import ScreenedApplication
from services.screening.core.lists import versions
from services.screening.core.ownership.rules import OwnershipRules
from services.screening.core.visibility import refuse_access, refuse_conflict
from services.screening.shell.active_lists import ActiveLists
from services.screening.shell.list_store import ListStore
from services.screening.shell.rescreening import Rescreening
from services.screening.shell.screener import Screener


@dataclass(frozen=True, slots=True)
class Dependencies:
    """Everything that `__main__` builds once and hands to the servicers.

    journal: streams of applications. list_journal: streams of lists, in the same tables.
    """

    journal: Journal[ScreenedApplication, Event]
    list_journal: Journal[versions.ScreeningList, versions.Event]
    screener: Screener
    list_store: ListStore
    active_lists: ActiveLists
    rescreening: Rescreening
    ownership_rules: OwnershipRules
    hit_rules: HitRules
    page_tokens: PageTokens
    clock: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))

    def mutations(self) -> Mutations[ScreenedApplication, Event, Command]:
        """Returns the runner of mutating RPCs on an application's hits."""
        return Mutations(
            self.journal,
            lambda state, command, now: decide.decide(state, command, now, self.ownership_rules),
            self.clock,
            refuse_conflict,
        )

    def list_mutations(
        self,
    ) -> Mutations[versions.ScreeningList, versions.Event, versions.Command]:
        """Returns the runner of mutating RPCs on lists."""
        return Mutations(
            self.list_journal, lambda state, command, _: versions.decide(state, command), self.clock
        )

    async def get_visible(
        self, application_id: UUID, principal: Principal
    ) -> StoredStream[ScreenedApplication]:
        """Returns the application. Raises the RpcError of `visibility.refuse_access`."""
        annotate({"application.id": str(application_id)})
        rows = await self.journal.select("where id = $1 and kind = 'screening'", application_id)
        refusal = refuse_access(rows[0].state if rows else None, principal)
        if refusal is not None:
            raise rpc_error(refusal)
        return rows[0]


def officer_of(principal: Principal) -> Officer:
    """Returns the calling officer as the core's value. Its id is that of the person."""
    return Officer(principal.person_id, principal.partner_id)
