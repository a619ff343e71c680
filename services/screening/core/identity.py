"""Derives ids and digests from content, so that the same content has the same id in every process.

Knows no state, no event and no command.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from uuid import NAMESPACE_OID, UUID, uuid5


def content_digest(parts: Iterable[tuple[str, Iterable[str]]]) -> str:
    """Returns the SHA-256, hexadecimal, of named lists of texts.

    Names, lists and texts are divided by control characters, so that two different parties never
    share a digest by where their texts are split.
    """
    joined = "\x1d".join(f"{name}\x1f" + "\x1e".join(values) for name, values in parts)
    return hashlib.sha256(joined.encode()).hexdigest()


def hit_id_of(
    application_id: UUID, party_id: str, entry_id: str, party_content: str, entry_content: str
) -> UUID:
    """Returns the id of a hit.

    `party_content` and `entry_content` are digests. The id stays the same as long as neither
    changes; a change of either makes a new hit, which must be judged again.
    """
    return uuid5(
        NAMESPACE_OID, f"hit/{application_id}/{party_id}/{entry_id}/{party_content}/{entry_content}"
    )


def clearing_id_of(hit_id: UUID, act_number: int) -> UUID:
    """Returns the id of a proposal to clear a hit.

    `act_number` is the place of the proposal among the officers' acts on the hit, from 1. A
    rejected proposal and a later one for the same hit therefore have different ids.
    """
    return uuid5(NAMESPACE_OID, f"clearing/{hit_id}/{act_number}")


def verdict_id_of(hit_id: UUID, act_number: int) -> UUID:
    """Returns the id of a verdict on a hit.

    `act_number` is the number of officers' acts on the hit when the verdict is in force. A verdict
    that is given again after a withdrawal has another id.
    """
    return uuid5(NAMESPACE_OID, f"verdict/{hit_id}/{act_number}")


def reopening_id_of(hit_id: UUID, act_number: int) -> UUID:
    """Returns the id under which a hit is published as open again.

    It stands where a list match has the id of its screening. A decision that rests on an older
    screening, or an older reopening, is so known not to have seen this one.
    """
    return uuid5(NAMESPACE_OID, f"reopening/{hit_id}/{act_number}")


def list_id_of(code: str) -> UUID:
    """Returns the id of a list's stream, by the list's code, for instance US-CSL."""
    return uuid5(NAMESPACE_OID, f"list/{code}")
