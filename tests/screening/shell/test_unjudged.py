"""A name that cannot be judged is UNDETERMINED, never CLEAR; disguises are flagged."""

from __future__ import annotations

import pytest
from safeconduct.screening.v1 import model_pb2, service_pb2

from chassis.rpc.authentication import Principal
from tests.chassis.callers import acting_as
from tests.screening.shell.replica import Replica
from tests.screening.shell.submissions import LISTED_ALIAS

PARTNER = Principal("partner", "example-1", "example-1", frozenset({"PARTNER"}))


async def ask(replica: Replica, *names: str) -> model_pb2.PartyScreening:
    with acting_as(PARTNER):
        request = service_pb2.ScreenPartyRequest(party=model_pb2.PartyQuery(names=names))
        return (await replica.screening.ScreenParty(request, None)).party


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("\x00", "NAME_UNREADABLE"),
        ("12345", "NAME_UNREADABLE"),
        ("🙂", "NAME_UNREADABLE"),
        ("\u200f\u202e", "NAME_UNREADABLE"),
        ("Q", "NAME_TOO_SHORT"),
        ("n/a", "NAME_PLACEHOLDER"),
        ("Ab" * 2500, "NAME_TOO_LONG"),
    ],
)
async def test_a_name_that_cannot_be_judged_is_undetermined_with_its_reason(
    replica: Replica, name: str, reason: str
) -> None:
    answer = await ask(replica, name)

    assert (answer.result, answer.undetermined_reason) == (
        model_pb2.SCREENING_RESULT_UNDETERMINED,
        reason,
    )


async def test_a_disguise_of_writing_is_flagged_in_the_answer(replica: Replica) -> None:
    answer = await ask(replica, LISTED_ALIAS.replace("Repair", "Rераi\u200br"))  # noqa: RUF001  Cyrillic letters

    assert answer.result == model_pb2.SCREENING_RESULT_POSSIBLE_MATCH
    assert set(answer.flags) == {"MIXED_SCRIPT", "INVISIBLE_CHARACTERS"}
