"""Puts the commands together, and turns what they raise into words and exit codes."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Annotated, Final

import typer

from safeconduct import __version__
from safeconduct.channel import NotConfiguredError
from safeconduct.cli import (
    applications,
    enforcement,
    gate,
    license,  # noqa: A004 - the command
    lists,
    plugins,
    review,
    screening,
    trace,
)
from safeconduct.cli.connection import override
from safeconduct.cli.failures import (
    BROKEN,
    INTERRUPTED,
    INVALID,
    exit_code,
    print_complaint,
    print_refusal,
)
from safeconduct.cli.names import UnknownNameError
from safeconduct.cli.source import FileError
from safeconduct.conduct import KeyFileError
from safeconduct.documents import InvalidDocumentError
from safeconduct.errors import SafeconductError

app = typer.Typer(
    help="Safeconduct: apply for licenses, decide on them, and check that they hold.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    epilog="Exit codes: 0 ok, 2 invalid input, 3 refused, 4 wrong state, 5 not found, 6 unavailable, 7 gate denied.",
)
app.add_typer(applications.app, name="applications")
app.add_typer(review.app, name="review")
app.add_typer(screening.app, name="screening")
app.add_typer(lists.app, name="lists")
app.add_typer(enforcement.app, name="enforcement")
app.add_typer(gate.app, name="gate")
app.add_typer(license.app, name="license")
app.command("trace", epilog=trace.trace_epilog)(trace.trace)
plugins.add_all(app)

ANYWHERE: Final = frozenset(
    {"--ca", "--cert", "--cert-key", "--applications", "--screening", "--enforcement"}
)
"""Options that say who calls whom; they may stand before or after the command."""


def _version(wanted: bool) -> None:
    if wanted:
        print(__version__)
        raise typer.Exit


@app.callback()
def _identity(
    ca: Annotated[
        str, typer.Option(envvar="SAFECONDUCT_CA", help="Authority of the services, PEM file.")
    ] = "",
    cert: Annotated[
        str, typer.Option(envvar="SAFECONDUCT_CERT", help="Your certificate, PEM file.")
    ] = "",
    cert_key: Annotated[
        str, typer.Option(envvar="SAFECONDUCT_KEY", help="Its private key, PEM file.")
    ] = "",
    applications: Annotated[
        str, typer.Option(envvar="SAFECONDUCT_APPLICATIONS", metavar="HOST:PORT")
    ] = "",
    screening: Annotated[
        str, typer.Option(envvar="SAFECONDUCT_SCREENING", metavar="HOST:PORT")
    ] = "",
    enforcement: Annotated[
        str, typer.Option(envvar="SAFECONDUCT_ENFORCEMENT", metavar="HOST:PORT")
    ] = "",
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Safeconduct: apply for licenses, decide on them, and check that they hold."""
    override(
        ca=ca,
        cert=cert,
        key=cert_key,
        applications=applications,
        screening=screening,
        enforcement=enforcement,
    )


def run(arguments: Sequence[str]) -> int:
    """Runs one command; gives its exit code. Errors are on standard error, as JSON when the command prints JSON."""
    as_json = "--json" in arguments
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)  # failures are told below, in words
    try:
        app(_identity_first(arguments), prog_name="safeconduct")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else BROKEN
    except SafeconductError as error:
        print_refusal(error, as_json=as_json)
        return exit_code(error)
    except FileError as error:
        print_complaint("FILE", error.described(), as_json=as_json)
    except NotConfiguredError as error:
        hint = f"The same can be given as options: {', '.join(sorted(ANYWHERE))}."
        print_complaint("NOT_CONFIGURED", [str(error), hint], as_json=as_json)
    except UnknownNameError as error:
        print_complaint("UNKNOWN_NAME", [str(error)], as_json=as_json)
    except KeyFileError as error:
        hint = "make a signatory's key with: safeconduct applications keygen --out FILE"
        print_complaint("KEY_FILE", [str(error), hint], as_json=as_json)
    except InvalidDocumentError as error:
        print_complaint(
            "INVALID_DOCUMENT", [f"The document does not verify: {error}."], as_json=as_json
        )
    except KeyboardInterrupt:
        return INTERRUPTED
    return INVALID


def _identity_first(arguments: Sequence[str]) -> list[str]:
    """The arguments with the options of ANYWHERE in front, where the parser takes them."""
    first: list[str] = []
    rest: list[str] = []
    waiting = iter(arguments)
    for argument in waiting:
        if argument == "--":
            rest += [argument, *waiting]
        elif argument in ANYWHERE:
            first += [argument, *([value] if (value := next(waiting, None)) is not None else [])]
        elif argument.partition("=")[0] in ANYWHERE:
            first.append(argument)
        else:
            rest.append(argument)
    return first + rest
