"""Assesses whether listed parties own a party, directly or through others, by rules of a day.

Holdings form a graph with chains and cycles. The assessment is its least solution, which does not
depend on the order of parties. An unknown share or listing never counts as clear. Knows listings
and shares, no names.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from services.screening.core.ownership.findings import (
    OwnershipCause,
    OwnershipFinding,
    OwnershipPath,
    OwnershipResult,
    OwnershipStep,
    ShareRange,
    describe,
)
from services.screening.core.ownership.rules import Listing, OwnershipRule, Ruling

MOST_PATHS: Final = 3
"""Paths that are kept in one finding."""
MOST_STEPS: Final = 8
"""Steps that are kept of one path, half of them from each end."""
MOST_PATH_BYTES: Final = 100_000
"""Bytes that the paths of all findings may take, so that an event fits into a record of 2 MiB.

The findings after these keep their owner and share, and count their paths in `more_paths`. Each
path is also explained in words, which takes about as much again.
"""
_STEP_BYTES: Final = 40
"""Encoded bytes of a step besides its party ids."""
_WHOLE: Final = Decimal(100)
_NOTHING: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class Stake:
    """A share that one party holds in another. share: None if its size is not known."""

    owned_party_id: str
    share: ShareRange | None = None


@dataclass(frozen=True, slots=True)
class Owner:
    """A party of an application with its holdings and listings.

    is_undetermined: it could not be screened. is_owner: it was declared as a beneficial owner.
    """

    party_id: str
    owns: tuple[Stake, ...] = ()
    listings: tuple[Listing, ...] = ()
    is_undetermined: bool = False
    is_owner: bool = False


@dataclass(frozen=True, slots=True)
class OwnershipAssessment:
    """The findings under the rules of a day (ISO 8601).

    A party without a finding has no owner that is listed, uncertain or unknown.
    """

    rules_version: str
    assessed_on: str
    findings: tuple[OwnershipFinding, ...] = ()


@dataclass(frozen=True, slots=True)
class _Holding:
    """A stake with exact decimal bounds."""

    owner: str
    owned: str
    low: Decimal
    high: Decimal
    share: ShareRange | None


@dataclass(frozen=True, slots=True)
class _Trail:
    """Why a party counts as listed: a listed party, and the holdings from it to the party."""

    rank: int
    root: str
    list_codes: tuple[str, ...] = ()
    is_sure: bool = True
    length: int = 0
    last: _Holding | None = None
    before: _Trail | None = None

    def longer(self, holding: _Holding) -> _Trail:
        """Returns the trail with one more holding at its end."""
        return _Trail(
            self.rank, self.root, self.list_codes, self.is_sure, self.length + 1, holding, self
        )

    @property
    def chain(self) -> tuple[_Holding, ...]:
        """The holdings, beginning at the listed party."""
        found: list[_Holding] = []
        at: _Trail | None = self
        while at is not None and at.last is not None:
            found.append(at.last)
            at = at.before
        return tuple(reversed(found))


@dataclass(frozen=True, slots=True)
class _Count:
    """For each party: the trails of listed owners, best first, and the sum of their shares."""

    held: Mapping[str, Sequence[_Trail]]
    total: Mapping[str, Decimal]


_Share = Callable[[_Holding], Decimal]


def assess(owners: Sequence[Owner], ruling: Ruling) -> OwnershipAssessment:
    """Returns the findings about all parties, in the order of `owners`."""
    holdings = _holdings(owners)
    if not holdings and not any(owner.is_owner for owner in owners):
        return OwnershipAssessment(ruling.version, ruling.day.isoformat())
    found = [
        *(each for rule in ruling.rules for each in _by_rule(rule, owners, holdings, ruling)),
        *_by_other_lists(owners, holdings, ruling),
        *_undetermined(owners, holdings),
        *_unknown(owners, holdings, ruling),
    ]
    order = {owner.party_id: number for number, owner in enumerate(owners)}
    found.sort(key=lambda each: (order[each.party_id], each.result is not OwnershipResult.BLOCKED))
    kept = _limit_paths(found)
    explained = tuple(replace(each, explanation=describe(each, {})) for each in kept)
    return OwnershipAssessment(ruling.version, ruling.day.isoformat(), explained)


def _limit_paths(found: Sequence[OwnershipFinding]) -> Iterator[OwnershipFinding]:
    """Yields the findings; those beyond MOST_PATH_BYTES without their paths."""
    room = MOST_PATH_BYTES
    for finding in found:
        room -= sum(
            _STEP_BYTES + len(step.owner_party_id.encode()) + len(step.owned_party_id.encode())
            for path in finding.paths
            for step in path.steps
        )
        if room >= 0:
            yield finding
        else:
            left_out = finding.more_paths + len(finding.paths)
            yield replace(finding, paths=(), more_paths=left_out)


def _by_rule(
    rule: OwnershipRule, owners: Sequence[Owner], holdings: Sequence[_Holding], ruling: Ruling
) -> Iterator[OwnershipFinding]:
    sure = _roots(owners, ruling, lambda each: each.is_sure and rule.is_covered(each))
    maybe = _roots(owners, ruling, rule.is_covered)
    if not maybe:
        return
    certain = _counted(rule, sure, holdings, _low)
    possible = _counted(rule, maybe, holdings, _high)
    upstream = _count(maybe, holdings, _high, _any_share)
    is_suspended = rule.suspension(ruling.day) is not None
    for owner in owners:
        party_id = owner.party_id
        if party_id not in upstream.held:
            continue
        low = certain.total.get(party_id, _NOTHING)
        high = max(low, possible.total.get(party_id, _NOTHING))
        if rule.is_met(low):
            cause, count = (
                OwnershipCause.RULE_SUSPENDED if is_suspended else OwnershipCause.OWNED_BY_LISTED,
                certain,
            )
        elif rule.is_met(high):
            cause, count = OwnershipCause.MAY_REACH_THRESHOLD, possible
        else:
            cause, count = OwnershipCause.MINORITY_STAKE, upstream
        yield replace(
            _finding(party_id, cause, count.held[party_id]),
            rule_id=rule.rule_id,
            authority=rule.authority,
            rule=rule.describe(ruling.day),
            at_least_percent=float(low),
            at_most_percent=float(high),
        )


def _by_other_lists(
    owners: Sequence[Owner], holdings: Sequence[_Holding], ruling: Ruling
) -> Iterator[OwnershipFinding]:
    """Yields red flags for owners on lists that no rule covers, since an officer should know."""
    others = _roots(
        owners, ruling, lambda each: not any(rule.is_covered(each) for rule in ruling.rules)
    )
    yield from _upstream(owners, holdings, others, OwnershipCause.LISTED_ELSEWHERE)


def _undetermined(
    owners: Sequence[Owner], holdings: Sequence[_Holding]
) -> Iterator[OwnershipFinding]:
    roots = {each.party_id: _Trail(0, each.party_id) for each in owners if each.is_undetermined}
    yield from _upstream(owners, holdings, roots, OwnershipCause.OWNER_UNDETERMINED)


def _upstream(
    owners: Sequence[Owner],
    holdings: Sequence[_Holding],
    roots: Mapping[str, _Trail],
    cause: OwnershipCause,
) -> Iterator[OwnershipFinding]:
    held = _count(roots, holdings, _high, _any_share).held
    for owner in owners:
        if owner.party_id in held:
            yield _finding(owner.party_id, cause, held[owner.party_id])


def _unknown(
    owners: Sequence[Owner], holdings: Sequence[_Holding], ruling: Ruling
) -> Iterator[OwnershipFinding]:
    """Yields findings for shares that are not stated or whose bounds enclose a threshold."""
    unclear: dict[str, list[_Trail]] = defaultdict(list)
    for holding in holdings:
        is_open = any(
            rule.is_met(holding.high) and not rule.is_met(holding.low) for rule in ruling.rules
        )
        if holding.share is None or is_open:
            unclear[holding.owned].append(_Trail(0, holding.owner).longer(holding))
    for owner in owners:
        party_id = owner.party_id
        if party_id in unclear:
            yield _finding(
                party_id, OwnershipCause.UNKNOWN_SHARE, sorted(unclear[party_id], key=_order)
            )
        if owner.is_owner and not owner.owns:
            yield OwnershipFinding(
                party_id, OwnershipResult.RED_FLAG, OwnershipCause.UNKNOWN_HOLDING
            )


def _holdings(owners: Sequence[Owner]) -> tuple[_Holding, ...]:
    """Returns all stakes in other parties.

    An unknown share is at most what the stated shares leave.
    """
    known = {owner.party_id for owner in owners}
    stakes = [
        (owner.party_id, stake)
        for owner in owners
        for stake in owner.owns
        if stake.owned_party_id in known and stake.owned_party_id != owner.party_id
    ]
    stated: dict[str, Decimal] = defaultdict(Decimal)
    for _, stake in stakes:
        stated[stake.owned_party_id] += (
            _exact(stake.share.at_least_percent) if stake.share else _NOTHING
        )
    return tuple(
        _Holding(
            owner,
            stake.owned_party_id,
            _NOTHING,
            max(_NOTHING, _WHOLE - stated[stake.owned_party_id]),
            None,
        )
        if stake.share is None
        else _Holding(
            owner,
            stake.owned_party_id,
            _exact(stake.share.at_least_percent),
            _exact(max(stake.share.at_least_percent, stake.share.at_most_percent)),
            stake.share,
        )
        for owner, stake in stakes
    )


def _roots(
    owners: Sequence[Owner], ruling: Ruling, counts: Callable[[Listing], bool]
) -> dict[str, _Trail]:
    """Returns the parties with a listing that counts, by party id."""
    found: dict[str, _Trail] = {}
    for owner in owners:
        listings = [each for each in owner.listings if counts(each)]
        codes = sorted(
            {each.list_code for each in listings}, key=lambda code: (ruling.rank(code), code)
        )
        if codes:
            is_sure = any(each.is_sure for each in listings)
            found[owner.party_id] = _Trail(
                ruling.rank(codes[0]), owner.party_id, tuple(codes), is_sure
            )
    return found


def _counted(
    rule: OwnershipRule, roots: Mapping[str, _Trail], holdings: Sequence[_Holding], share: _Share
) -> _Count:
    """Returns the count for a rule: all listed owners together, or the largest one alone."""
    if rule.is_aggregated:
        return _count(roots, holdings, share, rule.is_met)
    held: dict[str, Sequence[_Trail]] = {}
    total: dict[str, Decimal] = {}
    for root in sorted(roots, key=lambda each: _order(roots[each])):
        alone = _count({root: roots[root]}, holdings, share, rule.is_met)
        for party_id, percent in alone.total.items():
            if percent > total.get(party_id, _NOTHING):
                held[party_id], total[party_id] = alone.held[party_id], percent
    return _Count(held, total)


def _count(
    roots: Mapping[str, _Trail],
    holdings: Sequence[_Holding],
    share: _Share,
    is_met: Callable[[Decimal], bool],
) -> _Count:
    """Returns the least solution of: a party that counting parties own far enough counts, too.

    In each round, parties come to count by those of the rounds before. So the order of parties does
    not matter, every chain leads back to a root, and a party comes to count at most once.
    """
    by_owner: dict[str, list[_Holding]] = defaultdict(list)
    for holding in holdings:
        if share(holding) > 0:
            by_owner[holding.owner].append(holding)
    trails, fresh = dict(roots), sorted(roots)
    held: dict[str, list[_Trail]] = defaultdict(list)
    total: dict[str, Decimal] = defaultdict(Decimal)
    while fresh:
        touched: set[str] = set()
        for owner in fresh:
            for holding in by_owner[owner]:
                held[holding.owned].append(trails[owner].longer(holding))
                total[holding.owned] += share(holding)
                touched.add(holding.owned)
        fresh = sorted(owned for owned in touched if owned not in trails and is_met(total[owned]))
        trails |= {owned: min(held[owned], key=_order) for owned in fresh}
    ordered = {owned: sorted(each, key=_order) for owned, each in held.items()}
    return _Count(ordered, {owned: min(_WHOLE, each) for owned, each in total.items()})


def _order(trail: _Trail) -> tuple[object, ...]:
    """Sorts by restrictiveness, sure before possible, larger share, shorter chain, then ids."""
    share, owner = (_NOTHING, "") if trail.last is None else (-trail.last.high, trail.last.owner)
    return trail.rank, not trail.is_sure, share, trail.length, trail.root, owner


def _finding(party_id: str, cause: OwnershipCause, trails: Sequence[_Trail]) -> OwnershipFinding:
    first, kept = trails[0], trails[:MOST_PATHS]
    is_blocked = cause is OwnershipCause.OWNED_BY_LISTED
    return OwnershipFinding(
        party_id=party_id,
        result=OwnershipResult.BLOCKED if is_blocked else OwnershipResult.RED_FLAG,
        cause=cause,
        most_restrictive_owner_id=first.root,
        list_codes=tuple(dict.fromkeys(code for trail in trails for code in trail.list_codes)),
        paths=tuple(map(_path, kept)),
        more_paths=len(trails) - len(kept),
    )


def _path(trail: _Trail) -> OwnershipPath:
    steps = tuple(OwnershipStep(each.owner, each.owned, each.share) for each in trail.chain)
    half = MOST_STEPS // 2
    kept = steps if len(steps) <= MOST_STEPS else (*steps[:half], *steps[-half:])
    return OwnershipPath(kept, trail.list_codes, trail.is_sure, len(steps) - len(kept))


def _exact(percent: float) -> Decimal:
    """Returns the number as it was written: 33.3, not the binary fraction next to it."""
    return Decimal(repr(percent))


def _low(holding: _Holding) -> Decimal:
    return holding.low


def _high(holding: _Holding) -> Decimal:
    return holding.high


def _any_share(percent: Decimal) -> bool:
    return percent > 0
