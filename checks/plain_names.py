"""Checks that no module, class, function, table, metric, setting or command has a banned word.

Each of these words was once the name of a thing here, as a metaphor, and readers did not find that
thing. Local variables are not checked.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from checks import project_files
from checks.check import Finding, faults

BANNED: Final[Mapping[str, str]] = {
    "agency": "fake services",
    "apart": "the place where it runs, such as a worker",
    "bearers": "name frequency",
    "board": "cache",
    "book": "bulk",
    "bury": "dead-letter",
    "cargo": "batch",
    "cast": "clients",
    "clerk": "worker",
    "crew": "pool or fixtures",
    "desk": "screener or dependencies",
    "doubt": "unreadable or unknown",
    "episode": "trace",
    "foundry": "index server",
    "hear": "consume or receive",
    "heard": "consumed or received",
    "hearing": "event handlers",
    "kin": "reverse lookup",
    "kindred": "reverse lookup",
    "moment": "time or timestamp",
    "news": "change or event",
    "office": "dependencies",
    "plumbing": "common",
    "said": "text or message",
    "say": "report or send",
    "says": "returns or text",
    "shelf": "reference data or index",
    "story": "scenario or timeline",
    "tell": "publish, report or send",
    "teller": "recorder",
    "told": "published or reported",
    "tricks": "obfuscation",
    "wish": "options",
}
"""Words with a proposal for another one."""

KNOWN: Final[tuple[str, ...]] = ()
"""Prefixes of files whose names are being changed now. It is empty otherwise."""
_OWN_EXAMPLES: Final = "tests/checks/test_plain_names.py"

_GENERATED: Final = re.compile(r"_pb2(_grpc)?\.py$")
_WORD: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_TABLE: Final = re.compile(
    r"\b(?:create\s+table(?:\s+if\s+not\s+exists)?|alter\s+table\s+\w+\s+rename\s+to)\s+(\w+)",
    re.IGNORECASE,
)
_METRIC: Final = re.compile(r'"(safeconduct_[a-z_]+)"')


class _Name(NamedTuple):
    line: int
    kind: str
    name: str


def no_banned_word() -> Finding:
    """Fails for each name that contains a banned word."""
    return faults(
        [
            f"{path}:{line}: the {kind} {name} contains {word!r}; name it plainly, for example"
            f" after {BANNED[word]!r}"
            for path, text in project_files.texts()
            if not str(path).startswith((*KNOWN, _OWN_EXAMPLES))
            for line, kind, name in names_in(path, text)
            for word in dict.fromkeys(part.lower() for part in _WORD.findall(name))
            if word in BANNED
        ]
    )


def names_in(path: Path, text: str) -> Iterator[_Name]:
    """Yields the names that a file defines, each with its line and its kind."""
    if path.suffix == ".sql":
        yield from _tables(text)
    elif path.suffix == ".py" and not _GENERATED.search(path.name):
        yield _Name(1, "module", path.stem)
        yield from _tables(text)
        for match in _METRIC.finditer(text):
            yield _Name(_line_of(text, match.start()), "metric", match[1])
        for node in ast.walk(ast.parse(text)):
            yield from _definitions(node)


def _definitions(node: ast.AST) -> Iterator[_Name]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        # The name of a test is a sentence, in which any word may stand.
        if not node.name.startswith("test_"):
            yield _Name(node.lineno, "function", node.name)
        for decorator in node.decorator_list:
            yield from _commands(decorator)
    elif isinstance(node, ast.ClassDef):
        yield _Name(node.lineno, "class", node.name)
        if node.name.endswith("Settings"):
            for field in node.body:
                if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
                    yield _Name(field.lineno, "setting", field.target.id)


def _commands(decorator: ast.expr) -> Iterator[_Name]:
    """Yields the name in `@app.command("name")` and the like."""
    if isinstance(decorator, ast.Call) and isinstance(decorator.func, ast.Attribute):
        if decorator.func.attr not in ("command", "group"):
            return
        for argument in decorator.args[:1]:
            if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                yield _Name(decorator.lineno, "command", argument.value)


def _tables(text: str) -> Iterator[_Name]:
    for match in _TABLE.finditer(text):
        yield _Name(_line_of(text, match.start()), "table", match[1])


def _line_of(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1
