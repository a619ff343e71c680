"""Commands of other packages: part of `safeconduct` where they are installed, no harm where they do not load."""

from __future__ import annotations

import asyncio
import sys
from importlib.metadata import EntryPoint

import pytest
import typer
from safeconduct.cli import plugins
from typer.testing import CliRunner

from .conftest import safeconduct


async def test_the_operators_commands_are_part_of_the_command() -> None:
    ran = await safeconduct({}, "--help")

    assert ran.code == 0
    assert {"audit", "dlq"} <= {line.strip("│ ").split(" ")[0] for line in ran.out.splitlines()}


@pytest.mark.parametrize("arguments", [["verify", "--json"], ["--help"], []])
def test_a_command_that_cannot_be_loaded_says_so_when_it_is_asked(
    monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    found = EntryPoint("audit", "no_such_package.command:app", plugins.GROUP)
    monkeypatch.setattr(plugins, "entry_points", lambda group: [found])
    app = typer.Typer()
    app.command("other")(lambda: None)
    plugins.add_all(app)

    ran = CliRunner().invoke(app, ["audit", *arguments])
    other = CliRunner().invoke(app, ["other"])

    assert other.exit_code == 0
    assert (ran.exit_code == 1 and "no_such_package" in ran.output) or "Not usable" in ran.output


async def test_the_operators_libraries_are_loaded_by_no_other_command() -> None:
    code = "import sys, safeconduct.cli.root; print([m for m in ('asyncpg', 'aiokafka') if m in sys.modules])"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()

    assert out.decode().strip() == "[]"
