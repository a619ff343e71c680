"""Reads the README: its console blocks as commands with what they are said to print."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from infra.cache import CHECKOUT

TEXT = (CHECKOUT / "README.md").read_text(encoding="utf-8")
_BLOCK = re.compile(r"^```(?P<kind>\w+)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Shown:
    """A command, and what is said to come out of it: lines in order, of each line words in order."""

    command: str
    lines: tuple[str, ...]

    def missing(self, output: str) -> str | None:
        """The first line that did not come out where it was said to, if any."""
        printed = iter(output.splitlines())
        for line in self.lines:
            words = re.compile(
                ".*?".join(re.escape(word) for word in line.replace("…", " ").split())
            )
            if not any(words.search(each) for each in printed):
                return line
        return None


def blocks(kind: str, text: str = TEXT) -> list[str]:
    """Bodies of the fenced blocks of this kind."""
    return [match["body"] for match in _BLOCK.finditer(text) if match["kind"] == kind]


def shown(text: str = TEXT) -> list[Shown]:
    """Every command of every console block, in order."""
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
