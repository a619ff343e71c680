"""Commands of other packages: listed without being imported, and harmless if they cannot be."""

from __future__ import annotations

import asyncio
import sys
from importlib.metadata import EntryPoint

import click
import pytest
from click.testing import CliRunner
from safeconduct.cli import plugins
from safeconduct.cli.lazy_group import LazyCommand, LazyGroup

from .conftest import safeconduct


async def test_the_operators_commands_are_part_of_the_command() -> None:
    ran = await safeconduct({}, "--help")

    lines = [line.strip().partition("  ") for line in ran.out.splitlines()]
    listed = {name: help_.strip() for name, _, help_ in lines}
    assert ran.code == 0
    assert {"audit", "dlq", "load", "outbox"} <= listed.keys()
    assert listed["dlq"] == "List, show and redrive dead letters."


@pytest.mark.parametrize("arguments", [["verify", "--json"], ["--help"], []])
def test_a_command_that_cannot_be_loaded_prints_why_when_it_is_called(
    monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    found = EntryPoint("audit", "no_such_package.command:app", plugins.GROUP)
    monkeypatch.setattr(plugins, "installed", lambda: {"audit": found})
    table = {"other": LazyCommand("safeconduct.cli.profiles", "Another command.")}
    root = LazyGroup(table=table, name="safeconduct")

    ran = CliRunner().invoke(root, ["audit", *arguments])
    other = CliRunner().invoke(root, ["other", "--help"])
    listed = CliRunner().invoke(root, ["--help"])

    assert other.exit_code == 0
    assert (ran.exit_code, "no_such_package" in ran.output) == (1, True)
    assert "Not usable: a package that it needs is not installed." in listed.output


async def test_the_operators_libraries_are_loaded_by_no_other_command() -> None:
    code = (
        "import sys; from safeconduct.cli import main; main(['--help']); "
        "names = ('asyncpg', 'aiokafka', 'operations.audit.command'); "
        "sys.exit(' '.join(name for name in names if name in sys.modules))"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    _, err = await process.communicate()

    assert err.decode().strip() == ""


def test_every_operators_command_is_a_click_command() -> None:
    loaded = {name: plugins.load(name) for name in plugins.names()}

    assert {"audit", "dlq", "load", "outbox"} <= loaded.keys()
    assert all(isinstance(command, click.Command) for command in loaded.values())
