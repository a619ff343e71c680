from __future__ import annotations

from chassis.rpc.limits import DEFAULTS, Capacity, Limit, Limits


def test_a_principal_has_the_limits_of_its_kind_unless_it_has_its_own() -> None:
    own = Limit(calls_per_second=1, burst=1, concurrent_calls=1, streams=1)
    limits = Limits(by_name={"partner/example-1": own})

    assert limits.of("partner", "partner/example-1") == own
    assert limits.of("partner", "partner/example-2") == DEFAULTS["partner"]


def test_one_principal_with_the_default_limits_takes_a_small_part_of_a_replica() -> None:
    capacity = Capacity()

    for kind in ("partner", "officer", "service"):
        limit = DEFAULTS[kind]
        assert 10 * limit.streams <= capacity.streams - capacity.streams_for_gates
        assert 10 * limit.concurrent_calls <= capacity.calls - capacity.calls_for_gates
