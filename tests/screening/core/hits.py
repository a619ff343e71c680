"""Builders for tests of the core: an application with a hit, and commands on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from services.screening.core import decide as decider
from services.screening.core import model
from services.screening.core.cases.recording import complete_screening
from services.screening.core.commands import (
    AdjudicateHit,
    Command,
    CompleteScreening,
    ConfirmClearing,
    Officer,
    RejectClearing,
    WithdrawVerdict,
)
from services.screening.core.decide import Decision
from services.screening.core.errors import Refusal
from services.screening.core.events import ScreeningCompleted
from services.screening.core.evolve import ScreenedApplication, evolve
from services.screening.core.model import Result, Strength
from services.screening.core.records import HitAct, HitVerdict, Subject
from services.screening.shell.ownership_rules import read_ownership_rules

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
RULES = read_ownership_rules(Path(__file__).parents[3] / "services/screening/rules/ownership.yaml")
RULING = RULES.on(NOON.date())
APPLICATION, LICENSE = UUID(int=1), UUID(int=2)
RATIONALE = "another institute in another country"
FIRST, LATER = UUID(int=11), UUID(int=12)
USER = Subject("end-user", ("Example Institute of Electronics",), countries=("AT",))
PAST = UUID(int=77)
"""A hit of another application, which officers cleared."""
NONE: Mapping[tuple[str, str], UUID] = {}
ONLY_EXACT = frozenset({Strength.EXACT})
OTHER = Subject("deployer", ("Example Hosting",))


def hit(
    entry_id: str = "EL-1", strength: Strength = Strength.STRONG, content: str = "a"
) -> model.Hit:
    code = entry_id.partition("-")[0]
    return model.Hit(entry_id, code, content, "Institute of Electronics", "x", 0.9, strength, ())


def answer(
    *hits: model.Hit, version: str = "US-CSL/1/a", reasons: Sequence[model.Reason] = ()
) -> model.Screening:
    result = Result.POSSIBLE_MATCH if hits else Result.UNDETERMINED if reasons else Result.CLEAR
    return model.Screening(result, version, "1", 0.01, hits, tuple(reasons))


def screening(
    *answers: model.Screening,
    screening_id: UUID = FIRST,
    subjects: Sequence[Subject] = (USER,),
    false: Mapping[tuple[str, str], UUID] = NONE,
) -> ScreeningCompleted:
    return complete_screening(
        screening_id, APPLICATION, "example-1", subjects, answers, false, NOON, RULES
    )


def decide(application: ScreenedApplication | None, command: Command) -> Decision:
    """Returns what follows from the command at noon, under the shipped rules of ownership."""
    return decider.decide(application, command, NOON, RULES)


def after(application: ScreenedApplication | None, *commands: Command) -> ScreenedApplication:
    """The application after the commands, all of which must be accepted."""
    for command in commands:
        decided = decide(application, command)
        assert not isinstance(decided, Refusal), decided
        for event in decided:
            application = evolve(application, event)
    assert application is not None
    return application


def screened(*hits: model.Hit) -> ScreenedApplication:
    return after(None, CompleteScreening(screening(answer(*hits))))


def act(officer: str) -> HitAct:
    return HitAct(officer, RATIONALE, NOON)


def judge(
    application: ScreenedApplication,
    verdict: HitVerdict,
    officer: str = "licensing-1",
    number: int = 0,
    affiliation: str | None = None,
    two_officers: AbstractSet[Strength] = ONLY_EXACT,
) -> AdjudicateHit:
    hit_id = application.hits[number].hit_id
    return AdjudicateHit(Officer(officer, affiliation), hit_id, verdict, RATIONALE, two_officers)


def withdraw(
    application: ScreenedApplication, officer: str = "licensing-3", number: int = 0
) -> WithdrawVerdict:
    hit = application.hits[number]
    assert hit.verdict_id is not None
    return WithdrawVerdict(Officer(officer, None), hit.hit_id, hit.verdict_id, RATIONALE)


def pending(application: ScreenedApplication) -> UUID:
    """Returns the id of the pending proposal to clear the application's first hit."""
    clearing_id = application.hits[0].pending_clearing_id
    assert clearing_id is not None
    return clearing_id


def confirm(application: ScreenedApplication, officer: str) -> ConfirmClearing:
    hit_id = application.hits[0].hit_id
    return ConfirmClearing(Officer(officer, None), hit_id, pending(application), RATIONALE)


def reject(application: ScreenedApplication, officer: str) -> RejectClearing:
    hit_id = application.hits[0].hit_id
    return RejectClearing(Officer(officer, None), hit_id, pending(application), RATIONALE)


FALSE, CONFIRMED = HitVerdict.FALSE_POSITIVE, HitVerdict.CONFIRMED
