"""Reads a YAML or JSON file into plain values, with the line of each value.

A YAML scalar stays text: `NO` is Norway, not a boolean. Knows nothing about the meaning of the
file.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from safeconduct.bounded_file import read_bounded
from safeconduct.errors import SafeconductError

if TYPE_CHECKING:
    import yaml

LARGEST_BYTES: Final = 1024 * 1024
DEEPEST: Final = 20


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault in a file. `path` is like `parties[1].country`, empty for the whole file."""

    path: str
    description: str


class FileError(Exception):
    """A file that cannot be used, with all its faults."""

    def __init__(
        self, file: Path, faults: tuple[Fault, ...], lines: dict[str, int] | None = None
    ) -> None:
        self.file = file
        self.faults = faults
        self.lines = lines or {}
        super().__init__("\n".join(self.described()))

    def described(self) -> list[str]:
        """One text a fault: file, line if known, path, description."""
        return [f"{self._position(fault.path)}: {fault.description}" for fault in self.faults]

    def _position(self, path: str) -> str:
        line = line_of(self.lines, path)
        return ": ".join(filter(None, (f"{self.file}:{line}" if line else str(self.file), path)))


class RefusedFileError(SafeconductError):
    """The refusal of an application that came from a file.

    It knows the lines of the refused fields.
    """

    def __init__(self, error: SafeconductError, parsed: ParsedFile) -> None:
        super().__init__(
            error.code,
            error.reason,
            error.message,
            error.metadata,
            error.violations,
            error.retry_after,
        )
        self.request_id = error.request_id
        self._parsed = parsed

    def position(self, path: str) -> str:
        """The file, the line if known, and the path without the request's own prefix."""
        inner = path.removeprefix("details").removeprefix(".")
        line = line_of(self._parsed.lines, inner)
        file = f"{self._parsed.file}:{line}" if line else str(self._parsed.file)
        return f"{file}: {inner}" if inner else file


@dataclass(slots=True)
class ParsedFile:
    """The values of a file, the line of each path, and the faults so far."""

    file: Path
    content: Any = None
    lines: dict[str, int] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)


def line_of(lines: dict[str, int], path: str) -> int:
    """Returns the line of a path or of its nearest parent in the file; 0 if unknown."""
    while path and path not in lines:
        path = path[: max(path.rfind("."), path.rfind("["), 0)]
    return lines.get(path, 0)


def parse(file: Path) -> ParsedFile:
    """The content of a `.json` file, or of any other as YAML.

    Raises FileError if it cannot be parsed.
    """
    try:
        text = read_bounded(file, LARGEST_BYTES).decode("utf-8")
    except OSError as error:
        raise FileError(file, (Fault("", error.strerror or "cannot be read"),)) from error
    except UnicodeDecodeError as error:
        raise FileError(file, (Fault("", f"not UTF-8 at byte {error.start}"),)) from error
    return _parse_json(file, text) if file.suffix == ".json" else _parse_yaml(file, text)


def _parse_json(file: Path, text: str) -> ParsedFile:
    parsed = ParsedFile(file)

    def mapping(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            twice = next(key for key, _ in pairs if [other for other, _ in pairs].count(key) > 1)
            parsed.faults.append(Fault("", f"the key {twice!r} occurs twice in one object"))
        return found

    try:
        parsed.content = json.loads(text, object_pairs_hook=mapping)
    except (ValueError, RecursionError) as error:
        reason = (
            f"line {error.lineno}: {error.msg}"
            if isinstance(error, json.JSONDecodeError)
            else str(error)
        )
        raise FileError(file, (Fault("", f"not JSON: {reason}"),)) from error
    return parsed


def _parse_yaml(file: Path, text: str) -> ParsedFile:
    import yaml

    parsed = ParsedFile(file)
    try:
        node = yaml.compose(text, Loader=_loader_without_aliases())
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        position = f"line {mark.line + 1}: " if mark else ""
        reason = getattr(error, "problem", None) or "cannot be parsed"
        raise FileError(file, (Fault("", f"not YAML: {position}{reason}"),)) from error
    parsed.content = _value(parsed, node, "", 0) if node is not None else None
    return parsed


def _loader_without_aliases() -> type[yaml.SafeLoader]:
    """Returns a loader that refuses aliases: a few of them can stand for any amount of content."""
    import yaml
    from yaml.composer import ComposerError

    class Loader(yaml.SafeLoader):
        def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
            if self.check_event(yaml.AliasEvent):
                alias: Any = self.get_event()  # type: ignore[no-untyped-call]  # not in the stubs
                problem = f"the alias *{alias.anchor} is not allowed; write its content again"
                raise ComposerError(None, None, problem, alias.start_mark)
            return super().compose_node(parent, index)

    return Loader


def _value(parsed: ParsedFile, node: yaml.Node, path: str, depth: int) -> Any:
    """The plain value of a YAML node. Puts the lines of all paths below `path` into `parsed`."""
    parsed.lines.setdefault(path, node.start_mark.line + 1)
    if depth > DEEPEST:
        parsed.faults.append(Fault(path, f"nested deeper than {DEEPEST} levels"))
        return None
    import yaml  # loaded already

    if isinstance(node, yaml.MappingNode):
        return _mapping(parsed, node, path, depth)
    if isinstance(node, yaml.SequenceNode):
        return [
            _value(parsed, one, f"{path}[{index}]", depth + 1)
            for index, one in enumerate(node.value)
        ]
    return None if node.tag == "tag:yaml.org,2002:null" else node.value


def _mapping(parsed: ParsedFile, node: yaml.MappingNode, path: str, depth: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key_node, value_node in node.value:
        key = str(key_node.value)
        below = f"{path}.{key}" if path else key
        parsed.lines[below] = key_node.start_mark.line + 1
        if key in found:
            parsed.faults.append(Fault(below, "occurs twice"))
        found[key] = _value(parsed, value_node, below, depth + 1)
    return found
