"""Application requests of an exact size: names of further parties fill them up."""

from __future__ import annotations

from typing import Final
from uuid import uuid4

from safeconduct.applications.v1 import model_pb2, service_pb2

Request = service_pb2.SubmitApplicationRequest
_ALIASES: Final = 20
_CHARACTERS: Final = 400
"""Most aliases of a party, and most characters of an alias, that the contract allows."""
_WIDE: Final = "\U0001f600"
"""A character of four bytes."""


def sized_request(details: model_pb2.ApplicationDetails, size: int) -> Request:
    """Returns a valid request of exactly `size` bytes, far larger than `details`."""
    request = Request(request_id=str(uuid4()), details=details)
    number = 0
    while size - request.ByteSize() > (_ALIASES + 1) * _CHARACTERS * len(_WIDE.encode()):
        number += 1
        party = _party(number)
        party.aliases.extend([_WIDE * _CHARACTERS] * _ALIASES)
        request.details.parties.append(party)
    # The rest is filled with two parties of short names, byte by byte.
    for filler in ("wide", "narrow"):
        last = _party(number := number + 1)
        request.details.parties.append(last)
        text = _WIDE if filler == "wide" else "x"
        party_at = len(request.details.parties) - 1
        _fill(request, request.details.parties[party_at], text, size)
    assert request.ByteSize() == size, "the parties fill the request exactly"
    return request


def _fill(request: Request, party: model_pb2.Party, text: str, size: int) -> None:
    """Adds aliases while the request, with a little room, stays within `size`."""
    room = 0 if text == "x" else 2_000
    while len(party.aliases) < _ALIASES:
        low, high = 0, _CHARACTERS
        while low < high:  # the longest alias that fits
            length = (low + high + 1) // 2
            party.aliases.append(text * length)
            fits = request.ByteSize() <= size - room
            del party.aliases[-1]
            low, high = (length, high) if fits else (low, length - 1)
        if not low:
            return
        party.aliases.append(text * low)


def _party(number: int) -> model_pb2.Party:
    return model_pb2.Party(
        party_id=f"filler-{number}",
        roles=[model_pb2.PARTY_ROLE_PURCHASER],
        kind=model_pb2.PARTY_KIND_ORGANISATION,
        name="Filler",
        country="DE",
    )
