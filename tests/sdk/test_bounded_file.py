"""Files that somebody named are regular and bounded."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from safeconduct.bounded_file import read_bounded


def test_a_file_as_large_as_the_bound_is_read_and_a_larger_one_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"12345678")

    assert read_bounded(file, 8) == b"12345678"
    with pytest.raises(OSError, match="larger than 7 bytes"):
        read_bounded(file, 7)


def test_a_link_to_a_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"content")
    (tmp_path / "link").symlink_to("file")

    assert read_bounded(tmp_path / "link", 100) == b"content"


def test_devices_pipes_and_folders_are_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("/dev/zero")

    for file in ("/dev/zero", "/dev/null", tmp_path / "pipe", tmp_path / "link", tmp_path):
        with pytest.raises(OSError, match="not a regular file"):
            read_bounded(file, 100)


def test_a_missing_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_bounded(tmp_path / "none", 100)
