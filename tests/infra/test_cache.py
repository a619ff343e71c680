"""Folders that are made once per checkout."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra import cache
from infra.cache import cached, is_cached


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A source file; the cache is a folder of the test."""
    monkeypatch.setattr(cache, "CACHE", tmp_path / "cache")
    file = tmp_path / "source"
    file.write_text("1")
    return file


def _make(folder: Path) -> None:
    (folder / "made").touch()


def test_a_folder_is_made_once(source: Path) -> None:
    calls: list[Path] = []
    for _ in range(2):
        cached("thing", [source], calls.append)

    assert len(calls) == 1


def test_a_folder_is_cached_while_its_source_is_the_same(source: Path) -> None:
    before = is_cached("thing", [source])
    cached("thing", [source], _make)
    made = is_cached("thing", [source])
    source.write_text("2")

    assert (before, made, is_cached("thing", [source])) == (False, True, False)


def test_a_changed_source_makes_the_folder_again(source: Path) -> None:
    first = cached("thing", [source], _make)
    source.write_text("2")
    second = cached("thing", [source], lambda _: None)

    assert (first == second, (second / "made").exists()) == (True, False)


def test_a_failure_leaves_no_folder(source: Path) -> None:
    def fails(folder: Path) -> None:
        _make(folder)
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        cached("thing", [source], fails)

    assert not (cache.CACHE / "thing").exists()
