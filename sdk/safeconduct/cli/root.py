"""The root command: groups, common options, and the mapping of errors to exit codes."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from typing import Any, Final

import click

from safeconduct import __version__
from safeconduct.cli.enum_names import UnknownNameError
from safeconduct.cli.failures import (
    INTERRUPTED,
    INVALID,
    MEANINGS,
    exit_code,
    print_error,
    print_refusal,
)
from safeconduct.cli.lazy_group import LazyCommand, LazyGroup
from safeconduct.cli.old_commands import renamed
from safeconduct.cli.parsed_file import FileError, RefusedFileError
from safeconduct.cli.profile_file import ProfileError
from safeconduct.errors import (
    InvalidDocumentError,
    KeyFileError,
    NotConfiguredError,
    SafeconductError,
)

COMMANDS: Final = {
    "applications": LazyCommand(
        "safeconduct.cli.applications",
        "Submit applications and follow them to the license. For partners.",
    ),
    "cases": LazyCommand(
        "safeconduct.cli.cases", "Decide the applications that need an officer. Four eyes always."
    ),
    "hits": LazyCommand(
        "safeconduct.cli.hits", "Judge whether a list entry is the party that it resembles."
    ),
    "licenses": LazyCommand(
        "safeconduct.cli.licenses", "Read and verify licenses, and reinstate suspended ones."
    ),
    "violations": LazyCommand(
        "safeconduct.cli.violations", "Report conduct; judge it and impose measures."
    ),
    "gates": LazyCommand(
        "safeconduct.cli.gates", "Check accesses and follow standings as a gate does."
    ),
    "screening": LazyCommand(
        "safeconduct.cli.screening", "Screen parties against the restricted-party lists."
    ),
    "lists": LazyCommand("safeconduct.cli.lists", "Manage the restricted-party lists."),
    "trace": LazyCommand(
        "safeconduct.cli.trace", "Show everything that happened to one application."
    ),
    "profiles": LazyCommand("safeconduct.cli.profiles", "Show the profiles that --profile takes."),
    "completion": LazyCommand("safeconduct.cli.completion", "Print a shell completion script."),
}
CONNECTION: Final = frozenset(
    {"--profile", "--ca", "--cert", "--key", "--applications", "--screening", "--enforcement"}
)
"""Options that choose identity and addresses; they may stand before or after the command."""


@click.command(
    "safeconduct",
    cls=LazyGroup,
    table=COMMANDS,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: " + "; ".join(f"{code} {text}" for code, text in MEANINGS.items()) + ".",
)
@click.option(
    "--profile", metavar="NAME", help="Profile to use; `safeconduct profiles` lists them."
)
@click.option("--ca", metavar="FILE", help="Authority of the services' certificates, PEM.")
@click.option("--cert", metavar="FILE", help="Your certificate, PEM.")
@click.option("--key", metavar="FILE", help="The private key of your certificate, PEM.")
@click.option("--applications", metavar="HOST:PORT", help="Address of applications.")
@click.option("--screening", metavar="HOST:PORT", help="Address of screening.")
@click.option("--enforcement", metavar="HOST:PORT", help="Address of enforcement.")
@click.version_option(__version__, message="%(version)s")
def root(**options: Any) -> None:
    """Safeconduct: apply for licenses, decide on them, and check that they are in force.

    The connection options may stand before or after the command. Environment variables of the same
    names (SAFECONDUCT_CA, SAFECONDUCT_APPLICATIONS, ...) replace them.
    """
    from safeconduct.cli.connection import OPTIONS

    OPTIONS.set(options)


def run(arguments: Sequence[str]) -> int:
    """Runs one command and returns its exit code.

    Errors go to standard error, as JSON if the command prints JSON.
    """
    as_json = wants_json(arguments)
    # asyncio logs failures of tasks that we report ourselves below.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    try:
        current, warnings = renamed(arguments, CONNECTION)
        for warning in warnings:
            print(f"warning: {warning}", file=sys.stderr)
        result = root.main(
            connection_first(current), prog_name="safeconduct", standalone_mode=False
        )
    except click.ClickException as error:
        if as_json:
            print_error("USAGE", [error.format_message()], as_json=True)
        else:
            error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except Exception as error:
        if (code := _report(error, as_json=as_json)) is None:
            raise
        return code
    return result if isinstance(result, int) else 0


def _report(error: Exception, *, as_json: bool) -> int | None:
    """Prints the error of a command and returns its exit code; None for an unknown error."""
    match error:
        case SafeconductError():
            position = error.position if isinstance(error, RefusedFileError) else str
            causes = _connection_causes(error)
            print_refusal(error, as_json=as_json, findings=causes, position=position)
            return exit_code(error)
        case FileError():
            print_error("FILE", error.described(), as_json=as_json)
        case NotConfiguredError():
            hint = "Or use a profile (--profile), or the options " + ", ".join(sorted(CONNECTION))
            print_error("NOT_CONFIGURED", [str(error), f"{hint}."], as_json=as_json)
        case ProfileError():
            print_error("PROFILE", [str(error)], as_json=as_json)
        case UnknownNameError():
            print_error("UNKNOWN_NAME", [str(error)], as_json=as_json)
        case KeyFileError():
            hint = "Make a signatory's key with: safeconduct applications keygen --out FILE"
            print_error("KEY_FILE", [str(error), hint], as_json=as_json)
        case InvalidDocumentError():
            message = f"The document does not verify: {error}."
            print_error("INVALID_DOCUMENT", [message], as_json=as_json)
        case _:
            return None
    return INVALID


def _connection_causes(error: SafeconductError) -> list[str]:
    """Returns the faults of the connection, if no service answered."""
    if error.reason != "UNAVAILABLE":
        return []
    from safeconduct.cli.connection_check import current_causes

    return current_causes()


def wants_json(arguments: Sequence[str]) -> bool:
    """Whether the arguments ask for JSON.

    Known before they are parsed, because parsing may fail.
    """
    joined = " ".join(arguments)
    spellings = ("-o json", "-ojson", "--output json", "--output=json")
    return "--json" in arguments or any(spelling in joined for spelling in spellings)


def connection_first(arguments: Sequence[str]) -> list[str]:
    """The arguments with the options of CONNECTION in front, where the parser takes them."""
    first: list[str] = []
    rest: list[str] = []
    waiting = iter(arguments)
    for argument in waiting:
        if argument == "--":
            rest += [argument, *waiting]
        elif argument in CONNECTION:
            first += [argument, *([value] if (value := next(waiting, None)) is not None else [])]
        elif argument.partition("=")[0] in CONNECTION:
            first.append(argument)
        else:
            rest.append(argument)
    return first + rest
