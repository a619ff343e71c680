"""Commands of other packages: `click.Command` entry points of `safeconduct.commands`.

This package works without them. If one cannot be imported, it prints why when it is called, and not
before.
"""

from __future__ import annotations

import ast
from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

import click

from safeconduct.cli.failures import BROKEN, print_error

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP: Final = "safeconduct.commands"


@cache
def installed() -> dict[str, EntryPoint]:
    """The entry points of all installed packages by command name, in alphabetical order."""
    # Reading the metadata of all packages takes longer than starting the command.
    from importlib.metadata import entry_points

    found = {entry.name: entry for entry in entry_points(group=GROUP)}
    return {name: found[name] for name in sorted(found)}


def names() -> list[str]:
    """The names of all plugin commands."""
    return list(installed())


def load(name: str) -> click.Command | None:
    """The plugin command of this name, imported now; None if no package brings it."""
    entry = installed().get(name)
    if entry is None:
        return None
    try:
        command: click.Command = entry.load()
    except ImportError as fault:
        return _not_installed(name, str(fault))
    return command


def summary(name: str) -> str:
    """Returns the first sentence of the plugin's docstring without importing it."""
    try:
        spec = find_spec(installed()[name].module)
        source = spec.loader.get_source(spec.name) if spec and spec.loader else None  # type: ignore[attr-defined]  # loaders of source files have it
        docstring = ast.get_docstring(ast.parse(source or "")) or ""
    except (ImportError, AttributeError, SyntaxError):
        return "Not usable: a package that it needs is not installed."
    # The docstring begins with the command's name: "`safeconduct audit`: verifies ..."
    sentence = docstring.partition("\n")[0].partition(": ")[2]
    return sentence[:1].upper() + sentence[1:]


def _not_installed(name: str, fault: str) -> click.Command:
    """A command that takes any arguments and fails with the import error."""

    @click.command(
        name,
        context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
        add_help_option=False,
        help="Not usable: a package that it needs is not installed.",
    )
    @click.pass_context
    def fail(context: click.Context) -> None:
        message = f"safeconduct {name} cannot be loaded: {fault}"
        print_error("NOT_INSTALLED", [message], as_json="--json" in context.args)
        context.exit(BROKEN)

    return fail
