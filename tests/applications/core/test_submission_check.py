from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from services.applications.core.application_details import (
    AccessMode,
    ApplicationDetails,
    Declaration,
    EndUserStatement,
    Identifier,
    Item,
    Ownership,
    Party,
    PartyKind,
    PartyRole,
    ShareRange,
    SigningAuthority,
)
from services.applications.core.errors import Fault
from services.applications.core.submission_check import check
from tests.applications import builders as b

KEY = b.KEY.public_key().public_bytes_raw()


def signatory(**changes: object) -> ApplicationDetails:
    return b.details(parties=(b.APPLICANT, b.END_USER, replace(b.SIGNATORY, **changes)))


def fourth(*roles: PartyRole, **changes: object) -> ApplicationDetails:
    return b.with_parties(b.party("fourth", *roles or (PartyRole.DEPLOYER,), **changes))


def signed(party_id: str, later: timedelta = timedelta()) -> ApplicationDetails:
    return b.details(
        end_user_statement=EndUserStatement(
            party_id, b.NOW + later, "We summarise letters of discharge."
        )
    )


def authority(party_id: str) -> SigningAuthority:
    return SigningAuthority(KEY, True, party_id)


NO_APPLICANT = b.details(
    parties=(replace(b.APPLICANT, roles=(PartyRole.DEPLOYER,)), b.END_USER, b.SIGNATORY)
)
SAME_ID = b.with_parties(replace(b.APPLICANT, roles=(PartyRole.DEPLOYER,)))
TWO_OWNERS = (replace(b.APPLICANT, owns=(Ownership("end-user", 60.0),)), b.END_USER, b.SIGNATORY)
STATED_TWICE = (Ownership("end-user", 10.0), Ownership("end-user", 5.0))
MINORITY = b.party("fourth", PartyRole.BENEFICIAL_OWNER, owns=(Ownership("end-user", 41.0),))
XX_NUMBER = (Identifier("LEI", "12", "XX"),)
UNKNOWN_MODEL = b.details(items=(Item("example-none-1", AccessMode.TOOL),))
SAME_ITEM = b.details(items=(Item("example-compact-1", AccessMode.TOOL),) * 2)
OWNED, AUTHORITY = (
    "details.parties[3].owns[{}].owned_party_id",
    "details.parties[2].signing_authority",
)

FAULTS = [
    (
        "details.parties",
        Fault.ROLE_MISSING,
        b.details(
            parties=(replace(b.APPLICANT, roles=(PartyRole.DEPLOYER,)), b.END_USER, b.SIGNATORY)
        ),
    ),
    (
        "details.parties[3].party_id",
        Fault.DUPLICATE_PARTY,
        b.with_parties(replace(b.APPLICANT, roles=(PartyRole.DEPLOYER,))),
    ),
    ("details.parties[3].country", Fault.UNKNOWN_COUNTRY, fourth(country="ZZ")),
    (
        "details.parties[3].identifiers[0].country",
        Fault.UNKNOWN_COUNTRY,
        fourth(identifiers=XX_NUMBER),
    ),
    ("details.parties[3].birth_date", Fault.KIND_MISMATCH, fourth(birth_date="1980")),
    ("details.parties[3].sector", Fault.KIND_MISMATCH, fourth(kind=PartyKind.VESSEL)),
    (OWNED.format(0), Fault.UNKNOWN_PARTY, fourth(owns=(Ownership("ghost", 10.0),))),
    (OWNED.format(0), Fault.KIND_MISMATCH, fourth(owns=(Ownership("signatory", 10.0),))),
    (
        OWNED.format(1),
        Fault.DUPLICATE_PARTY,
        fourth(owns=STATED_TWICE),
    ),
    (
        "details.parties[3].signing_authority",
        Fault.ROLE_MISSING,
        fourth(signing_authority=authority("end-user")),
    ),
    (AUTHORITY, Fault.SIGNATORY_MISSING, signatory(signing_authority=None)),
    (
        f"{AUTHORITY}.binds_party_id",
        Fault.UNKNOWN_PARTY,
        signatory(signing_authority=authority("ghost")),
    ),
    (
        f"{AUTHORITY}.binds_party_id",
        Fault.ROLE_MISSING,
        signatory(signing_authority=authority("applicant")),
    ),
    ("details.parties[2].kind", Fault.KIND_MISMATCH, signatory(kind=PartyKind.ORGANISATION)),
    ("details.items[0].model_id", Fault.UNKNOWN_MODEL, UNKNOWN_MODEL),
    ("details.items[1]", Fault.DUPLICATE_ITEM, SAME_ITEM),
    ("details.destinations[1]", Fault.UNKNOWN_COUNTRY, b.details(destinations=("DE", "ZZ"))),
    (
        "details.end_user_statement.party_id",
        Fault.UNKNOWN_PARTY,
        signed("ghost"),
    ),
    (
        "details.end_user_statement.party_id",
        Fault.ROLE_MISSING,
        signed("applicant"),
    ),
    (
        "details.end_user_statement.signed_at",
        Fault.SIGNED_IN_FUTURE,
        signed("end-user", timedelta(seconds=1)),
    ),
    (
        "details.declaration.declared_by_party_id",
        Fault.UNKNOWN_PARTY,
        b.details(declaration=Declaration(True, "ghost")),
    ),
    (
        "details.parties[3].owns[0].share_percent",
        Fault.SHARES_EXCEED_WHOLE,
        b.details(
            parties=(
                replace(b.APPLICANT, owns=(Ownership("end-user", 60.0),)),
                b.END_USER,
                b.SIGNATORY,
                b.party("fourth", PartyRole.BENEFICIAL_OWNER, owns=(Ownership("end-user", 41.0),)),
            )
        ),
    ),
]


