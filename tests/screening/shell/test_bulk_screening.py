"""A stream of parties, without a wire: answers in order, a bounded number under way, an end that leaves nothing."""

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
from services.screening.shell.bulk_screening import UNDER_WAY, BulkScreening
from services.screening.shell.matcher import Asker, MatcherError
from services.screening.shell.screening_service import ScreeningServicer
from tests.chassis.callers import acting_as
from tests.screening.shell.conftest import Replica
from tests.screening.shell.submissions import LISTED_ALIAS, LISTED_ENTRY, UNLISTED

PARTNER = Principal("partner", "example-1", "example-1", frozenset({"PARTNER"}))
ASKER = Asker("partner/example-1", "1")


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


class Slow:
    """A loaded generation that answers when it is told to, and counts what it was asked and what was given up."""

    def __init__(self, answer: Screening) -> None:
        self.list_version_id, self.entries = answer.list_version_id, ()
        self.asked, self.left = 0, 0
        self.may = asyncio.Event()
        self._answer = answer

    async def screen(self, query: PartyQuery, asker: Asker) -> Screening:
        self.asked += 1
        try:
            await self.may.wait()
        except asyncio.CancelledError:
            self.left += 1
            raise
        if query.names == ("broken",):
            raise MatcherError("ValueError")
        return self._answer


@pytest.fixture
async def slow(replica: Replica) -> Slow:
    return Slow(await replica.desk.screen(PartyQuery((UNLISTED,))))


@pytest.fixture
async def desk(replica: Replica, slow: Slow) -> AsyncIterator[Replica]:
    """The desk with the slow generation in it."""
    before = replica.desk.generation
    replica.desk.generation = slow
    yield replica
    replica.desk.generation = before


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
    counter = ScreeningServicer(replica.screenings, replica.desk)
    names = [LISTED_ALIAS if number % 3 else UNLISTED for number in range(40)]

    with acting_as(PARTNER):
        stream = counter.ScreenParties(
            sent(*(request(str(n), name) for n, name in enumerate(names))), None
        )
        answers = [answer async for answer in stream]

    assert [answer.query_id for answer in answers] == [str(number) for number in range(40)]
    assert [bool(answer.party.hits) for answer in answers] == [
        name == LISTED_ALIAS for name in names
    ]
    assert answers[1].party.hits[0].entry_id == LISTED_ENTRY
    assert {(answer.list_version, answer.config_version) for answer in answers} == {
        (replica.desk.generation.list_version_id, DEFAULT.version)
        if replica.desk.generation
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

    answers = [answer async for answer in BulkScreening(replica.desk, ASKER).answers(asked)]

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
    desk: Replica, slow: Slow
) -> None:
    slow.may.set()

    book = BulkScreening(desk.desk, ASKER)
    answers = [
        answer
        async for answer in book.answers(sent(request("1", "broken"), request("2", UNLISTED)))
    ]

    assert [answer.WhichOneof("answer") for answer in answers] == ["refusal", "party"]
    assert answers[0].refusal.reason == "INTERNAL"


async def test_who_sends_a_million_is_read_no_faster_than_he_is_answered(
    desk: Replica, slow: Slow
) -> None:
    taken = 0

    async def million() -> AsyncIterator[service_pb2.ScreenPartiesRequest]:
        nonlocal taken
        for number in range(1_000_000):
            taken += 1
            yield request(str(number), UNLISTED)

    async with aclosing(BulkScreening(desk.desk, ASKER).answers(million())) as answers:
        first = asyncio.ensure_future(anext(answers))
        await until(lambda: slow.asked == UNDER_WAY)
        for _ in range(100):
            await asyncio.sleep(0)
        held = taken
        slow.may.set()
        await first
        for _ in range(99):
            await anext(answers)

    assert held == UNDER_WAY
    assert taken <= 100 + UNDER_WAY


async def test_whoever_leaves_is_not_screened_for_any_more(desk: Replica, slow: Slow) -> None:
    answers = BulkScreening(desk.desk, ASKER).answers(
        sent(*(request(str(number), UNLISTED) for number in range(10)))
    )
    waiting = asyncio.ensure_future(anext(answers))
    await until(lambda: slow.asked == 10)

    waiting.cancel()
    await asyncio.wait({waiting})
    await answers.aclose()

    assert slow.left == 10


async def test_a_server_that_ends_answers_what_it_read_and_says_that_it_ends(
    desk: Replica, slow: Slow
) -> None:
    counter = ScreeningServicer(desk.screenings, desk.desk)

    async def endless() -> AsyncIterator[service_pb2.ScreenPartiesRequest]:
        for number in range(3):
            yield request(str(number), UNLISTED)
        await asyncio.Event().wait()

    answers: list[str] = []
    with acting_as(PARTNER):
        collecting = asyncio.ensure_future(collect(counter.ScreenParties(endless(), None), answers))
        await until(lambda: slow.asked == 3)
        counter.drain()
        slow.may.set()
        with pytest.raises(RpcError) as ended:
            await collecting
        with pytest.raises(RpcError) as later:
            await anext(counter.ScreenParties(sent(request("9", UNLISTED)), None))

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
        await collect(BulkScreening(replica.desk, ASKER).answers(broken()), answers)

    assert answers == ["1"]
