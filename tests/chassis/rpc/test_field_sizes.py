"""Which field makes a message large."""

from __future__ import annotations

import pytest
from google.protobuf.message import Message
from safeconduct.applications.v1 import model_pb2, service_pb2

from chassis.rpc.field_sizes import largest_field

Details = model_pb2.ApplicationDetails
Party = model_pb2.Party


def submission(*parties: Party) -> service_pb2.SubmitApplicationRequest:
    return service_pb2.SubmitApplicationRequest(
        request_id="r" * 36, details=Details(parties=parties)
    )


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (submission(Party(name="a"), Party(name="b" * 900)), ("details.parties[1].name", 900)),
        (
            submission(Party(name="a", aliases=["b" * 400, "c" * 400])),
            ("details.parties[0].aliases", 800),
        ),
        (submission(*(Party(name="é" * 50) for _ in range(10))), ("details.parties", 1020)),
        (service_pb2.SubmitApplicationRequest(request_id="r" * 36), ("request_id", 36)),
        (service_pb2.SubmitApplicationRequest(), ("", 0)),
    ],
    ids=["one text", "many texts of one party", "many parties", "no message", "empty"],
)
def test_the_path_ends_where_no_part_has_more_than_half_of_the_bytes(
    message: Message, expected: tuple[str, int]
) -> None:
    assert largest_field(message) == expected
