"""Whether no file names a place that exists on one machine only, or a registry's host: a clone works anywhere."""

from __future__ import annotations

import re
from typing import Final

from checks import tracked
from checks.check import ROOT, Found, faults

_HOME: Final = r"(?<![\w.}/])/(?:home|Users)/[a-z_][\w.-]*|(?<![\w.}/])/[r]oot/"
_HOST: Final = (
    r"\bpypi\.(?:python\.)?org|\bpythonhosted\.org|\bregistry\.(?:npmjs|yarnpkg)\.|\brepo1?\.maven\."
    r"|\bconda\.anaconda\.org|\bproxy\.golang\.org|\b(?:index|registry)[_-]url\s*[=:]\s*\S"
)
_DEPTH: Final = 3
"""A checkout that lies directly below the root, as in a container, has a name too common to look for."""


def none_of_one_machine() -> Found:
    """No file names a home folder, this checkout's own folder, or the host of a package registry."""
    parts = [_HOME, _HOST]
    if len(ROOT.parts) >= _DEPTH:
        parts.append(rf"(?<![\w.}}/]){re.escape(str(ROOT.parent))}(?![\w.-])")
    wanted = re.compile("|".join(parts))
    return faults(
        [
            f"{path}:{number}: {match[0]}"
            for path, text in tracked.texts()
            for number, line in enumerate(text.splitlines(), 1)
            if (match := wanted.search(line))
        ]
    )