def bounds(party_id: str, low: float, high: float) -> Party:
    stake = Ownership("end-user", share_range=ShareRange(low, high))
    return b.party(party_id, PartyRole.BENEFICIAL_OWNER, owns=(stake,))


def test_bounds_exceed_the_whole_only_if_their_lower_ends_do() -> None:
    fits = b.with_parties(bounds("fourth", 40.0, 90.0), bounds("fifth", 60.0, 80.0))
    exceeds = b.with_parties(bounds("fourth", 40.0, 90.0), bounds("fifth", 61.0, 80.0))

    assert check(fits, b.REFERENCE_DATA, b.NOW) == ()
    assert [(fault.path, fault.reason) for fault in check(exceeds, b.REFERENCE_DATA, b.NOW)] == [
        ("details.parties[4].owns[0].share_range.at_least_percent", Fault.SHARES_EXCEED_WHOLE)
    ]


def test_owners_may_own_each_other() -> None:
    circle = (
        b.party(
            "fourth",
            PartyRole.BENEFICIAL_OWNER,
            owns=(Ownership("fifth", 60.0), Ownership("end-user", 50.0)),
        ),
        b.party("fifth", PartyRole.BENEFICIAL_OWNER, owns=(Ownership("fourth", 60.0),)),
    )

    assert check(b.with_parties(*circle), b.REFERENCE_DATA, b.NOW) == ()


def test_a_consistent_submission_has_no_fault() -> None:
    assert check(b.details(), b.REFERENCE_DATA, b.NOW) == ()


@pytest.mark.parametrize(
    ("path", "reason", "details"), FAULTS, ids=[f"{path}-{reason}" for path, reason, _ in FAULTS]
)
def test_a_contradiction_is_named_with_its_path(
    path: str, reason: Fault, details: ApplicationDetails
) -> None:
    assert [(fault.path, fault.reason) for fault in check(details, b.REFERENCE_DATA, b.NOW)] == [
        (path, reason)
    ]


def test_every_fault_is_produced_by_some_submission() -> None:
    assert {reason for _, reason, _ in FAULTS} == set(Fault)


def test_all_faults_are_named_at_once() -> None:
    parties = tuple(
        b.party(f"party-{number}", PartyRole.DEPLOYER, country="ZZ") for number in range(41)
    )

    faults = check(b.details(parties=parties), b.REFERENCE_DATA, b.NOW)

    assert sum(fault.reason is Fault.UNKNOWN_COUNTRY for fault in faults) == 41


def test_no_description_repeats_a_name() -> None:
    odd = b.party(
        "fourth", PartyRole.DEPLOYER, name="Secret Name", country="ZZ", owns=(Ownership("ghost"),)
    )

    assert not any(
        "Secret" in fault.description
        for fault in check(b.with_parties(odd), b.REFERENCE_DATA, b.NOW)
    )


@pytest.mark.parametrize(
    ("details", "sentence"),
    [
        (fourth(country="UK"), "countries are ISO 3166-1 alpha-2 codes; UK is GB"),
        (
            b.details(parties=(b.APPLICANT, b.END_USER)),
            (
                "add a party with role SIGNATORY and signing_authority, the person who signs the "
                "code of conduct, for example {party_id: signatory, roles: [SIGNATORY], kind: "
                "PERSON, name: NAME, country: DE, signing_authority: {public_key: ED25519_KEY, "
                "is_authorized: true, binds_party_id: end-user}}"
            ),
        ),
        (
            signatory(signing_authority=None),
            (
                "party signatory is a SIGNATORY, so it needs signing_authority: {public_key: "
                "ED25519_KEY, is_authorized: true, binds_party_id: end-user}; an application file "
                "may name a key_file instead of the public_key"
            ),
        ),
        (
            signatory(signing_authority=authority("ghost")),
            "there is no party ghost; the parties are applicant, end-user, signatory",
        ),
        (
            signatory(signing_authority=authority("applicant")),
            "party applicant does not have the role END_USER; end-user has it",
        ),
        (
            NO_APPLICANT,
            (
                "add a party with role APPLICANT, the organisation that asks for the license, or "
                "add the role to a party"
            ),
        ),
        (
            UNKNOWN_MODEL,
            (
                "example-none-1 is not in the model catalogue, which has example-frontier-1, "
                "example-frontier-2, example-compact-1"
            ),
        ),
    ],
)
def test_a_fault_names_the_right_value(details: ApplicationDetails, sentence: str) -> None:
    assert sentence in [fault.description for fault in check(details, b.REFERENCE_DATA, b.NOW)]
