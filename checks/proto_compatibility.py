"""Checks that the contracts are compatible with those of the latest release."""

from __future__ import annotations

import io
import subprocess
import tarfile
import tempfile
from typing import Final

from checks.check import ROOT, Finding, Verdict, command

_PATHS: Final = ("protos", "third_party/protovalidate", "buf.yaml")


def breaking() -> Finding:
    """Runs `buf breaking` (FILE) against the latest release tag, or HEAD without a release."""
    against = _release() or "HEAD"
    archive = _git("archive", "--format=tar", against, *_PATHS)
    if archive is None:
        return Finding(Verdict.SKIPPED, "this folder has no git history with earlier protos")
    parent = ROOT / "build"
    parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=parent) as name:
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            tar.extractall(name, filter="data")
        return command("buf", "breaking", "--against", name, note=f"against {_word(against)}")


def _word(against: str) -> str:
    if against != "HEAD":
        return against
    shallow = _git("rev-parse", "--is-shallow-repository") == b"true\n"
    return (
        "HEAD: this clone is shallow and shows no release"
        if shallow
        else "HEAD: there is no release yet"
    )


def _release() -> str | None:
    tag = _git("describe", "--tags", "--abbrev=0", "--match", "v[0-9]*")
    return tag.decode().strip() if tag else None


def _git(*argv: str) -> bytes | None:
    done = subprocess.run(["git", *argv], cwd=ROOT, capture_output=True, check=False)
    return None if done.returncode else done.stdout
