"""`safeconduct gates`: decides an access as a gate does, and follows standings."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import click

from safeconduct.cli.connection import call, open_gate
from safeconduct.cli.failures import DENIED
from safeconduct.cli.options import example, id_argument, output_options
from safeconduct.cli.output import Output

if TYPE_CHECKING:
    from safeconduct.gate import Standing, Verdict

ID = "0c9fd6cf-6ac9-4bb4-a36e-8b6f1bd6a001"
_TIMEOUT = click.option(
    "--timeout",
    type=float,
    default=10.0,
    show_default=True,
    help="Seconds to wait for the first lease.",
)


@click.group()
def command() -> None:
    """Check accesses and follow standings as a gate does."""


@command.command(
    epilog=example(
        f"gates check {ID} --model example-frontier-1 --access HOSTED_ACCESS --destination DE"
        " --end-use HEALTHCARE"
    )
)
@id_argument("license")
@click.option("--model", required=True, help="Id of the model.")
@click.option("--access", required=True, help="Form of access, for instance HOSTED_ACCESS.")
@click.option("--destination", required=True, help="Country of the user, ISO 3166-1 alpha-2.")
@click.option("--end-use", required=True, help="End use, for instance HEALTHCARE.")
@click.option("--remote", is_flag=True, help="Let the service decide, not this process.")
@_TIMEOUT
@output_options
def check(
    license_id: str,
    model: str,
    access: str,
    destination: str,
    end_use: str,
    remote: bool,
    timeout: float,
    out: Output,
) -> None:
    """Decide one access as a gate does.

    Exits with 0 if the access is allowed, and with 7 if it is denied.
    """
    from safeconduct.cli.enum_names import choose, short
    from safeconduct.enforcement.v1 import model_pb2 as contract

    use = short(contract.EndUse, choose(contract.EndUse, end_use))
    mode = short(contract.AccessMode, choose(contract.AccessMode, access))
    asked = (license_id, model, mode, destination.upper(), use)
    document = _remote(*asked) if remote else asyncio.run(_decide(*asked, timeout))
    reason = str(document["verdict"]).removeprefix("ACCESS_VERDICT_")
    if not out.printed(document):
        from rich.text import Text

        from safeconduct.cli.tables import coloured, show

        verdict = coloured(reason) if reason == "ALLOWED" else Text(reason, style="red")
        show(Text.assemble(verdict, f"  {document['explanation']}"))
    if reason != "ALLOWED":
        raise click.exceptions.Exit(DENIED)


@command.command(epilog=example("gates watch --json"))
@click.argument("license_id", metavar="[LICENSE]", required=False, default="")
@_TIMEOUT
@output_options
def watch(license_id: str, timeout: float, out: Output) -> None:
    """Follow the standings of your licenses: first all that are known, then every change.

    Reconnects by itself. With --json every standing is one line.
    """
    from contextlib import aclosing

    async def follow() -> None:
        async with open_gate() as gate:
            await gate.ready(timeout)
            async with aclosing(gate.changes()) as changes:
                async for standing in changes:
                    if license_id in ("", standing.license_id):
                        _print_standing(standing, out)

    asyncio.run(follow())


def _remote(
    license_id: str, model: str, access_mode: str, destination: str, end_use: str
) -> dict[str, Any]:
    """The service's verdict, as proto3 JSON."""
    from safeconduct.cli.output import proto_json

    return proto_json(
        call(
            lambda client: client.standing.check_access(
                license_id,
                model_id=model,
                access_mode=access_mode,
                destination=destination,
                end_use=end_use,
            )
        )
    )


async def _decide(
    license_id: str,
    model: str,
    access_mode: str,
    destination: str,
    end_use: str,
    timeout: float,
) -> dict[str, Any]:
    """The verdict of a gate in this process, with the field names of CheckAccessResponse."""
    async with open_gate() as gate:
        await gate.ready(timeout)
        verdict: Verdict = gate.check(license_id, model, access_mode, destination, end_use)
        return {
            "verdict": f"ACCESS_VERDICT_{verdict.reason}",
            "standingVersion": verdict.standing_version,
            "knowledgeAgeMs": str(round(gate.knowledge_age * 1000)),
            "explanation": verdict.explanation,
        }


def _print_standing(standing: Standing, out: Output) -> None:
    if out.printed_event(_document(standing), standing.license_id):
        return
    from rich.text import Text

    from safeconduct.cli.tables import coloured, show

    changed = f"{standing.changed_at:%Y-%m-%dT%H:%M:%SZ}" if standing.changed_at else ""
    show(
        Text.assemble(
            (changed, "dim"),
            f"  {standing.license_id}  {standing.license_number}  {standing.version:>3}  ",
            coloured(standing.state),
            f"  {standing.cause or ''}",
        )
    )


def _document(standing: Standing) -> dict[str, Any]:
    """The standing with the names and forms of proto3 JSON."""
    from dataclasses import asdict

    document: dict[str, Any] = {}
    values = asdict(standing)
    del values["grants"]
    for name, value in values.items():
        first, *others = name.split("_")
        document[first + "".join(word.capitalize() for word in others)] = _plain(value)
    document["state"] = f"STANDING_STATE_{standing.state}"
    document["grants"] = [
        {"modelId": each.model_id, "accessMode": f"ACCESS_MODE_{each.access_mode or 'UNSPECIFIED'}"}
        for each in sorted(standing.grants, key=str)
    ]
    document["grantedEndUses"] = [f"END_USE_{use}" for use in document.pop("endUses")]
    if (cause := standing.cause) is None:
        del document["cause"]
    elif cause.is_list_match:
        document["cause"] = {"isListMatch": True}
    else:
        document["cause"] = {
            "measureKind": f"MEASURE_KIND_{cause.measure_kind}",
            "clause": f"CLAUSE_{cause.clause}",
        }
    return document


def _plain(value: Any) -> Any:
    if isinstance(value, frozenset):
        return sorted(value)
    return value.strftime("%Y-%m-%dT%H:%M:%SZ") if hasattr(value, "strftime") else value
