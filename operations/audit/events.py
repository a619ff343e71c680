"""Decodes stored events with the published contracts."""

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
DECISION_EVENTS: Final = ("ApplicationApproved", "ApplicationDenied")
SCREENING_EVENT: Final = "ScreeningCompleted"


def decode_event(service: str, name: str, payload: bytes) -> Message | None:
    """Returns the event; None if this version of the contracts does not know it.

    Raises ValueError if the payload is not a message of this type.
    """
    descriptor = getattr(CONTRACTS.get(service), "DESCRIPTOR", None)
    if descriptor is None or name not in descriptor.message_types_by_name:
        return None
    message_type: type[Message] = getattr(CONTRACTS[service], name)
    try:
        return message_type.FromString(payload)
    except DecodeError as error:
        raise ValueError(f"the payload is not a {name} message") from error


def to_json(message: Message) -> dict[str, Any]:
    """Returns the message as proto3 JSON, with the types that a JSON parser returns."""
    document: dict[str, Any] = json.loads(json.dumps(MessageToDict(message)))
    return document
