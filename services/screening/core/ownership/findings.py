"""Findings about the owners of a party, and their description in sentences for officers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, assert_never


class OwnershipResult(StrEnum):
    """Meaning of a finding.

    BLOCKED: a rule in effect is certainly met. RED_FLAG: an officer must examine it.
    """

    BLOCKED = "BLOCKED"
    RED_FLAG = "RED_FLAG"


class OwnershipCause(StrEnum):
    """Cause of a finding.

    OWNED_BY_LISTED: listed parties hold the share that a rule requires. RULE_SUSPENDED: the same,
    but the rule is suspended. MAY_REACH_THRESHOLD: they may hold it. MINORITY_STAKE: they hold
    less. LISTED_ELSEWHERE: an owner is on a list that no rule covers. OWNER_UNDETERMINED: an owner
    could not be screened. UNKNOWN_SHARE: the size of a share is not known. UNKNOWN_HOLDING: a
    beneficial owner declares no holding.
    """

    OWNED_BY_LISTED = "OWNED_BY_LISTED"
    RULE_SUSPENDED = "RULE_SUSPENDED"
    MAY_REACH_THRESHOLD = "MAY_REACH_THRESHOLD"
    MINORITY_STAKE = "MINORITY_STAKE"
    LISTED_ELSEWHERE = "LISTED_ELSEWHERE"
    OWNER_UNDETERMINED = "OWNER_UNDETERMINED"
    UNKNOWN_SHARE = "UNKNOWN_SHARE"
    UNKNOWN_HOLDING = "UNKNOWN_HOLDING"


@dataclass(frozen=True, slots=True)
class ShareRange:
    """Bounds of a share, in percent. Both are equal if the share is known exactly."""

    at_least_percent: float
    at_most_percent: float


@dataclass(frozen=True, slots=True)
class OwnershipStep:
    """One holding. share: None if its size is not known."""

    owner_party_id: str
    owned_party_id: str
    share: ShareRange | None = None


@dataclass(frozen=True, slots=True)
class OwnershipPath:
    """A chain of holdings from an owner to the party.

    list_codes: the lists that the owner is on, or may be on.

    omitted_steps: how many were left out in the middle of a long way.
    """

    steps: tuple[OwnershipStep, ...]
    list_codes: tuple[str, ...] = ()
    is_sure: bool = True
    omitted_steps: int = 0


@dataclass(frozen=True, slots=True)
class OwnershipFinding:
    """A finding about the owners of one party, under one rule or under none.

    at_least_percent: the share that listed owners certainly hold, as the rule counts;
    at_most_percent: the share that they may hold. paths: the most restrictive owner's first;
    more_paths is the number of paths left out. explanation: the finding by party ids, no names.
    """

    party_id: str
    result: OwnershipResult
    cause: OwnershipCause
    rule_id: str = ""
    authority: str = ""
    rule: str = ""
    at_least_percent: float = 0.0
    at_most_percent: float = 0.0
    most_restrictive_owner_id: str = ""
    list_codes: tuple[str, ...] = ()
    paths: tuple[OwnershipPath, ...] = ()
    more_paths: int = 0
    explanation: str = ""


def describe(finding: OwnershipFinding, names: Mapping[str, str]) -> str:
    """Returns the finding in sentences.

    A party is named by its quoted name in `names`, or by its id if it has none there.
    """
    known = _Names(names)
    sentences = [_lead(finding, known)]
    sentences += [_chain(path, known, finding) for path in finding.paths]
    if finding.more_paths:
        sentences.append(f"Further holdings of this kind: {finding.more_paths}.")
    if len(finding.paths) > 1 and finding.list_codes:
        owner = known[finding.most_restrictive_owner_id]
        sentences.append(f"The most restrictive owner is {owner}{_on(finding.paths[0])}.")
    return " ".join(sentences)


class _Names(dict[str, str]):
    """Quoted names by party id; an id without a name is returned as it is."""

    def __init__(self, names: Mapping[str, str]) -> None:
        super().__init__({party_id: f'"{name}"' for party_id, name in names.items()})

    def __missing__(self, party_id: str) -> str:
        return party_id


def _lead(finding: OwnershipFinding, known: _Names) -> str:
    party = known[finding.party_id]
    held = _between(finding.at_least_percent, finding.at_most_percent)
    sure = _between(finding.at_least_percent, finding.at_least_percent)
    rule = f"rule {finding.rule_id} of {finding.authority} ({finding.rule})"
    match finding.cause:
        case OwnershipCause.OWNED_BY_LISTED:
            return f"Listed parties own {sure} of {party}, which meets {rule}."
        case OwnershipCause.RULE_SUSPENDED:
            return f"Listed parties own {sure} of {party}, which would meet {rule}."
        case OwnershipCause.MAY_REACH_THRESHOLD:
            return f"Listed parties own {held} of {party}, which may meet {rule}."
        case OwnershipCause.MINORITY_STAKE:
            return (
                f"Listed parties own {held} of {party}, less than {rule} requires."
                " This is a red flag."
            )
        case OwnershipCause.LISTED_ELSEWHERE:
            return f"An owner of {party} is on a list that no ownership rule covers."
        case OwnershipCause.OWNER_UNDETERMINED:
            return f"An owner of {party} could not be screened."
        case OwnershipCause.UNKNOWN_SHARE:
            return f"The size of a share in {party} is not known."
        case OwnershipCause.UNKNOWN_HOLDING:
            return f"{party} is a beneficial owner without a declared holding."
        case _:
            assert_never(finding.cause)


def _chain(path: OwnershipPath, known: _Names, finding: OwnershipFinding) -> str:
    holdings = [
        f"{known[step.owner_party_id]}{_on(path) if step is path.steps[0] else ''}"
        f" holds {_share(step.share)} of {known[step.owned_party_id]}"
        for step in path.steps
    ]
    if path.omitted_steps:
        holdings.insert(len(holdings) // 2, f"and so on through {path.omitted_steps} more holdings")
    is_full = len(holdings) > 1 and finding.cause in _COUNTED
    return f"{', '.join(holdings)}{', and that share counts in full' if is_full else ''}."


_COUNTED: Final = frozenset(
    {
        OwnershipCause.OWNED_BY_LISTED,
        OwnershipCause.RULE_SUSPENDED,
        OwnershipCause.MAY_REACH_THRESHOLD,
    }
)
"""Causes for which a share that is held through others counts."""


def _on(path: OwnershipPath) -> str:
    if not path.list_codes:
        return ""
    return f" ({'listed' if path.is_sure else 'possibly listed'}: {', '.join(path.list_codes)})"


def _share(share: ShareRange | None) -> str:
    return (
        "an unknown share"
        if share is None
        else _between(share.at_least_percent, share.at_most_percent)
    )


def _between(low: float, high: float) -> str:
    return f"{low:.10g} %" if low >= high else f"between {low:.10g} and {high:.10g} %"
