"""Sentences about names: which words agree, which are alike, which stand alone.

Written to be read aloud.
"""

from collections.abc import Sequence

from services.screening.core.model import Effect, Entry, Evidence, EvidenceKind, Identifier
from services.screening.core.names.token_alignment import Alignment


def exact_name(
    queried: str, listed: str, party: str, *, same_order: bool, description: str = ""
) -> Evidence:
    """The queried name is the listed one.

    `party` is the name under which the party stands on its list.
    """
    order = "" if same_order else ", its words in another order"
    which = (
        f'the name of the listed party "{party}"'
        if listed == party
        else f'"{listed}", an alias of "{party}"'
    )
    return Evidence(
        EvidenceKind.NAME_EXACT,
        Effect.SUPPORTS,
        f"{_name(queried, description)} is {which}{order}.",
    )


def part_of_name(queried: str, published: str, description: str = "") -> Evidence:
    """The queried name stands inside a published name."""
    detail = (
        f'{_name(queried, description)} is a name written inside the published name "{published}".'
    )
    return Evidence(EvidenceKind.NAME_EXACT, Effect.SUPPORTS, detail)


def vowelled_name(queried: str, published: str, description: str = "") -> Evidence:
    """The queried name is how a name without vowels is likely read."""
    detail = (
        f'{_name(queried, description)} is how the published name "{published}",'
        " written without vowels, may be read."
    )
    return Evidence(EvidenceKind.NAME_EXACT, Effect.SUPPORTS, detail)


def same_letters(queried: str, listed: str, description: str = "") -> Evidence:
    """The names have the same letters in the same order."""
    detail = (
        f'{_name(queried, description)} has the letters of the listed name "{listed}";'
        " only the words are divided otherwise."
    )
    return Evidence(EvidenceKind.NAME_EXACT, Effect.SUPPORTS, detail)


def same_words(
    queried: str, listed: str, description: str = "", *, but_legal_form: bool
) -> Evidence:
    """The names differ in nothing but the legal form, or in the order and division of their words."""
    where = (
        "in the legal form"
        if but_legal_form
        else "in the order or division of words and in legal forms"
    )
    detail = f'{_name(queried, description)} and the listed name "{listed}" differ only {where}.'
    return Evidence(EvidenceKind.NAME_EXACT, Effect.SUPPORTS, detail)


def short_form(
    queried: str, listed: str, left_out: Sequence[str], description: str = ""
) -> Evidence:
    """The queried name is the listed one without general words."""
    words = ", ".join(f'"{word}"' for word in left_out)
    more = f", which also has the general words {words}" if words else ""
    detail = f'{_name(queried, description)} is short for the listed name "{listed}"{more}.'
    return Evidence(EvidenceKind.NAME_SCORE, Effect.SUPPORTS, detail)


def _name(queried: str, description: str) -> str:
    """The name asked about, and how it had to be read."""
    return f'"{queried}", read {description},' if description else f'"{queried}"'


def same_identifier(queried: Identifier, listed: Identifier, *, same_family: bool) -> Evidence:
    """An identifier of the party is one of the listed party."""
    detail = f"The identifier {queried[1]} ({queried[0]}) is published for the listed party as {listed[0]} {listed[1]}."
    if same_family:
        return Evidence(EvidenceKind.IDENTIFIER, Effect.SUPPORTS, detail)
    return Evidence(
        EvidenceKind.IDENTIFIER,
        Effect.SUPPORTS,
        f"{detail} The types of the two identifiers differ.",
    )


def similar_name(
    queried: str,
    listed: str,
    score: float,
    alignment: Alignment,
    *,
    by_sound: bool,
    description: str = "",
) -> Evidence:
    """Two names side by side, word by word."""
    same = tuple(pair.listed for pair in alignment.pairs if pair.queried == pair.listed)
    alike = [
        f'"{pair.queried}" resembles "{pair.listed}"'
        for pair in alignment.pairs
        if pair.queried != pair.listed
    ]
    clauses = [
        _stand(same, "in both"),
        *alike,
        _stand(alignment.queried_unpaired, "only in the name given"),
        _stand(alignment.listed_unpaired, "only in the listed name"),
    ]
    verb = "sounds like" if by_sound else "resembles"
    words = "; ".join(clause for clause in clauses if clause)
    kind = EvidenceKind.NAME_SOUND if by_sound else EvidenceKind.NAME_SCORE
    detail = f'{_name(queried, description)} {verb} the listed name "{listed}" with a score of {score:.2f}: {words}.'
    return Evidence(kind, Effect.SUPPORTS, detail)


def _stand(words: Sequence[str], where: str) -> str:
    """Words and where they stand: '"ali" and "khan" stand in both'."""
    quoted = [f'"{word}"' for word in words]
    if len(quoted) < 2:
        return f"{quoted[0]} stands {where}" if quoted else ""
    return f"{', '.join(quoted[:-1])} and {quoted[-1]} stand {where}"


def listed_as(entry: Entry, list_version_id: str, rules: str) -> Evidence:
    """Where the party stands, and under which versions of list and rules that was found."""
    programs = f", under {' and '.join(entry.programs)}" if entry.programs else ""
    detail = (
        f'The listed party is entry {entry.entry_id} of "{entry.source_list or entry.list_code}"{programs}. '
        f"It was compared by list version {list_version_id} and rules {rules}."
    )
    return Evidence(EvidenceKind.LISTED, Effect.NEUTRAL, detail)


def same_meaning(queried: str, listed: str, told: Sequence[tuple[str, str]]) -> Evidence:
    """The names mean the same in two languages. told.

    Words of the queried name and the listed ones they stand for.
    """
    words = " and ".join(f'"{one}" means "{other}"' for one, other in told)
    detail = f'"{queried}" agrees in meaning with the listed name "{listed}": {words}.'
    return Evidence(EvidenceKind.NAME_MEANING, Effect.SUPPORTS, detail)


def acronym(queried: str, listed: str, short: str, words: str) -> Evidence:
    """One name has an acronym, or a word made of beginnings, where the other has the words."""
    detail = (
        f'"{queried}" may be the listed name "{listed}": "{short.upper()}" is short for "{words}".'
    )
    return Evidence(EvidenceKind.NAME_ACRONYM, Effect.SUPPORTS, detail)
