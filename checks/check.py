"""What a check is and how many of them are run: side by side, every one to its end, whatever the others say."""

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
    """How a check ended. SKIPPED: it could not be made here, and says why; it is no failure."""

    OK = "ok"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Found:
    """What a check found. `note` is one line for the table; `output` is shown when it failed."""

    verdict: Verdict
    note: str = ""
    output: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """A check by its name. One with `is_first` makes what others need and runs alone before them."""

    name: str
    run: Callable[[], Found]
    is_first: bool = False


@dataclass(frozen=True, slots=True)
class Result:
    """A check that was run, and the seconds it took."""

    name: str
    found: Found
    seconds: float

    @property
    def is_failed(self) -> bool:
        """True unless the check held or was skipped."""
        return self.found.verdict is Verdict.FAILED


def faults(found: Sequence[str], note: str = "") -> Found:
    """The finding of a check that lists faults: it holds when there are none."""
    return Found(Verdict.FAILED if found else Verdict.OK, note, "\n".join(found))


def command(*argv: str, note: str = "") -> Found:
    """Runs a program of the environment in the checkout; exit code 0 is ok."""
    env = {**os.environ, "PATH": f"{VENV}{os.pathsep}{os.environ['PATH']}", "NO_COLOR": "1"}
    try:
        done = subprocess.run(
            argv, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
            timeout=_SECONDS,
        )  # fmt: skip
    except FileNotFoundError:
        return Found(Verdict.FAILED, note, f"{argv[0]} is not installed; run `make setup`")
    except subprocess.TimeoutExpired:
        return Found(Verdict.FAILED, note, f"{' '.join(argv)} did not end within {_SECONDS:g} s")
    return Found(
        Verdict.FAILED if done.returncode else Verdict.OK, note, (done.stdout + done.stderr).strip()
    )


def run_all(checks: Sequence[Check], tell: Callable[[Result], None]) -> list[Result]:
    """Runs every check and gives the results in the order of the table; `tell` hears each as it ends."""

    def run(check: Check) -> Result:
        began = time.monotonic()
        try:
            found = check.run()
        except Exception as error:  # noqa: BLE001 - a check that breaks has failed, and the others still run
            found = Found(
                Verdict.FAILED, "", f"the check itself broke: {type(error).__name__}: {error}"
            )
        result = Result(check.name, found, time.monotonic() - began)
        tell(result)
        return result

    results = {check.name: run(check) for check in checks if check.is_first}
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        results |= {
            result.name: result
            for result in pool.map(run, [each for each in checks if not each.is_first])
        }
    return [results[check.name] for check in checks]
