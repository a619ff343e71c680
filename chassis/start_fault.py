"""A fault that only an operator can mend: the setting, the cause, and an exit code of its own.

A service waits for a database or a broker that is away. It does not wait for one that answers and
refuses it: then waiting would not help, and the process ends.
"""

from __future__ import annotations

from enum import IntEnum

import structlog

_LOG = structlog.get_logger("service")


class ExitCode(IntEnum):
    """Exit codes of a service. 1 is any other failure."""

    INVALID_SETTINGS = 2
    DATABASE_REFUSES = 3
    BROKER_REFUSES = 4
    PORT_UNUSABLE = 5


class StartFault(Exception):  # noqa: N818 - a fault of the surroundings, not an error of ours
    """A service cannot start with the value of `setting` (the whole name of the variable).

    `cause` never holds the value of a setting that may be secret, and no text of an exception.
    """

    def __init__(self, setting: str, cause: str, exit_code: ExitCode) -> None:
        super().__init__(f"{setting}: {cause}")
        self.setting, self.cause, self.exit_code = setting, cause, exit_code

    def report(self) -> int:
        """Logs the fault as one line without frames; returns the exit code."""
        _LOG.critical(
            "the service cannot start",
            setting=self.setting,
            cause=self.cause,
            exit_code=int(self.exit_code),
        )
        return int(self.exit_code)
