"""Which names of a party can be judged, why others cannot, and what tricks of writing are seen in them."""

# ruff: noqa: SIM905  tables of words read best as text

from dataclasses import dataclass
from typing import Final

from services.screening.core.config import ScreeningConfig
from services.screening.core.model import Flag, PartyQuery, Reason
from services.screening.core.names.certain_matches import ExactIndex
from services.screening.core.names.normalisation import NormalisedName, normalise
from services.screening.core.names.variants import TITLES, Variant, variants_of
from services.screening.core.names.words import LEGAL_FORMS, PLACEHOLDERS

SHORTEST: Final = 2
"""A name of fewer characters says nothing."""
LONGEST_KEY: Final = 2
"""How many times longer than a written name its Latin form may be; some signs stand for whole
phrases.
"""
FOREIGN_PLACEHOLDERS: Final = frozenset(
    normalise(text).joined
    for text in """
    未知 不详 不明 无名 无名氏 暂无 没有 匿名 不明 未定 모름 없음 미상 해당없음
    مجهول غير_معروف لا_يوجد لايوجد غير_متوفر نامعلوم نامشخص ندارد
    нет неизвестно неизвестен отсутствует аноним не_указано не_указан нет_данных тест невідомо немає
    άγνωστο άγνωστος ανώνυμος κανένα לא_ידוע אין אלמוני
    """.split()
)
"""What people type in other scripts when they have no name to give."""


@dataclass(frozen=True, slots=True)
class JudgeableName:
    """A name that can be judged, as it was given, and how it may be read; the first reading is the name itself."""

    text: str
    variants: tuple[Variant, ...]


def judgeable_names(
    query: PartyQuery, config: ScreeningConfig, published: ExactIndex
) -> tuple[tuple[JudgeableName, ...], tuple[Reason, ...], tuple[Flag, ...]]:
    """The names that can be judged, why others cannot, and tricks of writing seen in any of them.

    Blank aliases are ignored while another name is there; a party without any name is NAME_MISSING.
    A published name is judged however odd it looks: somebody on the lists is called "CCCC".
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
        reason = None if is_published else _unreadable(name, config)
        if name is not None:
            flags.update(dict.fromkeys(name.flags))
        if reason is not None:
            reasons[reason] = None
        elif name is not None and name.key not in names:
            names[name.key] = JudgeableName(text, variants_of(text, name, query.kind))
    return tuple(names.values()), tuple(reasons), tuple(flags)


def _unreadable(name: NormalisedName | None, config: ScreeningConfig) -> Reason | None:
    if (
        name is None
        or len(name.words) > config.max_words
        or len(name.key) > LONGEST_KEY * config.max_name_length
    ):
        return Reason.NAME_TOO_LONG
    letters = sum(char.isalpha() for char in name.cleaned)
    if not letters or not name.key:
        return Reason.NAME_UNREADABLE
    if sum(char.isalnum() for char in name.cleaned) < SHORTEST:
        return Reason.NAME_TOO_SHORT
    # A script that nothing here can read: most of its letters have left nothing in Latin ones.
    if 2 * len(name.joined) < letters:
        return Reason.NAME_UNREADABLE
    return Reason.NAME_PLACEHOLDER if _is_placeholder(name) else None


def _is_placeholder(name: NormalisedName) -> bool:
    return (
        len(set(name.joined)) == 1
        or name.joined in PLACEHOLDERS
        or name.joined in FOREIGN_PLACEHOLDERS
        or all(word in PLACEHOLDERS for word in name.words)
        or all(word in TITLES or word in LEGAL_FORMS for word in name.words)
    )
