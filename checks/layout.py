"""Checks that each module is in its room, and that the three services have the same file names.

ROOMS lists the folders that have sub-rooms, with the few modules beside these. A new module belongs
into a sub-room. CORE and SHELL are the file names that every service has.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from checks import project_files
from checks.check import ROOT, Finding, faults

ROOMS: Final[Mapping[str, tuple[frozenset[str], frozenset[str]]]] = {
    "chassis": (
        frozenset(
            {
                "health",
                "proto_mapping",
                "renamed_settings",
                "service",
                "setting_types",
                "settings",
                "start_fault",
                "unknown_settings",
                "yaml_files",
            }
        ),
        frozenset({"rpc", "store", "streams", "telemetry", "transport"}),
    ),
    "services/screening/core": (
        frozenset(
            {
                "commands",
                "config",
                "decide",
                "errors",
                "events",
                "evolve",
                # Ids and values that both events and states consist of.
                "identity",
                "lifecycle",
                "model",
                "records",
                "visibility",
            }
        ),
        frozenset({"cases", "lists", "matching", "names", "ownership", "reverse_lookup"}),
    ),
    "infra": (
        frozenset({"cache", "environment", "parallel", "programs", "progress"}),
        frozenset({"downloads", "local", "scenario"}),
    ),
}
"""For each folder: the modules that it has itself, and its sub-rooms."""

SERVICES: Final = ("applications", "screening", "enforcement")
CORE: Final = frozenset(
    {"model", "commands", "events", "evolve", "lifecycle", "decide", "visibility", "errors"}
)
SHELL: Final = frozenset({"codec", "dependencies", "event_handlers", "projections"})

KNOWN: Final[frozenset[str]] = frozenset()
"""Modules that are missing or superfluous while a room is rebuilt. It is empty otherwise."""

_GRPC_SERVICE: Final = re.compile(r"^service (\w+)Service \{", re.MULTILINE)
_HUMP: Final = re.compile(r"(?<!^)(?=[A-Z])")


def modules_are_in_their_rooms() -> Finding:
    """Fails for each module that is outside its room, and for each file that a service lacks."""
    paths = frozenset(path for path in project_files.files() if path.suffix == ".py")
    contracts = {name: _grpc_services(name) for name in SERVICES}
    found = [*misplaced(paths), *service_gaps(paths, contracts)]
    return faults([fault for fault in found if fault.partition(":")[0] not in KNOWN])


def misplaced(paths: Iterable[Path]) -> Iterator[str]:
    """Yields a sentence for each module or folder that ROOMS does not list."""
    for path in sorted(paths):
        for folder, (modules, rooms) in ROOMS.items():
            if not path.is_relative_to(folder):
                continue
            first, *rest = path.relative_to(folder).parts
            names = ", ".join(sorted(rooms))
            if not rest and path.stem not in modules and path.stem not in _SPECIAL:
                yield f"{path}: {folder}/ has rooms; put the module into one of {names}"
            elif rest and first not in rooms:
                yield f"{path}: {folder}/{first}/ is no room of {folder}/; its rooms are {names}"


_SPECIAL: Final = frozenset({"__init__", "__main__"})


def service_gaps(paths: frozenset[Path], contracts: Mapping[str, frozenset[str]]) -> Iterator[str]:
    """Yields a sentence for each file name that a service lacks or has beyond its contract.

    `contracts` has the gRPC services of each service, such as `license` for LicenseService.
    """
    for service, grpc_services in contracts.items():
        core, shell = Path("services", service, "core"), Path("services", service, "shell")
        modules = {f"{name}_service" for name in grpc_services}
        needed = {core / f"{name}.py" for name in CORE}
        needed |= {shell / f"{name}.py" for name in SHELL | modules}
        for path in sorted(needed - paths):
            yield f"{path}: every service has a module of this name, and this one lacks it"
        for path in sorted(paths):
            is_servicer = path.parent == shell and path.stem.endswith("_service")
            if is_servicer and path.stem not in modules:
                yield f"{path}: the contract of {service} has no gRPC service of this name"


def _grpc_services(service: str) -> frozenset[str]:
    file = ROOT / "protos" / "safeconduct" / service / "v1" / "service.proto"
    names = _GRPC_SERVICE.findall(file.read_text(encoding="utf-8"))
    return frozenset(_HUMP.sub("_", name).lower() for name in names)
