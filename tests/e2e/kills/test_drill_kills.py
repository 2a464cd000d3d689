"""The host is killed between all steps of a drill and inside them: the drill ends, and nothing else has noticed it.

As in test_kills, on the same real stores. The primary beats and holds its environment all the time, and a task waits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from shared.domain.operations import OperationKind
from tests.e2e.kills.cases import UNTOUCHED, Kill, step_of
from tests.e2e.kills.drill_cases import INSIDE, STEPS, drill_kills
from tests.e2e.kills.drills import carry_out, drill_state, ended, last_drill, ready, request, untouchable
from tests.e2e.kills.evidence import evidence_of
from tests.e2e.kills.holders import assert_nobody_shared_the_environment
from tests.e2e.kills.rig import Rig
from tests.e2e.kills.surroundings import POLICY, SCHEDULES_S, Numbers

KILLS = drill_kills()


@pytest.fixture(scope="module")
def numbers() -> Numbers:
    """A cluster that was stopped may be started again at once, and what was begun is started soon."""
    return Numbers(policy=replace(POLICY, hold_s=0.1), schedules_s={**SCHEDULES_S, "MVDR_MIRROR_SCHEDULE": 0.5})


@pytest.fixture(scope="module")
def uninterrupted(rig: Rig) -> Mapping[str, object]:
    """What a drill leaves behind during which nothing was killed."""
    rig.everywhere(rig.with_task)
    asked_at = datetime.now(UTC)
    operation = carry_out(rig, UNTOUCHED)
    ended_by = datetime.now(UTC)
    state = {
        **drill_state(rig, operation, asked_at=asked_at),
        **evidence_of(rig, operation, asked_at=asked_at, ended_by=ended_by),
    }
    # Its part is over, and heartbeats cost time.
    rig.gateways(UNTOUCHED)[0].silence()
    return state


def test_every_gap_between_steps_and_every_effect_of_its_own_has_a_case() -> None:
    for step in STEPS:
        own = [kill for kill in KILLS if step_of(kill) == step.id]
        assert [kill.when for kill in own if not kill.point] == ["before", "returned"], step
        assert [kill.point for kill in own if kill.point] == [p.partition("#")[0] for p in INSIDE.get(step, ())]


def test_an_uninterrupted_drill_succeeds_and_leaves_nothing_behind(uninterrupted: Mapping[str, object]) -> None:
    assert uninterrupted["status"] == "succeeded", uninterrupted
    assert uninterrupted["DR cluster"] == ("Stopped", "Succeeded"), uninterrupted
    assert uninterrupted["running drill"] is None, uninterrupted
    assert uninterrupted["canary"] is None, uninterrupted
    assert uninterrupted["rotations"] == 1, uninterrupted
    assert uninterrupted["begun"] == [OperationKind.DRILL.value], uninterrupted
    assert uninterrupted["audited"] == ["drill.begun", "drill.succeeded"], uninterrupted


@pytest.mark.parametrize("kill", KILLS, ids=lambda kill: kill.name)
def test_a_drill_whose_host_is_killed_ends_as_the_uninterrupted_one(
    kill: Kill, rig: Rig, uninterrupted: Mapping[str, object]
) -> None:
    environment = kill.environment
    ready(rig, kill)
    before, former, asked_at = untouchable(rig, environment), last_drill(rig, environment), datetime.now(UTC)
    assert any('"pending"' in str(row) for row in before["tasks"]), before  # type: ignore[attr-defined]
    pid, deaths = rig.host.wait_until_it_serves(), rig.host.doom(kill.crash)
    request(rig, environment, deaths=deaths)
    rig.assert_it_died(kill, pid=pid, deaths=deaths)

    operation = ended(rig, environment, former)
    ended_by, told = datetime.now(UTC), f"{kill.name}\n{rig.story(environment)}"
    assert rig.orchestration_status(operation) == "Completed", told
    assert len(rig.host.deaths) == deaths + 1, told
    left = {
        **drill_state(rig, operation, asked_at=asked_at),
        **evidence_of(rig, operation, asked_at=asked_at, ended_by=ended_by),
    }
    assert left == uninterrupted, told
    assert untouchable(rig, environment) == before, told
    assert_nobody_shared_the_environment(rig, environment, told)
