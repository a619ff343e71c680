"""Options and arguments that many commands share, as click decorators."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from safeconduct.cli.old_commands import CONFIRMS_UNSEEN
from safeconduct.cli.output import FORMATS, JSON, TABLE, Output

Command = TypeVar("Command", bound=Callable[..., Any])

FILE: Final = click.Path(path_type=Path)
EXISTING_FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)


def example(line: str) -> str:
    """The example at the end of a command's help."""
    return f"Example: {_whole(line)}"


def examples(*named: tuple[str, str]) -> str:
    """The examples at the end of a command's help, each one below the question that it answers.

    They keep their lines, so that they can be copied.
    """
    lines = [line for question, example in named for line in (f"# {question}", _whole(example))]
    return "\n  ".join(("\b\nExamples:", *lines))


def _whole(line: str) -> str:
    return f"safeconduct {line}"


def output_options(command: Command) -> Command:
    """Adds -o, --json and --quiet. The command receives `out`, an `Output`."""

    @click.option(
        "-o",
        "--output",
        "form",
        type=click.Choice(FORMATS),
        default=TABLE,
        show_default=True,
        help="Output format; json and jsonl use proto3 JSON field names.",
    )
    @click.option("--json", "as_json", is_flag=True, help="Short for --output json.")
    @click.option("-q", "--quiet", is_flag=True, help="Print only ids, one a line.")
    @wraps(command)
    def wrapped(*arguments: Any, form: str, as_json: bool, quiet: bool, **options: Any) -> Any:
        return command(*arguments, out=Output(JSON if as_json else form, quiet), **options)

    return wrapped  # type: ignore[return-value]  # `out` takes the place of three options


def mutation_options(command: Command) -> Command:
    """Adds --validate-only and --request-id to a command that changes something."""
    for option in (
        click.option(
            "--request-id",
            default="",
            metavar="UUID",
            help="Id of this request; repeat it to get the first answer again.",
        ),
        click.option("--validate-only", is_flag=True, help="Check everything, change nothing."),
    ):
        command = option(command)
    return command


def limit_option(command: Command) -> Command:
    """Adds --limit."""
    return click.option(
        "--limit",
        type=click.IntRange(min=1),
        default=50,
        show_default=True,
        help="Maximum number of rows.",
    )(command)


def partner_option(command: Command) -> Command:
    """Adds --partner, which officers filter lists by."""
    return click.option(
        "--partner",
        "partner_id",
        default="",
        metavar="PARTNER",
        help="Only this partner, for instance example-1.",
    )(command)


def party_options(command: Command) -> Command:
    """Adds --party, --country and --model, which lists of applications and licenses take."""
    for option in (
        click.option(
            "--model",
            "model_id",
            default="",
            metavar="MODEL",
            help="Only with this model, for instance example-frontier-1.",
        ),
        click.option(
            "--country", default="", help="Only to this country, or with a party of it: KE."
        ),
        click.option(
            "--party",
            "party_name",
            default="",
            metavar="NAME",
            help="Only with parties whose names have these words.",
        ),
    ):
        command = option(command)
    return command


def rationale_option(command: Command) -> Command:
    """Adds --rationale, which officers' acts need."""
    return click.option(
        "--rationale", required=True, help="Reason, for the record; at least ten characters."
    )(command)


def confirmation_options(command: Command) -> Command:
    """Adds --yes to a command that confirms or rejects another officer's proposal."""
    for option in (
        click.option(CONFIRMS_UNSEEN, is_flag=True, hidden=True),
        click.option(
            "--yes",
            default="",
            metavar="ID",
            help=("Do not ask: the id of the proposal that you read. Another one is refused."),
        ),
    ):
        command = option(command)
    return command


def id_argument(name: str) -> Callable[[Command], Command]:
    """Adds the id of a resource, for instance APPLICATION, as the argument `application_id`."""
    return click.argument(f"{name.lower()}_id", metavar=name.upper())
