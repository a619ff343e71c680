"""Calls of the screening service: screens parties, reads screenings, judges hits, manages lists."""

from __future__ import annotations

from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Iterable,
    Iterator,
    Mapping,
)
from typing import Final

from grpc import aio

from safeconduct.rpc.calls import Calls, Exchange, Listing, new_request_id
from safeconduct.screening.v1 import model_pb2 as model
from safeconduct.screening.v1 import service_pb2 as service
from safeconduct.screening.v1 import service_pb2_grpc as stubs

CHUNK_BYTES: Final = 512 * 1024
IMPORT_SECONDS: Final = 30.0
"""Deadline of an import: reading a large list takes longer than other calls."""


class Screenings:
    """Methods that screen parties against the restricted-party lists."""

    def __init__(self, channel: aio.Channel, calls: Calls) -> None:
        self._stub = stubs.ScreeningServiceStub(channel)
        self._calls = calls

    async def screen_party(self, party: model.PartyQuery) -> service.ScreenPartyResponse:
        """Screens one party now. Stores nothing."""
        return await self._calls.unary(
            self._stub.ScreenParty, service.ScreenPartyRequest(party=party)
        )

    def screen_parties(
        self,
        parties: Iterable[tuple[str, model.PartyQuery]]
        | AsyncIterable[tuple[str, model.PartyQuery]],
        *,
        give_up_after: float = 30.0,
    ) -> AsyncGenerator[service.ScreenPartiesResponse]:
        """Yields one answer for each party, in order.

        Each party has an id of the caller. Stores nothing.

        Parties are read no faster than they are screened. A party that breaks a rule is answered
        with a `refusal`. A broken stream is opened again after the last answer. Raises
        SafeconductError if none arrives for `give_up_after` seconds.
        """
        return Exchange(
            self._stub.ScreenParties, _requests(parties), self._calls, give_up_after=give_up_after
        ).answers()

    async def get(self, application_id: str) -> model.Screening:
        """Returns the latest screening of an application, with all hits and their evidence.

        Officers only.
        """
        request = service.GetScreeningRequest(application_id=application_id)
        return (await self._calls.unary(self._stub.GetScreening, request)).screening

    async def timeline(self, application_id: str) -> service.GetScreeningTimelineResponse:
        """Returns the events of one application's screening in order, each with its trace."""
        request = service.GetScreeningTimelineRequest(application_id=application_id)
        return await self._calls.unary(self._stub.GetScreeningTimeline, request)


class Hits:
    """Methods for licensing officers: judge whether a list entry is the party that it resembles."""

    def __init__(self, channel: aio.Channel, calls: Calls) -> None:
        self._stub = stubs.AdjudicationServiceStub(channel)
        self._calls = calls

    def list(
        self,
        *,
        application_id: str = "",
        state: model.HitState.ValueType = model.HIT_STATE_UNSPECIFIED,
        partner_id: str = "",
        party_name: str = "",
        list_code: str = "",
        strength: model.MatchStrength.ValueType = model.MATCH_STRENGTH_UNSPECIFIED,
        order_by: service.HitOrder.ValueType = service.HIT_ORDER_UNSPECIFIED,
        page_size: int = 0,
    ) -> Listing[service.HitSummary]:
        """Yields summaries of the hits that meet all conditions, newest first."""
        wanted = service.HitFilter(
            application_id=application_id,
            state=state,
            partner_id=partner_id,
            party_name=party_name,
            list_code=list_code,
            strength=strength,
        )

        async def fetch(token: str) -> service.ListHitsResponse:
            request = service.ListHitsRequest(
                page_size=page_size, page_token=token, filter=wanted, order_by=order_by
            )
            return await self._calls.unary(self._stub.ListHits, request)

        return Listing(fetch, lambda page: page.summaries)

    async def get(self, hit_id: str) -> model.HitCase:
        """Returns one hit with its evidence."""
        return (
            await self._calls.unary(self._stub.GetHit, service.GetHitRequest(hit_id=hit_id))
        ).hit

    async def adjudicate(
        self,
        hit_id: str,
        *,
        verdict: model.HitVerdict.ValueType,
        rationale: str,
        etag: str,
        request_id: str = "",
        validate_only: bool = False,
    ) -> model.HitCase:
        """Records whether the entry is the party.

        Clearing an EXACT or STRONG hit requires a second officer by default: the hit becomes
        CLEARING_PROPOSED, and its
        `clearing_id` goes to `confirm_clearing` or `reject_clearing`.
        """
        request = service.AdjudicateHitRequest(
            request_id=request_id or new_request_id(),
            hit_id=hit_id,
            verdict=verdict,
            rationale=rationale,
            etag=etag,
            validate_only=validate_only,
        )
        return (await self._calls.unary(self._stub.AdjudicateHit, request)).hit

    async def confirm_clearing(
        self,
        hit_id: str,
        clearing_id: str,
        *,
        rationale: str,
        etag: str,
        request_id: str = "",
        validate_only: bool = False,
    ) -> model.HitCase:
        """Confirms another officer's proposal to clear a hit: it becomes FALSE_POSITIVE."""
        request = service.ConfirmClearingRequest(
            request_id=request_id or new_request_id(),
            hit_id=hit_id,
            clearing_id=clearing_id,
            rationale=rationale,
            etag=etag,
            validate_only=validate_only,
        )
        return (await self._calls.unary(self._stub.ConfirmClearing, request)).hit

    async def reject_clearing(
        self,
        hit_id: str,
        clearing_id: str,
        *,
        rationale: str,
        etag: str,
        request_id: str = "",
        validate_only: bool = False,
    ) -> model.HitCase:
        """Rejects another officer's proposal to clear a hit: it becomes OPEN again."""
        request = service.RejectClearingRequest(
            request_id=request_id or new_request_id(),
            hit_id=hit_id,
            clearing_id=clearing_id,
            rationale=rationale,
            etag=etag,
            validate_only=validate_only,
        )
        return (await self._calls.unary(self._stub.RejectClearing, request)).hit

    async def withdraw_verdict(
        self,
        hit_id: str,
        verdict_id: str,
        *,
        rationale: str,
        etag: str,
        request_id: str = "",
        validate_only: bool = False,
    ) -> model.HitCase:
        """Withdraws the verdict on a hit: it becomes OPEN again.

        So does every hit of another application that was cleared because of this verdict.
        """
        request = service.WithdrawVerdictRequest(
            request_id=request_id or new_request_id(),
            hit_id=hit_id,
            verdict_id=verdict_id,
            rationale=rationale,
            etag=etag,
            validate_only=validate_only,
        )
        return (await self._calls.unary(self._stub.WithdrawVerdict, request)).hit


