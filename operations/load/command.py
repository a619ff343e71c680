"""`safeconduct load`: a load test that submits applications at a fixed rate."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import click
from safeconduct.channel import Credentials, Endpoints
from safeconduct.cli.connection import environment
from safeconduct.cli.failures import BROKEN
from safeconduct.cli.options import example, output_options
from safeconduct.cli.output import Output

from operations.complaints import run as run_or_complain

if TYPE_CHECKING:
    from operations.load.report import Report

EPILOG: Final = example(
    "load --rate 20 --seconds 30 --mix hospital.yaml=8 --mix listed-end-user.yaml=2"
)
MOST_PER_SECOND, LONGEST_S, MOST = 10_000, 3_600, 1_000_000


@click.command(epilog=EPILOG)
@click.option(
    "--mix",
    multiple=True,
    metavar="FILE[=WEIGHT]",
    help="An application file; several are mixed by weight.",
)
@click.option(
    "--rate",
    type=click.FloatRange(0.01, MOST_PER_SECOND),
    default=5.0,
    show_default=True,
    help="Submissions a second.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(0.1, LONGEST_S),
    default=30.0,
    show_default=True,
    help="Duration, at most.",
)
@click.option(
    "--count",
    type=click.IntRange(1, MOST),
    default=MOST,
    show_default=True,
    help="Number of submissions, at most.",
)
@click.option(
    "--in-flight",
    type=click.IntRange(1, 10_000),
    default=1_000,
    show_default=True,
    help="Unanswered submissions at once, at most.",
)
@click.option(
    "--settle",
    type=click.FloatRange(0, LONGEST_S),
    default=30.0,
    show_default=True,
    help="Seconds to wait for the last decisions.",
)
@click.option(
    "--deadline",
    type=click.FloatRange(0.1, 600),
    default=10.0,
    show_default=True,
    help="Seconds for one submission with its retries.",
)
@click.option(
    "--even", is_flag=True, help="At equal intervals, not at those of independent callers."
)
@click.option(
    "--seed",
    type=int,
    default=1,
    show_default=True,
    help="Repeats the same arrivals and the same order of files.",
)
@click.option(
    "--i-own-this-target",
    "owned",
    is_flag=True,
    help="Allow a target that is not on this machine.",
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
    """Submit applications as your partner identity, at a rate that does not wait for answers, and watch them decided.

    Every one is a real application: use a partner made for tests. Times begin when a submission was due.
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
        return await run(plan, read_mix(mix, datetime.now(UTC)), target, credentials, _tell)

    report = run_or_complain(work(), as_json=out.is_json)
    from operations.load.report import document

    if not out.printed(document(report)):
        _show(report)
    raise click.exceptions.Exit(0 if report.answers.count else BROKEN)


def _tell(passed: float, report: Report) -> None:
    wrong = report.errors.total() + report.not_sent
    print(
        f"{passed:6.0f} s  {report.sent} sent, {report.answers.count} answered, {report.decisions.count} decided, "
        f"{wrong} failed",
        file=sys.stderr,
        flush=True,
    )


def _show(report: Report) -> None:
    from safeconduct.cli.tables import rows, show

    from operations.load.report import milliseconds

    show(
        f"{report.sent} submissions in {report.seconds:.1f} s, {report.offered_per_second:g} a second offered; "
        f"{report.decisions.count} decided, {report.decided_per_second:.1f} a second; "
        f"{report.undecided} undecided when the run ended"
    )
    timed = (("submit", report.answers), ("submit to decision", report.decisions))
    columns = ("MILLISECONDS", "COUNT", *(name.upper() for name in milliseconds(report.answers)))
    lines = [
        (what, str(found.count), *(f"{value:.1f}" for value in milliseconds(found).values()))
        for what, found in timed
    ]
    show("", rows(columns, lines))
    counted = [("outcome", name, str(n)) for name, n in sorted(report.outcomes.items())]
    counted += [("error", name, str(n)) for name, n in sorted(report.errors.items())]
    counted += (
        [("error", "not sent: too many on their way", str(report.not_sent))]
        if report.not_sent
        else []
    )
    show("", rows(("", "REASON", "COUNT"), counted))
