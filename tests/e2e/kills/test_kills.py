"""The host is killed with SIGKILL at every step of failover and failback; the operation ends as if it had not been.

One host serves all environments on the real stores. Each case dooms it at one place, asks for the operation, sees the
process die there and the platform start it again, and compares what the operation left behind with an undisturbed run.
"""

from __future__ import annotations

import itertools
import signal
from collections.abc import Mapping

import pytest

from shared.domain.locks import EnvironmentLock
from shared.domain.operations import STEPS_OF, OperationKind, Step
from tests.e2e.kills.cases import Kill, inside, kills, step_of
from tests.e2e.kills.fence_log import shared_leases, tokens_of
from tests.e2e.kills.final_state import final_state
from tests.e2e.kills.gateways import overlaps
from tests.e2e.kills.rig import Rig

KINDS = (OperationKind.FAILOVER, OperationKind.FAILBACK)
KILLS = kills()


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.value)
def test_every_step_of_an_operation_has_a_case_before_inside_and_after_it(kind: OperationKind) -> None:
    for step in (*STEPS_OF[kind], Step.FINISH_OPERATION):
        own = [kill for kill in KILLS if kill.kind is kind and step_of(kill) == step.id]
        assert {kill.when for kill in own} == {"before", "inside", "returned", "recorded"}, step
        assert [kill.point for kill in own if kill.point] == [place.partition("#")[0] for place in inside(step)]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.value)
def test_an_uninterrupted_operation_succeeds(
    kind: OperationKind, uninterrupted: Mapping[OperationKind, Mapping[str, object]]
) -> None:
    state = uninterrupted[kind]
    failed_over = kind is OperationKind.FAILOVER
    assert state["status"] == "succeeded", state
    assert state["holder"] == ("dr-standby" if failed_over else "primary"), state
    assert state["stop of the DR cluster is planned"] is not failed_over, state
    assert state["running operation"] is None
    assert state["mirror"] is True, state
    assert set(dict(state["steps"]).values()) == {"succeeded"}, state  # type: ignore[call-overload]


@pytest.mark.parametrize("kill", KILLS, ids=lambda kill: kill.name)
def test_an_operation_whose_host_is_killed_ends_as_the_uninterrupted_one(
    kill: Kill, rig: Rig, uninterrupted: Mapping[OperationKind, Mapping[str, object]]
) -> None:
    environment = kill.environment
    rig.ready_for(kill.kind, environment)
    before, pid = rig.lock(environment), rig.host.wait_until_it_serves()
    deaths = rig.host.doom(kill.crash)
    rig.request(environment, kill.kind, deaths=deaths)
    death = rig.host.next_death(deaths)
    rig.host.pardon()
    assert death is not None, f"{kill.name}: nothing died there\n{rig.story(environment)}"
    assert (death.pid, death.code) == (pid, -signal.SIGKILL), kill.name

    operation = rig.ended(environment, before)
    told = f"{kill.name}\n{rig.story(environment)}"
    assert rig.orchestration_status(operation) == "Completed", told
    assert rig.host.wait_until_it_serves() != pid, told
    assert len(rig.host.deaths) == deaths + 1, told
    assert final_state(rig, environment, operation) == uninterrupted[kill.kind], told
    assert_one_token_was_minted(rig, environment, before, told)
    assert_nobody_shared_the_environment(rig, environment, told)

    again = rig.post(environment, kill.kind)
    assert (again.status_code, again.json().get("fencing_token")) == (200, str(rig.lock(environment).token)), told
    assert again.headers.get("Idempotent-Replayed") == "true", told
    # What the next case here needs takes a while, and other cases come first.
    if kill.kind is OperationKind.FAILOVER:
        rig.with_primary_back(environment)
    else:
        rig.with_primary_silent(environment)


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
