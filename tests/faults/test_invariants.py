"""Every invariant holds for a good run, and detects one defect in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from tests.faults import invariants as i
from tests.faults.fault_injector import InjectedExit, ProcessExit
from tests.faults.gates import Allowed
from tests.faults.injected_records import Poison, Refused
from tests.faults.scenario_load import Kind, ScenarioRecord

SECOND = 1_000_000_000
UNDECODABLE = frozenset({"UNDECODABLE"})
POISON = Poison("safeconduct.screening.v1", 3, 9, ("safeconduct.applications",), UNDECODABLE)
REFUSED = Refused("/faults", "lic-9", 1, ("applications",), frozenset({"NOT_FOUND"}))
PARKED = i.ParkedEvent("applications", "/faults", "lic-9", 1, "NOT_FOUND")
LETTER = i.DeadLetter("safeconduct.screening.v1", 3, 9, "safeconduct.applications", "UNDECODABLE")


def _stream(service: str, stream_id: str, state_name: str, state: Any, *names: str) -> i.Stream:
    events = tuple(
        i.Event(
            stream_id,
            number,
            f"{service}-{stream_id}-{number}",
            name,
            f"digest of {name}",
            f"hash {number}",
        )
        for number, name in enumerate(names, 1)
    )
    return i.Stream(
        service=service,
        id=stream_id,
        version=len(names),
        head=events[-1].hash,
        state_name=state_name,
        events=events,
        broken_at=(),
        stored=state,
        rebuilt=state,
        columns=(state_name,),
        rebuilt_columns=(state_name,),
        projected=frozenset({("case", state_name)}),
        rebuilt_projected=frozenset({("case", state_name)}),
    )


def _granted(license_id: str, state: str) -> SimpleNamespace:
    finding, party = SimpleNamespace(party_id="end-user"), SimpleNamespace(party_id="end-user")
    screening = SimpleNamespace(screening_id="screening-1", findings=(finding,))
    return SimpleNamespace(
        details=SimpleNamespace(parties=(party,)),
        decision=SimpleNamespace(outcome="APPROVE", screening=screening),
        license=SimpleNamespace(
            license_id=license_id, state=state, acceptance=SimpleNamespace(signature=b"signature")
        ),
    )


def _published(
    topic: str, stream: i.Stream, partition: int, names: tuple[str, ...] | None = None
) -> list[i.PublishedRecord]:
    return [
        i.PublishedRecord(
            topic,
            partition,
            event.version,
            stream.id,
            event.event_id,
            stream.id,
            event.version,
            event.name,
            event.digest,
        )
        for event in stream.events
        if names is None or event.name in names
    ]


def _good() -> i.Evidence:
    """Evidence with one revoked license, one denied application and two bad records."""
    revoked = _stream(
        "applications",
        "app-1",
        "APPROVED",
        _granted("lic-1", "REVOKED"),
        "ApplicationSubmitted",
        "ApplicationApproved",
        "LicenseIssued",
        "LicenseRecordChanged",
    )
    denied = _stream(
        "applications",
        "app-2",
        "DENIED",
        SimpleNamespace(license=None),
        "ApplicationSubmitted",
        "ApplicationDenied",
    )
    standing = SimpleNamespace(
        known_standing=SimpleNamespace(state="REVOKED", version=2, lease_seconds=60)
    )
    license_ = _stream(
        "enforcement",
        "lic-1",
        "REVOKED",
        standing,
        "LicenseRegistered",
        "StandingChanged",
        "LicenseRevoked",
        "StandingChanged",
    )
    screening = _stream("screening", "app-1", "SCREENED", SimpleNamespace(), "ScreeningCompleted")
    return i.Evidence(
        records=(
            ScenarioRecord(
                0,
                Kind.REVOKED,
                "example-1",
                "app-1",
                b"signature",
                "lic-1",
                "case-1",
                5 * SECOND,
                is_done=True,
            ),
            ScenarioRecord(1, Kind.DENIED, "example-1", "app-2", is_done=True),
        ),
        streams=(revoked, denied, license_, screening),
        screenings={"app-1": frozenset({"screening-1"})},
        published=(
            *_published("safeconduct.applications.v1", revoked, 0),
            *_published("safeconduct.applications.v1", denied, 1),
            *_published("safeconduct.screening.v1", screening, 0),
            *_published(
                "safeconduct.enforcement.v1", license_, 0, ("LicenseRegistered", "LicenseRevoked")
            ),
            *_published("safeconduct.standing.v1", license_, 7, ("StandingChanged",)),
        ),
        recalled={"lic-1": 2},
        outbox={"outbox of applications": 0},
        lag={"safeconduct.applications on safeconduct.screening.v1": 0},
        dead_letters=(LETTER,),
        poisons=(POISON,),
        parked=(PARKED,),
        refused=(REFUSED, REFUSED),
        orders=(i.Order("lic-1", 100 * SECOND, 60),),
        allowed=(Allowed("gate-1", "lic-1", 150 * SECOND, is_after_revoked=False),),
        last_words={"lic-1": frozenset({"REVOKED"})},
        served={"applications-1": 4},
        process_exits=(ProcessExit("screening-2", 10.0, -9),),
        injected_exits=(InjectedExit("screening-2", 9.0, 14.0, frozenset({-9})),),
        followed={"app-1": (1, 2, 3, 4), "app-2": (1, 2)},
    )


def _with_stream(evidence: i.Evidence, stream_id: str, **changes: Any) -> i.Evidence:
    changed = [
        replace(each, **changes) if each.id == stream_id else each for each in evidence.streams
    ]
    return replace(evidence, streams=tuple(changed))


def _without_published(evidence: i.Evidence, name: str) -> i.Evidence:
    return replace(
        evidence, published=tuple(each for each in evidence.published if each.name != name)
    )


def _published_again(evidence: i.Evidence, name: str, **changes: Any) -> i.Evidence:
    original = next(each for each in evidence.published if each.name == name)
    return replace(
        evidence, published=(*evidence.published, replace(original, offset=99, **changes))
    )


def _state(evidence: i.Evidence, change: Callable[[Any], None]) -> i.Evidence:
    state = next(each.stored for each in evidence.streams if each.id == "app-1")
    change(state)
    return evidence


def _renamed(evidence: i.Evidence, *names: str) -> i.Evidence:
    stream = next(each for each in evidence.streams if each.id == "app-1")
    events = tuple(
        replace(event, name=name) for event, name in zip(stream.events, names, strict=True)
    )
    return _with_stream(evidence, "app-1", events=events)


def test_a_good_run_violates_nothing() -> None:
    found = i.check(_good())

    assert len(found) == len(i.INVARIANTS)
    assert {name: texts for name, texts in found.items() if texts} == {}


def test_copies_of_records_violate_nothing() -> None:
    assert not any(i.check(_published_again(_good(), "ApplicationApproved")).values())


Wrong = tuple[i.Invariant, Callable[[i.Evidence], i.Evidence], str]

WRONG: tuple[Wrong, ...] = (
    (
        i.every_scenario_ended,
        lambda e: replace(e, records=(*e.records, ScenarioRecord(2, Kind.DENIED, "p"))),
        "did not end",
    ),
    (i.one_final_decision, lambda e: replace(e, streams=e.streams[1:]), "is not stored"),
    (
        i.one_final_decision,
        lambda e: _with_stream(e, "app-1", state_name="WITHDRAWN"),
        "is WITHDRAWN",
    ),
    (
        i.one_final_decision,
        lambda e: _renamed(
            e, "ApplicationSubmitted", "ApplicationApproved", "ApplicationDenied", "LicenseIssued"
        ),
        "['ApplicationApproved', 'ApplicationDenied']",
    ),
    (
        i.nothing_done_twice,
        lambda e: _renamed(
            e, "ApplicationSubmitted", "ApplicationApproved", "LicenseIssued", "LicenseIssued"
        ),
        "LicenseIssued happened 2 times",
    ),
    (
        i.license_rests_on_all,
        lambda e: _renamed(
            e,
            "ApplicationSubmitted",
            "LicenseIssued",
            "ApplicationApproved",
            "LicenseRecordChanged",
        ),
        "before a decision",
    ),
    (
        i.license_rests_on_all,
        lambda e: _state(e, lambda s: setattr(s, "decision", None)),
        "no approval",
    ),
    (
        i.license_rests_on_all,
        lambda e: _state(e, lambda s: setattr(s.decision.screening, "findings", ())),
        "not screened: end-user",
    ),
    (i.license_rests_on_all, lambda e: replace(e, screenings={}), "screening does not have"),
    (
        i.license_rests_on_all,
        lambda e: _state(e, lambda s: setattr(s.license.acceptance, "signature", b"")),
        "does not carry the signature",
    ),
    (
        i.license_rests_on_all,
        lambda e: _state(e, lambda s: setattr(s.license.acceptance, "signature", b"another")),
        "does not carry the signature",
    ),
    (
        i.licenses_agree,
        lambda e: _state(e, lambda s: setattr(s.license, "state", "ACTIVE")),
        "applications says ACTIVE",
    ),
    (
        i.licenses_agree,
        lambda e: _state(e, lambda s: setattr(s, "license", None)),
        "applications says None",
    ),
    (
        i.licenses_agree,
        lambda e: replace(e, records=(replace(e.records[0], kind=Kind.VIOLATED), e.records[1])),
        "stands REVOKED",
    ),
    (
        i.published_whole,
        lambda e: _without_published(e, "ApplicationDenied"),
        "was never published",
    ),
    (i.published_whole, lambda e: _without_published(e, "StandingChanged"), "was never published"),
    (
        i.published_whole,
        lambda e: _published_again(e, "LicenseRevoked", digest="another"),
        "another content",
    ),
    (
        i.published_whole,
        lambda e: _published_again(e, "LicenseRevoked", event_id="forged"),
        "is not stored",
    ),
    (
        i.ordered_per_key,
        lambda e: replace(e, published=tuple(replace(t, offset=-t.offset) for t in e.published)),
        "first came after",
    ),
    (
        i.ordered_per_key,
        lambda e: _published_again(e, "LicenseRevoked", partition=5),
        "is on partition 0 too",
    ),
    (
        i.new_reader_knows_newest,
        lambda e: replace(e, recalled={"lic-1": 1}),
        "knows version 1 of the standing, not 2",
    ),
    (i.new_reader_knows_newest, lambda e: replace(e, recalled={}), "knows version None"),
    (i.chains_whole, lambda e: _with_stream(e, "app-1", broken_at=(2,)), "breaks at (2,)"),
    (i.chains_whole, lambda e: _with_stream(e, "app-1", version=5), "events [1, 2, 3, 4]"),
    (
        i.chains_whole,
        lambda e: _with_stream(e, "app-1", head="another"),
        "not the last event's hash",
    ),
    (
        i.state_is_fold,
        lambda e: _with_stream(e, "lic-1", rebuilt=SimpleNamespace()),
        "not the fold",
    ),
    (
        i.projections_rebuild,
        lambda e: _with_stream(e, "app-1", columns=("DENIED",)),
        "rebuilt ('APPROVED',)",
    ),
    (
        i.projections_rebuild,
        lambda e: _with_stream(e, "lic-1", projected=frozenset()),
        "is missing",
    ),
    (
        i.projections_rebuild,
        lambda e: _with_stream(e, "lic-1", rebuilt_projected=frozenset()),
        "should not be there",
    ),
    (
        i.bounded_at_gates,
        lambda e: replace(e, allowed=(replace(e.allowed[0], last_ns=161 * SECOND),)),
        "61.00 s after the order; lease 60 s",
    ),
    (
        i.bounded_at_gates,
        lambda e: replace(e, allowed=(replace(e.allowed[0], is_after_revoked=True),)),
        "after it had said REVOKED",
    ),
    (
        i.gates_agree_at_last,
        lambda e: replace(e, last_words={"lic-1": frozenset({"ALLOWED"})}),
        "['ALLOWED']",
    ),
    (i.dead_letters_accounted, lambda e: replace(e, dead_letters=()), "is no dead letter"),
    (
        i.dead_letters_accounted,
        lambda e: replace(e, dead_letters=(LETTER, replace(LETTER, offset=8))),
        "nobody accounts for",
    ),
    (
        i.dead_letters_accounted,
        lambda e: replace(e, dead_letters=(replace(LETTER, reason="HANDLER_FAILED"),)),
        "another reason",
    ),
    (
        i.dead_letters_accounted,
        lambda e: replace(e, dead_letters=(replace(LETTER, group="another"),)),
        "is no dead letter",
    ),
    (i.parked_events_accounted, lambda e: replace(e, parked=()), "is not parked in applications"),
    (
        i.parked_events_accounted,
        lambda e: replace(e, parked=(PARKED, replace(PARKED, version=2))),
        "nobody accounts for",
    ),
    (
        i.parked_events_accounted,
        lambda e: replace(e, parked=(PARKED, replace(PARKED, service="screening"))),
        "nobody accounts for",
    ),
    (
        i.parked_events_accounted,
        lambda e: replace(e, parked=(replace(PARKED, reason="HANDLER_FAILED"),)),
        "another reason",
    ),
    (
        i.nothing_waits,
        lambda e: replace(e, outbox={"outbox of screening": 3}),
        "outbox of screening: 3 still wait",
    ),
    (
        i.nothing_waits,
        lambda e: replace(e, lag={"group on topic": 1}),
        "group on topic: 1 still wait",
    ),
    (
        i.every_replica_served,
        lambda e: replace(e, served={"screening-2": 0}),
        "screening-2 served nothing",
    ),
    (i.only_killed_died, lambda e: replace(e, injected_exits=()), "nobody killed it"),
    (
        i.only_killed_died,
        lambda e: replace(e, process_exits=(ProcessExit("screening-2", 10.0, 1),)),
        "ended with 1",
    ),
    (
        i.only_killed_died,
        lambda e: replace(e, process_exits=(ProcessExit("screening-2", 20.0, -9),)),
        "nobody killed it",
    ),
    (
        i.watch_delivered_all,
        lambda e: replace(e, followed={"app-1": (1, 2, 4), "app-2": (1, 2)}),
        "delivered [1, 2, 4]",
    ),
    (
        i.watch_delivered_all,
        lambda e: replace(e, followed={"app-1": (1, 2, 3, 4)}),
        "delivered [] of 2",
    ),
)


@pytest.mark.parametrize(("invariant", "spoil", "said"), WRONG)
def test_an_invariant_finds_what_was_made_wrong(
    invariant: i.Invariant, spoil: Callable[[i.Evidence], i.Evidence], said: str
) -> None:
    found = list(invariant(spoil(_good())))

    assert len(found) >= 1
    assert any(said in text for text in found), found


def test_every_invariant_is_shown_to_find_something() -> None:
    assert {invariant for invariant, _, _ in WRONG} == set(i.INVARIANTS)


def test_a_compacted_topic_need_not_keep_what_was_overtaken() -> None:
    good = _good()
    kept = tuple(
        each
        for each in good.published
        if not (each.name == "StandingChanged" and each.version == 2)
    )

    assert list(i.published_whole(replace(good, published=kept))) == []


def test_a_letter_without_a_group_counts_for_one_of_them() -> None:
    assert (
        list(i.dead_letters_accounted(replace(_good(), dead_letters=(replace(LETTER, group=""),))))
        == []
    )


def test_a_copy_that_the_run_sent_to_a_recreated_topic_does_not_count_as_out_of_order() -> None:
    good = _good()
    evidence = replace(
        good, published=tuple(replace(each, offset=-each.offset) for each in good.published)
    )
    copied = replace(
        evidence, published=tuple(replace(each, is_injected=True) for each in evidence.published)
    )

    assert list(i.ordered_per_key(evidence))
    assert not list(i.ordered_per_key(copied))
