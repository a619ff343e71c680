"""The objects that the gRPC servicers and the event handlers of applications share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from chassis.rpc.authentication import Principal
from chassis.rpc.errors import rpc_error
from chassis.rpc.mutation import Mutations
from chassis.rpc.page_tokens import PageTokens
from chassis.store.change_feed import ChangeFeed
from chassis.store.journal import Journal
from chassis.store.list_pages import Lists
from chassis.store.stream import StoredStream
from chassis.telemetry.tracing import annotate
from services.applications.core.commands import Command, Officer, SigningTerms
from services.applications.core.decide import decide
from services.applications.core.events import Event
from services.applications.core.model import Application
from services.applications.core.reference_data import ReferenceData
from services.applications.core.visibility import refuse_access
from services.applications.shell.policy import Policy
from services.applications.shell.signing_keys import SigningKeys
from services.applications.shell.stored_documents import StoredDocuments
from services.applications.shell.stored_texts import StoredTexts


@dataclass(frozen=True, slots=True)
class Dependencies:
    """Everything that `__main__` builds once and hands to the servicers and event handlers.

    `signing_terms` are what an approval records of the code of conduct in force.
    `trace_url_template` is a URL with `{trace_id}` in it, or empty.
    """

    journal: Journal[Application, Event]
    change_feed: ChangeFeed
    page_tokens: PageTokens
    reference_data: ReferenceData
    signing_terms: SigningTerms
    policy: Policy
    documents: StoredDocuments
    signing_keys: SigningKeys
    texts: StoredTexts
    trace_url_template: str
    clock: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))

    def mutations(self) -> Mutations[Application, Event, Command]:
        """Returns the runner of this service's mutating RPCs."""
        return Mutations(self.journal, decide, self.clock, refuse_access)

    def lists(self) -> Lists[Application]:
        """Returns the reader of this service's lists."""
        return Lists(self.journal, self.page_tokens)

    async def get_visible(
        self, application_id: UUID, principal: Principal
    ) -> StoredStream[Application]:
        """Returns the application.

        Raises `RpcError` NOT_VISIBLE or, for officers, NOT_FOUND or CONFLICT_OF_INTEREST.
        """
        annotate({"application.id": str(application_id)})
        current = await self.journal.read(application_id)
        return _visible(current, principal, "application")

    async def get_visible_license(
        self, license_id: UUID, principal: Principal
    ) -> StoredStream[Application]:
        """Returns the application that this license belongs to. Raises as `get_visible` does."""
        annotate({"license.id": str(license_id)})
        found = await self.journal.select("where license_id = $1", license_id)
        return _visible(found[0] if found else None, principal, "license")


def _visible(
    current: StoredStream[Application] | None, principal: Principal, resource: str
) -> StoredStream[Application]:
    refusal = refuse_access(current.state if current is not None else None, principal, resource)
    if refusal is not None or current is None:
        assert refusal is not None, "nobody may read what does not exist"
        raise rpc_error(refusal)
    return current


def officer_of(principal: Principal) -> Officer:
    """Returns the calling officer as the core's value. Its id is that of the person."""
    return Officer(principal.person_id, principal.tier, principal.partner_id)
