"""The queries of lists: their tables, filters, orders, and what a caller may see of them."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from safeconduct.enforcement.v1 import model_pb2
from safeconduct.enforcement.v1 import service_pb2 as pb

from chassis.rpc.authentication import Principal
from chassis.store.list_query import Condition, ListQuery, ListTable, Order, differs, if_given
from services.enforcement.core.visibility import list_scope
from services.enforcement.shell.projections import LicenseStream
from services.enforcement.shell.request_codec import filtered

VIOLATIONS: Final = ListTable(
    name=LicenseStream.projection.table,
    key=LicenseStream.projection.key,
    columns=dict(LicenseStream.projection.columns),
    selected=("license_id", "summary"),
)
_OLDEST_FIRST: Final = frozenset({pb.VIOLATION_ORDER_OLDEST_FIRST})


def violations(request: pb.ListViolationsRequest, caller: Principal) -> ListQuery:
    """Returns the cases that the request asks for and the caller may see."""
    wanted = request.filter
    if not request.HasField("filter"):
        wanted = pb.ViolationFilter(state=request.state, license_id=request.license_id)
    order = Order("opened_at", descending=request.order_by not in _OLDEST_FIRST)
    return ListQuery(VIOLATIONS, order).where(
        *_visible(caller),
        if_given("state", filtered(model_pb2.ViolationState, wanted.state)),
        if_given("license_id", UUID(wanted.license_id) if wanted.license_id else None),
        if_given("partner_id", wanted.partner_id or None),
        if_given("clause", filtered(model_pb2.Clause, wanted.clause)),
        if_given("severity", filtered(model_pb2.Severity, wanted.severity)),
        if_given("credibility", filtered(model_pb2.Credibility, wanted.credibility)),
    )


def _visible(caller: Principal) -> tuple[Condition | None, ...]:
    """Returns the conditions of the rows that the caller may see, by the core's rule."""
    scope = list_scope(caller)
    hidden = scope.except_partner
    return (
        if_given("partner_id", scope.only_partner),
        differs("partner_id", hidden) if hidden is not None else None,
    )
