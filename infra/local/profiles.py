"""Files with which people use a running stack: profiles of `safeconduct`, and shell variables."""

from __future__ import annotations

import configparser
import os
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from infra.local.stack import Stack

PRINCIPALS: Final[Mapping[str, str]] = {
    "partner": "partner/example-1",
    "partner-2": "partner/example-2",
    "gate": "gate/example-1/gate-1",
    "officer": "officer/licensing-1",
    "officer-2": "officer/licensing-2",
    "officer-3": "officer/licensing-3",
    "lists": "officer/lists-1",
    "enforcement": "officer/enforcement-1",
    "enforcement-2": "officer/enforcement-2",
}
"""The principal of each profile. The profile `default` and the file `env` are the partner's."""
OPERATOR: Final = "officer/licensing-1"
"""The identity of an operator's gRPC calls. The audit itself reads the databases."""


def write_profiles(stack: Stack) -> Path:
    """Writes `config.ini` below the stack's root and returns it: for `SAFECONDUCT_CONFIG`.

    It has one section for each name in PRINCIPALS. Paths are relative to the file.
    """
    shared = stack.client_env(PRINCIPALS["partner"])
    config = configparser.ConfigParser(interpolation=None)
    config["DEFAULT"] = {
        **{name: shared[f"SAFECONDUCT_{name.upper()}"] for name in stack.service_names},
        "ca": _relative(shared["SAFECONDUCT_CA"], stack.root),
        "traces": shared["SAFECONDUCT_TRACES"],
    }
    for name, principal in {"default": PRINCIPALS["partner"], **PRINCIPALS}.items():
        identity = stack.identity(principal)
        config[name] = {
            "cert": _relative(identity.cert, stack.root),
            "key": _relative(identity.key, stack.root),
        }
    file = stack.root / "config.ini"
    with file.open("w", encoding="utf-8") as out:
        config.write(out)
    return file


def write_environments(stack: Stack) -> None:
    """Writes shell files with `export` lines below the stack's root.

    `env.<name>` is for each name in PRINCIPALS, `env` for the partner, `env.operator` for the
    audit commands, and `env.service-<name>-<replica>` for a service that is started by hand.
    """
    for name, principal in PRINCIPALS.items():
        _write_environment(stack.root / f"env.{name}", stack.client_env(principal))
    _write_environment(stack.root / "env", stack.client_env(PRINCIPALS["partner"]))
    _write_environment(stack.root / "env.operator", stack.operator_env(OPERATOR))
    for service in stack.services:
        env = stack.service_env(service.name, service.replica)
        _write_environment(stack.root / f"env.service-{service.name}-{service.replica}", env)


def _write_environment(file: Path, env: Mapping[str, str]) -> None:
    # Private before it has content: it contains passwords of the databases.
    file.touch(mode=0o600)
    file.chmod(0o600)
    lines = (f"export {name}={shlex.quote(value)}\n" for name, value in sorted(env.items()))
    file.write_text("".join(lines), encoding="utf-8")


def _relative(path: str | Path, folder: Path) -> str:
    return os.path.relpath(path, folder)
