"""Reads a YAML or JSON file into plain values, and remembers in which line each of them stands.

Every YAML scalar stays the text it is: `NO` is Norway and no boolean. Knows nothing of what the file means.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

LARGEST_BYTES: Final = 1024 * 1024
DEEPEST: Final = 20


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong at one place of a file. `path` as in `parties[1].country`, empty for the whole file."""

    path: str
    description: str


class FileError(Exception):
    """A file that cannot be used, with everything that is wrong in it."""

    def __init__(
        self, file: Path, faults: tuple[Fault, ...], lines: dict[str, int] | None = None
    ) -> None:
        self.file = file
        self.faults = faults
        self.lines = lines or {}
        super().__init__("\n".join(self.described()))

    def described(self) -> list[str]:
        """One line a fault: file, line where known, path and what is wrong."""
        return [self._described(fault) for fault in self.faults]

    def _described(self, fault: Fault) -> str:
        line = self.lines.get(fault.path)
        place = f"{self.file}:{line}" if line else str(self.file)
        return (
            f"{place}: {fault.path}: {fault.description}"
            if fault.path
            else f"{place}: {fault.description}"
        )


@dataclass(slots=True)
class Source:
    """The content of a file: mappings, lists and scalars; the line of each path; what was wrong already."""

    file: Path
    content: Any = None
    lines: dict[str, int] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)


def read(file: Path) -> Source:
    """The content of a `.json` file, or of any other as YAML. Raises FileError when it cannot be read or parsed."""
    try:
        if file.stat().st_size > LARGEST_BYTES:
            raise FileError(file, (Fault("", f"larger than {LARGEST_BYTES} bytes"),))
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise FileError(file, (Fault("", error.strerror or "cannot be read"),)) from error
    except UnicodeDecodeError as error:
        raise FileError(file, (Fault("", f"not UTF-8 at byte {error.start}"),)) from error
    return _json(file, text) if file.suffix == ".json" else _yaml(file, text)


def _json(file: Path, text: str) -> Source:
    source = Source(file)

    def mapping(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            twice = next(key for key, _ in pairs if [other for other, _ in pairs].count(key) > 1)
            source.faults.append(Fault("", f"the key {twice!r} stands twice in one object"))
        return found

    try:
        source.content = json.loads(text, object_pairs_hook=mapping)
    except (ValueError, RecursionError) as error:
        where = (
            f"line {error.lineno}: {error.msg}"
            if isinstance(error, json.JSONDecodeError)
            else str(error)
        )
        raise FileError(file, (Fault("", f"not JSON: {where}"),)) from error
    return source


def _yaml(file: Path, text: str) -> Source:
    source = Source(file)
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}: " if mark else ""
        reason = getattr(error, "problem", None) or "cannot be parsed"
        raise FileError(file, (Fault("", f"not YAML: {where}{reason}"),)) from error
    source.content = _plain(source, node, "", 0) if node is not None else None
    return source


def _plain(source: Source, node: yaml.Node, path: str, depth: int) -> Any:
    source.lines.setdefault(path, node.start_mark.line + 1)
    if depth > DEEPEST:
        source.faults.append(Fault(path, "nested too deeply"))
        return None
    if isinstance(node, yaml.MappingNode):
        return _mapping(source, node, path, depth)
    if isinstance(node, yaml.SequenceNode):
        return [
            _plain(source, one, f"{path}[{index}]", depth + 1)
            for index, one in enumerate(node.value)
        ]
    return None if node.tag == "tag:yaml.org,2002:null" else node.value


def _mapping(source: Source, node: yaml.MappingNode, path: str, depth: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key_node, value_node in node.value:
        key = str(key_node.value)
        below = f"{path}.{key}" if path else key
        source.lines[below] = key_node.start_mark.line + 1
        if key in found:
            source.faults.append(Fault(below, "stands twice"))
        found[key] = _plain(source, value_node, below, depth + 1)
    return found
