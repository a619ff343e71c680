"""One sample of every event, filled to the last field by the types of the cores, and the codecs that carry it."""

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
"""Events that were kept under an earlier name, and have the same fields under the new one."""

MOMENT = datetime(2026, 11, 24, 9, 30, 15, 250_000, tzinfo=UTC)


@dataclasses.dataclass(frozen=True)
class Carried:
    """An event's message type, and how it goes out and comes in."""

    message: Any
    encode: Callable[[], bytes]
    again: Callable[[bytes], bytes]
    """Decodes with the service's codec and encodes what came of it."""


def sample(hint: Any, name: str) -> Any:
    """A value of the type, the same each time; text says the name of its field."""
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
    # The standing that gates read has the id as text.
    str: lambda name: str(uuid5(NAMESPACE_OID, name)) if name == "license_id" else name,
    bool: lambda _: True,
    int: lambda name: 1 + len(name),
    float: lambda _: 0.5,
    bytes: lambda name: uuid5(NAMESPACE_OID, name).bytes * 2,
    datetime: lambda _: MOMENT,
    UUID: lambda name: uuid5(NAMESPACE_OID, name),
}


def carried() -> Mapping[str, Carried]:
    """Every event by its full name."""
    found: dict[str, Carried] = {}

    def add(
        messages: Any,
        kinds: tuple[type, ...],
        encode: Callable[[Any], Any],
        decode: Callable[..., Any],
    ) -> None:
        for kind in kinds:
            message = getattr(messages, kind.__name__)
            found[message.DESCRIPTOR.full_name] = Carried(
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
    # A heartbeat is no event of a stream: it is written and read as it is.
    heartbeat = enforcement_pb2.StandingHeartbeat
    found[heartbeat.DESCRIPTOR.full_name] = Carried(
        heartbeat,
        lambda: standing_codec.encode_heartbeat("replica_id", 7, 3, MOMENT),
        lambda payload: heartbeat.FromString(payload).SerializeToString(deterministic=True),
    )
    return found
