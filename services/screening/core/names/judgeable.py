"""Decides which names of a party can be judged, and why others cannot."""

# ruff: noqa: SIM905  a table of words is easiest to read as text

from dataclasses import dataclass
from typing import Final

from services.screening.core.config import ScreeningConfig
from services.screening.core.model import Flag, PartyQuery, Reason
from services.screening.core.names.certain_matches import ExactIndex
from services.screening.core.names.normalisation import NormalisedName, normalise
from services.screening.core.names.stop_words import LEGAL_FORMS, PLACEHOLDERS
from services.screening.core.names.variants import TITLES, Variant, variants_of

MIN_CHARACTERS: Final = 2
MAX_EXPANSION: Final = 2
"""Times that a name may grow in transliteration. Some signs stand for whole phrases."""
NON_LATIN_PLACEHOLDERS: Final = frozenset(
    normalise(text).joined
    for text in """
    未知 不详 不明 无名 无名氏 暂无 没有 匿名 不明 未定 모름 없음 미상 해당없음
    مجهول غير_معروف لا_يوجد لايوجد غير_متوفر نامعلوم نامشخص ندارد
    нет неизвестно неизвестен отсутствует аноним не_указано не_указан нет_данных тест невідомо немає
    άγνωστο άγνωστος ανώνυμος κανένα לא_ידוע אין אלמוני
    """.split()
)
"""Texts that people enter in other scripts for want of a name. To add a placeholder, append it
with underscores for spaces.
"""


@dataclass(frozen=True, slots=True)
class JudgeableName:
    """A name that can be judged, as given, with its variants.

    The first variant is the name itself.
    """

    text: str
    variants: tuple[Variant, ...]


def judgeable_names(
    query: PartyQuery, config: ScreeningConfig, published: ExactIndex
) -> tuple[tuple[JudgeableName, ...], tuple[Reason, ...], tuple[Flag, ...]]:
    """Returns the names that can be judged, the reasons why others cannot, and the flags of all.

    Blank names are ignored; a party without any name is NAME_MISSING. A name that is published can
    always be judged, however odd it looks: a listed party is called "CCCC".
    """
    given = [stripped for text in query.names if (stripped := text.strip())]
    if not given:
        return (), (Reason.NAME_MISSING,), ()
    if len(given) > config.max_names:
        return (), (Reason.TOO_MANY_NAMES,), ()
    names: dict[str, JudgeableName] = {}
    reasons: dict[Reason, None] = {}
    flags: dict[Flag, None] = {}
    for text in given:
        name = normalise(text) if len(text) <= config.max_name_length else None
        is_published = name is not None and bool(name.key) and bool(published.with_name(name))
        reason = None if is_published else _reason_not_judgeable(name, config)
        if name is not None:
            flags.update(dict.fromkeys(name.flags))
        if reason is not None:
            reasons[reason] = None
        elif name is not None and name.key not in names:
            names[name.key] = JudgeableName(text, variants_of(text, name, query.kind))
    return tuple(names.values()), tuple(reasons), tuple(flags)


def _reason_not_judgeable(name: NormalisedName | None, config: ScreeningConfig) -> Reason | None:
    """Returns why a name cannot be judged, or None. name: None if it has too many characters."""
    if (
        name is None
        or len(name.words) > config.max_words
        or len(name.key) > MAX_EXPANSION * config.max_name_length
    ):
        return Reason.NAME_TOO_LONG
    letters = sum(char.isalpha() for char in name.cleaned)
    if not letters or not name.key:
        return Reason.NAME_UNREADABLE
    if sum(char.isalnum() for char in name.cleaned) < MIN_CHARACTERS:
        return Reason.NAME_TOO_SHORT
    # If most letters left nothing in Latin letters, the script cannot be transliterated.
    if 2 * len(name.joined) < letters:
        return Reason.NAME_UNREADABLE
    return Reason.NAME_PLACEHOLDER if _is_placeholder(name) else None


def _is_placeholder(name: NormalisedName) -> bool:
    return (
        len(set(name.joined)) == 1
        or name.joined in PLACEHOLDERS
        or name.joined in NON_LATIN_PLACEHOLDERS
        or all(word in PLACEHOLDERS for word in name.words)
        or all(word in TITLES or word in LEGAL_FORMS for word in name.words)
    )
