"""What rules say of owners: whose shares count, how they are counted, from which share on, and on which days.

Rules are data; this module knows what can be said in one and what holds on a day, not who owns whom.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum


class Indirect(StrEnum):
    """How a share that is held through another party counts.

    WHOLE: who is owned up to the threshold counts as a listed party, and its own shares count wholly; who is owned less
    passes nothing on. Shares along a chain are never multiplied (OFAC, FAQ 401).
    """

    WHOLE = "WHOLE"


@dataclass(frozen=True, slots=True)
class Listing:
    """That a party is, or may be, on a list. is_sure: an officer confirmed it, or nothing speaks against it."""

    list_code: str
    programs: tuple[str, ...] = ()
    is_sure: bool = True


@dataclass(frozen=True, slots=True)
class Coverage:
    """A list whose parties count, and under which of its programs; none named = all."""

    list_code: str
    programs: frozenset[str] = frozenset()

    def holds(self, listing: Listing) -> bool:
        """Whether the listing is one of these. A listing that names no program is."""
        is_listed_so = (
            not self.programs or not listing.programs or bool(self.programs & set(listing.programs))
        )
        return listing.list_code == self.list_code and is_listed_so


@dataclass(frozen=True, slots=True)
class Suspension:
    """Days on which a rule does not hold; `until` is the first day after."""

    since: date
    until: date


@dataclass(frozen=True, slots=True)
class OwnershipRule:
    """A rule: listed parties whose lists it covers, holding a share of `threshold_percent`, subject a party to it.

    is_inclusive: the threshold itself suffices. is_aggregated: the shares of all of them count together. source says
    where it is published, to_confirm what of it is still to be confirmed by counsel.
    """

    rule_id: str
    authority: str
    covers: tuple[Coverage, ...]
    threshold_percent: Decimal
    is_inclusive: bool
    is_aggregated: bool
    indirect: Indirect
    effective_from: date
    suspensions: tuple[Suspension, ...] = ()
    source: str = ""
    to_confirm: str = ""

    def is_covered(self, listing: Listing) -> bool:
        """Whether a party that is listed so counts."""
        return any(each.holds(listing) for each in self.covers)

    def is_met(self, percent: Decimal) -> bool:
        """Whether a share is large enough."""
        return percent > self.threshold_percent or (
            self.is_inclusive and percent == self.threshold_percent
        )

    def suspension(self, day: date) -> Suspension | None:
        """What suspends it on the day, if anything."""
        return next((each for each in self.suspensions if each.since <= day < each.until), None)

    def said(self, day: date) -> str:
        """What it asks for, and whether it does so on the day, to be read describe."""
        asked = (
            f"{self.threshold_percent:f} % or more"
            if self.is_inclusive
            else f"over {self.threshold_percent:f} %"
        )
        together = (
            "all listed owners together"
            if self.is_aggregated
            else "in the hands of one listed owner"
        )
        suspension = self.suspension(day)
        if suspension is None:
            return f"{asked}, {together}"
        return f"{asked}, {together}; suspended since {suspension.since}, in effect again from {suspension.until}"


@dataclass(frozen=True, slots=True)
class Ruling:
    """The rules that have come into effect by a day, suspended ones among them.

    restrictiveness: codes of lists, the most restrictive first; a list that is not named comes last.
    """

    version: str
    day: date
    rules: tuple[OwnershipRule, ...]
    restrictiveness: tuple[str, ...]

    def rank(self, list_code: str) -> int:
        """Place of the list among the restrictive ones, 0 = most."""
        known = self.restrictiveness
        return known.index(list_code) if list_code in known else len(known)


@dataclass(frozen=True, slots=True)
class OwnershipRules:
    """All rules of a file."""

    version: str
    rules: tuple[OwnershipRule, ...]
    restrictiveness: tuple[str, ...]

    def on(self, day: date) -> Ruling:
        """What holds on the day."""
        begun = tuple(rule for rule in self.rules if rule.effective_from <= day)
        return Ruling(self.version, day, begun, self.restrictiveness)
