"""The example applications of the published package, as the scenario submits them."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from safeconduct import conduct
from safeconduct.applications.v1 import model_pb2
from safeconduct.cli.application_file import read_application

from infra.cache import CHECKOUT

EXAMPLES: Final = CHECKOUT / "sdk" / "examples"


def read_examples(root: Path) -> tuple[Mapping[str, model_pb2.ApplicationDetails], Path]:
    """Returns the examples by file name, and the file of a key that their signatory uses.

    The examples name the key by a relative path. So they are copied to `root/examples`, and the
    key is created beside the copy.
    """
    folder = root / "examples"
    key = folder / "keys" / "signatory.pem"
    key.parent.mkdir(parents=True, exist_ok=True)
    for file in EXAMPLES.glob("*.yaml"):
        shutil.copyfile(file, folder / file.name)
    if not key.exists():
        conduct.save_key(conduct.generate_key(), key)
    now = datetime.now(UTC)
    return {file.stem: read_application(file, now) for file in sorted(folder.glob("*.yaml"))}, key
