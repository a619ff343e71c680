"""A listed party that one search found, before the facts beside its name are weighed."""

from __future__ import annotations

from dataclasses import dataclass

from services.screening.core.matching.fact import Fact
from services.screening.core.model import Evidence, Flag
from services.screening.core.names.judgeable import JudgeableName
from services.screening.core.names.published_names import ListedName
from services.screening.core.names.variants import Variant


@dataclass(frozen=True, slots=True)
class Candidate:
    """A listed party found for a queried name.

    entry: its number in the index. is_exact: an identifier or a whole name agrees exactly.
    is_similar: the names are similar, which the name score measures. is_translation: one name is
    the other's translation, acronym or full form. name_facts: facts that the names themselves show.
    flag: a disguise of writing that was undone to find it.
    """

    entry: int
    queried: str
    listed: str
    score: float
    is_exact: bool
    evidence: tuple[Evidence, ...]
    name_facts: tuple[Fact, ...] = ()
    sound_score: float = 0.0
    is_similar: bool = False
    is_translation: bool = False
    flag: Flag | None = None


def candidate(
    name: JudgeableName,
    listed: ListedName,
    score: float,
    evidence: Evidence,
    variant: Variant,
    *name_facts: Fact | None,
    is_exact: bool = False,
    is_similar: bool = False,
    is_translation: bool = False,
    sound_score: float = 0.0,
) -> Candidate:
    """Returns the candidate for a listed name. A fact that does not apply is None and left out."""
    return Candidate(
        entry=listed.entry,
        queried=name.text,
        listed=listed.published,
        score=score,
        is_exact=is_exact,
        evidence=(evidence,),
        name_facts=tuple(fact for fact in name_facts if fact is not None),
        sound_score=sound_score,
        is_similar=is_similar,
        is_translation=is_translation,
        flag=variant.flag,
    )
