"""What events say: the contracts' messages by their names, and which of them a case turns on."""

from __future__ import annotations

import json
from typing import Any, Final

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import DecodeError, Message
from safeconduct.applications.v1 import events_pb2 as applications
from safeconduct.enforcement.v1 import events_pb2 as enforcement
from safeconduct.screening.v1 import events_pb2 as screening

CONTRACTS: Final[dict[str, Any]] = {
    "applications": applications,
    "screening": screening,
    "enforcement": enforcement,
}
DECISIONS: Final = ("ApplicationApproved", "ApplicationDenied")
SCREENED: Final = "ScreeningCompleted"


def decoded(service: str, name: str, payload: bytes) -> Message | None:
    """The event; None when this contract does not know it. Raises ValueError when the bytes are none."""
    descriptor = getattr(CONTRACTS.get(service), "DESCRIPTOR", None)
    if descriptor is None or name not in descriptor.message_types_by_name:
        return None
    kind: type[Message] = getattr(CONTRACTS[service], name)
    try:
        return kind.FromString(payload)
    except DecodeError as error:
        raise ValueError(f"its payload is no {name}") from error


def says(message: Message) -> dict[str, Any]:
    """A message as proto JSON, in the values that JSON gives back."""
    document: dict[str, Any] = json.loads(json.dumps(MessageToDict(message)))
    return document
