"""The jars of the Kafka broker, downloaded by Maven and compared with recorded checksums."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path
from typing import Final

from infra.cache import cached
from infra.programs import DownloadError, java, required_program

_SOURCE: Final = Path(__file__).with_suffix("")
_POM: Final = _SOURCE / "pom.xml"
_CHECKSUMS: Final = _SOURCE / "jars.sha256"


def jars() -> Path:
    """Returns the folder of the broker's jars. The first call downloads them.

    Raises DownloadError if Maven fails or if a jar differs from its checksum beside the pom.
    """
    return cached("kafka/lib", (_POM, _CHECKSUMS), _download)


def download_unchecked(folder: Path) -> None:
    """Lets Maven copy the jars of the pom into `folder`, without comparing their checksums."""
    maven = required_program("mvn", "maven")
    java()
    result = subprocess.run(
        [
            *(maven, "-B", "-q", "-f", str(_POM), "dependency:copy-dependencies"),
            *("-DincludeScope=runtime", f"-DoutputDirectory={folder}"),
        ],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        raise DownloadError(
            f"Maven could not download Kafka's jars: {(result.stdout + result.stderr)[-2_000:]}"
        )


def checksums(folder: Path) -> str:
    """Returns the checksums of the jars in `folder` in the format of sha256sum, sorted by name."""
    return "".join(
        f"{hashlib.sha256(jar.read_bytes()).hexdigest()}  {jar.name}\n"
        for jar in sorted(folder.glob("*.jar"))
    )


def record_checksums(folder: Path) -> Path:
    """Downloads the jars into `folder` and records their checksums beside the pom.

    Run it after a reviewed change of the pom. Returns the file of the checksums.
    """
    download_unchecked(folder)
    _CHECKSUMS.write_text(checksums(folder), encoding="ascii")
    return _CHECKSUMS


def _download(folder: Path) -> None:
    download_unchecked(folder)
    recorded = set(_CHECKSUMS.read_text(encoding="ascii").splitlines())
    differing = recorded.symmetric_difference(checksums(folder).splitlines())
    if differing:
        raise DownloadError(
            "Kafka's jars differ from the recorded checksums:"
            f" {sorted({line.split()[1] for line in differing})}"
        )
