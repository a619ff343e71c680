"""Drops comparisons that cannot reach the threshold before they are explained.

To explain a comparison costs half as much as to make it, and most comparisons lead nowhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from services.screening.core.config import ScreeningConfig
from services.screening.core.matching.name_relations import has_same_words, is_short_form
from services.screening.core.matching.word_facts import SHORT_WORD
from services.screening.core.model import PartyQuery
from services.screening.core.names.comparison import Comparison, shifted

_ROUNDING: Final = 0.0001
"""Scores are rounded to this."""


@dataclass(frozen=True, slots=True)
class Relevance:
    """The bounds for one query.

    least_score: lowest score that is returned, less what rounding may add. most_shift: the most
    that facts beside the name can add to log-odds. least_sound: lowest score by sound that may be
    a hit.
    """

    least_score: float
    most_shift: float
    least_sound: float

    @classmethod
    def of(cls, query: PartyQuery, config: ScreeningConfig, floor: float | None) -> Relevance:
        """Returns the bounds for a query. floor: lowest score of a near miss, None without any."""
        least = config.threshold if floor is None else min(config.threshold, floor)
        weights = config.facts
        possible = [
            weights.kind_differs,
            weights.numbers_differ,
            weights.characters_differ,
            weights.number_missing,
            weights.single_short_word * SHORT_WORD,
        ]
        if query.birth_date:
            possible += (
                weights.birth_day_agrees,
                weights.birth_year_agrees,
                weights.birth_date_differs,
            )
        if query.countries:
            possible += weights.country_agrees, weights.country_differs
        if query.addresses:
            possible.append(weights.address_agrees)
        return cls(
            least - _ROUNDING,
            sum(max(weight, 0.0) for weight in possible),
            min(config.cross_script_threshold, config.cross_script_threshold_alone),
        )

    def allows(self, comparison: Comparison, shift: float, *, is_non_latin: bool) -> bool:
        """Returns True if the comparison may reach the threshold.

        shift: what a disguise of writing adds to log-odds. Names with the same words and short
        forms are always allowed, since they have a score of their own.
        """
        return (
            shifted(comparison.score, self.most_shift + shift) >= self.least_score
            or (is_non_latin and comparison.sound_score >= self.least_sound)
            or has_same_words(comparison)
            or is_short_form(comparison.alignment)
        )
