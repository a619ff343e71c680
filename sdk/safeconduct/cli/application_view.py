"""Tables of applications."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from rich.text import Text

from safeconduct.applications.v1 import model_pb2 as model
from safeconduct.applications.v1 import service_pb2 as service
from safeconduct.cli.enum_names import short
from safeconduct.cli.output import joined, time_text
from safeconduct.cli.tables import Column, Pairs, coloured, listed, pairs, rows, show

PARTNER_COMMANDS: Final = {
    "WithdrawApplication": "withdraw",
    "AcceptConductCode": "sign the code of conduct (applications code, applications accept)",
}
"""Commands of a partner by RPC; `allowed_commands` also lists RPCs of officers."""


def show_list(applications: Sequence[service.ApplicationSummary]) -> None:
    """Prints one application a line."""
    columns = (
        Column("APPLICATION", whole=True),
        Column("STATE", whole=True),
        Column("SUBMITTED", whole=True, rank=2),
        Column("END USER", rank=1),
    )
    lines = [
        (
            one.application_id,
            coloured(state_name(one.state)),
            time_text(one.submitted_at),
            joined(one.end_user_names),
        )
        for one in applications
    ]
    show(rows(columns, lines))


def show_application(application: model.Application) -> None:
    """Prints one application: its state, its content in short, and what the partner can do now."""
    details = application.details
    lines: Pairs = [
        ("application", application.application_id),
        ("state", coloured(state_name(application.state))),
        ("end user", end_users(details)),
        ("models", models(details.items)),
        ("destinations", joined(details.destinations)),
        ("end uses", joined(short(model.EndUse, use) for use in details.end_uses)),
        ("submitted", time_text(application.submitted_at)),
        ("updated", time_text(application.updated_at)),
        ("sign by", time_text(application.sign_by)),
        ("license", application.license_id),
        ("reasons", listed(application.reasons)),
    ]
    show(pairs(lines))
    if steps := next_steps(application):
        show(f"You can: {steps}")


def show_change(change: service.ApplicationChange) -> None:
    """Prints one change of a watch."""
    show(
        Text.assemble(
            (time_text(change.occurred_at), "dim"),
            f"  {change.application_id}  {change.version:>3}  {change.event_type:<28}  ",
            coloured(state_name(change.state)),
        )
    )


def show_code_of_conduct(application: model.Application) -> None:
    """Prints the code of conduct and the text that each signatory signs."""
    code = application.code_of_conduct
    unknown = f"(version {code.version} is not kept; its SHA-256 is {code.digest.hex()})"
    show(
        Text(code.text.rstrip() or unknown),
        Text(f"\nTo be signed by {time_text(application.sign_by)}:", style="bold"),
    )
    texts = [each.acceptance_text for each in application.signatory_texts]
    for text in texts or [application.acceptance_text]:
        show(Text(text.decode("utf-8", "backslashreplace").rstrip()), "")


def show_accepted(answer: service.AcceptConductCodeResponse) -> None:
    """Prints the license that a signature brought."""
    license_ = answer.license
    lines: Pairs = [
        ("application", answer.application.application_id),
        ("state", coloured(state_name(answer.application.state))),
        ("license", license_.license_id),
        ("number", license_.license_number),
        ("valid", f"{time_text(license_.not_before)} to {time_text(license_.not_after)}"),
        ("conditions", listed(license_.conditions)),
    ]
    show(pairs(lines))


def next_steps(application: model.Application) -> str:
    """The commands that the partner can give now, in words; empty if there is none."""
    allowed = application.allowed_commands
    return joined(words for name, words in PARTNER_COMMANDS.items() if name in allowed)


def end_users(details: model.ApplicationDetails) -> str:
    """The names of the end users."""
    return joined(
        party.name for party in details.parties if model.PARTY_ROLE_END_USER in party.roles
    )


def models(items: Iterable[model.Item]) -> str:
    """The models, each with its way of access."""
    return joined(
        f"{item.model_id} ({short(model.AccessMode, item.access_mode)})" for item in items
    )


def state_name(state: int) -> str:
    """The name of an application's state."""
    return short(model.ApplicationState, state)
