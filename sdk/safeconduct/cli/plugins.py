"""Commands that other installed packages add: entry points of the group `safeconduct.commands`, each a `typer.Typer`.

This package works without them. One that cannot be loaded says so when it is asked for, and not before.
"""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points
from typing import Final

import typer

from safeconduct.cli.failures import BROKEN, print_complaint

GROUP: Final = "safeconduct.commands"


def add_all(app: typer.Typer) -> None:
    """Adds every command that is installed, by name."""
    for found in sorted(entry_points(group=GROUP), key=lambda entry: entry.name):
        try:
            app.add_typer(found.load(), name=found.name)
        except ImportError as fault:
            _apologize(app, found, str(fault))


def _apologize(app: typer.Typer, found: EntryPoint, fault: str) -> None:
    """A command in the place of one that cannot be loaded, whatever it is asked."""
    anything = {"allow_extra_args": True, "ignore_unknown_options": True}

    @app.command(
        found.name,
        context_settings=anything,
        help="Not usable: a package that it needs is not installed.",
    )
    def say_so(context: typer.Context) -> None:
        lines = [f"safeconduct {found.name} cannot be loaded: {fault}"]
        print_complaint("NOT_INSTALLED", lines, as_json="--json" in context.args)
        raise typer.Exit(BROKEN)
