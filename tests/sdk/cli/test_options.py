"""The examples in the help of lists: commands that can be copied and run."""

from __future__ import annotations

import shlex

import click
import pytest
from safeconduct.cli import root as command_root

from tests.sdk.cli.running import Command

LISTS = ("applications", "cases", "licenses", "hits", "violations")


def epilog_of(group: str) -> str:
    context = click.Context(command_root.root)
    found = command_root.root.get_command(context, group)
    assert isinstance(found, click.Group)
    return found.commands["list"].epilog or ""


def examples_of(group: str) -> list[str]:
    """Returns the lines of the list's help that are commands."""
    lines = map(str.strip, epilog_of(group).splitlines())
    return [line for line in lines if line.startswith("safeconduct ")]


@pytest.mark.parametrize("group", LISTS)
def test_the_help_of_a_list_shows_examples_below_their_questions_and_unbroken(
    group: str, capsys: pytest.CaptureFixture[str]
) -> None:
    from safeconduct.cli import main

    assert main([group, "list", "--help"]) == 0

    lines = [line.strip() for line in capsys.readouterr().out.partition("Examples:")[2].split("\n")]
    shown = [line for line in lines if line]
    assert [line for line in shown if not line.startswith("#")] == examples_of(group)
    assert len(shown) == 2 * len(examples_of(group)) >= 6
    assert max(map(len, shown)) <= 90


@pytest.mark.parametrize("group", LISTS)
async def test_the_examples_of_a_list_are_commands_that_work(command: Command, group: str) -> None:
    for line in examples_of(group):
        _, *words = shlex.split(line)

        ran = await command(*words)

        assert (ran.code, ran.err) == (0, ""), line
