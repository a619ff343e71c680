"""Finds the programs that the set-up and the local stack need."""

from __future__ import annotations

import os
import shutil
from pathlib import Path


class MissingProgramError(RuntimeError):
    """A needed program is not installed. The message names the command that installs it."""


class DownloadError(RuntimeError):
    """A package client failed, or delivered files with other checksums than the recorded ones."""


def required_program(name: str, package: str) -> str:
    """Returns the path of an installed program.

    Raises MissingProgramError, which names the Debian `package` that contains the program.
    """
    found = shutil.which(name)
    if found is None:
        raise MissingProgramError(
            f"{name} is not installed; on Debian or Ubuntu: sudo apt-get install {package}"
        )
    return found


def java() -> str:
    """Returns the path of `java`: the one in `JAVA_HOME` if that is set, else the one on PATH."""
    home = os.environ.get("JAVA_HOME")
    return (
        str(Path(home) / "bin" / "java")
        if home
        else required_program("java", "default-jre-headless")
    )
