"""A check, and a function that runs many of them at the same time."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
VENV: Final = ROOT / ".venv" / "bin"
_SECONDS: Final = 600.0


class Verdict(StrEnum):
    """The result of a check. SKIPPED is no failure: the check cannot run here and says why."""

    OK = "ok"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Finding:
    """A verdict. `note` is a line for the table. `output` is printed if the check failed."""

    verdict: Verdict
    note: str = ""
    output: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """A named check."""

    name: str
    run: Callable[[], Finding]


@dataclass(frozen=True, slots=True)
class Result:
    """The finding of a check and its duration."""

    name: str
    finding: Finding
    seconds: float

    @property
    def is_failed(self) -> bool:
        """Whether the check failed."""
        return self.finding.verdict is Verdict.FAILED


def faults(found: Sequence[str], note: str = "") -> Finding:
    """Returns the finding of a check that lists faults: OK if the list is empty."""
    return Finding(Verdict.FAILED if found else Verdict.OK, note, "\n".join(found))


def command(*argv: str, note: str = "") -> Finding:
    """Runs a program of `.venv` in the checkout. Exit code 0 is OK."""
    env = {**os.environ, "PATH": f"{VENV}{os.pathsep}{os.environ['PATH']}", "NO_COLOR": "1"}
    try:
        done = subprocess.run(
            argv,
            cwd=ROOT,
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=_SECONDS,
        )
    except FileNotFoundError:
        return Finding(Verdict.FAILED, note, f"{argv[0]} is not installed; run `make setup`")
    except subprocess.TimeoutExpired:
        return Finding(Verdict.FAILED, note, f"{' '.join(argv)} did not end within {_SECONDS:g} s")
    return Finding(
        Verdict.FAILED if done.returncode else Verdict.OK, note, (done.stdout + done.stderr).strip()
    )


def run_all(checks: Sequence[Check], on_result: Callable[[Result], None]) -> list[Result]:
    """Runs all checks and returns their results in order. Calls `on_result` as each one ends."""

    def run(check: Check) -> Result:
        began = time.monotonic()
        try:
            finding = check.run()
        except Exception as error:  # noqa: BLE001 - the other checks must still run
            finding = Finding(
                Verdict.FAILED, "", f"the check raised {type(error).__name__}: {error}"
            )
        result = Result(check.name, finding, time.monotonic() - began)
        on_result(result)
        return result

    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        return list(pool.map(run, checks))
