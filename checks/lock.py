"""Whether the locks fit what is declared and name no place: compared as text, without a network."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from checks import tracked
from checks.check import ROOT, Found, faults

LOCK: Final = Path("requirements.lock")
PROJECTS: Final = (Path("pyproject.toml"), Path("sdk/pyproject.toml"))
LOCKS: Final = frozenset({"requirements.lock", "package-lock.json", "jars.sha256"})

_PINNED: Final = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>\S+)")
_VIA: Final = re.compile(
    r"^    # (?:via|  ) *(?P<project>[a-z-]+) \((?P<file>[\w/.-]*pyproject\.toml)\)"
)
_HASH: Final = re.compile(r"^    --hash=sha256:[0-9a-f]{64}")
_ADDRESS: Final = re.compile(
    r'"resolved"|^\s*(?:--(?:extra-)?index-url|--find-links|-[if] )| @ |\bgit\+'
)


def in_step() -> Found:
    """Every requirement is locked at a version it accepts, and nothing is locked for a project that asks no more."""
    text = (ROOT / LOCK).read_text(encoding="utf-8")
    declared = {path: dict(_declared(path)) for path in PROJECTS}
    found = [*_missing(declared, _pinned(text)), *_left_over(declared, text), *_unhashed(text)]
    return faults([*found, "run `make lock`"] if found else [])


def no_addresses() -> Found:
    """No lock says where a package is to be downloaded: that is for whoever installs."""
    return faults(
        [
            f"{path}:{number}: {line.strip()[:100]}"
            for path, text in tracked.texts()
            if path.name in LOCKS
            for number, line in enumerate(text.splitlines(), 1)
            if _ADDRESS.search(line)
        ]
    )


def _declared(path: Path) -> Iterator[tuple[str, list[Requirement]]]:
    project = tomllib.loads((ROOT / path).read_text(encoding="utf-8"))["project"]
    found: dict[str, list[Requirement]] = {}
    for group in (project["dependencies"], *project.get("optional-dependencies", {}).values()):
        for text in group:
            requirement = Requirement(text)
            found.setdefault(canonicalize_name(requirement.name), []).append(requirement)
    yield from found.items()


def _pinned(text: str) -> Mapping[str, str]:
    matches = (_PINNED.match(line) for line in text.splitlines())
    return {canonicalize_name(match["name"]): match["version"] for match in matches if match}


def _missing(
    declared: Mapping[Path, Mapping[str, list[Requirement]]], pinned: Mapping[str, str]
) -> Iterator[str]:
    for path, requirements in declared.items():
        for name, wanted in requirements.items():
            for requirement in wanted:
                if name not in pinned:
                    yield f"{path}: {requirement} is not in {LOCK}"
                elif not requirement.specifier.contains(pinned[name], prereleases=True):
                    yield f"{path}: {requirement} is not met by {name}=={pinned[name]} of {LOCK}"


def _left_over(
    declared: Mapping[Path, Mapping[str, list[Requirement]]], text: str
) -> Iterator[str]:
    name = ""
    for line in text.splitlines():
        if match := _PINNED.match(line):
            name = canonicalize_name(match["name"])
        elif (match := _VIA.match(line)) and name not in declared.get(Path(match["file"]), {}):
            yield f"{LOCK}: {name} is locked for {match['file']}, which does not ask for it"


def _unhashed(text: str) -> Iterator[str]:
    for line, following in pairwise([*text.splitlines(), ""]):
        if _PINNED.match(line) and not _HASH.match(following):
            yield f"{LOCK}: {line.split()[0]} has no hash"
