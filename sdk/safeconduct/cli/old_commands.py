"""Commands and options of release 0.1, which keep working for one release.

Each use prints a warning.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final

COMMANDS: Final[Mapping[tuple[str, ...], tuple[str, ...]]] = {
    ("review", "cases"): ("cases", "list"),
    ("review", "recommend"): ("cases", "recommend"),
    ("review", "countersign"): ("cases", "countersign"),
    ("review", "explain"): ("cases", "get"),
    ("review", "owners"): ("cases", "owners"),
    ("review", "hits"): ("hits", "list"),
    ("review", "adjudicate"): ("hits", "adjudicate"),
    ("license", "show"): ("licenses", "get"),
    ("license", "list"): ("licenses", "list"),
    ("license", "verify"): ("licenses", "verify"),
    ("gate", "check"): ("gates", "check"),
    ("gate", "watch"): ("gates", "watch"),
    ("screening", "book"): ("screening", "bulk"),
    ("enforcement", "report"): ("violations", "report"),
    ("enforcement", "violations"): ("violations", "list"),
    ("enforcement", "find"): ("violations", "propose-finding"),
    ("enforcement", "impose"): ("violations", "propose-measure"),
    ("enforcement", "reinstate"): ("licenses", "propose-reinstatement"),
}
"""The new name of every command that has one."""

CONFIRMS_UNSEEN: Final = "--yes-to-pending"
"""Hidden option: confirms the pending proposal without showing it, as release 0.1 did."""

_DECISIONS: Final[Mapping[tuple[str, ...], Mapping[str, str]]] = {
    ("cases", "countersign"): {"": "countersign", "--reject": "reject-recommendation"},
    ("violations", "propose-finding"): {
        "--confirm": "confirm-finding",
        "--reject": "reject-finding",
    },
    ("violations", "propose-measure"): {
        "--confirm": "confirm-measure",
        "--reject": "reject-measure",
    },
    ("licenses", "propose-reinstatement"): {
        "--confirm": "confirm-reinstatement",
        "--reject": "reject-reinstatement",
    },
}
"""Options of release 0.1 that are commands now; an empty option stands for none."""


def renamed(arguments: Sequence[str], valued: Collection[str]) -> tuple[list[str], list[str]]:
    """The arguments in today's words, and a warning for every old word in them.

    `valued` are the options that may stand before the command and take a value.
    """
    found = list(arguments)
    warnings = _rename_options(found)
    at = _command_at(found, valued)
    old = tuple(found[at : at + 2])
    if new := COMMANDS.get(old):
        new = (*new[:-1], _decision(found, new))
        found[at : at + 2] = new
        warnings.append(_warning("safeconduct " + " ".join(old), "safeconduct " + " ".join(new)))
    if tuple(found[at : at + 2]) == ("applications", "accept") and not _has(found, "--signing-key"):
        position = next((at for at, word in enumerate(found) if _is(word, "--key")), None)
        if position is not None and position > at:
            found[position] = found[position].replace("--key", "--signing-key", 1)
            warnings.append(_warning("applications accept --key", "--signing-key"))
    return found, warnings


def _rename_options(words: list[str]) -> list[str]:
    warnings = []
    for index, word in enumerate(words):
        if _is(word, "--cert-key"):
            words[index] = word.replace("--cert-key", "--key", 1)
            warnings.append(_warning("--cert-key", "--key"))
    return warnings


def _command_at(words: Sequence[str], valued: Collection[str]) -> int:
    """The index of the first word that is neither an option nor the value of one."""
    index = 0
    while index < len(words) and words[index].startswith("-"):
        index += 2 if words[index] in valued else 1
    return index


def _decision(words: list[str], command: tuple[str, ...]) -> str:
    """The last word of the new command, after its old options are rewritten in `words`."""
    decisions = _DECISIONS.get(command, {})
    chosen = next((option for option in decisions if option and option in words), "")
    if chosen not in decisions:
        return command[-1]
    if chosen:
        words.remove(chosen)
    for index, word in enumerate(words):
        if _is(word, "--recommendation"):
            words[index] = word.replace("--recommendation", "--yes", 1)
    if not _has(words, "--yes"):
        words.append(CONFIRMS_UNSEEN)
    return decisions[chosen]


def _has(words: Sequence[str], option: str) -> bool:
    return any(_is(word, option) for word in words)


def _is(word: str, option: str) -> bool:
    return word.partition("=")[0] == option


def _warning(old: str, new: str) -> str:
    return f"`{old}` is now `{new}`; the old spelling ends with the next release"
