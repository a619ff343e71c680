"""Whether a submission is consistent: with itself and with the reference data. Every fault at once, each with its path.

The shape of single fields (lengths, patterns, ranges) is checked before, from the rules in the contract.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from services.applications.core.errors import Fault, FieldFault
from services.applications.core.model import (
    ApplicationDetails,
    Party,
    PartyKind,
    PartyRole,
    SigningAuthority,
)
from services.applications.core.reference_data import ReferenceData

_TOLERANCE_PERCENT = 0.01
"""Stated shares are rounded; a hundredth of a percent above the whole is no contradiction."""


def check(
    details: ApplicationDetails, reference_data: ReferenceData, now: datetime
) -> tuple[FieldFault, ...]:
    """All faults of the submission, in the order of its fields; empty = consistent."""
    return (
        *_roles(details),
        *(
            fault
            for index, party in enumerate(details.parties)
            for fault in _party(f"details.parties[{index}]", index, party, details, reference_data)
        ),
        *_shares(details),
        *_items(details, reference_data),
        *_destinations(details, reference_data),
        *_statement(details, now),
        *_declaration(details),
    )


def _roles(details: ApplicationDetails) -> Iterator[FieldFault]:
    present = {role for party in details.parties for role in party.roles}
    for role in (PartyRole.APPLICANT, PartyRole.END_USER):
        if role not in present:
            yield FieldFault("details.parties", Fault.ROLE_MISSING, f"no party has the role {role}")
    if PartyRole.SIGNATORY not in present:
        yield FieldFault(
            "details.parties", Fault.SIGNATORY_MISSING, "no party will sign the code of conduct"
        )


def _party(
    path: str, index: int, party: Party, details: ApplicationDetails, reference_data: ReferenceData
) -> Iterator[FieldFault]:
    if party.party_id in {earlier.party_id for earlier in details.parties[:index]}:
        yield FieldFault(
            f"{path}.party_id",
            Fault.DUPLICATE_PARTY,
            f"an earlier party is called {party.party_id}",
        )
    if party.country not in reference_data.countries:
        yield _unknown_country(f"{path}.country", party.country)
    if party.birth_date and party.kind is not PartyKind.PERSON:
        yield FieldFault(
            f"{path}.birth_date", Fault.KIND_MISMATCH, f"{_a(party.kind)} has no date of birth"
        )
    if party.sector is not None and party.kind is PartyKind.VESSEL:
        yield FieldFault(f"{path}.sector", Fault.KIND_MISMATCH, "a vessel has no sector")
    for number, identifier in enumerate(party.identifiers):
        if identifier.country and identifier.country not in reference_data.countries:
            yield _unknown_country(f"{path}.identifiers[{number}].country", identifier.country)
    yield from _stakes(path, party, details)
    yield from _signatory(path, party, details)


def _stakes(path: str, party: Party, details: ApplicationDetails) -> Iterator[FieldFault]:
    kinds = {other.party_id: other.kind for other in details.parties}
    seen: set[str] = set()
    for number, stake in enumerate(party.owns):
        where = f"{path}.owns[{number}].owned_party_id"
        owned = stake.owned_party_id
        if owned not in kinds:
            yield _unknown_party(where, owned)
        elif kinds[owned] is PartyKind.PERSON:
            yield FieldFault(where, Fault.KIND_MISMATCH, "a person cannot be owned")
        if owned in seen:
            yield FieldFault(where, Fault.DUPLICATE_PARTY, f"the share in {owned} is stated twice")
        seen.add(owned)


def _signatory(path: str, party: Party, details: ApplicationDetails) -> Iterator[FieldFault]:
    authority = party.signing_authority
    where = f"{path}.signing_authority"
    if PartyRole.SIGNATORY in party.roles:
        if party.kind is not PartyKind.PERSON:
            yield FieldFault(f"{path}.kind", Fault.KIND_MISMATCH, "only a person can sign")
        if authority is None:
            yield FieldFault(
                where, Fault.SIGNATORY_MISSING, "a signatory needs a key and the power to sign"
            )
    elif authority is not None:
        yield FieldFault(
            where, Fault.ROLE_MISSING, "only a party with the role SIGNATORY has a key to sign with"
        )
    if authority is not None:
        yield from _authority(where, authority, details)


def _authority(
    where: str, authority: SigningAuthority, details: ApplicationDetails
) -> Iterator[FieldFault]:
    roles = {party.party_id: party.roles for party in details.parties}
    bound = authority.binds_party_id
    if bound not in roles:
        yield _unknown_party(f"{where}.binds_party_id", bound)
    elif PartyRole.END_USER not in roles[bound]:
        yield FieldFault(
            f"{where}.binds_party_id", Fault.ROLE_MISSING, f"{bound} is not an end user"
        )


def _shares(details: ApplicationDetails) -> Iterator[FieldFault]:
    whole: dict[str, float] = {}
    for index, party in enumerate(details.parties):
        for number, stake in enumerate(party.owns):
            before = whole.get(stake.owned_party_id, 0.0)
            after = whole[stake.owned_party_id] = before + (stake.at_least_percent or 0.0)
            if before <= 100 + _TOLERANCE_PERCENT < after:
                said = (
                    "share_percent" if stake.share_range is None else "share_range.at_least_percent"
                )
                path = f"details.parties[{index}].owns[{number}].{said}"
                yield FieldFault(
                    path,
                    Fault.SHARES_EXCEED_WHOLE,
                    f"the shares in {stake.owned_party_id} add up to more than 100 %",
                )


def _items(details: ApplicationDetails, reference_data: ReferenceData) -> Iterator[FieldFault]:
    for index, item in enumerate(details.items):
        if item.model_id not in reference_data.models:
            path = f"details.items[{index}].model_id"
            yield FieldFault(
                path, Fault.UNKNOWN_MODEL, f"{item.model_id} is not in the model catalogue"
            )
        if item in details.items[:index]:
            yield FieldFault(
                f"details.items[{index}]",
                Fault.DUPLICATE_ITEM,
                "model and access mode are given twice",
            )


def _destinations(
    details: ApplicationDetails, reference_data: ReferenceData
) -> Iterator[FieldFault]:
    for index, country in enumerate(details.destinations):
        if country not in reference_data.countries:
            yield _unknown_country(f"details.destinations[{index}]", country)


def _statement(details: ApplicationDetails, now: datetime) -> Iterator[FieldFault]:
    statement = details.end_user_statement
    if statement is None:
        return
    roles = {party.party_id: party.roles for party in details.parties}
    where = "details.end_user_statement"
    if statement.party_id not in roles:
        yield _unknown_party(f"{where}.party_id", statement.party_id)
    elif PartyRole.END_USER not in roles[statement.party_id]:
        yield FieldFault(
            f"{where}.party_id", Fault.ROLE_MISSING, f"{statement.party_id} is not an end user"
        )
    if statement.signed_at > now:
        yield FieldFault(
            f"{where}.signed_at", Fault.SIGNED_IN_FUTURE, "the statement is signed in the future"
        )


def _declaration(details: ApplicationDetails) -> Iterator[FieldFault]:
    declared_by = details.declaration.declared_by_party_id
    if declared_by not in {party.party_id for party in details.parties}:
        yield _unknown_party("details.declaration.declared_by_party_id", declared_by)


def _unknown_country(path: str, country: str) -> FieldFault:
    return FieldFault(path, Fault.UNKNOWN_COUNTRY, f"{country} is not a country of ISO 3166-1")


def _unknown_party(path: str, party_id: str) -> FieldFault:
    return FieldFault(path, Fault.UNKNOWN_PARTY, f"the application has no party {party_id}")


def _a(kind: PartyKind) -> str:
    return {
        PartyKind.PERSON: "a person",
        PartyKind.ORGANISATION: "an organisation",
        PartyKind.VESSEL: "a vessel",
    }[kind]
