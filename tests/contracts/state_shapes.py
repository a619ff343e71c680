"""Shapes of the stored states and of their events, by number (`STATE_SCHEMA` of each core).

`python -m tests.contracts.state_shapes` adds the shape of a number that is new. It never changes
the shape of a number that a release has: a replica of that release decodes rows of this number.
`--not-released` replaces the shape of the newest number, while no release has that number.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import sys
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from services.applications.core import events as applications
from services.applications.core import model
from services.enforcement.core import events as enforcement
from services.enforcement.core.model import STATE_SCHEMA as LICENSE_SCHEMA
from services.enforcement.core.model import LicenseConduct
from services.screening.core import events as screening
from services.screening.core.evolve import STATE_SCHEMA as SCREENING_SCHEMA
from services.screening.core.evolve import ScreenedApplication
from services.screening.core.lists import versions

FOLDER = Path(__file__).with_name("state_shapes")


@dataclass(frozen=True)
class Shape:
    """The shape of one kind of stream, in lines, and the number that its core gives it."""

    service: str
    kind: str
    number: int
    lines: tuple[str, ...]

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the lines, hexadecimal."""
        return hashlib.sha256("\n".join(self.lines).encode()).hexdigest()


def shapes() -> list[Shape]:
    """Returns the shape of every kind of stream of this code."""
    kinds: tuple[tuple[str, str, int, Any, Any], ...] = (
        (
            "applications",
            "application",
            model.STATE_SCHEMA,
            model.Application,
            applications.Event,
        ),
        ("enforcement", "license", LICENSE_SCHEMA, LicenseConduct, enforcement.Event),
        ("screening", "screening", SCREENING_SCHEMA, ScreenedApplication, screening.Event),
        ("screening", "list", versions.STATE_SCHEMA, versions.ScreeningList, versions.Event),
    )
    return [
        Shape(service, kind, number, shape_of(state, event))
        for service, kind, number, state, event in kinds
    ]


def shape_of(state: Any, event: Any) -> tuple[str, ...]:
    """Returns the fields of a state, of all events of a union, and of every type in them."""
    described: dict[type, list[str]] = {}
    _describe(state, described)
    for each in typing.get_args(event):
        _describe(each, described)
    lines = (f"event {each.__name__}" for each in typing.get_args(event))
    return tuple(sorted([*lines, *(line for own in described.values() for line in own)]))


def _describe(hint: Any, described: dict[type, list[str]]) -> None:
    """Adds a line for each field or member of the type, and of the types that it refers to."""
    for argument in typing.get_args(hint):
        _describe(argument, described)
    if not isinstance(hint, type) or hint in described:
        return
    if issubclass(hint, Enum):
        described[hint] = [f"{hint.__name__}: {each.value}" for each in hint]
    elif dataclasses.is_dataclass(hint):
        hints = typing.get_type_hints(hint)
        fields = [field.name for field in dataclasses.fields(hint)]
        described[hint] = [f"{hint.__name__}.{name}: {_rendered(hints[name])}" for name in fields]
        for name in fields:
            _describe(hints[name], described)


def _rendered(hint: Any) -> str:
    return hint.__name__ if isinstance(hint, type) and not typing.get_args(hint) else str(hint)


def read(service: str) -> Mapping[str, Any]:
    """Returns what the service's file has by the kind of stream: `numbers` and `newest`."""
    file = FOLDER / f"{service}.json"
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}


def differences(shape: Shape) -> list[str]:
    """Returns the lines that the code has and the file has not (+), and the reverse (-)."""
    stored = read(shape.service).get(shape.kind, {"newest": []})["newest"]
    return [
        *(f"- {line}" for line in sorted({*stored} - {*shape.lines})),
        *(f"+ {line}" for line in sorted({*shape.lines} - {*stored})),
    ]


def _added(*, replaces_newest: bool) -> Iterator[str]:
    """Writes what is new into the files. Yields the lines to print."""
    for shape in shapes():
        stored = dict(read(shape.service))
        numbers = dict(stored.get(shape.kind, {"numbers": {}})["numbers"])
        if numbers.get(str(shape.number)) == shape.fingerprint:
            continue
        if str(shape.number) in numbers and not replaces_newest:
            yield f"{shape.kind}: number {shape.number} has another shape; raise STATE_SCHEMA"
            continue
        numbers[str(shape.number)] = shape.fingerprint
        stored[shape.kind] = {"numbers": numbers, "newest": shape.lines}
        FOLDER.mkdir(exist_ok=True)
        text = json.dumps(stored, indent=1, ensure_ascii=False)
        (FOLDER / f"{shape.service}.json").write_text(text + "\n", encoding="utf-8")
        yield f"{shape.kind}: added number {shape.number}"


if __name__ == "__main__":
    print(*_added(replaces_newest="--not-released" in sys.argv[1:]), sep="\n")
