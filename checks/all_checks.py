"""The table of checks, in the order in which they are shown."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Final

from checks import (
    ignore_reasons,
    layout,
    lock,
    machine_paths,
    mirrored_tests,
    plain_names,
    proto_compatibility,
)
from checks.check import Check, Finding, command


def _program(*argv: str) -> Callable[[], Finding]:
    return lambda: command(*argv)


CHECKS: Final = (
    Check("generated code", _program(sys.executable, "protos/generate.py", "--check")),
    Check("lint", _program("ruff", "check", "--quiet", ".")),
    Check("format", _program("ruff", "format", "--check", "--quiet", ".")),
    Check("types", _program("mypy")),
    Check("imports", _program("lint-imports", "--no-logo", "pyproject.toml")),
    Check("layout", layout.modules_are_in_their_rooms),
    Check("test layout", mirrored_tests.tests_mirror_the_code),
    Check("plain names", plain_names.no_banned_word),
    Check("proto lint", _program("buf", "lint")),
    Check("proto format", _program("buf", "format", "--diff", "--exit-code", "protos")),
    Check("proto compatibility", proto_compatibility.breaking),
    Check("lifecycle pages", _program(sys.executable, "-m", "docs.generate", "--check")),
    Check("lock is current", lock.is_current),
    Check("run lock", lock.run_lock_fits),
    Check("lock addresses", lock.no_addresses),
    Check("ignore reasons", ignore_reasons.every_ignore_has_a_reason),
    Check("machine paths", machine_paths.no_machine_path),
)