class RestrictedLists:
    """Methods for list officers: import published lists and activate them."""

    def __init__(self, channel: aio.Channel, calls: Calls) -> None:
        self._stub = stubs.ListServiceStub(channel)
        self._calls = calls

    async def import_list(
        self,
        list_code: str,
        files: Mapping[model.ListPart.ValueType, bytes],
        *,
        format: model.ListFormat.ValueType,  # noqa: A002 - the contract's word
        publication: str,
        request_id: str = "",
        validate_only: bool = False,
    ) -> service.ImportListResponse:
        """Imports a version of a list from its files, as published.

        Parties are screened against it after `activate`.

        publication: YYYY, YYYY-MM or YYYY-MM-DD. A list that is empty, truncated or implausibly
        short is refused.
        """
        first = service.ImportListRequest(
            request_id=request_id or new_request_id(),
            validate_only=validate_only,
            list_code=list_code,
            format=format,
            publication=publication,
        )
        return await self._calls.upload(
            self._stub.ImportList,
            lambda: _pieces(first, files),
            deadline=IMPORT_SECONDS,
            request_id=first.request_id,
        )

    async def activate(
        self,
        list_code: str,
        list_version: str,
        *,
        etag: str = "",
        request_id: str = "",
        validate_only: bool = False,
    ) -> model.ListStatus:
        """Activates a version for new and open applications and for live licenses."""
        request = service.ActivateListRequest(
            request_id=request_id or new_request_id(),
            list_code=list_code,
            list_version=list_version,
            etag=etag,
            validate_only=validate_only,
        )
        return (await self._calls.unary(self._stub.ActivateList, request)).list

    async def status(self) -> service.GetListStatusResponse:
        """Returns every list with its versions, and whether this replica uses the active ones."""
        return await self._calls.unary(self._stub.GetListStatus, service.GetListStatusRequest())


async def _requests(
    parties: Iterable[tuple[str, model.PartyQuery]] | AsyncIterable[tuple[str, model.PartyQuery]],
) -> AsyncIterator[service.ScreenPartiesRequest]:
    if isinstance(parties, AsyncIterable):
        async for query_id, party in parties:
            yield service.ScreenPartiesRequest(query_id=query_id, party=party)
    else:
        for query_id, party in parties:
            yield service.ScreenPartiesRequest(query_id=query_id, party=party)


def _pieces(
    first: service.ImportListRequest, files: Mapping[model.ListPart.ValueType, bytes]
) -> Iterator[service.ImportListRequest]:
    """The header of an import, then every file in pieces that fit into a message."""
    yield first
    for part, content in files.items():
        for start in range(0, len(content), CHUNK_BYTES):
            piece = content[start : start + CHUNK_BYTES]
            yield service.ImportListRequest(request_id=first.request_id, part=part, content=piece)
