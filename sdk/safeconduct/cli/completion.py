"""`safeconduct completion`: prints the script that makes a shell complete our commands."""

from __future__ import annotations

import click

from safeconduct.cli.options import example


@click.command(
    epilog=example("completion bash > ~/.local/share/bash-completion/completions/safeconduct")
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(context: click.Context, shell: str) -> None:
    """Print the completion script of a shell.

    bash: save it as in the example, or run: source <(safeconduct completion bash).
    zsh: save it as `_safeconduct` in a folder of your fpath.
    fish: save it as ~/.config/fish/completions/safeconduct.fish.
    """
    from click.shell_completion import get_completion_class

    completion = get_completion_class(shell)
    root = context.find_root().command
    if completion is None:
        context.fail(f"No completion for {shell!r}.")
    click.echo(completion(root, {}, "safeconduct", "_SAFECONDUCT_COMPLETE").source())
