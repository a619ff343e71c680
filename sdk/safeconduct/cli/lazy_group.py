"""A click group whose commands are imported when they run, not when the program starts.

Importing every command costs seconds of CPU, mostly for gRPC and for tables that one call never
needs. The group therefore knows names and one-line helps, and imports one module for one command.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import click
from click.shell_completion import CompletionItem

from safeconduct.cli import plugins


@dataclass(frozen=True, slots=True)
class LazyCommand:
    """The module with a command in its attribute `command`, and its one-line help."""

    module: str
    help: str


class LazyGroup(click.Group):
    """The commands of a table, followed by those of other installed packages."""

    def __init__(self, *, table: Mapping[str, LazyCommand], **attributes: Any) -> None:
        super().__init__(**attributes)
        self._table = table

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every command's name, plugins last. Imports none of them."""
        return [*self._table, *(name for name in plugins.names() if name not in self._table)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of this name, imported now; None if there is none."""
        if entry := self._table.get(cmd_name):
            command: click.Command = import_module(entry.module).command
            if isinstance(command, click.Group):
                command.help = entry.help
            return command
        return plugins.load(cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that the arguments name.

        An unknown one is refused with the closest name there is.
        """
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError:
            close = difflib.get_close_matches(args[0], self.list_commands(ctx), n=1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            ctx.fail(f"No such command {args[0]!r}.{hint}")

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the list of commands into a help page. Imports none of them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, self._help(name)) for name in self.list_commands(ctx)])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """The commands that begin with `incomplete`. Imports none of them."""
        found = [name for name in self.list_commands(ctx) if name.startswith(incomplete)]
        return [CompletionItem(name, help=self._help(name)) for name in found]

    def _help(self, name: str) -> str:
        entry = self._table.get(name)
        return entry.help if entry else plugins.summary(name)
