"""The rooms and the file names of the services."""

from __future__ import annotations

from pathlib import Path

import pytest

from checks.layout import CORE, SHELL, misplaced, service_gaps


@pytest.mark.parametrize(
    "path",
    [
        "chassis/service.py",
        "chassis/__init__.py",
        "chassis/store/journal.py",
        "services/screening/core/names/burmese.py",
        "services/applications/core/licensing.py",
    ],
)
def test_a_module_in_its_room_is_accepted(path: str) -> None:
    assert list(misplaced([Path(path)])) == []


def test_a_new_module_beside_the_rooms_is_told_where_it_belongs() -> None:
    (sentence,) = misplaced([Path("chassis/cache.py")])

    assert sentence.endswith("put the module into one of rpc, store, streams, telemetry, transport")


def test_a_new_room_is_found() -> None:
    (sentence,) = misplaced([Path("services/screening/core/phonetics/burmese.py")])

    assert "phonetics/ is no room" in sentence


def _service_files(grpc_service: str) -> frozenset[Path]:
    core = {Path(f"services/applications/core/{name}.py") for name in CORE}
    shell = {Path(f"services/applications/shell/{name}.py") for name in SHELL}
    return frozenset(core | shell | {Path(f"services/applications/shell/{grpc_service}.py")})


def test_a_service_with_all_file_names_is_accepted() -> None:
    paths = _service_files("license_service")

    assert list(service_gaps(paths, {"applications": frozenset({"license"})})) == []


def test_a_missing_file_name_is_found() -> None:
    missing = Path("services/applications/core/visibility.py")
    paths = _service_files("license_service") - {missing}

    (sentence,) = service_gaps(paths, {"applications": frozenset({"license"})})

    assert sentence.startswith(f"{missing}: ")


def test_each_grpc_service_has_a_module_and_no_other_module_is_named_like_one() -> None:
    sentences = list(
        service_gaps(_service_files("permit_service"), {"applications": frozenset({"license"})})
    )

    assert [sentence.partition(":")[0] for sentence in sentences] == [
        "services/applications/shell/license_service.py",
        "services/applications/shell/permit_service.py",
    ]
