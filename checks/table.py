"""The table of checks, in the order in which they are shown."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Final

from checks import lock, places, protos, reasons
from checks.check import Check, Found, command


def _program(*argv: str) -> Callable[[], Found]:
    return lambda: command(*argv)


CHECKS: Final = (
    # Fetches the validation rules that buf needs as well, therefore first.
    Check(
        "generated code", _program(sys.executable, "protos/generate.py", "--check"), is_first=True
    ),
    Check("lint", _program("ruff", "check", "--quiet", ".")),
    Check("format", _program("ruff", "format", "--check", "--quiet", ".")),
    Check("types", _program("mypy")),
    Check("rooms", _program("lint-imports", "--no-logo", "pyproject.toml")),
    Check("proto lint", _program("buf", "lint")),
    Check("proto format", _program("buf", "format", "--diff", "--exit-code", "protos")),
    Check("proto breaking", protos.breaking),
    Check("diagrams", _program(sys.executable, "-m", "docs.generate", "--check")),
    Check("lock in step", lock.in_step),
    Check("lock addresses", lock.no_addresses),
    Check("reasons", reasons.every_ignore_has_one),
    Check("places", places.none_of_one_machine),
)
