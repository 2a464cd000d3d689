"""Who held an environment during a case: one token for each move, and never two gateways at once."""

from __future__ import annotations

import itertools

from shared.domain.locks import EnvironmentLock
from tests.e2e.kills.fence_log import shared_leases, tokens_of
from tests.e2e.kills.gateways import overlaps
from tests.e2e.kills.rig import Rig


def assert_one_token_was_minted(rig: Rig, environment: str, before: EnvironmentLock, told: str) -> None:
    """The operation moved the lock once: its token follows the former one, in the lock and in the log of the fence."""
    lock, tokens = rig.lock(environment), tokens_of(rig.fence_log(environment))
    assert (lock.previous_token, lock.previous_holder) == (before.token, before.holder), told
    assert lock.token > before.token, told
    assert tokens[-2:] == [before.token, lock.token], told
    assert all(earlier < later for earlier, later in itertools.pairwise(tokens)), f"{tokens}\n{told}"


def assert_nobody_shared_the_environment(rig: Rig, environment: str, told: str) -> None:
    """At no moment did two gateways hold unexpired leases: by PostgreSQL's record, and by what gateways were told."""
    states = rig.fence_log(environment)
    assert any(state.lease_until for state in states), told
    assert not shared_leases(states), f"{shared_leases(states)}\n{told}"
    held = [one for gateway in rig.gateways(environment) for one in gateway.held]
    assert held, told
    assert not overlaps(held), f"{overlaps(held)}\n{told}"
