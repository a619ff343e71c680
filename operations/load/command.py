"""`safeconduct load`: submit applications at a fixed rate and measure (load test)."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import click
from safeconduct.channel import Credentials, Endpoints
from safeconduct.cli.connection import environment
from safeconduct.cli.failures import BROKEN
from safeconduct.cli.options import output_options
from safeconduct.cli.output import Output

from operations.error_messages import run as run_command
from operations.help import epilog

if TYPE_CHECKING:
    from operations.load.report import Report

_EPILOG: Final = epilog(
    "0 at least one submission got a response; 1 none did",
    "load --mix hospital.yaml",
    "load --rate 20 --mix hospital.yaml=8 --mix listed.yaml=2",
)
MAX_RATE, MAX_SECONDS, MAX_COUNT = 10_000, 3_600, 1_000_000


@click.command(epilog=_EPILOG)
@click.option(
    "--mix",
    multiple=True,
    metavar="FILE[=WEIGHT]",
    help="Application file. Repeat it to mix several; the weight defaults to 1.",
)
@click.option(
    "--rate",
    type=click.FloatRange(0.01, MAX_RATE),
    default=5.0,
    show_default=True,
    help="Submissions per second.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(0.1, MAX_SECONDS),
    default=30.0,
    show_default=True,
    help="Maximum duration.",
)
@click.option(
    "--count",
    type=click.IntRange(1, MAX_COUNT),
    default=MAX_COUNT,
    show_default=True,
    help="Maximum number of submissions.",
)
@click.option(
    "--in-flight",
    type=click.IntRange(1, 10_000),
    default=1_000,
    show_default=True,
    help="Maximum number of submissions without a response. More are not sent.",
)
@click.option(
    "--settle",
    type=click.FloatRange(0, MAX_SECONDS),
    default=30.0,
    show_default=True,
    help="Seconds to wait for decisions after the last submission.",
)
@click.option(
    "--deadline",
    type=click.FloatRange(0.1, 600),
    default=10.0,
    show_default=True,
    help="Deadline of one submission in seconds, retries included.",
)
@click.option(
    "--even", is_flag=True, help="Submit at equal intervals instead of at random times (Poisson)."
)
@click.option(
    "--seed",
    type=int,
    default=1,
    show_default=True,
    help="The same seed repeats the same times and the same order of files.",
)
@click.option(
    "--i-own-this-target",
    "owned",
    is_flag=True,
    help="Allow a target on another machine.",
)
@output_options
def app(
    mix: tuple[str, ...],
    rate: float,
    seconds: float,
    count: int,
    in_flight: int,
    settle: float,
    deadline: float,
    even: bool,
    seed: int,
    owned: bool,
    out: Output,
) -> None:
    """Load test: submit applications at a fixed rate and measure the time to their decisions.

    The rate does not depend on the responses, and times begin when a submission was due. Every
    submission is a real application of your identity: use a partner that was made for tests.
    """
    from operations.load.mix import read_mix
    from operations.load.run import Arrivals, Plan, run
    from operations.load.target import check_target

    environ = environment()
    target = Endpoints.from_env(environ).target("applications")
    credentials = Credentials.from_env(environ)

    async def work() -> Report:
        check_target(target, is_owned=owned)
        plan = Plan(
            rate=rate,
            seconds=seconds,
            count=count,
            in_flight=in_flight,
            settle_seconds=settle,
            deadline_seconds=deadline,
            arrivals=Arrivals.EVEN if even else Arrivals.POISSON,
            seed=seed,
        )
        return await run(
            plan, read_mix(mix, datetime.now(UTC)), target, credentials, _print_progress
        )

    report = run_command(work(), as_json=out.is_json)
    from operations.load.report import to_json

    if not out.printed(to_json(report)):
        _show(report)
    raise click.exceptions.Exit(0 if report.responses.count else BROKEN)


def _print_progress(seconds: float, report: Report) -> None:
    failed = report.errors.total() + report.not_sent
    print(
        f"{seconds:6.0f} s  {report.sent} sent, {report.responses.count} responses,"
        f" {report.decisions.count} decisions, {failed} failed",
        file=sys.stderr,
        flush=True,
    )


def _show(report: Report) -> None:
    from safeconduct.cli.tables import rows, show

    from operations.load.report import milliseconds

    show(
        f"{report.sent} submissions in {report.seconds:.1f} s,"
        f" target {report.target_per_second:g}/s",
        f"{report.decisions.count} decisions, {report.decided_per_second:.1f}/s;"
        f" {report.undecided} undecided at the end",
    )
    timed = (("submit", report.responses), ("submit to decision", report.decisions))
    columns = ("TIME (ms)", "COUNT", *(name.upper() for name in milliseconds(report.responses)))
    lines = [
        (name, str(found.count), *(f"{value:.1f}" for value in milliseconds(found).values()))
        for name, found in timed
    ]
    show("", rows(columns, lines))
    counts = [("outcome", name, str(n)) for name, n in sorted(report.outcomes.items())]
    counts += [("error", name, str(n)) for name, n in sorted(report.errors.items())]
    if report.not_sent:
        counts.append(("error", "not sent: too many in flight", str(report.not_sent)))
    show("", rows(("RESULT", "STATE OR REASON", "COUNT"), counts))
