"""The help of every operators' command has examples and exit codes, and fits 80 columns."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from operations.audit.command import app as audit
from operations.dlq.command import app as dlq
from operations.load.command import app as load
from operations.outbox.command import app as outbox

COMMANDS: dict[str, click.Command] = {
    **{f"audit {name}": command for name, command in audit.commands.items()},
    **{f"dlq {name}": command for name, command in dlq.commands.items()},
    **{f"outbox {name}": command for name, command in outbox.commands.items()},
    "load": load,
}


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_a_command_names_examples_and_exit_codes(name: str) -> None:
    settings = {"help_option_names": ["-h", "--help"], "max_content_width": 100}

    ran = CliRunner().invoke(COMMANDS[name], ["-h"], **settings, terminal_width=80)

    assert ran.exit_code == 0
    assert f"  safeconduct {name}" in ran.output
    assert "Exit codes: 0 " in ran.output
    assert max(map(len, ran.output.splitlines())) <= 80
