"""Tables of licenses, their standing, and proposals to reinstate them."""

from __future__ import annotations

from collections.abc import Sequence

from safeconduct.applications.v1 import model_pb2 as model
from safeconduct.applications.v1 import service_pb2 as service
from safeconduct.applications.v1.service_pb2 import SigningKey
from safeconduct.cli.application_view import models
from safeconduct.cli.enum_names import short
from safeconduct.cli.output import joined, time_text
from safeconduct.cli.tables import Column, Pairs, coloured, listed, pairs, rows, show
from safeconduct.enforcement.v1 import model_pb2 as enforcement


def show_list(licenses: Sequence[service.LicenseSummary]) -> None:
    """Prints one license a line."""
    columns = (
        Column("LICENSE", whole=True),
        Column("NUMBER", whole=True),
        Column("RECORDED AS", whole=True, rank=1),
        Column("UNTIL", whole=True, rank=3),
        Column("END USERS", rank=2),
    )
    lines = [
        (
            one.license_id,
            one.license_number,
            coloured(short(model.LicenseState, one.state)),
            time_text(one.not_after),
            joined(one.end_user_names),
        )
        for one in licenses
    ]
    show(rows(columns, lines))


def show_license(found: model.License) -> None:
    """Prints one license as recorded. Its standing may be newer."""
    accepted = found.acceptance
    lines: Pairs = [
        ("license", found.license_id),
        ("number", found.license_number),
        ("recorded as", coloured(short(model.LicenseState, found.state))),
        ("holder", found.holder_name),
        ("end users", joined(found.end_user_names)),
        ("models", models(found.items)),
        ("destinations", joined(found.destinations)),
        ("end uses", joined(short(model.EndUse, use) for use in found.end_uses)),
        ("cap", f"{found.monthly_million_tokens} million tokens a month"),
        ("valid", f"{time_text(found.not_before)} to {time_text(found.not_after)}"),
        ("lease", f"{found.lease_seconds} s"),
        ("conditions", listed(found.conditions)),
        ("signed", f"{time_text(accepted.accepted_at)} by {accepted.signatory_party_id}"),
        ("application", found.application_id),
    ]
    show(pairs(lines))


def show_standing(standing: enforcement.Standing) -> None:
    """Prints whether the license is in force."""
    lines: Pairs = [
        ("standing", coloured(short(enforcement.StandingState, standing.state))),
        ("version", str(standing.version)),
        ("cause", _cause(standing.cause)),
    ]
    show(pairs(lines))


def _cause(cause: enforcement.StandingCause) -> str:
    if cause.is_list_match:
        return "LIST_MATCH"
    if not cause.measure_kind:
        return ""
    kind, clause = (
        short(enforcement.MeasureKind, cause.measure_kind),
        short(enforcement.Clause, cause.clause),
    )
    return f"{kind}:{clause}"


def show_reinstatement(proposed: enforcement.Reinstatement) -> None:
    """Prints a proposal to reinstate a license."""
    lines: Pairs = [
        ("reinstatement", proposed.reinstatement_id),
        ("proposed", officer_act(proposed.proposed_by)),
    ]
    show(pairs(lines))


def officer_act(act: enforcement.OfficerAct) -> str:
    """An officer's act in one line; `not yet` if there is none."""
    if not act.officer_id:
        return "not yet"
    return f"{act.officer_id} at {time_text(act.acted_at)}: {act.rationale}"


def show_keys(keys: Sequence[SigningKey]) -> None:
    """Prints one public key of license documents a line, those in use first."""
    columns = (
        Column("KEY", whole=True),
        Column("SIGNS", whole=True),
        Column("SINCE", whole=True, rank=1),
        Column("UNTIL", whole=True, rank=2),
    )
    lines = [
        (
            one.key_id,
            "no" if one.HasField("retired_at") else "yes",
            time_text(one.valid_from),
            time_text(one.retired_at),
        )
        for one in keys
    ]
    show(rows(columns, lines))
