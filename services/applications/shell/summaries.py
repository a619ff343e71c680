"""The summaries that lists show. They are stored beside the state, so they are small."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Final

from safeconduct.applications.v1 import model_pb2
from safeconduct.applications.v1 import service_pb2 as pb

from chassis.proto_mapping import to_timestamp
from services.applications.core.application_details import PartyRole
from services.applications.core.model import Application, ApplicationState, License
from services.applications.shell import codec

MOST_NAMES: Final = 3
MOST_VALUES: Final = 20
_NAME_CHARACTERS: Final = 100


def case(record: Application) -> pb.CaseSummary:
    """Returns the application as lists of cases show it."""
    view = pb.CaseSummary(application=_application(record))
    if record.policy is not None:
        view.tier = record.policy.tier
        view.effect = model_pb2.RuleEffect.Value(f"RULE_EFFECT_{record.policy.effect}")
        view.rule_ids.extend(_first(rule.rule_id for rule in record.policy.fired))
        view.countersignatures_needed = record.policy.countersignatures
    if record.recommendation is not None:
        recommended = record.recommendation
        view.recommended_outcome = model_pb2.Outcome.Value(f"OUTCOME_{recommended.outcome}")
        view.recommended_by = recommended.officer_id
        view.countersignatures = len(recommended.countersignatures)
    return view


def license_(record: License) -> pb.LicenseSummary:
    """Returns the license as lists show it."""
    return pb.LicenseSummary(
        license_id=str(record.license_id),
        license_number=record.license_number,
        application_id=str(record.application_id),
        partner_id=record.partner_id,
        state=model_pb2.LicenseState.Value(f"LICENSE_STATE_{record.state}"),
        holder_name=_cut(record.holder_name),
        end_user_names=map(_cut, record.end_user_names[:MOST_NAMES]),
        destinations=record.destinations[:MOST_VALUES],
        model_ids=_first(item.model_id for item in record.items),
        not_before=to_timestamp(record.not_before),
        not_after=to_timestamp(record.not_after),
    )


def _application(record: Application) -> pb.ApplicationSummary:
    details = record.details
    view = pb.ApplicationSummary(
        application_id=str(record.application_id),
        partner_id=record.partner_id,
        state=codec.state_number(record.state),
        submitted_at=to_timestamp(record.submitted_at),
        updated_at=to_timestamp(record.updated_at),
        applicant_name=next(iter(_names(record, PartyRole.APPLICANT)), ""),
        end_user_names=_names(record, PartyRole.END_USER)[:MOST_NAMES],
        party_count=len(details.parties),
        destinations=details.destinations[:MOST_VALUES],
        model_ids=_first(item.model_id for item in details.items),
        decision_id=str(record.decision.decision_id) if record.decision is not None else "",
        license_id=str(record.license.license_id) if record.license is not None else "",
    )
    if record.state is ApplicationState.AWAITING_SIGNATURE and record.sign_by is not None:
        view.sign_by.CopyFrom(to_timestamp(record.sign_by))
    return view


def _names(record: Application, role: PartyRole) -> list[str]:
    return [_cut(party.name) for party in record.details.parties if role in party.roles]


def _first(values: Iterable[str]) -> list[str]:
    """Returns the first different values."""
    return list(islice(dict.fromkeys(values), MOST_VALUES))


def _cut(name: str) -> str:
    return name if len(name) <= _NAME_CHARACTERS else name[: _NAME_CHARACTERS - 1] + "\u2026"
