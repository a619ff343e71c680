"""The thresholds and weights of screening as data. Two answers with one version were judged by one rule."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class NameWeights:
    """What each likeness of two names, 0..1 unless said otherwise, adds to the log-odds of the name score.

    shared_words: words of one name found in the other, order and extra words aside. logic: nomenklatura's logic-v2.
    letters: the names letter by letter without spaces. telling: how much rare wording agrees. queried_weakest and
    listed_weakest: the least alike word of weight on each side. sound: the consonants of the whole names.
    queried_rest: subtracted, the weight of queried words (0..2) without counterpart.
    """

    shared_words: float
    logic: float
    letters: float
    telling: float
    queried_weakest: float
    listed_weakest: float
    sound: float
    queried_rest: float
    base: float


@dataclass(frozen=True, slots=True)
class FactWeights:
    """What a fact beside the name adds to the log-odds of a score."""

    birth_day_agrees: float
    birth_year_agrees: float
    birth_date_differs: float
    country_agrees: float
    country_differs: float
    address_agrees: float
    kind_differs: float
    numbers_differ: float
    number_missing: float
    only_light_words: float
    single_short_word: float


@dataclass(frozen=True, slots=True)
class ScreeningConfig:
    """Everything about screening that may be tuned. Change a number, change the version.

    Scores are 0..1. names weighs names in Latin letters, foreign_names those in other scripts, where letters say less
    and sounds more. A hit is reported from `threshold` on and is STRONG from `strong` on. A name in another script that
    only agrees by sound is reported from `cross_script_threshold` of its sound score on when a fact supports it, from
    `cross_script_alone` on without. A name that is another one's translation or acronym is reported when its own score,
    moved by the facts like any other, reaches `kinship_threshold`. expected_alert_rate: measured share of innocent
    persons, given by name and kind only, that alert at `threshold`.
    """

    version: str
    names: NameWeights
    foreign_names: NameWeights
    facts: FactWeights
    threshold: float
    strong: float
    same_but_legal_form: float
    part_of_published_name: float
    contradicted: float
    cross_script_threshold: float
    cross_script_alone: float
    kinship_threshold: float
    expected_alert_rate: float
    candidates_per_pass: int
    aligned_names: int
    compared_names: int
    max_hits: int
    max_names: int
    max_name_length: int
    max_words: int


DEFAULT: Final = ScreeningConfig(
    version="2026.2.9",
    # Fitted on the tuning half of the labelled names (official aliases held out, altered spellings, typing errors,
    # original script, against innocent persons and firms); `python -m tests.bench.screening` shows both halves.
    names=NameWeights(
        shared_words=1.28,
        logic=3.05,
        letters=6.56,
        telling=5.41,
        queried_weakest=1.49,
        listed_weakest=0.99,
        sound=2.28,
        queried_rest=0.04,
        base=-13.15,
    ),
    foreign_names=NameWeights(
        shared_words=1.20,
        logic=0.37,
        letters=3.66,
        telling=4.06,
        queried_weakest=0.32,
        listed_weakest=0.39,
        sound=1.93,
        queried_rest=0.36,
        base=-8.46,
    ),
    facts=FactWeights(
        birth_day_agrees=2.0,
        birth_year_agrees=1.0,
        birth_date_differs=-2.5,
        country_agrees=0.5,
        country_differs=-0.5,
        address_agrees=1.5,
        kind_differs=-1.0,
        numbers_differ=-6.0,
        number_missing=-0.8,
        only_light_words=-4.0,
        single_short_word=-1.0,
    ),
    threshold=0.70,
    strong=0.90,
    same_but_legal_form=0.97,
    part_of_published_name=0.96,
    contradicted=0.90,
    cross_script_threshold=0.75,
    cross_script_alone=0.95,
    kinship_threshold=0.86,
    expected_alert_rate=0.01,
    candidates_per_pass=200,
    aligned_names=100,
    compared_names=40,
    max_hits=50,
    max_names=64,
    max_name_length=500,
    max_words=40,
)
"""The configuration a new installation starts with."""
