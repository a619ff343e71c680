"""Only two events carry personal data; all others carry ids, reasons and digests."""

from __future__ import annotations

from typing import Any

from safeconduct.options.v1 import options_pb2

from tests.contracts.descriptors import events

MAY_CARRY = {
    "safeconduct.applications.v1.ApplicationSubmitted",
    "safeconduct.screening.v1.ScreeningCompleted",
}


def personal_fields(message: Any, seen: frozenset[str] = frozenset()) -> list[str]:
    """Returns the names of the personal fields of the message and of the messages in it."""
    if message.full_name in seen:
        return []
    found = []
    for field in message.fields:
        if field.GetOptions().Extensions[options_pb2.personal]:
            found.append(field.full_name)
        if field.message_type is not None:
            found += personal_fields(field.message_type, seen | {message.full_name})
    return found


def test_only_two_events_carry_personal_data() -> None:
    carrying = {event.full_name for event in events() if personal_fields(event)}

    assert carrying == MAY_CARRY


def test_names_addresses_and_birth_dates_are_marked_as_personal() -> None:
    submitted = next(event for event in events() if event.name == "ApplicationSubmitted")
    marked = {name.rpartition(".")[2] for name in personal_fields(submitted)}

    assert {"name", "aliases", "address", "birth_date", "value", "text"} <= marked
