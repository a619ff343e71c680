"""`safeconduct gate`: what a gate in front of a model would say."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.text import Text

from safeconduct.applications.v1 import model_pb2 as applications
from safeconduct.cli.connection import call
from safeconduct.cli.connection import gate as open_gate
from safeconduct.cli.failures import DENIED
from safeconduct.cli.names import choose, short
from safeconduct.cli.output import Json, coloured, example, print_json, print_line, proto_json, show
from safeconduct.enforcement.v1 import model_pb2 as enforcement
from safeconduct.gate import AccessVerdict, Standing, Verdict

app = typer.Typer(help="Ask whether a license lets somebody in.", no_args_is_help=True)

LicenseId = Annotated[str, typer.Argument(metavar="LICENSE", help="License id.")]


@app.command(
    epilog=example(
        "gate check 0c9fd6cf-6ac9-4bb4-a36e-8b6f1bd6a001 --model example-frontier-1 --destination DE "
        "--end-use HEALTHCARE"
    )
)
def check(
    license_id: LicenseId,
    model: Annotated[str, typer.Option(help="Model asked for.")],
    destination: Annotated[str, typer.Option(help="Where the user is, ISO 3166-1 alpha-2.")],
    end_use: Annotated[str, typer.Option(help="End use, for instance HEALTHCARE.")],
    remote: Annotated[
        bool, typer.Option("--remote", help="Ask the service instead of deciding here.")
    ] = False,
    timeout: Annotated[float, typer.Option(help="Seconds to wait for the first lease.")] = 10.0,
    json: Json = False,
) -> None:
    """Decide one access as a gate does. Exits 0 when it is allowed and 7 when it is denied."""
    use = short(applications.EndUse, choose(applications.EndUse, end_use))
    if remote:
        answer = call(
            lambda client: client.standing.check_access(
                license_id, model_id=model, destination=destination.upper(), end_use=use
            )
        )
        reason = short(enforcement.AccessVerdict, answer.verdict)
        _show(proto_json(answer), reason, answer.explanation, json)
    else:
        verdict, age = asyncio.run(_decide(license_id, model, destination.upper(), use, timeout))
        document = {
            "verdict": f"ACCESS_VERDICT_{verdict.reason}",
            "standingVersion": verdict.standing_version,
            "knowledgeAgeMs": str(round(age * 1000)),
            "explanation": verdict.explanation,
        }
        reason = verdict.reason
        _show(document, reason, verdict.explanation, json)
    if reason != AccessVerdict.ALLOWED:
        raise typer.Exit(DENIED)


@app.command(epilog=example("gate watch --json"))
def watch(
    license_id: Annotated[
        str, typer.Argument(metavar="[LICENSE]", help="License id; none = all.")
    ] = "",
    timeout: Annotated[float, typer.Option(help="Seconds to wait for the first lease.")] = 10.0,
    json: Json = False,
) -> None:
    """Follow the standing of your licenses: what is known, then every change. Survives lost connections."""

    async def follow() -> None:
        async with open_gate() as gate:
            await gate.ready(timeout)
            async with aclosing(gate.changes()) as changes:
                async for standing in changes:
                    if license_id in ("", standing.license_id):
                        _show_standing(standing, json)

    asyncio.run(follow())


async def _decide(
    license_id: str,
    model: str,
    destination: str,
    end_use: str,
    timeout: float,  # noqa: ASYNC109 - passed on
) -> tuple[Verdict, float]:
    async with open_gate() as gate:
        await gate.ready(timeout)
        return gate.check(license_id, model, destination, end_use), gate.knowledge_age


def _show(document: dict[str, Any], reason: str, explanation: str, as_json: bool) -> None:
    if as_json:
        print_json(document)
    else:
        show(
            Text.assemble(
                coloured(reason) if reason == "ALLOWED" else Text(reason, style="red"),
                f"  {explanation}",
            )
        )


def _show_standing(standing: Standing, as_json: bool) -> None:
    if as_json:
        print_line(_document(standing))
        return
    changed = f"{standing.changed_at:%Y-%m-%dT%H:%M:%SZ}" if standing.changed_at else ""
    show(
        Text.assemble(
            (changed, "dim"),
            f"  {standing.license_id}  {standing.license_number}  {standing.version:>3}  ",
            coloured(standing.state),
            f"  {standing.reason}",
        )
    )


def _document(standing: Standing) -> dict[str, Any]:
    """The standing with the names and forms of proto JSON."""
    document: dict[str, Any] = {}
    for name, value in asdict(standing).items():
        first, *others = name.split("_")
        document[first + "".join(word.capitalize() for word in others)] = _plain(value)
    document["state"] = f"STANDING_STATE_{standing.state}"
    return document


def _plain(value: Any) -> Any:
    if isinstance(value, frozenset):
        return sorted(value)
    return value.strftime("%Y-%m-%dT%H:%M:%SZ") if hasattr(value, "strftime") else value
