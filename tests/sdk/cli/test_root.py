"""What all commands share: help, examples, and where options may stand."""

from __future__ import annotations

import pytest

from infra.local.certificate_authority import Identity
from tests.sdk.cli.running import Command

COMMANDS = """
    applications submit, applications get, applications list, applications watch,
    applications withdraw, applications code, applications accept, applications keygen,
    cases list, cases get, cases owners, cases recommend, cases countersign,
    cases reject-recommendation, hits list, hits get, hits adjudicate, hits confirm-clearing,
    hits reject-clearing, hits withdraw-verdict, licenses get, licenses list, licenses verify,
    licenses keys,
    licenses propose-reinstatement, licenses confirm-reinstatement, licenses reject-reinstatement,
    violations report, violations list,
    violations get, violations propose-finding, violations confirm-finding,
    violations reject-finding, violations propose-measure, violations confirm-measure,
    violations reject-measure, gates check, gates watch, screening screen, screening bulk,
    lists import, lists activate, lists status, trace, profiles
"""


WITHOUT_JSON = {"completion", "applications template", "applications schema"}
"""Commands that print a file."""


@pytest.mark.parametrize("option", ["--help", "-h"])
@pytest.mark.parametrize("words", [" ".join(words.split()) for words in COMMANDS.split(",")])
def test_every_command_has_help_with_an_example_and_json(
    words: str, option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    from safeconduct.cli import main

    code = main([*words.split(), option])

    shown = " ".join(capsys.readouterr().out.split())
    assert code == 0
    assert "Example" in shown
    assert f"safeconduct {words}" in shown.partition("Example")[2]
    assert "--json" in shown


def test_the_list_of_commands_above_is_complete() -> None:
    import click
    from safeconduct.cli import root as command_root

    context = click.Context(command_root.root)
    found = set()
    for name in command_root.COMMANDS:
        command = command_root.root.get_command(context, name)
        below = command.commands if isinstance(command, click.Group) else {"": command}
        found |= {f"{name} {word}".strip() for word in below}

    listed = {" ".join(words.split()) for words in COMMANDS.split(",")}
    assert found - WITHOUT_JSON == listed


async def test_identity_options_may_stand_anywhere(
    command: Command, partner_files: Identity
) -> None:
    blank = {"SAFECONDUCT_CERT": "", "SAFECONDUCT_KEY": ""}
    ran = await command(
        "applications",
        "list",
        f"--cert={partner_files.cert}",
        "--limit",
        "2",
        "--key",
        str(partner_files.key),
        "--json",
        **blank,
    )

    assert ran.code == 0, ran.err
    assert len(ran.json["applications"]) == 2
