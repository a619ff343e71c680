"""A stream of parties: answers in order, a bounded number in progress, a clean end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing

import pytest
from safeconduct.screening.v1 import model_pb2, service_pb2

from chassis.rpc.authentication import Principal
from chassis.rpc.errors import RpcError
from services.screening.core.config import DEFAULT
from services.screening.core.model import PartyQuery, Screening
from services.screening.shell.bulk_screening import IN_PROGRESS, BulkScreening
from services.screening.shell.matcher import Caller, MatcherError
from tests.chassis.callers import acting_as
from tests.screening.shell.replica import Replica
from tests.screening.shell.submissions import LISTED_ALIAS, LISTED_ENTRY, UNLISTED

PARTNER = Principal("partner", "example-1", "example-1", frozenset({"PARTNER"}))
CALLER = Caller("partner/example-1", "1")


def request(
    query_id: str, *names: str, countries: Sequence[str] = ()
) -> service_pb2.ScreenPartiesRequest:
    return service_pb2.ScreenPartiesRequest(
        query_id=query_id, party=model_pb2.PartyQuery(names=names, countries=countries)
    )


async def sent(
    *requests: service_pb2.ScreenPartiesRequest,
) -> AsyncIterator[service_pb2.ScreenPartiesRequest]:
    for each in requests:
        yield each


class SlowIndex:
    """An index that answers once `may_answer` is set, and counts requests and cancellations."""

    def __init__(self, answer: Screening) -> None:
        self.list_version_id, self.entries = answer.list_version_id, ()
        self.asked, self.cancelled = 0, 0
        self.may_answer = asyncio.Event()
        self._answer = answer

    async def screen(self, query: PartyQuery, caller: Caller) -> Screening:
        self.asked += 1
        try:
            await self.may_answer.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if query.names == ("broken",):
            raise MatcherError("ValueError")
        return self._answer


@pytest.fixture
async def slow_index(replica: Replica) -> SlowIndex:
    return SlowIndex(await replica.screener.screen(PartyQuery((UNLISTED,))))


@pytest.fixture
async def slow_replica(replica: Replica, slow_index: SlowIndex) -> AsyncIterator[Replica]:
    """The replica with the slow index in it."""
    before = replica.screener.index
    replica.screener.index = slow_index
    yield replica
    replica.screener.index = before


async def collect(
    stream: AsyncIterator[service_pb2.ScreenPartiesResponse], into: list[str]
) -> None:
    """The ids of the answers, also of those that came before an end."""
    async for answer in stream:
        into.append(answer.query_id)  # noqa: PERF401 - what came before an end is kept


async def until(condition: object) -> None:
    async with asyncio.timeout(20):
        while not condition():  # type: ignore[operator]  # noqa: ASYNC110 - whoever is waited for has no event for us
            await asyncio.sleep(0.005)


async def test_every_party_is_answered_under_its_id_and_in_order(replica: Replica) -> None:
    servicer = replica.screening
    names = [LISTED_ALIAS if number % 3 else UNLISTED for number in range(40)]

    with acting_as(PARTNER):
        stream = servicer.ScreenParties(
            sent(*(request(str(n), name) for n, name in enumerate(names))), None
        )
        answers = [answer async for answer in stream]

    assert [answer.query_id for answer in answers] == [str(number) for number in range(40)]
    assert [bool(answer.party.hits) for answer in answers] == [
        name == LISTED_ALIAS for name in names
    ]
    assert answers[1].party.hits[0].entry_id == LISTED_ENTRY
    assert {(answer.list_version, answer.config_version) for answer in answers} == {
        (replica.screener.index.list_version_id, DEFAULT.version)
        if replica.screener.index
        else ("", "")
    }


async def test_a_bad_party_gets_a_refusal_with_its_faults_and_the_stream_goes_on(
    replica: Replica,
) -> None:
    asked = sent(
        request("good", UNLISTED),
        request("bad", "A Name", countries=["Germany"]),
        service_pb2.ScreenPartiesRequest(query_id="nobody"),
        request("also good", UNLISTED),
    )

    answers = [answer async for answer in BulkScreening(replica.screener, CALLER).answers(asked)]

    assert [answer.WhichOneof("answer") for answer in answers] == [
        "party",
        "refusal",
        "refusal",
        "party",
    ]
    assert answers[1].refusal.reason == "VALIDATION_FAILED"
    assert [(one.field, one.reason) for one in answers[1].refusal.faults] == [
        ("party.countries[0]", "STRING_PATTERN")
    ]
    assert answers[2].refusal.faults[0].field == "party"


async def test_a_party_at_which_the_engine_fails_is_refused_and_the_stream_goes_on(
    slow_replica: Replica, slow_index: SlowIndex
) -> None:
    slow_index.may_answer.set()

    stream = BulkScreening(slow_replica.screener, CALLER)
    answers = [
        answer
        async for answer in stream.answers(sent(request("1", "broken"), request("2", UNLISTED)))
    ]

    assert [answer.WhichOneof("answer") for answer in answers] == ["refusal", "party"]
    assert answers[0].refusal.reason == "INTERNAL"


async def test_who_sends_a_million_is_read_no_faster_than_he_is_answered(
    slow_replica: Replica, slow_index: SlowIndex
) -> None:
    taken = 0

    async def million() -> AsyncIterator[service_pb2.ScreenPartiesRequest]:
        nonlocal taken
        for number in range(1_000_000):
            taken += 1
            yield request(str(number), UNLISTED)

    async with aclosing(BulkScreening(slow_replica.screener, CALLER).answers(million())) as answers:
        first = asyncio.ensure_future(anext(answers))
        await until(lambda: slow_index.asked == IN_PROGRESS)
        for _ in range(100):
            await asyncio.sleep(0)
        held = taken
        slow_index.may_answer.set()
        await first
        for _ in range(99):
            await anext(answers)

    assert held == IN_PROGRESS
    assert taken <= 100 + IN_PROGRESS


async def test_whoever_leaves_is_not_screened_for_any_more(
    slow_replica: Replica, slow_index: SlowIndex
) -> None:
    answers = BulkScreening(slow_replica.screener, CALLER).answers(
        sent(*(request(str(number), UNLISTED) for number in range(10)))
    )
    waiting = asyncio.ensure_future(anext(answers))
    await until(lambda: slow_index.asked == 10)

    waiting.cancel()
    await asyncio.wait({waiting})
    await answers.aclose()

    assert slow_index.cancelled == 10


async def test_a_server_that_ends_answers_what_it_read_and_says_that_it_ends(
    slow_replica: Replica, slow_index: SlowIndex
) -> None:
    servicer = slow_replica.screening

    async def endless() -> AsyncIterator[service_pb2.ScreenPartiesRequest]:
        for number in range(3):
            yield request(str(number), UNLISTED)
        await asyncio.Event().wait()

    answers: list[str] = []
    with acting_as(PARTNER):
        collecting = asyncio.ensure_future(
            collect(servicer.ScreenParties(endless(), None), answers)
        )
        await until(lambda: slow_index.asked == 3)
        servicer.drain()
        slow_index.may_answer.set()
        with pytest.raises(RpcError) as ended:
            await collecting
        with pytest.raises(RpcError) as later:
            await anext(servicer.ScreenParties(sent(request("9", UNLISTED)), None))

    assert (ended.value.reason, later.value.reason) == ("DRAINING", "DRAINING")
    assert answers == ["0", "1", "2"]


async def test_a_message_that_cannot_be_read_ends_the_stream_behind_the_answers_before_it(
    replica: Replica,
) -> None:
    async def broken() -> AsyncIterator[service_pb2.ScreenPartiesRequest]:
        yield request("1", UNLISTED)
        raise LookupError("as the plumbing raises for a message without an id")

    answers: list[str] = []
    with pytest.raises(LookupError):
        await collect(BulkScreening(replica.screener, CALLER).answers(broken()), answers)

    assert answers == ["1"]
