"""The trace viewer: an optional web page. If it fails, one warning is logged and nothing else."""

from __future__ import annotations

import logging
import urllib.error
import urllib.request
from http import HTTPStatus
from pathlib import Path
from typing import Final

from infra.downloads import trace_viewer as download
from infra.local.ports import LOOPBACK, free_port
from infra.local.probes import accepts_connections
from infra.local.processes import Command, Process, ProcessError
from infra.programs import DownloadError, MissingProgramError

_log = logging.getLogger(__name__)

START_SECONDS: Final = 30.0
STOP_SECONDS: Final = 5.0
MOST_TRACES: Final = 5_000


class TraceViewer:
    """The viewer's process. It serves a page over HTTP and receives spans over OTLP/gRPC."""

    def __init__(
        self, log: Path, *, http_port: int | None = None, otlp_port: int | None = None
    ) -> None:
        self._http_port = http_port or free_port()
        self._otlp_port = otlp_port or free_port()
        self._log = log
        self._process: Process | None = None

    @property
    def page(self) -> str:
        """The address of the page."""
        return f"http://{LOOPBACK}:{self._http_port}/"

    @property
    def trace_url_template(self) -> str:
        """The address of one trace, with `{trace_id}` for its id."""
        return self.page + "#trace={trace_id}"

    @property
    def otlp_address(self) -> str:
        """The `host:port` of the OTLP/gRPC receiver."""
        return f"{LOOPBACK}:{self._otlp_port}"

    @property
    def log(self) -> Path:
        """The viewer's log."""
        return self._log

    def start(self) -> bool:
        """Starts the viewer. Logs a warning and returns False on failure."""
        try:
            self._process = Process("trace viewer", self._command(download.folder()))
            self._process.start()
            self._process.wait_ready(self._is_ready, START_SECONDS)
        except (MissingProgramError, DownloadError, ProcessError, OSError) as error:
            _log.warning("no trace viewer: %s", error)
            self.stop()
            return False
        return True

    def stop(self) -> None:
        """Stops the viewer if it runs."""
        if self._process is not None:
            self._process.stop(STOP_SECONDS)

    def _command(self, folder: Path) -> Command:
        ports = ("--port", str(self._http_port), "--grpc-port", str(self._otlp_port))
        return Command(
            argv=[
                *(
                    str(folder / download.NODE),
                    str(folder / download.PROGRAM),
                    "--host",
                    LOOPBACK,
                    *ports,
                ),
                *("--title", "Safeconduct", "--max-traces", str(MOST_TRACES)),
            ],
            log=self._log,
            cwd=folder,
        )

    def _is_ready(self) -> bool:
        # If a port is taken, the viewer silently uses another one. So both ports are checked.
        if not accepts_connections(self.otlp_address):
            return False
        try:
            with urllib.request.urlopen(self.page + "healthz", timeout=1.0) as answer:  # noqa: S310 - our own http address
                return bool(answer.status == HTTPStatus.OK)
        except (urllib.error.URLError, OSError):
            return False
