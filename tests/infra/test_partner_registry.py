from __future__ import annotations

from pathlib import Path

from chassis.rpc.partners import PartnerState, read_partners
from infra.local.partner_registry import add_partner
from infra.local.stack import OFFICERS, PARTNERS


def test_a_partner_is_added_once_and_keeps_its_state(tmp_path: Path) -> None:
    path = tmp_path / "partners.yaml"
    path.write_text(PARTNERS.read_text())
    for partner_id in ("example-7", "example-7", "suspended-1"):
        add_partner(path, partner_id)

    partners = read_partners(path)

    assert partners["example-7"] is PartnerState.ACTIVE
    assert partners["suspended-1"] is PartnerState.SUSPENDED
    assert len(partners) == len(read_partners(PARTNERS)) + 1


def test_the_officers_of_a_local_stack_belong_to_registered_partners() -> None:
    from chassis.rpc.officers import Officers

    assert Officers(OFFICERS, read_partners(PARTNERS).__contains__).find("licensing-4") is not None
