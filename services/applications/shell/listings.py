"""The queries of lists: their table, filters, orders, and what a caller may see of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import grpc
from safeconduct.applications.v1 import model_pb2
from safeconduct.applications.v1 import service_pb2 as pb

from chassis.rpc.authentication import Principal
from chassis.rpc.errors import CommonReason, RpcError, bad_request
from chassis.store.list_query import (
    Condition,
    ListQuery,
    ListTable,
    Order,
    contains,
    differs,
    if_given,
)
from chassis.store.search_words import search_words
from services.applications.core.countries import Countries, country_sentence
from services.applications.core.visibility import list_scope
from services.applications.shell import codec

APPLICATIONS: Final = ListTable(
    name="stream",
    key="id",
    columns={
        "state": "text",
        "partner_id": "text",
        "submitted_at": "timestamptz",
        "licensed_at": "timestamptz",
        "license_ends_at": "timestamptz",
        "license_state": "text",
        "party_words": "text[]",
        "countries": "text[]",
        "model_ids": "text[]",
        "rule_ids": "text[]",
        "tier": "smallint",
    },
    selected=("summary",),
)
LICENSES: Final = replace(APPLICATIONS, selected=("license_summary as summary",))

# The conditions of the partial indexes, to the letter.
_WAITING: Final = "state in ('UNDER_REVIEW', 'INTENT_TO_DENY', 'PENDING_COUNTERSIGN')"
_LICENSED: Final = "license_id is not null"
_ENDING: Final = "license_ends_at is not null"

_LICENSE_ORDERS: Final[Mapping[int, tuple[str, Order]]] = {
    pb.LICENSE_ORDER_UNSPECIFIED: (_LICENSED, Order("licensed_at", descending=True)),
    pb.LICENSE_ORDER_NEWEST_FIRST: (_LICENSED, Order("licensed_at", descending=True)),
    pb.LICENSE_ORDER_OLDEST_FIRST: (_LICENSED, Order("licensed_at", descending=False)),
    pb.LICENSE_ORDER_ENDING_FIRST: (_ENDING, Order("license_ends_at", descending=False)),
}


def applications(
    request: pb.ListApplicationsRequest, caller: Principal, countries: Countries
) -> ListQuery:
    """Returns the applications that the request asks for and the caller may see.

    Raises RpcError VALIDATION_FAILED for a country that is none of `countries`.
    """
    wanted = request.filter
    if not request.HasField("filter"):
        wanted = pb.ApplicationFilter(state=request.state)
    order = Order("submitted_at", request.order_by != pb.APPLICATION_ORDER_OLDEST_FIRST)
    return (
        ListQuery(APPLICATIONS, order)
        .where(*_common(wanted, caller, countries))
        .where(if_given("state", codec.STATES.get(wanted.state)))
    )


def cases(request: pb.ListCasesRequest, caller: Principal, countries: Countries) -> ListQuery:
    """Returns the cases that the request asks for and the caller may see. Raises as above."""
    wanted = request.filter
    if not request.HasField("filter"):
        wanted = pb.CaseFilter(state=request.state)
    order = Order("submitted_at", request.order_by == pb.CASE_ORDER_NEWEST_FIRST)
    return (
        ListQuery(APPLICATIONS, order, always=_WAITING)
        .where(*_common(wanted, caller, countries))
        .where(
            if_given("state", codec.STATES.get(wanted.state)),
            if_given("tier", wanted.tier or None),
            contains("rule_ids", wanted.rule_id) if wanted.rule_id else None,
        )
    )


def licenses(request: pb.ListLicensesRequest, caller: Principal, countries: Countries) -> ListQuery:
    """Returns the licenses that the request asks for and the caller may see. Raises as above."""
    wanted = request.filter
    always, order = _LICENSE_ORDERS[request.order_by]
    state = model_pb2.LicenseState.Name(wanted.state).removeprefix("LICENSE_STATE_")
    return (
        ListQuery(LICENSES, order, always=always)
        .where(*_common(wanted, caller, countries))
        .where(if_given("license_state", state if wanted.state else None))
    )


def _common(wanted: Any, caller: Principal, countries: Countries) -> tuple[Condition | None, ...]:
    """Returns the conditions of visibility, and those that all filters have."""
    scope, words = list_scope(caller), search_words([wanted.party_name])
    hidden = scope.except_partner
    if wanted.country and wanted.country not in countries:
        raise _no_country(wanted.country, countries)
    if wanted.party_name and not words:
        raise _refused("filter.party_name", "NO_WORD", "must have a letter or digit")
    return (
        if_given("partner_id", scope.only_partner),
        differs("partner_id", hidden) if hidden is not None else None,
        if_given("partner_id", wanted.partner_id or None),
        contains("party_words", *words) if words else None,
        contains("countries", wanted.country) if wanted.country else None,
        contains("model_ids", wanted.model_id) if wanted.model_id else None,
    )


def _no_country(value: str, countries: Countries) -> RpcError:
    return _refused("filter.country", "COUNTRY_UNKNOWN", country_sentence(value, countries))


def _refused(field: str, reason: str, description: str) -> RpcError:
    return RpcError(
        grpc.StatusCode.INVALID_ARGUMENT,
        CommonReason.VALIDATION_FAILED,
        f"{field}: {description}",
        {"violationCount": "1"},
        bad_request([(field, reason, description)]),
    )
