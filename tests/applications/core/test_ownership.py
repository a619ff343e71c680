from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.applications.core.model import Ownership, Party, PartyRole
from services.applications.core.ownership import picture
from tests.applications import builders as b


def owner(party_id: str, *stakes: tuple[str, float | None]) -> Party:
    return b.party(party_id, PartyRole.BENEFICIAL_OWNER, owns=tuple(Ownership(owned, share) for owned, share in stakes))


def share(parties: list[Party], listed: set[str], of: str = "target") -> float:
    return picture((*parties, b.party("target", PartyRole.END_USER)), listed).listed_percent[of]


def test_shares_of_several_listed_owners_add_up() -> None:
    assert share([owner("a", ("target", 30.0)), owner("b", ("target", 25.0))], {"a", "b"}) == 55.0


def test_shares_of_owners_who_are_not_listed_do_not_count() -> None:
    assert share([owner("a", ("target", 30.0)), owner("b", ("target", 25.0))], {"a"}) == 30.0


def test_a_firm_owned_by_half_passes_its_whole_share_on() -> None:
    assert share([owner("a", ("firm", 50.0)), owner("firm", ("target", 50.0))], {"a"}) == 50.0


def test_a_firm_owned_by_less_than_half_passes_nothing_on() -> None:
    assert share([owner("a", ("firm", 49.9)), owner("firm", ("target", 100.0))], {"a"}) == 0.0


def test_direct_and_indirect_shares_add_up_through_several_steps() -> None:
    chain = [owner("a", ("one", 60.0), ("target", 10.0)), owner("one", ("two", 51.0)), owner("two", ("target", 45.0))]

    assert share(chain, {"a"}) == 55.0


def test_a_cycle_of_owners_adds_nothing_by_itself() -> None:
    circle = [owner("one", ("two", 100.0)), owner("two", ("one", 100.0)), owner("a", ("target", 10.0))]

    assert share(circle, {"a"}, of="one") == 0.0


def test_a_cycle_that_a_listed_party_enters_is_followed_once() -> None:
    circle = [owner("one", ("two", 60.0)), owner("two", ("one", 40.0), ("target", 70.0)), owner("a", ("one", 50.0))]

    assert share(circle, {"a"}) == 70.0


def test_owning_oneself_counts_for_nothing() -> None:
    assert share([owner("a", ("a", 100.0), ("target", 20.0))], {"a"}, of="a") == 0.0


def test_shares_that_nobody_stated_are_reported() -> None:
    parties = (owner("a", ("target", None)), owner("b"), b.party("target", PartyRole.END_USER))

    assert picture(parties, set()).unknown == (("a", "target"), ("b", ""))


NAMES = ["a", "b", "c", "d", "target"]
STAKES = st.dictionaries(st.sampled_from(NAMES), st.floats(0, 100), max_size=4)


@given(st.fixed_dictionaries(dict.fromkeys(NAMES, STAKES)), st.sets(st.sampled_from(NAMES)), st.sampled_from(NAMES))
def test_one_more_listed_party_never_lowers_a_share(
    stakes: dict[str, dict[str, float]], listed: set[str], another: str
) -> None:
    parties = tuple(owner(name, *owned.items()) for name, owned in stakes.items())

    fewer, more = picture(parties, listed), picture(parties, listed | {another})

    assert all(0 <= fewer.listed_percent[name] <= more.listed_percent[name] <= 100 for name in NAMES)


@pytest.mark.parametrize("order", [1, -1])
def test_the_order_of_parties_does_not_matter(order: int) -> None:
    chain = [owner("a", ("one", 60.0)), owner("one", ("two", 51.0)), owner("two", ("target", 45.0))]

    assert share(chain[::order], {"a"}) == 45.0
