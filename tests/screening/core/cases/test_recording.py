"""How answers of the matcher are recorded: past verdicts, reasons, and the limit of hits."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

import pytest

from chassis.streams.record_size import MAX_PAYLOAD_BYTES
from services.screening.core import model
from services.screening.core.cases.recording import (
    MOST_HITS,
    complete_screening,
    limit_hits,
    record_party,
)
from services.screening.core.model import Effect, EvidenceKind, Flag, Reason, Result, Strength
from services.screening.core.ownership.assessment import Stake
from services.screening.core.records import (
    HITS_OMITTED,
    HitState,
    PartyScreening,
    ScreeningResult,
    Subject,
)
from services.screening.shell import codec
from tests.screening.core.hits import (
    NOON,
    OTHER,
    PAST,
    RULES,
    USER,
    answer,
    hit,
    screening,
)

CLEAR = PartyScreening("end-user", ScreeningResult.CLEAR, "", (), ())
HIT = model.Hit(
    entry_id="EL-1",
    list_code="EL",
    entry_hash="0",
    matched_name="x" * 50,
    queried_name="y" * 50,
    score=1.0,
    strength=Strength.EXACT,
    explanation=(model.Evidence(EvidenceKind.NAME_EXACT, Effect.SUPPORTS, "z" * 100),),
)


def matched(result: Result, hits: int = 0, **more: object) -> model.Screening:
    found = model.Screening(result, "US-CSL/2025-02/0", "1", 0.01, (HIT,) * hits)
    return replace(found, **more)  # type: ignore[arg-type]  # what no caller may give


def test_a_pair_that_was_found_false_is_not_asked_about_again() -> None:
    said = screening(
        answer(hit(content="a"), hit("SDN-2", content="b")), false={(USER.content, "a"): PAST}
    )

    states = [each.state for each in said.parties[0].hits]

    assert states == [HitState.FALSE_POSITIVE, HitState.OPEN]
    assert said.parties[0].result is ScreeningResult.POSSIBLE_MATCH


def test_a_party_whose_hits_were_all_found_false_before_is_a_false_positive_at_once() -> None:
    said = screening(answer(hit(content="a")), false={(USER.content, "a"): PAST})

    assert said.parties[0].result is ScreeningResult.FALSE_POSITIVE


@pytest.mark.parametrize(
    "pair", [(OTHER.content, "a"), (USER.content, "changed")], ids=["party", "entry"]
)
def test_a_change_of_party_or_entry_asks_again(pair: tuple[str, str]) -> None:
    said = screening(answer(hit(content="a")), false={pair: PAST})

    assert said.parties[0].hits[0].state is HitState.OPEN


def test_the_id_of_a_party_is_no_part_of_what_it_is() -> None:
    assert replace(USER, party_id="applicant").content == USER.content


@pytest.mark.parametrize("result", list(Result))
def test_every_answer_of_the_engine_can_be_recorded(result: Result) -> None:
    assert record_party("end-user", matched(result)).result == result.value


def test_the_first_reason_explains_undetermined_and_the_others_are_flags() -> None:
    kept = record_party(
        "end-user",
        matched(
            Result.UNDETERMINED,
            reasons=(Reason.NAME_TOO_LONG, Reason.NAME_UNREADABLE),
            flags=(Flag.MIXED_SCRIPT,),
        ),
    )

    assert kept.undetermined_reason == "NAME_TOO_LONG"
    assert kept.flags == ("MIXED_SCRIPT", "NAME_UNREADABLE")


def test_a_name_that_was_not_judged_is_flagged_beside_a_match() -> None:
    kept = record_party(
        "end-user", matched(Result.POSSIBLE_MATCH, 1, reasons=(Reason.NAME_TOO_LONG,))
    )

    assert (kept.undetermined_reason, kept.flags) == ("", ("NAME_TOO_LONG",))


def test_hits_that_fit_are_all_kept() -> None:
    party = record_party("end-user", matched(Result.POSSIBLE_MATCH, 3))

    assert limit_hits((party, CLEAR)) == (party, CLEAR)


def test_of_many_hits_the_best_are_kept_and_the_rest_is_owned_up_to() -> None:
    (party,) = limit_hits(
        (record_party("end-user", matched(Result.POSSIBLE_MATCH, MOST_HITS + 1)),)
    )

    assert len(party.hits) == MOST_HITS
    assert party.flags == (HITS_OMITTED,)


def test_a_party_keeps_a_hit_however_little_room_there_is() -> None:
    party = record_party("end-user", matched(Result.POSSIBLE_MATCH, 5))

    kept = limit_hits((party, party), most_bytes=2 * 1180)

    assert [len(each.hits) for each in kept] == [2, 2]
    (least,) = limit_hits((party,), most_bytes=0)
    assert [(each.entry_id, each.evidence) for each in least.hits] == [("EL-1", ())]


@pytest.mark.parametrize("hits", [0, 50])
def test_the_event_of_the_largest_application_fits_into_a_record(hits: int) -> None:
    count, codes = 50, ("SDN", "EL", "EU", "UK", "UNSC")
    ids = [f"party-{number}".ljust(40, "x") for number in range(count)]
    subjects = [
        Subject(
            party_id,
            names=("\U0001f600" * 245,) * 21,
            owns=tuple(Stake(ids[(number + n) % count], None) for n in range(1, 21)),
            is_beneficial_owner=True,
        )
        for number, party_id in enumerate(ids)
    ]
    assert sum(len(name.encode()) for each in subjects for name in each.names) > 1_000_000
    found = [
        replace(
            HIT,
            entry_id=f"{codes[number % 5]}-{number}",
            list_code=codes[number % 5],
            matched_name="m" * 400,
            queried_name="\U0001f600" * 400,
            explanation=tuple(
                model.Evidence(EvidenceKind.NAME_EXACT, Effect.SUPPORTS, "\U0001f600" * 900)
                for _ in range(12)
            ),
            programs=("SDGT", "IRAN"),
        )
        for number in range(hits)
    ]
    answers = [
        model.Screening(Result.POSSIBLE_MATCH, "US-CSL/1/a", "1", 0.01, tuple(found))
        for _ in subjects
    ]

    event = complete_screening(uuid4(), uuid4(), "example-1", subjects, answers, {}, NOON, RULES)

    assert all(bool(each.hits) == bool(hits) for each in event.parties)
    assert event.ownership is not None
    assert len({each.party_id for each in event.ownership.findings}) == count
    assert len(codec.encode_event(event)[1]) <= MAX_PAYLOAD_BYTES
