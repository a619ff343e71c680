"""The thresholds and weights of screening as data. Two answers with one version were judged by one rule."""

from dataclasses import dataclass
from typing import Final

from services.screening.core.names.score import NameScore, fitted


@dataclass(frozen=True, slots=True)
class ForeignWeights:
    """What each likeness of a name in another script to a listed one adds to the log-odds of their score.

    Letters say less there and sounds more than in a name that is written in Latin ones, and there are too few labelled
    names to fit more than a weight for each. paired_well: saturates. queried_left: subtracted, 2 at most.
    The name score counts as well, moved by `of_sounds`, as letters are blurred on their way, or by `of_characters`
    where the name is in Chinese, Japanese or Korean ones: two syllables that sound alike are many names. The better of
    both counts.
    """

    shared_words: float
    letters: float
    paired_well: float
    queried_weakest: float
    listed_weakest: float
    sound: float
    queried_left: float
    of_sounds: float
    of_characters: float
    base: float

    def moved_by(self, *, in_characters: bool) -> float:
        """What is added to the name score."""
        return self.of_characters if in_characters else self.of_sounds


@dataclass(frozen=True, slots=True)
class FactWeights:
    """What a fact that the names tell, or that stands beside them, adds to the log-odds of a score."""

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
    """Everything about screening that may be tuned. Change a number, change the version.

    Scores are 0..1. name_score: what the likenesses of two names in Latin letters come to; foreign_names: those of a
    name in another script. A hit is reported from `threshold` on and is STRONG from `strong` on. A name in another
    script that only agrees by sound is reported from `cross_script_threshold` of its sound score on when a fact
    supports it, from `cross_script_alone` on without. A name that is another one's translation or acronym is reported
    when its own score, moved by the facts like any other, reaches `kinship_threshold`. What a fact bars stays `barred`
    below the threshold: a near miss. What a person's name that is only alike has above the threshold counts
    `person_share` of its log-odds, or all of them but `person_doubt`, whichever is more: strangers have names that are
    much alike more often than firms have. Of the names that each pass of the index brings, `candidates_per_pass`,
    the `likely_names` by letters go on, of these the `aligned_names` by words, of these the `compared_names` by words
    side by side; they are compared a few at a time until none of the last few is `promising`: facts beside the name may
    still make a hit of one that is. expected_alert_rate: measured share of innocent persons, given by name and kind
    only, that alert at `threshold`.
    """

    version: str
    name_score: NameScore
    foreign_names: ForeignWeights
    facts: FactWeights
    threshold: float
    strong: float
    same_but_legal_form: float
    short_form: float
    part_of_published_name: float
    contradicted: float
    barred: float
    person_share: float
    person_doubt: float
    cross_script_threshold: float
    cross_script_alone: float
    kinship_threshold: float
    expected_alert_rate: float
    candidates_per_pass: int
    likely_names: int
    aligned_names: int
    compared_names: int
    promising: float
    max_hits: int
    max_names: int
    max_name_length: int
    max_words: int


DEFAULT: Final = ScreeningConfig(
    version="2026.6.0",
    name_score=fitted(),
    foreign_names=ForeignWeights(
        shared_words=1.20,
        letters=3.66,
        paired_well=4.06,
        queried_weakest=0.32,
        listed_weakest=0.39,
        sound=1.93,
        queried_left=0.36,
        of_sounds=0.0,
        of_characters=-3.2,
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
    strong=0.90,
    same_but_legal_form=0.985,
    short_form=0.95,
    part_of_published_name=0.98,
    contradicted=0.90,
    barred=0.01,
    person_share=0.33,
    person_doubt=2.0,
    cross_script_threshold=0.75,
    cross_script_alone=0.95,
    kinship_threshold=0.86,
    expected_alert_rate=0.01,
    candidates_per_pass=120,
    likely_names=100,
    aligned_names=60,
    compared_names=40,
    promising=0.2,
    max_hits=50,
    max_names=64,
    max_name_length=500,
    max_words=40,
)
"""The configuration a new installation starts with."""
