"""Golden events: bytes that any release wrote are read by contract and codec."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contracts.descriptors import events
from tests.contracts.golden import Entry, content, entries, new
from tests.contracts.samples import RENAMED, EventCodec, event_codecs

KEPT = entries()
CODECS = event_codecs()


def type_now(entry: Entry) -> str:
    return RENAMED.get(entry.type, entry.type)


def codec_of(entry: Entry) -> EventCodec:
    return CODECS[type_now(entry)]


def name_of(entry: Entry) -> str:
    return entry.type.removeprefix("safeconduct.")


# The last entry of a type has all fields of this release. A codec may add fields to earlier ones.
NEWEST = list({type_now(entry): entry for entry in KEPT}.values())


def overlaid(after: Any, before: Any) -> Any:
    """The content `after`, with every value of `before` put over it."""
    if not isinstance(before, dict) or not isinstance(after, dict):
        return before
    return {**after, **{name: overlaid(after.get(name), each) for name, each in before.items()}}


def without_deprecated(descriptor: Any, says: dict[str, Any]) -> dict[str, Any]:
    """The content without deprecated fields, whose samples may have no meaning."""
    if descriptor.GetOptions().map_entry:
        return says
    return {
        name: without_deprecated(field.message_type, value) if isinstance(value, dict) else value
        for name, value in says.items()
        if not (field := descriptor.fields_by_name[name]).GetOptions().deprecated
    }


@pytest.mark.parametrize("entry", KEPT, ids=name_of)
def test_stored_bytes_decode_to_what_was_written(entry: Entry) -> None:
    assert content(codec_of(entry), bytes.fromhex(entry.bytes)) == entry.says


@pytest.mark.parametrize("entry", NEWEST, ids=name_of)
def test_bytes_of_this_release_pass_through_the_codec_unchanged(entry: Entry) -> None:
    codec = codec_of(entry)

    assert content(codec, codec.reencode(bytes.fromhex(entry.bytes))) == entry.says


@pytest.mark.parametrize("entry", KEPT, ids=name_of)
def test_stored_bytes_lose_nothing_in_the_codec(entry: Entry) -> None:
    codec = codec_of(entry)

    after = content(codec, codec.reencode(bytes.fromhex(entry.bytes)))

    assert after == overlaid(after, without_deprecated(codec.message.DESCRIPTOR, entry.says))


def test_every_event_is_kept_as_it_is_written_today() -> None:
    assert [entry.type for entry in new()] == [], "run `python -m tests.contracts.golden`"


def test_every_event_of_the_contracts_is_kept() -> None:
    assert {type_now(entry) for entry in KEPT} == {event.full_name for event in events()}
