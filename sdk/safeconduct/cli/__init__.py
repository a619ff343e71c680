"""The `safeconduct` command. Needs the extra `cli`; prints how to install it when it is missing."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code; `safeconduct.cli.failures` lists the codes.

    `arguments` are the words after the program's name, by default those of this process.
    """
    # gRPC reads this when it is loaded. Its own log lines would repeat errors that we print.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
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
