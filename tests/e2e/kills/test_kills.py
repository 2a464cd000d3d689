"""The host is killed with SIGKILL at every step of failover and failback; the operation ends as if it had not been.

One host serves all environments on the real stores. Each case dooms it at one place, asks for the operation, sees the
process die there and the platform start it again, and compares what the operation left behind with an undisturbed run.
"""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from shared.domain.operations import STEPS_OF, OperationKind, Step
from tests.e2e.kills.cases import UNTOUCHED, Kill, inside, kills, step_of
from tests.e2e.kills.final_state import final_state
from tests.e2e.kills.holders import assert_nobody_shared_the_environment, assert_one_token_was_minted
from tests.e2e.kills.rig import Rig

KINDS = (OperationKind.FAILOVER, OperationKind.FAILBACK)
KILLS = kills()


@pytest.fixture(scope="module")
def uninterrupted(rig: Rig) -> Mapping[OperationKind, Mapping[str, object]]:
    """The final states of a failover and a failback during which nothing was killed."""
    # All at once: by the time its case comes, each has been silent for long enough.
    rig.everywhere(rig.with_primary_silent)
    failover = rig.carried_out(UNTOUCHED, OperationKind.FAILOVER)
    states = {OperationKind.FAILOVER: final_state(rig, UNTOUCHED, failover)}
    rig.with_primary_back(UNTOUCHED)
    failback = rig.carried_out(UNTOUCHED, OperationKind.FAILBACK)
    states[OperationKind.FAILBACK] = final_state(rig, UNTOUCHED, failback)
    return states


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
    rig.assert_it_died(kill, pid=pid, deaths=deaths)

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
