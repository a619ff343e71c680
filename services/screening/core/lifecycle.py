"""Where a hit stands, from OPEN to decided: one table, and what is known of a party by its hits.

Everything not listed is refused. Knows nothing of how names are compared, and nothing of who may judge.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final
from uuid import NAMESPACE_OID, UUID, uuid5

from services.screening.core.errors import Kind, Reason, Refusal


class HitState(StrEnum):
    """Where a hit stands: whether its entry is the party."""

    OPEN = "OPEN"
    CLEARING_PROPOSED = "CLEARING_PROPOSED"
    FALSE_POSITIVE = "FALSE_POSITIVE"
    CONFIRMED = "CONFIRMED"
    SUPERSEDED = "SUPERSEDED"


class HitStep(StrEnum):
    """What can happen to a hit. An exact one is cleared in two steps, taken by two officers."""

    CLEAR = "Clear"
    PROPOSE_CLEARING = "ProposeClearing"
    CONFIRM_CLEARING = "ConfirmClearing"
    CONFIRM_MATCH = "ConfirmMatch"
    SUPERSEDE = "Supersede"


HIT_TRANSITIONS: Final[Mapping[HitState, Mapping[HitStep, HitState]]] = {
    HitState.OPEN: {
        HitStep.CLEAR: HitState.FALSE_POSITIVE,
        HitStep.PROPOSE_CLEARING: HitState.CLEARING_PROPOSED,
        HitStep.CONFIRM_MATCH: HitState.CONFIRMED,
        HitStep.SUPERSEDE: HitState.SUPERSEDED,
    },
    HitState.CLEARING_PROPOSED: {
        HitStep.CLEAR: HitState.FALSE_POSITIVE,  # two officers found the same of the same pair elsewhere
        HitStep.CONFIRM_CLEARING: HitState.FALSE_POSITIVE,
        HitStep.CONFIRM_MATCH: HitState.CONFIRMED,
        HitStep.SUPERSEDE: HitState.SUPERSEDED,
    },
    # Decided for this party and this entry as they are; a change of either makes another hit.
    HitState.FALSE_POSITIVE: {},
    HitState.CONFIRMED: {},
    HitState.SUPERSEDED: {},
}

UNDECIDED: Final = frozenset({HitState.OPEN, HitState.CLEARING_PROPOSED})
"""States in which the entry may be the party."""

STANDING: Final = UNDECIDED | {HitState.CONFIRMED}
"""States in which the entry may be, or is, the party."""


class ImpossibleStep(AssertionError):  # noqa: N818 - a broken promise of ours
    """A step that the table does not have here."""


def step_hit(state: HitState, step: HitStep) -> HitState | Refusal:
    """Where the step leads a hit, or WRONG_STATE."""
    allowed = HIT_TRANSITIONS[state]
    if step in allowed:
        return allowed[step]
    metadata = {"state": str(state), "command": str(step), "allowedCommands": ",".join(allowed)}
    return Refusal(
        Kind.PRECONDITION,
        Reason.WRONG_STATE,
        f"{step} does not fit a hit that is {state}",
        metadata,
    )


def stepped(state: HitState, step: HitStep) -> HitState:
    """Where the step leads. Raises ImpossibleStep."""
    after = step_hit(state, step)
    if isinstance(after, Refusal):
        raise ImpossibleStep(after.message)
    return after


def hit_id_of(
    application_id: UUID, party_id: str, entry_id: str, party_content: str, entry_content: str
) -> UUID:
    """The id of a hit: the same as long as party and entry say the same, another one when either changes."""
    return uuid5(
        NAMESPACE_OID, f"hit/{application_id}/{party_id}/{entry_id}/{party_content}/{entry_content}"
    )


def content_of(parts: Iterable[tuple[str, Iterable[str]]]) -> str:
    """SHA-256, hexadecimal, over named lists of texts, so that no two different parties share it."""
    said = "\x1d".join(f"{name}\x1f" + "\x1e".join(values) for name, values in parts)
    return hashlib.sha256(said.encode()).hexdigest()
