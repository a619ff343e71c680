"""Yesterday's bytes decode: what was written once is read for ever, by the contract and by the service's codec."""

from __future__ import annotations

import pytest

from tests.contracts.described import events
from tests.contracts.golden import Entry, entries, new, said
from tests.contracts.samples import carried

KEPT = entries()
CARRIED = carried()


def name_of(entry: Entry) -> str:
    return entry.type.removeprefix("safeconduct.")


@pytest.mark.parametrize("entry", KEPT, ids=name_of)
def test_yesterdays_bytes_say_what_they_said(entry: Entry) -> None:
    assert said(CARRIED[entry.type], bytes.fromhex(entry.bytes)) == entry.says


@pytest.mark.parametrize("entry", KEPT, ids=name_of)
def test_yesterdays_bytes_pass_through_the_codec_unchanged(entry: Entry) -> None:
    kind = CARRIED[entry.type]

    assert said(kind, kind.again(bytes.fromhex(entry.bytes))) == entry.says


def test_every_event_is_kept_as_it_is_written_today() -> None:
    assert [entry.type for entry in new()] == [], "run `python -m tests.contracts.golden`"


def test_every_event_of_the_contracts_is_kept() -> None:
    assert {entry.type for entry in KEPT} == {event.full_name for event in events()}
