"""What the servicers of applications share: where things are kept, and who may see what."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

import grpc

from chassis.rpc.authentication import Principal
from chassis.rpc.errors import RpcError
from chassis.rpc.page_tokens import PageTokens
from chassis.store.change_feed import ChangeFeed
from chassis.store.journal import Current, Journal
from chassis.telemetry.tracing import annotate
from services.applications.core.commands import Officer
from services.applications.core.errors import Kind, Reason, Refusal
from services.applications.core.events import Event
from services.applications.core.model import Application
from services.applications.shell.license_documents import LicenseSigner
from services.applications.shell.policy import Policy
from services.applications.shell.reference_data import ReferenceData

NOT_VISIBLE = Refusal(Kind.PERMISSION, Reason.NOT_VISIBLE, "nothing of this id is visible to you")
NOT_FOUND = Refusal(Kind.NOT_FOUND, Reason.NOT_FOUND, "there is nothing of this id")


@dataclass(frozen=True, slots=True)
class Dependencies:
    """The tools of the office."""

    journal: Journal[Application, Event]
    tail: ChangeFeed
    tokens: PageTokens
    shelf: ReferenceData
    policy: Policy
    signer: LicenseSigner
    trace_url_template: str
    clock: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))

    async def shown(self, application_id: UUID, principal: Principal) -> Current[Application]:
        """The application if the caller may see it. Raises Refused: a partner never learns whether others' exist."""
        annotate({"application.id": str(application_id)})
        return visible(await self.journal.read(application_id), principal)

    async def shown_license(self, license_id: UUID, principal: Principal) -> Current[Application]:
        """The application whose license has this id, if the caller may see it. Raises Refused."""
        annotate({"license.id": str(license_id)})
        found = await self.journal.select("where license_id = $1", license_id)
        return visible(found[0] if found else None, principal)


def is_visible(owner: str | None, principal: Principal) -> bool:
    """True: the caller may see what belongs to this partner. Officers see all, partners their own."""
    return principal.kind == "officer" or (owner is not None and owner == principal.partner_id)


def visible(found: Current[Application] | None, principal: Principal) -> Current[Application]:
    """What was found, if the caller may see it; else Refused NOT_VISIBLE for partners, NOT_FOUND for officers."""
    if found is not None and is_visible(found.state.partner_id, principal):
        return found
    raise hidden(principal)


def hidden(principal: Principal) -> RpcError:
    """What a caller is told of what it may not see, and of what is not there."""
    if principal.kind == "officer":
        return RpcError(grpc.StatusCode.NOT_FOUND, NOT_FOUND.reason, NOT_FOUND.message)
    return RpcError(grpc.StatusCode.PERMISSION_DENIED, NOT_VISIBLE.reason, NOT_VISIBLE.message)


def officer_of(principal: Principal) -> Officer:
    """The caller as the core knows officers."""
    return Officer(principal.id, principal.tier, principal.partner_id)
