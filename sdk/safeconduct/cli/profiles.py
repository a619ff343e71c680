"""`safeconduct profiles`: shows the profiles that `--profile` takes."""

from __future__ import annotations

import click

from safeconduct.cli.options import example, output_options
from safeconduct.cli.output import Output
from safeconduct.cli.profile_file import profile_file, read_profiles


@click.command(epilog=example("profiles"))
@output_options
def command(out: Output) -> None:
    """List the profiles of the configuration file.

    The file is $SAFECONDUCT_CONFIG, or safeconduct/config.ini in $XDG_CONFIG_HOME (~/.config). A
    command uses the profile named by --profile or SAFECONDUCT_PROFILE. Without a name, the profile
    `default` fills what environment variables leave open.
    """
    file = profile_file()
    found = read_profiles(file)

    if out.quiet:
        for name in found:
            click.echo(name)
    elif not out.printed({"file": str(file), "profiles": found}):
        from safeconduct.cli.tables import Column, rows, show

        columns = (Column("PROFILE", whole=True), Column("CERTIFICATE", rank=1), "APPLICATIONS")
        lines = [
            (name, settings.get("cert", ""), settings.get("applications", ""))
            for name, settings in found.items()
        ]
        show(rows(columns, lines) if found else f"No profiles: {file} is missing or empty.")
