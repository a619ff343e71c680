"""The queries of lists: their tables, filters, orders, and what a caller may see of them."""

from __future__ import annotations

from typing import Final
from uuid import UUID

import grpc
from safeconduct.screening.v1 import model_pb2
from safeconduct.screening.v1 import service_pb2 as pb

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
from services.screening.core.visibility import list_scope
from services.screening.shell.codec import filtered
from services.screening.shell.projections import ScreeningStream

_WORDS: Final = "string_to_array(words, ' ')"
"""The expression of the index, to the letter."""
HITS: Final = ListTable(
    name=ScreeningStream.projection.table,
    key=ScreeningStream.projection.key,
    columns={**dict(ScreeningStream.projection.columns), _WORDS: "text[]"},
    selected=("application_id", "summary"),
)


def hits(request: pb.ListHitsRequest, caller: Principal) -> ListQuery:
    """Returns the hits that the request asks for and the caller may see.

    Raises RpcError VALIDATION_FAILED for a name without a letter or digit.
    """
    wanted = request.filter
    if not request.HasField("filter"):
        wanted = pb.HitFilter(state=request.state, application_id=request.application_id)
    words = search_words([wanted.party_name])
    if wanted.party_name and not words:
        raise _no_word()
    return ListQuery(HITS, Order("found_at", request.order_by != pb.HIT_ORDER_OLDEST_FIRST)).where(
        *_visible(caller),
        if_given("state", filtered(model_pb2.HitState, wanted.state)),
        if_given("application_id", UUID(wanted.application_id) if wanted.application_id else None),
        if_given("partner_id", wanted.partner_id or None),
        contains(_WORDS, *words) if words else None,
        if_given("list_code", wanted.list_code or None),
        if_given("strength", filtered(model_pb2.MatchStrength, wanted.strength)),
    )


def _visible(caller: Principal) -> tuple[Condition | None, ...]:
    """Returns the conditions of the rows that the caller may see, by the core's rule."""
    scope = list_scope(caller)
    hidden = scope.except_partner
    return (
        if_given("partner_id", scope.only_partner),
        differs("partner_id", hidden) if hidden is not None else None,
    )


def _no_word() -> RpcError:
    field, description = "filter.party_name", "must have a letter or digit"
    return RpcError(
        grpc.StatusCode.INVALID_ARGUMENT,
        CommonReason.VALIDATION_FAILED,
        f"{field}: {description}",
        {"violationCount": "1"},
        bad_request([(field, "NO_WORD", description)]),
    )
