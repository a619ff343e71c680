"""Yesterday's bytes decode: what was written once is read for ever, by the contract and by the service's codec."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contracts.described import events
from tests.contracts.golden import Entry, entries, new, said
from tests.contracts.samples import RENAMED, carried

KEPT = entries()
CARRIED = carried()


# Of the entries of one type, the last one has today's fields; a codec may add fields to the others.
NEWEST = list({RENAMED.get(entry.type, entry.type): entry for entry in KEPT}.values())


def merged(now: Any, then: Any) -> Any:
    """What is said now, with everything that was said then put over it."""
    if not isinstance(then, dict) or not isinstance(now, dict):
        return then
    return {**now, **{name: merged(now.get(name), value) for name, value in then.items()}}


def without_deprecated(descriptor: Any, says: dict[str, Any]) -> dict[str, Any]:
    """What an entry says without deprecated fields: a sample of them may have no meaning."""
    return {
        name: without_deprecated(field.message_type, value) if isinstance(value, dict) else value
        for name, value in says.items()
        if not (field := descriptor.fields_by_name[name]).GetOptions().deprecated
    }


def name_of(entry: Entry) -> str:
    return entry.type.removeprefix("safeconduct.")


@pytest.mark.parametrize("entry", KEPT, ids=name_of)
def test_yesterdays_bytes_say_what_they_said(entry: Entry) -> None:
    assert (
        said(CARRIED[RENAMED.get(entry.type, entry.type)], bytes.fromhex(entry.bytes)) == entry.says
    )


@pytest.mark.parametrize("entry", NEWEST, ids=name_of)
def test_todays_bytes_pass_through_the_codec_unchanged(entry: Entry) -> None:
    kind = CARRIED[RENAMED.get(entry.type, entry.type)]

    assert said(kind, kind.again(bytes.fromhex(entry.bytes))) == entry.says


@pytest.mark.parametrize("entry", KEPT, ids=name_of)
def test_yesterdays_bytes_lose_nothing_in_the_codec(entry: Entry) -> None:
    kind = CARRIED[RENAMED.get(entry.type, entry.type)]

    again = said(kind, kind.again(bytes.fromhex(entry.bytes)))

    assert again == merged(again, without_deprecated(kind.message.DESCRIPTOR, entry.says))


def test_every_event_is_kept_as_it_is_written_today() -> None:
    assert [entry.type for entry in new()] == [], "run `python -m tests.contracts.golden`"


def test_every_event_of_the_contracts_is_kept() -> None:
    kept = {RENAMED.get(entry.type, entry.type) for entry in KEPT}

    assert kept == {event.full_name for event in events()}
