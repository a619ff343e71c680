"""The compiler that compiles the recorded files of an extension in groups."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from infra.cache import CHECKOUT

pytestmark = pytest.mark.skipif(
    shutil.which("g++") is None, reason="without g++ nothing can be compiled"
)
OBJECTS = ("one.o", "two.o", "three.o")


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """Three files of one library. `nproc` says that there is one processor: all are one group."""
    (tmp_path / "api.h").write_text('extern "C" { int one(); int two(); int three(); }\n')
    (tmp_path / "one.cpp").write_text('#include "api.h"\nint one() { return VALUE; }\n')
    (tmp_path / "two.cpp").write_text('#include "api.h"\nint two() { return one() + 1; }\n')
    (tmp_path / "three.cpp").write_text('#include "api.h"\nint three() { return two() + 1; }\n')
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "nproc").write_text("#!/bin/sh\necho 1\n")
    (programs / "nproc").chmod(0o755)
    return tmp_path


def _cxx(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [CHECKOUT / "infra" / "grouping-cxx", *arguments],
        cwd=folder,
        env={**os.environ, "PATH": f"{folder / 'programs'}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )


def _build(folder: Path) -> subprocess.CompletedProcess[str]:
    for name in OBJECTS:
        source = name.replace(".o", ".cpp")
        _cxx(folder, "-O0", "-fPIC", "-c", source, "-o", name, "-DVALUE=40").check_returncode()
    return _cxx(folder, "-shared", *OBJECTS, "-o", "library.so")


def _three(folder: Path) -> int:
    return int(ctypes.CDLL(str(folder / "library.so")).three())


def test_the_files_of_a_group_are_compiled_as_one(sources: Path) -> None:
    _build(sources).check_returncode()

    assert _three(sources) == 42
    assert [name for name in OBJECTS if (sources / name).exists()] == ["one.o"]


def test_files_that_do_not_fit_together_are_compiled_one_by_one(sources: Path) -> None:
    for name in ("one.cpp", "two.cpp"):
        with (sources / name).open("a") as file:
            file.write("static int same_name = 0;\n")

    _build(sources).check_returncode()

    assert _three(sources) == 42
    assert all((sources / name).exists() for name in OBJECTS)


def test_a_file_with_an_error_fails_the_link_and_the_error_is_shown(sources: Path) -> None:
    (sources / "two.cpp").write_text("this is no C++\n")

    failed = _build(sources)

    assert failed.returncode != 0
    assert "two.cpp" in failed.stderr
    assert not (sources / "library.so").exists()
