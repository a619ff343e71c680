"""Sentences that explain a match of names or identifiers to an officer, who may read them aloud.

`queried` is a name as given, `listed` or `published` a name on a list. `description` is that of the
variant which matched (`variants.Variant`), empty for the name as given.
"""

from collections.abc import Sequence

from services.screening.core.model import Effect, Entry, Evidence, EvidenceKind, Identifier
from services.screening.core.names.token_alignment import Alignment


def exact_name(
    queried: str, listed: str, party: str, *, same_order: bool, description: str = ""
) -> Evidence:
    """Returns evidence that the queried name is a published name of the party.

    party: the primary name of the party.
    """
    order = "" if same_order else ", with the words in another order"
    which = (
        f'the name of the listed party "{party}"'
        if listed == party
        else f'"{listed}", an alias of "{party}"'
    )
    return _exact(f"{_name(queried, description)} is {which}{order}.")


def part_of_name(queried: str, published: str, description: str = "") -> Evidence:
    """Returns evidence that the queried name is inside a published name."""
    return _exact(f'{_name(queried, description)} is part of the published name "{published}".')


def vowelled_name(queried: str, published: str, description: str = "") -> Evidence:
    """Returns evidence that the queried name is a published unvowelled name with likely vowels."""
    return _exact(
        f'{_name(queried, description)} is a likely reading of the published name "{published}",'
        " which is written without vowels."
    )


def same_letters(queried: str, listed: str, description: str = "") -> Evidence:
    """Returns evidence that two names have the same letters in the same order."""
    return _exact(
        f'{_name(queried, description)} has the same letters as the listed name "{listed}";'
        " only the word breaks differ."
    )


def same_words(
    queried: str, listed: str, description: str = "", *, but_legal_form: bool
) -> Evidence:
    """Returns evidence that two names differ in the legal form only, or also in the word order."""
    difference = "legal form" if but_legal_form else "word order, word breaks or legal form"
    return _exact(
        f'{_name(queried, description)} and the listed name "{listed}" differ only in {difference}.'
    )


def short_form(
    queried: str, listed: str, omitted: Sequence[str], description: str = ""
) -> Evidence:
    """Returns evidence that the queried name is the listed one without generic words."""
    words = ", ".join(f'"{word}"' for word in omitted)
    more = f", which also has the general words {words}" if words else ""
    detail = f'{_name(queried, description)} is short for the listed name "{listed}"{more}.'
    return Evidence(EvidenceKind.NAME_SCORE, Effect.SUPPORTS, detail)


def similar_name(
    queried: str,
    listed: str,
    score: float,
    alignment: Alignment,
    *,
    by_sound: bool,
    description: str = "",
) -> Evidence:
    """Returns evidence that two names are similar, word by word."""
    same = tuple(pair.listed for pair in alignment.pairs if pair.queried == pair.listed)
    similar = [
        f'"{pair.queried}" resembles "{pair.listed}"'
        for pair in alignment.pairs
        if pair.queried != pair.listed
    ]
    clauses = [
        _words_are(same, "in both names"),
        *similar,
        _words_are(alignment.queried_unpaired, "only in the given name"),
        _words_are(alignment.listed_unpaired, "only in the listed name"),
    ]
    verb = "sounds like" if by_sound else "resembles"
    kind = EvidenceKind.NAME_SOUND if by_sound else EvidenceKind.NAME_SCORE
    detail = (
        f'{_name(queried, description)} {verb} the listed name "{listed}"'
        f" with a score of {score:.2f}: {'; '.join(clause for clause in clauses if clause)}."
    )
    return Evidence(kind, Effect.SUPPORTS, detail)


def same_meaning(queried: str, listed: str, recognised: Sequence[tuple[str, str]]) -> Evidence:
    """Returns evidence that two names mean the same.

    recognised: queried words and the listed words that they mean.
    """
    words = " and ".join(f'"{one}" means "{other}"' for one, other in recognised)
    detail = f'"{queried}" has the same meaning as the listed name "{listed}": {words}.'
    return Evidence(EvidenceKind.NAME_MEANING, Effect.SUPPORTS, detail)


def acronym(queried: str, listed: str, short: str, words: str) -> Evidence:
    """Returns evidence that one name abbreviates words of the other.

    short: the acronym or blend. words: what it stands for.
    """
    detail = (
        f'"{queried}" may be the listed name "{listed}": "{short.upper()}" is short for "{words}".'
    )
    return Evidence(EvidenceKind.NAME_ACRONYM, Effect.SUPPORTS, detail)


def same_identifier(queried: Identifier, listed: Identifier, *, same_family: bool) -> Evidence:
    """Returns evidence that an identifier of the party is one of the listed party's."""
    detail = (
        f"The identifier {queried[1]} ({queried[0]}) is published for the listed party"
        f" as {listed[0]} {listed[1]}."
    )
    if not same_family:
        detail = f"{detail} The types of the two identifiers differ."
    return Evidence(EvidenceKind.IDENTIFIER, Effect.SUPPORTS, detail)


def listed_as(entry: Entry, list_version_id: str, rules: str) -> Evidence:
    """Returns where the party is listed, and by which versions it was compared."""
    programs = f", under {' and '.join(entry.programs)}" if entry.programs else ""
    source = entry.source_list or entry.list_code
    detail = (
        f'The listed party is entry {entry.entry_id} of "{source}"{programs}. '
        f"It was compared using list version {list_version_id} and rules {rules}."
    )
    return Evidence(EvidenceKind.LISTED, Effect.NEUTRAL, detail)


def _exact(detail: str) -> Evidence:
    return Evidence(EvidenceKind.NAME_EXACT, Effect.SUPPORTS, detail)


def _name(queried: str, description: str) -> str:
    return f'"{queried}", read {description},' if description else f'"{queried}"'


def _words_are(words: Sequence[str], where: str) -> str:
    """Returns a clause that says where words are: '"ali" and "khan" are in both names'."""
    quoted = [f'"{word}"' for word in words]
    if len(quoted) < 2:
        return f"{quoted[0]} is {where}" if quoted else ""
    return f"{', '.join(quoted[:-1])} and {quoted[-1]} are {where}"
