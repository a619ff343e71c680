"""A trace viewer in the browser, for people. Nothing needs it: if it fails there is one warning and no viewer."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import urllib.error
import urllib.request
from http import HTTPStatus
from pathlib import Path
from typing import Final

from infra.cache import cached
from infra.local.ports import LOOPBACK, free_port
from infra.local.processes import (
    Command,
    MissingToolError,
    Process,
    ProcessError,
    listens,
    required,
)

_log = logging.getLogger(__name__)

START_SECONDS: Final = 30.0
STOP_SECONDS: Final = 5.0
MOST_TRACES: Final = 5_000
_SOURCE: Final = Path(__file__).with_suffix("")
_NODE: Final = "node_modules/node/bin/node"
_PROGRAM: Final = "node_modules/autotel-devtools/dist/cli.js"


class Viewer:
    """The viewer's process: a page over HTTP and an OTLP/gRPC port that it is fed through."""

    def __init__(
        self, log: Path, *, http_port: int | None = None, otlp_port: int | None = None
    ) -> None:
        self._http_port = http_port or free_port()
        self._otlp_port = otlp_port or free_port()
        self._log = log
        self._process: Process | None = None

    @property
    def page(self) -> str:
        """Where a browser finds it."""
        return f"http://{LOOPBACK}:{self._http_port}/"

    @property
    def trace_url_template(self) -> str:
        """The page of one trace, with `{trace_id}` for its id."""
        return self.page + "#trace={trace_id}"

    @property
    def otlp_address(self) -> str:
        """`host:port` that takes OTLP/gRPC."""
        return f"{LOOPBACK}:{self._otlp_port}"

    @property
    def log(self) -> Path:
        """The viewer's log."""
        return self._log

    def start(self) -> bool:
        """Install it at first use and start it. Whether it runs; if not, a warning has said why."""
        try:
            folder = cached(
                "viewer", (_SOURCE / "package.json", _SOURCE / "package-lock.json"), _install
            )
            self._process = Process("trace viewer", self._command(folder), keep_alive=False)
            self._process.start()
            self._process.wait_ready(self._is_ready, START_SECONDS)
        except (MissingToolError, ProcessError, OSError) as error:
            _log.warning("no trace viewer: %s", error)
            self.stop()
            return False
        return True

    def stop(self) -> None:
        """Stop it, if it runs."""
        if self._process is not None:
            self._process.stop(STOP_SECONDS)

    def _command(self, folder: Path) -> Command:
        ports = ("--port", str(self._http_port), "--grpc-port", str(self._otlp_port))
        return Command(
            argv=[
                *(str(folder / _NODE), str(folder / _PROGRAM), "--host", LOOPBACK, *ports),
                *("--title", "Safeconduct", "--max-traces", str(MOST_TRACES)),
            ],
            log=self._log,
            cwd=folder,
        )

    def _is_ready(self) -> bool:
        # It moves to another port if one is taken, and says so only in its log: both must answer where we put them.
        if not listens(self.otlp_address):
            return False
        try:
            with urllib.request.urlopen(self.page + "healthz", timeout=1.0) as answer:  # noqa: S310 - our own http address
                return bool(answer.status == HTTPStatus.OK)
        except (urllib.error.URLError, OSError):
            return False


def _install(folder: Path) -> None:
    npm = required("npm", "nodejs npm")
    for name in ("package.json", "package-lock.json"):
        shutil.copy(_SOURCE / name, folder / name)
    # The package `node` puts its binary in place by an install script; no other script is needed.
    result = subprocess.run(
        [npm, "ci", "--no-audit", "--no-fund"],
        cwd=folder,
        env={**os.environ, "npm_config_update_notifier": "false"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode or not (folder / _NODE).exists():
        msg = f"npm ci failed: {(result.stderr or result.stdout)[-1_000:]}"
        raise ProcessError(msg)
