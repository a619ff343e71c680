"""Checks the locks without a network: complete, hashed, without addresses, equal to each other."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from checks import project_files
from checks.check import ROOT, Finding, faults

LOCK: Final = Path("requirements.lock")
PROJECTS: Final = (Path("pyproject.toml"), Path("sdk/pyproject.toml"))
RUN_LOCK: Final = Path("requirements-run.lock")
_DEVELOPMENT: Final = frozenset({"dev"})

_PINNED: Final = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>\S+)")
_VIA: Final = re.compile(
    r"^    # (?:via|  ) *(?P<project>[a-z-]+) \((?P<file>[\w/.-]*pyproject\.toml)\)"
)
_HASH: Final = re.compile(r"^    --hash=sha256:[0-9a-f]{64}")
_LOCK_NAME: Final = re.compile(r"\.lock$|^package-lock\.json$|^jars\.sha256$")
_ADDRESS: Final = re.compile(
    r'"resolved"|^\s*(?:--(?:extra-)?index-url|--find-links|-[if] )| @ |\bgit\+'
)


def is_current() -> Finding:
    """Fails for each requirement without a fitting version or hash, and each unneeded one."""
    text = (ROOT / LOCK).read_text(encoding="utf-8")
    declared = {path: dict(_declared(path)) for path in PROJECTS}
    found = [*_missing(declared, _pinned(text)), *_left_over(declared, text), *_unhashed(text)]
    return faults([*found, "run `make lock`"] if found else [])


def run_lock_fits() -> Finding:
    """Fails for each run-time package that RUN_LOCK lacks or pins differently from LOCK."""
    whole, run = (_pins((ROOT / path).read_text(encoding="utf-8")) for path in (LOCK, RUN_LOCK))
    needed = {name for path in PROJECTS for name, _ in _declared(path, without=_DEVELOPMENT)}
    found = [
        f"{RUN_LOCK}: {name} differs from {LOCK}" for name in run if run[name] != whole.get(name)
    ]
    found += [f"{RUN_LOCK}: {name} is missing" for name in sorted(needed - run.keys())]
    return faults([*found, "run `make lock`"] if found else [])


def no_addresses() -> Finding:
    """Fails for each download address in a lock: the machine that installs chooses the index."""
    return faults(
        [
            f"{path}:{number}: {line.strip()[:100]}"
            for path, text in project_files.texts()
            if _LOCK_NAME.search(path.name)
            for number, line in enumerate(text.splitlines(), 1)
            if _ADDRESS.search(line)
        ]
    )


def _declared(
    path: Path, without: frozenset[str] = frozenset()
) -> Iterator[tuple[str, list[Requirement]]]:
    """Yields the requirements of a project by name, except those of the sets `without`."""
    project = tomllib.loads((ROOT / path).read_text(encoding="utf-8"))["project"]
    found: dict[str, list[Requirement]] = {}
    sets = project.get("optional-dependencies", {})
    chosen = [sets[name] for name in sets.keys() - without]
    for group in (project["dependencies"], *chosen):
        for text in group:
            requirement = Requirement(text)
            found.setdefault(canonicalize_name(requirement.name), []).append(requirement)
    yield from found.items()


def _pins(text: str) -> Mapping[str, str]:
    """Returns the lines of each package: its version, markers and hashes, without comments."""
    lines = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    blocks = re.split(r"\n(?=\S)", lines)
    return {
        canonicalize_name(match["name"]): block.strip()
        for block in blocks
        if (match := _PINNED.match(block))
    }


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
            yield f"{LOCK}: {name} is locked for {match['file']}, which does not require it"


def _unhashed(text: str) -> Iterator[str]:
    for line, following in pairwise([*text.splitlines(), ""]):
        if _PINNED.match(line) and not _HASH.match(following):
            yield f"{LOCK}: {line.split()[0]} has no hash"
