"""Checks that a submission agrees with itself and with the reference data.

Lengths, forms and ranges of single fields are rules of the contract and were checked before. A
description names the field and the right value; it repeats no personal data.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from services.applications.core.application_details import (
    ApplicationDetails,
    Party,
    PartyKind,
    PartyRole,
    SigningAuthority,
)
from services.applications.core.countries import country_sentence
from services.applications.core.errors import Fault, FieldFault
from services.applications.core.reference_data import ReferenceData

_TOLERANCE_PERCENT: Final = 0.01
"""Shares are stated rounded, so that they may add up to a little more than 100 percent."""

_REQUIRED_ROLES: Final = {
    PartyRole.APPLICANT: "the organisation that asks for the license",
    PartyRole.END_USER: "the organisation that uses the model",
}


def check(
    details: ApplicationDetails, reference_data: ReferenceData, now: datetime
) -> tuple[FieldFault, ...]:
    """Returns all faults in the order of the fields; empty if the submission is consistent."""
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
    for role, meaning in _REQUIRED_ROLES.items():
        if role not in present:
            description = f"add a party with role {role}, {meaning}, or add the role to a party"
            yield FieldFault("details.parties", Fault.ROLE_MISSING, description)
    if PartyRole.SIGNATORY not in present:
        description = (
            "add a party with role SIGNATORY and signing_authority, the person who signs the code "
            "of conduct, for example {party_id: signatory, roles: [SIGNATORY], kind: PERSON, "
            f"name: NAME, country: DE, signing_authority: {_authority_example(details)}}}"
        )
        yield FieldFault("details.parties", Fault.SIGNATORY_MISSING, description)


def _authority_example(details: ApplicationDetails) -> str:
    end_users = (party for party in details.parties if PartyRole.END_USER in party.roles)
    bound = next((party.party_id for party in end_users), "PARTY_ID_OF_THE_END_USER")
    return f"{{public_key: ED25519_KEY, is_authorized: true, binds_party_id: {bound}}}"


def _party(
    path: str, index: int, party: Party, details: ApplicationDetails, reference_data: ReferenceData
) -> Iterator[FieldFault]:
    if party.party_id in {earlier.party_id for earlier in details.parties[:index]}:
        yield FieldFault(
            f"{path}.party_id",
            Fault.DUPLICATE_PARTY,
            f"party id {party.party_id} is used by an earlier party; give every party its own",
        )
    if party.country not in reference_data.countries:
        yield _unknown_country(f"{path}.country", party.country, reference_data)
    if party.birth_date and party.kind is not PartyKind.PERSON:
        description = f"only a PERSON has a birth date; party {party.party_id} is a {party.kind}"
        yield FieldFault(f"{path}.birth_date", Fault.KIND_MISMATCH, description)
    if party.sector is not None and party.kind is PartyKind.VESSEL:
        description = "a VESSEL has no sector; leave it out"
        yield FieldFault(f"{path}.sector", Fault.KIND_MISMATCH, description)
    for number, identifier in enumerate(party.identifiers):
        if identifier.country and identifier.country not in reference_data.countries:
            where = f"{path}.identifiers[{number}].country"
            yield _unknown_country(where, identifier.country, reference_data)
    yield from _stakes(path, party, details)
    yield from _signatory(path, party, details)


def _stakes(path: str, party: Party, details: ApplicationDetails) -> Iterator[FieldFault]:
    kinds = {other.party_id: other.kind for other in details.parties}
    seen: set[str] = set()
    for number, stake in enumerate(party.owns):
        where = f"{path}.owns[{number}].owned_party_id"
        owned = stake.owned_party_id
        if owned not in kinds:
            yield _unknown_party(where, owned, details)
        elif kinds[owned] is PartyKind.PERSON:
            description = f"party {owned} is a PERSON, and a person cannot be owned"
            yield FieldFault(where, Fault.KIND_MISMATCH, description)
        if owned in seen:
            description = f"the share in {owned} is stated twice; state it once"
            yield FieldFault(where, Fault.DUPLICATE_PARTY, description)
        seen.add(owned)


def _signatory(path: str, party: Party, details: ApplicationDetails) -> Iterator[FieldFault]:
    authority = party.signing_authority
    where = f"{path}.signing_authority"
    if PartyRole.SIGNATORY in party.roles:
        if party.kind is not PartyKind.PERSON:
            description = f"a SIGNATORY must be a PERSON; party {party.party_id} is a {party.kind}"
            yield FieldFault(f"{path}.kind", Fault.KIND_MISMATCH, description)
        if authority is None:
            description = (
                f"party {party.party_id} is a SIGNATORY, so it needs signing_authority: "
                f"{_authority_example(details)}; an application file may name a key_file instead "
                "of the public_key"
            )
            yield FieldFault(where, Fault.SIGNATORY_MISSING, description)
    elif authority is not None:
        description = (
            f"party {party.party_id} has a signing_authority, so it needs the role SIGNATORY"
        )
        yield FieldFault(where, Fault.ROLE_MISSING, description)
    if authority is not None:
        yield from _authority(where, authority, details)


def _authority(
    where: str, authority: SigningAuthority, details: ApplicationDetails
) -> Iterator[FieldFault]:
    roles = {party.party_id: party.roles for party in details.parties}
    bound = authority.binds_party_id
    if bound not in roles:
        yield _unknown_party(f"{where}.binds_party_id", bound, details)
    elif PartyRole.END_USER not in roles[bound]:
        yield _no_end_user(f"{where}.binds_party_id", bound, details)


def _shares(details: ApplicationDetails) -> Iterator[FieldFault]:
    whole: dict[str, float] = {}
    for index, party in enumerate(details.parties):
        for number, stake in enumerate(party.owns):
            before = whole.get(stake.owned_party_id, 0.0)
            after = whole[stake.owned_party_id] = before + (stake.at_least_percent or 0.0)
            if before <= 100 + _TOLERANCE_PERCENT < after:
                field = (
                    "share_percent" if stake.share_range is None else "share_range.at_least_percent"
                )
                yield FieldFault(
                    f"details.parties[{index}].owns[{number}].{field}",
                    Fault.SHARES_EXCEED_WHOLE,
                    f"the shares in {stake.owned_party_id} add up to {after:g} %, more than 100 %",
                )


def _items(details: ApplicationDetails, reference_data: ReferenceData) -> Iterator[FieldFault]:
    for index, item in enumerate(details.items):
        if item.model_id not in reference_data.models:
            known = ", ".join(reference_data.models)
            description = f"{item.model_id} is not in the model catalogue, which has {known}"
            yield FieldFault(f"details.items[{index}].model_id", Fault.UNKNOWN_MODEL, description)
        if item in details.items[:index]:
            yield FieldFault(
                f"details.items[{index}]",
                Fault.DUPLICATE_ITEM,
                "the same model with the same access mode is an earlier item; state it once",
            )


def _destinations(
    details: ApplicationDetails, reference_data: ReferenceData
) -> Iterator[FieldFault]:
    for index, country in enumerate(details.destinations):
        if country not in reference_data.countries:
            yield _unknown_country(f"details.destinations[{index}]", country, reference_data)


def _statement(details: ApplicationDetails, now: datetime) -> Iterator[FieldFault]:
    statement = details.end_user_statement
    if statement is None:
        return
    roles = {party.party_id: party.roles for party in details.parties}
    where = "details.end_user_statement"
    if statement.party_id not in roles:
        yield _unknown_party(f"{where}.party_id", statement.party_id, details)
    elif PartyRole.END_USER not in roles[statement.party_id]:
        yield _no_end_user(f"{where}.party_id", statement.party_id, details)
    if statement.signed_at > now:
        description = f"is in the future; the time is now {now:%Y-%m-%dT%H:%M:%SZ}"
        yield FieldFault(f"{where}.signed_at", Fault.SIGNED_IN_FUTURE, description)


def _declaration(details: ApplicationDetails) -> Iterator[FieldFault]:
    declared_by = details.declaration.declared_by_party_id
    if declared_by not in {party.party_id for party in details.parties}:
        yield _unknown_party("details.declaration.declared_by_party_id", declared_by, details)


def _unknown_country(path: str, country: str, reference_data: ReferenceData) -> FieldFault:
    description = country_sentence(country, reference_data.countries)
    return FieldFault(path, Fault.UNKNOWN_COUNTRY, description)


def _unknown_party(path: str, party_id: str, details: ApplicationDetails) -> FieldFault:
    known = ", ".join(party.party_id for party in details.parties)
    description = f"there is no party {party_id}; the parties are {known}"
    return FieldFault(path, Fault.UNKNOWN_PARTY, description)


def _no_end_user(path: str, party_id: str, details: ApplicationDetails) -> FieldFault:
    end_users = [party.party_id for party in details.parties if PartyRole.END_USER in party.roles]
    description = f"party {party_id} does not have the role END_USER"
    if end_users:
        description += f"; {', '.join(end_users)} has it"
    return FieldFault(path, Fault.ROLE_MISSING, description)
