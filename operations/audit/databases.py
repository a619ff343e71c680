"""The databases of the services, from environment variables or options."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import urlsplit

from operations.error_messages import InputError

_VARIABLE: Final = re.compile(r"SAFECONDUCT_AUDIT_([A-Z][A-Z0-9_]*)_URL")
HINT: Final = (
    "Set SAFECONDUCT_AUDIT_<SERVICE>_URL for each service, or give --database SERVICE=DSN."
)


def databases(options: Iterable[str], environ: Mapping[str, str]) -> dict[str, str]:
    """Returns the DSN by service, sorted by service. An option overrides the variable.

    The variables are SAFECONDUCT_AUDIT_<SERVICE>_URL, with a role that only reads. Raises
    InputError if there is none or one is malformed.
    """
    found = {
        match[1].lower(): value
        for name, value in environ.items()
        if (match := _VARIABLE.fullmatch(name)) and value
    }
    for option in options:
        name, equals, dsn = option.partition("=")
        if not name or not equals:
            # The text may hold a password, so the message does not repeat it.
            raise InputError("DATABASE", "--database must be SERVICE=DSN.")
        found[name] = dsn
    if not found:
        raise InputError("NOT_CONFIGURED", "No database is configured.", HINT)
    for name, dsn in found.items():
        if urlsplit(dsn).scheme not in {"postgresql", "postgres"}:
            raise InputError(
                "DATABASE",
                f"The DSN of {name} must be postgresql://user:password@host:port/database.",
            )
    return dict(sorted(found.items()))


def database_of(service: str, found: Mapping[str, str]) -> str:
    """Returns the DSN of one service. Raises InputError if it is not configured."""
    if service not in found:
        raise InputError(
            "NOT_CONFIGURED",
            f"The database of {service} is not configured.",
            HINT,
        )
    return found[service]
