"""The host is killed while a failover begins that nobody asked for, and between its steps: one failover comes of it.

As in test_kills, on the same real stores; what is asked here is an alert of Azure Monitor and the end of a pause.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from shared.domain.automatic import AUTOMATIC
from shared.domain.operations import Operation
from tests.e2e.kills.automatic import fall_silent, give_the_next_a_turn, let_it_begin, make_automatic, places, ready
from tests.e2e.kills.automatic_cases import BEGINNING, MONITOR, PLACE_TAKEN, STEPS, automatic_kills
from tests.e2e.kills.cases import UNTOUCHED, Kill, step_of
from tests.e2e.kills.evidence import evidence_of
from tests.e2e.kills.final_state import final_state
from tests.e2e.kills.holders import assert_nobody_shared_the_environment, assert_one_token_was_minted
from tests.e2e.kills.rig import Rig
from tests.e2e.kills.surroundings import POLICY, Numbers

KILLS = automatic_kills()


@pytest.fixture(scope="module")
def numbers() -> Numbers:
    """A place that was taken in vain holds its environment up for one cool-down; each has its turn again soon."""
    return Numbers(policy=replace(POLICY, auto_cool_down_s=1.0))


@pytest.fixture(scope="module")
def uninterrupted(rig: Rig) -> Mapping[str, object]:
    """What an automatic failover leaves behind during which nothing was killed."""
    rig.everywhere(lambda environment: make_automatic(rig, environment))
    before, asked_at = rig.lock(UNTOUCHED), datetime.now(UTC)
    let_it_begin(rig, UNTOUCHED)
    state = left_behind(rig, rig.ended(UNTOUCHED, before), asked_at)
    # Its part is over, and heartbeats cost time.
    fall_silent(rig, UNTOUCHED)
    return state


def test_every_effect_of_the_beginning_and_every_gap_between_steps_has_a_case() -> None:
    begun = [kill for kill in KILLS if kill.function == MONITOR]
    assert [(kill.point, kill.times) for kill in begun] == [
        (place.partition("#")[0], int(place.partition("#")[2] or 1)) for place in BEGINNING
    ]
    for step in STEPS:
        assert [kill.when for kill in KILLS if step_of(kill) == step.id][-1:] == ["returned"], step


def test_an_uninterrupted_automatic_failover_succeeds(uninterrupted: Mapping[str, object]) -> None:
    assert uninterrupted["status"] == "succeeded", uninterrupted
    assert uninterrupted["holder"] == "dr-standby", uninterrupted
    assert uninterrupted["requested by"] == [AUTOMATIC], uninterrupted
    assert uninterrupted["audited"] == ["failover.begun", "lock.moved", "failover.succeeded"], uninterrupted
    assert len(uninterrupted["told"]) == len(STEPS) + 1, uninterrupted  # type: ignore[arg-type]


@pytest.mark.parametrize("kill", KILLS, ids=lambda kill: kill.name)
def test_an_automatic_failover_whose_host_is_killed_is_the_one_that_begins_and_ends_well(
    kill: Kill, rig: Rig, uninterrupted: Mapping[str, object]
) -> None:
    environment = kill.environment
    ready(rig, environment)
    before, asked_at, pid = rig.lock(environment), datetime.now(UTC), rig.host.wait_until_it_serves()
    deaths = rig.host.doom(kill.crash)
    let_it_begin(rig, environment)
    rig.assert_it_died(kill, pid=pid, deaths=deaths)

    operation = rig.ended(environment, before)
    told = f"{kill.name}\n{rig.story(environment)}"
    assert rig.orchestration_status(operation) == "Completed", told
    assert len(rig.host.deaths) == deaths + 1, told
    assert left_behind(rig, operation, asked_at) == uninterrupted, told
    assert_one_token_was_minted(rig, environment, before, told)
    assert_nobody_shared_the_environment(rig, environment, told)
    assert_its_place_was_counted_once(rig, operation, told, in_vain=kill.point == PLACE_TAKEN)
    give_the_next_a_turn(rig, environment)


def left_behind(rig: Rig, operation: Operation, asked_at: datetime) -> dict[str, object]:
    """Return how an automatic failover ended, who began what since it could begin, and what reports tell of it."""
    ended_by, environment = datetime.now(UTC), operation.request.environment
    newest = rig.stores.operations.list(environment, limit=10)
    begun = [one.request.requested_by for one in newest if one.request.requested_at >= asked_at]
    return {
        **final_state(rig, environment, operation),
        "requested by": begun,
        **evidence_of(rig, operation, asked_at=asked_at, ended_by=ended_by),
    }


def assert_its_place_was_counted_once(rig: Rig, operation: Operation, told: str, *, in_vain: bool) -> None:
    """The failover had one place and has left it; its cool-down counts from its own beginning.

    One that was taken `in_vain`, by a host that died before it registered the operation, is free as well: the lock is
    at another version than it was taken for.
    """
    stored = rig.stores.automatic.read()
    assert stored is not None, told
    environment = operation.request.environment
    had = [run.operation_id for run in stored.value.running if run.environment == environment]
    assert had[-1:] == [operation.request.id], f"{stored.value}\n{told}"
    assert len(had) == (2 if in_vain else 1), f"{stored.value}\n{told}"
    assert stored.value.last_began[environment] == operation.request.requested_at, told
    assert places(rig) == [], told
