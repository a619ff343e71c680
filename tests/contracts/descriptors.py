"""The contracts as protoc reads them, each part with the comment before it.

Foreign .proto files are not needed: their descriptors come from the installed packages.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pool
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
)
from grpc_tools import protoc
from safeconduct.applications.v1 import errors_pb2 as applications_errors  # noqa: F401 - put into the pool
from safeconduct.applications.v1 import events_pb2 as applications_events
from safeconduct.applications.v1 import service_pb2 as applications_service
from safeconduct.enforcement.v1 import errors_pb2 as enforcement_errors  # noqa: F401 - same
from safeconduct.enforcement.v1 import events_pb2 as enforcement_events
from safeconduct.enforcement.v1 import service_pb2 as enforcement_service
from safeconduct.options.v1 import options_pb2
from safeconduct.screening.v1 import errors_pb2 as screening_errors  # noqa: F401 - same
from safeconduct.screening.v1 import events_pb2 as screening_events
from safeconduct.screening.v1 import service_pb2 as screening_service

from infra.cache import CHECKOUT

PROTOS = CHECKOUT / "protos"
SERVICE_FILES: Sequence[Any] = (applications_service, screening_service, enforcement_service)
EVENT_FILES: Sequence[Any] = (applications_events, screening_events, enforcement_events)


@dataclass(frozen=True)
class Part:
    """One message, field, enum, value, service, method or extension, and the comment before it."""

    name: str
    comment: str


@dataclass(frozen=True)
class Method:
    """One method: full name, descriptors of request and response, and the access option."""

    name: str
    request: Any
    response: Any
    access: options_pb2.Access | None

    @property
    def verb(self) -> str:
        """The first word of the method's name, for example "Propose"."""
        short = self.name.rpartition(".")[2]
        return next(
            short[:n] for n in range(1, len(short) + 1) if n == len(short) or short[n].isupper()
        )


@cache
def files() -> Sequence[FileDescriptorProto]:
    """Returns every contract of the project, with source information."""
    known = FileDescriptorSet()
    for file in _foreign():
        file.CopyToProto(known.file.add())
    ours = sorted(str(path.relative_to(PROTOS)) for path in PROTOS.glob("safeconduct/**/*.proto"))
    build = CHECKOUT / "build"
    build.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=build) as name:
        foreign, out = Path(name) / "foreign.binpb", Path(name) / "ours.binpb"
        foreign.write_bytes(known.SerializeToString())
        assert not protoc.main(
            ["protoc", f"--descriptor_set_in={foreign}", f"-I{PROTOS}", "--include_source_info",
             f"--descriptor_set_out={out}", *ours]
        )  # fmt: skip
        return tuple(FileDescriptorSet.FromString(out.read_bytes()).file)


def _foreign() -> Sequence[Any]:
    """Returns every foreign file that the contracts import, each after those it imports itself."""
    found: dict[str, Any] = {}

    def add(file: Any) -> None:
        for imported in file.dependencies:
            add(imported)
        if not file.name.startswith("safeconduct/"):
            found.setdefault(file.name, file)

    for module in (*SERVICE_FILES, *EVENT_FILES):
        add(descriptor_pool.Default().FindFileByName(module.DESCRIPTOR.name))
    return list(found.values())


def parts() -> Iterator[Part]:
    """Yields every part of the contracts; each needs a comment."""
    for file in files():
        comments = {
            tuple(each.path): each.leading_comments.strip()
            for each in file.source_code_info.location
        }
        for name, path in _paths(file):
            yield Part(f"{file.package}.{name}", comments.get(path, ""))


def _paths(file: FileDescriptorProto) -> Iterator[tuple[str, tuple[int, ...]]]:
    # The numbers are field numbers of FileDescriptorProto and its parts, in descriptor.proto.
    for n, message in enumerate(file.message_type):
        yield from _of_message(message, message.name, (4, n))
    for n, enum in enumerate(file.enum_type):
        yield from _of_enum(enum, enum.name, (5, n))
    for n, service in enumerate(file.service):
        yield service.name, (6, n)
        for m, method in enumerate(service.method):
            yield f"{service.name}.{method.name}", (6, n, 2, m)
    for n, extension in enumerate(file.extension):
        yield extension.name, (7, n)


def _of_message(
    message: DescriptorProto, name: str, path: tuple[int, ...]
) -> Iterator[tuple[str, tuple[int, ...]]]:
    if message.options.map_entry:
        return
    yield name, path
    for n, field in enumerate(message.field):
        yield f"{name}.{field.name}", (*path, 2, n)
    for n, inner in enumerate(message.nested_type):
        yield from _of_message(inner, f"{name}.{inner.name}", (*path, 3, n))
    for n, enum in enumerate(message.enum_type):
        yield from _of_enum(enum, f"{name}.{enum.name}", (*path, 4, n))


def _of_enum(
    enum: EnumDescriptorProto, name: str, path: tuple[int, ...]
) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield name, path
    for n, value in enumerate(enum.value):
        yield f"{name}.{value.name}", (*path, 2, n)


def methods() -> tuple[Method, ...]:
    """Returns every method of the three services."""
    found = []
    for module in SERVICE_FILES:
        for service in module.DESCRIPTOR.services_by_name.values():
            for method in service.methods:
                options = method.GetOptions()
                has_access = options.HasExtension(options_pb2.access)
                access = options.Extensions[options_pb2.access] if has_access else None
                found.append(
                    Method(method.full_name, method.input_type, method.output_type, access)
                )
    return tuple(found)


def events() -> tuple[Any, ...]:
    """Returns all events: the messages of an events.proto that no other message contains."""
    found = []
    for module in EVENT_FILES:
        messages = module.DESCRIPTOR.message_types_by_name.values()
        used = {
            field.message_type.full_name
            for message in messages
            for field in message.fields
            if field.message_type
        }
        found += [message for message in messages if message.full_name not in used]
    return tuple(found)
