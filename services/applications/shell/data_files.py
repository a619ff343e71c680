"""Reads the files in `policy/`: YAML into typed records, every fault with its place; and texts."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from chassis.yaml_files import YamlFileError, parse_yaml

T = TypeVar("T")


class DataFileError(Exception):
    """A data file that cannot be used. `faults` are sentences, each with its place in the file."""

    def __init__(self, path: Path, faults: list[str]) -> None:
        super().__init__("\n".join(f"{path.name}: {fault}" for fault in faults))
        self.faults = tuple(faults)


class TextKind(StrEnum):
    """The sort of a text that decisions rest on."""

    CODE_OF_CONDUCT = "CODE_OF_CONDUCT"
    POLICY = "POLICY"
    REFERENCE_DATA = "REFERENCE_DATA"


@dataclass(frozen=True, slots=True)
class SourceText:
    """A file as it was read, byte for byte.

    `version` is the one that its content states, `digest` the SHA-256 of the content, 32 bytes.
    """

    kind: TextKind
    version: str
    file_name: str
    content: bytes
    digest: bytes = field(init=False)

    def __post_init__(self) -> None:
        """Computes the digest once: every decision names it."""
        object.__setattr__(self, "digest", hashlib.sha256(self.content).digest())


def read_mapping(path: Path) -> tuple[bytes, dict[str, Any]]:
    """Returns the bytes of the file and the mapping that they hold. Raises DataFileError."""
    source = path.read_bytes()
    try:
        data = parse_yaml(source, path.name)
    except YamlFileError as fault:
        raise DataFileError(path, [str(fault).removeprefix(path.name).lstrip(":, ")]) from fault
    if not isinstance(data, dict):
        raise DataFileError(path, ["must hold a mapping at its top level"])
    return source, data


def convert(data: Any, kind: type[T], place: str, faults: list[str]) -> T | None:
    """Returns `data` as a `kind`. Adds a fault and returns None if a key or type is wrong."""
    try:
        return msgspec.convert(data, kind)
    except msgspec.ValidationError as fault:
        faults.append(f"{place}: {fault}")
        return None
