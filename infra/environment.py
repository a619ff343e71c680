"""Creates and updates `.venv`: `python -m infra.environment run|all`. Standard library only.

`run` contains the libraries of the services, the `safeconduct` command and the local stack. `all`
adds the development tools. Kafka's jars are downloaded meanwhile. For `run`, a process with low
priority begins to download the trace viewer; nothing waits for it.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import platform
import shutil
import subprocess
import sys
from typing import Final

from infra.cache import CHECKOUT
from infra.downloads import kafka, trace_viewer
from infra.parallel import run_side_by_side
from infra.programs import DownloadError, MissingProgramError
from infra.progress import Progress

VENV: Final = CHECKOUT / ".venv"
LOCKS: Final = {"run": "requirements-run.lock", "all": "requirements.lock"}
_INPUTS: Final = ("pyproject.toml", "sdk/pyproject.toml", "infra/uv-requirements.lock")
_STAMP: Final = VENV / ".installed"
_PYTHON: Final = VENV / "bin" / "python"
# PyICU has no wheels and is compiled against the ICU of the system. (The wheels that others publish
# as pyicu-wheels have an older PyICU, and an ICU that the system's updates do not reach.) It only
# passes arguments to the ICU library, so without optimisation a transliteration is 5 % slower and
# the compiler needs half the time. The wrapper compiles many files as one.
_COMPILER: Final = {
    "CXX": str(CHECKOUT / "infra" / "grouping-cxx"),
    "CXXFLAGS": "-O0 -g0",
}


class SetupError(RuntimeError):
    """A step of the set-up failed. The message contains the end of its output."""


def main(wanted: str) -> int:
    """Brings `.venv` up to date for the set `wanted`; returns the exit code."""
    (CHECKOUT / ".cache").mkdir(exist_ok=True)
    with (CHECKOUT / ".cache" / ".setup.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _installed_set() in (wanted, "all") and not _is_another_python_wanted():
            return 0
        if _read_stamp().partition(" ")[0] == "all":
            wanted = "all"  # an update never removes the development tools
        if subprocess.run([CHECKOUT / "infra" / "prerequisites"], check=False).returncode:
            return 1
        try:
            _refuse_linked_environment()
            _install(wanted, Progress())
        except (SetupError, DownloadError, MissingProgramError) as error:
            print(error, file=sys.stderr)
            return 1
    return 0


def _refuse_linked_environment() -> None:
    """Raises SetupError if `.venv` is a symbolic link."""
    if VENV.is_symlink():
        raise SetupError(
            f"{VENV} is a symbolic link to {VENV.readlink()}. The set-up would change or empty the"
            f" linked environment, which others may use. Remove the link, then run make again."
        )


def _install(wanted: str, progress: Progress) -> None:
    is_usable = bool(_read_stamp() and _version()) and not _is_another_python_wanted()
    # Removed first and written last: a set-up that was interrupted is never taken for complete.
    _STAMP.unlink(missing_ok=True)

    def libraries() -> None:
        if not is_usable:
            with progress.step("Python environment"):
                _create_venv()
        with progress.step("Python libraries (PyICU is compiled)"):
            _run(_uv(), "pip", "sync", "--quiet", "--require-hashes", LOCKS[wanted])
            _run(_uv(), "pip", "install", "--quiet", "--no-deps", "-e", ".", "-e", "sdk")

    def broker() -> None:
        with progress.step("Kafka"):
            kafka.jars()

    if wanted == "run" and not trace_viewer.is_downloaded() and shutil.which("npm"):
        trace_viewer.download_in_background()
        progress.line("the trace viewer, which is optional, is downloaded meanwhile")
    run_side_by_side(libraries, broker)
    _STAMP.write_text(f"{wanted} {_digest(wanted)}", encoding="ascii")


def _create_venv() -> None:
    _run(sys.executable, "-m", "venv", "--clear", str(VENV))
    _run(str(_PYTHON), *["-m", "pip", "install", "--quiet", "--disable-pip-version-check"],
         *["--require-hashes", "-r", "infra/uv-requirements.lock"])  # fmt: skip


def _uv() -> str:
    return str(VENV / "bin" / "uv")


def _run(*argv: str) -> None:
    result = subprocess.run(
        argv,
        cwd=CHECKOUT,
        env={**os.environ, **_COMPILER, "VIRTUAL_ENV": str(VENV)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        output = (result.stdout + result.stderr)[-4_000:]
        raise SetupError(f"{' '.join(argv)} failed with exit code {result.returncode}:\n{output}")


def _installed_set() -> str:
    """Returns the set that is installed and current, or an empty string."""
    name = _read_stamp().partition(" ")[0]
    return name if name in LOCKS and _read_stamp() == f"{name} {_digest(name)}" else ""


def _read_stamp() -> str:
    return _STAMP.read_text(encoding="ascii") if _STAMP.exists() else ""


def _digest(name: str) -> str:
    """Returns a hash of all that `.venv` was made from, and of what it contains now.

    The packages count because somebody may have removed some by hand. The folder counts because
    a moved environment does not work, and the interpreter because `.venv` only links to it.
    """
    content = hashlib.sha256()
    for file in (LOCKS[name], *_INPUTS):
        content.update((CHECKOUT / file).read_bytes())
    packages = sorted(each.name for each in VENV.glob("lib/python*/site-packages/*.dist-info"))
    content.update(repr((str(VENV), _version(), packages)).encode())
    return content.hexdigest()


def _is_another_python_wanted() -> bool:
    """Returns whether `make ... PYTHON=...` names another version than that of `.venv`."""
    return "PYTHON" in os.environ and _version() != f"Python {platform.python_version()}"


def _version() -> str:
    """Returns the version of the interpreter of `.venv`, or an empty string if it does not run."""
    try:
        result = subprocess.run(
            [_PYTHON, "-V"], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
    except OSError:
        return ""
    return result.stdout.strip()


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in LOCKS:
        raise SystemExit(f"usage: python -m infra.environment {'|'.join(LOCKS)}")
    raise SystemExit(main(sys.argv[1]))
