"""The `safeconduct` command. Needs the extra `cli`; says so when it is missing."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and gives its exit code.

    0 ok, 1 broken, 2 invalid input, 3 refused, 4 wrong state, 5 not found, 6 unavailable, 7 denied by the gate,
    130 interrupted.
    """
    os.environ.setdefault(
        "GRPC_VERBOSITY", "NONE"
    )  # before gRPC is loaded: a lost connection is told in our own words
    try:
        from safeconduct.cli.root import run
    except ModuleNotFoundError as missing:
        if (missing.name or "").startswith("safeconduct"):
            raise
        print(
            f"safeconduct: {missing.name} is not installed: pip install 'safeconduct[cli]'",
            file=sys.stderr,
        )
        return 1
    return run(list(sys.argv[1:] if arguments is None else arguments))
