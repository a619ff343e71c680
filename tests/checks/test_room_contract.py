"""The import contract of a room."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from grimp import ImportGraph

from checks.room_contract import RoomContract


def broken_imports(graph: ImportGraph, **options: object) -> Sequence[str]:
    """Returns the imports of the graph that break the contract."""
    contract = RoomContract(
        name="", session_options={}, contract_options={"modules": ["house.core"], **options}
    )
    forbidden: Sequence[str] = contract.check(graph, verbose=False).metadata["forbidden"]
    return forbidden


@pytest.fixture
def graph() -> ImportGraph:
    graph = ImportGraph()
    for name in ("house", "house.core", "house.core.rule", "house.shell"):
        graph.add_module(name)
    for name in ("datetime", "random", "numpy"):
        graph.add_module(name, is_squashed=True)
    return graph


@pytest.mark.parametrize("imported", ["house.core", "datetime"])
def test_a_room_may_import_itself_and_the_standard_library(
    graph: ImportGraph, imported: str
) -> None:
    graph.add_import(importer="house.core.rule", imported=imported)

    assert not broken_imports(graph)


@pytest.mark.parametrize("imported", ["house.shell", "numpy", "house"])
def test_a_room_may_import_nothing_else(graph: ImportGraph, imported: str) -> None:
    graph.add_import(importer="house.core.rule", imported=imported)

    assert broken_imports(graph)


def test_a_room_may_import_a_listed_module(graph: ImportGraph) -> None:
    graph.add_import(importer="house.core.rule", imported="numpy")

    assert not broken_imports(graph, may_import=["numpy"])


def test_a_forbidden_module_is_refused_even_from_the_standard_library(graph: ImportGraph) -> None:
    graph.add_import(importer="house.core.rule", imported="random")

    assert broken_imports(graph, may_not_import=["random"])


def test_a_room_with_any_library_still_may_not_import_another_broken_imports(
    graph: ImportGraph,
) -> None:
    graph.add_import(importer="house.core.rule", imported="numpy")
    graph.add_import(importer="house.core.rule", imported="house.shell")

    assert len(broken_imports(graph, any_library="True")) == 1
