"""Messages of changed standings are encoded once for all gates of a partner."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from safeconduct.enforcement.v1 import service_pb2 as pb

from services.enforcement.shell import standing_codec
from services.enforcement.shell.change_messages import ChangeMessages
from services.enforcement.shell.subscriber import CachedStanding
from tests.enforcement.shell.standing_topic import STANDING, TOKENS

TOPIC = "standing"
OFFSETS = (7, *(0,) * 15)


def cached(number: int) -> CachedStanding:
    standing = replace(STANDING, license_id=str(UUID(int=number)))
    serialized = pb.WatchStandingResponse.StandingChanges(
        standings=[standing_codec.to_message(standing)]
    ).SerializeToString()
    return CachedStanding(
        standing.license_id, standing.partner_id, standing.version, serialized, 0, 6
    )


def license_ids(messages: list[bytes]) -> list[str]:
    return [
        standing.license_id
        for message in messages
        for standing in pb.WatchStandingResponse.FromString(message).changes.standings
    ]


def test_two_gates_that_get_the_same_changes_get_the_same_bytes() -> None:
    messages, change = ChangeMessages(TOKENS), cached(1)

    first = messages.changes("example-1", TOPIC, OFFSETS, [change])

    assert messages.changes("example-1", TOPIC, OFFSETS, [change]) is first


def test_a_gate_gets_its_own_changes_whatever_other_gates_got_before() -> None:
    messages, one, two = ChangeMessages(TOKENS), cached(1), cached(2)
    messages.changes("example-1", TOPIC, OFFSETS, [one])

    both = messages.changes("example-1", TOPIC, OFFSETS, [one, two])
    other = messages.changes("example-1", TOPIC, OFFSETS, [two])

    assert license_ids(both) == [str(UUID(int=1)), str(UUID(int=2))]
    assert license_ids(other) == [str(UUID(int=2))]


def test_the_token_is_that_of_the_partner_the_topic_and_the_offsets() -> None:
    messages, change = ChangeMessages(TOKENS), cached(1)
    later = (8, *OFFSETS[1:])

    def token(partner_id: str, topic_name: str, offsets: tuple[int, ...]) -> str:
        (message,) = messages.changes(partner_id, topic_name, offsets, [change])
        return pb.WatchStandingResponse.FromString(message).changes.resume_token

    tokens = [
        token("example-1", TOPIC, OFFSETS),
        token("example-1", TOPIC, later),
        token("example-1", "another", later),
        token("example-2", "another", later),
    ]

    assert len(set(tokens)) == 4
    assert messages.read_token("example-1", TOPIC, tokens[1]) == later
    assert messages.read_token("example-1", TOPIC, tokens[2]) == ()
