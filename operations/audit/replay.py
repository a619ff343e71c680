"""Replays decisions: the kept facts under the kept policy text must give the stored outcome.

It reads the events of applications, and judges only what they say. An officer's decision repeats
the outcome of the case: it must equal the outcome before it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from google.protobuf.message import Message
from safeconduct.applications.v1 import events_pb2 as applications
from safeconduct.applications.v1 import model_pb2 as model

from chassis.store.hash_chain import StoredEvent
from operations.audit.chain_faults import find_faults
from operations.audit.events import decode_event
from operations.audit.journal_reader import AuditedStream
from operations.audit.kept_policy import PolicyTextError, barred, bars, evaluate
from operations.audit.texts import TextKind, Texts, changed_texts, named_texts

Progress = Callable[[int, int], None]
"""Called often: the applications and outcomes replayed so far."""


class Result(StrEnum):
    """The result of one replay. Scripts use these names; `LEGEND` explains them."""

    EQUAL = "EQUAL"
    DIFFERENT = "DIFFERENT"
    CHANGED = "CHANGED"
    TEXT_CHANGED = "TEXT_CHANGED"
    TEXT_MISSING = "TEXT_MISSING"
    UNREADABLE = "UNREADABLE"
    NO_FACTS = "NO_FACTS"


LEGEND: Final = {
    Result.EQUAL: "the kept facts under the kept policy give the stored outcome, byte for byte",
    Result.DIFFERENT: "the kept facts under the kept policy give another outcome",
    Result.CHANGED: "the hash chain of the application is broken: run `safeconduct audit verify`",
    Result.TEXT_CHANGED: "a text that the outcome rests on does not have its digest",
    Result.TEXT_MISSING: "a text that the outcome rests on is not kept",
    Result.UNREADABLE: "this release cannot read the event or the kept policy",
    Result.NO_FACTS: "an earlier release evaluated the policy and kept no facts",
}
FAULTS: Final = frozenset(Result) - {Result.EQUAL, Result.NO_FACTS}


@dataclass(frozen=True, slots=True)
class Replay:
    """The replay of one stored outcome. `detail` names what differs."""

    application_id: UUID
    version: int
    event: str
    result: Result
    detail: str = ""


@dataclass(slots=True)
class Report:
    """All replays. Of those that are equal, only the number is kept, unless `keeps_all`."""

    keeps_all: bool = False
    applications: int = 0
    counts: Counter[Result] = field(default_factory=Counter)
    replays: list[Replay] = field(default_factory=list)
    uses: Counter[tuple[TextKind, bytes]] = field(default_factory=Counter)
    """The number of outcomes that rest on each text."""

    @property
    def has_faults(self) -> bool:
        """Whether an outcome is not the one that its facts and its policy give."""
        return any(self.counts[each] for each in FAULTS)

    def add(self, found: Replay) -> None:
        """Counts a replay."""
        self.counts[found.result] += 1
        if self.keeps_all or found.result is not Result.EQUAL:
            self.replays.append(found)


async def replay(
    streams: AsyncIterator[AuditedStream], texts: Texts, report: Report, progress: Progress
) -> None:
    """Replays every outcome of policy in these streams of applications into the report."""
    faulty = {bytes.fromhex(each.digest) for each in changed_texts(texts)}
    async for stream in streams:
        report.applications += 1
        for each in _replayed(stream, texts, faulty, report):
            report.add(each)
        progress(report.applications, report.counts.total())


@dataclass(frozen=True, slots=True)
class _Outcome:
    """An outcome of policy as an event holds it."""

    event: StoredEvent
    message: Any
    policy: model.PolicyOutcome
    by_officers: bool

    @property
    def basis(self) -> Any:
        """The basis of the outcome, or None."""
        return self.message.basis if self.message.HasField("basis") else None


def _replayed(
    stream: AuditedStream, texts: Texts, faulty: set[bytes], report: Report
) -> Iterator[Replay]:
    for fault in find_faults(stream.events, stream.state_row):
        name = next((each.name for each in stream.events if each.version == fault.version), "")
        detail = f"{fault.kind}: {fault.detail}"
        yield Replay(stream.id, fault.version, name, Result.CHANGED, detail)
    before: _Outcome | None = None
    for event in stream.events:
        try:
            found = _outcome(event, decode_event("applications", event.name, event.payload))
        except ValueError as fault:
            yield Replay(stream.id, event.version, event.name, Result.UNREADABLE, str(fault))
            continue
        if found is None:
            continue
        report.uses.update(named_texts(found.message))
        result, detail = _judged(found, before, texts, faulty)
        yield Replay(stream.id, event.version, event.name, result, detail)
        before = found


def _outcome(event: StoredEvent, message: Message | None) -> _Outcome | None:
    match message:
        case (
            applications.ApplicationReferred()
            | applications.DenialIntended()
            | applications.ScreeningRevised()
        ):
            return _Outcome(event, message, message.policy, by_officers=False)
        case applications.ApplicationApproved() | applications.ApplicationDenied():
            decision = message.decision
            return _Outcome(event, message, decision.policy, by_officers=not decision.by_policy)
        case _:
            return None


def _judged(
    found: _Outcome, before: _Outcome | None, texts: Texts, faulty: set[bytes]
) -> tuple[Result, str]:
    if found.by_officers:
        return _repeated(found, before)
    if found.basis is None:
        return Result.NO_FACTS, ""
    for kind, digest in named_texts(found.message):
        text = texts.get(digest)
        if text is None:
            return Result.TEXT_MISSING, f"{kind} {digest.hex()}"
        if digest in faulty:
            return Result.TEXT_CHANGED, f"{kind} {text.version} ({text.file_name}) {digest.hex()}"
    if found.basis.policy_digest.hex() != found.policy.policy_digest:
        return Result.DIFFERENT, "the outcome names another policy than its basis"
    try:
        expected = _expected(found, texts[found.basis.policy_digest].content)
    except PolicyTextError as fault:
        return Result.UNREADABLE, str(fault)
    return _compared(expected, found.policy)


def _expected(found: _Outcome, text: bytes) -> model.PolicyOutcome:
    """Returns the outcome that the kept policy gives, with the bars of the service to an approval.

    The bars count only where policy alone would have approved.
    """
    facts = found.basis.facts
    outcome = evaluate(text, facts, found.policy.evaluated_at)
    outcome.policy_digest = found.basis.policy_digest.hex()
    is_screened = isinstance(
        found.message, applications.ApplicationReferred | applications.ApplicationApproved
    )
    if is_screened and outcome.effect == model.RULE_EFFECT_APPROVE:
        names = bars(facts, outcome.fired)
        return barred(outcome, names) if names else outcome
    return outcome


def _repeated(found: _Outcome, before: _Outcome | None) -> tuple[Result, str]:
    """Compares a decision of officers with the outcome that they decided on."""
    if before is None:
        return Result.DIFFERENT, "officers decided without an outcome of policy"
    if found.basis is None and before.basis is None:
        return Result.NO_FACTS, ""
    if found.basis != before.basis:
        return Result.DIFFERENT, f"other facts or texts than in version {before.event.version}"
    return _compared(before.policy, found.policy)


def _compared(expected: model.PolicyOutcome, stored: model.PolicyOutcome) -> tuple[Result, str]:
    if _bytes(expected) == _bytes(stored):
        return Result.EQUAL, ""
    return Result.DIFFERENT, "; ".join(_differences(expected, stored))


def _differences(expected: model.PolicyOutcome, stored: model.PolicyOutcome) -> Iterator[str]:
    ours, theirs = _by_rule(expected.fired), _by_rule(stored.fired)
    for rule_id in [*ours, *(each for each in theirs if each not in ours)]:
        if rule_id not in theirs:
            yield f"{rule_id} fires and is not in the stored outcome"
        elif rule_id not in ours:
            yield f"{rule_id} does not fire and is in the stored outcome"
        elif _bytes(ours[rule_id]) != _bytes(theirs[rule_id]):
            yield f"{rule_id} has another content"
    for name in ("effect", "tier", "countersignatures", "lease_seconds", "policy_version"):
        if getattr(expected, name) != getattr(stored, name):
            yield f"{name} is {getattr(stored, name)} and should be {getattr(expected, name)}"
    if list(ours) != list(theirs) and set(ours) == set(theirs):
        yield "the rules are in another order"


def _by_rule(fired: Sequence[model.FiredRule]) -> dict[str, model.FiredRule]:
    return {each.rule_id: each for each in fired}


def _bytes(message: Message) -> bytes:
    return message.SerializeToString(deterministic=True)
