"""Checks that every exception from a rule has a reason: `noqa`, `type: ignore`, pyproject.toml.

The reason is on the same line. It also covers the same exception until the next empty line.
"""

from __future__ import annotations

import re
import tokenize
from bisect import bisect
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from checks import project_files
from checks.check import ROOT, Finding, faults

_NOQA: Final = re.compile(
    r"#\s*(?:ruff:\s*)?noqa(?P<codes>:\s*[A-Z]+[0-9]+(?:\s*,\s*[A-Z]+[0-9]+)*)?(?P<rest>[^#]*)"
)
_TYPE: Final = re.compile(
    r"#\s*type:\s*ignore(?P<codes>\[[a-z-]+(?:\s*,\s*[a-z-]+)*\])?(?P<rest>.*)"
)
_REASON: Final = re.compile(r'[\s#"`-]*\w')
_GENERATED: Final = re.compile(r"_pb2(_grpc)?\.pyi?$")
_LISTS: Final = re.compile(r'^(?:"?[\w*/.{},!-]+"?|ignore|filterwarnings) = \[$')
_IGNORED: Final = re.compile(r'^\s+"(?:[A-Z]+[0-9]*|ignore:.*)",(?P<rest>.*)$')
_OVERRIDE: Final = re.compile(
    r"^(?:ignore_errors|ignore_missing_imports|disable_error_code)\b[^#]*(?P<rest>.*)$"
)


def every_ignore_has_a_reason() -> Finding:
    """Fails for each exception that does not name its code and its reason."""
    found: list[str] = []
    for path in project_files.files():
        if path.suffix == ".py" and not _GENERATED.search(path.name):
            found += _in_code(path)
        elif path.name == "pyproject.toml":
            found += _in_settings(path)
    return faults(found)


def _in_code(path: Path) -> Iterator[str]:
    with (ROOT / path).open("rb") as file:
        comments = [
            token for token in tokenize.tokenize(file.readline) if token.type == tokenize.COMMENT
        ]
    empty = _empty_lines(path)
    explained: set[tuple[int, str]] = set()
    for comment in comments:
        line = comment.start[0]
        paragraph = bisect(empty, line)
        for pattern in (_NOQA, _TYPE):
            match = pattern.search(comment.string)
            if match is None:
                continue
            codes = (match["codes"] or "").strip(" :[]")
            if not codes:
                yield f"{path}:{line}: {comment.string} does not name a code"
            elif _REASON.match(match["rest"]):
                explained.add((paragraph, codes))
            elif (paragraph, codes) not in explained:
                yield f"{path}:{line}: {comment.string} has no reason"


def _empty_lines(path: Path) -> list[int]:
    lines = (ROOT / path).read_text(encoding="utf-8").splitlines()
    return [number for number, line in enumerate(lines, 1) if not line.strip()]


def _in_settings(path: Path) -> Iterator[str]:
    is_list = False
    for number, line in enumerate((ROOT / path).read_text(encoding="utf-8").splitlines(), 1):
        if _LISTS.match(line):
            is_list = True
        elif line.startswith("]"):
            is_list = False
        match = _OVERRIDE.match(line) or (_IGNORED.match(line) if is_list else None)
        if match and not _REASON.match(match["rest"]):
            yield f"{path}:{number}: {line.strip()} has no reason"
