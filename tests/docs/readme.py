"""Parses the console blocks of a page: commands with their expected output."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from infra.cache import CHECKOUT

TEXT = (CHECKOUT / "README.md").read_text(encoding="utf-8")
_BLOCK = re.compile(r"^```(?P<kind>\w+)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Shown:
    """A command with its expected output: lines in order, and in each line words in order."""

    command: str
    lines: tuple[str, ...]

    def missing(self, output: str) -> str | None:
        """Returns the first expected line that is missing in the output, or None."""
        printed = iter(output.splitlines())
        for line in self.lines:
            words = re.compile(
                ".*?".join(re.escape(word) for word in line.replace("…", " ").split())
            )
            if not any(words.search(each) for each in printed):
                return line
        return None


def blocks(kind: str, text: str = TEXT) -> list[str]:
    """Returns the bodies of the fenced blocks of this kind."""
    return [match["body"] for match in _BLOCK.finditer(text) if match["kind"] == kind]


def shown(text: str = TEXT) -> list[Shown]:
    """Returns every command of every console block, in order."""
    return [each for body in blocks("console", text) for each in _of_block(body)]


def _of_block(body: str) -> Iterator[Shown]:
    command, lines = "", []
    for line in body.splitlines():
        if line.startswith("$ "):
            if command:
                yield Shown(command, tuple(lines))
            command, lines = line[2:], []
        else:
            lines.append(line)
    yield Shown(command, tuple(lines))
