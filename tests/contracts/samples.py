"""One sample of every event, with every field set, and the codec that writes and reads it."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from uuid import NAMESPACE_OID, UUID, uuid5

from safeconduct.applications.v1 import events_pb2 as applications_pb2
from safeconduct.enforcement.v1 import events_pb2 as enforcement_pb2
from safeconduct.screening.v1 import events_pb2 as screening_pb2

from services.applications.core import events as applications
from services.applications.shell import codec as applications_codec
from services.enforcement.core import events as enforcement
from services.enforcement.shell import codec as enforcement_codec
from services.enforcement.shell import standing_codec
from services.screening.core import events as screening
from services.screening.core.lists import versions
from services.screening.shell import codec as screening_codec

RENAMED = {
    "safeconduct.enforcement.v1.StandingTick": "safeconduct.enforcement.v1.StandingHeartbeat"
}
"""New names of golden events by their old names. The fields are the same."""

MOMENT = datetime(2026, 11, 24, 9, 30, 15, 250_000, tzinfo=UTC)


@dataclasses.dataclass(frozen=True)
class EventCodec:
    """The message type of one event, and how the service encodes and decodes it."""

    message: Any
    encode: Callable[[], bytes]
    reencode: Callable[[bytes], bytes]
    """Decodes bytes with the service's codec and encodes the result."""


def sample(hint: Any, name: str) -> Any:
    """Returns a value of the type, always the same. A text is the name of its field."""
    origin = typing.get_origin(hint)
    if origin in {types.UnionType, typing.Union}:
        return sample(next(arg for arg in typing.get_args(hint) if arg is not type(None)), name)
    if origin in {tuple, frozenset}:
        return origin((sample(typing.get_args(hint)[0], name),))
    if origin is not None and issubclass(origin, Mapping):
        return {f"{name}-key": f"{name}-value"}
    if dataclasses.is_dataclass(hint):
        hints = typing.get_type_hints(hint)
        return hint(
            **{
                field.name: sample(hints[field.name], field.name)
                for field in dataclasses.fields(hint)
            }
        )
    if issubclass(hint, StrEnum):
        return list(hint)[-1]
    return _PLAIN[hint](name)


_PLAIN: Mapping[type, Callable[[str], Any]] = {
    # Standing has the license id as text; it must be a UUID all the same.
    str: lambda name: str(uuid5(NAMESPACE_OID, name)) if name == "license_id" else name,
    bool: lambda _: True,
    int: lambda name: 1 + len(name),
    float: lambda _: 0.5,
    bytes: lambda name: uuid5(NAMESPACE_OID, name).bytes * 2,
    datetime: lambda _: MOMENT,
    UUID: lambda name: uuid5(NAMESPACE_OID, name),
}


def event_codecs() -> Mapping[str, EventCodec]:
    """Returns every event by its full name."""
    found: dict[str, EventCodec] = {}

    def add(
        messages: Any,
        kinds: tuple[type, ...],
        encode: Callable[[Any], Any],
        decode: Callable[..., Any],
    ) -> None:
        for kind in kinds:
            message = getattr(messages, kind.__name__)
            found[message.DESCRIPTOR.full_name] = EventCodec(
                message,
                lambda kind=kind: encode(sample(kind, kind.__name__))[1],
                lambda payload, kind=kind: encode(decode(kind.__name__, payload))[1],
            )

    add(applications_pb2, typing.get_args(applications.Event), applications_codec.encode_event,
        applications_codec.decode_event)  # fmt: skip
    add(enforcement_pb2, typing.get_args(enforcement.Event), enforcement_codec.encode_event,
        enforcement_codec.decode_event)  # fmt: skip
    add(screening_pb2, typing.get_args(screening.Event), screening_codec.encode_event,
        screening_codec.decode_event)  # fmt: skip
    add(screening_pb2, typing.get_args(versions.Event), screening_codec.encode_list_event,
        screening_codec.decode_list_event)  # fmt: skip
    # A heartbeat belongs to no stream; the outbox carries its bytes.
    heartbeat = enforcement_pb2.StandingHeartbeat
    found[heartbeat.DESCRIPTOR.full_name] = EventCodec(
        heartbeat,
        lambda: standing_codec.encode_heartbeat("replica_id", 7, 3, MOMENT),
        lambda payload: heartbeat.FromString(payload).SerializeToString(deterministic=True),
    )
    return found
