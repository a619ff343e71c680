"""Reads data files in YAML strictly: every fault names its place. Knows YAML, not what the data mean."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import yaml

T = TypeVar("T")


class DataFault(Exception):  # noqa: N818 - several faults of a file at once
    """A data file that cannot be used. `faults` are sentences, each with its place."""

    def __init__(self, path: Path, faults: list[str]) -> None:
        super().__init__("\n".join(f"{path.name}: {fault}" for fault in faults))
        self.faults = tuple(faults)


class _StrictLoader(yaml.SafeLoader):
    """YAML's safe loader, which refuses a key given twice; plain YAML keeps the last one silently."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"key {key!r} is given twice", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


def read_yaml(path: Path) -> tuple[bytes, dict[str, Any]]:
    """The file's bytes and its mapping. Raises DataFault with line and column."""
    source = path.read_bytes()
    try:
        data = yaml.load(source, Loader=_StrictLoader)  # noqa: S506 - a subclass of SafeLoader
    except (yaml.YAMLError, UnicodeDecodeError) as fault:
        mark = getattr(fault, "problem_mark", None)
        place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise DataFault(
            path, [f"{place}{getattr(fault, 'problem', None) or 'is not YAML'}"]
        ) from fault
    if not isinstance(data, dict):
        raise DataFault(path, ["holds no mapping at its top"])
    return source, data


def convert(data: Any, kind: type[T], place: str, note: Callable[[str], None]) -> T | None:
    """`data` as a `kind`, or None after one sentence to `note`. Unknown keys and wrong types are faults."""
    try:
        return msgspec.convert(data, kind)
    except msgspec.ValidationError as fault:
        note(f"{place}: {fault}")
        return None
