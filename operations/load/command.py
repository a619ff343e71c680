"""`safeconduct load`: how the services bear a rate of applications."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Final

import typer
from safeconduct.channel import Credentials, Endpoints
from safeconduct.cli.connection import environment
from safeconduct.cli.failures import BROKEN
from safeconduct.cli.output import Json, example, print_json, rows, show

from operations.complaints import run as run_or_complain

if TYPE_CHECKING:
    from operations.load.report import Report

EPILOG: Final = example(
    "load --rate 20 --seconds 30 --mix hospital.yaml=8 --mix listed-end-user.yaml=2"
)
MOST_PER_SECOND, LONGEST_S, MOST = 10_000, 3_600, 1_000_000

app = typer.Typer(help="Offer applications at a rate and measure. For operators.")


@app.callback(invoke_without_command=True, epilog=EPILOG)
def load(
    mix: Annotated[
        list[str] | None,
        typer.Option(
            "--mix",
            metavar="FILE[=WEIGHT]",
            help="An application file; several are mixed by weight.",
        ),
    ] = None,
    rate: Annotated[
        float, typer.Option(min=0.01, max=MOST_PER_SECOND, help="Submissions a second.")
    ] = 5.0,
    seconds: Annotated[
        float, typer.Option(min=0.1, max=LONGEST_S, help="For so long, at most.")
    ] = 30.0,
    count: Annotated[int, typer.Option(min=1, max=MOST, help="So many, at most.")] = MOST,
    in_flight: Annotated[
        int, typer.Option(min=1, max=10_000, help="So many unanswered at once, at most.")
    ] = 1_000,
    settle: Annotated[
        float, typer.Option(min=0, max=LONGEST_S, help="Wait so long for the last decisions.")
    ] = 30.0,
    deadline: Annotated[
        float, typer.Option(min=0.1, max=600, help="Seconds for one submission, retries too.")
    ] = 10.0,
    even: Annotated[
        bool, typer.Option("--even", help="At equal intervals, not as independent callers come.")
    ] = False,
    seed: Annotated[
        int, typer.Option(help="Repeats the same arrivals and the same order of files.")
    ] = 1,
    owned: Annotated[
        bool,
        typer.Option("--i-own-this-target", help="Allow a target that is not on this machine."),
    ] = False,
    json: Json = False,
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
        return await run(plan, read_mix(mix or (), datetime.now(UTC)), target, credentials, _tell)

    report = run_or_complain(work(), as_json=json)
    if json:
        from operations.load.report import document

        print_json(document(report))
    else:
        _show(report)
    raise typer.Exit(0 if report.answers.count else BROKEN)


def _tell(passed: float, report: Report) -> None:
    wrong = report.errors.total() + report.not_sent
    print(
        f"{passed:6.0f} s  {report.sent} sent, {report.answers.count} answered, {report.decisions.count} decided, "
        f"{wrong} failed",
        file=sys.stderr,
        flush=True,
    )


def _show(report: Report) -> None:
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
