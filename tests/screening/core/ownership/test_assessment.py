"""Ownership by listed parties: published examples, days of rules, properties of every graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.screening.core.ownership.assessment import Owner, Stake, assess
from services.screening.core.ownership.findings import OwnershipCause as Cause
from services.screening.core.ownership.findings import (
    OwnershipFinding,
    OwnershipResult,
    ShareRange,
    describe,
)
from services.screening.core.ownership.rules import Coverage, Listing, OwnershipRules, Ruling
from services.screening.shell.ownership_rules import read_ownership_rules

FILE = Path(__file__).parents[4] / "services/screening/rules/ownership.yaml"
RULES = read_ownership_rules(FILE)
TODAY = RULES.on(date(2026, 11, 24))
OFAC, BIS = "us-ofac-50-percent", "us-bis-affiliates"
SDN, EL, UVL = Listing("SDN", ("SDGT",)), Listing("EL"), Listing("UVL")


def owner(party_id: str, *listings: Listing, **owns: float | tuple[float, float] | None) -> Owner:
    """A party with its shares in others, by id: a number, two bounds, or None if unknown."""
    return Owner(
        party_id, tuple(Stake(owned, _share(said)) for owned, said in owns.items()), listings
    )


def _share(said: float | tuple[float, float] | None) -> ShareRange | None:
    if said is None:
        return None
    return ShareRange(*said) if isinstance(said, tuple) else ShareRange(said, said)


def found(
    *owners: Owner, of: str = "c", ruling: Ruling = TODAY
) -> dict[tuple[str, Cause], OwnershipFinding]:
    """What is found of one party, by rule and cause."""
    parties = owners if any(each.party_id == of for each in owners) else (*owners, Owner(of))
    return {
        (each.rule_id, each.cause): each
        for each in assess(parties, ruling).findings
        if each.party_id == of
    }


def blocking(*owners: Owner, of: str = "c", ruling: Ruling = TODAY) -> set[str]:
    said = found(*owners, of=of, ruling=ruling).values()
    return {each.rule_id for each in said if each.result is OwnershipResult.BLOCKED}


# The examples that OFAC gives for its rule (FAQ 399 and 401)


FAQ = {
    "one half of a half": ([owner("x", SDN, a=50.0), owner("a", c=50.0)], True),
    "two quarters through two halves": (
        [owner("x", SDN, a=50.0, b=50.0), owner("a", c=25.0), owner("b", c=25.0)],
        True,
    ),
    "ten directly and forty through another": (
        [owner("x", SDN, a=50.0, c=10.0), owner("a", c=40.0)],
        True,
    ),
    "one of two intermediaries owned by less than half": (
        [owner("x", SDN, a=50.0, b=25.0), owner("a", c=25.0), owner("b", c=25.0)],
        False,
    ),
    "two intermediaries owned by a quarter": (
        [owner("x", SDN, a=25.0, b=25.0), owner("a", c=50.0), owner("b", c=50.0)],
        False,
    ),
    "a quarter each of two blocked persons": (
        [owner("x", SDN, c=25.0), owner("y", SDN, c=25.0)],
        True,
    ),
}


@pytest.mark.parametrize("case", FAQ)
def test_the_published_examples_come_out_as_published(case: str) -> None:
    owners, is_blocked = FAQ[case]

    assert (OFAC in blocking(*owners)) is is_blocked


# Thresholds, lists and days


@pytest.mark.parametrize(("share", "is_blocked"), [(49.99, False), (50.0, True), (50.01, True)])
def test_half_is_enough(share: float, is_blocked: bool) -> None:
    assert (OFAC in blocking(owner("x", SDN, c=share))) is is_blocked


def test_shares_add_up_as_they_are_written() -> None:
    tenths = [owner(f"x{number}", SDN, c=share) for number, share in enumerate([0.1, 0.2, 49.7])]

    assert OFAC in blocking(*tenths)


def test_a_list_counts_only_for_the_rule_that_covers_it() -> None:
    assert blocking(owner("x", EL, c=60.0)) == {BIS}


def test_a_program_that_a_rule_does_not_name_does_not_count_for_it() -> None:
    assert blocking(owner("x", Listing("SDN", ("CUBA",)), c=60.0)) == {OFAC}


def test_a_listing_without_programs_counts_for_every_rule_of_its_list() -> None:
    assert blocking(owner("x", Listing("SDN"), c=60.0)) == {OFAC, BIS}


def test_parties_of_several_lists_count_together_where_the_rule_covers_both() -> None:
    assert blocking(owner("x", EL, c=30.0), owner("y", SDN, c=25.0)) == {BIS}


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (date(2025, 9, 28), None),
        (date(2025, 9, 29), Cause.OWNED_BY_LISTED),
        (date(2025, 11, 9), Cause.OWNED_BY_LISTED),
        (date(2025, 11, 10), Cause.RULE_SUSPENDED),
        (date(2026, 11, 9), Cause.RULE_SUSPENDED),
        (date(2026, 11, 10), Cause.OWNED_BY_LISTED),
    ],
)
def test_a_rule_holds_on_its_days(day: date, expected: Cause | None) -> None:
    said = found(owner("x", EL, c=60.0), ruling=RULES.on(day))

    assert {cause for rule, cause in said if rule == BIS} == ({expected} if expected else set())
    assert said, "an owner on a list is never passed over in silence"


def test_before_2014_08_13_the_older_rule_is_not_guessed_at() -> None:
    assert blocking(owner("x", SDN, c=60.0), ruling=RULES.on(date(2014, 8, 12))) == set()


def test_an_exclusive_threshold_is_not_met_by_the_threshold_itself() -> None:
    over = replace(TODAY, rules=tuple(replace(rule, is_inclusive=False) for rule in TODAY.rules))

    assert blocking(owner("x", SDN, c=50.0), ruling=over) == set()
    assert blocking(owner("x", SDN, c=50.1), ruling=over) == {OFAC, BIS}


def test_without_aggregation_one_owner_alone_has_to_hold_enough() -> None:
    alone = replace(TODAY, rules=tuple(replace(rule, is_aggregated=False) for rule in TODAY.rules))
    chain = [owner("x", SDN, a=50.0, c=20.0), owner("a", c=30.0)]

    assert blocking(owner("x", SDN, c=30.0), owner("y", SDN, c=30.0), ruling=alone) == set()
    assert blocking(*chain, ruling=alone) == {OFAC, BIS}


# What is not known, and what is less than the rule asks for


@pytest.mark.parametrize("listings", [(), (SDN,)], ids=["clear", "listed"])
def test_an_unknown_share_is_a_red_flag_whoever_holds_it(listings: tuple[Listing, ...]) -> None:
    assert ("", Cause.UNKNOWN_SHARE) in found(owner("x", *listings, c=None))


def test_an_unknown_share_of_a_listed_owner_may_be_all_that_the_others_leave() -> None:
    said = found(owner("x", SDN, c=None), owner("y", c=30.0))[OFAC, Cause.MAY_REACH_THRESHOLD]

    assert (said.result, said.at_least_percent, said.at_most_percent) == (
        OwnershipResult.RED_FLAG,
        0.0,
        70.0,
    )


def test_an_unknown_share_that_cannot_be_large_enough_is_still_a_red_flag() -> None:
    said = found(owner("x", SDN, c=None), owner("y", c=60.0))

    assert (OFAC, Cause.MINORITY_STAKE) in said
    assert ("", Cause.UNKNOWN_SHARE) in said


@pytest.mark.parametrize(
    ("bounds", "is_open"), [((40.0, 60.0), True), ((40.0, 49.0), False), ((50.0, 60.0), False)]
)
def test_bounds_on_both_sides_of_a_threshold_are_a_red_flag(
    bounds: tuple[float, float], is_open: bool
) -> None:
    assert (("", Cause.UNKNOWN_SHARE) in found(owner("x", c=bounds))) is is_open


def test_bounds_above_the_threshold_are_as_good_as_the_share() -> None:
    assert OFAC in blocking(owner("x", SDN, c=(50.0, 60.0)))


def test_a_beneficial_owner_who_does_not_say_of_whom_is_a_red_flag() -> None:
    silent = Owner("x", is_owner=True)

    assert ("", Cause.UNKNOWN_HOLDING) in found(silent, of="x")


def test_a_small_stake_of_a_listed_owner_is_a_red_flag() -> None:
    said = found(owner("x", SDN, c=1.0))[OFAC, Cause.MINORITY_STAKE]

    assert (said.result, said.at_least_percent) == (OwnershipResult.RED_FLAG, 1.0)


def test_a_listed_owner_who_stands_behind_a_minority_is_a_red_flag_further_down() -> None:
    said = found(owner("x", SDN, a=20.0), owner("a", c=100.0))[OFAC, Cause.MINORITY_STAKE]

    assert (said.at_least_percent, said.at_most_percent) == (0.0, 0.0)
    assert [step.owned_party_id for step in said.paths[0].steps] == ["a", "c"]


def test_an_owner_who_may_be_listed_is_a_red_flag_and_blocks_nothing() -> None:
    said = found(owner("x", replace(SDN, is_sure=False), c=60.0))

    assert (OFAC, Cause.MAY_REACH_THRESHOLD) in said
    assert all(each.result is OwnershipResult.RED_FLAG for each in said.values())


def test_an_owner_on_a_list_that_no_rule_covers_is_a_red_flag() -> None:
    assert set(found(owner("x", UVL, c=100.0))) == {("", Cause.LISTED_ELSEWHERE)}


def test_an_owner_for_whom_it_could_not_be_told_is_a_red_flag() -> None:
    assert set(found(Owner("x", (Stake("c", ShareRange(5, 5)),), is_undetermined=True))) == {
        ("", Cause.OWNER_UNDETERMINED)
    }


def test_owners_who_are_not_listed_with_shares_that_are_known_leave_nothing_to_say() -> None:
    assert assess([owner("x", c=60.0), owner("y", x=100.0), Owner("c")], TODAY).findings == ()


def test_a_share_of_nothing_is_no_share() -> None:
    assert found(owner("x", SDN, c=0.0)) == {}


# The path, and who is named


def test_the_most_restrictive_owner_is_named_with_its_path() -> None:
    said = found(owner("x", EL, c=40.0), owner("y", SDN, a=60.0), owner("a", c=15.0))[
        BIS, Cause.OWNED_BY_LISTED
    ]

    assert (said.most_restrictive_owner_id, said.list_codes) == ("y", ("SDN", "EL"))
    assert [[step.owner_party_id for step in path.steps] for path in said.paths] == [
        ["y", "a"],
        ["x"],
    ]


def test_a_finding_can_be_read_aloud_by_ids_and_by_names() -> None:
    said = found(owner("x", EL, c=40.0), owner("y", SDN, a=60.0), owner("a", c=15.0))[
        BIS, Cause.OWNED_BY_LISTED
    ]

    assert said.explanation == (
        "Listed parties own 55 % of c, which meets rule us-bis-affiliates of US Commerce, BIS"
        " (50 % or more, all listed owners together). y (listed: SDN) holds 60 % of a, a holds 15 %"
        " of c, and that share counts in full. x (listed: EL) holds 40 % of c."
        " The most restrictive owner is y (listed: SDN)."
    )
    assert '"Example Holding 1 Ltd" (listed: SDN) holds 60 % of a' in describe(
        said, {"y": "Example Holding 1 Ltd"}
    )


@pytest.mark.parametrize("cause", Cause)
def test_every_cause_has_a_sentence(cause: Cause) -> None:
    assert describe(OwnershipFinding("c", OwnershipResult.RED_FLAG, cause), {}).endswith(".")


def test_of_many_holdings_the_first_are_kept_and_the_others_counted() -> None:
    said = found(*(owner(f"x{number}", SDN, c=10.0) for number in range(8)))[
        OFAC, Cause.OWNED_BY_LISTED
    ]

    assert (said.at_least_percent, len(said.paths), said.more_paths) == (80.0, 3, 5)


def chain(length: int) -> list[Owner]:
    """A listed party at the top of a chain of halves."""
    links = [owner(f"n{number}", **{f"n{number + 1}": 50.0}) for number in range(1, length)]
    return [owner("n0", SDN, n1=50.0), *links, Owner(f"n{length}")]


def test_of_a_long_way_both_ends_are_told() -> None:
    said = found(*chain(20), of="n20")[OFAC, Cause.OWNED_BY_LISTED]
    (path,) = said.paths

    assert [step.owner_party_id for step in path.steps] == [
        "n0",
        "n1",
        "n2",
        "n3",
        "n16",
        "n17",
        "n18",
        "n19",
    ]
    assert path.omitted_steps == 12
    assert (
        "n3 holds 50 % of n4, and so on through 12 more holdings, n16 holds 50 % of n17"
        in said.explanation
    )


def test_the_largest_application_makes_no_fact_that_is_too_large() -> None:
    everything = replace(chain(49)[0], listings=(SDN, UVL), is_undetermined=True)
    names = [f"{'n' * 36}-{number}" for number in range(50)]
    renamed = [
        replace(
            each,
            party_id=name,
            owns=tuple(replace(stake, owned_party_id=after) for stake in each.owns),
        )
        for each, name, after in zip(
            [everything, *chain(49)[1:]], names, [*names[1:], ""], strict=True
        )
    ]

    said = assess(renamed, TODAY)

    assert len(said.findings) == 4 * 49
    assert sum(len(repr(each)) for each in said.findings) < 1_000_000


# Cycles


def test_a_cycle_of_owners_adds_nothing_by_itself() -> None:
    circle = [owner("a", b=100.0), owner("b", a=100.0), owner("x", SDN, c=100.0)]

    assert found(*circle, of="a") == {}


def test_a_cycle_that_a_listed_party_enters_is_followed() -> None:
    circle = [owner("x", SDN, a=50.0), owner("a", b=60.0), owner("b", a=40.0, c=70.0)]

    assert blocking(*circle, of="b") == blocking(*circle) == {OFAC, BIS}


def test_owning_oneself_counts_for_nothing() -> None:
    assert found(owner("a", SDN, a=100.0), of="a") == {}


# What holds of every graph

NAMES = ["a", "b", "c", "d", "e"]
SHARES = st.one_of(st.none(), st.integers(0, 1000).map(lambda tenths: tenths / 10))
GRAPHS = st.fixed_dictionaries(
    {name: st.dictionaries(st.sampled_from(NAMES), SHARES, max_size=4) for name in NAMES}
)
LISTED = st.dictionaries(
    st.sampled_from(NAMES),
    st.builds(Listing, st.sampled_from(["SDN", "EL", "UVL"]), is_sure=st.booleans()),
    max_size=3,
)
Graph = Mapping[str, Mapping[str, float | None]]


def owners(graph: Graph, listed: Mapping[str, Listing]) -> list[Owner]:
    return [
        owner(name, *([listed[name]] if name in listed else []), **owns)
        for name, owns in graph.items()
    ]


def seriousness(
    graph: Graph, listed: Mapping[str, Listing], ruling: Ruling = TODAY
) -> dict[str, int]:
    """Of each party: 0 nothing, 1 a red flag, 2 blocked."""
    worst = dict.fromkeys(NAMES, 0)
    for each in assess(owners(graph, listed), ruling).findings:
        worst[each.party_id] = max(
            worst[each.party_id], 2 if each.result is OwnershipResult.BLOCKED else 1
        )
    return worst


def is_no_better(before: Mapping[str, int], after: Mapping[str, int]) -> bool:
    return all(before[name] <= after[name] for name in NAMES)


@given(GRAPHS, LISTED, st.permutations(NAMES))
def test_the_order_of_parties_and_shares_does_not_matter(
    graph: Graph, listed: Mapping[str, Listing], order: Sequence[str]
) -> None:
    shuffled = {
        name: {owned: graph[name][owned] for owned in order if owned in graph[name]}
        for name in order
    }

    first, second = assess(owners(graph, listed), TODAY), assess(owners(shuffled, listed), TODAY)

    assert set(first.findings) == set(second.findings)


@given(GRAPHS, LISTED, st.sampled_from(NAMES), st.sampled_from(["SDN", "EL", "UVL"]))
def test_one_more_listed_owner_never_makes_anything_better(
    graph: Graph, listed: Mapping[str, Listing], another: str, code: str
) -> None:
    more = {another: Listing(code)} | dict(listed)

    assert is_no_better(seriousness(graph, listed), seriousness(graph, more))


@given(GRAPHS, LISTED, st.sampled_from(NAMES), st.sampled_from(NAMES), st.integers(0, 1000))
def test_a_larger_share_never_makes_anything_better(
    graph: Graph, listed: Mapping[str, Listing], who: str, owned: str, tenths: int
) -> None:
    before = graph[who].get(owned, 0.0)
    larger = {
        **graph,
        who: {**graph[who], owned: max(before, tenths / 10) if before is not None else None},
    }

    assert is_no_better(seriousness(graph, listed), seriousness(larger, listed))


@given(GRAPHS, LISTED, st.sampled_from(NAMES), st.sampled_from(NAMES))
def test_not_saying_a_share_never_clears(
    graph: Graph, listed: Mapping[str, Listing], who: str, owned: str
) -> None:
    silent = {**graph, who: {**graph[who], owned: None}}

    assert who == owned or seriousness(silent, listed)[owned] > 0


@given(GRAPHS, LISTED)
def test_counting_owners_one_by_one_never_finds_more(
    graph: Graph, listed: Mapping[str, Listing]
) -> None:
    alone = replace(TODAY, rules=tuple(replace(rule, is_aggregated=False) for rule in TODAY.rules))

    assert is_no_better(seriousness(graph, listed, alone), seriousness(graph, listed))


@given(GRAPHS, LISTED)
def test_a_path_leads_from_a_listed_owner_to_the_party(
    graph: Graph, listed: Mapping[str, Listing]
) -> None:
    for each in assess(owners(graph, listed), TODAY).findings:
        for path in each.paths if each.rule_id else ():
            assert path.steps[0].owner_party_id in listed
            assert path.steps[-1].owned_party_id == each.party_id
            assert all(
                one.owned_party_id == two.owner_party_id
                for one, two in zip(path.steps, path.steps[1:], strict=False)
            )
            assert len(path.steps) <= len(NAMES)


# The file


def test_the_shipped_rules_say_where_they_come_from_and_what_is_unconfirmed() -> None:
    by_id = {rule.rule_id: rule for rule in RULES.rules}

    assert all(rule.source for rule in RULES.rules)
    assert "2026-11-09" in by_id[BIS].to_confirm
    assert Coverage("MEU") in by_id[BIS].covers
    assert {rule.threshold_percent for rule in RULES.rules} == {Decimal(50)}


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ("threshold_percent: 50", "threshold_percent: 0"),
        ("indirect: WHOLE", "indirect: MULTIPLIED"),
        ("until: 2026-11-10", "until: 2025-11-10"),
        ("id: us-bis-affiliates", "id: us-ofac-50-percent"),
        ("inclusive: true", "inclusve: true"),
    ],
)
def test_a_fault_in_the_file_is_refused(said: str, fault: str, tmp_path: Path) -> None:
    file = tmp_path / "ownership.yaml"
    file.write_text(FILE.read_text(encoding="utf-8").replace(said, fault), encoding="utf-8")

    with pytest.raises(ValueError, match="validation error"):
        read_ownership_rules(file)


def test_no_rules_at_all_leave_listed_owners_as_red_flags() -> None:
    nothing = OwnershipRules("none", (), ()).on(date(2026, 11, 24))

    assert set(found(owner("x", SDN, c=60.0), ruling=nothing)) == {("", Cause.LISTED_ELSEWHERE)}
