"""The ownership rules: whose shares count and how, the threshold, and the days in effect.

Rules are data. This module knows what a rule can state and which rules are in effect on a day,
not who owns whom.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum


class Indirect(StrEnum):
    """How a share that is held through another party counts.

    WHOLE: a party that listed parties own up to the threshold counts as listed, and its own shares
    count in full. A party that they own less of passes nothing on. Shares along a chain are never
    multiplied (OFAC, FAQ 401).
    """

    WHOLE = "WHOLE"


@dataclass(frozen=True, slots=True)
class Listing:
    """A listing of a party. is_sure: its hit is EXACT or was confirmed by an officer."""

    list_code: str
    programs: tuple[str, ...] = ()
    is_sure: bool = True


@dataclass(frozen=True, slots=True)
class Coverage:
    """A list whose parties count. programs: only listings under these; empty: all listings."""

    list_code: str
    programs: frozenset[str] = frozenset()

    def holds(self, listing: Listing) -> bool:
        """Returns True if the listing is covered. A listing that names no program is."""
        is_listed_so = (
            not self.programs or not listing.programs or bool(self.programs & set(listing.programs))
        )
        return listing.list_code == self.list_code and is_listed_so


@dataclass(frozen=True, slots=True)
class Suspension:
    """Days on which a rule is not in effect. `until` is the first day on which it is again."""

    since: date
    until: date


@dataclass(frozen=True, slots=True)
class OwnershipRule:
    """A rule: it applies to a party of which parties on its lists hold `threshold_percent`.

    is_inclusive: the threshold itself suffices. is_aggregated: the shares of all listed owners are
    added. source: where the rule is published. to_confirm: what counsel must still confirm.
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
        """Returns True if a party with this listing counts as a listed owner."""
        return any(each.holds(listing) for each in self.covers)

    def is_met(self, percent: Decimal) -> bool:
        """Returns True if the share reaches the threshold."""
        return percent > self.threshold_percent or (
            self.is_inclusive and percent == self.threshold_percent
        )

    def suspension(self, day: date) -> Suspension | None:
        """Returns the suspension in effect on the day, or None."""
        return next((each for each in self.suspensions if each.since <= day < each.until), None)

    def describe(self, day: date) -> str:
        """Returns the threshold, and a suspension on the day, in words."""
        threshold = (
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
            return f"{threshold}, {together}"
        return (
            f"{threshold}, {together}; suspended since {suspension.since},"
            f" in effect again from {suspension.until}"
        )


@dataclass(frozen=True, slots=True)
class Ruling:
    """The rules that came into effect by a day, suspended ones included.

    restrictiveness: codes of lists, the most restrictive first. Other lists come last.
    """

    version: str
    day: date
    rules: tuple[OwnershipRule, ...]
    restrictiveness: tuple[str, ...]

    def rank(self, list_code: str) -> int:
        """Returns the rank of a list by restrictiveness; 0 is the most restrictive."""
        known = self.restrictiveness
        return known.index(list_code) if list_code in known else len(known)


@dataclass(frozen=True, slots=True)
class OwnershipRules:
    """All rules of the rules file."""

    version: str
    rules: tuple[OwnershipRule, ...]
    restrictiveness: tuple[str, ...]

    def on(self, day: date) -> Ruling:
        """Returns the rules that came into effect by the day."""
        begun = tuple(rule for rule in self.rules if rule.effective_from <= day)
        return Ruling(self.version, day, begun, self.restrictiveness)
