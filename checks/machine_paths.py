"""Checks that no file names a path of one machine or the host of a package registry."""

from __future__ import annotations

import re
from typing import Final

from checks import project_files
from checks.check import ROOT, Finding, faults

_HOME: Final = r"(?<![\w.}/])/(?:home|Users)/[a-z_][\w.-]*|(?<![\w.}/])/[r]oot/"
_HOST: Final = (
    r"\bpypi\.(?:python\.)?org|\bpythonhosted\.org"
    r"|\bregistry\.(?:npmjs|yarnpkg)\.|\brepo1?\.maven\."
    r"|\bconda\.anaconda\.org|\bproxy\.golang\.org|\b(?:index|registry)[_-]url\s*[=:]\s*\S"
)
_DEPTH: Final = 3
"""A checkout directly below the root, as in a container, has too common a path to search for."""


def no_machine_path() -> Finding:
    """Fails for each home folder, each path of this checkout, and each host of a registry."""
    parts = [_HOME, _HOST]
    if len(ROOT.parts) >= _DEPTH:
        parts.append(rf"(?<![\w.}}/]){re.escape(str(ROOT.parent))}(?![\w.-])")
    pattern = re.compile("|".join(parts))
    return faults(
        [
            f"{path}:{number}: {match[0]}"
            for path, text in project_files.texts()
            for number, line in enumerate(text.splitlines(), 1)
            if (match := pattern.search(line))
        ]
    )
