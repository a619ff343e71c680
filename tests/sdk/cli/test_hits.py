"""`safeconduct hits`: verdicts on hits."""

from __future__ import annotations

import pytest
from safeconduct.screening.v1 import model_pb2 as screening

from tests.sdk import fake_services as expected
from tests.sdk.cli.running import RATIONALE, Command
from tests.sdk.fake_services import (
    APPLICATION,
    FakeServices,
)

CLEARING = "0c7b3b1e-5d0e-5b39-8f0a-1d2c3b4a5e6f"


async def test_a_verdict_on_a_hit_names_the_hit_as_it_was_read(
    command: Command, services: FakeServices
) -> None:
    services.hit.state = screening.HIT_STATE_CLEARING_PROPOSED

    listed = await command(
        "hits", "list", "--application", APPLICATION, "--state", "OPEN", "--json"
    )
    ran = await command("hits", "adjudicate", expected.HIT, "--false-positive", *RATIONALE)

    asked, said = services.last("ListHits").filter, services.last("AdjudicateHit")
    assert listed.json["hits"][0]["hitId"] == expected.HIT
    assert (asked.application_id, asked.state) == (
        APPLICATION,
        screening.HIT_STATE_OPEN,
    )
    assert (said.hit_id, said.etag, said.verdict) == (
        expected.HIT,
        "v3",
        screening.HIT_VERDICT_FALSE_POSITIVE,
    )
    assert "Another officer must confirm or reject it" in ran.out


@pytest.mark.parametrize(
    ("words", "method"),
    [("confirm-clearing", "ConfirmClearing"), ("reject-clearing", "RejectClearing")],
)
async def test_a_proposed_clearing_is_answered_by_its_id_and_the_etag_that_was_read(
    command: Command, services: FakeServices, words: str, method: str
) -> None:
    early = await command("hits", words, expected.HIT, "--yes", CLEARING, *RATIONALE)
    services.hit.clearing_id = CLEARING
    ran = await command("hits", words, expected.HIT, "--yes", CLEARING, *RATIONALE)

    asked = services.last(method)
    assert (early.code, ran.code) == (4, 0)
    assert (asked.hit_id, asked.clearing_id, asked.etag) == (expected.HIT, CLEARING, "v3")
    assert asked.rationale == RATIONALE[1]


async def test_a_verdict_is_withdrawn_by_its_id_and_the_etag_that_was_read(
    command: Command, services: FakeServices
) -> None:
    words = ("hits", "withdraw-verdict", expected.HIT, "--yes", CLEARING, *RATIONALE)
    early = await command(*words)
    services.hit.verdict_id = CLEARING
    ran = await command(*words)

    asked = services.last("WithdrawVerdict")
    assert (early.code, ran.code) == (4, 0)
    assert (asked.hit_id, asked.verdict_id, asked.etag) == (expected.HIT, CLEARING, "v3")
    assert asked.rationale == RATIONALE[1]


async def test_a_verdict_says_which_way(command: Command) -> None:
    ran = await command("hits", "adjudicate", expected.HIT, *RATIONALE)

    assert ran.code == 2
    assert "--false-positive or --confirmed" in ran.err
