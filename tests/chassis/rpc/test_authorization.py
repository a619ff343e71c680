from __future__ import annotations

import pytest
from safeconduct.applications.v1 import service_pb2 as applications
from safeconduct.screening.v1 import service_pb2 as screening

from chassis.rpc.authentication import Principal
from chassis.rpc.authorization import AccessRule, access_table, anyone_with_a_role, authorize
from chassis.rpc.errors import RpcError

PARTNER = Principal("partner", "example-1", "example-1", frozenset({"PARTNER"}))
SUSPENDED = Principal(
    "partner", "example-2", "example-2", frozenset({"PARTNER"}), is_suspended=True
)
APPLICATIONS = Principal("service", "applications", None, frozenset({"SERVICE"}))
EVIL = Principal("service", "evil", None, frozenset({"SERVICE"}))

TABLE = access_table(
    service.full_name
    for file in (applications.DESCRIPTOR, screening.DESCRIPTOR)
    for service in file.services_by_name.values()
)
SUBMIT = TABLE["/safeconduct.applications.v1.ApplicationService/SubmitApplication"]
SIGN = TABLE["/safeconduct.applications.v1.ApplicationService/AcceptConductCode"]
WITHDRAW = TABLE["/safeconduct.applications.v1.ApplicationService/WithdrawApplication"]
SCREEN = TABLE["/safeconduct.screening.v1.ScreeningService/ScreenParty"]


def refusal(principal: Principal, rule: AccessRule) -> str | None:
    try:
        authorize(principal, rule)
    except RpcError as error:
        return error.reason
    return None


@pytest.mark.parametrize(
    ("principal", "rule", "reason"),
    [
        (PARTNER, SUBMIT, None),
        (SUSPENDED, SUBMIT, "PARTNER_SUSPENDED"),
        (SUSPENDED, SIGN, "PARTNER_SUSPENDED"),
        (SUSPENDED, WITHDRAW, None),
        (APPLICATIONS, SCREEN, None),
        (EVIL, SCREEN, "ROLE_MISSING"),
        (APPLICATIONS, SUBMIT, "ROLE_MISSING"),
        (EVIL, anyone_with_a_role({"applications"}), "ROLE_MISSING"),
        (SUSPENDED, anyone_with_a_role({"applications"}), None),
        (PARTNER, AccessRule(), "ROLE_MISSING"),
    ],
)
def test_a_rule_admits_roles_and_named_services_and_partners_by_their_state(
    principal: Principal, rule: AccessRule, reason: str | None
) -> None:
    assert refusal(principal, rule) == reason


def test_a_refused_service_is_told_which_services_the_method_admits() -> None:
    with pytest.raises(RpcError) as caught:
        authorize(EVIL, SCREEN)

    assert "of services it admits: applications" in caught.value.message
