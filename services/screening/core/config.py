"""The thresholds and weights of screening as data.

The version is stored with every result. Two results with one version were judged by the same rules.
"""

from dataclasses import dataclass
from typing import Final

from services.screening.core.names.score import NameScore, shipped_score


@dataclass(frozen=True, slots=True)
class NonLatinWeights:
    """The weights of the linear score of a name in another script.

    Each weight is what a similarity feature adds to the log-odds. Such a name also has the fitted
    name score, moved by `score_shift`; the higher of the two counts. The linear score exists
    because transliteration blurs letters, sound says more, and too few labelled names exist to fit
    trees.
    """

    token_set_ratio: float
    letter_ratio: float
    closely_paired_weight: float
    """Applied to 1 - exp(-feature), so that it saturates."""
    queried_worst_word: float
    listed_worst_word: float
    skeleton_ratio: float
    queried_unpaired_weight: float
    """Subtracted. The feature counts up to 2."""
    name_score_shift: float
    """Added to the name score of a name in another script."""
    cjk_name_score_shift: float
    """The same for Chinese, Japanese and Korean characters: two syllables that sound alike are many
    names.
    """
    base: float

    def score_shift(self, *, has_cjk: bool) -> float:
        """Returns the log-odds to add to the name score."""
        return self.cjk_name_score_shift if has_cjk else self.name_score_shift


@dataclass(frozen=True, slots=True)
class FactWeights:
    """The amount that each fact, in the names or beside them, adds to the log-odds of a match."""

    birth_day_agrees: float
    birth_year_agrees: float
    birth_date_differs: float
    country_agrees: float
    country_differs: float
    address_agrees: float
    kind_differs: float
    numbers_differ: float
    characters_differ: float
    number_missing: float
    another_of_series: float
    named_countries_differ: float
    patronymics_differ: float
    single_short_word: float
    disguised: float


@dataclass(frozen=True, slots=True)
class ScreeningConfig:
    """Everything about screening that can be tuned. If you change a number, change the version.

    Scores are between 0 and 1.
    """

    version: str
    name_score: NameScore
    non_latin: NonLatinWeights
    facts: FactWeights
    threshold: float
    """A score from here on is a hit."""
    strong_threshold: float
    """A hit from here on is STRONG."""
    legal_form_differs_score: float
    """Score of a name with the same words except for the legal form."""
    short_form_score: float
    """Score of a name that is the listed one without its generic words."""
    part_of_name_score: float
    """Score of a name that equals a part or a variant of a published name."""
    contradicted_exact_score: float
    """Score of an exact name if a fact contradicts it."""
    bar_margin: float
    """If a fact bars a hit, the score stays this far below the threshold: a near miss."""
    person_log_odds_share: float
    """Share of the log-odds above the threshold that a person's similar name keeps."""
    person_max_discount: float
    """Most log-odds that a person's similar name loses. The smaller loss of the two applies."""
    cross_script_threshold: float
    """Sound score from which a name in another script is a hit if a fact supports it."""
    cross_script_threshold_alone: float
    """Sound score from which a name in another script is a hit without a supporting fact."""
    translation_threshold: float
    """Translation score, moved by facts, from which a translation or an acronym is a hit."""
    expected_alert_rate: float
    """Measured share of innocent persons, given by name and kind only, that alert at the threshold.
    """
    candidates_per_pass: int
    """Names that each query of the full-text index returns."""
    max_by_letters: int
    """Candidates that go on after the comparison of letters."""
    max_aligned: int
    """Candidates whose words are aligned."""
    max_compared: int
    """Candidates that get a name score."""
    promising: float
    """If no score in a batch reaches this, comparing stops. Facts may still make a hit of a lower
    score.
    """
    max_hits: int
    """Hits, and near misses, that an answer holds."""
    max_names: int
    """Names of one party. More are TOO_MANY_NAMES."""
    max_name_length: int
    """Characters of a name. More are NAME_TOO_LONG."""
    max_words: int
    """Words of a name. More are NAME_TOO_LONG."""


DEFAULT: Final = ScreeningConfig(
    version="2026.6.0",
    name_score=shipped_score(),
    non_latin=NonLatinWeights(
        token_set_ratio=1.20,
        letter_ratio=3.66,
        closely_paired_weight=4.06,
        queried_worst_word=0.32,
        listed_worst_word=0.39,
        skeleton_ratio=1.93,
        queried_unpaired_weight=0.36,
        name_score_shift=0.0,
        cjk_name_score_shift=-3.2,
        base=-8.74,
    ),
    facts=FactWeights(
        birth_day_agrees=2.0,
        birth_year_agrees=1.0,
        birth_date_differs=-2.5,
        country_agrees=0.5,
        country_differs=-0.5,
        address_agrees=1.5,
        kind_differs=-1.0,
        numbers_differ=-3.0,
        characters_differ=-2.3,
        number_missing=-0.8,
        another_of_series=-2.0,
        named_countries_differ=-2.5,
        patronymics_differ=-2.5,
        single_short_word=-1.0,
        disguised=1.0,
    ),
    threshold=0.70,
    strong_threshold=0.90,
    legal_form_differs_score=0.985,
    short_form_score=0.95,
    part_of_name_score=0.98,
    contradicted_exact_score=0.90,
    bar_margin=0.01,
    person_log_odds_share=0.33,
    person_max_discount=2.0,
    cross_script_threshold=0.75,
    cross_script_threshold_alone=0.95,
    translation_threshold=0.86,
    expected_alert_rate=0.01,
    candidates_per_pass=120,
    max_by_letters=100,
    max_aligned=60,
    max_compared=40,
    promising=0.2,
    max_hits=50,
    max_names=64,
    max_name_length=500,
    max_words=40,
)
"""The configuration that a new installation starts with."""
