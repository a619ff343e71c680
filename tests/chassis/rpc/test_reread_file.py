from __future__ import annotations

from pathlib import Path

import pytest

from chassis.rpc.reread_file import RereadFile


def test_a_file_is_read_again_only_after_it_changed(tmp_path: Path) -> None:
    path = tmp_path / "numbers"
    path.write_text("1")
    reads: list[str] = []

    def read(path: Path) -> int:
        reads.append(path.read_text())
        return int(reads[-1])

    file = RereadFile(path, "numbers", read)
    file.refresh()
    path.write_text("22")
    changed = file.refresh()
    path.write_text("none")
    kept = file.refresh()

    assert (reads, changed, kept) == (["1", "22", "none"], 22, 22)


def test_an_invalid_first_file_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "numbers"
    path.write_text("none")

    with pytest.raises(ValueError, match="invalid literal"):
        RereadFile(path, "numbers", lambda path: int(path.read_text()))
